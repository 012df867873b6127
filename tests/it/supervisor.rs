//! A supervisor and its workers: started, lost, replaced, made more and fewer.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::harness::{
    Connection, Ended, Hammer, Manner, Worker, kill_worker, peppercorn, poll, run, signal,
};
use crate::lifecycle::Home;

#[test]
fn every_layout_serves_with_every_way_to_accept() {
    let home = Home::new("supervisor_layouts");
    let layouts: [(usize, &[&str], &str); 3] = [
        (2, &["--workers", "2"], "2 workers, 1 thread (local)"),
        (
            1,
            &["--supervise", "--threads", "2", "--executor", "local"],
            "1 worker, 2 threads (local)",
        ),
        (
            1,
            &["--supervise", "--threads", "2", "--executor", "shared"],
            "1 worker, 2 threads (shared)",
        ),
    ];
    for accept in ["slots", "shared"] {
        for (workers, layout, words) in layouts {
            let server = home.serve(&[layout, &["--accept", accept]].concat());
            let serving = server.settled(workers);
            assert!(server.service().supervised);
            assert_ne!(serving[0].pid, server.pid());
            let load = Hammer::connecting(server.address(), 2, "/one");
            load.goes_on(50);
            load.stop().flawless(50);
            let (status, log) = server.stop();
            assert_eq!(status.code(), Some(0), "{layout:?} {accept}: {log}");
            assert!(log.contains(words), "{log}");
            assert!(log.ends_with("stopped\n"), "{log}");
            assert_eq!(log.matches("stopping: ").count(), 1, "{log}");
        }
    }
}

#[test]
fn a_killed_worker_is_replaced_and_the_other_one_does_not_notice() {
    let home = Home::new("supervisor_killed");
    for accept in ["slots", "shared"] {
        let server = home.serve(&["--workers", "2", "--accept", accept]);
        let before = server.settled(2);
        let mut clients: Vec<Connection> = (0..16).map(|_| server.connect()).collect();
        for client in &mut clients {
            assert_eq!(client.request("GET", "/one", &[], "").body, "1");
        }
        let workers = server.settled(2);
        let [lost, kept] = [&workers[0], &workers[1]];
        assert_eq!(lost.connections + kept.connections, 16, "{workers:?}");
        signal(lost.pid, Signal::KILL);
        let next = server.successor(lost);
        assert_eq!(next.generation, 1);
        let ended = |client: &mut &mut Connection| {
            let mut byte = [0];
            let stream = &client.stream;
            stream.set_nonblocking(true).unwrap();
            let waits = matches!(stream.peek(&mut byte), Err(error)
                if error.kind() == std::io::ErrorKind::WouldBlock);
            stream.set_nonblocking(false).unwrap();
            !waits
        };
        let mut here: Vec<&mut Connection> = clients.iter_mut().collect();
        let gone = here.extract_if(.., |client| ended(client)).count();
        assert_eq!(gone as u64, lost.connections);
        for client in here {
            assert_eq!(client.request("GET", "/one", &[], "").body, "1");
        }
        let after = server.settled(2);
        assert_eq!(after[1].pid, before[1].pid);
        assert_eq!(server.service().restarts, 1);
        let (_, log) = server.stop();
        let line = format!("worker 0 (pid {}) was killed by SIGKILL", lost.pid);
        assert_eq!(log.matches(&line).count(), 1, "{log}");
    }
}

#[test]
fn what_was_acknowledged_is_kept_and_only_clients_of_killed_workers_notice() {
    let home = Home::new("supervisor_acknowledged");
    home.database.run("create table kept (id bigint)");
    home.folder.write(
        "kept.sql",
        "-- name: keep!\n-- http: POST /kept\ninsert into kept values (:id);\n",
    );
    for accept in ["slots", "shared"] {
        home.database.run("truncate kept");
        let server = home.serve(&["--workers", "3", "--accept", accept]);
        server.settled(3);
        let manner = Manner {
            clients: 4,
            connecting: false,
            pause: Duration::from_micros(200),
        };
        let load = Hammer::start(server.address(), manner, |id| {
            let body = format!("{{\"id\":{id}}}");
            let length = body.len();
            format!("POST /kept HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n{body}")
        });
        let mut lost = HashSet::new();
        for round in 0..6 {
            load.goes_on(20);
            let victim = &server.settled(3)[round % 3];
            lost.extend(kill_worker(victim.pid, server.address().port()));
            server.successor(victim);
        }
        load.goes_on(20);
        let seen = load.stop();
        let unexplained = seen.unexplained(&lost);
        assert!(unexplained.is_empty(), "{accept}: {unexplained:?}");
        let ask = |sql: &str| home.database.ask(sql).unwrap();
        assert_eq!(ask("select count(*) - count(distinct id) from kept"), "0");
        let ids = seen.answered.iter().map(u64::to_string).collect::<Vec<_>>();
        let ids = ids.join(",");
        let missing = format!(
            "select count(*) from unnest('{{{ids}}}'::bigint[]) as id where id not in (select id from kept)"
        );
        assert_eq!(ask(&missing), "0");
    }
}

