//! A worker: from settings to served addresses, until it is told to end.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_executor::Executor;
use futures_lite::future;
use smol::channel::{Receiver, Sender};

use super::edits::Edits;
use super::place::{Place, Supervision};
use super::scoreboard::{Field, Header, Row, Scoreboard, Stage};
use super::seats::Seats;
use super::signals::Signals;
use super::swap::{self, Make};
use super::systemd::Systemd;
use super::{Error, descriptors, ring, watch};
use crate::app::{Api, Pools};
use crate::config::Serve;
use crate::lock::lock;
use crate::metrics::Metrics;
use crate::observe::{self, Event};
use crate::panics;
use crate::pg::Config;
use crate::runtime::{self, Clock, Drain, ExecutorKind, Layout, Program, Turn};
use crate::sentry::Sentry;
use crate::server::{Abandoned, Entrance, Listener, Settings, Tally};

/// For what Sentry is still to be told when everything else is done.
const FAREWELL: Duration = Duration::from_millis(1500);

/// Everything that the executors of one process share.
pub struct Worker {
    /// The listeners of each seat, until it takes them.
    listeners: Mutex<Vec<Vec<Listener>>>,
    /// What to call them.
    public: Option<String>,
    admin: Option<String>,
    pub(super) scoreboard: Arc<Scoreboard>,
    pub(super) row: Row,
    /// Where it counts.
    pub(super) metrics: Metrics,
    pub(super) supervisor: Option<Supervision>,
    /// Whom it tells how it is, if it has no supervisor.
    pub(super) systemd: Option<Mutex<Systemd>>,
    pub(super) abandoned: Abandoned,
    pub(super) layout: Layout,
    pub(super) settings: Settings,
    pub(super) tally: Tally,
    /// Closed when it has answered as many requests as it may.
    pub(super) worn_out: Receiver<()>,
    /// Closed when it is to finish, by who has it serve without signals.
    pub(super) stop: (Sender<()>, Receiver<()>),
    /// How its application is made again, if it can be.
    pub(super) make: Option<Make>,
    /// A reload has been asked for and has not begun yet: one, however often.
    pub(super) asked: (Sender<()>, Receiver<()>),
    /// Who asks for one when files are edited, until the first seat takes it.
    pub(super) edits: Mutex<Option<Edits>>,
    /// For requests in flight when it ends.
    pub(super) graceful: Duration,
    /// Before that, for load balancers to notice.
    pub(super) drain_delay: Duration,
    /// Of each seat.
    pub(super) pools: Pools,
    /// Where failures are reported to, beside the log.
    pub(super) sentry: Option<Sentry>,
    stall_threshold: Duration,
    pub(super) clock: Clock,
    pub(super) drain: Drain,
}

