//! Percent-encoding undone (RFC 3986 §2.1).

use std::borrow::Cow;

/// The bytes of `text` with percent-encoding undone; a `%` that begins no triplet stays.
pub(super) fn decoded(text: &str) -> impl Iterator<Item = u8> {
    let mut rest = text.as_bytes();
    std::iter::from_fn(move || {
        let (byte, used) = match rest {
            [b'%', high, low, ..] => match (hex(*high), hex(*low)) {
                (Some(high), Some(low)) => (high << 4 | low, 3),
                _ => (b'%', 1),
            },
            [byte, ..] => (*byte, 1),
            [] => return None,
        };
        rest = &rest[used..];
        Some(byte)
    })
}

fn hex(digit: u8) -> Option<u8> {
    (digit as char).to_digit(16).map(|digit| digit as u8)
}

/// `text` with percent-encoding undone; `None` when the result is not UTF-8.
pub fn percent_decode(text: &str) -> Option<Cow<'_, str>> {
    match text.contains('%') {
        false => Some(Cow::Borrowed(text)),
        true => String::from_utf8(decoded(text).collect())
            .ok()
            .map(Cow::Owned),
    }
}
