//! A request target: its parts are the target, of RFC 3986's characters, and a request line reads it no other way.

use super::connection::read;
use crate::http::target::{self, Target};
use crate::http::{Limits, Method};

/// Takes a request target, or anything else.
pub fn target(bytes: &[u8]) {
    for method in [Method::Get, Method::Options] {
        let alone = target::parse(method, bytes);
        if let Ok(target) = &alone {
            assert_parts(target, bytes);
        }
        // Where these are in it, what is in the request line is another target, or none.
        let divided = bytes.iter().any(|byte| b" \r\n".contains(byte));
        let limits = Limits::default();
        if bytes.len() > limits.target || divided {
            assert!(!divided || alone.is_err());
            continue;
        }
        let line = [method.as_ref().as_bytes(), b" ", bytes, b" HTTP/1.1"].concat();
        let request = [&line, &b"\r\nHost: a\r\n\r\n"[..]].concat();
        let outcome = read(&request, &[usize::MAX], limits);
        match alone {
            Err(_) => assert!(outcome.refusal.is_some() && outcome.requests.is_empty()),
            Ok(target) => {
                assert_eq!((outcome.refusal, outcome.truncated), (None, false));
                let [request] = &*outcome.requests else {
                    panic!("{} requests in one line", outcome.requests.len())
                };
                let query = request.query.as_deref().map(str::as_bytes);
                assert_eq!(query, target.query);
                let host = request.host.as_deref().map(str::as_bytes);
                assert_eq!(host, target.authority.or(Some(b"a")));
                assert_eq!(request.path.as_bytes(), implied(&target, method));
            }
        }
    }
}

/// The path, also where there is none (RFC 9112 section 3.2.4).
fn implied<'a>(target: &Target<'a>, method: Method) -> &'a [u8] {
    match target.path {
        b"" if method == Method::Options && target.query.is_none() => b"*",
        b"" => b"/",
        path => path,
    }
}

fn assert_parts(target: &Target<'_>, bytes: &[u8]) {
    let mut parts = Vec::new();
    if let Some(authority) = target.authority {
        let scheme = bytes.iter().position(|&byte| byte == b'/').expect("//");
        let scheme = &bytes[..scheme];
        assert!([&b"http:"[..], b"https:"].contains(&&*scheme.to_ascii_lowercase()));
        assert!(!authority.is_empty());
        assert_characters(authority, b"-._~!$&'()*+;=:[]%");
        parts.extend([scheme, b"//", authority].concat());
    }
    assert!(match target.path {
        b"" => target.authority.is_some(),
        b"*" => bytes == b"*",
        [first, ..] => *first == b'/',
    });
    assert_characters(target.path, b"-._~!$&'()*+,;=:@/%");
    parts.extend(target.path);
    if let Some(query) = target.query {
        assert_characters(query, b"-._~!$&'()*+,;=:@/?%[]{}|^`");
        parts.extend([b"?", query].concat());
    }
    assert_eq!(parts, bytes);
}

/// Letters, digits and these, where a percent sign has its two digits.
fn assert_characters(part: &[u8], others: &[u8]) {
    for (at, byte) in part.iter().enumerate() {
        assert!(byte.is_ascii_alphanumeric() || others.contains(byte));
        if *byte == b'%' {
            let digits = part.get(at + 1..at + 3).expect("two digits");
            assert!(digits.iter().all(u8::is_ascii_hexdigit));
        }
    }
}
