//! A few connections, many queries in flight on each.
//!
//! PostgreSQL answers pipelined queries in order, each closed by its own Sync, so that one query's error leaves
//! the others alone. While queries are cheap a full pipeline beats more connections: fewer wake-ups, more answers
//! per read. A slow query would hold up everything behind it. So the pool learns what each statement costs and
//! places a query on
//!
//! 1. an idle connection, else
//! 2. the connection with the shortest expected wait, if that is a few milliseconds at most, else
//! 3. whichever gets free first; meanwhile another connection is opened if the limit allows,
//!
//! and gives up after a bounded wait with 503 and `Retry-After`.
//!
//! A query that is under way is never just dropped: its rows would hold up the connection. It is cancelled where that
//! can hit nothing else, and seen to its end.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use smol::channel::Sender;

use super::connection::{Collect, Connection, Done};
use super::placement::{State, Waiter};
use super::prepared::{Parameter, Query};
use super::session::{Keeper, Order};
use crate::error::Problem;
use crate::runtime::Clock;

/// Requests waiting for a connection, at most; the next is refused at once.
const WAITERS: usize = 1024;
/// The longest wait for a connection; then 503.
const WAIT: Duration = Duration::from_secs(1);
/// What a client is told to wait when all connections are taken.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// How a pool connects and how far it may grow.
#[derive(Clone, Debug)]
pub struct Options {
    /// What its connections are for, in the operator's words: `reading`, `writing`.
    pub purpose: &'static str,
    /// Where to, as whom, with which session settings.
    pub config: tokio_postgres::Config,
    /// Connections kept open; reopened when lost.
    pub min: usize,
    /// Connections opened at most.
    pub max: usize,
}

/// Connections to one database for one kind of use. Cheap to clone.
#[derive(Clone)]
pub struct Pool(pub(super) Arc<Shared>);

pub(super) struct Shared {
    pub(super) options: Options,
    pub(super) queries: Arc<[Query]>,
    pub(super) clock: Clock,
    pub(super) orders: Sender<Order>,
    state: Mutex<State>,
}

impl Pool {
    /// A pool that prepares `queries` on each connection, and the keeper that must run beside it. Nothing is
    /// connected before the keeper runs.
    pub fn new(options: Options, queries: Arc<[Query]>, clock: Clock) -> (Pool, Keeper) {
        let (orders, receiver) = smol::channel::unbounded();
        let state = Mutex::new(State::new(queries.len(), options.max));
        let pool = Pool(Arc::new(Shared {
            options,
            queries,
            clock,
            orders,
            state,
        }));
        (pool.clone(), Keeper::new(pool, receiver))
    }

    /// Runs the pool's statement number `query` and gives its rows to `collect`.
    ///
    /// When the future is dropped, the query is cancelled if that can hit nothing else, and seen to its end.
    ///
    /// # Errors
    /// 503 when the database is away or no connection got free in time; else the query's own problem.
    pub async fn run<C: Collect>(
        &self,
        query: usize,
        parameters: Arc<[Parameter]>,
        collect: C,
    ) -> Result<Done<C>, Problem> {
        let mut lease = self.acquire(query).await?;
        lease.ran = true;
        let connection = lease.connection.clone();
        let work = Box::pin(connection.run(query, parameters, collect));
        InFlight {
            work: Some(work),
            lease: Some(lease),
        }
        .await
    }

    /// Whether a query would find an open connection.
    pub fn is_ready(&self) -> bool {
        self.0.state().is_open()
    }

    /// Why there is no connection, while there is none.
    pub fn outage(&self) -> Option<String> {
        self.0.state().outage().map(|outage| outage.reason.clone())
    }

    /// Ends all connections with a Terminate message once their queries are done; no query may run after this.
    pub fn close(&self) {
        // Dropped outside of the lock: the last reference to a client wakes its session.
        let closed = self.0.state().close();
        drop(closed);
        self.0.orders.close();
    }

