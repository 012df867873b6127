//! Waiting for a place on a connection, and being refused one.

use std::time::{Duration, Instant};

use smol::channel::Receiver;

use super::lease::Lease;
use super::placement::{Outage, State};
use super::pool::Shared;
use crate::error::Problem;

/// Requests waiting for a connection, at most; the next is refused at once.
const WAITERS: usize = 1024;
/// What a client is told to wait when all connections are taken.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// A place in the line; left when dropped.
pub(super) struct Waiting<'a> {
    pub(super) shared: &'a Shared,
    pub(super) id: u64,
    pub(super) receiver: Receiver<Lease>,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        // Where its sender is gone, so is the waiter.
        if !self.receiver.is_closed() {
            let mut state = self.shared.state();
            state.waiters.retain(|waiter| waiter.id != self.id);
        }
    }
}

/// Why a query has no place.
pub(super) enum Refused {
    /// There is no database.
    Away(Outage),
    /// Too many others are before it.
    Busy,
}

/// Why a request should not even wait.
pub(super) fn refused(state: &State) -> Option<Refused> {
    match state.outage() {
        Some(outage) => Some(Refused::Away(outage.clone())),
        None => (state.waiters.len() >= WAITERS).then_some(Refused::Busy),
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Problem {
        match refused {
            Refused::Away(outage) => {
                let wait = outage.retry_at.saturating_duration_since(Instant::now());
                Problem::unavailable("the database is not available", wait)
                    .because(anyhow::anyhow!("{}", outage.reason))
            }
            Refused::Busy => Problem::unavailable(
                "the server is busy: no database connection got free in time",
                RETRY_AFTER,
            ),
        }
    }
}
