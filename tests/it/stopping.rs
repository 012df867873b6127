//! The ends of a service with a supervisor: asked for, insisted on, and by the supervisor's death.

use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::cluster::{self, BOOKS, add, processes_below, stops_cleanly, titles};
use crate::harness::{
    Connection, Hammer, Server, Service, Worker, is_running, poll, processes_with, run, signal,
};
use crate::lifecycle::{Home, asleep};

/// Connections in all workers.
fn connections(server: &Server) -> u64 {
    let workers = server.service().workers;
    workers.iter().map(|worker| worker.connections).sum()
}

/// So many connections, each with a request under way.
fn all_asleep(server: &Server, count: u64, seconds: &str) -> Vec<Connection> {
    let text = format!("GET /sleep?seconds={seconds} HTTP/1.1\r\nHost: a\r\n\r\n");
    let asleep = |_| {
        let mut connection = server.connect();
        connection.send(&text);
        connection
    };
    let asleep = (0..count).map(asleep).collect();
    poll("all to be accepted", || {
        (connections(server) == count).then_some(())
    });
    asleep
}

/// That the address can be taken at once, by whoever asks for it without sharing it.
#[track_caller]
fn is_free(address: SocketAddr) {
    TcpListener::bind(address).unwrap();
}

/// Waits until all processes of a service are gone; how long that took.
#[track_caller]
fn gone(service: &Service) -> Duration {
    let begin = Instant::now();
    poll("all processes to end", || {
        (!service.pids().into_iter().any(is_running)).then_some(())
    });
    begin.elapsed()
}

#[test]
fn term_under_load_answers_all_that_has_begun() {
    let home = Home::new("stopping_term");
    for accept in ["slots", "shared"] {
        let options = [
            "--workers",
            "2",
            "--accept",
            accept,
            "--db-connections",
            "4",
        ];
        let server = home.serve(&options);
        server.settled(2);
        let busy = all_asleep(&server, 4, "0.5");
        let mut half: Vec<Connection> = (0..4).map(|_| server.connect()).collect();
        for connection in &mut half {
            connection.send("GET /one HT");
        }
        poll("all to be accepted", || {
            (connections(&server) == 8).then_some(())
        });
        let loads = [
            Hammer::gently(server.address(), 2, "/one"),
            Hammer::connecting(server.address(), 1, "/ping"),
        ];
        loads.iter().for_each(|load| load.goes_on(20));
        server.signal(Signal::TERM);
        server.says("stopping: ");
        for mut connection in half {
            connection.send("TP/1.1\r\nHost: a\r\n\r\n");
            let answer = connection.answer_to("GET");
            assert_eq!(answer.status, 200);
            assert_eq!(answer.header("connection"), Some("close"));
        }
        for mut connection in busy {
            let answer = connection.answer_to("GET");
            assert_eq!(answer.status, 200);
            assert_eq!(answer.header("connection"), Some("close"));
        }
        let (address, begin) = (server.address(), Instant::now());
        let (status, log) = server.wait();
        assert_eq!(status.code(), Some(0), "{log}");
        assert!(log.ends_with("stopped\n") && !log.contains("cut"), "{log}");
        assert!(
            begin.elapsed() < Duration::from_secs(2),
            "{:?}",
            begin.elapsed()
        );
        is_free(address);
        for load in loads {
            for failure in load.stop().failures {
                // Whoever connects finds nobody; whoever had connected was answered.
                let refused = failure.what.contains("cannot connect");
                assert!(refused || failure.before == 0, "{failure:?}");
            }
        }
    }
}

#[test]
fn int_and_quit_and_a_second_term_do_not_wait_for_requests() {
    let home = Home::new("stopping_quick");
    for orders in [
        &[Signal::INT][..],
        &[Signal::QUIT],
        &[Signal::TERM, Signal::TERM],
        &[Signal::TERM, Signal::INT],
    ] {
        let server = home.serve(&["--workers", "2"]);
        server.settled(2);
        let busy = asleep(&server, &home, "20");
        let begin = Instant::now();
        server.signal(orders[0]);
        if let Some(second) = orders.get(1) {
            server.says("stopping: ");
            server.signal(*second);
        }
        let (status, log) = server.wait();
        assert_eq!(status.code(), Some(0), "{orders:?}: {log}");
        assert!(
            begin.elapsed() < Duration::from_secs(5),
            "{:?}",
            begin.elapsed()
        );
        assert!(!log.contains("killed"), "{log}");
        drop(busy);
        // Its query was cancelled.
        home.sleeping("0");
    }
}

