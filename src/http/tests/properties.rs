//! The invariants of the room for inputs of every kind; `tests/fuzz` goes on where these end.

use proptest::prelude::*;

use super::inputs::{self, Sent, pieces};
use super::*;
use crate::http::invariants;
use crate::mutate::{Input, config, disorder, mutated};

proptest! {
    #![proptest_config(config(2000))]

    #[test]
    fn target(Input(bytes) in mutated(inputs::target(), pieces())) {
        invariants::target(&bytes);
    }

    #[test]
    fn head(Input(bytes) in mutated(inputs::head(), pieces())) {
        invariants::head(&bytes);
    }

    #[test]
    fn chunked(Input(bytes) in mutated(inputs::chunked(), pieces())) {
        invariants::chunked(&bytes);
    }

    #[test]
    fn connection(
        cuts in any::<[u8; 4]>(),
        Input(bytes) in prop_oneof![mutated(inputs::connection(), pieces()), disorder(pieces())],
    ) {
        invariants::connection(&[&cuts[..], &bytes].concat());
    }

    #[test]
    fn forwarded(Input(bytes) in prop_oneof![mutated(inputs::forwarded(), pieces()), disorder(pieces())]) {
        invariants::forwarded(&bytes);
    }

    #[test]
    fn no_bytes_make_it_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..2000),
        prefix in prop::sample::select(vec!["", "GET / HTTP/1.1\r\n", "GET /", "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"]),
    ) {
        invariants::connection(&[b"\x01\x40\0\x10", prefix.as_bytes(), &bytes].concat());
    }

    #[test]
    fn what_is_sent_is_read(
        sent in prop::collection::vec(Sent::any(), 0..4),
        pieces in prop::collection::vec(1usize..3000, 1..10),
    ) {
        let bytes: Vec<u8> = sent.iter().flat_map(Sent::bytes).collect();
        let outcome = read(&bytes, &pieces, Limits::default());
        prop_assert_eq!((outcome.refusal, outcome.truncated), (None, false));
        prop_assert_eq!(outcome.requests.len(), sent.len());
        for (request, sent) in outcome.requests.iter().zip(&sent) {
            prop_assert_eq!(&request.path, &sent.path);
            prop_assert_eq!(&request.body, &sent.body);
            prop_assert_eq!(request.fields.len(), sent.fields.len() + 2);
        }
    }
}

/// Nothing repeated costs more than its length: a search that begins anew for every piece would.
#[test]
fn work_is_linear() {
    const SIZE: usize = 6000;
    for start in [
        "",
        "GET / HTTP/1.1\r\nHost: a\r\n",
        "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
        "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 65535\r\n\r\n",
    ] {
        for piece in pieces() {
            let repeated = piece.repeat(SIZE / piece.len());
            let cuts = b"\x07\0\x40\xff";
            invariants::connection(&[cuts, start.as_bytes(), &repeated].concat());
        }
    }
}
