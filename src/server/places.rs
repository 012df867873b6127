//! How many clients may be connected at once, and who goes when there are more.
//!
//! Connections are counted below the descriptor limit, so that the database and the log never lack a descriptor. When
//! all places are taken and somebody waits to be accepted, connections that wait for a request give up theirs: idle
//! clients, or hostile ones that hold places for as long as keep-alive lasts, do not keep others out.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use smol::lock::{Semaphore, SemaphoreGuardArc};

use crate::app::Entrance;
use crate::lock::lock;
use crate::observe::{self, Event};
use crate::runtime::{Clock, TICK};

/// Idle connections that are asked to go per tick. Waking them all costs more than letting a few go too many.
const AT_A_TIME: usize = 64;
/// Between two reports that all places are taken.
const REPORT_EVERY: Duration = Duration::from_secs(60);

/// The places of one executor's clients at one entrance.
pub(super) struct Places {
    entrance: Entrance,
    free: Arc<Semaphore>,
    count: usize,
    /// How many idle connections should still go.
    wanted: AtomicUsize,
    /// When it was last said that all places are taken.
    reported: Mutex<Option<Instant>>,
}

/// A client's place; given back when dropped.
pub(super) type Place = SemaphoreGuardArc;

impl Places {
    pub(super) fn new(entrance: Entrance, count: usize) -> Places {
        Places {
            entrance,
            free: Arc::new(Semaphore::new(count)),
            count,
            wanted: AtomicUsize::new(0),
            reported: Mutex::new(None),
        }
    }

    /// A place for somebody who waits; while there is none, as long as `awaited` says so, idle connections are asked to
    /// go. `None`: nobody waits any more.
    pub(super) async fn take(&self, clock: &Clock, awaited: impl Fn() -> bool) -> Option<Place> {
        if let Some(place) = self.free.try_acquire_arc() {
            return Some(place);
        }
        self.report();
        let mut deadline = clock.deadline();
        let taken = loop {
            if !awaited() {
                break None;
            }
            self.wanted.store(AT_A_TIME, Ordering::Release);
            clock.wake_all();
            deadline.arm(TICK);
            if let Some(place) = deadline.race(self.free.acquire_arc()).await {
                break Some(place);
            }
        };
        self.wanted.store(0, Ordering::Release);
        taken
    }

    /// Whether a connection that is idle should go. All are woken by the clock when that changes.
    pub(super) fn asks_idle_to_go(&self) -> bool {
        let take_one = |wanted: usize| wanted.checked_sub(1);
        (self.wanted)
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, take_one)
            .is_ok()
    }

    fn report(&self) {
        let mut reported = lock(&self.reported);
        if reported.is_none_or(|last| last.elapsed() >= REPORT_EVERY) {
            *reported = Some(Instant::now());
            observe::emit(&Event::PlacesTaken {
                admin: self.entrance == Entrance::Admin,
                count: self.count,
            });
        }
    }
}
