//! The request target (RFC 9112 section 3.2) and the authority in it or in `Host`, checked after RFC 3986.
//!
//! What a target means here is decided once: its parts stay as they were sent, percent-encoded, with dot segments
//! and double slashes in place, and the router compares them as they are. Nothing is normalised, so nothing can
//! mean one thing to a proxy in front and another to us.

use std::net::Ipv6Addr;

use memchr::{memchr, memchr2};

use super::chars::{self, HOST, PATH, QUERY};
use super::{Method, Refusal};

/// A request target, split and valid.
#[derive(Debug, PartialEq)]
pub(super) struct Target<'a> {
    /// Of an absolute-form target: it stands in for `Host`.
    pub authority: Option<&'a [u8]>,
    /// Empty only in absolute-form: then it means `/`, or `*` for OPTIONS without a query (RFC 9112 section 3.2.4).
    pub path: &'a [u8],
    pub query: Option<&'a [u8]>,
}

/// Splits and checks a target. CONNECT's authority-form is unknown here: that method is refused before.
pub(super) fn parse(method: Method, target: &[u8]) -> Result<Target<'_>, Refusal> {
    if target.first() == Some(&b'/') {
        return path_and_query(None, target);
    }
    if target == b"*" && method == Method::Options {
        return Ok(Target {
            authority: None,
            path: target,
            query: None,
        });
    }
    let rest = after_scheme(target).ok_or(Refusal::Target)?;
    let (authority, rest) = rest.split_at(memchr2(b'/', b'?', rest).unwrap_or(rest.len()));
    if !is_authority(authority) {
        return Err(Refusal::Target);
    }
    path_and_query(Some(authority), rest)
}

fn path_and_query<'a>(authority: Option<&'a [u8]>, bytes: &'a [u8]) -> Result<Target<'a>, Refusal> {
    let (path, rest) = bytes.split_at(chars::uri_length(bytes, PATH));
    let query = match rest {
        [] => None,
        [b'?', query @ ..] if chars::is_uri(query, QUERY) => Some(query),
        _ => return Err(Refusal::Target),
    };
    Ok(Target {
        authority,
        path,
        query,
    })
}

/// What follows `http://` or `https://`: the schemes an origin server can be asked for (RFC 9110 section 4.2).
/// TLS may end in front of us, so the scheme is not compared with the connection.
fn after_scheme(target: &[u8]) -> Option<&[u8]> {
    [b"http://".as_slice(), b"https://"]
        .into_iter()
        .find_map(|scheme| {
            let (start, rest) = target.split_at_checked(scheme.len())?;
            start.eq_ignore_ascii_case(scheme).then_some(rest)
        })
}

/// Whether this is `host [":" port]` with a host in it (RFC 9110 sections 4.2.1 and 7.2): no user information, no
/// empty host, no port that TCP does not have. `IPvFuture` is refused: no such address exists.
pub(super) fn is_authority(bytes: &[u8]) -> bool {
    let rest = if let Some(literal) = bytes.strip_prefix(b"[") {
        let Some(end) = memchr(b']', literal) else {
            return false;
        };
        let address = std::str::from_utf8(&literal[..end]).ok();
        if address
            .and_then(|text| text.parse::<Ipv6Addr>().ok())
            .is_none()
        {
            return false;
        }
        &literal[end + 1..]
    } else {
        let (name, rest) = bytes.split_at(chars::uri_length(bytes, HOST));
        if name.is_empty() {
            return false;
        }
        rest
    };
    match rest {
        [] => true,
        [b':', port @ ..] => is_port(port),
        _ => false,
    }
}

