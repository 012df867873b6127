//! How long a request's body is, and whether its connection lives on: each decided in one function, ambiguity refused.

use super::chars;
use super::{Refusal, Version};

/// How a request's body is delimited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BodyLength {
    /// That many bytes; 0 where nothing announces a body. Whether that is more than a body may have is asked of the
    /// reader: such a head is whole and right.
    Known(usize),
    /// As many as the chunks say.
    Chunked,
}

/// The lines of a field that may stand once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Line<'a> {
    #[default]
    Absent,
    Once(&'a [u8]),
    /// Never joined to a list: who reads only the first or the last line would see another message.
    Repeated,
}

impl<'a> Line<'a> {
    pub(super) fn add(&mut self, value: &'a [u8]) {
        *self = match self {
            Line::Absent => Line::Once(value),
            Line::Once(_) | Line::Repeated => Line::Repeated,
        };
    }
}

/// The length of a request's body, step by step after RFC 9112 section 6.3.
///
/// Nothing is repaired: a `Transfer-Encoding` that is not understood never falls back to `Content-Length`.
pub(super) fn body_length(
    version: Version,
    transfer_encoding: Line<'_>,
    content_length: Line<'_>,
) -> Result<BodyLength, Refusal> {
    // Steps 1 and 2 are about responses; CONNECT does not come this far.
    match (transfer_encoding, content_length) {
        // Section 6.1: whoever passes a coding on from HTTP/1.0 has not understood it.
        (Line::Once(_) | Line::Repeated, _) if version == Version::Http10 => {
            Err(Refusal::CodingInHttp10)
        }
        // Step 3: "might indicate an attempt at request smuggling"; the server MAY reject, and does.
        (Line::Once(_) | Line::Repeated, Line::Once(_) | Line::Repeated) => {
            Err(Refusal::LengthAndCoding)
        }
        // Step 4.
        (Line::Repeated, Line::Absent) => Err(Refusal::CodingInvalid),
        (Line::Once(codings), Line::Absent) => only_chunked(codings),
        // Step 5: identical repeats may be accepted, and are not.
        (Line::Absent, Line::Repeated) => Err(Refusal::LengthRepeated),
        // Steps 5 and 6.
        (Line::Absent, Line::Once(digits)) => decimal(digits).map(BodyLength::Known),
        // Step 7; step 8 is about responses.
        (Line::Absent, Line::Absent) => Ok(BodyLength::Known(0)),
    }
}

/// A request whose last coding is not `chunked` has no reliable length: 400 (section 6.3, step 4). One whose last
/// coding is, after others, has one, but is not understood: 501 (section 6.1).
fn only_chunked(codings: &[u8]) -> Result<BodyLength, Refusal> {
    const CHUNKED: &[u8] = b"chunked";
    if codings.eq_ignore_ascii_case(CHUNKED) {
        return Ok(BodyLength::Chunked);
    }
    let last = codings.rsplit(|&byte| byte == b',').next();
    if last.is_some_and(|last| chars::trim(last).eq_ignore_ascii_case(CHUNKED)) {
        Err(Refusal::CodingUnknown)
    } else {
        Err(Refusal::CodingInvalid)
    }
}

/// `1*DIGIT` (RFC 9110 section 8.6), by hand: the standard library's parser takes `+5`. A number that overflows is
/// the largest there is, above any limit.
fn decimal(digits: &[u8]) -> Result<usize, Refusal> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(Refusal::LengthInvalid);
    }
    let length = digits.iter().try_fold(0usize, |length, &digit| {
        length
            .checked_mul(10)?
            .checked_add(usize::from(digit - b'0'))
    });
    Ok(length.unwrap_or(usize::MAX))
}

/// The options of a request's `Connection` lines that say whether the connection persists.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Connection {
    close: bool,
    keep_alive: bool,
}

impl Connection {
    /// Reads one line: a list of case-insensitive options (RFC 9110 section 7.6.1).
    pub(super) fn add(&mut self, value: &[u8]) {
        for option in value.split(|&byte| byte == b',').map(chars::trim) {
            self.close |= option.eq_ignore_ascii_case(b"close");
            self.keep_alive |= option.eq_ignore_ascii_case(b"keep-alive");
        }
    }

    /// RFC 9112 section 9.3: `close` wins; HTTP/1.1 persists; HTTP/1.0 only where the client asked for it.
    pub(super) fn persists(self, version: Version) -> bool {
        !self.close && (version == Version::Http11 || self.keep_alive)
    }
}

