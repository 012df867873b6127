//! A connection that is kept between two requests.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll};

use anyhow::Context as _;
use futures_lite::{AsyncRead, AsyncReadExt, AsyncWrite, future};
use smol::channel::bounded;

use crate::lock::lock;

/// The system's modules for names may be anything, and use the stack as they like. Memory is only used where it has been.
const LOOK_UP_STACK: usize = 2 << 20;

/// What a connection is made of, encrypted or not.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// A connection. Its clones are the same one: async-h1 wants one for itself and keeps it in the answer's body.
#[derive(Clone)]
pub(crate) struct Line(Arc<Mutex<Ends>>);

struct Ends {
    stream: Box<dyn Stream>,
    /// Bytes that have come, ever.
    read: u64,
    /// Those that have come since the last request, as long as somebody wants them.
    heard: Option<Vec<u8>>,
}

/// Opens a connection to the first address of a host that accepts one, as `connect` does it.
///
/// # Errors
/// Why the last one does not.
pub(crate) async fn dial<S>(
    host: &str,
    port: u16,
    connect: impl AsyncFn(SocketAddr) -> io::Result<S>,
) -> anyhow::Result<S> {
    let place = format!("{host}:{port}");
    let name = host.trim_matches(['[', ']']).to_owned();
    let found = look_up(name, port).await;
    let mut last = anyhow::anyhow!("the name has no address");
    for address in found.with_context(|| place.clone())? {
        match connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error.into(),
        }
    }
    Err(last.context(format!("cannot connect to {place}")))
}

/// getaddrinfo blocks for as long as it likes; on a thread of its own, the deadline still holds. Not on one of the pool that
/// requests use, too: it would be as nice as this one, for good.
async fn look_up(name: String, port: u16) -> io::Result<Vec<SocketAddr>> {
    let (sender, found) = bounded(1);
    std::thread::Builder::new()
        .name("lookup".into())
        .stack_size(LOOK_UP_STACK)
        .spawn(move || {
            let addresses = (name.as_str(), port).to_socket_addrs();
            // Nobody waits any more when the deadline is over.
            let _late = sender.try_send(addresses.map(Iterator::collect));
        })?;
    let found = found.recv().await;
    found.unwrap_or_else(|_| Err(io::Error::other("the look-up has ended early")))
}

impl Line {
    pub(crate) fn new(stream: impl Stream + 'static) -> Line {
        let stream = Box::new(stream);
        Line(Arc::new(Mutex::new(Ends {
            stream,
            read: 0,
            heard: None,
        })))
    }

    /// Bytes that have come, ever.
    pub(crate) fn read_bytes(&self) -> u64 {
        self.ends().read
    }

    /// Remembers what comes from now on: async-h1 does not tell all that it has read.
    pub(super) fn listen(&self) {
        self.ends().heard = Some(Vec::new());
    }

    /// What has come since then; what comes from now on is not remembered.
    pub(super) fn heard(&self) -> Vec<u8> {
        self.ends().heard.take().unwrap_or_default()
    }

    /// Whether a request may be sent on it again: nothing has come that nobody asked for, and it has not ended.
    pub(crate) async fn is_quiet(&self) -> bool {
        let mut byte = [0];
        future::poll_once(self.clone().read(&mut byte))
            .await
            .is_none()
    }

    fn ends(&self) -> MutexGuard<'_, Ends> {
        lock(&self.0)
    }
}

impl AsyncRead for Line {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let mut ends = self.ends();
        let polled = Pin::new(&mut ends.stream).poll_read(context, buffer);
        if let Poll::Ready(Ok(count)) = polled {
            ends.read += count as u64;
            if let Some(heard) = &mut ends.heard {
                heard.extend_from_slice(&buffer[..count]);
            }
        }
        polled
    }
}

impl AsyncWrite for Line {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.ends().stream).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.ends().stream).poll_flush(context)
    }

    fn poll_close(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.ends().stream).poll_close(context)
    }
}
