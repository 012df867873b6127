//! Statements that take longer than their endpoint may.

use std::time::Duration;

use crate::Field;
use crate::clients::{Times, over_and_over};
use crate::support::harness::{Server, block_on, poll};
use crate::support::report;

/// Of the endpoints below.
const LIMIT: Duration = Duration::from_millis(200);
/// How much later an answer may come.
const LATE: Duration = Duration::from_millis(100);
/// At a time: as many as slow queries may have connections.
const CLIENTS: usize = 3;

/// Connections that the service may have: 4 for reading, and again for writing.
const MOST: usize = 8;

/// Backends of PostgreSQL that serve us, and what they are at.
const BACKENDS: &str = "select string_agg(pid::text, ' ') from pg_stat_activity
    where datname = current_database() and application_name = 'limits'";
const BUSY: &str = "select 1 from pg_stat_activity
    where datname = current_database() and application_name = 'limits' and state <> 'idle'";

/// A statement, one that waits for a lock, and one that does so within a transaction.
pub fn deadlines(field: &Field) {
    let server = field.server(&[]);
    let rounds = if field.quick { 10 } else { 100 };
    let locker = field.database.another_client();
    let lock = "begin; select n from locked for update";
    for (trial, request, locks) in [
        ("deadlines: a statement", "GET /late", false),
        ("deadlines: a lock", "POST /locked", true),
        (
            "deadlines: a lock in a transaction",
            "POST /locked/twice",
            true,
        ),
    ] {
        // All connections there may be, and in use once.
        late(&server, request, 2);
        if locks {
            block_on(locker.batch_execute(lock)).expect("a lock");
        }
        late(&server, request, 2);
        let before = settled(field);
        let (times, others) = late(&server, request, rounds);
        let after = settled(field);
        // A pool that has not all the connections that it may have can have opened one.
        let kept = before.iter().all(|backend| after.contains(backend)) && after.len() <= MOST;
        if locks {
            block_on(locker.batch_execute("rollback")).expect("no lock");
        }
        tell(trial, &times, &others, kept);
    }
}

fn tell(trial: &str, times: &Times, others: &[String], kept: bool) {
    let first = times.of_thousand(1);
    report(
        trial,
        &format!(
            "{} × 504 after {first:.0?} … {:.0?}, else {others:?}; {} connections to PostgreSQL",
            times.count(),
            times.most(),
            if kept { "the same" } else { "OTHER" }
        ),
        "504 within 200 … 300 ms, connections used again",
        others.is_empty() && kept && first >= LIMIT && times.most() <= LIMIT + LATE,
    );
}

/// Asks for it over and over: how long that took, and what was no 504.
fn late(server: &Server, request: &'static str, rounds: usize) -> (Times, Vec<String>) {
    over_and_over(server.address(), CLIENTS, request, rounds, 504)
}

/// The backends that serve us once none of them is busy.
fn settled(field: &Field) -> Vec<String> {
    poll("queries to be cancelled", || {
        field.database.ask(BUSY).is_none().then_some(())
    });
    let backends = field.database.ask(BACKENDS).unwrap_or_default();
    backends.split(' ').map(str::to_owned).collect()
}
