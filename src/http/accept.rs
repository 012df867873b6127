//! Which content codings a client takes (RFC 9110 section 12.5.3).

use super::chars;

/// Whether all lines of a request's `Accept-Encoding` together allow `coding`, one of RFC 9110 section 8.4.1, for the answer.
/// Without a line anything is allowed; with one only what it names, or its `*`.
///
/// ```
/// use peppercorn::http::{Method, Request, accepts_coding};
/// let request = Request::new(Method::Get, "/").with_header("Accept-Encoding", "br, *;q=0");
/// assert!(!accepts_coding(request.head().header_lines("accept-encoding"), "gzip"));
/// ```
pub fn accepts_coding<'a>(lines: impl Iterator<Item = &'a [u8]>, coding: &str) -> bool {
    let mut said = false;
    let (mut named, mut others) = (None, None);
    for line in lines {
        said = true;
        for element in line.split(|&byte| byte == b',') {
            let mut parts = element.split(|&byte| byte == b';').map(chars::trim);
            let name = parts.next().unwrap_or_default();
            let refused = parts.any(is_zero);
            if is_coding(name, coding) {
                named = Some(named.unwrap_or(false) || !refused);
            } else if name == b"*" {
                others = Some(!refused);
            }
        }
    }
    named.or(others).unwrap_or(!said)
}

/// RFC 9110 section 8.4.1: whoever says `x-gzip` means `gzip`.
fn is_coding(name: &[u8], coding: &str) -> bool {
    let name = match name {
        [b'x' | b'X', b'-', name @ ..] => name,
        name => name,
    };
    name.eq_ignore_ascii_case(coding.as_bytes())
}

/// Whether a parameter is a weight of nothing: `q=0`, `q=0.000`. One that is no number refuses nothing.
fn is_zero(parameter: &[u8]) -> bool {
    match parameter {
        [b'q' | b'Q', b'=', b'0', rest @ ..] => rest.iter().all(|byte| b".0".contains(byte)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_coding_is_taken_unless_it_is_left_out_or_weighs_nothing() {
        let expected: &[(&[&str], bool)] = &[
            (&[], true),
            (&["gzip"], true),
            (&["gzip, deflate, br, zstd"], true),
            (&["GZip"], true),
            (&["x-gzip"], true),
            (&["deflate", "br , gzip;q=0.5"], true),
            (&["*"], true),
            (&["identity;q=0"], false),
            (&["identity;q=0.5, *;q=0.1"], true),
            (&["gzip; q=0.001"], true),
            (&["br;q=0, gzip"], true),
            (&["gzip;q=high"], true),
            (&[""], false),
            (&["identity"], false),
            (&["br"], false),
            (&["gzip;q=0"], false),
            (&["gzip ; Q=0.000"], false),
            (&["*;q=0"], false),
            (&["identity, *;q=0"], false),
            (&["gzip;q=0, *"], false),
            (&["*;q=0, gzip"], true),
            (&["gzipped"], false),
            (&["zip"], false),
        ];
        for (lines, want) in expected {
            let lines_of_bytes = lines.iter().map(|line| line.as_bytes());
            assert_eq!(accepts_coding(lines_of_bytes, "gzip"), *want, "{lines:?}");
        }
    }
}
