//! Who a request is from when proxies pass it on: `Forwarded` (RFC 7239) and `X-Forwarded-For`.
//!
//! Each proxy adds whom it was asked by at the end. What a client has made up stands to the left of what our own proxies
//! have written. So lists are read from the right, for as long as it is a trusted proxy that speaks.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::chars::trim;
use super::{Head, Proxies};

const FORWARDED: &str = "forwarded";
const X_FORWARDED_FOR: &str = "x-forwarded-for";
/// Elements that are looked at, at most; a chain of proxies has a handful. Beyond them the walk ends.
const MOST_ELEMENTS: usize = 32;

/// The client's address, as far as it is known: the farthest that trusted proxies tell of, without a gap, beginning with
/// the socket's peer. That is [canonical](IpAddr::to_canonical); none is at a UNIX socket, and trusted.
///
/// What names no address ends the walk before it: `unknown`, a name that is to hide one, and what is malformed.
pub fn client(peer: Option<IpAddr>, head: &Head<'_>, proxies: &Proxies) -> Option<IpAddr> {
    // Most who ask directly send neither, and are not looked up.
    match head.has_any([FORWARDED, X_FORWARDED_FOR]) {
        true if peer.is_none_or(|peer| proxies.trusts(peer)) => told(peer, head, proxies),
        _ => peer,
    }
}

/// The client that a trusted peer tells of.
#[inline(never)]
fn told(peer: Option<IpAddr>, head: &Head<'_>, proxies: &Proxies) -> Option<IpAddr> {
    let mut forwarded = head.header_lines(FORWARDED).rev().peekable();
    if forwarded.peek().is_some() {
        let elements = forwarded.flat_map(|line| FromRight::of(line, b','));
        return walk(peer, elements, in_element, proxies);
    }
    let lines = head.header_lines(X_FORWARDED_FOR).rev();
    let elements = lines.flat_map(|line| line.rsplit(|&byte| byte == b','));
    walk(peer, elements, in_node, proxies)
}

fn walk<'a>(
    peer: Option<IpAddr>,
    elements: impl Iterator<Item = &'a [u8]>,
    address: impl Fn(&[u8]) -> Option<IpAddr>,
    proxies: &Proxies,
) -> Option<IpAddr> {
    let mut client = peer;
    let elements = elements.map(trim).filter(|element| !element.is_empty());
    for element in elements.take(MOST_ELEMENTS) {
        let Some(address) = address(element) else {
            break;
        };
        client = Some(address);
        if !proxies.trusts(address) {
            break;
        }
    }
    client
}

/// The parts between separators outside of quotes (RFC 9110 section 5.6.4), the last first.
///
/// From the right, what is broken to the left of an element does not change it: from the left, a client's quote
/// that does not end would swallow what the proxy adds.
struct FromRight<'a> {
    rest: Option<&'a [u8]>,
    separator: u8,
}

impl<'a> FromRight<'a> {
    fn of(bytes: &'a [u8], separator: u8) -> FromRight<'a> {
        FromRight {
            rest: Some(bytes),
            separator,
        }
    }
}

impl<'a> Iterator for FromRight<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let bytes = self.rest.take()?;
        let mut quoted = false;
        for (at, &byte) in bytes.iter().enumerate().rev() {
            if byte == b'"' {
                quoted = !quoted || is_escaped(&bytes[..at]);
            } else if byte == self.separator && !quoted {
                self.rest = Some(&bytes[..at]);
                return Some(&bytes[at + 1..]);
            }
        }
        Some(bytes)
    }
}

/// Whether the quote that follows these bytes is one of the text and does not begin it.
fn is_escaped(before: &[u8]) -> bool {
    let backslashes = before.iter().rev().take_while(|&&byte| byte == b'\\');
    backslashes.count() % 2 == 1
}

/// The address in a `forwarded-element`, RFC 7239 section 4: that of its one `for`.
fn in_element(element: &[u8]) -> Option<IpAddr> {
    let mut found = None;
    let pairs = FromRight::of(element, b';').map(trim);
    for pair in pairs.filter(|pair| !pair.is_empty()) {
        let at = pair.iter().position(|&byte| byte == b'=')?;
        let (name, value) = (&pair[..at], &pair[at + 1..]);
        if name.eq_ignore_ascii_case(b"for") && found.replace(value).is_some() {
            return None;
        }
    }
    in_node(match found? {
        // No address has a character that would have to be escaped.
        [b'"', node @ .., b'"'] => node,
        node => node,
    })
}