#[test]
fn the_graceful_timeout_is_kept() {
    let home = Home::new("stopping_graceful");
    let server = home.serve(&["--workers", "2", "--graceful-timeout", "300ms"]);
    server.settled(2);
    let _busy = all_asleep(&server, 3, "20");
    let begin = Instant::now();
    let (status, log) = server.stop();
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(log.contains("connections that were still busy"), "{log}");
    assert!(
        begin.elapsed() < Duration::from_secs(3),
        "{:?}",
        begin.elapsed()
    );
}

#[test]
fn a_stopped_worker_does_not_keep_the_service_from_ending() {
    let home = Home::new("stopping_stuck");
    let server = home.serve(&["--workers", "2", "--graceful-timeout", "500ms"]);
    let workers = server.settled(2);
    signal(workers[0].pid, Signal::STOP);
    let (status, log) = server.stop();
    assert_eq!(status.code(), Some(0), "{log}");
    let line = format!("worker 0 (pid {}) did not end in time", workers[0].pid);
    assert!(log.contains(&line), "{log}");
}

#[test]
fn without_a_supervisor_workers_finish_what_they_are_at_and_end() {
    let home = Home::new("stopping_orphans");
    for accept in ["slots", "shared"] {
        let server = home.serve(&["--workers", "2", "--accept", accept]);
        server.settled(2);
        let busy = all_asleep(&server, 3, "0.7");
        let service = server.service();
        let load = Hammer::gently(server.address(), 2, "/one");
        load.goes_on(20);
        let (address, begin) = (server.address(), Instant::now());
        server.signal(Signal::KILL);
        for mut connection in busy {
            assert_eq!(connection.answer_to("GET").body, "\"slept\"");
        }
        gone(&service);
        assert!(
            begin.elapsed() < Duration::from_secs(5),
            "{:?}",
            begin.elapsed()
        );
        is_free(address);
        for failure in load.stop().failures {
            let refused = failure.what.contains("cannot connect");
            assert!(refused || failure.before == 0, "{failure:?}");
        }
        let (_, log) = server.wait();
        assert_eq!(log.matches("the supervisor is gone").count(), 2, "{log}");
    }
}

#[test]
fn without_a_supervisor_no_request_lasts_longer_than_the_port_is_held() {
    let home = Home::new("stopping_orphans_slow");
    let server = home.serve(&["--workers", "2"]);
    server.settled(2);
    let _busy = all_asleep(&server, 2, "20");
    let service = server.service();
    let address = server.address();
    server.signal(Signal::KILL);
    let took = gone(&service);
    assert!(took < Duration::from_millis(5500), "{took:?}");
    is_free(address);
    home.sleeping("0");
}

