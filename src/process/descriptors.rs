//! The limit on open descriptors, and how many connections it leaves room for.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Kept back for everything that is not a client: the log, the reactor, sockets of the database, what a handler opens.
const RESERVE: u64 = 64;
/// More connections than this are not planned for, whatever the limit.
const MOST: u64 = 100_000;

/// Raises the limit to what the system allows without privilege, and says how many clients may connect at once.
pub(super) fn room_for_clients() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    let limit = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => raised,
        Err(_) => limit,
    };
    // No limit at all is `None`.
    let room = limit.current.unwrap_or(MOST).saturating_sub(RESERVE);
    usize::try_from(room.clamp(1, MOST)).unwrap_or(1)
}
