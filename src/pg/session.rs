//! The tasks behind a pool: a keeper that takes orders, a session per connection, a reaper per abandoned query.
//!
//! A *session* is a connection's life: connect, prepare everything, serve, end; on failure wait (0.1 s doubling to
//! 1 s, with jitter so that workers do not come back in step) and begin again while the pool needs it.

use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_lite::future;
use smol::channel::Receiver;
use tokio_postgres::{AsyncMessage, NoTls};

use super::connect::{self, Driver, Opened};
use super::connection::Connection;
use super::placement::Outage;
use super::pool::{Abandoned, Pool, Shared};
use super::stream::Stream;
use crate::observe::{self, Event};
use crate::runtime::Spawn;

/// Before the second attempt to connect; doubles with each failure.
const BACKOFF_FIRST: Duration = Duration::from_millis(100);
/// The longest pause between attempts: a database that is back is used within a second.
const BACKOFF_LAST: Duration = Duration::from_secs(1);
/// For sending a cancellation, and again for its effect; then the connection is given up.
const CANCEL_LIMIT: Duration = Duration::from_secs(2);

/// For connections to say goodbye when the pool is closed.
const FAREWELL_LIMIT: Duration = Duration::from_secs(1);

/// What the keeper is asked to do.
pub(super) enum Order {
    /// Open one more connection; counted in `State::opening` already.
    Open,
    /// See an abandoned query to its end.
    Reap(Abandoned),
}

/// Starts a pool's tasks as they are needed.
pub struct Keeper {
    pool: Pool,
    orders: Receiver<Order>,
}

impl Keeper {
    pub(super) fn new(pool: Pool, orders: Receiver<Order>) -> Keeper {
        Keeper { pool, orders }
    }

    /// Opens the pool's connections and takes care of them until the pool is closed. Runs beside whoever uses
    /// the pool, on the executor that `spawn` stands for.
    pub async fn run<S: Spawn>(self, spawn: S) {
        let Keeper {
            pool: Pool(shared),
            orders,
        } = self;
        // Every session holds a sender: the channel closes with the last of them.
        let (alive, ended) = smol::channel::bounded::<()>(1);
        let begin = |shared: &Arc<Shared>| {
            let (shared, alive) = (shared.clone(), alive.clone());
            spawn.spawn(async move {
                session(shared).await;
                drop(alive);
            });
        };
        let missing = {
            let mut state = shared.state();
            let missing = shared.options.min.saturating_sub(state.size());
            state.opening += missing;
            missing
        };
        for _ in 0..missing {
            begin(&shared);
        }
        while let Ok(order) = orders.recv().await {
            match order {
                Order::Open => begin(&shared),
                Order::Reap(abandoned) => spawn.spawn(reap(abandoned)),
            }
        }
        drop(alive);
        let mut deadline = shared.clock.deadline();
        deadline.arm(FAREWELL_LIMIT);
        let _ended = deadline.race(ended.recv()).await;
    }
}

/// The life of one connection, and of those that take its place.
async fn session(shared: Arc<Shared>) {
    let mut failures = 0;
    loop {
        let again = match live(&shared).await {
            Ok(again) => {
                failures = 0;
                again
            }
            Err(error) => {
                let pause = backoff(failures);
                failures += 1;
                note_failure(&shared, &error, pause);
                shared.clock.sleep(pause).await;
                shared.state().try_again(shared.options.min)
            }
        };
        if !again {
            return;
        }
    }
}

