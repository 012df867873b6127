//! A listening socket on an executor.

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::net::{SocketFlags, acceptfrom_with};
use rustix::time::Timespec;

use super::poller::{Poller, Registration};

/// Takes connections from a listening socket.
pub struct Acceptor<F: AsFd> {
    registration: Registration,
    socket: F,
    /// Nobody was waiting at the last look.
    empty: AtomicBool,
}

impl<F: AsFd> Acceptor<F> {
    /// Takes over a listening, non-blocking socket.
    ///
    /// # Errors
    /// When the system has no room to watch it.
    pub fn new(socket: F) -> io::Result<Acceptor<F>> {
        let registration = Poller::register_listener(&socket)?;
        Ok(Acceptor {
            registration,
            socket,
            empty: AtomicBool::new(false),
        })
    }

    /// What was taken over.
    pub fn socket(&self) -> &F {
        &self.socket
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
        let mut listener = [PollFd::new(&self.socket, PollFlags::IN)];
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
        match acceptfrom_with(&self.socket, flags) {
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

impl<F: AsFd> Drop for Acceptor<F> {
    fn drop(&mut self) {
        self.registration.take_out(&self.socket);
    }
}
