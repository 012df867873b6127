//! Deadlines from one coarse clock: a thread that ticks every [`TICK`], not a timer per request.
//!
//! A request that is answered in 50 µs should not pay for arming and removing a timer, and async-io's timers
//! were seen to fire late while sockets are busy (smol-rs/async-io #250). Here arming a deadline is one atomic
//! store and a look at the kernel's coarse clock. The clock's own thread looks through all deadlines at each tick
//! and wakes the tasks whose time is over: the kernel's scheduler runs it even when every executor thread is at
//! 100% CPU. The price is precision: a deadline fires up to a tick late, never early.

use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use atomic_waker::AtomicWaker;

use super::turn::coarse_ms;
use crate::lock::lock;

/// How often deadlines are looked at; a deadline fires at most this much late.
pub const TICK: Duration = Duration::from_millis(50);

/// The kernel's coarse clock may be behind by so much: its own tick, at the lowest rate there is.
const BEHIND_MS: u64 = 10;
/// Not armed.
const NEVER: u64 = u64::MAX;
/// Past: set by the sweep, so that a poll need not read the time.
const EXPIRED: u64 = 0;

/// The coarse clock of a process. Cheap to clone; its thread ends with the last clone.
#[derive(Clone)]
pub struct Clock(Arc<Shared>);

struct Shared {
    /// Times are stored as milliseconds since this one of the coarse clock, plus one: zero means [`EXPIRED`].
    start: u64,
    /// Every deadline in existence, armed or not.
    entries: Mutex<Vec<Arc<Entry>>>,
    /// Signalled when `entries` stops being empty: the thread sleeps without ticking while it is.
    populated: Condvar,
}

struct Entry {
    /// When it expires, in milliseconds on the clock; or [`NEVER`], or [`EXPIRED`].
    due: AtomicU64,
    waker: AtomicWaker,
}

impl Clock {
    /// Starts the clock's thread.
    ///
    /// # Errors
    /// When the system refuses another thread.
    pub fn start() -> std::io::Result<Clock> {
        let shared = Arc::new(Shared {
            start: coarse_ms(),
            entries: Mutex::new(Vec::new()),
            populated: Condvar::new(),
        });
        let weak = Arc::downgrade(&shared);
        std::thread::Builder::new()
            .name("clock".into())
            .stack_size(64 * 1024)
            .spawn(move || tick(&weak))?;
        Ok(Clock(shared))
    }

    /// A deadline of this clock, not armed yet.
    pub fn deadline(&self) -> Deadline {
        let entry = Arc::new(Entry {
            due: AtomicU64::new(NEVER),
            waker: AtomicWaker::new(),
        });
        let mut entries = self.0.entries();
        entries.push(entry.clone());
        // Only then does the thread wait, and telling it is a system call.
        if entries.len() == 1 {
            self.0.populated.notify_one();
        }
        drop(entries);
        Deadline {
            clock: self.0.clone(),
            entry,
        }
    }

    /// Waits until `duration` has passed, up to a tick longer.
    pub async fn sleep(&self, duration: Duration) {
        let mut deadline = self.deadline();
        deadline.arm(duration);
        deadline.expired().await;
    }

    /// Wakes every task that waits with a deadline of this clock, expired or not: the drain uses it to make
    /// idle connections look up.
    pub fn wake_all(&self) {
        for entry in self.0.entries().iter() {
            entry.waker.wake();
        }
    }
}

impl Shared {
    fn entries(&self) -> MutexGuard<'_, Vec<Arc<Entry>>> {
        lock(&self.entries)
    }

    fn now(&self) -> u64 {
        coarse_ms().saturating_sub(self.start) + 1
    }
}

/// The clock's thread.
fn tick(clock: &Weak<Shared>) {
    while let Some(clock) = clock.upgrade() {
        let mut entries = clock.entries();
        if entries.is_empty() {
            // Waking now and then notices that the last `Clock` is gone.
            let wait = clock.populated.wait_timeout(entries, 20 * TICK);
            entries = wait.unwrap_or_else(PoisonError::into_inner).0;
        }
        let now = clock.now();
        entries.retain(|entry| {
            let due = entry.due.load(Ordering::Acquire);
            // The owner may arm it anew at this very moment: then the exchange fails and nothing is lost.
            let fired = due <= now
                && due != EXPIRED
                && (entry.due)
                    .compare_exchange(due, EXPIRED, Ordering::AcqRel, Ordering::Relaxed)
                    .is_ok();
            if fired {
                entry.waker.wake();
            }
            // A deadline is dropped without the lock: only the clock still knows it.
            Arc::strong_count(entry) > 1
        });
        drop(entries);
        drop(clock);
        std::thread::sleep(TICK);
    }
}