/// The address in a `node`, RFC 7239 section 6, and in an element of `X-Forwarded-For`, where IPv6 has no brackets if it
/// has no port.
fn in_node(node: &[u8]) -> Option<IpAddr> {
    let node = std::str::from_utf8(node).ok()?;
    if let Ok(address) = node.parse::<IpAddr>() {
        return Some(address.to_canonical());
    }
    let (address, port): (IpAddr, &str) = match node.strip_prefix('[') {
        Some(node) => {
            let (address, port) = node.split_once(']')?;
            (address.parse::<Ipv6Addr>().ok()?.into(), port)
        }
        None => {
            let (address, port) = node.split_at(node.find(':')?);
            (address.parse::<Ipv4Addr>().ok()?.into(), port)
        }
    };
    let is_well = match port.as_bytes() {
        [] => true,
        [b':', b'_', name @ ..] => {
            let fit = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-".contains(byte);
            !name.is_empty() && name.iter().all(fit)
        }
        [b':', digits @ ..] => {
            (1..=5).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit)
        }
        _ => false,
    };
    is_well.then_some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{Method, Request};

    /// The client of a request from `peer`, a UNIX socket if that is empty, with these field lines.
    fn client_of(peer: &str, lines: &[(&str, &str)], proxies: &str) -> String {
        let request = Request::new(Method::Get, "/");
        let request = lines.iter().fold(request, |request, (name, value)| {
            request.with_header(name, value)
        });
        let peer = (!peer.is_empty()).then(|| peer.parse::<IpAddr>().unwrap().to_canonical());
        let client = client(peer, &request.head(), &proxies.parse().unwrap());
        client.map_or("-".to_owned(), |client| client.to_string())
    }

    /// RFC 7239 sections 4 to 6
    #[test]
    fn one_element_names_one_address() {
        for (value, expected) in [
            ("for=192.0.2.60", "192.0.2.60"),
            ("For=\"192.0.2.60:47011\"", "192.0.2.60"),
            ("FOR=\"[2001:DB8:cafe::17]:4711\"", "2001:db8:cafe::17"),
            ("for=\"[2001:db8::17]\"", "2001:db8::17"),
            ("for=\"[::ffff:192.0.2.60]:80\"", "192.0.2.60"),
            ("for=\"192.0.2.60:_port.1-a\"", "192.0.2.60"),
            ("for=192.0.2.43;proto=http;by=203.0.113.43", "192.0.2.43"),
            ("by=\"a,;\\\"b\"; for=192.0.2.43 ;", "192.0.2.43"),
            ("host=\"x;for=192.0.2.1\";for=192.0.2.43", "192.0.2.43"),
        ] {
            let lines = [("Forwarded", value)];
            assert_eq!(client_of("::1", &lines, "::1"), expected, "{value}");
        }
    }

    #[test]
    #[rustfmt::skip]
    fn what_names_no_address_ends_the_walk_before_it() {
        for element in [
            "for=unknown", "for=_hidden", "for=\"_gazonk\"", "proto=https", "for=", "for=\"\"", "for=\"", "for",
            "for=192.0.2.1;for=192.0.2.1", "for=192.0.2.1;x", "for=192.0.2.256", "for=192.0.2", "for=\"[::1\"",
            "for=\"[192.0.2.1]\"", "for=\"[::1]x\"", "for=\"[::1]:\"", "for=\"192.0.2.1:123456\"",
            "for=\"192.0.2.1:_\"", "for=\"192.0.2.1:-1\"", "for=\"::1:80]\"", "for=\"fe80::1%eth0\"",
            "for=\"192.0.2\\.1\"", "for=localhost", "for=\u{e9}", "192.0.2.1",
        ] {
            let lines = [("Forwarded", &*format!("for=192.0.2.9, {element}, for=10.0.0.2"))];
            let found = client_of("10.0.0.1", &lines, "10.0.0.0/8");
            assert_eq!(found, "10.0.0.2", "{element}");
        }
        for node in ["unknown", "_hidden", "for=192.0.2.1", "\"192.0.2.1\"", "192.0.2.1 192.0.2.2", "192.0.2.1:"] {
            let lines = [("X-Forwarded-For", &*format!("192.0.2.9, {node}, 10.0.0.2"))];
            let found = client_of("10.0.0.1", &lines, "10.0.0.0/8");
            assert_eq!(found, "10.0.0.2", "{node}");
        }
        // There is nobody before it.
        assert_eq!(client_of("", &[("X-Forwarded-For", "unknown")], "*"), "-");
    }

    #[test]
    #[rustfmt::skip]
    fn the_first_from_the_right_who_is_not_trusted_is_the_client() {
        const NONE: &[(&str, &str)] = &[];
        let many = |count: usize| "10.0.0.3, , ".repeat(count);
        let (most, more) = (format!("192.0.2.1, {}", many(31)), format!("192.0.2.1, {}", many(32)));
        for (peer, lines, expected) in [
            ("10.0.0.1", NONE, "10.0.0.1"),
            ("192.0.2.9", NONE, "192.0.2.9"),
            ("", NONE, "-"),
            ("::ffff:192.0.2.9", NONE, "192.0.2.9"),
            ("10.0.0.1", &[("X-Forwarded-For", "192.0.2.1")], "192.0.2.1"),
            ("::ffff:10.0.0.1", &[("X-Forwarded-For", "192.0.2.1")], "192.0.2.1"),
            ("", &[("x-forwarded-for", "192.0.2.1:4711")], "192.0.2.1"),
            ("10.0.0.1", &[("X-Forwarded-For", "2001:db8::1")], "2001:db8::1"),
            ("10.0.0.1", &[("X-Forwarded-For", "[2001:db8::1]:80")], "2001:db8::1"),
            // Made up by a client, in front of what proxies have seen.
            ("10.0.0.1", &[("X-Forwarded-For", "10.0.0.9, 192.0.2.6, 192.0.2.1,10.0.0.2")], "192.0.2.1"),
            ("10.0.0.1", &[("X-Forwarded-For", "192.0.2.6"), ("X-Forwarded-For", "192.0.2.1, 10.0.0.2")], "192.0.2.1"),
            ("10.0.0.1", &[("X-Forwarded-For", "192.0.2.1"), ("X-Forwarded-For", "10.0.0.2")], "192.0.2.1"),
            ("10.0.0.1", &[("Forwarded", "for=\"x, for=192.0.2.1, for=10.0.0.2")], "192.0.2.1"),
            ("10.0.0.1", &[("Forwarded", "for=192.0.2.6"), ("Forwarded", "for=192.0.2.1")], "192.0.2.1"),
            // All are trusted: the first has sent it.
            ("10.0.0.1", &[("X-Forwarded-For", "10.0.0.3, 10.0.0.2")], "10.0.0.3"),
            // Whoever is not trusted says nothing.
            ("192.0.2.9", &[("X-Forwarded-For", "192.0.2.1"), ("Forwarded", "for=192.0.2.1")], "192.0.2.9"),
            // What both say is not mixed.
            ("10.0.0.1", &[("X-Forwarded-For", "192.0.2.1"), ("Forwarded", "for=192.0.2.2")], "192.0.2.2"),
            ("10.0.0.1", &[("X-Forwarded-For", "192.0.2.1"), ("Forwarded", "for=unknown")], "10.0.0.1"),
            ("10.0.0.1", &[("X-Forwarded-For", "192.0.2.1"), ("Forwarded", "")], "10.0.0.1"),
            ("10.0.0.1", &[("X-Forwarded-For", &most)], "192.0.2.1"),
            ("10.0.0.1", &[("X-Forwarded-For", &more)], "10.0.0.3"),
        ] {
            assert_eq!(client_of(peer, lines, "10.0.0.0/8"), expected, "{peer} {lines:?}");
        }
        assert_eq!(client_of("192.0.2.9", &[("X-Forwarded-For", "192.0.2.1, 192.0.2.2")], "*"), "192.0.2.1");
    }
}