/// `*DIGIT`, so the empty port is one (RFC 3986 section 3.2.3).
fn is_port(bytes: &[u8]) -> bool {
    let number = bytes.iter().try_fold(0u16, |number, &byte| {
        let digit = byte.is_ascii_digit().then(|| byte - b'0')?;
        number.checked_mul(10)?.checked_add(u16::from(digit))
    });
    number.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(method: Method, target: &str) -> Option<(Option<&str>, &str, Option<&str>)> {
        let text = |bytes| std::str::from_utf8(bytes).expect("the test's own text");
        let target = parse(method, target.as_bytes()).ok()?;
        Some((
            target.authority.map(text),
            text(target.path),
            target.query.map(text),
        ))
    }

    /// RFC 9112 section 3.2.1
    #[test]
    fn origin_form_is_split_and_otherwise_untouched() {
        let get = |target| parts(Method::Get, target);
        assert_eq!(get("/"), Some((None, "/", None)));
        assert_eq!(get("/a/b?c=1&d=/?"), Some((None, "/a/b", Some("c=1&d=/?"))));
        assert_eq!(get("/?"), Some((None, "/", Some(""))));
        assert_eq!(get("//ping"), Some((None, "//ping", None)));
        assert_eq!(get("/a/../b;v=1"), Some((None, "/a/../b;v=1", None)));
        assert_eq!(get("/%2e%2e/%00"), Some((None, "/%2e%2e/%00", None)));
    }

    /// RFC 9112 section 3.2.2
    #[test]
    fn absolute_form_gives_its_authority() {
        let get = |target| parts(Method::Get, target);
        assert_eq!(
            get("http://a:80/x?y"),
            Some((Some("a:80"), "/x", Some("y")))
        );
        assert_eq!(get("HTTPS://[::1]/x"), Some((Some("[::1]"), "/x", None)));
        assert_eq!(get("http://a"), Some((Some("a"), "", None)));
        assert_eq!(get("http://a?y"), Some((Some("a"), "", Some("y"))));
        for bad in [
            "http:///x",
            "http://u@a/",
            "ftp://a/",
            "http:/a",
            "http://",
            "http://a#x",
        ] {
            assert_eq!(get(bad), None, "{bad}");
        }
    }

    /// RFC 9112 sections 3.2.3 and 3.2.4
    #[test]
    fn asterisk_is_for_options_and_authority_form_for_nobody() {
        assert_eq!(parts(Method::Options, "*"), Some((None, "*", None)));
        assert_eq!(parts(Method::Get, "*"), None);
        assert_eq!(parts(Method::Options, "*x"), None);
        assert_eq!(parts(Method::Get, "example.com:80"), None);
        assert_eq!(parts(Method::Get, "ping"), None);
        assert_eq!(parts(Method::Get, ""), None);
    }

    /// RFC 3986 section 2
    #[test]
    fn characters_outside_rfc_3986_are_refused() {
        for bad in [
            "/#a", "/a b", "/a\u{e9}", "/\\", "/<", "/\"", "/{a}", "/a|b", "/^", "/`", "/[",
            "/a?b#c", "/?a=%GG", "/?\\", "/?<", "/%", "/%2", "/%zz", "/a\0", "/a\x7f",
        ] {
            assert_eq!(parts(Method::Get, bad), None, "{bad:?}");
        }
        for common in ["/?ids[]=1", "/?a={b}|c^d`"] {
            assert!(parts(Method::Get, common).is_some(), "{common:?}");
        }
    }

    /// RFC 9110 section 7.2, RFC 3986 section 3.2.2
    #[test]
    fn authorities() {
        for good in [
            "a",
            "localhost.",
            "a-b.example:8080",
            "127.0.0.1:1",
            "[::1]",
            "[::ffff:1.2.3.4]:80",
            "a:",
            "a:65535",
            "a%20b",
            "_dmarc.example",
            "A!$&'()*+;=",
        ] {
            assert!(is_authority(good.as_bytes()), "{good}");
        }
        for bad in [
            "",
            ":80",
            "a b",
            "a/x",
            "u@a",
            "a:http",
            "a:65536",
            "a:+1",
            "a:80:80",
            "[::1",
            "[::1]x",
            "[]",
            "[v1.a]",
            "[::1%25eth0]",
            "::1",
            "a,b",
            "a\0",
            "caf\u{e9}",
            "a%2",
        ] {
            assert!(!is_authority(bad.as_bytes()), "{bad}");
        }
    }
}
