//! A worker: from settings to a served address, until a signal.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_lite::future;
use smol::channel::{Receiver, Sender};
use tokio_postgres::Config;

use super::{descriptors, signals};
use crate::app::App;
use crate::config::Serve;
use crate::endpoint::Service;
use crate::observe::{self, Event};
use crate::runtime::{self, Clock, Drain, ExecutorKind, Layout, Program, Spawn};
use crate::server::{self, Abandoned, Entrance, Listener, Server, Settings};

/// Why a worker did not come to serve.
#[derive(Debug)]
pub enum Error {
    /// It cannot listen.
    Bind(anyhow::Error),
    /// The system refuses a thread, a signal handler or the like.
    System(std::io::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Bind(error) => error.fmt(f),
            Error::System(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Bind(error) => error.source(),
            Error::System(error) => error.source(),
        }
    }
}

/// Everything that the executors of one process share.
pub struct Worker {
    /// The listeners of each seat, until it takes them.
    seats: Mutex<Vec<Vec<Listener>>>,
    layout: Layout,
    settings: Settings,
    graceful: Duration,
    db_connections: usize,
    abandoned: Abandoned,
    clock: Clock,
    drain: Drain,
}

impl Worker {
    /// Takes the addresses: from here on clients can connect; they are answered when [`Worker::run`] runs.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn bind(config: &Serve, clock: &Clock) -> Result<Worker, Error> {
        let seats = bind(config).map_err(Error::Bind)?;
        Ok(Worker::new(config, seats, clock))
    }

    /// With listeners that are open already, those of each seat; the addresses of `config` do not matter.
    pub fn new(config: &Serve, seats: Vec<Vec<Listener>>, clock: &Clock) -> Worker {
        let count = config.layout.seats();
        let db_connections = config.db_connections.div_ceil(count);
        let mut settings = config.settings;
        // The places are the process's, divided among its seats.
        settings.admin_connections = settings.admin_connections.div_ceil(count);
        let operators = match has_admin(&seats) {
            true => settings.admin_connections * count,
            false => 0,
        };
        let room = descriptors::room_for_clients(count, db_connections, operators);
        let connections = if settings.connections == 0 {
            room
        } else {
            settings.connections.min(room)
        };
        settings.connections = connections.div_ceil(count);
        Worker {
            seats: Mutex::new(seats),
            layout: config.layout,
            settings,
            graceful: config.graceful,
            db_connections,
            abandoned: Arc::new(|| false),
            clock: clock.clone(),
            drain: Drain::new(clock),
        }
    }

    /// Asks this when the drain begins: if so, those who wait at [kept](Listener::kept) listeners are let in first.
    pub fn abandoned_when(self, abandoned: Abandoned) -> Worker {
        Worker { abandoned, ..self }
    }

    /// Serves `app` on the database of `config` until a signal ends it. Of an application without SQL nothing connects,
    /// whatever `config` says. With a listener for operators the application is [split](App::split).
    ///
    /// # Errors
    /// See [`Error`].
    pub fn run(&self, app: App, config: &Config) -> Result<(), Error> {
        let signals = signals::listen().map_err(Error::System)?;
        let app = match has_admin(&self.seats()) {
            true => app.split(),
            false => app,
        };
        self.announce(&app);
        let seats = Seats {
            worker: self,
            app: Arc::new(app),
            config,
            signals: Mutex::new(Some(signals)),
            serving: AtomicUsize::new(self.layout.seats()),
            ended: smol::channel::bounded(1),
        };
        let cut = runtime::run(self.layout, &seats).map_err(Error::System)?;
        let cut = cut.into_iter().sum::<Result<usize, Error>>()?;
        if cut > 0 {
            observe::emit(&Event::DrainCut { connections: cut });
        }
        observe::emit(&Event::Stopped);
        Ok(())
    }

    /// Says where it listens.
    fn announce(&self, app: &App) {
        let seats = self.seats();
        let address = |entrance| {
            let of_entrance = |listener: &&Listener| listener.entrance() == entrance;
            let mut names: Vec<&str> = Vec::new();
            for listener in seats.iter().flatten().filter(of_entrance) {
                if !names.contains(&listener.name()) {
                    names.push(listener.name());
                }
            }
            (!names.is_empty()).then(|| names.join(", "))
        };
        if let Some(address) = address(Entrance::Admin) {
            observe::emit(&Event::Admin { address });
        }
        if let Some(address) = address(Entrance::Public) {
            observe::emit(&Event::Listening {
                address,
                routes: app.routes(),
                layout: describe(self.layout),
            });
        }
    }

    fn seats(&self) -> std::sync::MutexGuard<'_, Vec<Vec<Listener>>> {
        self.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Opens the addresses of `config`, for each seat.
