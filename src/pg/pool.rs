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
//! and gives up after a bounded wait with 503 and `Retry-After`, or at once where those before it are expected to take
//! longer. Slow queries never have all connections at once.
//!
//! A result that is too large to be held is sent on while it arrives, as fast as its reader takes it. Such a query has
//! its connection to itself, so that a slow reader holds up nobody else.
//!
//! A query that is under way is never just dropped: its rows would hold up the connection. It is cancelled where that
//! can hit nothing else, and seen to its end.

use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use smol::channel::Sender;

use super::again::Tries;
use super::config::Config;
use super::connection::{Collect, Done, Purpose};
use super::flight::InFlight;
use super::lease::Lease;
use super::measured::{Locked, Timed};
use super::outlet::{Inlet, Outlet, outlet};
use super::placement::{State, Waiter, Wanted};
use super::prepared::{Call, Query};
use super::session::{Keeper, Opening, Order};
use super::waiting::{Refused, Waiting, refused};
use crate::error::Problem;
use crate::metrics::family::QUERY_DURATION;
use crate::metrics::{Histogram, Metrics, PoolMetrics};
use crate::runtime::Clock;

/// The longest wait for a connection; then 503.
const WAIT: Duration = Duration::from_secs(1);
/// Whoever is expected to wait longer for those before is refused at once: to wait in vain helps nobody. Below the limit,
/// because what is expected comes from means.
const WORTH_WAITING: Duration = Duration::from_millis(750);

/// For a look whether there is a place at all.
const ANYTHING: Wanted = Wanted {
    query: 0,
    alone: false,
};

/// How a pool connects and how far it may grow.
#[derive(Clone, Debug)]
pub struct Options {
    /// What its connections are for, in the operator's words: `reading`, `writing`.
    pub purpose: &'static str,
    /// Where to, as whom, with which session settings.
    pub config: Config,
    /// Connections kept open; reopened when lost.
    pub min: usize,
    /// Connections opened at most.
    pub max: usize,
    /// Queries that take so long are in the log; zero: none is.
    pub slow: Duration,
    /// Whether PostgreSQL is told what each request is called.
    pub names_requests: bool,
    /// Where is counted what becomes of its queries.
    pub metrics: Metrics,
}

impl Options {
    /// Whether nothing can be written on its connections.
    pub(super) fn reads(&self) -> bool {
        self.config.is_read_only()
    }

    /// What each of its connections is for.
    pub(super) fn purpose(&self) -> Purpose {
        let name = self.config.get_application_name().unwrap_or("peppercorn");
        Purpose {
            session: self.config.session(),
            writes: !self.reads(),
            name: self.names_requests.then(|| name.to_owned()),
        }
    }
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
    metrics: PoolMetrics,
    /// How long each of the queries takes.
    pub(super) durations: Vec<Histogram>,
}

/// What a query comes to that may be too large to be held.
pub enum Outcome<P, C: Send + 'static> {
    /// It was not.
    Done(Done<C>),
    /// It is; here is the first piece, and where the others come from.
    Large(P, Pieces<P, C>),
}

/// The rest of a large result, as it arrives.
pub struct Pieces<P, C: Send + 'static> {
    query: InFlight<C>,
    inlet: Inlet<P>,
    /// The query's end, while its last piece is not taken.
    ended: Option<Result<Done<C>, Problem>>,
}

/// What comes next of a large result.
pub enum Next<P, C> {
    /// More of it.
    Piece(P),
    /// The end, with what had not been put out.
    End(Done<C>),
}

impl Pool {
    /// A pool that prepares `queries` on each connection, and the keeper that must run beside it. Nothing is
    /// connected before the keeper runs.
    pub fn new(options: Options, queries: Arc<[Query]>, clock: Clock) -> (Pool, Keeper) {
        let (orders, receiver) = smol::channel::unbounded();
        // Several at once would keep a pooler's connection from others; and one may prepare there.
        let exclusive = options.config.is_pooled();
        let state = Mutex::new(State::new(queries.len(), options.max, exclusive));
        let durations = queries.iter().map(|query| {
            let labels = [query.name.as_str()];
            options.metrics.histogram(&QUERY_DURATION, &labels)
        });
        let pool = Pool(Arc::new(Shared {
            metrics: options.metrics.pool(options.purpose),
            durations: durations.collect(),
            options,
            queries,
            clock,
            orders,
            state,
        }));
        (pool.clone(), Keeper::new(pool, receiver))
    }

    /// Runs a statement of the pool's and gives its rows to what `collect` makes, once for each connection that is tried.
    ///
    /// When the future is dropped, the query is cancelled if that can hit nothing else, and seen to its end.
    ///
    /// # Errors
    /// 503 when the database is away or no connection got free in time; else the query's own problem.
    pub async fn run<C: Collect>(
        &self,
        call: &Call,
        collect: impl Fn() -> C,
    ) -> Result<Done<C>, Problem> {
        let mut tries = Tries::of(call);
        loop {
            let (lease, waited) = self.acquire(tries.wanted).await?;
            let ended = InFlight::new(lease, call, waited, collect()).await;
            if !tries.again(&ended) {
                return ended;
            }
        }
    }

