//! The ends of a service under load: asked for, by its supervisor's death, and with sockets that are kept for the next.

use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::support::harness::{Connection, Hammer, Manner, Server, is_running, poll};
use crate::support::report;
use crate::{Field, workers};

/// Requests that take a while, on so many connections.
fn slow(server: &Server, count: u64) -> Vec<Connection> {
    let slow = |_| {
        let mut connection = server.connect();
        connection.send("GET /sleep?seconds=0.3 HTTP/1.1\r\nHost: a\r\n\r\n");
        connection
    };
    let slow = (0..count).map(slow).collect();
    poll("all to be accepted", || {
        let accepted: u64 = workers(server)
            .iter()
            .map(|worker| worker.connections)
            .sum();
        (accepted >= count).then_some(())
    });
    slow
}

fn hammer(server: &Server, path: &'static str) -> Hammer {
    let manner = Manner {
        clients: 8,
        connecting: false,
        pause: Duration::ZERO,
    };
    Hammer::start(server.address(), manner, move |_| {
        format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n")
    })
}

/// Failures of who had connected: a request that nobody answered.
fn unanswered(load: Hammer) -> (usize, usize) {
    let seen = load.stop();
    let failed = seen.failures.iter().filter(|failure| failure.port != 0);
    (seen.answered.len(), failed.count())
}

/// TERM.
pub fn term(field: &Field) {
    for accept in ["slots", "shared"] {
        let options = [
            "--workers",
            "2",
            "--accept",
            accept,
            "--db-connections",
            "8",
        ];
        let server = field.server(&options);
        server.settled(2);
        let slow = slow(&server, 16);
        let load = hammer(&server, "/one");
        load.goes_on(1000);
        let begin = Instant::now();
        server.signal(Signal::TERM);
        let mut wrong = 0;
        for mut connection in slow {
            let answer = connection.answer_to("GET");
            let good = answer.status == 200 && answer.header("connection") == Some("close");
            wrong += u32::from(!good);
        }
        let last = begin.elapsed();
        let (status, log) = server.wait();
        let took = begin.elapsed();
        let (answered, failed) = unanswered(load);
        report(
            &format!("term, {accept}"),
            &format!(
                "16 slow requests: {wrong} without an answer that closes, the last after {:.0} ms; {failed} of {answered} \
                 quick ones unanswered; ended with {:?} after {:.0} ms",
                last.as_secs_f64() * 1e3,
                status.code(),
                took.as_secs_f64() * 1e3
            ),
            "all answered, exit 0 within 1 s of the last",
            wrong == 0
                && failed == 0
                && status.code() == Some(0)
                && took - last < Duration::from_secs(1)
                && !log.contains("cut"),
        );
    }
}

/// SIGKILL for the supervisor.
pub fn orphan(field: &Field) {
    let server = field.server(&["--workers", "2"]);
    server.settled(2);
    let slow = slow(&server, 8);
    let load = hammer(&server, "/one");
    load.goes_on(1000);
    let pids = server.service().pids();
    let begin = Instant::now();
    server.signal(Signal::KILL);
    for mut connection in slow {
        assert_eq!(connection.answer_to("GET").status, 200);
    }
    poll("all processes to end", || {
        (!pids.iter().any(|pid| is_running(*pid))).then_some(())
    });
    let gone = begin.elapsed();
    let free = TcpListener::bind(server.address()).is_ok();
    let (answered, failed) = unanswered(load);
    report(
        "orphan, 2 workers",
        &format!(
            "8 slow requests answered, {failed} of {answered} quick ones not; workers gone after {:.0} ms, port {}",
            gone.as_secs_f64() * 1e3,
            if free { "free" } else { "taken" }
        ),
        "within 5 s, free",
        gone < Duration::from_secs(5) && free && failed == 0,
    );
}

/// The service ends and starts again on a socket that is kept, as systemd keeps it.
pub fn activate(field: &Field) {
    let http = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = http.local_addr().expect("an address");
    let start = || {
        let command = field.command(None, &["--workers", "2"]);
        let mut shell = Command::new("sh");
        let script = "export LISTEN_PID=$$ LISTEN_FDS=1; exec \"$0\" \"$@\" 3<&0 </dev/null";
        shell.args(["-c", script]).arg(command.get_program());
        shell.args(command.get_args());
        shell.env("DATABASE_URL", field.database.url());
        shell.stdin(Stdio::from(std::os::fd::OwnedFd::from(
            http.try_clone().expect("a descriptor"),
        )));
        Server::spawn(shell)
    };
    let load = |connecting| {
        let manner = Manner {
            clients: 4,
            connecting,
            pause: Duration::from_micros(100),
        };
        Hammer::start(address, manner, |_| {
            "GET /ping HTTP/1.1\r\nHost: a\r\n\r\n".into()
        })
    };
    let loads = [load(true), load(false)];
    let (begin, mut rounds) = (Instant::now(), 0);
    let mut ends = 0;
    while begin.elapsed() < field.duration / 2 {
        let server = start();
        loads.iter().for_each(|load| load.goes_on(500));
        ends += u32::from(server.stop().0.code() == Some(0));
        rounds += 1;
    }
    let last = start();
    loads.iter().for_each(|load| load.goes_on(1));
    let seen = loads.map(Hammer::stop);
    let failed: usize = seen.iter().map(|seen| seen.failures.len()).sum();
    let answered: usize = seen.iter().map(|seen| seen.answered.len()).sum();
    for failure in seen.iter().flat_map(|seen| &seen.failures).take(5) {
        println!("{failure:?}");
    }
    drop(last);
    report(
        "activate",
        &format!(
            "{rounds} times ended and started: {failed} of {answered} requests failed, half of them on new connections"
        ),
        "0 refused, 0 failed",
        failed == 0 && ends == rounds,
    );
}
