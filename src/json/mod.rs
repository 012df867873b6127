//! Writing JSON into a byte buffer: strings, base64, integers. Reading it, as far as [`object`]s go.
//!
//! What writes appends to a `Vec<u8>` and allocates nothing else, so a whole response is built in one
//! buffer. Strings follow RFC 8259 section 7 and escape exactly what PostgreSQL's `escape_json` does,
//! so that a text reads the same in a response and in `to_json`.

pub mod object;
pub mod tree;

/// Appends `text` as a JSON string: quoted, with `"`, `\` and control characters escaped, the five
/// that have a short form (`\n`, `\t` …) by it. All others stand as they are, in UTF-8.
pub fn string(text: &str, out: &mut Vec<u8>) {
    out.reserve(text.len() + 2);
    out.push(b'"');
    let mut rest = text.as_bytes();
    while let Some(at) = first_to_escape(rest) {
        let (plain, special) = rest.split_at(at);
        out.extend_from_slice(plain);
        if let Some((&byte, after)) = special.split_first() {
            escape(byte, out);
            rest = after;
        }
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}

fn must_escape(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

/// Where the first byte that cannot stand in a JSON string is.
///
/// Eight bytes are looked at together, with no branch between them, so that the compiler does it in one register. Not
/// more: most texts are short, and what is left over at the end is looked at byte by byte.
fn first_to_escape(bytes: &[u8]) -> Option<usize> {
    let (chunks, _) = bytes.as_chunks::<8>();
    let plain = chunks.iter().take_while(|chunk| {
        let escapes = chunk.iter().map(|&byte| must_escape(byte));
        !escapes.fold(false, |any, one| any | one)
    });
    let start = plain.count() * 8;
    let within = bytes[start..].iter().position(|&byte| must_escape(byte))?;
    Some(start + within)
}

#[cold]
fn escape(byte: u8, out: &mut Vec<u8>) {
    let short = match byte {
        b'"' => b'"',
        b'\\' => b'\\',
        0x08 => b'b',
        0x0c => b'f',
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        _ => {
            out.extend_from_slice(b"\\u00");
            return hex(&[byte], out);
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}

/// Appends `bytes` as lower-case hexadecimal digits, unquoted.
pub fn hex(bytes: &[u8], out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    out.extend(bytes.iter().flat_map(|&byte| {
        [
            DIGITS[usize::from(byte >> 4)],
            DIGITS[usize::from(byte & 15)],
        ]
    }));
}

/// Appends `bytes` as a JSON string in base64: standard alphabet, padded, no line breaks (RFC 4648 section 4).
pub fn base64(bytes: &[u8], out: &mut Vec<u8>) {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let four = |a: u8, b: u8, c: u8| {
        let group = u32::from_be_bytes([0, a, b, c]);
        [18, 12, 6, 0].map(|shift| ALPHABET[(group >> shift & 63) as usize])
    };
    out.reserve(bytes.len().div_ceil(3) * 4 + 2);
    out.push(b'"');
    let (triples, tail) = bytes.as_chunks::<3>();
    for &[a, b, c] in triples {
        out.extend_from_slice(&four(a, b, c));
    }
    match *tail {
        [a] => {
            out.extend_from_slice(&four(a, 0, 0)[..2]);
            out.extend_from_slice(b"==");
        }
        [a, b] => {
            out.extend_from_slice(&four(a, b, 0)[..3]);
            out.push(b'=');
        }
        _ => {}
    }
    out.push(b'"');
}

/// Appends an integer.
pub fn integer(value: impl itoa::Integer, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn every_byte_is_found_wherever_it_stands() {
        for byte in 0..0x80u8 {
            for length in 1..20 {
                for at in 0..length {
                    let mut bytes = vec![b'!'; length];
                    bytes[at] = byte;
                    let first = must_escape(byte).then_some(at);
                    assert_eq!(first_to_escape(&bytes), first, "{byte} at {at} of {length}");
                }
            }
        }
    }

    #[test]
    fn strings_are_quoted_and_escaped() {
        let text = "\u{0}\u{8}\t\n\u{b}\u{c}\r\u{1f} \"/\\\u{7f}é\u{2028}😀";
        let json = "\"\\u0000\\b\\t\\n\\u000b\\f\\r\\u001f \\\"/\\\\\u{7f}é\u{2028}😀\"";
        assert_eq!(written(|out| string(text, out)), json);
    }

    /// RFC 4648 section 10.
    #[test]
    fn base64_is_padded() {
        for (bytes, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(
                written(|out| base64(bytes.as_bytes(), out)),
                format!("\"{text}\"")
            );
        }
    }
}
