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
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use self::exchange::{Exchange, Pings};
use super::{Server, second};
use crate::app::{Api, Caller, Cors, Entrance};
use crate::http::{self, Head, Proxies, Reader, Refusal, Reply};
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
    let cors = match entrance {
        Entrance::Public => server.settings.cors.clone(),
        Entrance::Admin => None,
    };
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
        peer: peer.map(|peer| peer.ip().to_canonical()),
        cors,
    };
    // An error of the socket: nobody is left to be told.
    let _gone = connection.serve().await;
}

struct Connection {
    server: Arc<Server>,
    entrance: Entrance,
    socket: Socket,
    /// The other end's address, IPv4 also where a socket of IPv6 was asked; none of a UNIX socket.
    peer: Option<IpAddr>,
    /// What browsers are told, if anything: what operators are answered is for no page.
    cors: Option<Cors>,
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
    expects_continue: bool,
    /// None of a health probe: whoever sends it is answered the same.
    sender: Option<Sender>,
}

/// Who sent a request.
#[derive(Clone, Copy)]
struct Sender {
    /// The client's address, where it is known.
    client: Option<IpAddr>,
    /// Whose page it was, where browsers are told whether that may read the answer.
    caller: Option<Caller>,
}

impl Sender {
    // Apart from the health probe's way, which it would lengthen.
    #[inline(never)]
    fn of(head: &Head<'_>, peer: Option<IpAddr>, proxies: &Proxies, cors: Option<&Cors>) -> Sender {
        Sender {
            client: http::client(peer, head, proxies),
            caller: cors.map(|cors| cors.caller(head)),
        }
    }
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
                Err(refusal) => return self.refuse(refusal, self.unknown()).await,
            };
            let keep_alive = match asked.sender {
                None => {
                    self.reader.skip();
                    let reply = self.reply(asked);
                    second::put_pong(reply, &mut self.out);
                    self.pings.add();
                    reply.keep_alive()
                }
                Some(sender) => {
                    if let Err(refusal) = self.await_body(asked).await? {
                        return self.refuse(refusal, sender).await;
                    }
                    let request = self.reader.request();
                    let mut exchange = Exchange::begin(&self.server, sender, Some(&request));
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
        Ok(head.map(|head| {
            let cors = self.cors.as_ref();
            // One that a page sends takes the way of all requests, where its browser is told what it must know.
            let is_probe = Api::is_ping(&head)
                && cors.is_none_or(|cors| cors.caller(&head) == Caller::Unnamed);
            let proxies = &self.server.settings.proxies;
            Asked {
                reply: head.reply(),
                expects_continue: head.expects_continue(),
                sender: (!is_probe).then(|| Sender::of(&head, self.peer, proxies, cors)),
            }
        }))
    }

    /// Who sends what is no request, as far as the socket tells.
    fn unknown(&self) -> Sender {
        Sender {
            client: self.peer,
            caller: None,
        }
    }

    /// How the request that has just been taken is answered: who is to go is told so with the last answer to what has
    /// arrived.
    fn reply(&self, asked: Asked) -> Reply {
        match self.server.drain.is_leaving() && !self.reader.buffered() {
            true => asked.reply.closing(),
            false => asked.reply,
        }
    }
}
