//! A query's place on a connection, from when it is found until the query has ended.

use std::sync::Arc;
use std::time::Instant;

use super::connection::Connection;
use super::line::Unwanted;
use super::placement::{Ended, Placed, Wanted};
use super::pool::Shared;
use super::session::Order;

/// The right to run one query on a connection; its place is given back when it is dropped.
pub(super) struct Lease {
    pub(super) shared: Arc<Shared>,
    pub(super) connection: Arc<Connection>,
    id: u64,
    /// Whether the query has it to itself for as long as its reader wants.
    taken: bool,
    /// Whether nothing is put behind it.
    pub(super) alone: bool,
    ended: Ended,
}

impl Lease {
    pub(super) fn new(shared: &Arc<Shared>, wanted: Wanted, placed: Placed) -> Lease {
        Lease {
            shared: shared.clone(),
            connection: placed.connection,
            id: placed.id,
            taken: placed.taken,
            alone: wanted.alone,
            ended: Ended {
                query: wanted.query,
                turn: placed.turn,
                cost: placed.cost,
                sent: false,
                telling: false,
            },
        }
    }

    /// Whether the query has the connection to itself for as long as its reader wants.
    pub(super) fn is_taken(&self) -> bool {
        self.taken
    }

    /// The query is sent: from now on the time that passes says what it costs.
    pub(super) fn begin(&mut self) {
        (self.ended.sent, self.ended.telling) = (true, true);
    }

    /// Has the query have its connection to itself, if it can: nothing goes there while it runs.
    pub(super) fn take_connection(&mut self) -> bool {
        let waiting = {
            let mut state = self.shared.state();
            self.taken = self.taken || state.take(self.id);
            self.taken && !state.waiters.is_empty()
        };
        // A slow query may have the last connection where the others are their readers'.
        if waiting {
            self.shared.serve_waiters();
        }
        // How long it takes from here on is its reader's doing.
        self.ended.telling = false;
        self.taken
    }

    /// Has no other query go to the connection: it says goodbye when those on it are done.
    pub(super) fn retire_connection(&self) {
        // Dropped outside of the lock: the last reference to a client wakes its session.
        let retired = self.shared.state().remove(self.id);
        drop(retired);
    }

    /// Nobody waits for the query any more.
    pub(super) fn abandon(&mut self) {
        let unwanted = self.shared.state().abandon(self.id, self.ended.turn);
        self.clear(unwanted);
    }

    /// Whether cancellations are under way to the connection that are not for this query.
    pub(super) fn is_cleared(&self) -> bool {
        self.shared.state().is_cleared(self.id)
    }

    /// Has cancelled what nobody waits for.
    fn clear(&self, unwanted: Unwanted) {
        let order = match unwanted {
            Unwanted::None => return,
            Unwanted::First => Order::Look(self.id, self.connection.clone()),
            Unwanted::All => Order::Clear(self.id, self.connection.clone()),
        };
        // Refused only when the pool is closed, and its connections with it.
        let _closed = self.shared.orders.try_send(order);
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let (unwanted, waiting) = {
            let mut state = self.shared.state();
            let unwanted = state.release(self.id, &self.ended, Instant::now());
            (unwanted, !state.waiters.is_empty())
        };
        self.clear(unwanted);
        if waiting {
            self.shared.serve_waiters();
        }
    }
}