fn bind(config: &Serve) -> anyhow::Result<Vec<Vec<Listener>>> {
    let mut seats: Vec<Vec<Listener>> = Vec::new();
    seats.resize_with(config.layout.seats(), Vec::new);
    for address in &config.bind {
        let opened = server::bind(address, Entrance::Public, seats.len(), false)?;
        server::seat(opened, &mut seats)?;
    }
    for address in &config.admin {
        let opened = server::bind(address, Entrance::Admin, 1, false)?;
        server::seat(opened, &mut seats)?;
    }
    Ok(seats)
}

fn has_admin(seats: &[Vec<Listener>]) -> bool {
    let mut listeners = seats.iter().flatten();
    listeners.any(|listener| listener.entrance() == Entrance::Admin)
}

/// What each executor of the worker runs.
struct Seats<'a> {
    worker: &'a Worker,
    app: Arc<App>,
    config: &'a Config,
    /// Taken by the first seat.
    signals: Mutex<Option<async_signal::Signals>>,
    /// Seats that still serve.
    serving: AtomicUsize,
    /// Closed when none does.
    ended: (Sender<()>, Receiver<()>),
}

/// A seat's part in [`Seats::serving`].
struct Seated<'a>(&'a Seats<'a>);

impl Drop for Seated<'_> {
    fn drop(&mut self) {
        if self.0.serving.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.ended.0.close();
        }
    }
}

impl Program for Seats<'_> {
    /// How many connections were cut.
    type Output = Result<usize, Error>;

    async fn run<S: Spawn>(&self, seat: usize, spawn: S) -> Result<usize, Error> {
        let Worker {
            clock,
            drain,
            settings,
            abandoned,
            ..
        } = self.worker;
        let seated = Seated(self);
        let listeners = self.worker.seats().get_mut(seat).map(std::mem::take);
        let (database, keepers) = self
            .app
            .database(self.config, self.worker.db_connections, clock);
        let service = Arc::new(Service {
            database,
            drain: drain.clone(),
        });
        let server = Server::new(self.app.clone(), service.clone(), clock.clone(), *settings);
        let server = Arc::new(server.abandoned_when(abandoned.clone()));
        let serving = async {
            let cut = server::serve(server, listeners.unwrap_or_default(), spawn.clone())
                .await
                .map_err(Error::System);
            for pool in service.database.pools() {
                pool.close();
            }
            cut
        };
        let keeping = async {
            let keepers = keepers
                .into_iter()
                .map(|keeper| keeper.run(spawn.clone()))
                .collect();
            runtime::join_all(keepers).await
        };
        let served = async {
            let (cut, _kept) = future::zip(serving, keeping).await;
            drop(seated);
            cut
        };
        let signals = self
            .signals
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        match signals {
            Some(signals) => {
                let obeying = async {
                    signals::obey(signals, drain, clock, self.worker.graceful).await;
                    unreachable!("obeying signals has no end")
                };
                // A second signal, and the end of the time to finish, are for the other seats too.
                let all_served = async {
                    let cut = served.await;
                    let _closed = self.ended.1.recv().await;
                    cut
                };
                future::or(all_served, obeying).await
            }
            None => served.await,
        }
    }
}

fn describe(layout: Layout) -> String {
    let kind = match layout.executor {
        ExecutorKind::Local => "local",
        ExecutorKind::Shared => "shared",
    };
    format!(
        "{} thread{} ({kind})",
        layout.threads,
        if layout.threads == 1 { "" } else { "s" }
    )
}
