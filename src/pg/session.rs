//! The tasks behind a pool: a keeper that takes orders, and a session per connection.
//!
//! A *session* is a connection's life: connect, prepare everything, serve, end; on failure wait (0.1 s doubling to
//! 0.5 s, with jitter so that workers do not come back in step) and begin again while the pool needs it.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::bail;
use futures_lite::future;
use smol::channel::Receiver;
use tokio_postgres::AsyncMessage;

use super::connect::{self, Driver, Opened};
use super::connection::Connection;
use super::flight::{CANCEL_LIMIT, clear, look};
use super::placement::{Outage, State};
use super::pool::{Pool, Shared};
use super::watch;
use crate::observe::{self, Event};
use crate::runtime::Spawn;
use crate::runtime::stalls::Label;

/// Before the second attempt to connect; doubles with each failure.
const BACKOFF_FIRST: Duration = Duration::from_millis(100);
/// The longest pause between attempts: a database that is back is used within a second, with all statements prepared.
const BACKOFF_LAST: Duration = Duration::from_millis(500);
/// When a client should try again while connecting takes long.
const CONNECT_RETRY: Duration = Duration::from_secs(1);
/// A connection that ends sooner than this is a failure too: it must not be opened again without a pause.
const STEADY: Duration = Duration::from_secs(1);
/// For preparing all statements. A table that somebody has locked holds that up, and must not hold the session for ever.
const PREPARE_LIMIT: Duration = Duration::from_secs(15);
/// For connections to say goodbye when the pool is closed.
const FAREWELL_LIMIT: Duration = Duration::from_secs(1);

/// What the keeper is asked to do.
pub(super) enum Order {
    /// Open one more connection.
    Open(Opening),
    /// See an abandoned query to its end.
    Drain(Pin<Box<dyn Future<Output = ()> + Send>>),
    /// Cancel what is left on a connection.
    Clear(u64, Arc<Connection>),
    /// Cancel what holds up others there without being wanted, if it still does in a moment.
    Look(u64, Arc<Connection>),
}

/// A connection on its way, in `State::opening` for as long as this lives. It takes the pool's lock when it is dropped.
pub(super) struct Opening(Arc<Shared>);

impl Opening {
    /// One more; the caller has the lock.
    fn counted(shared: &Arc<Shared>, state: &mut State) -> Opening {
        state.opening += 1;
        Opening(shared.clone())
    }

    /// One more if it helps those who wait and the limit allows it.
    pub(super) fn if_it_helps(shared: &Arc<Shared>, state: &mut State) -> Option<Opening> {
        state.may_open().then(|| Opening::counted(shared, state))
    }

    /// One more if the pool has fewer than it keeps open.
    fn if_missing(shared: &Arc<Shared>) -> Option<Opening> {
        let mut state = shared.state();
        state
            .lacks(shared.options.min)
            .then(|| Opening::counted(shared, &mut state))
    }

    /// One more, whether it is needed or not: while it is counted nobody else opens one.
    fn anyway(shared: &Arc<Shared>) -> Opening {
        Opening::counted(shared, &mut shared.state())
    }
}

impl Drop for Opening {
    fn drop(&mut self) {
        self.0.state().opening -= 1;
    }
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

    /// The pool that it keeps.
    pub fn pool(&self) -> Pool {
        self.pool.clone()
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
        let begin = |opening: Opening| {
            let alive = alive.clone();
            spawn.spawn(Label::DATABASE, async move {
                session(opening).await;
                drop(alive);
            });
        };
        while let Some(opening) = Opening::if_missing(&shared) {
            begin(opening);
        }
        while let Ok(order) = orders.recv().await {
            match order {
                Order::Open(opening) => begin(opening),
                Order::Drain(work) => spawn.spawn(Label::DATABASE, work),
                Order::Clear(id, connection) => {
                    spawn.spawn(Label::DATABASE, clear(shared.clone(), id, connection));
                }
                Order::Look(id, connection) => {
                    spawn.spawn(Label::DATABASE, look(shared.clone(), id, connection));
                }
            }
        }
        drop(alive);
        let mut deadline = shared.clock.deadline();
        deadline.arm(FAREWELL_LIMIT);
        let _ended = deadline.race(ended.recv()).await;
    }
}

