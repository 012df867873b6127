//! One case on one connection: its bytes go out in one of the ways bytes travel, and what comes back is noted.
//!
//! Nothing is waited for by the clock. Whether the connection was left open, and in step, is asked with a request of
//! our own behind the case's bytes: the sentinel, whose answer is known by its request id.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rustix::net::RecvFlags;

use super::case::{Case, Class, Deliver};
use crate::harness::{Answer, Answers};

/// For the next byte of the server. Less than its own limit for a head (10 s), so that one it waits for in vain is
/// reported as that and not by its 408; and far more than any answer takes.
const HANG: Duration = Duration::from_secs(8);
/// Between looks, in pieces sent, for whether the server still listens: it costs as much as sending one.
const LOOK_EVERY: usize = 64;
/// So many pieces of a case are given the processor's time to be read one by one, before the kernel puts them together
/// again: all of them but where a case is about a limit that is kilobytes away.
const ALONE: usize = 1024;

/// How a case's bytes are cut. Each piece is a segment of its own.
#[derive(Clone, Copy, Debug)]
pub enum Delivery {
    Whole,
    Bytewise,
    /// At random, from this seed.
    Splits(u64),
    Named(Deliver),
}

/// What became of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The sentinel was answered.
    Open,
    /// The server ended it, in a way that lets its last answer arrive.
    Closed,
    /// The server left bytes of ours unread, and the kernel told us so by throwing away what we had not read of its.
    Reset,
    /// Neither, for [`HANG`].
    Hung,
    /// Nobody knows: what came is no answer.
    Unread,
}

/// What came of a case.
#[derive(Debug)]
pub struct Outcome {
    /// Without the sentinel's.
    pub answers: Answers,
    pub end: End,
    /// The server let the client wait with its body for nothing.
    pub ignored_expectation: bool,
}

/// Sends a case and sees what comes of it.
///
/// # Errors
/// The server does not take the connection.
pub fn exchange(case: &Case, delivery: Delivery, address: SocketAddr) -> std::io::Result<Outcome> {
    let mut client = Client::connect(case, address)?;
    match delivery {
        Delivery::Whole => client.send_all([case.bytes.as_slice()]),
        Delivery::Bytewise => client.send_all(case.bytes.chunks(1)),
        Delivery::Splits(seed) => client.send_all(splits(&case.bytes, seed)),
        Delivery::Named(Deliver::Lines) => {
            client.send_all(case.bytes.split_inclusive(|byte| *byte == b'\n'));
        }
        Delivery::Named(Deliver::HeadThenBody) => client.send_when_asked(&case.bytes),
    }
    if case.half_close || case.expect == Class::Wait {
        client.finish();
    } else {
        client.read_until(|answers| answers.whole.len() >= case.least_answers());
        client.ask_sentinel();
    }
    Ok(Outcome {
        end: client.end.unwrap_or(End::Unread),
        answers: client.answers,
        ignored_expectation: client.ignored_expectation,
    })
}

/// Cuts `bytes` at random: into few pieces or into many.
fn splits(bytes: &[u8], seed: u64) -> impl Iterator<Item = &[u8]> {
    let mut random = fastrand::Rng::with_seed(seed);
    let most = random.usize(1..=bytes.len().max(1));
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let (piece, after) = rest.split_at(random.usize(1..=most).min(rest.len()));
        rest = after;
        (!piece.is_empty()).then_some(piece)
    })
}

struct Client {
    stream: TcpStream,
    answers: Answers,
    /// Once it is known that nothing more comes.
    end: Option<End>,
    ignored_expectation: bool,
}

impl Client {
    fn connect(case: &Case, address: SocketAddr) -> std::io::Result<Client> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(HANG))?;
        stream.set_write_timeout(Some(HANG))?;
        let start = &case.bytes[..case.bytes.len().min(200)];
        let old_client = memchr::memmem::find(start, b" HTTP/1.0\r\n").is_some();
        Ok(Client {
            stream,
            answers: Answers::to(case.methods.clone(), old_client),
            end: None,
            ignored_expectation: false,
        })
    }

    /// Sends pieces until the server has ended its side: from there on nothing that is sent can matter.
    fn send_all<'a>(&mut self, pieces: impl IntoIterator<Item = &'a [u8]>) {
        for (count, piece) in pieces.into_iter().enumerate() {
            if count < ALONE {
                std::thread::yield_now();
            }
            if count % LOOK_EVERY == LOOK_EVERY - 1 {
                self.look();
            }
            // A failure says that the server is gone; what it has sent before is still to be read.
            if self.end.is_some() || self.stream.write_all(piece).is_err() {
                return;
            }
        }
    }

    /// Sends a head, and its body once that is asked for. To a refusal it would be a waste, to silence it is due.
    fn send_when_asked(&mut self, bytes: &[u8]) {
        let head = memchr::memmem::find(bytes, b"\r\n\r\n").expect("a head") + 4;
        let (head, body) = bytes.split_at(head);
        self.send_all([head]);
        self.read_until(|answers| !(answers.interim.is_empty() && answers.whole.is_empty()));
        if self.end == Some(End::Hung) {
            self.ignored_expectation = true;
            self.end = None;
        }
        if self.answers.whole.iter().all(|answer| answer.status < 400) {
            self.send_all([body]);
        }
    }

    /// Takes what has arrived, without waiting.
    fn look(&mut self) {
        let mut chunk = [0; 4096];
        match rustix::net::recv(&self.stream, &mut chunk, RecvFlags::DONTWAIT) {
            Ok((_, read)) => self.took(&chunk[..read]),
            Err(rustix::io::Errno::AGAIN) => {}
            Err(_) => self.end = Some(End::Reset),
        }
    }

    /// Reads until there is enough, or nothing more comes.
    fn read_until(&mut self, enough: impl Fn(&Answers) -> bool) {
        let mut chunk = [0; 16 * 1024];
        while self.end.is_none() && self.answers.broken.is_none() && !enough(&self.answers) {
            match self.stream.read(&mut chunk) {
                Ok(read) => self.took(&chunk[..read]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.end = Some(End::Hung),
                Err(_) => self.end = Some(End::Reset),
            }
        }
    }

    fn took(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            self.end = Some(End::Closed);
            self.answers.end();
        } else {
            self.answers.feed(bytes);
        }
    }

    /// Sends no more, and reads to the end.
    fn finish(&mut self) {
        // Fails when the server has closed, which is what is to be found out.
        let _closed = self.stream.shutdown(Shutdown::Write);
        self.read_until(|_| false);
    }

    /// Asks whether the connection is open and in step: then the next answer is to this.
    fn ask_sentinel(&mut self) {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        if self.end.is_some() {
            return;
        }
        let id = format!("sentinel-{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let request = format!("GET /hello/you HTTP/1.1\r\nHost: a\r\nX-Request-Id: {id}\r\n\r\n");
        let is_sentinels = |answer: &Answer| answer.header("x-request-id") == Some(id.as_str());
        self.send_all([request.as_bytes()]);
        self.read_until(|answers| answers.whole.last().is_some_and(is_sentinels));
        if self
            .answers
            .whole
            .pop_if(|last| is_sentinels(last))
            .is_some()
        {
            self.end = Some(End::Open);
        }
    }
}
