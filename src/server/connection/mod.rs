//! One connection: read a request, answer it, again.
//!
//! | module | what it does |
//! |---|---|
//! | `incoming` | waits for heads and bodies |
//! | `call` | has the application answer, and watches the client meanwhile |
//! | `outgoing` | writes answers, streams and refusals |
//! | `exchange` | remembers what logs and metrics tell of a request |
//!
//! Answers are collected while further requests are buffered (pipelining) and go out in one write. Every wait has a
//! deadline, and the deadline belongs to what is waited for: the first byte, the rest of a head, a body, an endpoint,
//! room in the socket.

mod call;
mod exchange;
mod incoming;
mod outgoing;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use self::exchange::{Exchange, Pings};
use super::{Server, second};
use crate::app::{App, Entrance};
use crate::http::{Reader, Refusal, Reply};
use crate::runtime::{self, Deadline, Socket};

/// Requests answered in a row before other connections have their turn.
const IN_A_ROW: u32 = 32;
/// Answers are written out at this size, in bytes, even if more requests are buffered.
const FLUSH_BYTES: usize = 64 * 1024;

/// Serves a connection to its end.
pub(super) async fn run(
    server: Arc<Server>,
    entrance: Entrance,
    socket: Socket,
    peer: Option<SocketAddr>,
) {
    let mut connection = Connection {
        reader: Reader::new(server.settings.limits),
        out: Vec::new(),
        sent: 0,
        deadline: server.clock.deadline(),
        pings: Pings::default(),
        trickles: 0,
        half_closed: false,
        leaving: false,
        server,
        entrance,
        socket,
        peer,
    };
    // An error of the socket: nobody is left to be told.
    let _gone = connection.serve().await;
}

struct Connection {
    server: Arc<Server>,
    entrance: Entrance,
    socket: Socket,
    peer: Option<SocketAddr>,
    reader: Reader,
    /// Answers on their way out; the first `sent` bytes are gone already. It and the reader have memory only while the
    /// connection is busy, see [`Memory`](super::memory::Memory).
    out: Vec<u8>,
    sent: usize,
    /// Of whatever is waited for.
    deadline: Deadline,
    /// Among those answers.
    pings: Pings,
    /// Tiny reads of the current request, see [`incoming`].
    trickles: u8,
    /// The client sends no more; it may still read.
    half_closed: bool,
    /// The drain has been noticed.
    leaving: bool,
}

/// What is needed of a head after its request has been taken.
#[derive(Clone, Copy)]
struct Asked {
    reply: Reply,
    ping: bool,
    expects_continue: bool,
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
            let keep_alive = match asked.ping {
                true => {
                    self.reader.skip();
                    let reply = self.reply(asked);
                    second::put_pong(reply, &mut self.out);
                    self.pings.add();
                    reply.keep_alive()
                }
                false => {
                    if let Err(refusal) = self.await_body(asked).await? {
                        return self.refuse(refusal).await;
                    }
                    let request = self.reader.request();
                    let mut exchange = Exchange::begin(&self.server, self.peer, Some(&request));
                    // Kept until the answer is out: one that is streamed needs its database that long.
                    let generation = self.server.generation();
                    let answered = self.answer(&generation, request, &mut exchange);
                    // Whoever has gone away is owed nothing.
                    let Some(response) = answered.await? else {
                        return Ok(());
                    };
                    self.put(response, self.reply(asked), &mut exchange).await?
                }
            };
            self.server.tally.count_request();
            if !keep_alive {
                self.flush().await?;
                return self.linger().await;
            }
            if self.out.len() >= FLUSH_BYTES {
                self.flush().await?;
            }
            in_a_row += 1;
            if in_a_row == IN_A_ROW {
                in_a_row = 0;
                runtime::yield_now().await;
            }
        }
    }

    /// The next request's head, as far as it matters here.
    fn asked(&mut self) -> Result<Option<Asked>, Refusal> {
        let head = self.reader.head()?;
        Ok(head.map(|head| Asked {
            reply: head.reply(),
            ping: App::is_ping(&head),
            expects_continue: head.expects_continue(),
        }))
    }

    /// How the request that has just been taken is answered: who is to go is told so with the last answer to what has
    /// arrived.
    fn reply(&self, asked: Asked) -> Reply {
        match self.server.drain.is_draining() && !self.reader.buffered() {
            true => asked.reply.closing(),
            false => asked.reply,
        }
    }
}
