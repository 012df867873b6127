//! Heads, bodies, targets and connections as strategies: pieces in the order of the grammar. Most are valid.

use proptest::prelude::*;
use proptest::sample::select;

use crate::mutate::{dictionary, usual};

/// Pieces of every grammar in the room, whole and broken.
pub(super) fn pieces() -> Vec<Vec<u8>> {
    dictionary(include_str!("../../../tests/dictionaries/http.dict"))
}

#[rustfmt::skip]
pub(super) fn target() -> impl Strategy<Value = Vec<u8>> + Clone {
    let authority = usual("", &[
        "http://a", "https://b.example:8080", "HTTP://[::1]:80", "http://[::ffff:1.2.3.4]", "http://a%20b:",
        "http://", "http://u@a", "http://a:65536", "http://[::1", "ftp://a", "*", "a:80",
    ]);
    let path = usual("/ping", &[
        "", "/", "//", "/a/../%2e", "/;v=1,2/:@", "/%", "/[", "/{a}", "/é", "/\0", "/a b",
    ]);
    let query = usual("", &["?", "?a=1&b=%20", "??/", "?ids[]=1", "?{a|b}^`", "?<", "?#", "?%zz"]);
    (authority, path, query).prop_map(|(authority, path, query)| (authority + &path + &query).into_bytes())
}

#[rustfmt::skip]
pub(super) fn head() -> impl Strategy<Value = Vec<u8>> + Clone {
    let empty_lines = usual("", &["\r\n", "\r\n\r\n\r\n\r\n", "\r\n\r\n\r\n\r\n\r\n", "\n", "\r"]);
    let method = usual("GET", &[
        "POST", "HEAD", "OPTIONS", "VERSION-CONTROL", "TRACE", "CONNECT", "get", "F\0",
    ]);
    let version = usual("HTTP/1.1", &["HTTP/1.0", "HTTP/1.0", "HTTP/1.2", "HTTP/2.0", "http/1.1", "HTTP/1.1 "]);
    let host = usual("Host: a\r\n", &[
        "host: b:80\r\n", "", "Host: a\r\nHost: a\r\n", "Host:\r\n", "Host: u@a\r\n",
    ]);
    let line = select(&[
        "Accept: */*\r\n", "X:\t \"a\", b \t\r\n", "X: é\r\n", "!#$%&'*+-.^_`|~09az:\r\n",
        "Content-Length: 0\r\n", "Content-Length: 0005\r\n", "Content-Length: 18446744073709551621\r\n",
        "Content-Length: +5\r\n", "content-length: 16\r\n", "Transfer-Encoding: chunked\r\n",
        "Transfer-Encoding: ChUnked\r\n", "Transfer-Encoding: gzip, chunked\r\n", "Connection: close\r\n",
        "Connection: keep-alive, x\r\n", "connection: ,\tClose\r\n", "Expect: 100-Continue\r\n",
        "Expect: teapot\r\n", " folded\r\n", "X : y\r\n", "X: \0\r\n", "X\r\n", "X: y\n",
    ][..]);
    let lines = prop::collection::vec(line, 0..4).prop_map(|lines| lines.concat());
    (empty_lines, method, target(), version, host, lines).prop_map(
        |(empty_lines, method, target, version, host, lines)| {
            let start = format!("{empty_lines}{method} ").into_bytes();
            let end = format!(" {version}\r\n{host}{lines}\r\n").into_bytes();
            [start, target, end].concat()
        },
    )
}

