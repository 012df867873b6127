//! A connected stream socket, TCP or UNIX, on async-io.
//!
//! Every operation is tried before it is waited for: a busy socket is usually ready, and each wait costs an
//! `epoll_ctl` (async-io registers one-shot). There is one waker per direction: only one task may read and
//! only one may write.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::task::{Context, Poll, ready};

use async_io::Async;
use rustix::net::{
    RecvFlags, SendFlags, Shutdown, SocketAddrUnix, SocketFlags, SocketType, sockopt,
};

/// A connected stream socket.
pub struct Socket(Async<OwnedFd>);

impl Socket {
    /// Takes over a connected socket and makes it non-blocking.
    ///
    /// # Errors
    /// When async-io cannot register it.
    pub fn new(socket: OwnedFd) -> io::Result<Socket> {
        Ok(Socket(Async::new(socket)?))
    }

    /// Connects to a TCP address; Nagle's algorithm is off.
    ///
    /// # Errors
    /// Those of `connect(2)`. Without a deadline of its own: an address that swallows packets holds it for minutes.
    pub async fn connect_tcp(address: SocketAddr) -> io::Result<Socket> {
        let stream = Async::<std::net::TcpStream>::connect(address).await?;
        stream.get_ref().set_nodelay(true)?;
        Socket::new(stream.into_inner()?.into())
    }

    /// Connects to a UNIX stream socket.
    ///
    /// # Errors
    /// Those of `connect(2)`; a path longer than 107 bytes is invalid input.
    pub fn connect_unix(path: &Path) -> io::Result<Socket> {
        let address = SocketAddrUnix::new(path)?;
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let family = rustix::net::AddressFamily::UNIX;
        let socket = rustix::net::socket_with(family, SocketType::STREAM, flags, None)?;
        // On a UNIX socket this never stays in progress: it connects, or fails at once.
        rustix::net::connect(&socket, &address)?;
        Socket::new(socket)
    }

    /// Reads what is there into `buffer`, or waits for the first bytes. 0 says that the peer sends no more.
    pub fn poll_read(
        &self,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        loop {
            match self.try_read(buffer) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    ready!(self.0.poll_readable(context))?;
                }
                result => return Poll::Ready(result),
            }
        }
    }

    /// Waits until there may be something to read, or the end.
    pub fn poll_readable(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_readable(context)
    }

    /// Reads what is there; `WouldBlock` when there is nothing.
    ///
    /// # Errors
    /// Those of `recv(2)`.
    pub fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        retry(|| Ok(rustix::net::recv(&self.0, &mut *buffer, RecvFlags::empty())?.0))
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
        loop {
            // NOSIGNAL: a peer that is gone is an error to return, not a SIGPIPE.
            match retry(|| Ok(rustix::net::send(&self.0, bytes, SendFlags::NOSIGNAL)?)) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    ready!(self.0.poll_writable(context))?;
                }
                result => return Poll::Ready(result),
            }
        }
    }

    /// Ends our direction: the peer reads everything sent so far, then 0.
    pub fn shutdown_write(&self) {
        // The only failure is a peer that is gone already.
        let _gone = rustix::net::shutdown(&self.0, Shutdown::Write);
    }

    /// Ends both directions: whoever reads or writes here is woken and told.
    pub fn shutdown(&self) {
        let _gone = rustix::net::shutdown(&self.0, Shutdown::Both);
    }

    /// Has the kernel find out that the peer is gone: probes after 10 s of silence, 3 of them 5 s apart, and
    /// at most 10 s for what was sent to be acknowledged.
    ///
    /// # Errors
    /// On a socket that is not TCP.
    pub fn watch_peer(&self) -> io::Result<()> {
        use std::time::Duration;
        sockopt::set_socket_keepalive(&self.0, true)?;
        sockopt::set_tcp_keepidle(&self.0, Duration::from_secs(10))?;
        sockopt::set_tcp_keepintvl(&self.0, Duration::from_secs(5))?;
        sockopt::set_tcp_keepcnt(&self.0, 3)?;
        sockopt::set_tcp_user_timeout(&self.0, 10_000)?;
        Ok(())
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
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