#[test]
fn a_unix_socket_is_shared_by_the_workers_and_removed_at_the_end() {
    let home = Home::new("stopping_unix");
    let path = home.folder.path().join("http.sock");
    let address = format!("unix:{}", path.display());
    let server = home.serve(&["--workers", "2", "--bind", &address]);
    server.settled(2);
    let ask = || {
        use std::io::{Read, Write};
        let mut stream = UnixStream::connect(&path).unwrap();
        stream
            .write_all(b"GET /one HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.ends_with("\r\n\r\n1"), "{answer}");
    };
    (0..8).for_each(|_| ask());
    for worker in server.settled(2) {
        signal(worker.pid, Signal::KILL);
        server.successor(&worker);
        assert!(path.exists());
        (0..8).for_each(|_| ask());
    }
    server.signal(Signal::HUP);
    server.says("reloaded: ");
    server.settled(2);
    assert!(path.exists());
    (0..8).for_each(|_| ask());
    let (status, log) = server.stop();
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(!path.exists());
}

/// `serve` on a private cluster, with two workers.
fn with_cluster(home: &cluster::Home) -> Server {
    let mut command = home.command("serve");
    command.args(["--workers", "2"]);
    Server::spawn(command)
}

#[test]
fn a_private_cluster_is_kept_for_all_workers() {
    let home = cluster::Home::with(BOOKS);
    let server = with_cluster(&home);
    let workers = server.settled(2);
    add(&server, "Persuasion");
    signal(workers[0].pid, Signal::KILL);
    server.successor(&workers[0]);
    server.signal(Signal::HUP);
    server.says("reloaded: ");
    for worker in server.settled(2) {
        assert_eq!((worker.generation, worker.database), (2, Some(true)));
    }
    assert_eq!(titles(&server), ["Emma", "Persuasion"]);
    stops_cleanly(server, &home);

    // Nothing of it is in the way of the next.
    let server = with_cluster(&home);
    assert_eq!(titles(&server), ["Emma", "Persuasion"]);
    stops_cleanly(server, &home);
}

/// The keeper: of the processes with these words the one that is neither at the top nor a worker.
fn keeper(server: &Server, home: &cluster::Home) -> u32 {
    let known = server.service().pids();
    let words = home.api.path().to_str().unwrap();
    let mut others = processes_with(words);
    others.retain(|pid| !known.contains(pid));
    assert_eq!(others.len(), 1, "{others:?} {known:?}");
    others[0]
}

#[test]
fn a_cluster_whose_keeper_is_killed_is_started_again() {
    let home = cluster::Home::with(BOOKS);
    let server = with_cluster(&home);
    let workers = server.settled(2);
    add(&server, "Persuasion");
    signal(keeper(&server, &home), Signal::KILL);
    server.says("the keeper of the private PostgreSQL was killed by SIGKILL");
    // A second later: by then every worker has told that it is away.
    server.says("\nprivate PostgreSQL in ");
    poll("the database to be back for all workers", || {
        let workers = server.service().workers;
        let back = |worker: &Worker| worker.database == Some(true);
        workers.iter().all(back).then_some(())
    });
    assert_eq!(titles(&server), ["Emma", "Persuasion"]);
    // The workers are the same: they have waited for it.
    let now = server.settled(2);
    assert_eq!(now[0].pid, workers[0].pid);
    assert_eq!(now[1].pid, workers[1].pid);
    keeper(&server, &home);
    stops_cleanly(server, &home);
}

#[test]
fn a_cluster_ends_with_a_supervisor_that_is_killed() {
    let home = cluster::Home::with(BOOKS);
    let server = with_cluster(&home);
    server.settled(2);
    add(&server, "Persuasion");
    let begin = Instant::now();
    server.signal(Signal::KILL);
    poll("everything to end", || {
        processes_below(&home.state()).is_empty().then_some(())
    });
    let words = home.api.path().to_str().unwrap();
    poll("the keeper to end", || {
        processes_with(words).is_empty().then_some(())
    });
    assert!(
        begin.elapsed() < Duration::from_secs(10),
        "{:?}",
        begin.elapsed()
    );
    drop(server);
    let server = with_cluster(&home);
    assert_eq!(titles(&server), ["Emma", "Persuasion"]);
    stops_cleanly(server, &home);
}

#[test]
fn a_cluster_that_cannot_be_made_stops_the_service() {
    let home = cluster::Home::with(&[("schema.sql", "create nothing;\n"), BOOKS[1]]);
    let mut command = home.command("serve");
    let ended = run(command.args(["--workers", "2", "--bind", "127.0.0.1:0"]));
    assert_eq!(ended.code, Some(65), "{ended:?}");
    assert_eq!(
        ended.stderr.matches("schema.sql:1:").count(),
        1,
        "{ended:?}"
    );
    assert!(!ended.stderr.contains("listening"), "{ended:?}");
    assert!(processes_below(&home.state()).is_empty());
}
