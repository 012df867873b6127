//! The room as a whole: bytes into a reader, requests or a refusal out of it, however the bytes are cut.

mod heads;
mod memory;
mod messages;
mod properties;

use super::*;

/// What a connection's bytes come to.
#[derive(Debug, Default, PartialEq)]
struct Outcome {
    requests: Vec<Summary>,
    refusal: Option<Refusal>,
    /// The bytes end inside a request.
    truncated: bool,
}

#[derive(Debug, PartialEq)]
struct Summary {
    method: Method,
    path: String,
    query: Option<String>,
    host: Option<String>,
    fields: Vec<(String, Vec<u8>)>,
    keep_alive: bool,
    expects_continue: bool,
    body: Vec<u8>,
}

impl Summary {
    fn of(request: Request) -> Summary {
        let head = request.head();
        Summary {
            method: head.method(),
            path: head.path().to_owned(),
            query: head.query().map(str::to_owned),
            host: head.host().map(str::to_owned),
            fields: head
                .headers()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            keep_alive: head.keep_alive(),
            expects_continue: head.expects_continue(),
            body: request.into_body(),
        }
    }
}

/// Feeds `bytes` in pieces of the given sizes, over and over, as a connection would.
fn read(bytes: &[u8], pieces: &[usize], limits: Limits) -> Outcome {
    let mut reader = Reader::new(limits);
    let mut outcome = Outcome::default();
    let mut rest = bytes;
    for piece in pieces.iter().cycle() {
        let mut piece = (*piece).clamp(1, rest.len().max(1)).min(rest.len());
        while piece > 0 {
            let space = reader.space();
            let read = piece.min(space.len());
            assert!(read > 0, "no space, and nothing whole");
            space[..read].copy_from_slice(&rest[..read]);
            reader.advance(read);
            (rest, piece) = (&rest[read..], piece - read);
            if let Err(refusal) = take_all(&mut reader, &mut outcome.requests) {
                outcome.refusal = Some(refusal);
                assert_refused(&mut reader, refusal);
                return outcome;
            }
        }
        if rest.is_empty() {
            break;
        }
    }
    outcome.truncated = reader.mid_request();
    outcome
}

fn take_all(reader: &mut Reader, requests: &mut Vec<Summary>) -> Result<(), Refusal> {
    while reader.body()?.is_some() {
        let buffered = reader.buffered();
        requests.push(Summary::of(reader.request()));
        assert_eq!(reader.buffered(), buffered);
    }
    Ok(())
}

/// A refusal is final, and what the client still sends has somewhere to go.
fn assert_refused(reader: &mut Reader, refusal: Refusal) {
    assert!(!reader.space().is_empty());
    reader.advance(1);
    assert_eq!(reader.head().err(), Some(refusal));
    assert_eq!(reader.body().err(), Some(refusal));
    assert!(!reader.buffered() && !reader.mid_request() && !reader.last_reply().keep_alive());
}

fn outcome(text: &str) -> Outcome {
    let bytes: Vec<u8> = text
        .chars()
        .map(|c| u8::try_from(u32::from(c)).expect("latin-1"))
        .collect();
    let limits = Limits::default();
    let whole = read(&bytes, &[usize::MAX], limits);
    for pieces in [[1].as_slice(), &[2], &[7, 1, 64]] {
        assert_eq!(
            whole,
            read(&bytes, pieces, limits),
            "{text:?} in {pieces:?}"
        );
    }
    whole
}

fn refusal(text: &str) -> Option<Refusal> {
    outcome(text).refusal
}

/// The one request of `text`.
fn request(text: &str) -> Summary {
    let mut outcome = outcome(text);
    assert_eq!(
        (outcome.refusal, outcome.truncated),
        (None, false),
        "{text:?}"
    );
    assert_eq!(outcome.requests.len(), 1, "{text:?}");
    outcome.requests.remove(0)
}
