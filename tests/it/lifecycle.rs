//! A server's life: start, layouts, signals, the drain, and the end of the database under it.

use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::harness::{Connection, Database, Folder, Server, database, poll};

pub const API: &[(&str, &str)] = &[(
    "api.sql",
    "-- name: one$\n-- http: GET /one\nselect 1;\n\n\
     -- name: sleep$\n-- http: GET /sleep\nselect 'slept' from pg_sleep(:seconds);\n\n\
     -- name: sleep-writing$\n-- http: POST /sleep\nselect 'slept' from pg_sleep(:seconds);\n",
)];

const SLEEPING: &str = "select count(*) from pg_stat_activity
    where datname = current_database() and state = 'active' and query like '%pg_sleep%' and pid <> pg_backend_pid()";

/// These files on a database of their own.
pub struct Home {
    pub folder: Folder,
    pub database: Database,
}

impl Home {
    pub fn new(name: &str) -> Home {
        Home {
            folder: Folder::with(API),
            database: database(name),
        }
    }

    pub fn serve(&self, options: &[&str]) -> Server {
        Server::start(self.folder.path(), &self.database, options)
    }

    /// Waits until so many queries sleep.
    pub fn sleeping(&self, count: &str) {
        poll("queries to sleep", || {
            (self.database.ask(SLEEPING).as_deref() == Some(count)).then_some(())
        });
    }
}

/// A connection on which a request is under way.
pub fn asleep(server: &Server, home: &Home, seconds: &str) -> Connection {
    let mut connection = server.connect();
    connection.send(format!(
        "GET /sleep?seconds={seconds} HTTP/1.1\r\nHost: a\r\n\r\n"
    ));
    home.sleeping("1");
    connection
}

#[test]
fn every_layout_answers_and_stops_with_0() {
    let home = Home::new("lifecycle_layouts");
    let layouts: [&[&str]; 4] = [
        &["--threads", "1"],
        &["--threads", "2", "--executor", "local"],
        &["--executor", "shared"],
        &["--threads", "2", "--executor", "shared"],
    ];
    for layout in layouts {
        let server = home.serve(layout);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let mut connection = server.connect();
                    for _ in 0..50 {
                        let pong = connection.request("GET", "/ping", &[], "");
                        assert_eq!((pong.status, pong.body.as_str()), (200, "pong"));
                        assert_eq!(connection.request("GET", "/one", &[], "").body, "1");
                    }
                    // This seat's pool for writing, of which nobody has needed a connection, may be the last to have one.
                    poll("the seat to be ready", || {
                        let readyz = connection.request("GET", "/readyz", &[], "");
                        (readyz.status == 200).then_some(())
                    });
                });
            }
        });
        let (status, log) = server.stop();
        assert_eq!(status.code(), Some(0), "{layout:?}: {log}");
        assert!(log.ends_with("stopped\n"), "{log}");
    }
}

#[test]
fn term_finishes_what_is_in_flight() {
    let home = Home::new("lifecycle_drain");
    let server = home.serve(&[]);
    let mut idle = server.connect();
    assert_eq!(idle.request("GET", "/ping", &[], "").status, 200);
    let mut busy = asleep(&server, &home, "1");
    server.signal(Signal::TERM);
    assert!(idle.is_closed());
    let answer = busy.answer_to("GET");
    assert_eq!((answer.status, answer.body.as_str()), (200, "\"slept\""));
    assert_eq!(answer.header("connection"), Some("close"));
    assert!(std::net::TcpStream::connect(server.address()).is_err());
    drop(busy);
    assert_eq!(server.wait().0.code(), Some(0));
}

#[test]
fn a_request_on_its_way_when_the_drain_begins_is_answered() {
    let home = Home::new("lifecycle_last_call");
    let server = home.serve(&[]);
    let mut half = server.connect();
    half.send("GET /one HTTP/1.1\r\n");
    // Seen by the server before the signal: another connection's answer comes after it was accepted.
    assert_eq!(server.get("/ping").status, 200);
    let mut busy = asleep(&server, &home, "1");
    server.signal(Signal::TERM);
    // A signal may be noticed after bytes that were sent later: then nothing is to be closed yet.
    poll("the drain to begin", || {
        server.log().contains("stopping").then_some(())
    });
    half.send("Host: a\r\n\r\n");
    let answer = half.answer_to("GET");
    assert_eq!(
        (answer.status, answer.header("connection")),
        (200, Some("close"))
    );
    assert_eq!(busy.answer_to("GET").status, 200);
    drop((half, busy));
    assert_eq!(server.wait().0.code(), Some(0));
}

#[test]
fn a_second_signal_or_int_or_quit_stops_at_once() {
    let home = Home::new("lifecycle_quick");
    for signals in [
        &[Signal::TERM, Signal::TERM][..],
        &[Signal::TERM, Signal::INT],
        &[Signal::INT],
        &[Signal::QUIT],
    ] {
        let server = home.serve(&[]);
        let _busy = asleep(&server, &home, "20");
        let begin = Instant::now();
        server.signal(signals[0]);
        if let Some(second) = signals.get(1) {
            poll("the drain to begin", || {
                server.log().contains("stopping").then_some(())
            });
            server.signal(*second);
        }
        let (status, log) = server.wait();
        assert_eq!(status.code(), Some(0), "{log}");
        assert!(log.contains("cut 1 connections"), "{log}");
        assert!(begin.elapsed() < Duration::from_secs(10));
        home.database.run("select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and query like '%pg_sleep%' and pid <> pg_backend_pid()");
        home.sleeping("0");
    }
}

