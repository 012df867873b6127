//! Clients that are many, slow, greedy or gone: what they cost, and that others are served meanwhile. The same with
//! figures, and a thousand of each: `cargo bench --bench hostile`.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::net::sockopt;

use crate::harness::{Database, Folder, Server, database, peppercorn, poll, within};

const API: &str = "
-- name: one$
-- http: GET /one
select 1;
-- name: sized$
-- http: GET /sized/{bytes}
select repeat('x', :bytes::int);
";

const PING: &str = "GET /ping HTTP/1.1\r\nHost: a\r\n\r\n";

struct Home {
    database: Database,
    folder: Folder,
}

impl Home {
    fn new(name: &str) -> Home {
        Home {
            database: database(name),
            folder: Folder::with(&[("api.sql", API)]),
        }
    }

    fn serve(&self, options: &[&str]) -> Server {
        Server::start(self.folder.path(), &self.database, options).ready()
    }
}

fn descriptors(server: &Server) -> usize {
    std::fs::read_dir(format!("/proc/{}/fd", server.pid()))
        .unwrap()
        .count()
}

#[test]
fn few_descriptors_and_many_connections() {
    let home = Home::new("hostile_descriptors");
    let mut prlimit = Command::new("prlimit");
    prlimit.arg("--nofile=64");
    let mut command = within(prlimit, &peppercorn());
    command
        .env("DATABASE_URL", home.database.url())
        .arg("serve")
        .arg(home.folder.path());
    let server = Server::spawn(command).ready();
    let lines = server.log().lines().count();
    let held: Vec<TcpStream> = (0..200)
        .map(|_| TcpStream::connect(server.address()).unwrap())
        .collect();
    // Whoever comes now waits for those before, who do not ask for anything and go.
    for _ in 0..20 {
        assert_eq!(server.get("/one").body, "1");
    }
    drop(held);
    assert_eq!(server.get("/one").body, "1");
    assert!(descriptors(&server) < 64);
    let log = server.log();
    assert!(log.lines().count() <= lines + 10, "{log}");
}

#[test]
fn connections_that_are_reset_leave_nothing_behind() {
    let home = Home::new("hostile_resets");
    let server = home.serve(&[]);
    let sent = [
        "",
        "GET /ping HT",
        PING,
        "GET /one HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /sized/2000000 HTTP/1.1\r\nHost: a\r\n\r\n",
    ];
    let reset = |count: usize| {
        for number in 0..count {
            let mut stream = TcpStream::connect(server.address()).unwrap();
            sockopt::set_socket_linger(&stream, Some(Duration::ZERO)).unwrap();
            stream
                .write_all(sent[number % sent.len()].as_bytes())
                .unwrap();
        }
        // On a busy machine it takes a moment to notice that nobody waits for all of that any more.
        poll("an answer", || {
            (server.get("/one").body == "1").then_some(())
        });
    };
    // The first ones have the pool open its connections.
    reset(500);
    let settle = || {
        poll("descriptors to rest", || {
            let first = descriptors(&server);
            std::thread::sleep(Duration::from_millis(300));
            (descriptors(&server) == first).then_some(first)
        })
    };
    let before = settle();
    reset(2000);
    let after = settle();
    assert!(
        after <= before,
        "{before} descriptors before, {after} after"
    );
}

#[test]
fn idle_connections_cost_little() {
    const COUNT: usize = 1000;
    let home = Home::new("hostile_idle");
    let server = home.serve(&[]);
    let before = server.account("RssAnon");
    let connections: Vec<_> = (0..COUNT)
        .map(|_| {
            let mut connection = server.connect();
            assert_eq!(connection.request("GET", "/ping", &[], "").body, "pong");
            connection
        })
        .collect();
    let grown = server.account("RssAnon").saturating_sub(before) * 1024;
    let each = grown as usize / COUNT;
    assert!(each <= 4096, "{each} bytes each");
    drop(connections);
}

#[test]
fn slow_readers_of_ordinary_answers_hold_no_connection_to_the_database() {
    let home = Home::new("hostile_readers");
    let server = home.serve(&["--db-connections", "1"]);
    let readers: Vec<TcpStream> = (0..50)
        .map(|_| {
            let mut stream = TcpStream::connect(server.address()).unwrap();
            sockopt::set_socket_recv_buffer_size(&stream, 4096).unwrap();
            // Far more than both sockets hold.
            stream
                .write_all(b"GET /sized/10000000 HTTP/1.1\r\nHost: a\r\n\r\n")
                .unwrap();
            let mut begin = [0; 15];
            stream.read_exact(&mut begin).unwrap();
            assert_eq!(&begin, b"HTTP/1.1 200 OK");
            stream
        })
        .collect();
    for _ in 0..20 {
        assert_eq!(server.get("/one").body, "1");
    }
    drop(readers);
}

#[test]
fn whoever_pipelines_without_pause_keeps_nobody_waiting() {
    let home = Home::new("hostile_pipeliner");
    let server = home.serve(&[]);
    let mut writer = TcpStream::connect(server.address()).unwrap();
    let mut reader = writer.try_clone().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let many = PING.repeat(1000);
            while writer.write_all(many.as_bytes()).is_ok() {}
        });
        let answered = scope.spawn(move || {
            let mut chunk = vec![0; 256 * 1024];
            let mut bytes = 0;
            while let Ok(read @ 1..) = reader.read(&mut chunk) {
                bytes += read;
            }
            bytes
        });
        for _ in 0..100 {
            let begin = Instant::now();
            assert_eq!(server.get("/one").body, "1");
            // A turn is 32 answers long. Even a tenth of a second would be thousands.
            assert!(begin.elapsed() < Duration::from_secs(2));
        }
        server.signal(rustix::process::Signal::QUIT);
        let (status, _) = server.wait();
        assert!(status.success());
        assert!(answered.join().unwrap() > 1_000_000);
    });
}

#[test]
fn dripped_bytes_are_read_in_sips() {
    let home = Home::new("hostile_drip");
    let server = home.serve(&[]);
    let switches = || server.account("voluntary_ctxt_switches");
    let before = switches();
    let mut connection = server.connect();
    let value = "v".repeat(50_000);
    let request = format!("GET /ping HTTP/1.1\r\nHost: a\r\nX: {value}\r\n\r\n");
    for byte in request.as_bytes() {
        connection.send([*byte]);
    }
    assert_eq!(connection.answer_to("GET").body, "pong");
    let woken = switches() - before;
    assert!(
        woken < 2000,
        "woken {woken} times by {} bytes",
        request.len()
    );
}
