//! Where a head ends that was not whole, or not right, at the first look: one pass over its line feeds, taken up again
//! where the bytes ended last time.
//!
//! The tokenizer takes a bare LF for a line end and parses an unfinished head from the start at every try. So the
//! end is looked for here: every LF must follow a CR (RFC 9112 section 2.2), lines and bytes are counted while they
//! pass, and the tokenizer sees the head again when it is whole. All is decided in the order of the bytes, so what is
//! refused does not depend on how they were cut; what `parse` takes at the first look keeps the same rules.

use memchr::memchr;

use super::chars::{self, TOKEN};
use super::{Limits, Refusal};
use crate::work;

/// The request line's bytes beside the target: the longest method (17), the version (8), two spaces, CR, and room.
const REQUEST_LINE_REST: usize = 64;

/// How far the search for the end of a head has come. Offsets count from the head's first byte.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Scan {
    /// Every line feed before this offset has been looked at.
    seen: usize,
    /// Where the current line begins.
    line: usize,
    /// Lines that ended before: the request line and the fields.
    lines: usize,
}

impl Scan {
    /// Whether any of the head has been looked at.
    pub(super) fn has_begun(&self) -> bool {
        self.seen > 0
    }

    /// The length of the head at the front of `bytes`, once its empty line is there.
    pub(super) fn head_length(
        &mut self,
        bytes: &[u8],
        limits: &Limits,
    ) -> Result<Option<usize>, Refusal> {
        let bytes = &bytes[..bytes.len().min(limits.head)];
        while let Some(found) = line_feed(&bytes[self.seen..]) {
            work::add(found + 1);
            let line_feed = self.seen + found;
            if self.lines == 0 {
                request_line(&bytes[..line_feed], limits)?;
            }
            if !bytes[self.line..line_feed].ends_with(b"\r") {
                return Err(Refusal::LineEnd);
            }
            self.seen = line_feed + 1;
            if line_feed == self.line + 1 {
                return Ok(Some(self.seen));
            }
            if self.lines > limits.fields {
                return Err(Refusal::TooManyFields);
            }
            self.line = self.seen;
            self.lines += 1;
        }
        work::add(bytes.len() - self.seen);
        self.seen = bytes.len();
        if self.lines == 0 {
            request_line(bytes, limits)?;
        }
        match bytes.len() == limits.head {
            true => Err(Refusal::HeadTooLarge),
            false => Ok(None),
        }
    }
}

/// The first line feed. A trickle brings so few bytes at a time that calling memchr costs more than a look at them.
#[inline]
fn line_feed(bytes: &[u8]) -> Option<usize> {
    match bytes.len() {
        ..8 => bytes.iter().position(|&byte| byte == b'\n'),
        _ => memchr(b'\n', bytes),
    }
}

/// Bounds the request line. One without a space can only be a method, longer than any there is (RFC 9112 section 3).
fn request_line(line: &[u8], limits: &Limits) -> Result<(), Refusal> {
    let most = limits.target.saturating_add(REQUEST_LINE_REST);
    if line.len() <= most {
        return Ok(());
    }
    match line[..most].iter().find(|&&byte| !chars::is(byte, TOKEN)) {
        None => Err(Refusal::Method),
        Some(b' ') => Err(Refusal::TargetTooLong),
        Some(_) => Err(Refusal::RequestLine),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: Limits = Limits {
        target: 8,
        head: 160,
        fields: 2,
        chunk_extensions: 0,
        trailers: 0,
        body: 0,
    };

    /// Whole and byte by byte, which must come to the same.
    fn scan(text: &str) -> Result<Option<usize>, Refusal> {
        let bytes = text.as_bytes();
        let whole = Scan::default().head_length(bytes, &SMALL);
        let mut scan = Scan::default();
        let bytewise = (1..=bytes.len())
            .map(|end| {
                let found = scan.head_length(&bytes[..end], &SMALL);
                // No byte is searched twice, whatever the pieces: 64 KiB byte by byte is 64 KiB of search.
                assert!(scan.seen == end || found.is_err());
                found
            })
            .find(|found| *found != Ok(None))
            .unwrap_or(Ok(None));
        assert_eq!(whole, bytewise, "{text:?}");
        whole
    }

    #[test]
    fn a_head_ends_with_its_empty_line() {
        assert_eq!(scan("G / H\r\n\r\n"), Ok(Some(9)));
        assert_eq!(scan("G / H\r\nA: b\r\n\r\nrest\n"), Ok(Some(15)));
        assert_eq!(scan("G / H\r\nA: b\r\n\r"), Ok(None));
        assert_eq!(scan("G / H\r\nA: b"), Ok(None));
    }

    /// RFC 9112 section 2.2
    #[test]
    fn a_line_feed_needs_its_carriage_return() {
        for bad in [
            "G / H\n",
            "G / H\r\nA: b\n",
            "G / H\r\n\n",
            "G / H\r\nA\r\n\n",
            "\n",
        ] {
            assert_eq!(scan(bad), Err(Refusal::LineEnd), "{bad:?}");
        }
    }

    #[test]
    fn fields_are_counted() {
        assert_eq!(scan("G / H\r\nA\r\nB\r\n\r\n"), Ok(Some(15)));
        assert_eq!(scan("G / H\r\nA\r\nB\r\nC"), Ok(None));
        assert_eq!(
            scan("G / H\r\nA\r\nB\r\nC\r\n"),
            Err(Refusal::TooManyFields)
        );
    }

    #[test]
    fn the_head_is_bounded() {
        let head = |filler: usize| format!("G / H\r\nA:{}\r\n\r\n", "a".repeat(filler));
        assert_eq!(scan(&head(147)), Ok(Some(160)));
        assert_eq!(scan(&head(148)), Err(Refusal::HeadTooLarge));
        assert_eq!(scan(&head(5000)), Err(Refusal::HeadTooLarge));
    }

    /// RFC 9112 section 3
    #[test]
    fn the_request_line_is_bounded() {
        assert_eq!(scan(&format!("G /{}", "a".repeat(69))), Ok(None));
        assert_eq!(
            scan(&format!("G /{}", "a".repeat(70))),
            Err(Refusal::TargetTooLong)
        );
        assert_eq!(scan(&"G".repeat(73)), Err(Refusal::Method));
        assert_eq!(
            scan(&format!("\u{16}{}", "G".repeat(73))),
            Err(Refusal::RequestLine)
        );
    }
}
