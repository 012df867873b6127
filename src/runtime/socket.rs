//! A connected stream socket, TCP or UNIX.
//!
//! Every operation is tried before it is waited for: a busy socket is usually ready. There is one waker per direction:
//! only one task may read and only one may write.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, Shutdown, SocketAddrUnix, SocketFlags, SocketType, sockopt,
};

use super::clock::{Clock, TICK};
use super::poller::{Poller, Registration};

/// The longest path that a UNIX socket can have, in bytes: that of `sockaddr_un`, whose last one is a NUL.
pub(crate) const MOST_PATH_BYTES: usize = 107;

/// A connected stream socket.
pub struct Socket {
    // Before the descriptor: the set's place is left, then the descriptor closed.
    registration: Registration,
    fd: OwnedFd,
    /// The last read took all there was: without news another would find nothing.
    dry: AtomicBool,
}

impl Socket {
    /// Takes over a connected, non-blocking socket.
    ///
    /// # Errors
    /// When the system has no room to watch it.
    pub fn new(fd: OwnedFd) -> io::Result<Socket> {
        let registration = Poller::register(&fd)?;
        Ok(Socket {
            registration,
            fd,
            dry: AtomicBool::new(false),
        })
    }

    /// Connects to a TCP address; Nagle's algorithm is off.
    ///
    /// # Errors
    /// Those of `connect(2)`. Without a deadline of its own: an address that swallows packets holds it for minutes.
    pub async fn connect_tcp(address: SocketAddr) -> io::Result<Socket> {
        let family = if address.is_ipv4() {
            AddressFamily::INET
        } else {
            AddressFamily::INET6
        };
        let fd = open(family)?;
        sockopt::set_tcp_nodelay(&fd, true)?;
        match rustix::net::connect(&fd, &address) {
            Ok(()) | Err(Errno::INPROGRESS) => {}
            Err(error) => return Err(error.into()),
        }
        let socket = Socket::new(fd)?;
        // The first news of its writing side is that it is connected, or cannot be.
        std::future::poll_fn(|context| socket.poll_write_news(context)).await;
        sockopt::socket_error(&socket.fd)??;
        Ok(socket)
    }

    /// Connects to a UNIX stream socket.
    ///
    /// # Errors
    /// Those of `connect(2)`; a path longer than 107 bytes is invalid input.
    pub fn connect_unix(path: &Path) -> io::Result<Socket> {
        let address = SocketAddrUnix::new(path)?;
        let fd = open(AddressFamily::UNIX)?;
        // On a UNIX socket this never stays in progress: it connects, or fails at once.
        rustix::net::connect(&fd, &address)?;
        Socket::new(fd)
    }

    /// Reads what is there into `buffer`, or waits for the first bytes. 0 says that the peer sends no more.
    pub fn poll_read(
        &self,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let side = &self.registration.source.read;
        loop {
            if side.take_news() || !self.dry.load(Ordering::Relaxed) {
                match retry(|| Ok(rustix::net::recv(&self.fd, &mut *buffer, RecvFlags::empty())?.0))
                {
                    Ok(read) => {
                        // epoll(7): a read that does not fill the buffer has emptied the socket. Not so its end.
                        let ends = self.registration.source.hung_up.load(Ordering::Acquire);
                        self.dry
                            .store(read < buffer.len() && !ends, Ordering::Relaxed);
                        return Poll::Ready(Ok(read));
                    }
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {
                        self.dry.store(true, Ordering::Relaxed);
                    }
                    Err(error) => return Poll::Ready(Err(error)),
                }
            }
            if side.wait(context) {
                return Poll::Pending;
            }
        }
    }

    /// Waits until there may be something to read, or the end.
    pub fn poll_readable(&self, context: &mut Context<'_>) -> Poll<()> {
        match self.dry.load(Ordering::Relaxed) && self.registration.source.read.wait(context) {
            true => Poll::Pending,
            false => Poll::Ready(()),
        }
    }

    /// Lets bytes gather for a tick of `clock`: what arrives meanwhile wakes nobody, only the peer's end does.
    ///
    /// # Errors
    /// When the system has no room to watch the socket.
    pub async fn let_gather(&self, clock: &Clock) -> io::Result<()> {
        self.registration.hear_arrivals(&self.fd, false)?;
        clock.sleep(TICK).await;
        self.registration.hear_arrivals(&self.fd, true)
    }

    /// Reads what is there, or waits for the first bytes.
    ///
    /// # Errors
    /// Those of `recv(2)`.
    pub async fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        std::future::poll_fn(|context| self.poll_read(context, buffer)).await
    }

    /// Writes what the socket takes of `bytes`, or waits for room.
    pub fn poll_write(&self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let side = &self.registration.source.write;
        loop {
            side.take_news();
            // NOSIGNAL: a peer that is gone is an error to return, not a SIGPIPE.
            match retry(|| Ok(rustix::net::send(&self.fd, bytes, SendFlags::NOSIGNAL)?)) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                result => return Poll::Ready(result),
            }
            if side.wait(context) {
                return Poll::Pending;
            }
        }
    }

    fn poll_write_news(&self, context: &mut Context<'_>) -> Poll<()> {
        let side = &self.registration.source.write;
        match side.take_news() || !side.wait(context) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    }

    /// Ends our direction: the peer reads everything sent so far, then 0.
    pub fn shutdown_write(&self) {
        // The only failure is a peer that is gone already.
        let _gone = rustix::net::shutdown(&self.fd, Shutdown::Write);
    }

    /// Ends both directions: whoever reads or writes here is woken and told.
    pub fn shutdown(&self) {
        let _gone = rustix::net::shutdown(&self.fd, Shutdown::Both);
    }

    /// Has the peer see a reset instead of an orderly end when the socket is closed, and whatever is not sent yet
    /// thrown away.
    pub fn reset_on_close(&self) {
        // Not supported by UNIX sockets: their peers see an end.
        let _unsupported = sockopt::set_socket_linger(&self.fd, Some(std::time::Duration::ZERO));
    }

    /// Has the kernel find out that the peer is gone: probes after 10 s of silence, 3 of them 5 s apart, and
    /// at most 10 s for what was sent to be acknowledged.
    ///
    /// # Errors
    /// On a socket that is not TCP.
    pub fn watch_peer(&self) -> io::Result<()> {
        use std::time::Duration;
        sockopt::set_socket_keepalive(&self.fd, true)?;
        sockopt::set_tcp_keepidle(&self.fd, Duration::from_secs(10))?;
        sockopt::set_tcp_keepintvl(&self.fd, Duration::from_secs(5))?;
        sockopt::set_tcp_keepcnt(&self.fd, 3)?;
        sockopt::set_tcp_user_timeout(&self.fd, 10_000)?;
        Ok(())
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

fn open(family: AddressFamily) -> io::Result<OwnedFd> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    Ok(rustix::net::socket_with(
        family,
        SocketType::STREAM,
        flags,
        None,
    )?)
}

/// Repeats a system call that a signal interrupted.
fn retry(mut call: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
    loop {
        match call() {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}
