//! `peppercorn status`.

use std::time::Duration;

use rustix::process::Signal;

use crate::harness::{Ended, Worker, database, peppercorn, poll, run, service_of};
use crate::lifecycle::{Home, asleep};

fn status(words: &[&str]) -> Ended {
    run(peppercorn().arg("status").args(words))
}

#[test]
fn a_service_is_found_by_any_of_its_processes() {
    let home = Home::new("status_found");
    for (options, supervised) in [(&["--workers", "2"][..], true), (&[], false)] {
        let server = home.serve(options).ready();
        let service = server.service();
        assert_eq!(service.pid, server.pid());
        assert_eq!(service.supervised, supervised);
        assert_eq!((service.generation, service.restarts), (1, 0));
        let workers = server.settled(if supervised { 2 } else { 1 });
        for (slot, worker) in workers.iter().enumerate() {
            assert_eq!(worker.slot, slot as u64);
            assert_eq!(worker.pid == server.pid(), !supervised);
            assert!(worker.heartbeat.unwrap() < Duration::from_secs(3));
            assert!(worker.age < Duration::from_secs(60));
            let found = service_of(worker.pid).unwrap();
            assert_eq!(found.pid, server.pid());
        }
        // Without a process all are listed.
        let all = status(&["--json"]);
        let all: serde_json::Value = serde_json::from_str(&all.stdout).unwrap();
        let listed = all.as_array().unwrap().iter();
        assert_eq!(listed.filter(|one| one["pid"] == server.pid()).count(), 1);

        let table = status(&[&server.pid().to_string()]);
        assert_eq!(table.code, Some(0));
        let kind = match supervised {
            true => "supervisor",
            false => "worker on its own",
        };
        let head = format!(
            "{kind} {}: {1} of {1} workers, generation 1, 0 restarts",
            server.pid(),
            workers.len()
        );
        let lines: Vec<&str> = table.stdout.lines().collect();
        assert_eq!(lines[0], head);
        let names: Vec<&str> = lines[1].split_whitespace().collect();
        let expected = "PID SLOT GENERATION STATE REQUESTS CONNECTIONS DATABASE HEARTBEAT AGE";
        assert_eq!(names.join(" "), expected);
        assert_eq!(lines.len(), 2 + workers.len());
        for (line, worker) in lines[2..].iter().zip(&workers) {
            let begin = format!("{} {} 1 serving", worker.pid, worker.slot);
            let words: Vec<&str> = line.split_whitespace().collect();
            assert!(words.join(" ").starts_with(&begin), "{line}");
            assert_eq!(words[6], "ok");
        }
    }
}

#[test]
fn requests_and_connections_are_counted() {
    let home = Home::new("status_counted");
    let server = home.serve(&["--workers", "2"]);
    server.settled(2);
    let counted = || {
        let workers = server.service().workers;
        let sum = |of: fn(&Worker) -> u64| workers.iter().map(of).sum::<u64>();
        (
            sum(|worker| worker.requests),
            sum(|worker| worker.connections),
        )
    };
    let (before, _) = counted();
    let mut clients: Vec<_> = (0..4).map(|_| server.connect()).collect();
    for client in &mut clients {
        for path in ["/one", "/ping", "/nowhere"] {
            client.request("GET", path, &[], "");
        }
    }
    poll("the last answer to be counted", || {
        (counted() == (before + 12, 4)).then_some(())
    });
    drop(clients);
    poll("connections to be gone", || {
        (counted().1 == 0).then_some(())
    });
}

#[test]
fn states_are_seen() {
    let home = Home::new("status_states");
    let server = home.serve(&["--workers", "2"]);
    server.settled(2);
    let mut busy = asleep(&server, &home, "1");
    server.signal(Signal::HUP);
    poll("a worker that drains beside its successor", || {
        let workers = server.service().workers;
        let with = |state: &str, generation| {
            let is = |worker: &&Worker| worker.state == state && worker.generation == generation;
            workers.iter().filter(is).count()
        };
        (with("draining", 1) == 1 && with("serving", 2) == 2).then_some(())
    });
    assert_eq!(busy.answer_to("GET").status, 200);
    let away = database("status_states_admin");
    away.run("alter database status_states allow_connections false");
    away.run(
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = 'status_states'",
    );
    poll("the outage to be seen", || {
        let workers = server.service().workers;
        let away = |worker: &Worker| worker.database == Some(false);
        workers.iter().all(away).then_some(())
    });
}

#[test]
fn what_is_no_service_is_69() {
    let own = std::process::id().to_string();
    for words in [&[&*own][..], &["4194304"], &[&own, "--json"]] {
        let ended = status(words);
        assert_eq!(ended.code, Some(69), "{ended:?}");
        assert_eq!(ended.stdout, "");
        assert!(ended.stderr.contains("no running service"), "{ended:?}");
    }
    assert_eq!(status(&["x"]).code, Some(78));
}
