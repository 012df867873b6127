//! Clients begin something long, and go away.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::straight::Sleeper;
use crate::support::harness::{Connection, Database, Server, poll};
use crate::support::report;
use crate::{Field, backends, of_100, report_backends, report_left};

const CLIENTS: usize = 200;
/// The goal: backends do nothing any more.
const IDLE: Duration = Duration::from_millis(200);

/// Between two looks at what PostgreSQL does: a look takes it a millisecond, and there are few cores.
const PAUSE: Duration = Duration::from_millis(4);

pub fn disconnect(field: &Field) {
    each_on_its_own(field);
    on_few(field);
}

/// A request that sleeps for 30 s, read-only or not.
fn sleep(server: &Server, number: usize) -> Connection {
    let mut connection = server.connect();
    connection.send(match number % 2 {
        0 => "GET /sleep/30 HTTP/1.1\r\nHost: a\r\n\r\n",
        _ => "POST /sleep HTTP/1.1\r\nHost: a\r\nContent-Length: 14\r\n\r\n{\"seconds\":30}",
    });
    connection
}

fn sleeping(database: &Database) -> usize {
    let count = database.ask(
        "select count(*) from pg_stat_activity where datname = current_database() and state = 'active'
         and pid <> pg_backend_pid()",
    );
    count
        .and_then(|count| count.parse().ok())
        .expect("a number")
}

/// Waits until nothing runs any more; adds how long each of so many has run since `begin`.
fn watch(database: &Database, begin: Instant, mut left: usize, took: &mut Vec<Duration>) {
    while left > 0 {
        std::thread::sleep(PAUSE);
        let now = sleeping(database);
        let idle = left.saturating_sub(now);
        took.extend(std::iter::repeat_n(begin.elapsed(), idle));
        left -= idle;
        assert!(
            begin.elapsed() < Duration::from_secs(40),
            "{now} still sleep"
        );
    }
}

/// As many cancellations sent to PostgreSQL itself, all at once: it starts a process for each, and what that takes is in what
/// follows.
fn straight(field: &Field, database: &Database) {
    let mut sleepers: Vec<Sleeper> = (0..CLIENTS).map(|_| Sleeper::connect(database)).collect();
    let mut took = Vec::new();
    for _ in 0..field.either(10, 2) {
        sleepers.iter_mut().for_each(Sleeper::sleep);
        poll("all to sleep", || {
            (sleeping(database) == CLIENTS).then_some(())
        });
        let begin = Instant::now();
        let _until_they_are_read: Vec<_> = sleepers.iter().map(Sleeper::cancel).collect();
        watch(database, begin, CLIENTS, &mut took);
        sleepers.iter_mut().for_each(Sleeper::until_ready);
    }
    println!(
        "{CLIENTS} cancellations sent to PostgreSQL itself: backends idle after {}",
        times(&mut took)
    );
}

/// Each has a connection to itself: 200 backends sleep.
fn each_on_its_own(field: &Field) {
    let trial = "disconnect, 200 connections";
    let database = field.database();
    straight(field, &database);
    let server = field.server(&database.url(), &["--db-connections", "110"]);
    let rounds = field.either(10, 2);
    let mut took = Vec::new();
    // The service has to know that it is slow: of what it does not know it puts several on a connection.
    for _ in 0..2 {
        std::thread::scope(|all| {
            (0..8).for_each(|_| drop(all.spawn(|| server.get("/sleep/1.5"))));
        });
    }
    for _ in 0..rounds {
        let mut clients: Vec<Connection> = Vec::new();
        // A few at a time: connections are opened one after the other, and nobody waits for more than a second.
        while clients.len() < CLIENTS {
            clients.extend((0..10).map(|number| sleep(&server, number)));
            poll("all to sleep", || {
                (sleeping(&database) == clients.len()).then_some(())
            });
        }
        let begin = Instant::now();
        clients.into_iter().for_each(Connection::reset);
        watch(&database, begin, CLIENTS, &mut took);
    }
    figure(
        trial,
        &format!("{} backends in {rounds} rounds", took.len()),
        &mut took,
    );
    report_backends(trial, &database, 220);
}

/// All share the connections there are by default; most of them wait for one.
fn on_few(field: &Field) {
    let trial = "disconnect, 8 connections";
    let database = field.database();
    let server = field.server(&database.url(), &[]);
    let before = statements(&server);
    let rounds = field.either(100, 5);
    let mut took = Vec::new();
    for _ in 0..rounds {
        let clients: Vec<Connection> = (0..CLIENTS).map(|number| sleep(&server, number)).collect();
        poll("some to sleep", || (sleeping(&database) > 2).then_some(()));
        let begin = Instant::now();
        clients.into_iter().for_each(Connection::reset);
        let mut all = Vec::new();
        watch(&database, begin, 1, &mut all);
        // It may have been the pause between two of them.
        while sleeping(&database) > 0 {
            all = vec![begin.elapsed()];
        }
        took.extend(all);
    }
    figure(trial, &format!("all of them in {rounds} rounds"), &mut took);
    let after = statements(&server);
    let most = |counts: &BTreeMap<u64, u64>| counts.values().max().copied().unwrap_or_default();
    report(
        trial,
        &format!(
            "prepared statements of a connection: {} before, {} afterwards",
            most(&before),
            most(&after)
        ),
        "no more",
        most(&after) <= most(&before) && !after.is_empty(),
    );
    report_backends(trial, &database, 8);
    report_left(trial, &database, "true");
    let (_, states) = backends(&database);
    println!("{states}");
}

fn figure(trial: &str, what: &str, took: &mut [Duration]) {
    report(
        trial,
        &format!("{CLIENTS} clients leave: {what} idle after {}", times(took)),
        "99 of 100 in less than 200 ms",
        of_100(99.0, took) < IDLE,
    );
}

fn times(took: &mut [Duration]) -> String {
    let mut at = |part: f64| of_100(part, took).as_secs_f64() * 1e3;
    format!(
        "{:.0} ms (median), {:.0} ms (99 of 100), {:.0} ms (most)",
        at(50.0),
        at(99.0),
        at(100.0)
    )
}

/// How many statements each connection for reading has prepared, by its backend.
fn statements(server: &Server) -> BTreeMap<u64, u64> {
    let asking: Vec<_> = (0..32)
        .map(|_| {
            let mut connection = server.connect();
            connection.send("GET /statements HTTP/1.1\r\nHost: a\r\n\r\n");
            connection
        })
        .collect();
    let answers = asking.into_iter().map(|mut asking| asking.answer_to("GET"));
    let number = |answer: &serde_json::Value, name: &str| answer[name].as_u64();
    answers
        .filter(|answer| answer.status == 200)
        .filter_map(|answer| {
            let row = answer.json();
            Some((number(&row, "pid")?, number(&row, "statements")?))
        })
        .collect()
}
