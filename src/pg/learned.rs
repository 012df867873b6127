//! What earlier runs of a query say about the next.

use std::time::Duration;

/// What a statement is taken to cost before it has run: a few unknown ones may share a connection.
const UNKNOWN_COST: Duration = Duration::from_millis(1);
/// A query that costs more is slow: such queries never have all connections.
pub(super) const SLOW: Duration = Duration::from_millis(50);
/// Half of what others wait for a connection: who waits behind one that costs less is not refused for that.
const LONG: Duration = Duration::from_millis(500);

/// For how long a query keeps a connection from others.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Burden {
    /// They do not notice.
    None,
    /// They wait.
    Slow,
    /// They may wait in vain: for it, or for its reader.
    Long,
}

/// What is known of a query.
#[derive(Clone, Copy)]
pub(super) struct Learned {
    /// The running mean of the time it takes at the head of a connection.
    pub(super) cost: Duration,
    /// Its last result was too large to be held: it gets a connection to itself.
    pub(super) large: bool,
}

impl Learned {
    /// Nothing is known yet.
    pub(super) fn nothing() -> Learned {
        Learned {
            cost: UNKNOWN_COST,
            large: false,
        }
    }

    /// It has taken so long.
    pub(super) fn took(&mut self, took: Duration) {
        self.cost = (self.cost * 7 + took) / 8;
    }

    /// It has waited in vain. What was slow by accident, once, must not be kept out for ever.
    pub(super) fn doubt(&mut self) {
        self.cost /= 2;
    }

    /// For how long it keeps a connection from others.
    pub(super) fn burden(self) -> Burden {
        if self.large || self.cost >= LONG {
            Burden::Long
        } else if self.cost >= SLOW {
            Burden::Slow
        } else {
            Burden::None
        }
    }
}
