//! A listening socket on an executor.

use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::net::{SocketFlags, acceptfrom_with};
use rustix::time::Timespec;

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

    /// Waits until somebody may be waiting to be accepted.
    pub async fn arrival(&self) {
        let side = &self.registration.source.read;
        std::future::poll_fn(|context| {
            if side.take_news() {
                self.empty.store(false, Ordering::Relaxed);
            }
            match self.empty.load(Ordering::Relaxed) && side.wait(context) {
                true => Poll::Pending,
                false => Poll::Ready(()),
            }
        })
        .await
    }

    /// Whether somebody waits now; asks the system.
    pub fn is_awaited(&self) -> bool {
        let mut listener = [PollFd::new(&self.fd, PollFlags::IN)];
        let awaited = matches!(poll(&mut listener, Some(&Timespec::default())), Ok(1));
        // Whoever comes later is news.
        self.empty.store(!awaited, Ordering::Relaxed);
        awaited
    }

    /// The next connection that waits, and who it is from, unless over a UNIX socket.
    ///
    /// # Errors
    /// `WouldBlock` when none does; else those of `accept(2)`, none of which is about the socket itself.
    pub fn accept(&self) -> io::Result<(OwnedFd, Option<SocketAddr>)> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        match acceptfrom_with(&self.fd, flags) {
            Ok((connection, peer)) => Ok((
                connection,
                peer.and_then(|peer| SocketAddr::try_from(peer).ok()),
            )),
            Err(error) => {
                if error == Errno::WOULDBLOCK {
                    self.empty.store(true, Ordering::Relaxed);
                }
                Err(error.into())
            }
        }
    }
}
