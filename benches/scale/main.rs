//! More machines than one, as `examples/scale` has them: two instances behind HAProxy, PgBouncer before PostgreSQL, a
//! standby that takes over. Each figure beside its goal. Ends with 1 if a goal is missed.
//!
//! `cargo bench --bench scale -- [--seconds 10] [--rounds 20] [--only NAME] [--quick] [--pgbouncer PATH]`
//!
//! | trial | what happens |
//! |---|---|
//! | `rolling` | two instances behind HAProxy are restarted one after the other, again and again |
//! | `rolling-at-once` | the same without a drain delay: what it is for |
//! | `namespaces` | the same in network namespaces, and the cable of one is pulled |
//! | `pgbouncer` | direct, and through PgBouncer in transaction mode |
//! | `failover` | a standby is promoted, because the primary crashed, and while the old one is fenced off |
//! | `capacity` | nothing: what a request costs peppercorn, PostgreSQL and HAProxy |
//!
//! `--pgbouncer` is another PgBouncer than the system's; one from 1.21 on is measured with prepared statements, too.
//! Clients, servers and databases share all cores. Namespaces take root, and are left out without.

#![allow(
    unreachable_pub,
    reason = "a module of a bench says what it offers to the others"
)]

mod balancing;
mod capacity;
mod failover;
mod namespaces;
mod pooler;
#[path = "../support/mod.rs"]
mod support;

use std::process::{Command, ExitCode};
use std::time::Duration;

use support::harness::{Database, Folder, database, peppercorn};
use support::{Cases, flag, option, run_cases};

const API: &str = "
-- name: item^
-- http: GET /items/{id}
select id, title from item where id = :id;
-- name: keep!
-- http: POST /kept
insert into kept values (:id);
-- name: slow$
-- http: GET /slow
select 'slow' from pg_sleep(1);
-- name: add!
-- http: POST /added
insert into added default values;
-- name: who$
-- http: GET /who
select set_config('bench.who', :who, true); select current_setting('bench.who');
-- name: left$
-- http: GET /left
select count(*) + case when coalesce(current_setting('bench.who', true), '') = '' then 0 else 1 end
from pg_prepared_statements;
";

const TABLES: &str = "
create table kept (id bigint primary key);
create table added (id bigint generated always as identity primary key, at timestamptz default now());
create table item (id int primary key, title text);
insert into item select n, 'item ' || n from generate_series(1, 1000) as n;
";

/// What every trial is given.
pub struct Field {
    database: Database,
    folder: Folder,
    /// Of a measurement.
    duration: Duration,
    rounds: u64,
}

impl Field {
    /// `serve` with this database's URL; where it listens is the caller's to say.
    fn command(&self, url: &str, options: &[&str]) -> Command {
        let mut command = peppercorn();
        command.env("DATABASE_URL", url);
        command.arg("serve").arg(self.folder.path()).args(options);
        command
    }
}

/// A row to insert, which nobody else inserts.
pub fn insertion(id: u64) -> String {
    let body = format!("{{\"id\":{id}}}");
    let length = body.len();
    format!("POST /kept HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n{body}")
}

fn main() -> ExitCode {
    let quick = flag("quick");
    let field = Field {
        database: database("bench_scale"),
        folder: Folder::with(&[("api.sql", API)]),
        duration: Duration::from_secs(option("seconds", if quick { 2 } else { 10 })),
        rounds: option("rounds", if quick { 2 } else { 20 }),
    };
    field.database.run(TABLES);
    let trials: &Cases<'_, Field> = &[
        ("rolling", balancing::rolling),
        ("rolling-at-once", balancing::at_once),
        ("namespaces", namespaces::namespaces),
        ("pgbouncer", pooler::pgbouncer),
        ("failover", failover::failover),
        ("capacity", capacity::capacity),
    ];
    run_cases(&["trial", "figure", "goal", ""], trials, &field)
}
