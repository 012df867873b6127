//! The private cluster when its server does not end as it should: killed, interrupted, orphaned.

use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use crate::cluster::{BOOKS, Home, add, processes_below, stops_cleanly, titles};
use crate::harness::{Server, poll, wait};

/// The process of a home's PostgreSQL, as its pid file has it.
fn postmaster(home: &Home) -> Pid {
    let text = std::fs::read_to_string(home.state().join("data/postmaster.pid")).unwrap();
    Pid::from_raw(text.lines().next().unwrap().parse().unwrap()).unwrap()
}

/// KILL, and the end of the server itself; its PostgreSQL may still be about to stop.
fn kill(server: Server) {
    server.signal(Signal::KILL);
    server.wait();
}

#[test]
fn a_server_that_is_killed_takes_postgresql_with_it() {
    let home = Home::with(BOOKS);
    let server = home.serve();
    add(&server, "Persuasion");
    kill(server);
    poll("PostgreSQL to go", || {
        processes_below(&home.state()).is_empty().then_some(())
    });
    let server = home.serve();
    assert_eq!(titles(&server), ["Emma", "Persuasion"]);
    stops_cleanly(server, &home);
}

#[test]
fn a_start_right_after_a_kill_works() {
    let home = Home::with(BOOKS);
    let server = home.serve();
    add(&server, "Persuasion");
    kill(server);
    let server = home.serve();
    assert_eq!(titles(&server), ["Emma", "Persuasion"]);
    stops_cleanly(server, &home);
}

#[test]
fn a_start_right_after_a_kill_of_both_works() {
    // The second endpoint keeps a backend so busy that it does not notice the end of its postmaster.
    let busy = "-- name: busy$\n-- http: GET /busy\n\
        select count(*) from generate_series(1, 10000) a, generate_series(1, 100000) b;\n";
    let home = Home::with(&[BOOKS[0], BOOKS[1], ("busy.sql", busy)]);
    let server = home.serve();
    add(&server, "Persuasion");
    let mut client = server.connect();
    client.send("GET /busy HTTP/1.1\r\nHost: a\r\n\r\n");
    poll("a busy backend", || {
        let all = processes_below(&home.state().join("data"));
        all.iter()
            .any(|process| process.contains("SELECT"))
            .then_some(())
    });
    let postmaster = postmaster(&home);
    // First PostgreSQL, so that its server has no time to stop it.
    kill_process(postmaster, Signal::KILL).unwrap();
    kill(server);
    assert!(home.state().join("data/postmaster.pid").exists());

    let server = home.serve();
    assert_eq!(titles(&server), ["Emma", "Persuasion"]);
    stops_cleanly(server, &home);
}

#[test]
fn a_pid_file_whose_pid_is_somebody_else_s_by_now_is_no_hindrance() {
    let home = Home::with(BOOKS);
    stops_cleanly(home.serve(), &home);
    // Ours is alive and no PostgreSQL: it must neither be waited for nor signalled.
    let data = home.state().join("data");
    let text = format!("{}\n{}\n1\n5432\n", std::process::id(), data.display());
    std::fs::write(data.join("postmaster.pid"), text).unwrap();
    let server = home.serve();
    assert_eq!(titles(&server), ["Emma"]);
    stops_cleanly(server, &home);
}

/// PostgreSQL, started by hand.
struct Orphan(Child);

impl Orphan {
    fn start(program: PathBuf, home: &Home) -> Orphan {
        let data = home.state().join("data");
        let owner = std::fs::metadata(&data).unwrap();
        let mut command = Command::new(program);
        if rustix::process::geteuid().is_root() {
            command.uid(owner.uid()).gid(owner.gid());
        }
        let child = command
            .arg("-D")
            .arg(&data)
            .arg("-k")
            .arg(home.state().join("run"))
            .args(["-h", ""])
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        Orphan(child.unwrap())
    }
}

impl Drop for Orphan {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn an_orphan_on_the_directory_is_stopped_and_replaced() {
    let home = Home::with(BOOKS);
    let server = home.serve();
    let program = std::fs::read_link(format!("/proc/{}/exe", postmaster(&home).as_raw_nonzero()));
    stops_cleanly(server, &home);

    let mut orphan = Orphan::start(program.unwrap(), &home);
    poll("the orphan to answer", || {
        let socket = home.state().join("run/.s.PGSQL.5432");
        std::os::unix::net::UnixStream::connect(socket).ok()
    });
    let server = home.serve();
    assert_eq!(wait(&mut orphan.0), Some(0));
    assert_eq!(titles(&server), ["Emma"]);
    stops_cleanly(server, &home);
}

/// Starts for the first time, and signals as soon as `place` is there, in which PID is the server's.
fn interrupted(home: &Home, place: &str, signal: Signal) {
    let mut child = home
        .command("serve")
        .args(["-b", "127.0.0.1:0"])
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let place = place.replace("PID", &child.id().to_string());
    let path = home.state().join(place);
    poll("the start to come so far", || path.exists().then_some(()));
    kill_process(Pid::from_child(&child), signal).unwrap();
    wait(&mut child);
}

#[test]
fn a_first_start_that_is_interrupted_is_made_good_by_the_next() {
    for (place, signal) in [
        ("data.new-PID", Signal::KILL),
        ("data.new-PID/base/1", Signal::TERM),
        ("data/postmaster.pid", Signal::KILL),
        ("run/.s.PGSQL.5432", Signal::TERM),
    ] {
        let home = Home::with(BOOKS);
        interrupted(&home, place, signal);
        let server = home.serve();
        assert_eq!(titles(&server), ["Emma"], "{place}");
        stops_cleanly(server, &home);
    }
}

#[test]
fn an_interrupted_first_start_leaves_no_process() {
    for place in ["data.new-PID", "run/.s.PGSQL.5432"] {
        let home = Home::with(BOOKS);
        interrupted(&home, place, Signal::KILL);
        poll("its helpers to go", || {
            processes_below(&home.state()).is_empty().then_some(())
        });
    }
}

#[test]
fn a_signal_to_the_whole_group_is_the_server_s_to_obey() {
    let sleep = "-- name: sleep$\n-- http: GET /sleep\nselect 'slept' from pg_sleep(1);\n";
    let home = Home::with(&[("sleep.sql", sleep)]);
    for signal in [Signal::TERM, Signal::INT] {
        let mut command = home.command("serve");
        command.process_group(0);
        let server = Server::spawn(command);
        let mut client = server.connect();
        client.send("GET /sleep HTTP/1.1\r\nHost: a\r\n\r\n");
        poll("the query to run", || {
            let all = processes_below(&home.state().join("data"));
            all.iter()
                .any(|process| process.contains("SELECT"))
                .then_some(())
        });
        // As a terminal does with Ctrl-C, and as `kill -- -PID`: to everybody in the group.
        let group = Pid::from_raw(server.pid() as i32).unwrap();
        kill_process_group(group, signal).unwrap();
        match signal {
            // The database goes after the answer.
            Signal::TERM => {
                let answer = client.answer_to("GET");
                assert_eq!((answer.status, answer.body.as_str()), (200, "\"slept\""));
            }
            _ => assert!(client.is_closed()),
        }
        let (status, log) = server.wait();
        assert_eq!(status.code(), Some(0), "{log}");
        assert!(processes_below(&home.state()).is_empty());
    }
}
