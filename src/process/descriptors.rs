//! The limit on open descriptors, and how many connections it leaves room for.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Kept back for what is opened now and then: a name looked up, a file that a handler reads, the log.
const SPARE: u64 = 16;
/// Of a generous limit this part is kept back, for handlers that open more.
const SPARE_PART: u64 = 16;
/// An executor's epoll set and what interrupts it.
const PER_SEAT: u64 = 2;
/// A database connection, and another that cancels what it runs, or belongs to the application that a reload replaces; for
/// reading and for writing.
const PER_DB_CONNECTION: u64 = 4;
/// More connections than this are not planned for, whatever the limit.
const MOST: u64 = 100_000;

/// Raises the limit to what the system allows without privilege, and says how many clients may connect at once beside
/// what is open already, what `seats` executors with `db_connections` each will open, and so many `operators`.
pub(super) fn room_for_clients(seats: usize, db_connections: usize, operators: usize) -> usize {
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
    room(
        limit.current.unwrap_or(u64::MAX),
        open_now(),
        seats as u64,
        db_connections as u64,
        operators as u64,
    )
}

fn room(limit: u64, open: u64, seats: u64, db_connections: u64, operators: u64) -> usize {
    let per_seat = PER_DB_CONNECTION
        .saturating_mul(db_connections)
        .saturating_add(PER_SEAT);
    let planned = seats.saturating_mul(per_seat).saturating_add(operators);
    let spare = SPARE.max(limit / SPARE_PART);
    let room = limit.saturating_sub(open.saturating_add(planned).saturating_add(spare));
    room.clamp(1, MOST) as usize
}

/// Descriptors that are open; a guess where /proc is not there.
fn open_now() -> u64 {
    std::fs::read_dir("/proc/self/fd").map_or(SPARE, |entries| entries.count() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_database_comes_before_the_clients() {
        assert_eq!(room(64, 10, 1, 4, 0), 20);
        assert_eq!(room(1024, 10, 1, 4, 0), 932);
        assert_eq!(room(1024, 10, 4, 4, 0), 878);
        assert_eq!(room(20_000, 10, 1, 4, 0), 18_722);
        assert_eq!(room(u64::MAX, 10, 1, 4, 0), 100_000);
        assert_eq!(room(1024, 10, 1, 4, 64), 868);
        assert_eq!(room(16, 10, 1, 4, 0), 1);
        assert_eq!(room(64, 10, 1, usize::MAX as u64, 0), 1);
        assert!(open_now() >= 3);
    }
}
