//! A connection to Sentry: TCP or TLS, straight or through a proxy.

use std::io;
use std::net::{TcpStream, ToSocketAddrs};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use anyhow::{Context as _, bail};
use async_io::Async;
use futures_lite::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use http_types::Url;

use super::proxy::Proxy;
use crate::tls::Connector;

/// Of a proxy's answer, in bytes.
const MOST_HEAD_BYTES: usize = 8 * 1024;

trait Bytes: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Bytes for T {}

/// A connection. Clones are the same one: the HTTP client takes one for itself and gives none back.
#[derive(Clone)]
pub(super) struct Line(Arc<Mutex<dyn Bytes>>);

impl Line {
    /// Connects to the host of `url`.
    ///
    /// # Errors
    /// What failed, and where.
    pub(super) async fn open(
        url: &Url,
        proxy: Option<&Proxy>,
        tls: Option<&Connector>,
    ) -> anyhow::Result<Line> {
        let host = url.host_str().unwrap_or_default();
        let bare = host.trim_matches(['[', ']']);
        let port = url.port_or_known_default().unwrap_or(80);
        let socket = match proxy {
            None => dial(bare, port).await?,
            Some(proxy) => tunnel(proxy, host, port).await?,
        };
        let Some(tls) = tls else {
            return Ok(Line(Arc::new(Mutex::new(socket))));
        };
        let secured = tls.connect(bare, socket).await;
        let secured = secured.with_context(|| format!("no TLS with {host}:{port}"))?;
        Ok(Line(Arc::new(Mutex::new(secured))))
    }

    fn lock(&self) -> MutexGuard<'_, dyn Bytes + 'static> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The first address of a name that takes a connection.
async fn dial(host: &str, port: u16) -> anyhow::Result<Async<TcpStream>> {
    let name = host.to_owned();
    // getaddrinfo blocks for as long as it likes: this thread has deadlines to keep.
    let addresses = smol::unblock(move || (name.as_str(), port).to_socket_addrs()).await;
    let addresses = addresses.with_context(|| format!("{host} is not found"))?;
    let mut last = anyhow::anyhow!("{host} has no address");
    for address in addresses {
        match Async::<TcpStream>::connect(address).await {
            Ok(socket) => {
                socket.get_ref().set_nodelay(true)?;
                return Ok(socket);
            }
            Err(error) => {
                last = anyhow::Error::from(error).context(format!("cannot connect to {address}"));
            }
        }
    }
    Err(last)
}

/// A connection to `host` that a proxy makes for us (RFC 9110 section 9.3.6).
async fn tunnel(proxy: &Proxy, host: &str, port: u16) -> anyhow::Result<Async<TcpStream>> {
    let place = || format!("the proxy {}:{}", proxy.host, proxy.port);
    let mut socket = dial(&proxy.host, proxy.port).await.with_context(place)?;
    let mut head = format!("CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n");
    if let Some(credentials) = &proxy.credentials {
        head.push_str(&format!("Proxy-Authorization: Basic {credentials}\r\n"));
    }
    head.push_str("\r\n");
    socket
        .write_all(head.as_bytes())
        .await
        .with_context(place)?;
    let mut answer = Vec::new();
    let mut byte = [0];
    // Byte by byte: what follows the head is not the proxy's any more.
    while !answer.ends_with(b"\r\n\r\n") {
        if answer.len() == MOST_HEAD_BYTES || socket.read(&mut byte).await.with_context(place)? == 0
        {
            bail!("{} does not answer as a proxy does", place());
        }
        answer.push(byte[0]);
    }
    let mut fields = [httparse::EMPTY_HEADER; 64];
    let mut response = httparse::Response::new(&mut fields);
    let parsed = response.parse(&answer);
    match (parsed, response.code) {
        (Ok(_), Some(200..=299)) => Ok(socket),
        (Ok(_), Some(code)) => bail!("{} answers {code}", place()),
        _ => bail!("{} does not speak HTTP", place()),
    }
}

impl AsyncRead for Line {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.lock()).poll_read(context, buffer)
    }
}

impl AsyncWrite for Line {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.lock()).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.lock()).poll_flush(context)
    }

    fn poll_close(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.lock()).poll_close(context)
    }
}
