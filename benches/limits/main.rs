//! What becomes of a service at its limits: of database, memory, address space, disk, clock and time. Each figure beside
//! its goal. Ends with 1 if a goal is missed.
//!
//! `cargo bench --bench limits -- [--quick] [--only NAME]`
//!
//! | trial | what happens |
//! |---|---|
//! | `overload` | ten times as many requests are made as can be served |
//! | `memory` | half an hour of large bodies, large answers, slow readers and clients that leave; with `--quick`, a minute |
//! | `address-space` | workers run out of memory, of their own and of their control group's |
//! | `full-disk` | the logs' disk is full, and then the database's |
//! | `clock` | the system's clock is set an hour ahead, and an hour back |
//! | `deadlines` | statements and locks take longer than their endpoint may |
//!
//! Server, PostgreSQL and clients share all cores. `full-disk` mounts small file systems, and `address-space` makes a
//! control group: that takes root.

#![allow(
    unreachable_pub,
    reason = "a module of a bench says what it offers to the others"
)]

mod clients;
mod clock;
mod deadlines;
mod disk;
mod memory;
mod overload;
mod space;
#[path = "../support/mod.rs"]
mod support;

use std::process::{Command, ExitCode};
use std::time::Duration;

use support::harness::{Database, Folder, Server, database, peppercorn};
use support::{Cases, flag, run_cases};

const API: &str = "
-- name: one$
-- http: GET /one
select 1;
-- name: nap$
-- http: GET /nap
select 'slept' from pg_sleep(0.05);
-- name: size$
-- http: POST /size
select length(:text::text);
-- name: bytes$
-- http: POST /bytes
-- :body bytea
select length(:body);
-- name: sum$
-- http: POST /sum
select cardinality(:list::int[]);
-- name: answer$
-- http: GET /answer
select repeat('x', 1000000);
-- name: list
-- http: GET /list
select n, repeat('x', 100) as text from generate_series(1, 30000) as n;
-- name: keep!
-- http: POST /kept
insert into kept values (:text);
-- name: filled!
-- http: POST /filled
insert into filled select repeat('x', 10000) from generate_series(1, 100);
-- name: late$
-- http: GET /late
-- timeout: 200ms
select 'late' from pg_sleep(60);
-- name: late-by-far$
-- http: GET /late-by-far
-- auth: public
select 'late' from pg_sleep(60);
-- name: locked!
-- http: POST /locked
-- timeout: 200ms
update locked set n = n + 1;
-- name: locked-twice!
-- http: POST /locked/twice
-- timeout: 200ms
insert into kept values ('before');
update locked set n = n + 1;
";

const TABLES: &str = "
create table kept (text text);
create table locked (n int);
insert into locked values (1);
create table filled (text text);
";

/// What every trial is given.
struct Field {
    database: Database,
    folder: Folder,
    /// Minutes become seconds.
    quick: bool,
}

impl Field {
    fn command(&self, options: &[&str]) -> Command {
        let mut command = peppercorn();
        command.env("DATABASE_URL", self.database.url());
        // Which of the backends serve it.
        command.env("PGAPPNAME", "limits");
        command.arg("serve").arg(self.folder.path()).args(options);
        command
    }

    fn server(&self, options: &[&str]) -> Server {
        Server::spawn(self.command(options)).ready()
    }

    /// So long, or with `--quick` so long.
    fn seconds(&self, all: u64, quick: u64) -> Duration {
        Duration::from_secs(if self.quick { quick } else { all })
    }
}

fn main() -> ExitCode {
    let field = Field {
        database: database("bench_limits"),
        folder: Folder::with(&[("api.sql", API)]),
        quick: flag("quick"),
    };
    field.database.run(TABLES);
    let trials: &Cases<'_, Field> = &[
        ("overload", overload::overload),
        ("memory", memory::memory),
        ("address-space", space::address_space),
        ("full-disk", disk::full_disk),
        ("clock", clock::clock),
        ("deadlines", deadlines::deadlines),
    ];
    run_cases(&["trial", "figure", "goal", ""], trials, &field)
}
