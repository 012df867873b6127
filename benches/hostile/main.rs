//! Hostile and slow clients, and what they cost everybody else: each figure beside its goal.
//!
//! `cargo bench --bench hostile -- [--seconds 8] [--only NAME]`
//!
//! The server has one core, all clients have the other, where attackers stand back behind wrk. What others notice is the
//! 99th percentile of `/ping` by wrk with 8 connections; beside it the same while a bystander, another server, is
//! attacked: so many connections cost the machine something, whoever has them.

#![allow(
    unreachable_pub,
    reason = "a module of a bench says what it offers to the others"
)]

mod clients;
mod many;
mod slow;
#[path = "../support/mod.rs"]
mod support;

use std::process::{Command, ExitCode};
use std::time::Duration;

use support::harness::{Database, Folder, Server, database, peppercorn, within};
use support::{
    Answered, Cases, Load, NICE, SERVER_CORE, median, nicer, option, pinned, row, run_cases,
    stand_back,
};

const API: &str = "
-- name: one$
-- http: GET /one
select 1;
-- name: sized$
-- http: GET /sized/{bytes}
select repeat('x', :bytes::int);
-- name: echo$
-- http: POST /echo
select :text::text;
";

/// Of wrk, for one look at what others notice.
const RUNS: u32 = 4;

/// What others noticed.
#[derive(Clone, Copy)]
struct Noticed {
    p50: Duration,
    p99: Duration,
    errors: u64,
}

/// What every attack is given.
struct Field {
    database: Database,
    folder: Folder,
    /// How long others are watched.
    watch: Duration,
}

impl Field {
    /// A server on its core. `limits` are for prlimit(1), such as `--nofile=64`.
    fn server(&self, limits: &[&str]) -> Server {
        let mut command = peppercorn();
        if !limits.is_empty() {
            let mut prlimit = Command::new("prlimit");
            prlimit.args(limits);
            command = within(prlimit, &command);
        }
        command
            .env("DATABASE_URL", self.database.url())
            .arg("serve")
            .arg(self.folder.path());
        Server::spawn(pinned(SERVER_CORE, &nicer(-NICE, &command))).ready()
    }

    /// What others notice: the median of a few short runs. What else the machine does takes about a hundredth of its
    /// time, so the 99th percentile of a long run is now its own and now the server's.
    fn others(&self, server: &Server, path: &str) -> Noticed {
        let load = Load {
            connections: 8,
            duration: self.watch / RUNS,
            pipelined: 1,
        };
        let runs: Vec<Answered> = (0..RUNS)
            .map(|_| load.run(server.address(), path))
            .collect();
        let middle = |of: fn(&Answered) -> Duration| {
            let seconds = runs.iter().map(|run| of(run).as_secs_f64());
            Duration::from_secs_f64(median(seconds.collect()))
        };
        Noticed {
            p50: middle(|run| run.p50),
            p99: middle(|run| run.p99),
            errors: runs.iter().map(|run| run.errors).sum(),
        }
    }
}

fn main() -> ExitCode {
    stand_back();
    let field = Field {
        database: database("bench_hostile"),
        folder: Folder::with(&[("api.sql", API)]),
        watch: Duration::from_secs(option("seconds", 8)),
    };
    let attacks: &Cases<'_, Field> = &[
        ("slow-heads", slow::heads),
        ("slow-bodies", slow::bodies),
        ("slow-readers", slow::readers),
        ("busy-deadlines", slow::deadlines_while_busy),
        ("dripped-heads", slow::dripped_heads),
        ("idle", many::idle),
        ("descriptors", many::descriptors),
        ("pipeliner", many::pipeliner),
        ("resets", many::resets),
    ];
    run_cases(&["attack", "figure", "goal"], attacks, &field)
}

fn report(attack: &str, figure: &str, goal: &str) {
    row(&[&attack, &figure, &goal]);
}

/// What others noticed of an attack.
fn report_others(attack: &str, before: Noticed, during: Noticed) {
    let ratio = during.p99.as_secs_f64() / before.p99.as_secs_f64();
    let figure = format!(
        "others' p99 {:?} → {:?} ({ratio:.2} ×), p50 {:?} → {:?}, errors {}",
        before.p99, during.p99, before.p50, during.p50, during.errors
    );
    report(attack, &figure, "p99 within 10 % or 0.3 ms");
}
