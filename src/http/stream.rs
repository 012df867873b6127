//! A body that is made while it is sent.

use std::fmt;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll};

use futures_lite::Stream;

/// Pieces of a body, asked for one by one: the next when the last has been sent, so that a client that reads slowly
/// slows down whoever makes them instead of filling memory.
///
/// An error ends the connection without the body's regular end, so the client sees that something is missing
/// (RFC 9112 section 8): the head is gone by then, and no status can say it.
///
/// ```
/// use futures_lite::stream;
/// use peppercorn::{BodyStream, Response, StatusCode};
///
/// let lines = (0..3).map(|n| Ok(format!("{n}\n").into_bytes()));
/// let response = Response::new(StatusCode::Ok).with_body(BodyStream::new(stream::iter(lines)));
/// assert!(response.body().is_stream());
/// ```
pub struct BodyStream(Mutex<Stored>);

/// Never locked, only had whole: the mutex makes a response `Sync` though its stream need not be.
type Stored = Pin<Box<dyn Stream<Item = anyhow::Result<Vec<u8>>> + Send>>;

impl BodyStream {
    /// A body of the pieces that `stream` gives.
    ///
    /// ```
    /// use futures_lite::StreamExt;
    /// use peppercorn::BodyStream;
    ///
    /// // Whoever makes the trades waits until the last one is sent.
    /// let (made, trades) = smol::channel::bounded(1);
    /// let mut body = BodyStream::new(trades);
    /// smol::block_on(async {
    ///     made.send(Ok(b"{\"price\":1.25}\n".to_vec())).await?;
    ///     let piece = body.next().await.expect("there is a trade")?;
    ///     assert_eq!(piece, b"{\"price\":1.25}\n");
    ///     anyhow::Ok(())
    /// })?;
    /// # anyhow::Ok(())
    /// ```
    pub fn new(stream: impl Stream<Item = anyhow::Result<Vec<u8>>> + Send + 'static) -> BodyStream {
        BodyStream(Mutex::new(Box::pin(stream)))
    }
}

impl Stream for BodyStream {
    type Item = anyhow::Result<Vec<u8>>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let stored = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        stored.as_mut().poll_next(context)
    }
}

impl fmt::Debug for BodyStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BodyStream")
    }
}
