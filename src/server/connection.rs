//! One connection: read a request, answer it, again.
//!
//! Answers are collected while further requests are buffered (pipelining) and go out in one write. Every wait has a
//! deadline, and the deadline belongs to what is waited for: the first byte, the rest of a head, a body, an endpoint,
//! room in the socket. An endpoint that takes longer than a tick is watched: when its client goes away, it is dropped.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_lite::future;
use http_types::Method;

use super::Server;
use super::date::Date;
use crate::app::{self, App};
use crate::endpoint::RequestId;
use crate::http::{CONTINUE, Reader, Refusal, Reply, Response, encode};
use crate::runtime::{Deadline, Socket, TICK};

/// Requests answered in a row before other connections have their turn.
const IN_A_ROW: u32 = 32;
/// Answers are written out at this size, in bytes, even if more requests are buffered.
const FLUSH_BYTES: usize = 64 * 1024;
/// How long after half-closing its side a client that only reads is taken to be still interested (RFC 9112 §9.6
/// says that it may be).
const HALF_CLOSED: Duration = Duration::from_secs(1);
/// When draining, for a request that is already on its way.
const LAST_CALL: Duration = Duration::from_millis(100);
/// After a refusal, what is still arriving is read and thrown away for so long, and so much of it in bytes: closing
/// with unread bytes would reset the connection and take the answer with it (RFC 9112 §9.6).
const LINGER: Duration = Duration::from_secs(2);
const LINGER_BYTES: usize = 4 * 1024 * 1024;

/// Serves a connection to its end.
pub(super) async fn run(server: Arc<Server>, socket: Socket, peer: Option<SocketAddr>) {
    let mut connection = Connection {
        reader: Reader::new(server.settings.limits),
        out: Vec::new(),
        sent: 0,
        deadline: server.clock.deadline(),
        half_closed: false,
        leaving: false,
        date: Date::now(),
        server,
        socket,
        peer,
    };
    // An error of the socket: nobody is left to be told.
    let _gone = connection.serve().await;
}

struct Connection {
    server: Arc<Server>,
    socket: Socket,
    peer: Option<SocketAddr>,
    reader: Reader,
    /// Answers on their way out; the first `sent` bytes are gone already.
    out: Vec<u8>,
    sent: usize,
    /// Of whatever is waited for.
    deadline: Deadline,
    /// The client sends no more; it may still read.
    half_closed: bool,
    /// The drain has been noticed.
    leaving: bool,
    date: Date,
}

/// What is needed of a head after its request has been taken.
#[derive(Clone, Copy)]
struct Asked {
    method: Method,
    reply: Reply,
    ping: bool,
    expects_continue: bool,
}

/// How a wait for bytes ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Read {
    /// There are some.
    Bytes,
    /// The client sends no more.
    End,
    /// The deadline.
    Late,
    /// The server has begun to drain; said once.
    Drain,
}

/// How an endpoint's call ends.
enum Call {
    Answered(Response),
    /// The deadline.
    Late,
    /// The client has gone away.
    Gone,
    /// The server does not wait for it any longer.
    Cut,
}

impl Connection {
    async fn serve(&mut self) -> io::Result<()> {
        let mut in_a_row = 0;
        loop {
            let asked = match self.asked() {
                Ok(Some(asked)) => asked,
                Ok(None) => {
                    self.flush().await?;
                    in_a_row = 0;
                    match self.await_head().await? {
                        true => continue,
                        false => return Ok(()),
                    }
                }
                Err(refusal) => return self.refuse(refusal).await,
            };
            let response = match asked.ping {
                true => {
                    self.reader.skip();
                    None
                }
                false => {
                    if let Err(refusal) = self.await_body(asked).await? {
                        return self.refuse(refusal).await;
                    }
                    match self.answer(asked).await? {
                        Some(response) => Some(response),
                        None => return Ok(()),
                    }
                }
            };
            // Who is to go is told so with the last answer to what has arrived.
            let last = self.server.service.drain.is_draining() && !self.reader.buffered();
            let reply = if last {
                asked.reply.closing()
            } else {
                asked.reply
            };
            self.put(response.as_ref(), reply);
            if !reply.keep_alive() {
                self.flush().await?;
                return self.linger().await;
            }
            if self.out.len() >= FLUSH_BYTES {
                self.flush().await?;
            }
            in_a_row += 1;
            if in_a_row == IN_A_ROW {
                in_a_row = 0;
                future::yield_now().await;
            }
        }
    }

