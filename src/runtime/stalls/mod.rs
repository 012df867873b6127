//! The stall monitor: it names what holds an executor thread up.
//!
//! ```text
//! a poll of a task ── section(label) ── over: took longer than the threshold? ──┐
//!                          │                                                    ├─ Stall → the log, a metric, Sentry
//! the monitor's thread ─ looks every half threshold: still the same section? ───┘  with the stuck thread's stack
//! ```
//!
//! While a thread runs a handler that blocks, nothing else on that thread moves: no other request, no timer, no signal.
//! Both ends are told: when it is noticed, for what never ends is never over, and when it is over, for how long it took.

mod label;
mod stack;
mod watch;

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

pub use label::Label;
pub use stack::{Frame, Stack};
use watch::Watch;
pub use watch::{Watched, section, timed};

use crate::lock::lock;
use crate::sys;

/// A section that takes at least as long as the threshold.
#[derive(Debug)]
pub struct Stall {
    /// What the thread is busy with.
    pub label: Label,
    /// How long it took, or takes so far.
    pub lasted: Duration,
    /// It is not over.
    pub stuck: Option<Stuck>,
}

/// A thread in the midst of a stall.
#[derive(Debug)]
pub struct Stuck {
    /// The thread's name.
    pub thread: String,
    /// Whether it computes, or waits for something, as far as the kernel tells.
    pub state: State,
    /// Where it is; empty if that could not be found out.
    pub stack: Stack,
}

/// What the kernel says of a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It runs, or waits for a processor.
    Running,
    /// It waits: for a lock, a socket, a disk, a time.
    Waiting,
    /// Nobody knows.
    Unknown,
}

/// Looks for stalls until it is dropped.
pub struct Monitor {
    shared: Arc<Shared>,
    thread: Option<std::thread::JoinHandle<()>>,
}

struct Shared {
    threshold: Duration,
    watches: Mutex<Vec<Arc<Watch>>>,
    ended: Mutex<bool>,
    end: Condvar,
    tell: Box<dyn Fn(&Stall) + Send + Sync>,
}

impl Monitor {
    /// Tells `tell` of every section that takes `threshold` or longer, on the thread that is held up when it is over, and on
    /// the monitor's own while it lasts, at the latest half a threshold after it has become one.
    ///
    /// # Errors
    /// When the system refuses a thread.
    pub fn start(
        threshold: Duration,
        tell: impl Fn(&Stall) + Send + Sync + 'static,
    ) -> io::Result<Monitor> {
        let shared = Arc::new(Shared {
            threshold,
            watches: Mutex::default(),
            ended: Mutex::new(false),
            end: Condvar::new(),
            tell: Box::new(tell),
        });
        let watcher = shared.clone();
        let thread = std::thread::Builder::new()
            .name("stalls".into())
            .spawn(move || watcher.look_out())?;
        Ok(Monitor {
            shared,
            thread: Some(thread),
        })
    }

    /// Watches the calling thread, an executor's, until what this gives is dropped.
    pub fn watch_this_thread(&self) -> Watched {
        Watched::this_thread(&self.shared)
    }
}

impl Drop for Monitor {
    fn drop(&mut self) {
        *lock(&self.shared.ended) = true;
        self.shared.end.notify_one();
        if let Some(thread) = self.thread.take() {
            // What it has panicked of has been reported.
            let _panicked = thread.join();
        }
    }
}

impl Shared {
    fn watches(&self) -> MutexGuard<'_, Vec<Arc<Watch>>> {
        lock(&self.watches)
    }

    fn tell(&self, stall: &Stall) {
        (self.tell)(stall);
    }

    fn look_out(&self) {
        let mut told: Vec<(sys::ThreadId, u64)> = Vec::new();
        let mut ended = lock(&self.ended);
        while !*ended {
            let waited = self.end.wait_timeout(ended, self.threshold / 2);
            ended = waited.unwrap_or_else(PoisonError::into_inner).0;
            // Not under the lock: taking a stack takes a while.
            let watches = self.watches().clone();
            for watch in watches {
                self.look_at(&watch, &mut told);
            }
        }
    }

    /// Tells once of a section that is too long already.
    fn look_at(&self, watch: &Watch, told: &mut Vec<(sys::ThreadId, u64)>) {
        let Some(seen) = watch.look().filter(|seen| seen.lasts >= self.threshold) else {
            return;
        };
        if told.contains(&(watch.thread, seen.count)) {
            return;
        }
        told.retain(|(thread, _)| *thread != watch.thread);
        told.push((watch.thread, seen.count));
        let state = state(watch.thread);
        let addresses = sys::stack_of(watch.thread);
        // It went on meanwhile: the stack is of something else, and its end has told how long it took.
        if !watch.is_in(seen.count) {
            return;
        }
        self.tell(&Stall {
            label: seen.label,
            lasted: seen.lasts,
            stuck: Some(Stuck {
                thread: watch.name.clone(),
                state,
                stack: Stack::named(&addresses),
            }),
        });
    }
}

