//! What the codec costs: requests out of bytes and answers into bytes, as a connection does both.
//!
//! `cargo bench --bench codec [FILTER]`. Reading one request is what `server/connection` does with it, the copy into
//! the reader's buffer included, which stands for the socket's. Beside it `httparse` alone is the yardstick: it splits
//! lines, and neither looks for the head's end first nor at the target, `Host` or what frames the message.
//!
//! Times on a busy machine scatter, instructions hardly do: the bench's binary under callgrind, with
//! `--bench --sample-count 1 --sample-size N FILTER` for two `N`; what they differ by is the price of so many calls.

use std::mem::MaybeUninit;

use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use peppercorn::http::{Head, HttpDate, Limits, Reader, Reply, encode};
use peppercorn::{Method, Problem, Request, Response, StatusCode};

fn main() {
    divan::main();
}

const PING: &[u8] = b"GET /ping HTTP/1.1\r\nHost: localhost:8080\r\n\r\n";

/// What Firefox asks for a page, with the cookies of a small site.
const BROWSER: &[u8] = b"GET /events/21/markets?sport=tennis&limit=20 HTTP/1.1\r\n\
    Host: exchange.example:8080\r\n\
    User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n\
    Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\n\
    Accept-Language: en-GB,en;q=0.7,de;q=0.3\r\n\
    Accept-Encoding: gzip, deflate, br, zstd\r\n\
    Referer: https://exchange.example:8080/events?sport=tennis\r\n\
    Connection: keep-alive\r\n\
    Cookie: session=b1946ac92492d2347c6235b4d2611184; theme=dark; consent=2018-07-23\r\n\
    Upgrade-Insecure-Requests: 1\r\n\
    Sec-Fetch-Dest: document\r\n\
    Sec-Fetch-Mode: navigate\r\n\
    Sec-Fetch-Site: same-origin\r\n\r\n";

/// Reads what lies in `bytes` as one segment, as far as there is space for it.
fn receive(reader: &mut Reader, bytes: &[u8]) -> usize {
    let space = reader.space();
    let read = bytes.len().min(space.len());
    space[..read].copy_from_slice(&bytes[..read]);
    reader.advance(read);
    read
}

/// Asks for what the server asks of every head.
fn look_at(head: Head<'_>) {
    black_box((head.path(), head.reply(), head.has_body()));
}

/// Reads a head that arrives in pieces of that many bytes, and goes on to the next request.
fn read_head(reader: &mut Reader, bytes: &[u8], piece: usize) {
    for mut piece in bytes.chunks(piece) {
        while !piece.is_empty() {
            piece = &piece[receive(reader, piece)..];
        }
        if let Some(head) = reader.head().expect("a valid head") {
            look_at(head);
            return reader.skip();
        }
    }
    panic!("an unfinished head");
}

/// Reads a request whose body is at hand, as the value an endpoint is given.
fn read_request(reader: &mut Reader, bytes: &[u8]) -> Request {
    receive(reader, bytes);
    let length = reader.body().expect("a valid request");
    assert!(length.is_some(), "an unfinished request");
    reader.request()
}

/// Tokenizes a head as `src/http/parse.rs` has it done.
fn tokenize(bytes: &[u8]) {
    let mut table = [const { MaybeUninit::uninit() }; 128];
    let mut request = httparse::Request::new(&mut []);
    let status = request.parse_with_uninit_headers(bytes, &mut table);
    assert!(status.expect("a valid head").is_complete());
    black_box(&request);
}

/// A head of exactly 64 KiB, the most there may be: 64 fields of about 1 KiB.
fn largest_head() -> Vec<u8> {
    let mut head = b"GET /ping HTTP/1.1\r\nHost: localhost:8080\r\n".to_vec();
    for field in 0..63 {
        head.extend_from_slice(format!("X-Field-{field:02}: {}\r\n", "v".repeat(1010)).as_bytes());
    }
    let filler = 64 * 1024 - head.len() - "X-Filler: \r\n\r\n".len();
    head.extend_from_slice(format!("X-Filler: {}\r\n\r\n", "v".repeat(filler)).as_bytes());
    head
}

fn read_heads(bencher: Bencher<'_, '_>, bytes: &[u8], piece: usize) {
    let mut reader = Reader::new(Limits::default());
    bencher
        .counter(BytesCount::of_slice(bytes))
        .bench_local(|| read_head(&mut reader, black_box(bytes), piece));
}

fn tokenize_heads(bencher: Bencher<'_, '_>, bytes: &[u8]) {
    bencher
        .counter(BytesCount::of_slice(bytes))
        .bench_local(|| tokenize(black_box(bytes)));
}

#[divan::bench_group(sample_size = 1000)]
mod ping {
    use super::*;

    #[divan::bench]
    fn reader(bencher: Bencher<'_, '_>) {
        read_heads(bencher, PING, usize::MAX);
    }

    #[divan::bench]
    fn httparse(bencher: Bencher<'_, '_>) {
        tokenize_heads(bencher, PING);
    }
}

#[divan::bench_group(sample_size = 1000)]
mod browser {
    use super::*;

    #[divan::bench]
    fn reader(bencher: Bencher<'_, '_>) {
        read_heads(bencher, BROWSER, usize::MAX);
    }

    /// Cut after 400 bytes: what an unfinished head costs more.
    #[divan::bench]
    fn reader_in_two(bencher: Bencher<'_, '_>) {
        read_heads(bencher, BROWSER, 400);
    }