    /// The next request's head, as far as it matters here.
    fn asked(&mut self) -> Result<Option<Asked>, Refusal> {
        let head = self.reader.head()?;
        Ok(head.map(|head| Asked {
            method: head.method(),
            reply: head.reply(),
            ping: App::is_ping(head.method(), head.path()) && !head.has_body(),
            expects_continue: head.expects_continue(),
        }))
    }

    /// Reads until there is a head, or a reason to refuse it. False when the connection is over instead.
    async fn await_head(&mut self) -> io::Result<bool> {
        if !self.reader.mid_request() && !self.await_first_byte().await? {
            return Ok(false);
        }
        if !matches!(self.reader.head(), Ok(None)) {
            return Ok(true);
        }
        // From the first byte on; further bytes do not begin it anew.
        self.deadline.arm(self.server.settings.head);
        while matches!(self.reader.head(), Ok(None)) {
            if let Err(refusal) = self.read_more().await? {
                self.refuse(refusal).await?;
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Waits for a request to begin. At first with the buffers at hand, for a client that goes on at once, then
    /// without: an idle connection costs little memory.
    async fn await_first_byte(&mut self) -> io::Result<bool> {
        let mut idle = false;
        self.deadline
            .arm(if self.leaving { LAST_CALL } else { TICK });
        loop {
            let read = match idle {
                true => self.readable().await?,
                false => self.read().await?,
            };
            match read {
                Read::Bytes if idle => idle = false,
                Read::Bytes => return Ok(true),
                Read::End => return Ok(false),
                Read::Drain => self.deadline.arm(LAST_CALL),
                Read::Late if idle || self.leaving => return Ok(false),
                Read::Late => {
                    idle = true;
                    self.reader.release();
                    self.out = Vec::new();
                    self.deadline.arm(self.server.settings.keep_alive);
                }
            }
        }
    }

    /// Reads the request's body to its end.
    async fn await_body(&mut self, asked: Asked) -> io::Result<Result<(), Refusal>> {
        match self.reader.body() {
            Ok(Some(_)) => return Ok(Ok(())),
            Ok(None) => {}
            Err(refusal) => return Ok(Err(refusal)),
        }
        if asked.expects_continue {
            self.out.extend_from_slice(CONTINUE);
        }
        self.flush().await?;
        self.deadline.arm(self.server.settings.body);
        loop {
            if let Err(refusal) = self.read_more().await? {
                return Ok(Err(refusal));
            }
            match self.reader.body() {
                Ok(Some(_)) => return Ok(Ok(())),
                Ok(None) => {}
                Err(refusal) => return Ok(Err(refusal)),
            }
        }
    }

    /// More bytes of a request that has begun.
    async fn read_more(&mut self) -> io::Result<Result<(), Refusal>> {
        Ok(match self.read().await? {
            Read::Bytes | Read::Drain => Ok(()),
            Read::End => Err(Refusal::Truncated),
            Read::Late => Err(Refusal::TooSlow),
        })
    }

    /// Waits for bytes and gives them to the reader.
    async fn read(&mut self) -> io::Result<Read> {
        future::poll_fn(|context| {
            match self.socket.poll_read(context, self.reader.space()) {
                Poll::Ready(Ok(0)) => {
                    self.half_closed = true;
                    return Poll::Ready(Ok(Read::End));
                }
                Poll::Ready(Ok(read)) => {
                    self.reader.advance(read);
                    return Poll::Ready(Ok(Read::Bytes));
                }
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {}
            }
            self.poll_interrupted(context)
        })
        .await
    }

    /// Waits for bytes without a place to put them.
    async fn readable(&mut self) -> io::Result<Read> {
        future::poll_fn(|context| match self.socket.poll_readable(context) {
            Poll::Ready(()) => Poll::Ready(Ok(Read::Bytes)),
            Poll::Pending => self.poll_interrupted(context),
        })
        .await
    }

    fn poll_interrupted(&mut self, context: &mut Context<'_>) -> Poll<io::Result<Read>> {
        if self.deadline.poll_expired(context).is_ready() {
            return Poll::Ready(Ok(Read::Late));
        }
        // Looked at after the deadline has taken the waker: the drain wakes by the clock.
        if !self.leaving && self.server.service.drain.is_draining() {
            self.leaving = true;
            return Poll::Ready(Ok(Read::Drain));
        }
        Poll::Pending
    }

    /// Has the application answer the request that has arrived. `None`: the client has gone away.
    async fn answer(&mut self, asked: Asked) -> io::Result<Option<Response>> {
        let request = self.reader.request();
        let id = RequestId::new(request.header(RequestId::HEADER));
        let server = self.server.clone();
        // On the heap: idle connections do not carry room for it.
        let mut call = Box::pin(server.app.respond(
            request,
            id.clone(),
            self.peer,
            &server.service,
        ));
        self.deadline.arm(TICK);
        if let Some(response) = self.deadline.race(call.as_mut()).await {
            return Ok(Some(response));
        }
        self.deadline
            .arm(server.settings.request.saturating_sub(TICK));
        let called = future::poll_fn(|context| match call.as_mut().poll(context) {
            Poll::Ready(response) => Poll::Ready(Call::Answered(response)),
            Poll::Pending => self.poll_watch(context, asked.method),
        });
        match called.await {
            Call::Answered(response) => Ok(Some(response)),
            Call::Late => Ok(Some(app::timed_out(&id, server.settings.request))),
            Call::Gone => Ok(None),
            Call::Cut => {
                server.cut.fetch_add(1, Ordering::Relaxed);
                Ok(None)
            }
        }
    }

    /// Beside a call that takes its time: earlier answers go out, and the client's end is noticed.
    fn poll_watch(&mut self, context: &mut Context<'_>, method: Method) -> Poll<Call> {
        if self.deadline.poll_expired(context).is_ready() {
            return Poll::Ready(if self.half_closed {
                Call::Gone
            } else {
                Call::Late
            });
        }
        // Looked at after the deadline has taken the waker, as the drain's beginning is.
        if self.server.service.drain.is_cut() {
            return Poll::Ready(Call::Cut);
        }
        if let Poll::Ready(Err(_)) = self.poll_flush(context) {
            return Poll::Ready(Call::Gone);
        }
        // Pipelined bytes are taken in as long as there is room.
        while !self.half_closed && !self.reader.space().is_empty() {
            match self.socket.poll_read(context, self.reader.space()) {
                Poll::Ready(Ok(0)) => {
                    self.half_closed = true;
                    // What a read is for is gone with its reader; a write is finished.
                    if matches!(method, Method::Get | Method::Head) {
                        self.deadline.arm(HALF_CLOSED);
                    }
                }
                Poll::Ready(Ok(read)) => self.reader.advance(read),
                Poll::Ready(Err(_)) => return Poll::Ready(Call::Gone),
                Poll::Pending => break,
            }
        }
        Poll::Pending
    }

    /// Adds an answer to those on their way out: this one, or `pong`.
    fn put(&mut self, response: Option<&Response>, reply: Reply) {
        let response = response.unwrap_or(&self.server.pong);
        encode(response, reply, self.date.refreshed(), &mut self.out);
    }

    /// Answers a request that cannot be read, and ends the connection.
    async fn refuse(&mut self, refusal: Refusal) -> io::Result<()> {
        let response = app::refused(refusal);
        self.put(Some(&response), self.reader.last_reply());
        self.flush().await?;
        self.linger().await
    }

    /// Writes out what there is; cuts the connection when the client takes none of it for too long.
    async fn flush(&mut self) -> io::Result<()> {
        let mut sent = None;
        future::poll_fn(|context| {
            let flushed = self.poll_flush(context);
            if flushed.is_ready() {
                return flushed;
            }
            // Armed when the socket is full, and again whenever it has taken something.
            if sent.replace(self.sent) != Some(self.sent) {
                self.deadline.arm(self.server.settings.write);
            }
            match self.deadline.poll_expired(context) {
                Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
                Poll::Pending => Poll::Pending,
            }
        })
        .await
    }

    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.sent < self.out.len() {
            self.sent += ready!(self.socket.poll_write(context, &self.out[self.sent..]))?;
        }
        self.sent = 0;
        self.out.clear();
        Poll::Ready(Ok(()))
    }

    /// Ends our side, and waits for the client to end its own: see [`LINGER`].
    async fn linger(&mut self) -> io::Result<()> {
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
