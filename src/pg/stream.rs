//! A [`Socket`] as tokio-postgres wants it, with TLS or without: behind tokio's I/O traits, without tokio's runtime.

use std::convert::Infallible;
use std::future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::tls::{ChannelBinding, TlsConnect};

use crate::runtime::{Plain, Socket};
use crate::tls::TlsStream;

/// Bytes per read. tokio-postgres offers uninitialised memory, which safe code would have to zero at every
/// read; reading here and copying what arrived costs less.
const READ_BYTES: usize = 16 * 1024;

/// A connection to PostgreSQL, as bytes.
pub struct Stream {
    channel: Channel,
    buffer: Box<[u8]>,
    /// Whether the other end is to say when it is over.
    stays: bool,
}

enum Channel {
    Plain(Plain),
    // Boxed: a session's state is large.
    Encrypted(Box<TlsStream<Plain>>),
}

impl Stream {
    /// Wraps a connected socket.
    pub fn new(socket: Arc<Socket>) -> Stream {
        Stream::over(Channel::Plain(Plain(socket)))
    }

    /// What is inside of TLS.
    pub(super) fn encrypted(stream: TlsStream<Plain>) -> Stream {
        Stream::over(Channel::Encrypted(Box::new(stream)))
    }

    fn over(channel: Channel) -> Stream {
        Stream {
            channel,
            buffer: vec![0; READ_BYTES].into(),
            stays: false,
        }
    }

    /// The same without saying that no more will come, as libpq sends a cancellation: PgBouncer 1.18 ends altogether when
    /// somebody says so before the cancellation has been passed on.
    pub(super) fn staying(self) -> Stream {
        Stream {
            stays: true,
            ..self
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Stream {
            channel, buffer, ..
        } = &mut *self;
        let room = into.remaining().min(buffer.len());
        let buffer = &mut buffer[..room];
        let read = ready!(match channel {
            Channel::Plain(Plain(socket)) => socket.poll_read(context, buffer),
            Channel::Encrypted(stream) =>
                futures_lite::AsyncRead::poll_read(Pin::new(stream), context, buffer),
        })?;
        into.put_slice(&buffer[..read]);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.writer().poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.writer().poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.stays {
            true => self.writer().poll_flush(context),
            false => self.writer().poll_close(context),
        }
    }
}

impl Stream {
    fn writer(&mut self) -> Pin<&mut (dyn futures_lite::AsyncWrite + Unpin)> {
        match &mut self.channel {
            Channel::Plain(plain) => Pin::new(plain),
            Channel::Encrypted(stream) => Pin::new(&mut **stream),
        }
    }
}

impl tokio_postgres::tls::TlsStream for Stream {
    fn channel_binding(&self) -> ChannelBinding {
        let hash = match &self.channel {
            Channel::Plain(_) => None,
            Channel::Encrypted(stream) => stream.server_end_point(),
        };
        hash.map_or_else(ChannelBinding::none, ChannelBinding::tls_server_end_point)
    }
}

/// Tells tokio-postgres that the stream is what it is: it asks for a handshake, which has been done.
pub(super) struct Ready;

impl TlsConnect<Stream> for Ready {
    type Stream = Stream;
    type Error = Infallible;
    type Future = future::Ready<Result<Stream, Infallible>>;

    fn connect(self, stream: Stream) -> Self::Future {
        future::ready(Ok(stream))
    }
}
