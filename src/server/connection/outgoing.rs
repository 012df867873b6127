//! What a client gets: answers, streams, refusals, and an end that does not take the last answer with it.

use std::io;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_lite::{StreamExt, future};

use super::call::Lost;
use super::exchange::Exchange;
use super::{Connection, FLUSH_BYTES, Sender, second};
use crate::app;
use crate::http::{
    Body, BodyStream, Framing, Refusal, Reply, Response, encode_chunk, encode_head,
    encode_last_chunk,
};
use crate::observe::{self, Event};

/// After a refusal, what is still arriving is read and thrown away for so long, and so much of it in bytes: closing
/// with unread bytes would reset the connection and take the answer with it (RFC 9112 section 9.6).
const LINGER: Duration = Duration::from_secs(2);
const LINGER_BYTES: usize = 4 * 1024 * 1024;

impl Connection {
    /// Adds an answer to those on their way out; a large one goes out at once, a stream as it is made. Says whether
    /// the connection lives on.
    pub(super) async fn put(
        &mut self,
        mut response: Response,
        reply: Reply,
        exchange: &mut Exchange,
    ) -> io::Result<bool> {
        if let (Some(cors), Some(caller)) = (&self.cors, exchange.sender.caller) {
            cors.tell(caller, exchange.preflight.take(), &mut response);
        }
        exchange.answer(response.status());
        let reply = match response.body().is_stream() {
            true => reply.to_stream(),
            false => reply,
        };
        let framing = encode_head(&response, reply, &second::date(), &mut self.out);
        match framing {
            Framing::None => {}
            Framing::Length => {
                let body = response.into_body();
                exchange.add(body.as_bytes().len());
                self.put_body(body).await?;
            }
            Framing::Chunked | Framing::UntilClose => {
                if let Body::Stream(stream) = response.into_body() {
                    self.stream(stream, framing, exchange).await?;
                }
            }
        }
        Ok(reply.keep_alive())
    }

    /// A large body takes the buffer's place instead of being copied into it; one of the program itself goes through it in
    /// pieces, however slowly its client reads.
    async fn put_body(&mut self, body: Body) -> io::Result<()> {
        match body {
            Body::Bytes(bytes) if bytes.len() >= FLUSH_BYTES => {
                self.flush().await?;
                self.out = bytes;
            }
            Body::Static(bytes) if bytes.len() >= FLUSH_BYTES => {
                for piece in bytes.chunks(FLUSH_BYTES) {
                    self.out.extend_from_slice(piece);
                    self.flush().await?;
                }
            }
            body => self.out.extend_from_slice(body.as_bytes()),
        }
        Ok(())
    }

    /// Answers a request that cannot be read, or of which nothing can be read but its head, and ends the connection.
    pub(super) async fn refuse(&mut self, refusal: Refusal, sender: Sender) -> io::Result<()> {
        let mut exchange = Exchange::begin(&self.server, sender, None);
        let response = app::refused(refusal, &exchange.id);
        self.put(response, self.reader.last_reply(), &mut exchange)
            .await?;
        // What is left to wait for is no part of it.
        drop(exchange);
        self.flush().await?;
        self.linger().await
    }

    /// Sends a body while it is made: the next piece is asked for when the last has gone.
    ///
    /// # Errors
    /// When it does not come to its end. The client is told so by a reset: a close would look like the end to HTTP/1.0.
    async fn stream(
        &mut self,
        mut stream: BodyStream,
        framing: Framing,
        exchange: &mut Exchange,
    ) -> io::Result<()> {
        loop {
            match self.piece(&mut stream, exchange.limit()).await {
                Ok(Some(Ok(piece))) => {
                    exchange.add(piece.len());
                    match framing {
                        Framing::Chunked => encode_chunk(&piece, &mut self.out),
                        _ => self.out.extend_from_slice(&piece),
                    }
                }
                Ok(None) => break,
                // Whoever made the stream has reported why it failed.
                Ok(Some(Err(_))) | Err(Lost::Gone) => return self.abort(),
                Err(Lost::Cut) => {
                    self.server.count_cut();
                    return self.abort();
                }
                Err(Lost::Late) => {
                    observe::emit(&Event::StreamStalled {
                        request_id: exchange.id.as_str().to_owned(),
                        limit: exchange.limit(),
                    });
                    return self.abort();
                }
            }
            // All of the piece in the time that an ordinary answer has for any of it: what makes the stream, a
            // database connection for one, is not held by a client that takes a byte now and then.
            self.deadline.arm(self.server.settings.write);
            self.flush_until_expired(false).await?;
        }
        if framing == Framing::Chunked {
            encode_last_chunk(&mut self.out);
        }
        Ok(())
    }

    async fn piece(
        &mut self,
        stream: &mut BodyStream,
        limit: Duration,
    ) -> Result<Option<anyhow::Result<Vec<u8>>>, Lost> {
        self.deadline.arm(limit);
        future::poll_fn(|context| match stream.poll_next(context) {
            Poll::Ready(piece) => Poll::Ready(Ok(piece)),
            Poll::Pending => self.poll_lost(context).map(Err),
        })
        .await
    }

    fn abort(&mut self) -> io::Result<()> {
        self.socket.reset_on_close();
        Err(io::ErrorKind::ConnectionAborted.into())
    }

    /// Writes out what there is; cuts the connection when the client takes none of it for too long.
    pub(super) async fn flush(&mut self) -> io::Result<()> {
        self.flush_until_expired(true).await
    }

    /// Writes out what there is until the deadline, which is armed anew, if `patient`, when the socket is full and
    /// whenever it has taken something since.
    async fn flush_until_expired(&mut self, patient: bool) -> io::Result<()> {
        let mut sent = None;
        future::poll_fn(|context| {
            let flushed = self.poll_flush(context);
            if flushed.is_ready() {
                return flushed;
            }
            if patient && sent.replace(self.sent) != Some(self.sent) {
                self.deadline.arm(self.server.settings.write);
            }
            match self.deadline.poll_expired(context) {
                Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
                Poll::Pending => Poll::Pending,
            }
        })
        .await
    }

    pub(super) fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Before a client can know of it.
        self.pings.count_in(&self.server.ping);
        while self.sent < self.out.len() {
            self.sent += ready!(self.socket.poll_write(context, &self.out[self.sent..]))?;
        }
        self.sent = 0;
        self.out.clear();
        // What had to hold a large answer is not kept for small ones.
        self.out.shrink_to(2 * FLUSH_BYTES);
        Poll::Ready(Ok(()))
    }

    /// Ends our side, and waits for the client to end its own: see [`LINGER`].
    pub(super) async fn linger(&mut self) -> io::Result<()> {
        self.socket.shutdown_write();
        let mut scratch = vec![0; 8 * 1024];
        let mut left = LINGER_BYTES;
        self.deadline.arm(LINGER);
        let drained = async {
            while left > 0 {
                match self.socket.read(&mut scratch).await? {
                    0 => break,
                    read => left = left.saturating_sub(read),
                }
            }
            Ok(())
        };
        self.deadline.race(drained).await.unwrap_or(Ok(()))
    }
}
