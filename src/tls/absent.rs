//! A program that was built without TLS.

use std::io;
use std::marker::PhantomData;

use anyhow::bail;

use super::{Identity, Trust};

/// Makes TLS connections; there is none without the feature `tls`.
#[derive(Clone)]
pub struct Connector(Never);

/// A connection; there is none without the feature `tls`.
pub struct TlsStream<S>(Never, PhantomData<S>);

#[derive(Clone)]
enum Never {}

impl Connector {
    /// # Errors
    /// Always: there is no TLS in this program.
    pub fn new(_: &Trust, _: Option<&Identity>) -> anyhow::Result<Connector> {
        bail!("this program was built without TLS (the feature `tls` of peppercorn)")
    }

    /// Never called.
    ///
    /// # Errors
    /// None.
    pub async fn connect<S>(&self, _: &str, _: S) -> io::Result<TlsStream<S>> {
        match self.0 {}
    }
}

mod io_of_nothing {
    use std::io;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use futures_lite::{AsyncRead, AsyncWrite};

    use super::TlsStream;

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
        fn poll_write(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            _: &[u8],
        ) -> Poll<io::Result<usize>> {
            match self.0 {}
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            match self.0 {}
        }

        fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            match self.0 {}
        }
    }
}
