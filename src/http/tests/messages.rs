//! Messages, rule by rule: where they end, what they may expect and what they may cost.

use super::*;

/// RFC 9112 section 6.3; the advisories are regressions of other codecs.
#[test]
fn bodies_are_framed_once() {
    let post = |fields: &str, rest: &str| {
        outcome(&format!("POST / HTTP/1.1\r\nHost: a\r\n{fields}\r\n{rest}"))
    };
    let next = "GET /next HTTP/1.1\r\nHost: a\r\n\r\n";
    for (fields, body) in [
        ("Content-Length: 5\r\n", "hello"),
        ("Content-Length: \t005 \r\n", "hello"),
        ("Content_Length: 100\r\nContent-Length: 5\r\n", "hello"),
        (
            "Connection: Content-Length\r\nContent-Length: 5\r\n",
            "hello",
        ),
        (
            "Transfer-Encoding: chunked\r\n",
            "3;x\r\nhel\r\n2\r\nlo\r\n0\r\nContent-Length: 9\r\n\r\n",
        ),
    ] {
        let outcome = post(fields, &format!("{body}{next}"));
        assert_eq!(
            (outcome.refusal, outcome.requests.len()),
            (None, 2),
            "{fields:?}"
        );
        assert_eq!(outcome.requests[0].body, b"hello");
        assert_eq!(outcome.requests[1].path, "/next");
    }
    for (fields, expected) in [
        // RUSTSEC-2021-0078: a sign
        ("Content-Length: +5\r\n", Refusal::LengthInvalid),
        (
            "Content-Length: 5\r\nContent-Length: 5\r\n",
            Refusal::LengthRepeated,
        ),
        (
            "Content-Length: 18446744073709551621\r\n",
            Refusal::BodyTooLarge,
        ),
        (
            "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
            Refusal::LengthAndCoding,
        ),
        // RUSTSEC-2021-0020: several lines
        (
            "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n",
            Refusal::CodingInvalid,
        ),
        (
            "Transfer-Encoding: gzip, chunked\r\n",
            Refusal::CodingUnknown,
        ),
        ("Transfer-Encoding: xchunked\r\n", Refusal::CodingInvalid),
        // The length of the body, not of what is there, is refused: nothing of it needs to arrive.
        ("Content-Length: 1048577\r\n", Refusal::BodyTooLarge),
    ] {
        let outcome = post(fields, next);
        assert_eq!(
            (outcome.refusal, outcome.requests.len()),
            (Some(expected), 0),
            "{fields:?}"
        );
    }
    // RUSTSEC-2026-0034: a coding in HTTP/1.0
    let old = "POST / HTTP/1.0\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nhello";
    assert_eq!(refusal(old), Some(Refusal::CodingInHttp10));
    // RUSTSEC-2020-0008: the body of a GET is framed like any other
    let get = format!(
        "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{next}",
        next.len()
    );
    assert_eq!(request(&get).body, next.as_bytes());
    // RUSTSEC-2021-0079: a chunk size that overflows
    let wrapped = post(
        "Transfer-Encoding: chunked\r\n",
        "10000000000000005\r\nhello\r\n0\r\n\r\n",
    );
    assert_eq!(wrapped.refusal, Some(Refusal::ChunkSize));
}

/// RFC 9112 section 8
#[test]
fn an_unfinished_request_is_none() {
    let whole =
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
    for end in 1..whole.len() {
        let outcome = outcome(&whole[..end]);
        assert_eq!(
            (outcome.requests.len(), outcome.refusal, outcome.truncated),
            (0, None, true)
        );
    }
    assert!(!outcome(whole).truncated && !outcome("").truncated);
}

/// RFC 9110 section 10.1.1
#[test]
fn expectations() {
    let expects = |text: &str| request(text).expects_continue;
    assert!(expects(
        "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 1\r\n\r\nx"
    ));
    assert!(!expects(
        "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 0\r\n\r\n"
    ));
    assert!(!expects(
        "GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n"
    ));
    assert!(!expects(
        "POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\nx"
    ));
    let teapot = "POST / HTTP/1.1\r\nHost: a\r\nExpect: teapot\r\n\r\n";
    assert_eq!(refusal(teapot), Some(Refusal::Expectation));
}

#[test]
fn every_limit_has_its_answer() {
    let get = |target: &str, fields: &str| {
        refusal(&format!("GET {target} HTTP/1.1\r\nHost: a\r\n{fields}\r\n"))
    };
    let long = "a".repeat(100_000);
    assert_eq!(get(&format!("/{}", &long[..16_383]), ""), None);
    assert_eq!(
        get(&format!("/{}", &long[..16_384]), ""),
        Some(Refusal::TargetTooLong)
    );
    assert_eq!(get(&format!("/{long}"), ""), Some(Refusal::TargetTooLong));
    assert_eq!(refusal(&long), Some(Refusal::Method));
    assert_eq!(
        get("/", &format!("X: {long}\r\n")),
        Some(Refusal::HeadTooLarge)
    );
    assert_eq!(
        get("/", &format!("{long}: x\r\n")),
        Some(Refusal::HeadTooLarge)
    );
    assert_eq!(get("/", &"X: 1\r\n".repeat(99)), None);
    assert_eq!(
        get("/", &"X: 1\r\n".repeat(100)),
        Some(Refusal::TooManyFields)
    );
    let statuses = [
        Refusal::TargetTooLong,
        Refusal::HeadTooLarge,
        Refusal::BodyTooLarge,
    ]
    .map(Refusal::status);
    assert_eq!(statuses.map(u16::from), [414, 431, 413]);
}
