//! Requests out of bytes, for one connection: bytes go in at [`Reader::space`], messages come out.
//!
//! The buffer holds a request's head, its body after that, and whatever the client sent beyond: nothing moves
//! until the request is taken, and a pipelined request waits where it is. Chunks are decoded in place.

use super::buffer::{Buffer, FIRST, LEAST_READ};
use super::chunked::Chunked;
use super::framing::BodyLength;
use super::head::Head;
use super::parse::{self, Field, Parsed};
use super::request::Request;
use super::scan::Scan;
use super::{Limits, Method, Refusal, Reply, Version, chars};

/// What a body is given, in bytes, on its announcement alone. A larger one must arrive to be given more.
const ON_TRUST: usize = 64 * 1024;
/// Empty lines skipped before a request line; RFC 9112 section 2.2 asks for one.
const MOST_EMPTY_LINES: u8 = 4;

/// Requests out of bytes, for one connection.
///
/// Its memory is used again from request to request: a request whose head and body fit allocates nothing.
///
/// ```
/// use peppercorn::http::{Limits, Reader};
/// let mut reader = Reader::new(Limits::default());
/// let bytes = b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhiGET /ping HTTP/1.1\r\n";
/// reader.space()[..bytes.len()].copy_from_slice(bytes); // a read from the socket
/// reader.advance(bytes.len());
///
/// let head = reader.head()?.expect("a whole head");
/// assert_eq!(head.path(), "/echo");
/// assert_eq!(reader.body()?, Some(2));
/// assert_eq!(reader.request().into_body(), b"hi");
///
/// assert!(reader.head()?.is_none() && reader.mid_request());
/// # Ok::<(), peppercorn::http::Refusal>(())
/// ```
#[derive(Debug)]
pub struct Reader {
    limits: Limits,
    /// Begins with the current request. Every offset counts from there.
    buffer: Buffer,
    phase: Phase,
    scan: Scan,
    empty_lines: u8,
    /// Valid, like the head's length, in [`Phase::Body`] and [`Phase::Whole`].
    parsed: Parsed,
    head_length: usize,
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    /// The head's end is not found yet.
    Head,
    /// The head is whole, the body is not.
    Body(Arriving),
    /// Head and body are whole: `body` bytes follow the head, the next request begins at `next`.
    Whole { body: usize, next: usize },
    /// Nothing more is read from this connection.
    Refused { refusal: Refusal, reply: Reply },
}

#[derive(Clone, Copy, Debug)]
enum Arriving {
    Known(usize),
    /// Everything before `at` is decoded.
    Chunked {
        decoder: Chunked,
        at: usize,
    },
}

impl Reader {
    /// A reader that has allocated nothing yet.
    pub fn new(limits: Limits) -> Reader {
        Reader {
            limits: limits.bounded(),
            buffer: Buffer::default(),
            phase: Phase::Head,
            scan: Scan::default(),
            empty_lines: 0,
            parsed: Parsed::default(),
            head_length: 0,
        }
    }

    /// Where the next read goes. Never empty while [`head`](Self::head) or [`body`](Self::body) says `None`, nor
    /// after a refusal, when what is read is thrown away. While whole requests may be waiting it may be empty.
    pub fn space(&mut self) -> &mut [u8] {
        let waiting = match self.phase {
            Phase::Head => !self.scan.has_begun(),
            Phase::Whole { .. } => true,
            Phase::Body(_) | Phase::Refused { .. } => false,
        };
        if !waiting {
            // A part of one request, so it is moved once. Those that are waiting would be moved for each before them.
            self.buffer.move_to_front();
        }
        let (wanted, most) = match &self.phase {
            Phase::Head => (FIRST, self.limits.head),
            Phase::Body(Arriving::Known(body)) => {
                // More is refused when it is asked for.
                let body = (*body).min(self.limits.body as usize);
                (
                    self.head_length + body.min(ON_TRUST),
                    self.head_length + body,
                )
            }
            // Framing is used up when it is decoded, so beside the body it needs room for one read.
            Phase::Body(Arriving::Chunked { .. }) => {
                (0, self.head_length + self.limits.body as usize + LEAST_READ)
            }
            Phase::Whole { .. } => (0, self.buffer.size()),
            Phase::Refused { .. } => {
                self.buffer.clear();
                (FIRST, FIRST)
            }
        };
        self.buffer.space(wanted, most.max(FIRST))
    }

