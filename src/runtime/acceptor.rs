//! A listening socket on an executor.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

use rustix::net::{SocketFlags, acceptfrom_with};

use super::poller::{Poller, Registration};

/// Takes connections from a listening socket.
pub struct Acceptor {
    // Before the descriptor: the set's place is left, then the descriptor closed.
    registration: Registration,
    fd: OwnedFd,
    /// Nobody was waiting at the last look.
    empty: AtomicBool,
}

impl Acceptor {
    /// Takes over a listening, non-blocking socket.
    ///
    /// # Errors
    /// When the system has no room to watch it.
    pub fn new(fd: OwnedFd) -> io::Result<Acceptor> {
        let registration = Poller::register(&fd)?;
        Ok(Acceptor {
            registration,
            fd,
            empty: AtomicBool::new(false),
        })
    }

    /// The next connection, and who it is from, unless over a UNIX socket.
    ///
    /// # Errors
    /// Those of `accept(2)`; none of them is about the socket itself.
    pub async fn accept(&self) -> io::Result<(OwnedFd, Option<SocketAddr>)> {
        let side = &self.registration.source.read;
        std::future::poll_fn(|context| {
            loop {
                // The queue was empty, and nobody has come since.
                if !side.take_news() && self.empty.load(Ordering::Relaxed) {
                    if side.wait(context) {
                        return Poll::Pending;
                    }
                    continue;
                }
                match self.accept_queued() {
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {
                        self.empty.store(true, Ordering::Relaxed);
                    }
                    result => {
                        self.empty.store(false, Ordering::Relaxed);
                        return Poll::Ready(result);
                    }
                }
            }
        })
        .await
    }

    /// The next connection that waits already.
    ///
    /// # Errors
    /// `WouldBlock` when none does; else as [`Acceptor::accept`].
    pub fn accept_queued(&self) -> io::Result<(OwnedFd, Option<SocketAddr>)> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let (connection, peer) = acceptfrom_with(&self.fd, flags)?;
        Ok((
            connection,
            peer.and_then(|peer| SocketAddr::try_from(peer).ok()),
        ))
    }
}
