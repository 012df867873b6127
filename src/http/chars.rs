//! Which bytes the grammars allow: one table for RFC 9110's tokens and values and RFC 3986's components.

/// `tchar`, RFC 9110 section 5.6.2.
pub(super) const TOKEN: u8 = 1;
/// `pchar` and `/`, RFC 3986 section 3.3; a percent triplet is looked at by [`is_uri`].
pub(super) const PATH: u8 = 2;
/// [`PATH`] and `?`, RFC 3986 section 3.4; and the characters that browsers and common clients leave unencoded in a
/// query all the same (`?ids[]=1`, `?sort=a|b`). None of them means anything there.
pub(super) const QUERY: u8 = 4;
/// `reg-name`, RFC 3986 section 3.2.2, without the comma: it is what joins repeated lines of a field
/// (RFC 9110 section 5.3), so in a `Host` it means that somebody before us has seen two.
pub(super) const HOST: u8 = 8;
/// `HTAB / SP / VCHAR / obs-text`, RFC 9110 section 5.5.
pub(super) const FIELD: u8 = 16;
/// `qdtext`, RFC 9110 section 5.6.4: [`FIELD`] without the quote and the backslash.
pub(super) const QUOTED: u8 = 32;

const CLASSES: &[u8; 256] = &classes();

const fn classes() -> [u8; 256] {
    let mut table = [0; 256];
    let mut i = 0;
    while i < 256 {
        let byte = i as u8;
        let mut class = 0;
        if byte == b'\t' || (byte >= b' ' && byte != 0x7f) {
            class |= FIELD;
            if byte != b'"' && byte != b'\\' {
                class |= QUOTED;
            }
        }
        class |= match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                TOKEN | PATH | QUERY | HOST
            }
            b'!' | b'$' | b'&' | b'\'' | b'*' | b'+' => TOKEN | PATH | QUERY | HOST,
            b'(' | b')' | b';' | b'=' => PATH | QUERY | HOST,
            b',' | b':' | b'@' | b'/' => PATH | QUERY,
            b'?' => QUERY,
            b'^' | b'`' | b'|' => TOKEN | QUERY,
            b'[' | b']' | b'{' | b'}' => QUERY,
            b'#' | b'%' => TOKEN,
            _ => 0,
        };
        table[i] = class;
        i += 1;
    }
    table
}

/// Whether `byte` belongs to `class`.
#[inline]
pub(super) const fn is(byte: u8, class: u8) -> bool {
    CLASSES[byte as usize] & class != 0
}

/// Whether every byte of `bytes` belongs to `class`.
#[inline]
pub(super) fn all(bytes: &[u8], class: u8) -> bool {
    bytes.iter().all(|&byte| is(byte, class))
}

/// Whether `bytes` are a token, such as a field's name or a method.
pub(crate) fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && all(bytes, TOKEN)
}

/// Whether `bytes` are characters of `class` and percent triplets (RFC 3986 section 2.1).
pub(super) fn is_uri(bytes: &[u8], class: u8) -> bool {
    uri_length(bytes, class) == bytes.len()
}

/// How many bytes at the front are characters of `class` and percent triplets.
pub(super) fn uri_length(bytes: &[u8], class: u8) -> usize {
    let mut at = 0;
    loop {
        let plain = bytes[at..].iter().take_while(|&&byte| is(byte, class));
        at += plain.count();
        match bytes[at..] {
            [b'%', high, low, ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => at += 3,
            _ => return at,
        }
    }
}

/// `bytes` without the optional white space around them: SP and HTAB, never what Unicode calls white space.
pub(super) fn trim(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = bytes {
        bytes = rest;
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_rfc_9110s() {
        let tchar = b"!#$%&'*+-.^_`|~0123456789";
        for byte in 0..=255u8 {
            let expected = tchar.contains(&byte) || byte.is_ascii_alphabetic();
            assert_eq!(is(byte, TOKEN), expected, "{byte:#x}");
        }
    }

    #[test]
    fn uri_characters_are_rfc_3986s() {
        let unreserved = b"-._~";
        let sub_delims = b"!$&'()*+,;=";
        for byte in 0..=255u8 {
            let plain = byte.is_ascii_alphanumeric() || unreserved.contains(&byte);
            let name = plain || sub_delims.contains(&byte);
            assert_eq!(is(byte, HOST), name && byte != b',', "{byte:#x}");
            assert_eq!(is(byte, PATH), name || b":@/".contains(&byte), "{byte:#x}");
            assert_eq!(
                is(byte, QUERY),
                name || b":@/?[]{}|^`".contains(&byte),
                "{byte:#x}"
            );
        }
    }

    #[test]
    fn a_percent_sign_needs_two_hex_digits() {
        for good in ["", "/", "/%2f%2F", "/a%00", "%41%5a"] {
            assert!(is_uri(good.as_bytes(), PATH), "{good}");
        }
        for bad in ["%", "%2", "/a%2", "%zz", "%2g", "%%20", "/%\u{e9}1"] {
            assert!(!is_uri(bad.as_bytes(), PATH), "{bad}");
        }
    }

    #[test]
    fn only_space_and_tab_are_trimmed() {
        assert_eq!(trim(b" \t a b\t "), b"a b");
        assert_eq!(trim(b"\xa05\x85"), b"\xa05\x85");
        assert_eq!(trim(b" \t "), b"");
    }
}
