//! What a client sends: heads, bodies, and nothing for a while.
//!
//! Each read costs a system call and a wake-up, however little it brings. A client that sends its request in many tiny
//! pieces is read from once per tick instead of once per piece: whoever drips bytes pays for that and nobody else.

use std::io;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_lite::future;

use super::{Asked, Connection};
use crate::http::{CONTINUE, Refusal};
use crate::runtime::TICK;
use crate::server::memory::Memory;

/// When draining, for a request that is already on its way.
const LAST_CALL: Duration = Duration::from_millis(100);
/// A read that brings fewer bytes of a request that goes on is a tiny one.
const TINY_BYTES: usize = 64;
/// Tiny reads of one request before its bytes are let gather for a tick before each further read.
const TRICKLES: u8 = 16;

/// How a wait for bytes ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Read {
    /// There are so many.
    Bytes(usize),
    /// The client sends no more.
    End,
    /// The deadline.
    Late,
    /// The server has begun to drain; said once.
    Drain,
    /// Another client needs the place.
    Evicted,
}

impl Connection {
    /// Reads until there may be a head, or a reason to refuse it. False when the connection is over instead.
    pub(super) async fn await_head(&mut self) -> io::Result<bool> {
        self.trickles = 0;
        if !self.reader.mid_request() && !self.await_first_byte().await? {
            return Ok(false);
        }
        if !matches!(self.reader.head(), Ok(None)) {
            return Ok(true);
        }
        // From the first byte on; further bytes do not begin it anew.
        self.deadline.arm(self.server.settings.head);
        while matches!(self.reader.head(), Ok(None)) {
            // It was an empty line, which begins no request: nobody owes us the rest of one.
            if !self.reader.mid_request() {
                return Ok(true);
            }
            if let Err(refusal) = self.read_more().await? {
                self.refuse(refusal, self.unknown()).await?;
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Waits for a request to begin, without a buffer meanwhile. From the first tick on the connection is idle: its
    /// place may be given to somebody else.
    async fn await_first_byte(&mut self) -> io::Result<bool> {
        let mut idle = false;
        self.deadline
            .arm(if self.leaving { LAST_CALL } else { TICK });
        loop {
            match self.first_bytes(idle).await? {
                Read::Bytes(_) => return Ok(true),
                Read::End | Read::Evicted => return Ok(false),
                Read::Drain => self.deadline.arm(LAST_CALL),
                Read::Late if idle || self.leaving => return Ok(false),
                Read::Late => {
                    idle = true;
                    self.deadline.arm(self.server.settings.keep_alive);
                }
            }
        }
    }

    /// Reads the request's body to its end.
    pub(super) async fn await_body(&mut self, asked: Asked) -> io::Result<Result<(), Refusal>> {
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
        if self.trickles == TRICKLES {
            self.socket.let_gather(&self.server.clock).await?;
        }
        Ok(match self.read().await? {
            Read::Bytes(read) => {
                if read < TINY_BYTES {
                    self.trickles = (self.trickles + 1).min(TRICKLES);
                }
                Ok(())
            }
            Read::Drain | Read::Evicted => Ok(()),
            Read::End => Err(Refusal::Truncated),
            Read::Late => Err(Refusal::TooSlow),
        })
    }

    /// Waits for bytes and gives them to the reader.
    async fn read(&mut self) -> io::Result<Read> {
        future::poll_fn(|context| match self.poll_read(context) {
            Poll::Pending => self.poll_interrupted(context),
            read => read,
        })
        .await
    }

    fn poll_read(&mut self, context: &mut Context<'_>) -> Poll<io::Result<Read>> {
        let read = ready!(self.socket.poll_read(context, self.reader.space()))?;
        Poll::Ready(Ok(match read {
            0 => {
                self.half_closed = true;
                Read::End
            }
            read => {
                self.reader.advance(read);
                Read::Bytes(read)
            }
        }))
    }

    /// Waits for the first bytes of a request; if `idle`, for as long as nobody else needs the connection's place.
    async fn first_bytes(&mut self, idle: bool) -> io::Result<Read> {
        self.put_memory_back();
        future::poll_fn(|context| {
            if self.socket.poll_readable(context).is_ready() {
                self.take_memory();
                if let Poll::Ready(read) = self.poll_read(context) {
                    return Poll::Ready(read);
                }
                self.put_memory_back();
            }
            match self.poll_interrupted(context) {
                Poll::Pending if idle && self.server.places(self.entrance).asks_idle_to_go() => {
                    Poll::Ready(Ok(Read::Evicted))
                }
                polled => polled,
            }
        })
        .await
    }

    fn take_memory(&mut self) {
        let Memory { reader, out } = Memory::take();
        self.reader.give_memory(reader);
        self.out = out;
    }

    fn put_memory_back(&mut self) {
        if let Some(reader) = self.reader.take_memory() {
            let out = std::mem::take(&mut self.out);
            Memory { reader, out }.put_back();
        }
    }

    fn poll_interrupted(&mut self, context: &mut Context<'_>) -> Poll<io::Result<Read>> {
        if self.deadline.poll_expired(context).is_ready() {
            return Poll::Ready(Ok(Read::Late));
        }
        // Looked at after the deadline has taken the waker: the drain wakes by the clock.
        if !self.leaving && self.server.drain.is_draining() {
            self.leaving = true;
            return Poll::Ready(Ok(Read::Drain));
        }
        Poll::Pending
    }
}
