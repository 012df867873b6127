//! Slow and odd clients, and what HTTP owes them.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::time::{Duration, Instant};

use crate::harness::{Folder, Server, database};

fn serve(name: &str, options: &[&str]) -> Server {
    let database = database(name);
    let folder = Folder::with(&[(
        "api.sql",
        "-- name: echo$\n-- http: POST /echo\nselect :text::text;\n\n\
         -- name: large$\n-- http: GET /large\nselect repeat('x', 5000000);\n",
    )]);
    Server::start(folder.path(), &database, options)
}

const PING: &str = "GET /ping HTTP/1.1\r\nHost: a\r\n\r\n";

#[test]
fn pipelined_requests_are_answered_in_order_and_together() {
    let server = serve("clients_pipeline", &[]);
    let mut connection = server.connect();
    connection.send(PING.repeat(100));
    for _ in 0..100 {
        assert_eq!(connection.answer_to("GET").body, "pong");
    }
    let echo = |text: usize| {
        let body = format!("{{\"text\":\"{text}\"}}");
        format!(
            "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    connection.send(
        (0..20)
            .map(|n| format!("{PING}{}", echo(n)))
            .collect::<String>(),
    );
    for n in 0..20 {
        assert_eq!(connection.answer_to("GET").body, "pong");
        assert_eq!(connection.answer_to("POST").body, format!("\"{n}\""));
    }
}

#[test]
fn bytes_may_come_one_by_one_and_bodies_in_chunks() {
    let server = serve("clients_bytes", &[]);
    let mut connection = server.connect();
    let request = "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\
                   8\r\n{\"text\":\r\n4;x=y\r\n\"a\"}\r\n0\r\n\r\n";
    for byte in request.as_bytes() {
        connection.send([*byte]);
    }
    assert_eq!(connection.answer_to("POST").body, "\"a\"");
}

#[test]
fn a_head_or_body_that_does_not_come_is_408() {
    let server = serve("clients_slow", &[]);
    let mut head = server.connect();
    head.send("GET /ping HT");
    let begin = Instant::now();
    let answer = head.answer_to("GET");
    assert_eq!(
        (answer.status, answer.header("connection")),
        (408, Some("close"))
    );
    let waited = begin.elapsed();
    assert!(
        waited >= Duration::from_millis(9500) && waited < Duration::from_secs(20),
        "{waited:?}"
    );
    assert!(head.is_closed());
}

#[test]
fn an_idle_connection_is_closed_without_a_word() {
    let server = serve("clients_idle", &["--keep-alive", "300ms"]);
    let mut connection = server.connect();
    assert_eq!(connection.request("GET", "/ping", &[], "").body, "pong");
    assert!(connection.is_closed());
}

/// RFC 9112 section 2.2: some clients send one behind a body, and it may come late and in pieces.
#[test]
fn an_empty_line_begins_no_request() {
    let server = serve("clients_empty_line", &["--keep-alive", "300ms"]);
    for pieces in [["", "\r\n"], ["\r", "\n"]] {
        let mut ends_itself = server.connect();
        let mut is_ended = server.connect();
        for connection in [&mut ends_itself, &mut is_ended] {
            connection.send(PING);
            assert_eq!(connection.answer_to("GET").body, "pong");
            pieces.iter().for_each(|piece| connection.send(piece));
        }
        // Neither is told that it broke off a request.
        ends_itself.stream.shutdown(Shutdown::Write).unwrap();
        assert!(ends_itself.is_closed() && is_ended.is_closed());
    }
}

#[test]
fn a_body_is_asked_for_with_100() {
    let server = serve("clients_expect", &[]);
    let mut connection = server.connect();
    connection.send(
        "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 12\r\n\r\n",
    );
    let mut interim = [0; 25];
    connection.stream.read_exact(&mut interim).unwrap();
    assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");
    connection.send("{\"text\":\"a\"}");
    assert_eq!(connection.answer_to("POST").body, "\"a\"");
}

#[test]
fn a_body_that_is_too_large_is_refused_in_a_way_the_client_can_read() {
    let server = serve("clients_large_body", &["--max-body", "1KiB"]);
    let mut connection = server.connect();
    connection.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3000000\r\n\r\n");
    // The client goes on sending, as clients do; the server may cut it off only after its answer.
    let chunk = [b'x'; 10_000];
    for _ in 0..100 {
        if connection.stream.write_all(&chunk).is_err() {
            break;
        }
    }
    assert_eq!(connection.answer_to("POST").status, 413);
}

#[test]
fn a_slow_reader_gets_all_of_a_large_answer() {
    let server = serve("clients_slow_reader", &[]);
    let mut connection = server.connect();
    connection.send("GET /large HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    let mut all = Vec::new();
    let mut chunk = vec![0; 256 * 1024];
    loop {
        match connection.stream.read(&mut chunk).unwrap() {
            0 => break,
            read => all.extend_from_slice(&chunk[..read]),
        }
        std::thread::yield_now();
    }
    assert!(all.starts_with(b"HTTP/1.1 200 OK\r\n"));
    assert_eq!(all.iter().filter(|byte| **byte == b'x').count(), 5_000_000);
}