#[rustfmt::skip]
pub(super) fn chunked() -> impl Strategy<Value = Vec<u8>> + Clone {
    let extension = usual("", &[
        ";a", ";a=b;c", ";a=\"b\\\";\t\"", ";", "; a", ";a=", ";a =b", ";a=\"\\", ";\u{e9}",
    ]);
    let data = prop::collection::vec(any::<u8>(), 1..40);
    let chunk = (data, extension).prop_map(|(data, extension)| {
        [format!("{:x}{extension}\r\n", data.len()).as_bytes(), &data, b"\r\n"].concat()
    });
    let chunks = prop::collection::vec(chunk, 0..4).prop_map(|chunks| chunks.concat());
    let last = usual("0\r\n", &[
        "00;a\r\n", "0000000000000000\r\n", "00000000000000000\r\n", "ffffffffffffffff\r\n", "",
    ]);
    let trailer = usual("", &[
        "X: y\r\n", "X:\r\nY: \"\u{e9}\"\t\r\n", "X : y\r\n", "X\r\n", " y\r\n", "X: \0\r\n",
    ]);
    (chunks, last, trailer).prop_map(|(chunks, last, trailer)| {
        [chunks, format!("{last}{trailer}\r\n").into_bytes()].concat()
    })
}

/// What proxies and others write of whom they were asked by.
#[rustfmt::skip]
pub(super) fn forwarded() -> impl Strategy<Value = Vec<u8>> + Clone {
    let element = select(&[
        "for=127.0.0.1", "For=\"[::1]:80\"", "for=192.0.2.7;by=\"a, b\\\"\"", "for=unknown", "for=_x;proto=https",
        "for=\"", "for=\"a\\", ";", "", "127.0.0.1", "::1", "::ffff:127.0.0.1", "[2001:db8::1]:443", "192.0.2.7:_a",
        "unknown", "for=\"127.0.0.1:_\"",
    ][..]);
    let separator = usual(", ", &[",", ";", "\t,\t", " ", "\", "]);
    prop::collection::vec((element, separator), 0..40).prop_map(|elements| {
        let texts = elements.iter().flat_map(|(element, separator)| [element, &**separator]);
        texts.collect::<String>().into_bytes()
    })
}

/// A few requests, each with a body that its head may or may not announce.
pub(super) fn connection() -> impl Strategy<Value = Vec<u8>> + Clone {
    let body = prop_oneof![2 => Just(Vec::new()), 1 => Just(b"hello".to_vec()), 2 => chunked()];
    let announced = |field: &str| format!("PUT / HTTP/1.1\r\nHost: a\r\n{field}\r\n\r\n");
    let head = prop_oneof![
        2 => head(),
        1 => Just(announced("Content-Length: 5").into_bytes()),
        1 => Just(announced("Transfer-Encoding: chunked").into_bytes()),
    ];
    let message = (head, body).prop_map(|(head, body)| [head, body].concat());
    prop::collection::vec(message, 0..5).prop_map(|messages| messages.concat())
}

/// A request as a client would send it.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    pub path: String,
    pub fields: Vec<String>,
    pub body: Vec<u8>,
    /// The size of its chunks, unless it is sent with its length.
    pub chunks: Option<usize>,
}

impl Sent {
    pub(super) fn any() -> impl Strategy<Value = Sent> {
        let path = "(/[a-zA-Z0-9._~!$&'()*+,;=:@-]{0,8}(%[0-9a-fA-F]{2})?){1,4}";
        let fields = prop::collection::vec("[A-W][A-Za-z0-9-]{0,2}x: [!-~]{0,20}", 0..10);
        let body = prop::collection::vec(any::<u8>(), 0..6000);
        let chunks = prop::option::of(1usize..2000);
        (path, fields, body, chunks).prop_map(|(path, fields, body, chunks)| Sent {
            path,
            fields,
            body,
            chunks,
        })
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        let fields: String = self
            .fields
            .iter()
            .map(|field| format!("{field}\r\n"))
            .collect();
        let head = format!("PUT {} HTTP/1.1\r\nHost: a\r\n{fields}", self.path);
        let Some(size) = self.chunks else {
            let length = format!("Content-Length: {}\r\n\r\n", self.body.len());
            return [head.as_bytes(), length.as_bytes(), &self.body].concat();
        };
        let chunk =
            |data: &[u8]| [format!("{:x}\r\n", data.len()).as_bytes(), data, b"\r\n"].concat();
        let chunks: Vec<u8> = self.body.chunks(size).flat_map(chunk).collect();
        let coding = b"Transfer-Encoding: chunked\r\n\r\n";
        [head.as_bytes(), coding, &chunks, b"0\r\n\r\n"].concat()
    }
}
