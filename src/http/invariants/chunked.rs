//! A chunked body: what the decoder takes is what the plainest reading of the grammar takes.

use super::{all_limits, is_field, is_token};
use crate::http::chunked::Chunked;
use crate::http::{Limits, Refusal};
use crate::work;

/// A body and the bytes after it.
type Decoded = (Vec<u8>, Vec<u8>);

/// Takes a chunked body, with or without something behind it, or anything else.
pub fn chunked(bytes: &[u8]) {
    for limits in all_limits() {
        let (decoded, work) = work::of(|| decode(bytes, &limits, usize::MAX));
        assert!(work <= 2 * bytes.len(), "{work} for {}", bytes.len());
        for step in [1, 2, 7] {
            assert_eq!(decoded, decode(bytes, &limits, step), "in steps of {step}");
        }
        match &decoded {
            Ok(Some((body, rest))) => {
                assert!(body.len() as u64 <= limits.body);
                assert_eq!(plain(bytes), decoded.clone().ok().flatten());
                assert_eq!(decode(&encode(body, rest), &limits, 3), decoded);
            }
            Ok(None) => assert_eq!(plain(bytes), None),
            Err(
                Refusal::BodyTooLarge
                | Refusal::ChunkExtensionsTooLarge
                | Refusal::TrailersTooLarge,
            ) => {}
            Err(refusal) => assert_eq!(plain(bytes), None, "{refusal}"),
        }
    }
}

/// What comes out when the bytes come in pieces of `step`.
pub(in crate::http) fn decode(
    bytes: &[u8],
    limits: &Limits,
    step: usize,
) -> Result<Option<Decoded>, Refusal> {
    let mut chunked = Chunked::new(limits);
    let mut buffer = Vec::new();
    let mut pieces = bytes.chunks(step);
    while let Some(piece) = pieces.next() {
        let from = buffer.len();
        buffer.extend_from_slice(piece);
        if let Some(end) = chunked.decode(&mut buffer, from)? {
            let rest = [&buffer[end..], &pieces.collect::<Vec<_>>().concat()].concat();
            return Ok(Some((buffer[..chunked.length()].to_vec(), rest)));
        }
        buffer.truncate(chunked.length());
    }
    Ok(None)
}

/// The same body in chunks of another size.
fn encode(body: &[u8], rest: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for data in body.chunks(10) {
        bytes.extend([format!("{:X}\r\n", data.len()).as_bytes(), data, b"\r\n"].concat());
    }
    [&bytes, &b"0\r\n\r\n"[..], rest].concat()
}

/// RFC 9112 section 7.1, line by line; `None` for what is not whole or not valid.
fn plain(bytes: &[u8]) -> Option<Decoded> {
    let mut body = Vec::new();
    let mut rest = bytes;
    loop {
        let (line, after) = line(rest)?;
        let (size, extensions) = line.split_at(line.find(';').unwrap_or(line.len()));
        let digits = (1..=16).contains(&size.len()) && size.bytes().all(|b| b.is_ascii_hexdigit());
        if !digits || !are_extensions(extensions) {
            return None;
        }
        let size = usize::from_str_radix(size, 16).ok()?;
        if size == 0 {
            rest = after;
            break;
        }
        body.extend_from_slice(after.get(..size)?);
        rest = after[size..].strip_prefix(b"\r\n")?;
    }
    loop {
        let (line, after) = line(rest)?;
        if line.is_empty() {
            return Some((body, after.to_vec()));
        }
        let (name, value) = line.split_once(':')?;
        let valid = is_token(name) && value.chars().all(is_field);
        rest = valid.then_some(after)?;
    }
}

/// A line as text of one character for each byte, and what follows it.
fn line(bytes: &[u8]) -> Option<(String, &[u8])> {
    let end = bytes.windows(2).position(|end| end == b"\r\n")?;
    let line = bytes[..end].iter().map(|&byte| char::from(byte));
    Some((line.collect(), &bytes[end + 2..]))
}

/// `*( ";" token [ "=" ( token / quoted-string ) ] )`
fn are_extensions(text: &str) -> bool {
    let Some(extension) = text.strip_prefix(';') else {
        return text.is_empty();
    };
    let end = extension.find(['=', ';']).unwrap_or(extension.len());
    let (name, rest) = extension.split_at(end);
    let after_value = match rest.strip_prefix('=') {
        None => Some(rest),
        Some(value) => match value.strip_prefix('"') {
            Some(quoted) => after_quoted(quoted),
            None => {
                let (value, rest) = value.split_at(value.find(';').unwrap_or(value.len()));
                is_token(value).then_some(rest)
            }
        },
    };
    is_token(name) && after_value.is_some_and(are_extensions)
}

/// What follows the closing quote.
fn after_quoted(text: &str) -> Option<&str> {
    let mut characters = text.chars();
    loop {
        match characters.next()? {
            '"' => return Some(characters.as_str()),
            '\\' => characters.next().filter(|&next| is_field(next))?,
            other => Some(other).filter(|&other| is_field(other))?,
        };
    }
}
