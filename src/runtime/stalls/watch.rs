//! What one executor thread is busy with, and since when.
//!
//! Two reads of the kernel's coarse clock and a few stores per section: tens of nanoseconds less than the exact clock,
//! for times that are exact to a tick of the kernel (1 to 10 ms).

use std::cell::RefCell;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use super::{Label, Shared, Stall};
use crate::runtime::turn::coarse_ms;
use crate::sys;

/// Not in a section: the thread waits, or runs nothing that is timed.
const NOTHING: u64 = 0;

/// A thread that is watched. Written by that thread, read by the monitor.
pub(super) struct Watch {
    pub(super) shared: Arc<Shared>,
    pub(super) thread: sys::ThreadId,
    pub(super) name: String,
    /// When the current section began, in milliseconds of the coarse clock; or [`NOTHING`].
    began_ms: AtomicU64,
    /// What it is for.
    label: AtomicU32,
    /// How many there were, to tell this one from the next.
    count: AtomicU64,
}

thread_local! {
    static WATCH: RefCell<Option<Arc<Watch>>> = const { RefCell::new(None) };
}

/// The current thread is watched until this is dropped.
pub struct Watched(Option<Arc<Watch>>);

impl Watched {
    pub(super) fn this_thread(shared: &Arc<Shared>) -> Watched {
        let watch = Arc::new(Watch {
            shared: shared.clone(),
            thread: sys::this_thread(),
            name: std::thread::current().name().unwrap_or("").to_owned(),
            began_ms: AtomicU64::new(NOTHING),
            label: AtomicU32::new(0),
            count: AtomicU64::new(0),
        });
        shared.watches().push(watch.clone());
        Watched(WATCH.replace(Some(watch)))
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        if let Some(watch) = WATCH.replace(self.0.take()) {
            let mut watches = watch.shared.watches();
            watches.retain(|other| !Arc::ptr_eq(other, &watch));
        }
    }
}

/// A section that a thread is in, as the monitor sees it.
pub(super) struct Seen {
    pub(super) label: Label,
    pub(super) lasts: Duration,
    /// Which it is.
    pub(super) count: u64,
}

impl Watch {
    /// The section that the thread is in.
    pub(super) fn look(&self) -> Option<Seen> {
        let count = self.count.load(Ordering::Acquire);
        let began = self.began_ms.load(Ordering::Acquire);
        let label = Label::numbered(self.label.load(Ordering::Acquire));
        // Another one has begun meanwhile: the parts do not belong together, and nothing is stuck.
        if began == NOTHING || !self.is_in(count) {
            return None;
        }
        let lasts = Duration::from_millis(coarse_ms().saturating_sub(began));
        Some(Seen {
            label,
            lasts,
            count,
        })
    }

    /// Whether the thread is still in this section.
    pub(super) fn is_in(&self, count: u64) -> bool {
        self.count.load(Ordering::Acquire) == count
    }
}

/// The time in a section; ends with it, however that is left.
struct Section<'a> {
    watch: &'a Watch,
    /// The label of the section around it, if there is one.
    outer: Option<Label>,
}

impl Watch {
    fn section(&self, label: Label) -> Section<'_> {
        let outer = self.leave();
        self.enter(label);
        Section { watch: self, outer }
    }

    fn enter(&self, label: Label) {
        let count = self.count.load(Ordering::Relaxed) + 1;
        self.count.store(count, Ordering::Release);
        self.label.store(label.number(), Ordering::Release);
        self.began_ms.store(coarse_ms(), Ordering::Release);
    }

    /// Ends the section that the thread is in, and tells of it if it took too long; its label.
    fn leave(&self) -> Option<Label> {
        // Nobody else writes it: a swap would cost as much as all the rest.
        let began = self.began_ms.load(Ordering::Relaxed);
        if began == NOTHING {
            return None;
        }
        self.began_ms.store(NOTHING, Ordering::Release);
        let label = Label::numbered(self.label.load(Ordering::Relaxed));
        let lasted = Duration::from_millis(coarse_ms().saturating_sub(began));
        if lasted >= self.shared.threshold {
            self.shared.tell(&Stall {
                label,
                lasted,
                stuck: None,
            });
        }
        Some(label)
    }
}

impl Drop for Section<'_> {
    fn drop(&mut self) {
        self.watch.leave();
        // What is around it begins anew: what happened inside is not its doing.
        if let Some(outer) = self.outer {
            self.watch.enter(outer);
        }
    }
}

/// Does what `label` stands for, timed if this thread is watched. Inside of another section it takes that one's place for
/// as long as it lasts.
pub fn section<T>(label: Label, work: impl FnOnce() -> T) -> T {
    WATCH.with_borrow(|watch| {
        let _section = watch.as_ref().map(|watch| watch.section(label));
        work()
    })
}

/// Runs `future`; each of its polls is a section.
pub async fn timed<F: Future>(label: Label, future: F) -> F::Output {
    let mut future = pin!(future);
    std::future::poll_fn(|context| section(label, || future.as_mut().poll(context))).await
}
