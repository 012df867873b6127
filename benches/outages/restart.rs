//! PostgreSQL is shut down at once and started again, over and over.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::support::harness::{Database, QUESTIONS, What, Witnesses};
use crate::support::report;
use crate::{Field, backends, of_100, refusals, report_backends, report_truth};

/// What `pg_isready` says: version 3.0, a user and a database.
const HELLO: &[u8] = b"\0\x03\0\0user\0peppercorn\0database\0postgres\0\0";
/// Between two ends.
const EVERY: Duration = Duration::from_secs(10);
/// For how long it is away, in turn, before it is started again.
const AWAY: [Duration; 3] = [
    Duration::ZERO,
    Duration::from_secs(1),
    Duration::from_secs(4),
];

/// An end of PostgreSQL, and when it accepted connections again.
struct Outage {
    ended: Instant,
    accepted: Instant,
}

pub fn restart(field: &Field) {
    let trial = "restart";
    let database = field.database();
    let server = field.server(&database.url(), &[]);
    let socket = database.socket();
    drop(database);
    let clients = Witnesses::start(server.address(), 16, QUESTIONS, Duration::from_millis(4));
    let count = field.either(12, 2);
    let mut outages = Vec::new();
    for away in AWAY.iter().cycle().take(count) {
        clients.go_on(100);
        let begin = Instant::now();
        field.postgres.kill();
        let ended = Instant::now();
        std::thread::sleep(*away);
        let accepted = revive(field, &socket);
        outages.push(Outage { ended, accepted });
        let rest = EVERY.saturating_sub(begin.elapsed());
        std::thread::sleep(field.either(rest, Duration::from_secs(1)));
    }
    clients.go_on(100);
    let (told, _) = clients.stop();

    // Of every kind of question, from when PostgreSQL accepts connections to the first good answer.
    let mut back: Vec<Duration> = Vec::new();
    let mut refused: Vec<Duration> = Vec::new();
    let mut late = 0;
    for Outage { ended, accepted } in &outages {
        for question in 0..QUESTIONS.len() {
            let good = told.seen.iter().filter(|seen| {
                seen.question == question && seen.what == What::Good && seen.begun >= *ended
            });
            let answered = good.map(|seen| seen.begun + seen.took).min();
            back.extend(answered.map(|at| at.saturating_duration_since(*accepted)));
        }
        for seen in told.refused() {
            if (*ended..*accepted).contains(&seen.begun) {
                // Who comes right before the end of it may wait for its turn.
                late += usize::from(seen.took > Duration::from_millis(10));
                refused.push(seen.took);
            }
        }
    }
    report(
        trial,
        &format!(
            "{} restarts; good answers of each kind {:.0} ms (median), {:.0} ms (most) after it accepts connections",
            outages.len(),
            of_100(50.0, &mut back).as_secs_f64() * 1e3,
            of_100(100.0, &mut back).as_secs_f64() * 1e3,
        ),
        "less than 1 s",
        of_100(100.0, &mut back) < Duration::from_secs(1)
            && back.len() == outages.len() * QUESTIONS.len(),
    );
    report(
        trial,
        &format!(
            "{} requests met the outage: 503 with Retry-After in {:.2} ms (median), {:.1} ms (99 of 100), {:.1} ms (most); \
             {late} took more than 10 ms",
            refused.len(),
            of_100(50.0, &mut refused).as_secs_f64() * 1e3,
            of_100(99.0, &mut refused).as_secs_f64() * 1e3,
            of_100(100.0, &mut refused).as_secs_f64() * 1e3,
        ),
        "99 of 100 in less than 10 ms",
        of_100(99.0, &mut refused) < Duration::from_millis(10) && !refused.is_empty(),
    );
    println!("{} good; {}", told.good(), refusals(&told));
    let database = field.postgres.database();
    report_truth(trial, &told, &database);
    report_backends(trial, &database, 8);
    drop(server);
    let (left, states) = gone(&database);
    report(
        trial,
        &format!("after its end PostgreSQL has {left} connections of the service {states}"),
        "0",
        left == 0,
    );
}

/// Starts PostgreSQL again; when it first let a client in.
fn revive(field: &Field, socket: &Path) -> Instant {
    let socket = socket.to_owned();
    let watching = std::thread::spawn(move || {
        while !accepts(&socket).unwrap_or(false) {
            std::thread::sleep(Duration::from_millis(1));
        }
        Instant::now()
    });
    field.postgres.revive();
    watching.join().expect("it is there")
}

/// Whether PostgreSQL lets clients in, as `pg_isready` finds out.
fn accepts(socket: &Path) -> io::Result<bool> {
    let mut stream = UnixStream::connect(socket)?;
    stream.write_all(&(HELLO.len() as u32 + 4).to_be_bytes())?;
    stream.write_all(HELLO)?;
    let mut kind = [0];
    stream.read_exact(&mut kind)?;
    Ok(kind == *b"R")
}

/// What is left when the service has been killed.
fn gone(database: &Database) -> (usize, String) {
    let begin = Instant::now();
    loop {
        let (count, states) = backends(database);
        if count == 0 || begin.elapsed() > Duration::from_secs(5) {
            return (count, states);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}
