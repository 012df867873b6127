//! A whole connection: how its bytes are cut changes nothing, a refusal is final, memory and work stay bounded.

use std::iter::Cycle;
use std::slice::Iter;

use super::all_limits;
use crate::http::buffer::{FIRST, LEAST_READ};
use crate::http::{Head, Limits, Method, Reader, Refusal};
use crate::work;

/// Bytes at the front of an input that say how the rest is cut.
const CUTS: usize = 4;
/// What a reader may look at or move for each byte it is given: the search for the head's end, the parser, the
/// decoder, a move to the front, and growing by doubling, which comes to two.
const WORK_PER_BYTE: usize = 8;
/// What it may do beside that, in bytes: take its first memory, and what a body is given on its announcement.
const AT_ONCE: usize = 80 * 1024;

/// Takes a connection's bytes after a few that say how they are cut.
pub fn connection(input: &[u8]) {
    let (cuts, bytes) = input.split_at(input.len().min(CUTS));
    let cuts: Vec<usize> = cuts.iter().map(|&cut| usize::from(cut) + 1).collect();
    for limits in all_limits() {
        let whole = read(bytes, &[usize::MAX], limits);
        assert_eq!(whole, read(bytes, &[1], limits));
        assert_eq!(whole, read(bytes, &cuts, limits));
    }
}

/// What a connection's bytes come to.
#[derive(Debug, Default, PartialEq)]
pub(in crate::http) struct Outcome {
    pub requests: Vec<Summary>,
    pub refusal: Option<Refusal>,
    /// The bytes end inside a request.
    pub truncated: bool,
}

#[derive(Debug, PartialEq)]
pub(in crate::http) struct Summary {
    pub method: Method,
    pub path: String,
    pub query: Option<String>,
    pub host: Option<String>,
    pub fields: Vec<(String, Vec<u8>)>,
    pub keep_alive: bool,
    pub expects_continue: bool,
    pub has_body: bool,
    pub body: Vec<u8>,
}

impl Summary {
    pub(super) fn of(head: Head<'_>, body: &[u8]) -> Summary {
        let fields = head.headers();
        Summary {
            method: head.method(),
            path: head.path().to_owned(),
            query: head.query().map(str::to_owned),
            host: head.host().map(str::to_owned),
            fields: fields
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            keep_alive: head.keep_alive(),
            expects_continue: head.expects_continue(),
            has_body: head.has_body(),
            body: body.to_owned(),
        }
    }
}

/// Reads `bytes` in pieces of the given sizes, over and over, as a connection does: until there is a request, and
/// once more while its endpoint would be at work.
pub(in crate::http) fn read(bytes: &[u8], pieces: &[usize], limits: Limits) -> Outcome {
    let mut client = Client {
        bytes,
        sent: 0,
        pieces: pieces.iter().cycle(),
        limits,
    };
    let mut reader = Reader::new(limits);
    let (outcome, work) = work::of(|| client.talk_to(&mut reader));
    assert!(
        work <= WORK_PER_BYTE * client.sent + AT_ONCE,
        "{work} bytes of work for {} bytes",
        client.sent
    );
    if let Some(refusal) = outcome.refusal {
        client.talk_on(&mut reader, refusal);
    }
    outcome
}

/// Who sends a connection's bytes.
struct Client<'a> {
    bytes: &'a [u8],
    sent: usize,
    pieces: Cycle<Iter<'a, usize>>,
    limits: Limits,
}

impl Client<'_> {
    fn talk_to(&mut self, reader: &mut Reader) -> Outcome {
        let mut outcome = Outcome::default();
        outcome.refusal = self.requests(reader, &mut outcome.requests).err();
        outcome.truncated = reader.mid_request();
        outcome
    }

    fn requests(
        &mut self,
        reader: &mut Reader,
        requests: &mut Vec<Summary>,
    ) -> Result<(), Refusal> {
        loop {
            while reader.body()?.is_some() {
                let buffered = reader.buffered();
                let request = reader.request();
                requests.push(Summary::of(request.head(), request.body()));
                assert_eq!(reader.buffered(), buffered);
                self.send(reader);
            }
            if self.sent == self.bytes.len() {
                return Ok(());
            }
            assert!(self.send(reader) > 0, "no space, and nothing whole");
        }
    }

    /// Sends one piece, or as much of it as there is space for.
    fn send(&mut self, reader: &mut Reader) -> usize {
        let rest = &self.bytes[self.sent..];
        let space = reader.space();
        let piece = self.pieces.next().map_or(1, |&piece| piece.max(1));
        let length = piece.min(rest.len()).min(space.len());
        space[..length].copy_from_slice(&rest[..length]);
        reader.advance(length);
        self.sent += length;
        self.assert_bounded(reader);
        length
    }

    /// Memory is within the limits, and what grows is paid for by what was sent.
    fn assert_bounded(&self, reader: &Reader) {
        let size = reader.size();
        let most = self.limits.head + self.limits.body as usize + LEAST_READ;
        assert!(size <= most.max(FIRST), "{size} bytes of memory");
        assert!(size <= 2 * self.sent + AT_ONCE, "{size} bytes of memory");
    }

    /// A refusal is final, and what the client still sends has somewhere to go.
    fn talk_on(&mut self, reader: &mut Reader, refusal: Refusal) {
        assert!(u16::from(refusal.status()) >= 400);
        assert!(!reader.last_reply().keep_alive());
        for more in [&b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"[..], b"\r\n", b"x"] {
            reader.space()[..more.len()].copy_from_slice(more);
            reader.advance(more.len());
            assert_eq!(reader.head().err(), Some(refusal));
            assert_eq!(reader.body().err(), Some(refusal));
            assert!(!reader.buffered() && !reader.mid_request());
            self.assert_bounded(reader);
        }
    }
}