    /// That many bytes of [`space`](Self::space) were filled.
    ///
    /// # Panics
    /// When that is more than there was.
    #[inline]
    pub fn advance(&mut self, read: usize) {
        self.buffer.advance(read);
    }

    /// The next request's head; `None`: read more. Says the same until the request is taken or skipped.
    ///
    /// # Errors
    /// Why the request is refused. The connection is at its end: every further call says the same.
    #[inline]
    pub fn head(&mut self) -> Result<Option<Head<'_>>, Refusal> {
        match self.phase {
            Phase::Head => match self.find_head() {
                Ok(true) => {}
                Ok(false) => return Ok(None),
                Err(refusal) => return Err(self.refuse(refusal)),
            },
            Phase::Body(_) | Phase::Whole { .. } => {}
            Phase::Refused { refusal, .. } => return Err(refusal),
        }
        Ok(Some(self.whole_head()))
    }

    fn whole_head(&self) -> Head<'_> {
        Head {
            bytes: &self.buffer.bytes()[..self.head_length],
            parsed: &self.parsed,
        }
    }

    fn find_head(&mut self) -> Result<bool, Refusal> {
        if !self.skip_empty_lines()? {
            return Ok(false);
        }
        let Some(length) = self.read_head()? else {
            return Ok(false);
        };
        self.head_length = length;
        self.phase = match self.parsed.body {
            BodyLength::Known(0) => Phase::Whole {
                body: 0,
                next: length,
            },
            BodyLength::Known(body) => Phase::Body(Arriving::Known(body)),
            BodyLength::Chunked => Phase::Body(Arriving::Chunked {
                decoder: Chunked::new(&self.limits),
                at: length,
            }),
        };
        Ok(true)
    }

    /// Reads the head into `parsed`; its length, if it is whole.
    ///
    /// Nearly every head is whole and right when it is first looked at, and the tokenizer's one pass will do. Any other
    /// is scanned: that finds a late end without starting over, and whatever is wrong in the order of the bytes.
    fn read_head(&mut self) -> Result<Option<usize>, Refusal> {
        let bytes = self.buffer.bytes();
        if !self.scan.has_begun()
            && let Ok(Some(length)) = parse::parse(bytes, &self.limits, &mut self.parsed)
        {
            return Ok(Some(length));
        }
        let Some(length) = self.scan.head_length(bytes, &self.limits)? else {
            return Ok(None);
        };
        match parse::parse(&bytes[..length], &self.limits, &mut self.parsed)? {
            Some(end) if end == length => Ok(Some(length)),
            // Another end would be another reading of the same bytes: refuse it.
            _ => Err(Refusal::RequestLine),
        }
    }

    /// Whether a request line has begun. A client of another protocol is told so at its first byte.
    #[inline]
    fn skip_empty_lines(&mut self) -> Result<bool, Refusal> {
        loop {
            match self.buffer.bytes() {
                [first, ..] if chars::is(*first, chars::TOKEN) => return Ok(true),
                [] | [b'\r'] => return Ok(false),
                [b'\r', b'\n', ..] => {
                    self.empty_lines += 1;
                    if self.empty_lines > MOST_EMPTY_LINES {
                        return Err(Refusal::EmptyLines);
                    }
                    self.buffer.consume(2);
                }
                [b'\r' | b'\n', ..] => return Err(Refusal::LineEnd),
                _ => return Err(Refusal::RequestLine),
            }
        }
    }

    /// The body's length, once all of it has arrived and is decoded; `None`: read more.
    ///
    /// # Errors
    /// As [`head`](Self::head); and one that its head says is too large is refused here, before any of it has arrived.
    pub fn body(&mut self) -> Result<Option<usize>, Refusal> {
        if self.head()?.is_none() {
            return Ok(None);
        }
        match self.phase {
            Phase::Body(Arriving::Known(body)) => {
                if body as u64 > self.limits.body {
                    return Err(self.refuse(Refusal::BodyTooLarge));
                }
                let next = self.head_length + body;
                if self.buffer.bytes().len() < next {
                    return Ok(None);
                }
                self.phase = Phase::Whole { body, next };
                Ok(Some(body))
            }
            Phase::Body(Arriving::Chunked { decoder, at }) => self.decode(decoder, at),
            Phase::Whole { body, .. } => Ok(Some(body)),
            Phase::Refused { refusal, .. } => Err(refusal),
            Phase::Head => Ok(None),
        }
    }

    fn decode(&mut self, mut decoder: Chunked, at: usize) -> Result<Option<usize>, Refusal> {
        let head = self.head_length;
        let decoded = decoder.decode(&mut self.buffer.bytes_mut()[head..], at - head);
        let body = decoder.length();
        if let Some(end) = decoded.map_err(|refusal| self.refuse(refusal))? {
            let next = head + end;
            self.phase = Phase::Whole { body, next };
            return Ok(Some(body));
        }
        let at = head + body;
        self.buffer.truncate(at);
        self.phase = Phase::Body(Arriving::Chunked { decoder, at });
        Ok(None)
    }

    fn refuse(&mut self, refusal: Refusal) -> Refusal {
        let reply = self.last_reply();
        self.phase = Phase::Refused { refusal, reply };
        refusal
    }

    /// How the connection's last answer is framed where it goes to no whole request: to a refusal, or to a request
    /// whose rest never came. It closes, and has no body if the method is HEAD, as far as that has arrived.
    pub fn last_reply(&self) -> Reply {
        if let Phase::Refused { reply, .. } = self.phase {
            return reply;
        }
        let method = match self.buffer.bytes().starts_with(b"HEAD ") {
            true => Method::Head,
            false => Method::Get,
        };
        Reply::to(Version::Http11, method, false)
    }

    /// The request as a value, and on to the next.
    ///
    /// # Panics
    /// Unless [`body`](Self::body) has said `Some`.
    pub fn request(&mut self) -> Request {
        let (body, next) = self.whole();
        let request = Request::from_head(self.whole_head());
        let place = self.head_length..self.head_length + body;
        let last = self.buffer.bytes().len() == next;
        // Memory that grew for this body goes with it, instead of a copy, if nothing else is in it.
        let body = if body >= ON_TRUST && last {
            self.buffer.give_away(place)
        } else {
            let body = self.buffer.bytes()[place].to_vec();
            self.buffer.consume(next);
            body
        };
        self.begin();
        request.with_body(body)
    }

    /// On to the next request without making a value of this one.
    ///
    /// # Panics
    /// Unless [`body`](Self::body) has said `Some`. It does so as soon as there is a head that announces no body,
    /// so after such a head it need not be asked.
    pub fn skip(&mut self) {
        let (_, next) = self.whole();
        self.buffer.consume(next);
        self.begin();
    }

    fn whole(&self) -> (usize, usize) {
        match self.phase {
            Phase::Whole { body, next } => (body, next),
            _ => panic!("a request was taken before it was whole"),
        }
    }

    fn begin(&mut self) {
        self.phase = Phase::Head;
        self.scan = Scan::default();
        self.empty_lines = 0;
    }

    /// Whether bytes beyond the current request are there already: of the next one, or at least its beginning.
    pub fn buffered(&self) -> bool {
        match self.phase {
            Phase::Head => !self.buffer.is_empty(),
            Phase::Whole { next, .. } => self.buffer.bytes().len() > next,
            Phase::Body(_) | Phase::Refused { .. } => false,
        }
    }

    /// Whether a request has begun and its rest is missing: an end of the stream now truncates it
    /// ([`Refusal::Truncated`]), a deadline now is its client's doing ([`Refusal::TooSlow`]).
    pub fn mid_request(&self) -> bool {
        match self.phase {
            Phase::Head => !self.buffer.is_empty(),
            Phase::Body(_) => true,
            Phase::Whole { .. } | Phase::Refused { .. } => false,
        }
    }

    /// How much memory there is for bytes.
    #[cfg(any(test, fuzzing))]
    pub(super) fn size(&self) -> usize {
        self.buffer.size()
    }

    /// Takes the reader's memory away while its connection is idle, with what has grown for a large request. `None`
    /// while bytes are there. It works on without, and allocates what it needs.
    pub fn take_memory(&mut self) -> Option<Memory> {
        self.buffer.is_empty().then(|| Memory {
            buffer: std::mem::take(&mut self.buffer),
            fields: std::mem::take(&mut self.parsed.fields),
        })
    }

    /// Gives it memory to work in, another reader's or its own, in place of what it has.
    pub fn give_memory(&mut self, memory: Memory) {
        if self.buffer.is_empty() {
            self.buffer = memory.buffer;
            self.parsed.fields = memory.fields;
        }
    }
}

/// Memory that readers work in, without anything in it.
#[derive(Debug, Default)]
pub struct Memory {
    buffer: Buffer,
    fields: Vec<Field>,
}

impl Memory {
    /// How many bytes a request may have without more being allocated.
    pub fn size(&self) -> usize {
        self.buffer.size()
    }
}
