//! One open connection of a pool, and what is on it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::connection::Connection;
use super::learned::SLOW;
use super::line::{Line, Unwanted};

/// An open connection.
pub(super) struct Place {
    pub(super) id: u64,
    pub(super) connection: Arc<Connection>,
    pub(super) line: Line,
    /// What the queries in flight are expected to take together.
    pub(super) backlog: Duration,
    /// Since when the oldest of them has had the server to itself.
    pub(super) head_since: Instant,
    pub(super) hold: Hold,
}

/// Whether further queries are put on a connection.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Hold {
    /// They are.
    Open,
    /// Not while the last one on it runs, a transaction for example: others would be inside of it.
    Reserved,
    /// Not while the last one on it runs, which may take long: its reader is slow.
    Taken,
    /// Not while everything on it is cancelled: a cancellation must not hit another query.
    Clearing,
    /// Cancelled; it is open again when the last lease is back.
    Cleared,
}

impl Place {
    /// How long a query put here now would wait for its turn.
    pub(super) fn wait(&self, now: Instant) -> Duration {
        match self.line.is_empty() {
            true => Duration::ZERO,
            // A head that takes longer than expected is taken to need as long again.
            false => self
                .backlog
                .max(now.saturating_duration_since(self.head_since)),
        }
    }

    /// Whether there is a query on it that holds up others.
    pub(super) fn is_held_up(&self) -> bool {
        self.hold == Hold::Taken || (!self.line.is_empty() && self.backlog >= SLOW)
    }

    pub(super) fn is_cleared(&self) -> bool {
        matches!(self.hold, Hold::Clearing | Hold::Cleared)
    }

    /// What is to be done about queries that nobody waits for any more.
    pub(super) fn unwanted(&mut self) -> Unwanted {
        match (self.line.unwanted(), self.line.is_wanted()) {
            (0, _) => Unwanted::None,
            _ if self.is_cleared() => Unwanted::None,
            (_, true) => Unwanted::First,
            (_, false) => {
                self.hold = Hold::Clearing;
                Unwanted::All
            }
        }
    }
}
