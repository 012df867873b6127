//! The chunked coding, rule by rule, each case whole and byte by byte.

use proptest::prelude::*;

use super::super::invariants::chunked::decode;
use super::*;

/// A body and the bytes after it.
type Decoded = (Vec<u8>, Vec<u8>);

fn refusal(text: &str) -> Option<Refusal> {
    let limits = Limits::default();
    let whole = decode(text.as_bytes(), &limits, text.len().max(1)).err();
    let bytewise = decode(text.as_bytes(), &limits, 1).err();
    assert_eq!(whole, bytewise, "{text:?}");
    whole
}

fn body(text: &str) -> Option<Decoded> {
    let limits = Limits::default();
    let whole = decode(text.as_bytes(), &limits, text.len().max(1)).expect(text);
    assert_eq!(whole, decode(text.as_bytes(), &limits, 1).expect(text));
    whole
}

#[test]
fn bodies() {
    for (text, expected, rest) in [
        ("0\r\n\r\n", "", ""),
        ("5\r\nhello\r\n0\r\n\r\nGET /", "hello", "GET /"),
        ("3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n\r\n", "hello", "\r\n"),
        ("A\r\n0123456789\r\n00\r\n\r\n", "0123456789", ""),
        (
            "000000000000000a\r\n0123456789\r\n0\r\n\r\n",
            "0123456789",
            "",
        ),
        ("5;name=value;x\r\nhello\r\n0;last\r\n\r\n", "hello", ""),
        ("5;a=\"b;c\\\"\t\u{e9}\"\r\nhello\r\n0\r\n\r\n", "hello", ""),
        ("1\r\n\n\r\n0\r\nX-Sum: 1\r\nY:\r\n\r\nrest", "\n", "rest"),
    ] {
        assert_eq!(body(text), Some((expected.into(), rest.into())), "{text:?}");
    }
}

#[test]
fn unfinished_bodies_wait() {
    let whole = "5;a=\"b\"\r\nhello\r\n0\r\nX: 1\r\n\r\n";
    for end in 0..whole.len() {
        assert_eq!(body(&whole[..end]), None);
    }
}

/// RFC 9112 section 7.1; what `httparse::parse_chunk_size` would let pass is among these.
#[test]
fn sizes() {
    for bad in [
        "\r\n",
        "\r\n\r\n",
        ";a=b\r\n",
        " 5\r\n",
        "5 \r\n",
        "5\t\r\n",
        "+5\r\n",
        "-5\r\n",
        "0x5\r\n",
        "1_0\r\n",
        "g\r\n",
        "5hello\r\n",
        "5\n",
        "5\rX",
        "5\r\r\n",
        "0\n",
        "10000000000000005\r\n",
        "fffffffffffffffff\r\n",
        "00000000000000005\r\n",
        "5\0\r\n",
        "\u{665}\r\n",
    ] {
        assert_eq!(refusal(bad), Some(Refusal::ChunkSize), "{bad:?}");
    }
    for large in [
        "ffffffffffffffff\r\n",
        "100000005\r\n",
        "100001\r\n",
        "100001;a",
    ] {
        assert_eq!(refusal(large), Some(Refusal::BodyTooLarge), "{large:?}");
    }
    assert_eq!(refusal("100000\r\n"), None);
}

/// RFC 9112 section 7.1: data ends where the size says.
#[test]
fn data_ends_with_crlf() {
    for bad in [
        "5\r\nhello\n0",
        "5\r\nhello0\r\n",
        "5\r\nhelloXY\r\n",
        "5\r\nhello\rX",
        "5\r\nhello\r\r\n",
    ] {
        assert_eq!(refusal(bad), Some(Refusal::ChunkEnd), "{bad:?}");
    }
}

/// RFC 9112 section 7.1.1
#[test]
fn extensions() {
    for bad in [
        "5;\r\n",
        "5;;a\r\n",
        "5; a\r\n",
        "5;a =b\r\n",
        "5;a= b\r\n",
        "5;a=\r\n",
        "5;a\nhello",
        "5;a\0b\r\n",
        "5;a[=b\r\n",
        "5;a=b=c\r\n",
        "5;a=\"b\"c\r\n",
        "5;a=\"b\n",
        "5;a=\"\\\n",
        "5;a=\"b\0\"\r\n",
        "5;=b\r\n",
    ] {
        assert_eq!(refusal(bad), Some(Refusal::ChunkExtension), "{bad:?}");
    }
    assert_eq!(refusal("5;a\rb\r\n"), Some(Refusal::ChunkSize));
    let long = format!("5;{}\r\n", "a".repeat(5000));
    assert_eq!(refusal(&long), Some(Refusal::ChunkExtensionsTooLarge));
    let many = "1;aaaaaaaaaaaaaaaaaaaaaaaaa\r\nx\r\n".repeat(5000);
    assert_eq!(refusal(&many), Some(Refusal::ChunkExtensionsTooLarge));
}

/// RFC 9112 section 7.1.2
#[test]
fn trailers() {
    for bad in [
        "XX\r\n",
        "Bad Name: 1\r\n",
        "X: 1\r\n b\r\n",
        " X: 1\r\n",
        "X: 1\n",
        "\n",
        "X: a\0\r\n",
        ": 1\r\n",
        "\rX",
        "X : 1\r\n",
        "X: 1\rY",
    ] {
        assert_eq!(
            refusal(&format!("0\r\n{bad}")),
            Some(Refusal::Trailer),
            "{bad:?}"
        );
    }
    let long = format!("0\r\nX: {}\r\n", "a".repeat(9000));
    assert_eq!(refusal(&long), Some(Refusal::TrailersTooLarge));
}

#[test]
fn the_body_limit_counts_all_chunks() {
    let limits = Limits {
        body: 8,
        ..Limits::default()
    };
    let bytes = b"5\r\nhello\r\n3\r\nabc\r\n0\r\n\r\n";
    assert!(decode(bytes, &limits, 3).is_ok_and(|body| body.is_some()));
    let bytes = b"5\r\nhello\r\n4\r\nabcd\r\n0\r\n\r\n";
    assert_eq!(decode(bytes, &limits, 3), Err(Refusal::BodyTooLarge));
}

proptest! {
    #[test]
    fn what_was_chunked_comes_back(
        chunks in prop::collection::vec((prop::collection::vec(any::<u8>(), 1..300), "(;[a-z]{1,4}(=\"[a-z ;]*\")?)?"), 0..8),
        trailer in "([A-Za-z-]{1,5}: [ -~]{0,5}\r\n){0,3}",
        rest in prop::collection::vec(any::<u8>(), 0..50),
        step in 1usize..100,
    ) {
        let mut encoded = Vec::new();
        for (data, extension) in &chunks {
            encoded.extend_from_slice(format!("{:x}{extension}\r\n", data.len()).as_bytes());
            encoded.extend_from_slice(data);
            encoded.extend_from_slice(b"\r\n");
        }
        encoded.extend_from_slice(format!("0\r\n{trailer}\r\n").as_bytes());
        encoded.extend_from_slice(&rest);
        let data = chunks.iter().flat_map(|(data, _)| data.clone()).collect();
        prop_assert_eq!(decode(&encoded, &Limits::default(), step), Ok(Some((data, rest))));
    }
}