/// A point in time after which its owner wants to be woken. Owned by one task; armed and disarmed at will.
pub struct Deadline {
    clock: Arc<Shared>,
    entry: Arc<Entry>,
}

impl Deadline {
    /// Arms it to expire `duration` from now, in place of what was set before.
    pub fn arm(&mut self, duration: Duration) {
        // Rounded up, and later by what the clock may be behind now: never early.
        let wait = u64::try_from(duration.as_nanos().div_ceil(1_000_000)).unwrap_or(NEVER);
        let due = self
            .clock
            .now()
            .saturating_add(wait)
            .saturating_add(BEHIND_MS);
        self.entry.due.store(due.min(NEVER - 1), Ordering::Release);
    }

    /// It will not expire until armed again.
    pub fn disarm(&mut self) {
        self.entry.due.store(NEVER, Ordering::Release);
    }

    /// Whether its time is over. Reads no clock: true from the tick after the deadline on.
    pub fn is_expired(&self) -> bool {
        self.entry.due.load(Ordering::Acquire) == EXPIRED
    }

    /// Ready once its time is over; otherwise the task is woken then (and by [`Clock::wake_all`]).
    pub fn poll_expired(&mut self, context: &mut Context<'_>) -> Poll<()> {
        self.entry.waker.register(context.waker());
        match self.is_expired() {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    }

    /// Waits until its time is over.
    pub async fn expired(&mut self) {
        std::future::poll_fn(|context| self.poll_expired(context)).await
    }

    /// Runs `future` until it is done or the time is over; `None` says that the time was over first.
    pub async fn race<F: Future>(&mut self, future: F) -> Option<F::Output> {
        let mut future = pin!(future);
        std::future::poll_fn(|context| {
            if let Poll::Ready(output) = future.as_mut().poll(context) {
                return Poll::Ready(Some(output));
            }
            self.poll_expired(context).map(|()| None)
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn a_deadline_fires_after_its_time_and_not_before() {
        let clock = Clock::start().unwrap();
        let begin = Instant::now();
        async_io::block_on(clock.sleep(Duration::from_millis(120)));
        assert!(begin.elapsed() >= Duration::from_millis(120));
        assert!(begin.elapsed() < Duration::from_secs(5));
    }

    #[test]
    fn a_race_is_won_by_the_faster() {
        let clock = Clock::start().unwrap();
        let mut deadline = clock.deadline();
        async_io::block_on(async {
            deadline.arm(Duration::from_millis(60));
            assert_eq!(deadline.race(std::future::pending::<()>()).await, None);
            deadline.arm(Duration::from_secs(60));
            assert_eq!(deadline.race(std::future::ready(7)).await, Some(7));
        });
    }

    #[test]
    fn a_deadline_may_be_as_good_as_never() {
        let clock = Clock::start().unwrap();
        let mut deadline = clock.deadline();
        for duration in [Duration::MAX, Duration::from_secs(u64::MAX / 1000)] {
            deadline.arm(duration);
            async_io::block_on(clock.sleep(2 * TICK));
            assert!(!deadline.is_expired());
        }
    }

    #[test]
    fn disarmed_and_rearmed_deadlines_wait() {
        let clock = Clock::start().unwrap();
        let mut deadline = clock.deadline();
        deadline.arm(Duration::ZERO);
        async_io::block_on(deadline.expired());
        deadline.disarm();
        assert!(!deadline.is_expired());
        deadline.arm(Duration::from_secs(60));
        async_io::block_on(clock.sleep(2 * TICK));
        assert!(!deadline.is_expired());
    }

    #[test]
    fn dropped_deadlines_are_forgotten() {
        let clock = Clock::start().unwrap();
        drop((0..100).map(|_| clock.deadline()).collect::<Vec<_>>());
        async_io::block_on(clock.sleep(3 * TICK));
        assert!(clock.0.entries().len() <= 1);
    }
}