#[test]
fn the_graceful_timeout_ends_a_drain() {
    let home = Home::new("lifecycle_graceful");
    let server = home.serve(&["--graceful-timeout", "300ms"]);
    let _busy = asleep(&server, &home, "20");
    let (status, log) = server.stop();
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(log.contains("cut 1 connections"), "{log}");
}

#[test]
fn a_client_that_resets_has_its_query_cancelled() {
    let home = Home::new("lifecycle_reset");
    let server = home.serve(&["--db-connections", "1"]);
    for method in ["GET", "POST"] {
        let mut connection = server.connect();
        match method {
            "GET" => connection.send("GET /sleep?seconds=20 HTTP/1.1\r\nHost: a\r\n\r\n"),
            _ => connection.send(
                "POST /sleep HTTP/1.1\r\nHost: a\r\nContent-Length: 14\r\n\r\n{\"seconds\":20}",
            ),
        }
        home.sleeping("1");
        // With unread data or without: zero linger sends RST.
        rustix::net::sockopt::set_socket_linger(&connection.stream, Some(Duration::ZERO)).unwrap();
        drop(connection);
        home.sleeping("0");
    }
    // The one connection is as good as before.
    assert_eq!(server.get("/one").body, "1");
}

#[test]
fn a_client_that_half_closes_still_gets_a_quick_answer_and_loses_interest_in_a_slow_read() {
    let home = Home::new("lifecycle_half");
    let server = home.serve(&[]);
    let half_closed = |request: &str| {
        let mut connection = server.connect();
        connection.send(request);
        connection
            .stream
            .shutdown(std::net::Shutdown::Write)
            .unwrap();
        connection
    };
    let mut quick = half_closed("GET /sleep?seconds=0.3 HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(quick.answer_to("GET").body, "\"slept\"");
    let mut slow = half_closed("GET /sleep?seconds=20 HTTP/1.1\r\nHost: a\r\n\r\n");
    home.sleeping("1");
    home.sleeping("0");
    assert!(slow.is_closed());
    // A write is finished: who sent it may only have stopped sending.
    let write = "POST /sleep HTTP/1.1\r\nHost: a\r\nContent-Length: 15\r\n\r\n{\"seconds\":1.8}";
    assert_eq!(half_closed(write).answer_to("POST").body, "\"slept\"");
}

#[test]
fn while_the_database_is_away_requests_are_503_and_the_probe_says_so() {
    let home = Home::new("lifecycle_outage");
    let server = home.serve(&[]);
    poll("readiness", || {
        (server.get("/readyz").status == 200).then_some(())
    });
    let away = database("lifecycle_outage_admin");
    away.run("alter database lifecycle_outage allow_connections false");
    away.run(
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = 'lifecycle_outage'",
    );
    poll("the outage to be noticed", || {
        (server.get("/readyz").status == 503).then_some(())
    });
    let answer = poll("an immediate refusal", || {
        let begin = Instant::now();
        let answer = server.get("/one");
        (answer.status == 503 && begin.elapsed() < Duration::from_millis(500)).then_some(answer)
    });
    assert!(answer.header("retry-after").is_some());
    assert_eq!(server.get("/ping").body, "pong");
    for purpose in ["reading", "writing"] {
        let line = format!("no database for {purpose}");
        poll("the outage in the log", || {
            server.log().contains(&line).then_some(())
        });
    }
    away.run("alter database lifecycle_outage allow_connections true");
    poll("the database to be used again", || {
        (server.get("/one").status == 200).then_some(())
    });
    // Connections for writing come back by themselves, a moment before or after.
    poll("readiness", || {
        (server.get("/readyz").status == 200).then_some(())
    });
    for purpose in ["reading", "writing"] {
        let back = format!("the database for {purpose} is back");
        let log = poll("the log", || {
            Some(server.log()).filter(|log| log.contains(&back))
        });
        // Once, or twice if an attempt fails that began before another connection was back.
        let away = log.matches(&format!("no database for {purpose}")).count();
        assert!((1..=2).contains(&away), "{log}");
    }
}

#[test]
fn connections_beyond_the_limit_wait_for_a_busy_one_and_take_the_place_of_an_idle_one() {
    let home = Home::new("lifecycle_limit");
    let server = home.serve(&["--max-connections", "1"]);
    let mut busy = asleep(&server, &home, "0.3");
    let begin = Instant::now();
    let mut second = server.connect();
    second.send("GET /ping HTTP/1.1\r\nHost: a\r\n\r\n");
    // The first has been answered, and was not idle before: the second has its place after that.
    assert_eq!(busy.answer_to("GET").status, 200);
    assert_eq!(second.answer_to("GET").body, "pong");
    assert!(begin.elapsed() > Duration::from_millis(200));
    assert!(busy.is_closed());
    // Whoever is alone stays, however idle.
    assert_eq!(second.request("GET", "/ping", &[], "").body, "pong");
    let log = server.log();
    assert_eq!(
        log.matches("all places for clients are taken").count(),
        1,
        "{log}"
    );
}
