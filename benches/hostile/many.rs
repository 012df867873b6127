//! Clients that are many, greedy, or gone at once.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use rustix::net::sockopt;

use crate::clients::{ask, connect, together};
use crate::support::harness::{Server, poll};
use crate::support::{Cpu, descriptors as open_descriptors, pss};
use crate::{Field, report, report_others};

const PING: &str = "GET /ping HTTP/1.1\r\nHost: a\r\n\r\n";

/// 10,000 keep-alive connections that have asked once.
pub fn idle(field: &Field) {
    const COUNT: usize = 10_000;
    let (server, bystander) = (field.server(&[]), field.server(&[]));
    let connect_all = |server: &Server| {
        let address = server.address();
        together(COUNT, move |_| async move {
            let mut stream = connect(address).await;
            let answer = ask(&mut stream, PING).await.expect("an answer");
            assert!(answer.ends_with("pong"));
            stream
        })
    };
    let elsewhere = connect_all(&bystander);
    let before = field.others(&server, "/ping");
    drop(elsewhere);
    let base = pss(server.pid());
    let connections = connect_all(&server);
    // Until they are idle: they give their buffers back then.
    poll("memory to be given back", || {
        let first = pss(server.pid());
        std::thread::sleep(Duration::from_millis(500));
        (pss(server.pid()) >= first).then_some(())
    });
    let each = (pss(server.pid()) - base) as f64 / COUNT as f64;
    let (begin, cpu) = (Instant::now(), Cpu::of(server.pid()));
    std::thread::sleep(Duration::from_secs(10));
    let used = Cpu::of(server.pid()).since(cpu).total() / begin.elapsed().as_secs_f64();
    report(
        "10,000 idle connections",
        &format!("{each:.0} bytes each, {:.2} % CPU", used * 100.0),
        "at most 4096 bytes each, less than 0.5 % CPU",
    );
    let during = field.others(&server, "/ping");
    report_others("10,000 idle connections", before, during);
    drop(connections);
}

/// A limit of 64 descriptors and 200 connections that stay.
pub fn descriptors(field: &Field) {
    let server = field.server(&["--nofile=64"]);
    let lines = server.log().lines().count();
    let mut held: Vec<TcpStream> = (0..200)
        .map(|_| TcpStream::connect(server.address()).expect("a connection"))
        .collect();
    let (begin, cpu) = (Instant::now(), Cpu::of(server.pid()));
    let mut slowest = Duration::ZERO;
    while begin.elapsed() < 2 * field.watch {
        let asked = Instant::now();
        assert_eq!(server.get("/one").body, "1");
        slowest = slowest.max(asked.elapsed());
        std::thread::sleep(Duration::from_millis(100));
    }
    let used = Cpu::of(server.pid()).since(cpu).total() / begin.elapsed().as_secs_f64();
    let served = held.iter_mut().filter_map(still_served).count();
    drop(held);
    let released = Instant::now();
    assert_eq!(server.get("/one").body, "1");
    report(
        "64 descriptors, 200 connections",
        &format!(
            "{:.1} % CPU, {served} of those held are open and answered, a new one is answered within {slowest:.0?}, \
             {:.0?} after all have left; {} log lines",
            used * 100.0,
            released.elapsed(),
            server.log().lines().count() - lines
        ),
        "CPU < 5 %, open ones served, recovery < 0.5 s, at most 10 lines",
    );
}

fn still_served(stream: &mut TcpStream) -> Option<()> {
    let mut answer = [0; 1024];
    stream.set_read_timeout(Some(Duration::from_secs(2))).ok()?;
    stream.write_all(PING.as_bytes()).ok()?;
    let read = stream.read(&mut answer).ok()?;
    answer[..read].ends_with(b"pong").then_some(())
}

/// One client that pipelines without pause.
pub fn pipeliner(field: &Field) {
    let server = field.server(&[]);
    let before = field.others(&server, "/ping");
    let mut writer = TcpStream::connect(server.address()).expect("a connection");
    let mut reader = writer.try_clone().expect("a descriptor");
    let writing = std::thread::spawn(move || {
        // Small pieces both ways: a large copy in the kernel would keep wrk from their core meanwhile.
        let many = PING.repeat(100);
        while writer.write_all(many.as_bytes()).is_ok() {}
    });
    let reading = std::thread::spawn(move || {
        let mut chunk = vec![0; 16 * 1024];
        let mut bytes = 0;
        while let Ok(read @ 1..) = reader.read(&mut chunk) {
            bytes += read;
        }
        bytes
    });
    let during = field.others(&server, "/ping");
    drop(server);
    writing.join().expect("the writer");
    let bytes = reading.join().expect("the reader");
    report(
        "a client that pipelines without pause",
        &format!(
            "others' p99 {:?} → {:?} ({:.2} ×), p50 {:?} → {:?}, beside {:.1} GB of pongs",
            before.p99,
            during.p99,
            during.p99.as_secs_f64() / before.p99.as_secs_f64(),
            before.p50,
            during.p50,
            bytes as f64 / 1e9
        ),
        "at most 2 ×",
    );
}

/// Connections that are reset at once, some of them in the middle of a request, for 20 s.
pub fn resets(field: &Field) {
    let server = field.server(&[]);
    // At first the pool opens connections to PostgreSQL, as many as it will.
    reset_for(&server, Duration::from_secs(3));
    let before = settled(&server);
    let count = reset_for(&server, Duration::from_secs(20));
    let after = settled(&server);
    assert_eq!(server.get("/one").body, "1");
    report(
        "connections that are reset",
        &format!("{count} in 20 s; {before} descriptors before, {after} after"),
        "none leaked",
    );
}

/// Connects and resets over and over; how often.
fn reset_for(server: &Server, duration: Duration) -> usize {
    let sent = [
        "",
        "GET /ping HT",
        PING,
        "GET /sized/2000000 HTTP/1.1\r\nHost: a\r\n\r\n",
    ];
    let begin = Instant::now();
    let mut count = 0;
    while begin.elapsed() < duration {
        let mut stream = TcpStream::connect(server.address()).expect("a connection");
        sockopt::set_socket_linger(&stream, Some(Duration::ZERO)).expect("linger");
        let _reset = stream.write_all(sent[count % sent.len()].as_bytes());
        count += 1;
    }
    count
}

/// Open descriptors once their number rests.
fn settled(server: &Server) -> usize {
    poll("descriptors to rest", || {
        let first = open_descriptors(server.pid());
        std::thread::sleep(Duration::from_secs(1));
        (open_descriptors(server.pid()) == first).then_some(first)
    })
}
