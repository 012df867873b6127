//! A [`Socket`] as tokio-postgres wants it: behind tokio's I/O traits, without tokio's runtime.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::runtime::Socket;

/// Bytes per read. tokio-postgres offers uninitialised memory, which safe code would have to zero at every
/// read; reading here and copying what arrived costs less.
const READ_BYTES: usize = 16 * 1024;

/// A connection to PostgreSQL, as bytes.
pub struct Stream {
    socket: Arc<Socket>,
    buffer: Box<[u8]>,
}

impl Stream {
    /// Wraps a connected socket.
    pub fn new(socket: Arc<Socket>) -> Stream {
        Stream {
            socket,
            buffer: vec![0; READ_BYTES].into(),
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Stream { socket, buffer } = &mut *self;
        let room = into.remaining().min(buffer.len());
        let read = ready!(socket.poll_read(context, &mut buffer[..room]))?;
        into.put_slice(&buffer[..read]);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.socket.poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.socket.shutdown_write();
        Poll::Ready(Ok(()))
    }
}
