//! How many requests of one endpoint run at a time: a slow report must not be all that the server does.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use smol::lock::{Semaphore, SemaphoreGuardArc};

use crate::error::Problem;
use crate::runtime::Clock;

/// The longest wait for a turn; then 503.
const WAIT: Duration = Duration::from_secs(1);

/// The places of one endpoint, in this process.
pub(super) struct Bulkhead {
    places: Arc<Semaphore>,
    count: NonZeroUsize,
}

/// A request's place, shared with its queries; given back when the last of them is done with it. Nothing where as many run
/// as want to.
pub(super) type Turn = Option<Arc<SemaphoreGuardArc>>;

impl Bulkhead {
    pub(super) fn new(count: NonZeroUsize) -> Bulkhead {
        Bulkhead {
            places: Arc::new(Semaphore::new(count.get())),
            count,
        }
    }

    /// Waits for a place.
    ///
    /// # Errors
    /// 503 when none got free in time.
    pub(super) async fn enter(&self, clock: &Clock) -> Result<Turn, Problem> {
        if let Some(turn) = self.places.try_acquire_arc() {
            return Ok(Some(Arc::new(turn)));
        }
        let mut deadline = clock.deadline();
        deadline.arm(WAIT);
        let turn = deadline.race(self.places.acquire_arc()).await;
        turn.map(|turn| Some(Arc::new(turn))).ok_or_else(|| {
            let detail = format!(
                "this endpoint is busy: {} of its requests run at a time",
                self.count
            );
            Problem::unavailable(detail, WAIT)
        })
    }
}