/// Connects, serves until the connection ends. Says whether another should take its place.
async fn live(shared: &Arc<Shared>) -> anyhow::Result<bool> {
    let config = &shared.options.config;
    let Opened {
        client,
        driver,
        origin,
    } = connect::connect(config, &shared.clock).await?;
    let mut driving = pin!(drive(driver));
    let preparing = Connection::prepare(client, origin, shared.queries.clone());
    let prepared = future::or(async { Ok(preparing.await) }, async {
        Err(driving.as_mut().await)
    });
    let connection = prepared.await.map_err(|end| match end {
        Some(error) => anyhow::Error::from(error),
        None => anyhow::anyhow!("the connection was closed while statements were prepared"),
    })?;
    // Only the pool holds it from here on: when the pool lets go, the driver says goodbye and ends.
    let added = shared.state().add(Arc::new(connection), Instant::now());
    let Some((id, recovered)) = added else {
        return Ok(false);
    };
    if recovered {
        observe::emit(&Event::DatabaseBack {
            purpose: shared.options.purpose,
        });
    }
    shared.serve_waiters();
    let end = driving.await;
    let again = shared.state().remove(id, shared.options.min);
    if let Some(error) = end {
        observe::emit(&Event::ConnectionLost {
            purpose: shared.options.purpose,
            error: error.into(),
        });
    }
    Ok(again)
}

/// Moves the connection's bytes until it ends; the error, if one ended it.
async fn drive(mut driver: Driver) -> Option<tokio_postgres::Error> {
    loop {
        match std::future::poll_fn(|context| driver.poll_message(context)).await {
            // Notices are for whoever wrote the SQL: kept out of the log, where a loop of them would fill it.
            Some(Ok(AsyncMessage::Notice(notice))) => log::debug!("{}", notice.message()),
            Some(Ok(_)) => {}
            Some(Err(error)) => return Some(error),
            None => return None,
        }
    }
}

fn note_failure(shared: &Shared, error: &anyhow::Error, pause: Duration) {
    let reason = format!("{error:#}");
    let outage = Outage {
        retry_at: Instant::now() + pause,
        reason: reason.clone(),
    };
    let (news, refused) = shared.state().fail(outage);
    drop(refused);
    if news {
        observe::emit(&Event::DatabaseAway {
            purpose: shared.options.purpose,
            reason,
        });
    }
}

/// The pause after `failures` earlier failures: doubled each time, and only between half and all of it, so that
/// many workers do not knock at once.
fn backoff(failures: u32) -> Duration {
    let full = (BACKOFF_FIRST * 2_u32.pow(failures.min(16))).min(BACKOFF_LAST);
    full.mul_f64(fastrand::f64() / 2.0 + 0.5)
}

/// Ends a query that nobody waits for, and gives its connection back in a known state.
///
/// PostgreSQL cancels whatever a backend runs when the request arrives, so it is sent only while the query is
/// alone on its connection, and nothing else is put there until the cancellation can have no effect any more.
async fn reap(abandoned: Abandoned) {
    let Abandoned { work, lease } = abandoned;
    let shared = lease.shared.clone();
    if !shared.state().seclude(lease.id) {
        return work.await;
    }
    let ended = async {
        let (sent, ()) = future::zip(cancel(&lease.connection), work).await;
        sent?;
        // What was sent before this round trip has had its effect.
        lease.connection.settle().await.map_err(anyhow::Error::from)
    };
    let mut deadline = shared.clock.deadline();
    deadline.arm(CANCEL_LIMIT);
    match deadline.race(ended).await {
        Some(Ok(())) => shared.state().welcome(lease.id),
        Some(Err(_)) | None => lease.connection.kill(),
    }
}

/// Asks the server to cancel what this connection runs; done when the server has acted on it.
async fn cancel(connection: &Connection) -> anyhow::Result<()> {
    let socket = Arc::new(connection.origin().open().await?);
    let mut stream = Stream::new(socket.clone());
    connection
        .cancel_token()
        .cancel_query_raw(&mut stream, NoTls)
        .await?;
    // The server closes the connection after it has signalled the backend.
    while socket.read(&mut [0; 16]).await? > 0 {}
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_limit_and_differ() {
        for (failures, most) in [(0, 100), (1, 200), (2, 400), (4, 1000), (1000, 1000)] {
            let pause = backoff(failures).as_millis();
            assert!((most / 2..=most).contains(&pause), "{failures}: {pause} ms");
        }
        assert!((0..100).any(|_| backoff(9) != backoff(9)));
    }
}