impl Worker {
    /// The worker in this place.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn new(config: &Serve, place: Place, clock: &Clock) -> Result<Worker, Error> {
        panics::install();
        let sentry = config.sentry.as_ref();
        let tags = [("worker", place.slot().to_string())];
        let sentry = sentry
            .map(|settings| Sentry::start(settings, &tags, watch::count_outcomes(&place.metrics)));
        let sentry = sentry.transpose().map_err(Error::System)?;
        sentry.iter().for_each(watch::report_failures);
        let Place {
            scoreboard,
            row,
            metrics,
            sockets,
            supervisor,
        } = place;
        let count = config.layout.seats();
        let db_connections = config.db_connections.div_ceil(count);
        let (public, admin) = (
            sockets.names(Entrance::Public),
            sockets.names(Entrance::Admin),
        );
        let settings = share_of_a_seat(config, db_connections, admin.is_some());
        let (requests, connections) = (row.word(Field::Requests), row.word(Field::Connections));
        let (tally, worn_out) = Tally::new(requests, connections, config.last_request());
        let scoreboard = Arc::new(scoreboard);
        let activated = sockets.activated;
        let directory = config.files.directory().filter(|_| config.reload);
        let edits = directory.map(Edits::watch).transpose();
        let edits = edits.map_err(Error::System)?;
        Ok(Worker {
            listeners: Mutex::new(sockets.deal(count)?),
            public,
            admin,
            abandoned: {
                let scoreboard = scoreboard.clone();
                Arc::new(move || !activated && scoreboard.get(Header::Stopping) == 1)
            },
            scoreboard,
            row,
            metrics,
            systemd: supervisor.is_none().then(|| Mutex::new(Systemd::new())),
            supervisor,
            layout: config.layout,
            settings,
            tally,
            worn_out,
            stop: smol::channel::bounded(1),
            make: None,
            asked: smol::channel::bounded(1),
            edits: Mutex::new(edits),
            graceful: config.graceful,
            drain_delay: config.drain_delay,
            pools: Pools {
                connections: db_connections,
                slow_query: config.slow_query,
                names_requests: config.db_request_id,
            },
            sentry,
            stall_threshold: config.stall_threshold,
            clock: clock.clone(),
            drain: Drain::new(clock),
        })
    }

    /// How to make the application again when a signal (HUP) asks for it: as for [`Worker::run`], the application and its
    /// database. It is called on a thread of its own, which it may block, and dropped when the worker is stopped. Once
    /// the database can be reached, the new application answers every request that begins from then on, on connections
    /// that are open too, and those that had begun finish with the old one. On an error, which the log names, or
    /// without this, the old one goes on.
    ///
    /// Not for a worker that has a supervisor, which makes new workers instead.
    pub fn reload_with(
        mut self,
        make: impl AsyncFn() -> anyhow::Result<(Api, Config)> + Send + Sync + 'static,
    ) -> Worker {
        self.make = Some(swap::make(make));
        self
    }

    /// Serves `api` on the database of `config` until a signal ends it. Of an application without SQL nothing connects,
    /// whatever `config` says. With a listener for operators the application is [split](Api::split).
    ///
    /// # Errors
    /// See [`Error`].
    pub fn run(&self, api: Api, config: &Config) -> Result<(), Error> {
        let signals = Signals::listen()?;
        let api = self.with_entrances(api);
        if self.supervisor.is_none() {
            self.announce(&api);
        }
        self.row.set(
            Field::Shared,
            (self.layout.executor == ExecutorKind::Shared).into(),
        );
        self.row.set(Field::Threads, self.layout.threads as u64);
        let turns: Vec<Turn> = self.row.turns().take(self.layout.threads).collect();
        let seats = Seats::new(self, &api, config, signals);
        let monitor = watch::monitor(
            self.stall_threshold,
            self.sentry.as_ref(),
            &self.metrics,
            &self.scoreboard,
        )?;
        let cut = runtime::run(self.layout, &turns, monitor.as_ref(), &seats)?;
        drop(monitor);
        let cut = cut.into_iter().sum::<Result<usize, Error>>()?;
        self.farewell(cut);
        Ok(())
    }

    /// `api` for the entrances that there are.
    pub(super) fn with_entrances(&self, api: Api) -> Arc<Api> {
        Arc::new(match &self.admin {
            Some(_) => api.split(),
            None => api,
        })
    }

    /// Serves `api` on the database of `config` until `shutdown` is done, on whichever executor polls this; nothing is heard
    /// of signals, and nothing said to systemd.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn serve_until(
        self,
        api: Api,
        config: &Config,
        shutdown: impl Future<Output = ()>,
    ) -> Result<(), Error> {
        let worker = Worker {
            systemd: None,
            ..self
        };
        let api = worker.with_entrances(api);
        worker.announce(&api);
        let seats = Seats::new(&worker, &api, config, Signals::ignore()?);
        let executor = Arc::new(Executor::new());
        let telling = async {
            shutdown.await;
            worker.stop.0.close();
            future::pending().await
        };
        let serving = executor.run(seats.run(0, executor.clone()));
        let cut = future::or(serving, telling).await?;
        worker.farewell(cut);
        Ok(())
    }

    /// What is still to be said when nothing is served any more.
    fn farewell(&self, cut: usize) {
        if cut > 0 {
            observe::emit(&Event::DrainCut { connections: cut });
        }
        if let Some(sentry) = &self.sentry {
            sentry.close(FAREWELL);
        }
        if self.supervisor.is_none() {
            observe::emit(&Event::Stopped);
        }
    }

    /// Says where it listens. A supervisor does so for all its workers.
    fn announce(&self, api: &Api) {
        if let Some(address) = self.admin.clone() {
            observe::emit(&Event::Admin { address });
        }
        if let Some(address) = self.public.clone() {
            observe::emit(&Event::Listening {
                address,
                routes: api.routes(),
                layout: self.layout.to_string(),
            });
        }
    }

    /// Has everything read again.
    pub(super) fn ask_for_reload(&self) {
        // Full: one that has not begun yet will see what there is then.
        let _asked = self.asked.0.try_send(());
    }

    /// The listeners of a seat, which takes them.
    pub(super) fn listeners(&self, seat: usize) -> Vec<Listener> {
        let mut listeners = lock(&self.listeners);
        listeners
            .get_mut(seat)
            .map(std::mem::take)
            .unwrap_or_default()
    }

    /// Goes on to `stage`, and has the supervisor know.
    pub(super) fn advance(&self, stage: Stage) {
        self.row.advance(stage);
        if let Some(supervisor) = &self.supervisor {
            ring(&supervisor.bell);
        }
    }
}

/// The limits of one seat: the places are the process's, divided among its seats.
fn share_of_a_seat(config: &Serve, db_connections: usize, has_admin: bool) -> Settings {
    let count = config.layout.seats();
    let mut settings = config.settings.clone();
    settings.admin_connections = settings.admin_connections.div_ceil(count);
    let operators = match has_admin {
        true => settings.admin_connections * count,
        false => 0,
    };
    let room = descriptors::room_for_clients(count, db_connections, operators);
    let connections = match settings.connections {
        0 => room,
        asked => asked.min(room),
    };
    settings.connections = connections.div_ceil(count);
    settings
}
