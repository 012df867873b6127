//! A query under way, and what becomes of one that nobody waits for any more.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use super::again::Again;
use super::connection::{Collect, Connection, Done};
use super::lease::Lease;
use super::measured::QueryTime;
use super::pool::Shared;
use super::prepared::Call;
use super::session::Order;
use super::transaction::GivenUp;
use crate::error::Problem;

/// For a connection's queries to be cancelled and answered; then the connection is given up.
pub(super) const CANCEL_LIMIT: Duration = Duration::from_secs(2);

/// For what was cancelled to be answered; then it is cancelled again. The clock makes up to a tick more of it.
const PAUSE: Duration = Duration::from_millis(10);

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
        let polled = work.as_mut().poll(context);
        match polled {
            Poll::Ready(ref ended) => {
                if let (Some(Again::Elsewhere(_)), Some(lease)) = (Again::of(ended), &self.lease) {
                    lease.retire_connection();
                }
                (self.lease, self.time) = (None, None);
            }
            Poll::Pending => self.work = Some(work),
        }
        polled
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

/// Cancels whatever is left on a connection, all of it abandoned, until it has been answered.
///
/// PostgreSQL cancels whatever a backend runs when the request arrives. So nothing else is put on the connection
/// meanwhile, and not before a round trip after the last cancellation: what was sent earlier has had its effect then.
pub(super) async fn clear(shared: Arc<Shared>, id: u64, connection: Arc<Connection>) {
    let cleared = async {
        loop {
            // Each of them ends one query, and the next one begins.
            let left = shared.state().in_flight(id);
            for _ in 0..left.max(1) {
                (connection.origin())
                    .cancel(connection.cancel_token())
                    .await?;
            }
            let mut turn = shared.clock.deadline();
            turn.arm(PAUSE);
            // Late: PostgreSQL had not begun what was to be cancelled.
            if let Some(settled) = turn.race(connection.settle()).await {
                return settled.map_err(anyhow::Error::from);
            }
        }
    };
    let mut deadline = shared.clock.deadline();
    deadline.arm(CANCEL_LIMIT);
    match deadline.race(cleared).await {
        Some(Ok(())) => {
            shared.state().cleared(id);
            shared.serve_waiters();
        }
        Some(Err(_)) | None => connection.kill(),
    }
}
