//! Panics: what they say, where they were raised, and who is told.
//!
//! The standard hook prints on stderr, which blocks when nobody reads it, and knows neither priorities nor Sentry; the one
//! of Sentry's own integration waits up to two seconds in the thread that panics. This one notes what there is to know,
//! for whoever [catches](catch) the panic, or reports it where nobody does: a task whose panic the executor keeps to
//! itself, a thread.

use std::any::Any;
use std::backtrace::Backtrace;
use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::pin::pin;
use std::sync::{Arc, Once};
use std::task::Poll;

use crate::observe::{self, Event};

/// A panic that was caught.
#[derive(Debug)]
pub struct Panic {
    /// What it says.
    pub message: String,
    /// `file:line:column`, if the hook has seen it.
    pub place: Option<String>,
    /// The calls that led to it, if they were wanted; not named yet.
    pub stack: Option<Backtrace>,
}

/// What the hook does on this thread.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// It reports.
    Report,
    /// It notes, for who catches.
    Note {
        /// The stack too: walking it takes as long as the panic itself.
        stack: bool,
    },
}

thread_local! {
    static MODE: Cell<Mode> = const { Cell::new(Mode::Report) };
    static NOTED: RefCell<Option<Panic>> = const { RefCell::new(None) };
}

/// Restores what the hook did before.
struct Restore(Mode);

impl Drop for Restore {
    fn drop(&mut self) {
        MODE.set(self.0);
    }
}

/// Runs `work`; its panic is for the caller to report, with its stack if that is wanted. A panic leaves what `work` uses
/// poisoned at worst: nothing of it is used again.
pub fn catch<T>(stack: bool, work: impl FnOnce() -> T) -> Result<T, Panic> {
    let _restore = Restore(MODE.replace(Mode::Note { stack }));
    catch_unwind(AssertUnwindSafe(work)).map_err(|payload| {
        let noted = NOTED.take();
        noted.unwrap_or_else(|| Panic {
            message: message(&*payload),
            place: None,
            stack: None,
        })
    })
}

/// The same for polling once: a panic is the end.
pub fn catch_poll<T>(stack: bool, poll: impl FnOnce() -> Poll<T>) -> Poll<Result<T, Panic>> {
    match catch(stack, poll) {
        Ok(polled) => polled.map(Ok),
        Err(panic) => Poll::Ready(Err(panic)),
    }
}

/// The same for a future, whenever it panics; without its stack.
pub async fn catch_future<T>(future: impl Future<Output = T>) -> Result<T, Panic> {
    let mut future = pin!(future);
    poll_fn(|context| catch_poll(false, || future.as_mut().poll(context))).await
}

/// Has panics of this process noted where they are caught, and reported as an [`Event`] where they are not; then the hook
/// that was there before has its turn. Once is enough, and more do no harm.
pub fn install() {
    install_before(true);
}

/// The same for a program whose log is all that is read: what is reported is not printed as well, which would wait for a
/// reader, unless `RUST_BACKTRACE` asks for it.
pub fn install_alone() {
    install_before(false);
}

/// The hook that was there before hears of all panics if `RUST_BACKTRACE` asks for that, else of those that nobody catches, if
/// it is to hear of `uncaught` ones.
fn install_before(uncaught: bool) {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let all = std::env::var_os("RUST_BACKTRACE").is_some_and(|value| value != "0");
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let noted = note_or_report(info);
            if all || (uncaught && !noted) {
                before(info);
            }
        }));
    });
}

/// True if somebody catches it.
fn note_or_report(info: &PanicHookInfo<'_>) -> bool {
    let message = message(info.payload());
    let place = info.location().map(ToString::to_string);
    match MODE.get() {
        Mode::Note { stack } => {
            let stack = stack.then(Backtrace::force_capture);
            NOTED.set(Some(Panic {
                message,
                place,
                stack,
            }));
            true
        }
        Mode::Report => {
            let thread = std::thread::current();
            observe::emit(&Event::TaskPanicked {
                thread: thread.name().unwrap_or("unnamed").to_owned(),
                message,
                place,
                stack: Arc::new(Backtrace::force_capture()),
            });
            false
        }
    }
}

fn message(payload: &(dyn Any + Send)) -> String {
    match (
        payload.downcast_ref::<&str>(),
        payload.downcast_ref::<String>(),
    ) {
        (Some(message), _) => (*message).to_owned(),
        (_, Some(message)) => message.clone(),
        _ => "without a message".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use futures_lite::future;

    use super::*;

    #[test]
    fn what_is_caught_is_noted() {
        install();
        let panic = catch(true, || panic!("on {}", "purpose")).unwrap_err();
        assert_eq!(panic.message, "on purpose");
        assert!(
            panic
                .place
                .is_some_and(|place| place.contains("panics.rs:"))
        );
        assert!(panic.stack.is_some());
        // One within another is the inner one's.
        let outer = catch(false, || {
            let inner = catch(false, || std::panic::panic_any(7)).unwrap_err();
            assert_eq!(inner.message, "without a message");
            panic!("outer");
        });
        assert_eq!(outer.unwrap_err().message, "outer");
        assert_eq!(catch(false, || 7).unwrap(), 7);
    }

    #[test]
    fn a_future_is_caught_whenever_it_panics() {
        install();
        let panicking = |late: bool| async move {
            if late {
                future::yield_now().await;
            }
            panic!("late: {late}")
        };
        for late in [false, true] {
            let caught = future::block_on(catch_future::<()>(panicking(late)));
            assert_eq!(caught.unwrap_err().message, format!("late: {late}"));
        }
        let whole = async {
            future::yield_now().await;
            7
        };
        assert_eq!(future::block_on(catch_future(whole)).unwrap(), 7);
    }
}