/// The life of one connection, and of those that take its place.
async fn session(opening: Opening) {
    let shared = opening.0.clone();
    let mut failures = 0;
    let mut opening = Some(opening);
    loop {
        let begin = Instant::now();
        let lived = live(&shared, &mut opening).await;
        if lived.is_ok() && begin.elapsed() >= STEADY {
            failures = 0;
        } else {
            let pause = backoff(failures);
            failures += 1;
            if let Err(error) = lived {
                note_failure(&shared, &error, pause);
            }
            opening.get_or_insert_with(|| Opening::anyway(&shared));
            shared.clock.sleep(pause).await;
        }
        drop(opening.take());
        opening = Opening::if_missing(&shared);
        if opening.is_none() {
            return;
        }
    }
}

/// A connection's place in the pool; left when dropped.
struct InUse<'a> {
    shared: &'a Shared,
    id: u64,
}

impl Drop for InUse<'_> {
    fn drop(&mut self) {
        let removed = self.shared.state().remove(self.id);
        drop(removed);
    }
}

/// Connects, serves until the connection ends. It stops being on its way when it is in use.
async fn live(shared: &Arc<Shared>, opening: &mut Option<Opening>) -> anyhow::Result<()> {
    let config = &shared.options.config;
    let Opened {
        client,
        driver,
        origin,
    } = {
        // Whoever waits has done so for long: others need not.
        let late = |error| note_failure(shared, &error, CONNECT_RETRY);
        let connecting = connect::connect(config, &shared.clock);
        watch::connecting(shared, connecting, late).await?
    };
    let (server, backend) = (origin.clone(), client.cancel_token());
    let mut driving = pin!(drive(driver));
    let preparing = Connection::prepare(
        client,
        origin,
        shared.queries.clone(),
        shared.options.purpose(),
    );
    let prepared = future::or(async { preparing.await.map_err(Some) }, async {
        Err(driving.as_mut().await)
    });
    let mut deadline = shared.clock.deadline();
    deadline.arm(PREPARE_LIMIT);
    let connection = match deadline.race(prepared).await {
        Some(Ok(connection)) => connection,
        Some(Err(Some(error))) => return Err(error.into()),
        Some(Err(None)) => bail!("the connection was closed while statements were prepared"),
        None => {
            // Closing the connection would leave the backend waiting for its lock.
            deadline.arm(CANCEL_LIMIT);
            let _kept_waiting = deadline.race(server.cancel(backend)).await;
            let limit = PREPARE_LIMIT.as_secs();
            bail!("the statements were not prepared within {limit} s; is a table locked?");
        }
    };
    // Only the pool holds it from here on: when the pool lets go, the driver says goodbye and ends.
    let added = shared.state().add(Arc::new(connection), Instant::now());
    let Some((id, recovered)) = added else {
        return Ok(());
    };
    let _in_use = InUse { shared, id };
    drop(opening.take());
    if recovered {
        observe::emit(&Event::DatabaseBack {
            purpose: shared.options.purpose,
        });
    }
    shared.serve_waiters();
    let driven = async { Ok(driving.as_mut().await) };
    let silence = async { Err(watch::silence(shared, id, &server).await) };
    let lost = |error| {
        observe::emit(&Event::ConnectionLost {
            purpose: shared.options.purpose,
            error,
        })
    };
    match future::or(driven, silence).await {
        Ok(error) => {
            error.map(anyhow::Error::from).map(lost);
            Ok(())
        }
        Err(silence) => {
            server.kill();
            // Those who wait for an answer are told.
            driving.await;
            lost(anyhow::anyhow!("{silence}"));
            Err(silence)
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_limit_and_differ() {
        for (failures, most) in [(0, 100), (1, 200), (2, 400), (4, 500), (1000, 500)] {
            let pause = backoff(failures).as_millis();
            assert!((most / 2..=most).contains(&pause), "{failures}: {pause} ms");
        }
        assert!((0..100).any(|_| backoff(9) != backoff(9)));
    }
}
