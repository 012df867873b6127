//! The API of this room in a program that was built without the feature `tls`.

use std::convert::Infallible;
use std::io;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use anyhow::bail;
use futures_lite::{AsyncRead, AsyncWrite};

use super::{Identity, Trust};

/// There is none.
#[derive(Clone, Debug)]
pub struct Connector(Infallible);

impl Connector {
    /// Fails.
    ///
    /// # Errors
    /// Always: this program was built without TLS.
    pub fn new(_: &Trust, _: Option<&Identity>) -> anyhow::Result<Connector> {
        bail!("this program was built without TLS (its feature `tls`)")
    }

    /// Offers the server an application protocol (RFC 7301).
    #[must_use]
    pub fn speaking(self, _: &[u8]) -> Connector {
        match self.0 {}
    }

    /// Never called: there is no connector.
    ///
    /// # Errors
    /// None.
    pub async fn connect<S>(&self, _: &str, _: S) -> io::Result<TlsStream<S>> {
        match self.0 {}
    }
}

/// There is none.
#[derive(Debug)]
pub struct TlsStream<S>(Infallible, PhantomData<S>);

impl<S> TlsStream<S> {
    /// The hash that stands for the server's certificate (RFC 5929).
    pub fn server_end_point(&self) -> Option<Vec<u8>> {
        match self.0 {}
    }
}

impl<S: Unpin> AsyncRead for TlsStream<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        _: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        match self.0 {}
    }
}

impl<S: Unpin> AsyncWrite for TlsStream<S> {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
        match self.0 {}
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.0 {}
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.0 {}
    }
}
