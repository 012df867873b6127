//! What a reader allocates, keeps and gives away, and its last answer.

use super::*;
use crate::work;

#[test]
fn memory_is_used_again_and_given_back() {
    let small = b"GET /ping HTTP/1.1\r\nHost: a\r\n\r\n";
    let mut reader = Reader::new(Limits::default());
    let feed = |reader: &mut Reader, bytes: &[u8]| {
        let space = reader.space();
        let place = (space.as_ptr(), space.len());
        space[..bytes.len()].copy_from_slice(bytes);
        reader.advance(bytes.len());
        assert!(matches!(reader.body(), Ok(Some(0))));
        reader.skip();
        place
    };
    let first = feed(&mut reader, small);
    assert!((4096..=8192).contains(&first.1));
    for _ in 0..1000 {
        assert_eq!(feed(&mut reader, small), first);
    }
    let memory = reader.take_memory().expect("nothing is there");
    assert_eq!(memory.size(), first.1);
    let mut other = Reader::new(Limits::default());
    other.give_memory(memory);
    assert_eq!(feed(&mut other, small), first);
    assert_ne!(feed(&mut reader, small).0, first.0);
    reader.space()[0] = b'G';
    reader.advance(1);
    assert!(reader.take_memory().is_none());
}

/// A body that was only announced costs little, a large one that came is not copied or kept.
#[test]
fn large_bodies_are_paid_for_by_sending_them() {
    let mut reader = Reader::new(Limits::default());
    let head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1048576\r\n\r\n";
    reader.space()[..head.len()].copy_from_slice(head);
    reader.advance(head.len());
    assert_eq!(reader.body(), Ok(None));
    assert!(reader.space().len() <= 64 * 1024);
    while reader.body() == Ok(None) {
        let read = reader.space().len();
        assert!(read > 0);
        reader.advance(read);
    }
    assert_eq!(reader.request().body().len(), 1024 * 1024);
    assert!(!reader.buffered() && reader.space().len() <= 8192);
}

/// Each would be moved once for every one before it: they stay where they are until half of them is taken.
#[test]
fn pipelined_requests_are_not_moved_for_each_other() {
    let bytes = b"GET /ping HTTP/1.1\r\nHost: a\r\n\r\n".repeat(100);
    let mut reader = Reader::new(Limits::default());
    reader.space()[..bytes.len()].copy_from_slice(&bytes);
    reader.advance(bytes.len());
    let end = reader.space().as_ptr();
    let moved = (1..=100).find(|_| {
        assert!(matches!(reader.body(), Ok(Some(0))));
        reader.skip();
        // As while an endpoint is at work: that a client has gone away is noticed by reading.
        reader.space().as_ptr() != end
    });
    assert_eq!(moved, Some(50));
}

/// 64 KiB of head are searched once and parsed when they are whole, also when they come byte by byte.
#[test]
fn how_a_head_is_cut_does_not_make_it_dearer() {
    let filler = "a".repeat(60_000);
    let head = format!("GET / HTTP/1.1\r\nHost: a\r\nX: {filler}\r\n\r\n");
    let cost = |piece| work::of(|| read(head.as_bytes(), &[piece], Limits::default())).1;
    assert!(cost(1) <= cost(usize::MAX));
    assert!(cost(usize::MAX) < 5 * head.len());
}

#[test]
fn a_refused_head_is_answered_without_a_body() {
    let mut reader = Reader::new(Limits::default());
    let bytes = b"HEAD / HTTP/1.1\r\n\r\n";
    reader.space()[..bytes.len()].copy_from_slice(bytes);
    reader.advance(bytes.len());
    let refusal = reader.head().expect_err("no host");
    let mut out = Vec::new();
    let response = Response::new(refusal.status()).with_body(refusal.to_string());
    encode(
        &response,
        reader.last_reply(),
        &HttpDate::from_unix(0),
        &mut out,
    );
    assert!(out.ends_with(b"\r\nConnection: close\r\n\r\n"));
}