/// The state of a thread of this process, as proc(5) has it.
fn state(thread: sys::ThreadId) -> State {
    let path = format!("/proc/self/task/{}/stat", thread.number());
    let stat = std::fs::read_to_string(path).unwrap_or_default();
    // The name in parentheses may hold anything.
    let letter = stat
        .rsplit_once(") ")
        .and_then(|(_, rest)| rest.chars().next());
    match letter {
        Some('R') => State::Running,
        Some('S' | 'D') => State::Waiting,
        _ => State::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A label's name, the stack if it is stuck, and how long it lasted.
    type Tale = (String, Option<String>, Duration);

    /// What a monitor has told.
    #[derive(Clone, Default)]
    struct Told(Arc<Mutex<Vec<Tale>>>);

    impl Told {
        /// Of what `work` does on a watched thread.
        fn of(threshold_ms: u64, work: impl FnOnce(&Told)) -> Vec<Tale> {
            let heard = Told::default();
            let hear = heard.clone();
            let monitor =
                Monitor::start(Duration::from_millis(threshold_ms), move |stall: &Stall| {
                    let name = stall.label.name().to_string();
                    let stack = stall.stuck.as_ref().map(|stuck| stuck.stack.to_string());
                    lock(&hear.0).push((name, stack, stall.lasted));
                });
            let monitor = monitor.unwrap();
            let watched = monitor.watch_this_thread();
            work(&heard);
            drop((watched, monitor));
            lock(&heard.0).clone()
        }

        /// Holds the thread up until it is told of once more.
        fn hold_up(&self) {
            let before = lock(&self.0).len();
            while lock(&self.0).len() == before {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    }

    #[test]
    fn what_blocks_is_named_while_it_lasts_and_after() {
        let slow = Label::new(&"slow endpoint".into());
        let told = Told::of(50, |told| {
            section(Label::CONNECTION, || section(slow, || told.hold_up()));
        });
        let [(name, Some(stack), lasts), (again, None, took)] = told.as_slice() else {
            panic!("{told:?}")
        };
        assert_eq!(
            (name.as_str(), again.as_str()),
            ("slow endpoint", "slow endpoint")
        );
        assert!(
            Duration::from_millis(50) <= *lasts && lasts <= took,
            "{told:?}"
        );
        #[cfg(feature = "stacks")]
        assert!(stack.contains("hold_up"), "{stack}");
        #[cfg(not(feature = "stacks"))]
        assert_eq!(stack, "");
    }

    #[test]
    fn the_blame_is_not_passed_on() {
        let (slow, fast) = (
            Label::new(&"blamed".into()),
            Label::new(&"not blamed".into()),
        );
        let told = Told::of(20, |told| {
            section(Label::CONNECTION, || {
                section(slow, || told.hold_up());
                section(fast, || ());
                told.hold_up();
            });
            // In no section.
            std::thread::sleep(Duration::from_millis(100));
        });
        let over = told.iter().filter(|(_, stuck, _)| stuck.is_none());
        let names: Vec<&str> = over.map(|(name, ..)| name.as_str()).collect();
        assert_eq!(names, ["blamed", "(connection)"]);
    }

    #[test]
    fn what_is_quick_is_not_told_of() {
        let quick = Label::new(&"quick".into());
        let told = Told::of(5000, |_| {
            for _ in 0..50 {
                section(quick, || std::thread::sleep(Duration::from_millis(1)));
            }
        });
        assert_eq!(told, []);
    }

    #[test]
    fn a_panic_ends_a_section() {
        let told = Told::of(50, |_| {
            let caught = std::panic::catch_unwind(|| {
                section(Label::TASK, || std::panic::resume_unwind(Box::new(())));
            });
            assert!(caught.is_err());
            std::thread::sleep(Duration::from_millis(150));
        });
        assert_eq!(told, []);
    }
}