    /// As [`Pool::run`], for statements that only read: what `collect` puts into its outlet is handed on while the
    /// rest arrives.
    ///
    /// If others wait behind the query on its connection when the first piece is there, it is begun again on a
    /// connection of its own.
    ///
    /// # Errors
    /// As [`Pool::run`].
    pub async fn run_large<P: Send + 'static, C: Collect>(
        &self,
        call: &Call,
        collect: impl Fn(Outlet<P>) -> C,
    ) -> Result<Outcome<P, C>, Problem> {
        let query = call.query;
        let mut tries = Tries::of(call);
        loop {
            let (lease, waited) = self.acquire(tries.wanted).await?;
            let learned_large = lease.is_taken();
            let (outlet, inlet) = outlet();
            let mut pieces = Pieces {
                query: InFlight::new(lease, call, waited, collect(outlet)),
                inlet,
                ended: None,
            };
            let first = std::future::poll_fn(|context| pieces.poll_next(context)).await;
            if tries.again(&first) {
                continue;
            }
            let piece = match first? {
                Next::Piece(piece) => piece,
                Next::End(done) => {
                    if learned_large {
                        self.0.state().learn_size(query, false);
                    }
                    return Ok(Outcome::Done(done));
                }
            };
            if pieces.query.take_connection() {
                return Ok(Outcome::Large(piece, pieces));
            }
            self.0.state().learn_size(query, true);
        }
    }

    /// A query's statement, as PostgreSQL is given it.
    pub fn statement(&self, query: usize) -> &str {
        &self.0.queries[query].sql
    }

    /// The time that its waits are measured in.
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// What its connections are for, in the operator's words.
    pub fn purpose(&self) -> &'static str {
        self.0.options.purpose
    }

    /// Whether a query would find an open connection.
    pub fn is_ready(&self) -> bool {
        self.0.state().is_open()
    }

    /// Waits until a query would have a place on a connection, as long as a query would wait for it. Whether there is one.
    pub async fn connected(&self) -> bool {
        // The place is given back at once: nothing is sent.
        self.find(ANYTHING).await.is_ok()
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

    /// A place on a connection, and how long that took.
    async fn acquire(&self, wanted: Wanted) -> Result<(Lease, Duration), Problem> {
        let metrics = &self.0.metrics;
        let waited = Timed::begin(metrics.wait);
        let found = self.find(wanted).await;
        let waited = waited.end();
        let found = found.map(|lease| (lease, waited));
        found.map_err(|refused| {
            if matches!(refused, Refused::Busy) {
                metrics.timeouts.add(1);
            }
            refused.into()
        })
    }

    async fn find(&self, wanted: Wanted) -> Result<Lease, Refused> {
        let (waiting, opening) = {
            let mut state = self.0.state();
            if let Some(placed) = state.place(wanted, Instant::now()) {
                return Ok(Lease::new(&self.0, wanted, placed));
            }
            refused(&state).map_or(Ok(()), Err)?;
            if state.expected_wait(wanted) > WORTH_WAITING {
                return Err(Refused::Busy);
            }
            let (sender, receiver) = smol::channel::bounded(1);
            let id = state.new_id();
            state.waiters.push_back(Waiter { id, wanted, sender });
            let waiting = Waiting {
                shared: &self.0,
                id,
                receiver,
            };
            (waiting, Opening::if_it_helps(&self.0, &mut state))
        };
        self.0.open(opening);
        let mut deadline = self.0.clock.deadline();
        deadline.arm(WAIT);
        match deadline.race(waiting.receiver.recv()).await {
            Some(Ok(lease)) => Ok(lease),
            // Refused: the connections went away.
            Some(Err(_)) => Err(refused(&self.0.state()).unwrap_or(Refused::Busy)),
            None => {
                self.0.state().doubt(wanted.query);
                Err(Refused::Busy)
            }
        }
    }
}

impl Shared {
    pub(super) fn state(&self) -> Locked<'_> {
        Locked::new(&self.state, &self.metrics)
    }

    /// Has a session open a connection. Not under the lock: what is refused, after `close`, takes it.
    fn open(&self, opening: Option<Opening>) {
        if let Some(opening) = opening {
            let _closed = self.orders.try_send(Order::Open(opening));
        }
    }

    /// Gives waiting requests the places there are.
    pub(super) fn serve_waiters(self: &Arc<Self>) {
        loop {
            let (served, opening) = {
                let mut state = self.state();
                let served = state.place_waiter(Instant::now());
                let left = served.is_none() && !state.waiters.is_empty();
                let opening = left.then(|| Opening::if_it_helps(self, &mut state));
                (served, opening.flatten())
            };
            self.open(opening);
            let Some((waiter, placed)) = served else {
                return;
            };
            // A waiter that has just given up drops the lease, which comes back here outside of the lock.
            let _gave_up = (waiter.sender).try_send(Lease::new(self, waiter.wanted, placed));
        }
    }
}

impl<P: Send + 'static, C: Collect> Pieces<P, C> {
    /// What comes next. Not to be polled after the end or an error.
    ///
    /// # Errors
    /// The query's own problem.
    pub fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Result<Next<P, C>, Problem>> {
        loop {
            if let Some(piece) = self.inlet.take() {
                return Poll::Ready(Ok(Next::Piece(piece)));
            }
            if let Some(done) = self.ended.take() {
                return Poll::Ready(done.map(Next::End));
            }
            match self.query.poll_done(context) {
                Poll::Ready(done) => self.ended = Some(done),
                // It is not polled again before what it has put out is taken.
                Poll::Pending if self.inlet.is_full() => {}
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}