    #[divan::bench]
    fn httparse(bencher: Bencher<'_, '_>) {
        tokenize_heads(bencher, BROWSER);
    }
}

#[divan::bench_group(sample_size = 1000)]
mod pipelined_16 {
    use super::*;

    #[divan::bench]
    fn reader(bencher: Bencher<'_, '_>) {
        let bytes = PING.repeat(16);
        let mut reader = Reader::new(Limits::default());
        bencher.counter(ItemsCount::new(16u32)).bench_local(|| {
            receive(&mut reader, black_box(&bytes));
            while let Some(head) = reader.head().expect("a valid head") {
                look_at(head);
                reader.skip();
            }
        });
    }

    /// Each ping on its own: where the next one begins is told by none but the reader.
    #[divan::bench]
    fn httparse(bencher: Bencher<'_, '_>) {
        bencher.counter(ItemsCount::new(16u32)).bench_local(|| {
            for _ in 0..16 {
                tokenize(black_box(PING));
            }
        });
    }
}

/// 1 KiB of JSON, taken out of the reader as an endpoint gets it.
#[divan::bench_group(sample_size = 1000)]
mod post {
    use super::*;

    fn body() -> Vec<u8> {
        let order = r#"{"contract_id":7,"price":"50.25","quantity":140},"#;
        order.bytes().cycle().take(1024).collect()
    }

    fn by_length() -> Vec<u8> {
        let head =
            b"POST /orders HTTP/1.1\r\nHost: localhost:8080\r\nContent-Type: application/json\r\n\
            Content-Length: 1024\r\n\r\n";
        [&head[..], &body()].concat()
    }

    fn in_chunks() -> Vec<u8> {
        let mut request = b"POST /orders HTTP/1.1\r\nHost: localhost:8080\r\n\
            Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
            .to_vec();
        for chunk in body().chunks(256) {
            request.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
            request.extend_from_slice(chunk);
            request.extend_from_slice(b"\r\n");
        }
        request.extend_from_slice(b"0\r\n\r\n");
        request
    }

    fn read(bencher: Bencher<'_, '_>, bytes: &[u8]) {
        let mut reader = Reader::new(Limits::default());
        bencher
            .counter(BytesCount::of_slice(bytes))
            .bench_local(|| drop(black_box(read_request(&mut reader, black_box(bytes)))));
    }

    #[divan::bench]
    fn length(bencher: Bencher<'_, '_>) {
        read(bencher, &by_length());
    }

    #[divan::bench]
    fn chunks(bencher: Bencher<'_, '_>) {
        read(bencher, &in_chunks());
    }

    #[divan::bench]
    fn httparse_head(bencher: Bencher<'_, '_>) {
        tokenize_heads(bencher, &by_length());
    }
}

#[divan::bench_group(sample_size = 10)]
mod largest {
    use super::*;

    /// In one segment, and byte by byte: the most that a client can make us spend on each of its bytes.
    #[divan::bench(args = [64 * 1024, 1])]
    fn reader(bencher: Bencher<'_, '_>, piece: usize) {
        read_heads(bencher, &largest_head(), piece);
    }

    #[divan::bench]
    fn httparse(bencher: Bencher<'_, '_>) {
        tokenize_heads(bencher, &largest_head());
    }
}

/// Answers at hand into a buffer at hand.
#[divan::bench_group(sample_size = 1000)]
mod encode {
    use super::*;

    fn write(bencher: Bencher<'_, '_>, response: &Response) {
        let reply: Reply = Request::new(Method::Get, "/").reply();
        let date = HttpDate::from_unix(784_111_777);
        let mut out = Vec::new();
        bencher.counter(ItemsCount::new(1u32)).bench_local(|| {
            out.clear();
            encode(
                black_box(response),
                black_box(reply),
                black_box(&date),
                &mut out,
            );
            black_box(&out);
        });
    }

    #[divan::bench]
    fn pong(bencher: Bencher<'_, '_>) {
        write(bencher, &peppercorn::app::pong());
    }

    #[divan::bench]
    fn json(bencher: Bencher<'_, '_>) {
        write(bencher, &super::json());
    }

    #[divan::bench]
    fn problem(bencher: Bencher<'_, '_>) {
        write(bencher, &super::problem());
    }
}

/// What comes before: an answer as a value, made and dropped.
#[divan::bench_group(sample_size = 1000)]
mod respond {
    use super::*;

    #[divan::bench]
    fn json() {
        drop(black_box(super::json()));
    }

    #[divan::bench]
    fn problem() {
        drop(black_box(super::problem()));
    }
}

/// A row that was written: five fields, values that are constants, made for this answer, and checked.
fn json() -> Response {
    let body =
        br#"{"id":1467,"price":50.00,"quantity":140,"traded_at":"2018-07-24T00:19:00+00:00"}"#;
    Response::new(StatusCode::Created)
        .with_json(black_box(body).to_vec())
        .try_header("Location", black_box("/trades/1467").to_owned())
        .expect("a valid value")
        .with_header("Cache-Control", "no-store")
        .with_header("Retry-After", black_box(7))
        .with_header("X-Request-Id", black_box("5f0c1d7be0a14d32").to_owned())
}

fn problem() -> Response {
    let detail = format!("there is nothing at {}", black_box("/contract/2/trades"));
    let problem = Problem::new(StatusCode::NotFound, detail);
    let request_id = black_box("5f0c1d7be0a14d32");
    Response::new(problem.status())
        .with_header("Content-Type", "application/problem+json")
        .with_body(problem.body(request_id, None))
        .with_header("X-Request-Id", request_id.to_owned())
}
