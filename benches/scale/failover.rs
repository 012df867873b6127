//! A standby that takes over under load.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use crate::support::harness::{Database, Hammer, Manner, Node, Pair, Server};
use crate::support::{median, report};
use crate::{Field, TABLES, insertion};

/// After promotion: nobody who waits for a page has left by then.
const GOAL: Duration = Duration::from_secs(2);

/// What one failover came to.
struct Outcome {
    resumed: Duration,
    acknowledged: usize,
    missing: usize,
    /// Rows that only the old primary has.
    astray: usize,
    reads_failed: usize,
    unexplained: usize,
}

/// Because the old primary is gone, and while it only takes no writes any more.
pub fn failover(field: &Field) {
    let rounds = field.rounds.div_ceil(4);
    for (what, ends) in [("crash", Node::crash as fn(&Node)), ("fence", Node::fence)] {
        let outcomes: Vec<Outcome> = (0..rounds)
            .map(|round| once(field, &format!("bench_failover_{what}_{round}"), what, ends))
            .collect();
        let resumed: Vec<f64> = outcomes
            .iter()
            .map(|one| one.resumed.as_secs_f64())
            .collect();
        let most = resumed.iter().copied().fold(0.0, f64::max);
        let sum = |of: fn(&Outcome) -> usize| outcomes.iter().map(of).sum::<usize>();
        let (missing, astray) = (sum(|one| one.missing), sum(|one| one.astray));
        let (reads, odd) = (sum(|one| one.reads_failed), sum(|one| one.unexplained));
        report(
            &format!("failover: {what}"),
            &format!(
                "{rounds} times: writes go on {:.2} s after the promotion (median), {most:.2} s at most; of {} acknowledged \
                 writes {missing} missing, {astray} only at the old primary; {reads} reads failed; {odd} failures that were no 503",
                median(resumed),
                sum(|one| one.acknowledged)
            ),
            "2 s at most, and 0, 0, 0, 0",
            most <= GOAL.as_secs_f64() && missing + astray + reads + odd == 0,
        );
    }
}

fn once(field: &Field, name: &str, what: &str, ends: fn(&Node)) -> Outcome {
    let pair = Pair::start(name, TABLES);
    let mut command = field.command(&pair.url("target_session_attrs=read-write"), &[]);
    let reads = pair.url("target_session_attrs=prefer-standby");
    command.env("PEPPERCORN_READ_DATABASE_URL", reads);
    let server = Server::spawn(command).ready();
    let manner = Manner {
        clients: 4,
        connecting: false,
        pause: Duration::from_micros(200),
    };
    let writers = Hammer::start(server.address(), manner, insertion);
    let readers = Hammer::gently(server.address(), 2, "/items/7");
    writers.goes_on(500);
    readers.goes_on(100);
    ends(&pair.primary);
    // As long as whoever decides such things may take.
    std::thread::sleep(Duration::from_secs(3));
    pair.standby.promote();
    let begin = Instant::now();
    writers.goes_on(1);
    let resumed = begin.elapsed();
    writers.goes_on(500);
    readers.goes_on(100);
    let (written, read) = (writers.stop(), readers.stop());
    let there = kept(&pair.standby.database);
    let old = match what {
        "fence" => kept(&pair.primary.database),
        _ => HashSet::new(),
    };
    let missing = written.answered.iter().filter(|id| !there.contains(id));
    let unexplained = written.failures.iter();
    let unexplained = unexplained.filter(|failure| !failure.what.starts_with("503 "));
    Outcome {
        resumed,
        acknowledged: written.answered.len(),
        missing: missing.count(),
        astray: old.difference(&there).count(),
        reads_failed: read.failures.len(),
        unexplained: unexplained.count(),
    }
}

fn kept(database: &Database) -> HashSet<u64> {
    let ids = database.ask("select string_agg(id::text, ' ') from kept");
    let ids = ids.unwrap_or_default();
    ids.split(' ').filter_map(|id| id.parse().ok()).collect()
}