/// `serve` with two workers, to its end.
#[track_caller]
fn fails(home: &Home, url: &str, bind: &str) -> Ended {
    let mut command = peppercorn();
    command.env("DATABASE_URL", url).arg("serve");
    command.arg(home.folder.path());
    let ended = run(command.args(["--workers", "2", "--bind", bind]));
    assert!(!ended.stderr.contains("listening"), "{}", ended.stderr);
    ended
}

#[test]
fn a_service_that_cannot_start_ends_with_the_code_of_its_first_worker() {
    let home = Home::new("supervisor_cannot");
    let url = home.database.url();
    let here = "127.0.0.1:0";

    let running = home.serve(&["--workers", "2"]);
    let taken = fails(&home, &url, &running.address().to_string());
    assert_eq!(taken.code, Some(73), "{taken:?}");
    assert_eq!(taken.stderr.lines().count(), 1, "{taken:?}");
    drop(running);

    // Port 1 is reserved: nobody listens there.
    let away = fails(&home, "postgres://a@127.0.0.1:1/a", here);
    assert_eq!(away.code, Some(69), "{away:?}");
    assert_eq!(away.stderr.matches("127.0.0.1").count(), 1, "{away:?}");

    home.folder.write(
        "bad.sql",
        "-- name: bad\n-- http: GET /bad\nselect a from nowhere;\n",
    );
    let wrong = fails(&home, &url, here);
    assert_eq!(wrong.code, Some(65), "{wrong:?}");
    assert_eq!(wrong.stderr.matches("bad.sql:3:").count(), 1, "{wrong:?}");

    home.folder.write("bad.sql", "-- name: bad\nselect 1;\n");
    let unread = fails(&home, &url, here);
    assert_eq!(unread.code, Some(65), "{unread:?}");
    assert_eq!(unread.stderr.matches("bad.sql:").count(), 1, "{unread:?}");
}

#[test]
fn a_replacement_serves_the_files_of_its_generation() {
    let home = Home::new("supervisor_files");
    home.folder.write(
        "version.sql",
        "-- name: version$\n-- http: GET /version\nselect 'first';\n",
    );
    let server = home.serve(&["--workers", "2"]);
    let workers = server.settled(2);
    // Not even SQL any more, and of another file nothing is left.
    home.folder.write("version.sql", "nothing of use");
    std::fs::remove_file(home.folder.path().join("api.sql")).unwrap();
    for worker in &workers {
        signal(worker.pid, Signal::KILL);
        server.successor(worker);
    }
    server.settled(2);
    for _ in 0..8 {
        assert_eq!(server.get("/version").body, "\"first\"");
        assert_eq!(server.get("/one").body, "1");
    }
}

#[test]
fn a_worker_that_cannot_start_again_is_tried_with_growing_pauses() {
    let home = Home::new("supervisor_pauses");
    home.database.run("create table thing (id int)");
    home.folder.write(
        "thing.sql",
        "-- name: things\n-- http: GET /things\nselect id from thing;\n",
    );
    let server = home.serve(&["--workers", "2"]);
    let workers = server.settled(2);
    home.database.run("alter table thing rename to other");
    signal(workers[1].pid, Signal::KILL);
    let load = Hammer::gently(server.address(), 1, "/one");
    server.says("worker 1 (pid ");
    let begin = Instant::now();
    let tries = || server.log().matches("ended with status 65").count();
    poll("a second attempt", || (tries() == 2).then_some(()));
    // A second after the first one has failed, and not sooner.
    assert!(begin.elapsed() > Duration::from_millis(900));
    home.database.run("alter table other rename to thing");
    server.settled(2);
    load.stop();
    assert!(tries() <= 3, "{}", server.log());
}

