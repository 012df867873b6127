//! HUP to a worker that serves alone, or an edit that it watches for: its application is made again and takes the old
//! one's place between two requests.
//!
//! ```text
//! HUP → the application, made on another thread → its pools, connected in every seat → the swap, in all seats
//! ```
//!
//! The old application answers until the new one can, and goes on if it cannot. A request finishes with the one that it
//! began with; the last of them closes the old pools. What is read again is all there is to read except what listens:
//! sockets, limits and the layout stay, and so does every connection of a client.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use futures_lite::future;
use smol::channel::Receiver;

use super::scoreboard::{Field, Header};
use super::seats::Seats;
use crate::app::Api;
use crate::observe::{self, Event};
use crate::pg::{Config, Pool};
use crate::runtime::TICK;

/// For a new application to be ready. A statement on a table that somebody has locked is not prepared before that ends.
const LIMIT: Duration = Duration::from_secs(30);

/// Makes the application and says where its database is; for a thread that may be blocked. Given up when the channel is
/// closed.
pub(super) type Make = Arc<dyn Fn(&Receiver<()>) -> anyhow::Result<(Api, Config)> + Send + Sync>;

pub(super) fn make(
    make: impl AsyncFn() -> anyhow::Result<(Api, Config)> + Send + Sync + 'static,
) -> Make {
    Arc::new(move |given_up| {
        let until_given_up = async {
            let _closed = given_up.recv().await;
            bail!("nobody waits for it any more")
        };
        let made = || async_io::block_on(future::or(make(), until_given_up));
        // What the panic was about has been said where panics are reported.
        catch_unwind(AssertUnwindSafe(made)).unwrap_or_else(|_| bail!("making it panicked"))
    })
}

impl Seats<'_> {
    /// Reloads whenever it is asked for; what comes meanwhile is one more. Never ends.
    pub(super) async fn follow_reloads(&self) {
        let worker = self.worker;
        while self.are_preparing() {
            worker.clock.sleep(TICK).await;
        }
        while worker.asked.1.recv().await.is_ok() {
            worker.tell_reloading();
            observe::emit(&Event::Reloading);
            let generation = worker.row.get(Field::Generation);
            match self.reload().await {
                Ok(()) => {
                    let generation = generation + 1;
                    worker.row.set(Field::Generation, generation);
                    worker.scoreboard.set(Header::Generation, generation);
                    observe::emit(&Event::Reloaded { generation });
                }
                Err(error) => observe::emit(&Event::ReloadRefused {
                    generation,
                    reason: format!("{error:#}"),
                }),
            }
            worker.tell_reloaded();
        }
    }

    async fn reload(&self) -> anyhow::Result<()> {
        let Some(make) = &self.worker.make else {
            bail!("this program cannot make its application again (it needs Worker::reload_with)");
        };
        let mut deadline = self.worker.clock.deadline();
        deadline.arm(LIMIT);
        let reloaded = async {
            let reloaded = deadline.race(self.swap(make.clone())).await;
            reloaded.with_context(|| {
                let limit = LIMIT.as_secs();
                format!("it was not ready within {limit} s; is a table locked?")
            })?
        };
        let stopped = async {
            self.worker.drain.started().await;
            bail!("the server is stopping")
        };
        future::or(stopped, reloaded).await
    }

    async fn swap(&self, make: Make) -> anyhow::Result<()> {
        let worker = self.worker;
        // Held until it is made: dropped before, it tells that nobody waits.
        let (_waiting, given_up) = smol::channel::bounded(1);
        let (api, config) = smol::unblock(move || make(&given_up)).await?;
        let api = worker.with_entrances(api);
        let seats = self.seats.iter();
        let services: Vec<_> = seats
            .map(|seat| seat.share(worker, &api, &config))
            .collect();
        for service in &services {
            for pool in service.database.pools() {
                connected(pool).await?;
            }
        }
        for (seat, service) in self.seats.iter().zip(services) {
            seat.server.swap(api.clone(), service);
        }
        Ok(())
    }
}

/// Waits until requests would find a connection in `pool`.
async fn connected(pool: &Pool) -> anyhow::Result<()> {
    while !pool.connected().await {
        if let Some(reason) = pool.outage() {
            bail!("its database cannot be used: {reason}");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::App;

    #[test]
    fn what_panics_or_hangs_is_an_error() {
        let (waiting, given_up) = smol::channel::bounded(1);
        let made = make(async || panic!("on purpose"))(&given_up);
        assert_eq!(made.err().unwrap().to_string(), "making it panicked");
        drop(waiting);
        assert!(make(async || future::pending().await)(&given_up).is_err());
        assert!(make(async || Ok((App::new().api(None)?, Config::new())))(&given_up).is_ok());
    }
}
