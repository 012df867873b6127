//! What each executor of a worker runs: a server, the keepers of its pools, and the worker's duties on the first.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_lite::future;
use smol::channel::{Receiver, Sender};

use super::Error;
use super::duty;
use super::exposed::{self, Usage};
use super::scoreboard::{Database, Field};
use super::signals::Signals;
use super::worker::Worker;
use crate::app::Api;
use crate::client::Client;
use crate::endpoint::Service;
use crate::lock::lock;
use crate::pg::{self, Config, Keeper};
use crate::runtime::{Program, Spawn};
use crate::server::{self, Server};

/// How often an executor is woken if nothing else does that: its turn is the sign that it moves.
const HEARTBEAT: Duration = Duration::from_millis(500);

/// The program of all executors of a worker.
pub(super) struct Seats<'a> {
    pub(super) worker: &'a Worker,
    pub(super) seats: Vec<Seat>,
    /// Taken by the first seat.
    signals: Mutex<Option<Signals>>,
    /// Seats that do not serve yet.
    preparing: AtomicUsize,
    /// Seats that have not ended.
    serving: AtomicUsize,
    /// Closed when all have.
    ended: (Sender<()>, Receiver<()>),
}

/// One executor's server, and the way to have it keep further pools.
pub(super) struct Seat {
    pub(super) server: Arc<Server>,
    keepers: (Sender<Keeper>, Receiver<Keeper>),
}

impl Seat {
    fn new(worker: &Worker, api: &Arc<Api>, config: &Config) -> Seat {
        let keepers = smol::channel::unbounded();
        let service = share(worker, api, config, &keepers.0);
        let (api, clock) = (api.clone(), worker.clock.clone());
        let server = Server::new(api, service, clock, worker.settings.clone())
            .counted_by(worker.tally.clone())
            .counting_in(worker.metrics.clone())
            .abandoned_when(worker.abandoned.clone());
        Seat {
            server: Arc::new(server),
            keepers,
        }
    }

    /// Its share of `api`, whose pools are connected as long as the seat runs and somebody has it.
    pub(super) fn share(&self, worker: &Worker, api: &Api, config: &Config) -> Arc<Service> {
        share(worker, api, config, &self.keepers.0)
    }
}

fn share(worker: &Worker, api: &Api, config: &Config, keep: &Sender<Keeper>) -> Arc<Service> {
    let (database, keepers) = api.database(config, worker.pools, &worker.metrics, &worker.clock);
    for keeper in keepers {
        // Refused at the seat's end, when nobody connects any more.
        let _ended = keep.try_send(keeper);
    }
    Arc::new(Service {
        database,
        client: Client::new(&worker.clock),
        drain: worker.drain.clone(),
        sentry: worker.sentry.clone(),
        expose: {
            let scoreboard = worker.scoreboard.clone();
            Arc::new(move || exposed::sources(&scoreboard))
        },
    })
}

impl<'a> Seats<'a> {
    pub(super) fn new(
        worker: &'a Worker,
        api: &Arc<Api>,
        config: &Config,
        signals: Signals,
    ) -> Self {
        let count = worker.layout.seats();
        Seats {
            worker,
            seats: (0..count).map(|_| Seat::new(worker, api, config)).collect(),
            signals: Mutex::new(Some(signals)),
            preparing: AtomicUsize::new(count),
            serving: AtomicUsize::new(count),
            ended: smol::channel::bounded(1),
        }
    }

    /// Whether seats do not serve yet.
    pub(super) fn are_preparing(&self) -> bool {
        self.preparing.load(Ordering::Acquire) > 0
    }

    /// Tells of this seat until it ends: that it serves, then that it moves.
    async fn tell(&self, seat: usize) {
        let Worker { clock, row, .. } = self.worker;
        let server = &self.seats[seat].server;
        // Without its database a worker serves as well: requests are told that it is away.
        for pool in server.generation().service.database.pools() {
            let _away = pool.connected().await;
        }
        let state = || {
            let database = &server.generation().service.database;
            match database.pools().all(|pool| pool.is_ready()) {
                _ if database.pools().next().is_none() => Database::None,
                true => Database::Ok,
                false => Database::Away,
            }
        };
        let mut serves = false;
        // One seat for all executors.
        let mut usage = (seat == 0).then(|| Usage::new(&self.worker.metrics));
        loop {
            // All seats have the same database: one tells of it.
            if seat == 0 {
                row.set(Field::Database, state() as u64);
            }
            if !std::mem::replace(&mut serves, true)
                && self.preparing.fetch_sub(1, Ordering::AcqRel) == 1
            {
                self.worker.serves();
            }
            if seat == 0 {
                self.worker.tell_how_it_is();
            }
            usage.iter_mut().for_each(Usage::count);
            clock.sleep(HEARTBEAT).await;
        }
    }
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
        let worker = self.worker;
        let seated = Seated(self);
        let Seat { server, keepers } = &self.seats[seat];
        let serving = async {
            let listeners = worker.listeners(seat);
            let cut = server::serve(server.clone(), listeners, spawn.clone()).await;
            keepers.0.close();
            cut.map_err(Error::from)
        };
        let keeping = pg::keep(keepers.1.clone(), spawn.clone());
        let served = async {
            let (cut, ()) = future::zip(serving, keeping).await;
            drop(seated);
            cut
        };
        let telling = async {
            self.tell(seat).await;
            unreachable!("a heartbeat has no end")
        };
        let signals = lock(&self.signals).take();
        match signals {
            Some(signals) => {
                let obeying = async {
                    duty::obey(signals, worker).await?;
                    unreachable!("obeying has no end")
                };
                let reloading = async {
                    future::or(self.follow_reloads(), self.follow_edits()).await;
                    unreachable!("there may always be another")
                };
                // A second signal, and the end of the time to finish, are for the other seats too.
                let all_served = async {
                    let cut = served.await;
                    let _closed = self.ended.1.recv().await;
                    cut
                };
                let duties = future::or(obeying, reloading);
                future::or(future::or(all_served, duties), telling).await
            }
            None => future::or(served, telling).await,
        }
    }
}
