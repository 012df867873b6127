//! What each executor of a worker runs: a server, the keepers of its pools, and the worker's duties on the first.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_lite::future;
use smol::channel::{Receiver, Sender};
use tokio_postgres::Config;

use super::Error;
use super::duty;
use super::scoreboard::{Database, Field};
use super::signals::Signals;
use super::worker::Worker;
use crate::app::App;
use crate::endpoint::{self, Service};
use crate::runtime::{self, Program, Spawn};
use crate::server::{self, Server};

/// How often an executor is woken if nothing else does that: its turn is the sign that it moves.
const HEARTBEAT: Duration = Duration::from_millis(500);

/// The program of all executors of a worker.
pub(super) struct Seats<'a> {
    worker: &'a Worker,
    app: Arc<App>,
    config: &'a Config,
    /// Taken by the first seat.
    signals: Mutex<Option<Signals>>,
    /// Seats that do not serve yet.
    preparing: AtomicUsize,
    /// Seats that have not ended.
    serving: AtomicUsize,
    /// Closed when all have.
    ended: (Sender<()>, Receiver<()>),
}

impl<'a> Seats<'a> {
    pub(super) fn new(
        worker: &'a Worker,
        app: Arc<App>,
        config: &'a Config,
        signals: Signals,
    ) -> Self {
        let count = worker.layout.seats();
        Seats {
            worker,
            app,
            config,
            signals: Mutex::new(Some(signals)),
            preparing: AtomicUsize::new(count),
            serving: AtomicUsize::new(count),
            ended: smol::channel::bounded(1),
        }
    }

    /// Tells of this seat until it ends: that it serves, then that it moves.
    async fn tell(&self, seat: usize, database: &endpoint::Database) {
        let Worker { clock, row, .. } = self.worker;
        // Without its database a worker serves as well: requests are told that it is away.
        for pool in database.pools() {
            let _away = pool.connected().await;
        }
        let state = || match database.pools().all(|pool| pool.is_ready()) {
            _ if database.pools().next().is_none() => Database::None,
            true => Database::Ok,
            false => Database::Away,
        };
        let mut serves = false;
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
        let (database, keepers) =
            self.app
                .database(self.config, worker.db_connections, &worker.clock);
        let service = Arc::new(Service {
            database,
            drain: worker.drain.clone(),
        });
        let server = Server::new(
            self.app.clone(),
            service.clone(),
            worker.clock.clone(),
            worker.settings,
        );
        let server = server
            .counted_by(worker.tally.clone())
            .abandoned_when(worker.abandoned.clone());
        let server = Arc::new(server);
        let serving = async {
            let cut = server::serve(server, worker.listeners(seat), spawn.clone())
                .await
                .map_err(Error::from);
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
        let telling = async {
            self.tell(seat, &service.database).await;
            unreachable!("a heartbeat has no end")
        };
        let signals = self
            .signals
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        match signals {
            Some(signals) => {
                let obeying = async {
                    duty::obey(signals, worker).await?;
                    unreachable!("obeying has no end")
                };
                // A second signal, and the end of the time to finish, are for the other seats too.
                let all_served = async {
                    let cut = served.await;
                    let _closed = self.ended.1.recv().await;
                    cut
                };
                future::or(future::or(all_served, obeying), telling).await
            }
            None => future::or(served, telling).await,
        }
    }
}