#[cfg(test)]
mod tests {
    use super::BodyLength::{Chunked, Known};
    use super::Line::{Absent, Once, Repeated};
    use super::*;

    fn length(
        transfer_encoding: Line<'_>,
        content_length: Line<'_>,
    ) -> Result<BodyLength, Refusal> {
        body_length(Version::Http11, transfer_encoding, content_length)
    }

    #[test]
    fn step_3_coding_and_length_never_meet() {
        for coding in [Once(b"chunked"), Once(b"gzip"), Once(b""), Repeated] {
            for digits in [Once(b"5"), Once(b"0"), Once(b""), Repeated] {
                assert_eq!(length(coding, digits), Err(Refusal::LengthAndCoding));
            }
        }
    }

    #[test]
    fn step_4_only_chunked_is_understood() {
        assert_eq!(length(Once(b"chunked"), Absent), Ok(Chunked));
        assert_eq!(length(Once(b"ChUnKeD"), Absent), Ok(Chunked));
        for unknown in [
            "gzip, chunked",
            "gzip,chunked",
            "chunked, chunked",
            ", chunked",
            "identity ,\tChunked",
        ] {
            assert_eq!(
                length(Once(unknown.as_bytes()), Absent),
                Err(Refusal::CodingUnknown),
                "{unknown}"
            );
        }
        for invalid in [
            "",
            ",",
            "gzip",
            "identity",
            "xchunked",
            "chunkedx",
            "chunked,",
            "chunked, gzip",
            "chunked;q=1",
            "\"chunked\"",
            "chun ked",
            "\u{a0}chunked",
        ] {
            assert_eq!(
                length(Once(invalid.as_bytes()), Absent),
                Err(Refusal::CodingInvalid),
                "{invalid}"
            );
        }
        assert_eq!(length(Repeated, Absent), Err(Refusal::CodingInvalid));
    }

    #[test]
    fn section_6_1_no_coding_in_http_1_0() {
        for content_length in [Absent, Once(b"5".as_slice()), Repeated] {
            let coding = Once(b"chunked");
            let refused = body_length(Version::Http10, coding, content_length);
            assert_eq!(refused, Err(Refusal::CodingInHttp10));
        }
    }

    #[test]
    fn step_5_content_length_is_plain_decimal() {
        for invalid in [
            "", "+5", "-5", "-0", "0x5", "a", "5x", "1e1", "5.0", "1_0", "1 0", "5,5", "5, 5",
            "5,", "\u{a0}5", "\u{665}",
        ] {
            assert_eq!(
                length(Absent, Once(invalid.as_bytes())),
                Err(Refusal::LengthInvalid),
                "{invalid}"
            );
        }
        assert_eq!(length(Absent, Repeated), Err(Refusal::LengthRepeated));
    }

    #[test]
    fn step_6_content_length_does_not_wrap() {
        assert_eq!(length(Absent, Once(b"0")), Ok(Known(0)));
        assert_eq!(length(Absent, Once(b"010")), Ok(Known(10)));
        assert_eq!(length(Absent, Once(b"1048576")), Ok(Known(1_048_576)));
        let nines = "9".repeat(100);
        for large in ["18446744073709551616", "18446744073709551621", &nines] {
            let length = length(Absent, Once(large.as_bytes()));
            assert_eq!(length, Ok(Known(usize::MAX)), "{large}");
        }
    }

    #[test]
    fn step_7_no_field_no_body() {
        assert_eq!(length(Absent, Absent), Ok(Known(0)));
    }

    #[test]
    fn persistence() {
        let persists = |version, lines: &[&str]| {
            let mut connection = Connection::default();
            lines
                .iter()
                .for_each(|line| connection.add(line.as_bytes()));
            connection.persists(version)
        };
        assert!(persists(Version::Http11, &[]));
        assert!(persists(
            Version::Http11,
            &["not-close", "closed", "Upgrade"]
        ));
        assert!(!persists(Version::Http11, &["foo,\tCLOSE "]));
        assert!(!persists(Version::Http11, &["keep-alive", "close"]));
        assert!(!persists(Version::Http10, &[]));
        assert!(persists(Version::Http10, &["Keep-Alive"]));
        assert!(!persists(Version::Http10, &["keep-alive, close"]));
    }
}
