//! One head: what is taken says what was sent, and says the same when it is written again.

use super::connection::Summary;
use super::{all_limits, is_field, is_token};
use crate::http::{Head, Limits, Reader, Refusal, Request, Version};

/// Takes a head, or anything else.
pub fn head(bytes: &[u8]) {
    for limits in all_limits() {
        let mut reader = offered(bytes, limits);
        match reader.head() {
            Ok(Some(head)) => {
                assert_as_sent(head, sent(bytes).expect("an end"), limits);
                assert_the_same_again(head, limits);
                let announced = head.header("content-length");
                if let Some(large) = announced.map(|digits| is_more(digits, limits.body)) {
                    let refused = large.then_some(Refusal::BodyTooLarge);
                    assert_eq!(reader.body().err(), refused, "from the head alone");
                }
            }
            Ok(None) => assert_eq!(sent(bytes), None, "a whole head is waited for"),
            Err(refusal) => assert!(u16::from(refusal.status()) >= 400),
        }
    }
}

fn is_more(digits: &str, limit: u64) -> bool {
    let digits = digits.trim_start_matches('0');
    // What does not fit is more than any limit.
    !digits.is_empty() && digits.parse().map_or(true, |number: u64| number > limit)
}

/// A reader that was given bytes until it had a head, or all of them.
fn offered(bytes: &[u8], limits: Limits) -> Reader {
    let mut reader = Reader::new(limits);
    let mut rest = bytes;
    while !rest.is_empty() && matches!(reader.head(), Ok(None)) {
        let space = reader.space();
        let length = space.len().min(rest.len());
        space[..length].copy_from_slice(&rest[..length]);
        reader.advance(length);
        rest = &rest[length..];
    }
    reader
}

/// The bytes from the request line on to the empty line after it, included.
fn sent(mut bytes: &[u8]) -> Option<&[u8]> {
    while let Some(rest) = bytes.strip_prefix(b"\r\n") {
        bytes = rest;
    }
    let end = bytes.windows(4).position(|end| end == b"\r\n\r\n")?;
    Some(&bytes[..end + 4])
}

/// Reads a head that was taken once more, in the plainest way there is.
fn assert_as_sent(head: Head<'_>, sent: &[u8], limits: Limits) {
    assert!(sent.len() <= limits.head);
    let mut lines = sent[..sent.len() - 4]
        .split(|&byte| byte == b'\n')
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let line = text(lines.next().expect("a request line"));
    let [method, target, version] = *line.split(' ').collect::<Vec<_>>() else {
        panic!("{line:?} was taken")
    };
    assert_eq!(head.method().to_string(), method);
    assert_eq!(head.version().to_string(), version);
    assert!(target.len() <= limits.target);
    let asked = Request::try_new(head.method(), target).expect("valid by itself");
    assert_eq!((head.path(), head.query()), (asked.path(), asked.query()));

    let mut fields: Vec<(&str, &[u8])> = lines.map(field).collect();
    assert!(fields.len() <= limits.fields);
    assert_framed(head, &fields);
    let host = fields.iter_mut().find(|(name, _)| is_host(name));
    match (asked.host(), host) {
        // RFC 9112 section 3.2.2: the target's authority takes the place of what the line says.
        (Some(authority), Some((_, value))) => *value = authority.as_bytes(),
        (authority, None) => assert_eq!(head.host(), authority),
        (None, Some((_, value))) => assert_eq!(head.host(), Some(text(value))),
    }
    assert!(head.headers().eq(fields.iter().copied()));
}

fn field(line: &[u8]) -> (&str, &[u8]) {
    let colon = line.iter().position(|&byte| byte == b':');
    let (name, value) = line.split_at(colon.expect("a colon"));
    assert!(is_token(text(name)), "{line:?}");
    assert!(value.iter().all(|&byte| is_field(byte.into())), "{line:?}");
    (text(name), value[1..].trim_ascii())
}

fn text(ascii: &[u8]) -> &str {
    std::str::from_utf8(ascii).expect("ASCII")
}

fn is_host(name: &str) -> bool {
    name.eq_ignore_ascii_case("host")
}

/// RFC 9112 sections 3.2, 6.3 and 9.3, for a head that was taken.
fn assert_framed(head: Head<'_>, fields: &[(&str, &[u8])]) {
    let values = |wanted: &str| -> Vec<&[u8]> {
        let named = fields
            .iter()
            .filter(|(name, _)| name.eq_ignore_ascii_case(wanted));
        named.map(|(_, value)| *value).collect()
    };
    let http_1_1 = head.version() == Version::Http11;
    let hosts = values("host").len();
    assert!(hosts == 1 || hosts == 0 && !http_1_1);

    let has_body = match (&*values("transfer-encoding"), &*values("content-length")) {
        ([], []) => false,
        ([coding], []) => {
            assert!(http_1_1 && coding.eq_ignore_ascii_case(b"chunked"));
            true
        }
        ([], [digits]) => {
            assert!(!digits.is_empty() && digits.iter().all(u8::is_ascii_digit));
            !text(digits).trim_start_matches('0').is_empty()
        }
        lines => panic!("{lines:?} was taken"),
    };
    assert_eq!(head.has_body(), has_body);

    let expected = values("expect");
    let continues = |value: &&[u8]| value.eq_ignore_ascii_case(b"100-continue");
    assert!(expected.iter().all(continues));
    let expects = !expected.is_empty() && http_1_1 && has_body;
    assert_eq!(head.expects_continue(), expects);

    let connection = values("connection").join(&b","[..]);
    let options = connection
        .split(|&byte| byte == b',')
        .map(<[u8]>::trim_ascii);
    let asks = |wanted: &[u8]| {
        let mut options = options.clone();
        options.any(|option| option.eq_ignore_ascii_case(wanted))
    };
    let persists = !asks(b"close") && (http_1_1 || asks(b"keep-alive"));
    assert_eq!(head.keep_alive(), persists);
}

/// What a head says, written plainly, is a head that says the same.
fn assert_the_same_again(head: Head<'_>, limits: Limits) {
    // HTTP/1.0 may name the host in the target alone.
    let authority = match head.header_lines("host").next() {
        Some(_) => None,
        None => head.host(),
    };
    let target = match (authority, head.path()) {
        (Some(authority), "*") => format!("http://{authority}"),
        (Some(authority), path) => format!("http://{authority}{path}"),
        (None, path) => path.to_owned(),
    };
    let query = head.query().map(|query| format!("?{query}"));
    let (method, query) = (head.method(), query.unwrap_or_default());
    let mut bytes = format!("{method} {target}{query} {}\r\n", head.version()).into_bytes();
    for (name, value) in head.headers() {
        bytes.extend([name.as_bytes(), b": ", value, b"\r\n"].concat());
    }
    bytes.extend(b"\r\n");

    let roomy = Limits {
        target: usize::MAX,
        head: usize::MAX,
        ..limits
    };
    let mut reader = offered(&bytes, roomy);
    let again = reader.head().expect("valid").expect("whole");
    assert_eq!(Summary::of(again, b""), Summary::of(head, b""));
}