#[test]
fn more_and_fewer_workers_lose_nobody() {
    let home = Home::new("supervisor_resize");
    for accept in ["slots", "shared"] {
        let server = home.serve(&["--workers", "2", "--accept", accept]);
        server.settled(2);
        let loads = [
            Hammer::connecting(server.address(), 2, "/one"),
            Hammer::gently(server.address(), 1, "/ping"),
        ];
        for (order, wanted) in [
            (Signal::TTIN, 3),
            (Signal::TTOU, 2),
            (Signal::TTOU, 1),
            // The last one stays.
            (Signal::TTOU, 1),
            (Signal::TTIN, 2),
        ] {
            server.signal(order);
            server.settled(wanted);
            loads.iter().for_each(|load| load.goes_on(20));
        }
        for load in loads {
            load.stop().flawless(100);
        }
        let (status, log) = server.stop();
        assert_eq!(status.code(), Some(0), "{log}");
    }
}

#[test]
fn worn_out_workers_are_replaced_without_a_failed_request() {
    let home = Home::new("supervisor_worn");
    let limits = ["--max-requests", "100", "--max-requests-jitter", "50"];
    let server = home.serve(&[&["--workers", "2"], &limits[..]].concat());
    let first = server.settled(2);
    let loads = [
        Hammer::gently(server.address(), 2, "/one"),
        Hammer::connecting(server.address(), 1, "/ping"),
    ];
    for worker in &first {
        let next = server.successor(worker);
        server.successor(&next);
    }
    for load in loads {
        load.stop().flawless(200);
    }
    server.settled(2);
    // They have not failed: nobody is told of it.
    assert_eq!(server.service().restarts, 0);
    let (status, log) = server.stop();
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(!log.contains("starting another"), "{log}");
}

#[test]
fn one_worker_with_a_limit_is_replaced_too() {
    let home = Home::new("supervisor_worn_one");
    let server = home.serve(&["--max-requests", "50"]);
    let first = server.settled(1);
    let load = Hammer::gently(server.address(), 1, "/one");
    server.successor(&first[0]);
    load.stop().flawless(50);
}

#[test]
fn a_stuck_worker_is_replaced() {
    let home = Home::new("supervisor_stuck");
    let server = home.serve(&["--workers", "2"]);
    let workers = server.settled(2);
    let mut client = poll("a connection to the second worker", || {
        let mut client = server.connect();
        client.request("GET", "/one", &[], "");
        (server.service().workers[1].connections == 1).then_some(client)
    });
    let begin = Instant::now();
    signal(workers[0].pid, Signal::STOP);
    let next = poll("the stuck worker to be replaced", || {
        assert_eq!(client.request("GET", "/one", &[], "").body, "1");
        let now = server.service().workers;
        let next = |worker: &&Worker| {
            worker.slot == 0 && worker.pid != workers[0].pid && worker.state == "serving"
        };
        now.iter().find(next).cloned()
    });
    // 3 s without a sign of life, noticed at a tick, 1 s to abort: a stopped process does not.
    assert!(
        begin.elapsed() < Duration::from_secs(8),
        "{:?}",
        begin.elapsed()
    );
    assert_eq!(next.generation, 1);
    assert_eq!(server.settled(2)[1].pid, workers[1].pid);
    let (status, log) = server.stop();
    assert_eq!(status.code(), Some(0), "{log}");
    let line = format!("worker 0 (pid {}) has not moved for", workers[0].pid);
    assert_eq!(log.matches(&line).count(), 1, "{log}");
}

#[test]
fn a_worker_that_is_told_to_end_by_somebody_else_is_replaced() {
    let home = Home::new("supervisor_told");
    let server = home.serve(&["--workers", "2"]);
    let load = Hammer::gently(server.address(), 2, "/one");
    for number in 0..2 {
        let worker = server.settled(2).swap_remove(number);
        signal(worker.pid, Signal::TERM);
        server.successor(&worker);
    }
    load.stop().flawless(2);
}
