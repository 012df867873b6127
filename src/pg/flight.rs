//! A query under way, and what becomes of one that nobody waits for any more.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

use super::again::Again;
use super::connection::{Collect, Connection, Done};
use super::lease::Lease;
use super::measured::QueryTime;
use super::pool::Shared;
use super::prepared::Call;
use super::session::Order;
use super::transaction::GivenUp;
use crate::error::Problem;
use crate::runtime::TICK;

/// For a connection's queries to be cancelled and answered; then the connection is given up.
pub(super) const CANCEL_LIMIT: Duration = Duration::from_secs(2);

/// For what was cancelled to be answered, at least; then it is cancelled again. The clock makes up to a tick more of it.
const PAUSE: Duration = Duration::from_millis(10);

/// The SQLSTATE of a query that was cancelled, by us or because of its own limit.
const CANCELLED: &str = "57014";
/// When a client should try again whose query was cancelled by mistake.
const RETRY_AFTER: Duration = Duration::from_secs(1);

type Work<C> = Pin<Box<dyn Future<Output = Result<Done<C>, Problem>> + Send>>;

/// A query under way. Dropped before its end, it goes on under the keeper's care.
pub(super) struct InFlight<C: Send + 'static> {
    work: Option<Work<C>>,
    given_up: GivenUp,
    /// Given back at the end.
    lease: Option<Lease>,
    /// Until what it takes is its reader's doing.
    time: Option<QueryTime>,
}

impl<C: Collect> InFlight<C> {
    /// Sends the query when it is polled for the first time.
    pub(super) fn new(mut lease: Lease, call: &Call, waited: Duration, collect: C) -> InFlight<C> {
        lease.begin();
        let connection = lease.connection.clone();
        let given_up = GivenUp::not_yet(call);
        let work = connection.run(call.clone(), lease.alone, given_up.clone(), collect);
        InFlight {
            time: Some(QueryTime::begin(&lease.shared, call, waited)),
            work: Some(Box::pin(work)),
            given_up,
            lease: Some(lease),
        }
    }
}

impl<C: Send + 'static> InFlight<C> {
    /// Has the query have its connection to itself; true if it can, or has ended.
    pub(super) fn take_connection(&mut self) -> bool {
        let taken = (self.lease.as_mut()).is_none_or(Lease::take_connection);
        if taken {
            self.time = None;
        }
        taken
    }

    pub(super) fn poll_done(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Result<Done<C>, Problem>> {
        // Out of reach meanwhile: what has panicked must not be polled again, nor be seen to its end.
        let Some(mut work) = self.work.take() else {
            return Poll::Pending;
        };
        match work.as_mut().poll(context) {
            Poll::Ready(ended) => {
                let ended = ended.map_err(|problem| self.met(problem));
                (self.lease, self.time) = (None, None);
                Poll::Ready(ended)
            }
            Poll::Pending => {
                self.work = Some(work);
                Poll::Pending
            }
        }
    }

    /// What its problem comes to where the connection has a part in it.
    fn met(&self, problem: Problem) -> Problem {
        let Some(lease) = &self.lease else {
            return problem;
        };
        if let Some(Again::Elsewhere(_)) = Again::of(&problem) {
            lease.retire_connection();
        }
        if problem.code() != Some(CANCELLED) || !lease.is_cleared() {
            return problem;
        }
        // It was meant for another, before it. Nothing of a transaction has been done then, and what reads can be run again;
        // others may have committed on their own, as procedures do.
        let repeats = self.given_up.is_transaction() || lease.shared.options.reads();
        let interrupted = Problem::unavailable("the query was interrupted", RETRY_AFTER);
        match repeats {
            true => interrupted.because(Again::Interrupted),
            false => interrupted.because(anyhow::anyhow!("{problem}")),
        }
    }
}

impl<C: Send + 'static> Future for InFlight<C> {
    type Output = Result<Done<C>, Problem>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.poll_done(context)
    }
}

impl<C: Send + 'static> Drop for InFlight<C> {
    fn drop(&mut self) {
        if let (Some(work), Some(mut lease)) = (self.work.take(), self.lease.take()) {
            // Before anything is cancelled.
            self.given_up.set();
            lease.abandon();
            let orders = lease.shared.orders.clone();
            let drained = async move {
                drop(work.await);
                drop(lease);
            };
            // Refused only when the pool is closed, and its connections with it.
            let _closed = orders.try_send(Order::Drain(Box::pin(drained)));
        }
    }
}

/// Cancels the first query on a connection if nobody waits for it and it goes on for a moment, others being behind it.
pub(super) async fn look(shared: Arc<Shared>, id: u64, connection: Arc<Connection>) {
    shared.clock.sleep(TICK).await;
    let begins = shared.state().begins_clearing(id, Instant::now());
    if begins {
        clear(shared, id, connection).await;
    }
}

/// Cancels the queries on a connection that nobody waits for, up to the first that is wanted, until they have been answered.
///
/// PostgreSQL cancels whatever a backend runs when the request arrives. So nothing else is put on the connection
/// meanwhile, and not before a round trip after the last cancellation: what was sent earlier has had its effect then. One
/// that meets what is wanted is made good, see [`InFlight::met`].
pub(super) async fn clear(shared: Arc<Shared>, id: u64, connection: Arc<Connection>) {
    match cancel_unwanted(&shared, id, &connection).await {
        Ok(()) => {
            shared.state().cleared(id);
            shared.serve_waiters();
        }
        Err(_) => connection.kill(),
    }
}

async fn cancel_unwanted(shared: &Shared, id: u64, connection: &Connection) -> anyhow::Result<()> {
    let mut deadline = shared.clock.deadline();
    let mut begun = Instant::now();
    loop {
        let Some((unwanted, is_wanted)) = shared.state().line(id) else {
            // It ends with what is on it.
            return Ok(());
        };
        match unwanted {
            // Those that are left take their time.
            0 => begun = Instant::now(),
            _ if begun.elapsed() > CANCEL_LIMIT => bail!("it goes on"),
            _ => {}
        }
        let asked = Instant::now();
        // Each of them ends one query, and the next one begins.
        for _ in 0..unwanted {
            let cancelling = connection.origin().cancel(connection.cancel_token());
            deadline.arm(CANCEL_LIMIT);
            let cancelled = deadline.race(cancelling).await;
            cancelled.context("nobody takes a cancellation")??;
        }
        // A server that is long in taking a cancellation is long in answering, too. More of them would keep it from that:
        // PostgreSQL starts a process for each.
        let pause = PAUSE.max(asked.elapsed());
        if is_wanted {
            // What is asked inside of a transaction, and cancelled there, would undo what that goes on to commit.
            shared.clock.sleep(pause).await;
            continue;
        }
        deadline.arm(pause);
        // If it is late, PostgreSQL had not begun what was to be cancelled.
        if let Some(settled) = deadline.race(connection.settle()).await {
            return Ok(settled?);
        }
    }
}
