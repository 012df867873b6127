//! Waiting until a descriptor has something to read.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::task::Poll;

use super::poller::{Poller, Registration};

/// A pipe, a socket or the like on an executor, of which only is asked whether there is something to read, or its end.
pub struct Readable {
    // Before the descriptor: the set's place is left, then the descriptor closed.
    registration: Registration,
    fd: OwnedFd,
}

impl Readable {
    /// Takes over a descriptor.
    ///
    /// # Errors
    /// When the system has no room to watch it.
    pub fn new(fd: OwnedFd) -> io::Result<Readable> {
        let registration = Poller::register(&fd)?;
        Ok(Readable { registration, fd })
    }

    /// Waits for something to read that was not there at the last call.
    pub async fn news(&self) {
        let side = &self.registration.source.read;
        std::future::poll_fn(|context| match side.take_news() || !side.wait(context) {
            true => {
                side.take_news();
                Poll::Ready(())
            }
            false => Poll::Pending,
        })
        .await
    }
}

impl AsFd for Readable {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}
