//! A database that is restarted, silent, changed and cut off under load, and clients that leave it: what others notice, each
//! figure beside its goal. Ends with 1 if a goal is missed.
//!
//! `cargo bench --bench outages -- [--only NAME] [--quick] [--seed N]`
//!
//! | trial | what happens | takes |
//! |---|---|---|
//! | `restart` | PostgreSQL is shut down at once and started again, every 10 s | 2 min |
//! | `swallow` | it is silent: behind a proxy, when it is connected to, and stopped with all of its processes | 2 min |
//! | `disconnect` | 200 clients begin to sleep for 30 s in it, and go away | 1 min |
//! | `cancel-race` | 100 clients leave at once, 1,000 times, on a single connection | 3 min |
//! | `alter` | its tables change, and its statements are forgotten | 1 min |
//! | `chaos` | messages are delayed, split and cut off, backends end, and clients leave | 10 min |
//!
//! With `--quick` each takes a few seconds. Clients, service and PostgreSQL share all cores. What is drawn follows from the
//! seed, which is said.

#![allow(
    unreachable_pub,
    reason = "a module of a bench says what it offers to the others"
)]

mod alter;
mod chaos;
mod disconnect;
mod race;
mod restart;
mod straight;
#[path = "../support/mod.rs"]
mod support;
mod swallow;

use std::process::ExitCode;
use std::time::Duration;

use support::harness::testimony::Testimony;
use support::harness::{
    Database, Folder, Perishable, Server, WITNESSED, WITNESSED_TABLES, What, peppercorn,
};
use support::{Cases, flag, option, report, run_cases};

/// What every trial is given.
struct Field {
    postgres: Perishable,
    folder: Folder,
    quick: bool,
    seed: u64,
}

impl Field {
    /// The program on a database.
    fn server(&self, url: &str, options: &[&str]) -> Server {
        self.server_of(&self.folder, url, options)
    }

    /// The same with other endpoints.
    fn server_of(&self, folder: &Folder, url: &str, options: &[&str]) -> Server {
        let mut command = peppercorn();
        command.env("DATABASE_URL", url);
        command.arg("serve").arg(folder.path()).args(options);
        Server::spawn(command).ready()
    }

    /// The database without what an earlier trial has left.
    fn database(&self) -> Database {
        let database = self.postgres.database();
        database.run("truncate kept, pair, listed");
        database
    }

    /// One of two, the second for `--quick`.
    fn either<T>(&self, long: T, quick: T) -> T {
        if self.quick { quick } else { long }
    }
}

/// The value that so many of 100 are at most.
fn of_100(part: f64, values: &mut [Duration]) -> Duration {
    values.sort();
    let last = values.len().saturating_sub(1) as f64;
    values
        .get((last * part / 100.0) as usize)
        .copied()
        .unwrap_or_default()
}

/// Reports how many rows there are that a transaction must have taken back.
fn report_left(trial: &str, database: &Database, which: &str) {
    let rows = database.ask(&format!("select count(*) from pair where {which}"));
    report(
        trial,
        &format!(
            "{} rows of transactions that were left",
            rows.clone().unwrap_or_default()
        ),
        "0",
        rows.as_deref() == Some("0"),
    );
}

/// No answer that is wrong, and no write that is lost: the goal of every trial.
fn report_truth(trial: &str, told: &Testimony, database: &Database) {
    let wrong = told.wrong();
    report(
        trial,
        &format!("{} of {} answers are wrong", wrong.len(), told.seen.len()),
        "0: each is its own request's, or 503 or 504",
        wrong.is_empty(),
    );
    wrong.iter().take(5).for_each(|seen| println!("{seen:?}"));
    let lost = told.lost(database);
    report(
        trial,
        &format!(
            "{} acknowledged writes: {} missing, {} twice or in part",
            lost.acknowledged, lost.missing, lost.odd
        ),
        "0 missing, 0 twice or in part",
        lost.missing == 0 && lost.odd == 0 && lost.acknowledged > 0,
    );
}

/// What was refused, by what it said.
fn refusals(told: &Testimony) -> String {
    let mut kinds = std::collections::BTreeMap::new();
    for seen in told.refused() {
        if let What::Refused(status, detail, code) = &seen.what {
            let code = code.as_deref().unwrap_or("-");
            *kinds
                .entry(format!("{status} {code} {detail}"))
                .or_insert(0) += 1;
        }
    }
    let kinds: Vec<String> = kinds
        .iter()
        .map(|(kind, n)| format!("{n} × {kind}"))
        .collect();
    kinds.join("; ")
}

/// Connections of the service and what they do: `idle`, or a state and how often.
fn backends(database: &Database) -> (usize, String) {
    let states = database.ask(
        "select string_agg(state || ' ' || n, ', ' order by state) from
           (select coalesce(state, backend_type) as state, count(*) as n from pg_stat_activity
            where datname = current_database() and pid <> pg_backend_pid() group by 1) as states",
    );
    let count = database.ask(
        "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()",
    );
    let count = count.and_then(|count| count.parse().ok());
    (count.unwrap_or(0), states.unwrap_or_default())
}

/// No backend does anything, and there are no more of them than the service may have.
fn report_backends(trial: &str, database: &Database, most: usize) {
    // Whoever was left a moment ago is still being cancelled.
    let begin = std::time::Instant::now();
    let (count, states) = loop {
        let (count, states) = backends(database);
        let busy = states.contains("active") || states.contains("transaction");
        if !busy || begin.elapsed() > Duration::from_secs(5) {
            break (count, states);
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    report(
        trial,
        &format!("afterwards PostgreSQL has {count} connections of the service: {states}"),
        &format!("at most {most}, all idle"),
        count <= most && !states.contains("active") && !states.contains("transaction"),
    );
}

fn main() -> ExitCode {
    let seed = option("seed", fastrand::u64(..) >> 16);
    println!("seed {seed}");
    let field = Field {
        postgres: Perishable::start(),
        folder: Folder::with(&[("api.sql", WITNESSED)]),
        quick: flag("quick"),
        seed,
    };
    let database = field.postgres.database();
    // The service may have 200 of them.
    database.run("alter system set max_connections = 300");
    database.run(WITNESSED_TABLES);
    field.postgres.kill();
    field.postgres.revive();
    let trials: &Cases<'_, Field> = &[
        ("restart", restart::restart),
        ("swallow", swallow::swallow),
        ("disconnect", disconnect::disconnect),
        ("cancel-race", race::race),
        ("alter", alter::alter),
        ("chaos", chaos::chaos),
    ];
    run_cases(&["trial", "figure", "goal", ""], trials, &field)
}