    async fn acquire(&self, query: usize) -> Result<Lease, Problem> {
        let receiver = {
            let mut state = self.0.state();
            if let Some(lease) = self.0.place(&mut state, query) {
                return Ok(lease);
            }
            if state.waiters.len() >= WAITERS {
                // Those that have given up stay in line until their turn.
                state.waiters.retain(|waiter| !waiter.sender.is_closed());
            }
            refusal(&state).map_or(Ok(()), Err)?;
            let (sender, receiver) = smol::channel::bounded(1);
            state.waiters.push_back(Waiter { query, sender });
            receiver
        };
        let mut deadline = self.0.clock.deadline();
        deadline.arm(WAIT);
        match deadline.race(receiver.recv()).await {
            Some(Ok(lease)) => Ok(lease),
            // Refused: the connections went away.
            Some(Err(_)) => Err(refusal(&self.0.state()).unwrap_or_else(busy)),
            None => Err(busy()),
        }
    }
}

/// Why a request should not even wait.
fn refusal(state: &State) -> Option<Problem> {
    if let Some(outage) = state.outage() {
        let wait = outage.retry_at.saturating_duration_since(Instant::now());
        let cause = anyhow::anyhow!("{}", outage.reason);
        return Some(Problem::unavailable("the database is not available", wait).because(cause));
    }
    (state.waiters.len() >= WAITERS).then(busy)
}

fn busy() -> Problem {
    Problem::unavailable(
        "the server is busy: no database connection got free in time",
        RETRY_AFTER,
    )
}

impl Shared {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for `query` now, if there is one; asks for another connection where that would help.
    fn place(self: &Arc<Self>, state: &mut State, query: usize) -> Option<Lease> {
        let placed = state.place(query, Instant::now());
        if placed.is_none() && state.may_open() {
            state.opening += 1;
            // Refused only after `close`.
            let _closed = self.orders.try_send(Order::Open);
        }
        let (id, connection, cost) = placed?;
        Some(Lease {
            shared: self.clone(),
            connection,
            id,
            query,
            cost,
            ran: false,
        })
    }

    /// Gives waiting requests the places there are.
    pub(super) fn serve_waiters(self: &Arc<Self>) {
        loop {
            let (lease, sender) = {
                let mut state = self.state();
                let Some(waiter) = state.waiters.front() else {
                    return;
                };
                let query = waiter.query;
                let Some(lease) = self.place(&mut state, query) else {
                    return;
                };
                match state.waiters.pop_front() {
                    Some(waiter) => (lease, waiter.sender),
                    None => return,
                }
            };
            // A waiter that gave up drops the lease, which comes back here outside of the lock.
            let _gave_up = sender.try_send(lease);
        }
    }
}

/// The right to run one query on a connection; its place is given back when it is dropped.
pub(super) struct Lease {
    pub(super) shared: Arc<Shared>,
    pub(super) connection: Arc<Connection>,
    pub(super) id: u64,
    query: usize,
    /// What the placement counted for it.
    cost: Duration,
    /// Whether the query was sent: a lease may come too late for its waiter.
    ran: bool,
}

impl Drop for Lease {
    fn drop(&mut self) {
        let waiting = {
            let mut state = self.shared.state();
            state.release(self.id, self.query, self.cost, self.ran, Instant::now());
            !state.waiters.is_empty()
        };
        if waiting {
            self.shared.serve_waiters();
        }
    }
}

/// A query whose request has gone away.
pub(super) struct Abandoned {
    pub(super) work: Pin<Box<dyn Future<Output = ()> + Send>>,
    pub(super) lease: Lease,
}

/// A query under way. Dropped before its end, it goes on under the keeper's care.
struct InFlight<T: Send + 'static> {
    work: Option<Pin<Box<dyn Future<Output = T> + Send>>>,
    lease: Option<Lease>,
}

impl<T: Send + 'static> Future for InFlight<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        // Out of reach meanwhile: what has panicked must not be polled again, nor be seen to its end by a reaper.
        let Some(mut work) = self.work.take() else {
            return Poll::Pending;
        };
        match work.as_mut().poll(context) {
            Poll::Ready(output) => {
                self.lease = None;
                Poll::Ready(output)
            }
            Poll::Pending => {
                self.work = Some(work);
                Poll::Pending
            }
        }
    }
}

impl<T: Send + 'static> Drop for InFlight<T> {
    fn drop(&mut self) {
        if let (Some(work), Some(lease)) = (self.work.take(), self.lease.take()) {
            let orders = lease.shared.orders.clone();
            let work = Box::pin(async { drop(work.await) });
            // Refused only when the pool is closed, and its connections with it.
            let _closed = orders.try_send(Order::Reap(Abandoned { work, lease }));
        }
    }
}
