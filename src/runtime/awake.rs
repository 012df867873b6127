//! A future that is polled only when it has been woken itself.
//!
//! The thread of an executor polls its main future and its tasks in one loop. Without this the main future, which
//! listens to signals and accepts connections, would look for both whenever any socket has news.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use atomic_waker::AtomicWaker;

/// Polls the future inside when it has been woken, and not when those beside it were.
pub(super) struct WhenWoken<F> {
    future: Pin<Box<F>>,
    bell: Arc<Bell>,
    waker: Waker,
}

/// What the future inside wakes.
struct Bell {
    rung: AtomicBool,
    /// The loop that polls it.
    outer: AtomicWaker,
}

impl<F: Future> WhenWoken<F> {
    pub(super) fn new(future: F) -> WhenWoken<F> {
        let bell = Arc::new(Bell {
            rung: AtomicBool::new(true),
            outer: AtomicWaker::new(),
        });
        WhenWoken {
            future: Box::pin(future),
            waker: Waker::from(bell.clone()),
            bell,
        }
    }
}

impl<F: Future> Future for WhenWoken<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let Self {
            future,
            bell,
            waker,
        } = &mut *self;
        // Before the look: a ring that comes after it wakes the loop.
        bell.outer.register(context.waker());
        match bell.rung.swap(false, Ordering::AcqRel) {
            true => future.as_mut().poll(&mut Context::from_waker(waker)),
            false => Poll::Pending,
        }
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.rung.store(true, Ordering::Release);
        self.outer.wake();
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use futures_lite::future;

    use super::*;

    #[test]
    fn only_its_own_waker_counts() {
        let polls = Cell::new(0);
        let (sender, receiver) = smol::channel::bounded(1);
        let mut inner = Box::pin(receiver.recv());
        let counted = WhenWoken::new(future::poll_fn(|context| {
            polls.set(polls.get() + 1);
            inner.as_mut().poll(context)
        }));
        let others = async {
            for _ in 0..10 {
                future::yield_now().await;
            }
            assert_eq!(polls.get(), 1);
            sender.send(7).await.unwrap();
        };
        let (received, ()) = future::block_on(future::zip(counted, others));
        assert_eq!((received, polls.get()), (Ok(7), 2));
    }
}
