//! The heartbeat of an executor thread: when it last went round its loop.

use std::sync::atomic::{AtomicU64, Ordering};

use rustix::time::{ClockId, clock_gettime};

/// Set while the thread waits for something to do.
const IDLE: u64 = 1;

/// Where a thread notes its turns; whoever shares the memory can tell whether it still moves.
///
/// A thread turns whenever its tasks have had their share and whenever it has waited. One that is in the midst of a
/// turn for seconds is held up by what it runs, or by the system.
#[derive(Clone, Copy)]
pub struct Turn(
    /// Milliseconds on the coarse monotonic clock, shifted left by one, and [`IDLE`].
    &'static AtomicU64,
);

impl Turn {
    /// Notes turns in `word`.
    pub fn new(word: &'static AtomicU64) -> Turn {
        Turn(word)
    }

    /// The thread begins a turn now.
    pub(super) fn begin(self) {
        self.begin_at(coarse_ms());
    }

    /// The thread has nothing to do from now on.
    pub(super) fn rest(self) {
        self.rest_at(coarse_ms());
    }

    pub(crate) fn begin_at(self, now_ms: u64) {
        self.0.store(now_ms << 1, Ordering::Relaxed);
    }

    pub(crate) fn rest_at(self, now_ms: u64) {
        self.0.store(now_ms << 1 | IDLE, Ordering::Relaxed);
    }

    /// When the last turn began, or ended; 0 if there was none.
    pub fn last_ms(self) -> u64 {
        self.0.load(Ordering::Relaxed) >> 1
    }

    /// Whether the thread waits for something to do.
    pub fn is_idle(self) -> bool {
        self.0.load(Ordering::Relaxed) & IDLE != 0
    }
}

/// Milliseconds on the kernel's coarse monotonic clock: a few nanoseconds to read instead of a few tens.
pub(super) fn coarse_ms() -> u64 {
    let now = clock_gettime(ClockId::MonotonicCoarse);
    now.tv_sec as u64 * 1000 + now.tv_nsec as u64 / 1_000_000
}
