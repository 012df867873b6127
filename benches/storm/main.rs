//! A service whose workers are killed, stopped and replaced, and whose supervisor is reloaded, stopped and killed, all of
//! it under load: each figure beside its goal. Ends with 1 if a goal is missed.
//!
//! `cargo bench --bench storm -- [--seconds 30] [--only NAME]`
//!
//! | storm | what happens |
//! |---|---|
//! | `kill` | a worker is killed every 200 ms |
//! | `stop` | a worker is stopped, and does not go on |
//! | `orphan` | the supervisor is killed |
//! | `reload` | 20 reloads |
//! | `upgrade` | 20 new versions of the program |
//! | `term` | the service is asked to end |
//! | `activate` | it ends and starts again on sockets that are kept for it |
//! | `memory` | nothing: what its processes take |
//! | `layouts` | nothing: how fast workers × threads are |
//!
//! Clients and service share all cores.

#![allow(
    unreachable_pub,
    reason = "a module of a bench says what it offers to the others"
)]

mod changes;
mod ends;
mod kills;
mod layouts;
#[path = "../support/mod.rs"]
mod support;

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::thread::JoinHandle;
use std::time::Duration;

use peppercorn::process::status;
use support::harness::{Database, Folder, Server, database, peppercorn, undisturbed};
use support::{Answered, Cases, Load, option, run_cases};

const API: &str = "
-- name: one$
-- http: GET /one
select 1;
-- name: item^
-- http: GET /items/{id}
select id, title from item where id = :id;
-- name: sleep$
-- http: GET /sleep
select 'slept' from pg_sleep(:seconds);
-- name: keep!
-- http: POST /kept
insert into kept values (:id);
";

const TABLES: &str = "
create table kept (id bigint);
create table item (id int primary key, title text);
insert into item select n, 'item ' || n from generate_series(1, 1000) as n;
";

/// What every storm is given.
struct Field {
    database: Database,
    folder: Folder,
    /// How long a storm lasts that has no end of its own.
    duration: Duration,
}

impl Field {
    fn command(&self, program: Option<&Path>, options: &[&str]) -> Command {
        let mut command = program.map_or_else(peppercorn, undisturbed);
        command.env("DATABASE_URL", self.database.url());
        command.arg("serve").arg(self.folder.path()).args(options);
        command
    }

    fn server(&self, options: &[&str]) -> Server {
        Server::spawn(self.command(None, options)).ready()
    }

    fn ask(&self, sql: &str) -> u64 {
        let answer = self.database.ask(sql).expect("a row");
        answer.parse().expect("a number")
    }
}

/// wrk at work meanwhile, with so many connections.
fn beside(
    address: SocketAddr,
    path: &'static str,
    connections: u64,
    duration: Duration,
) -> JoinHandle<Answered> {
    let load = Load {
        connections,
        duration,
        pipelined: 1,
    };
    std::thread::spawn(move || load.run_anywhere(address, path))
}

/// The workers of a service, from its scoreboard.
fn workers(server: &Server) -> Vec<status::Worker> {
    let service = status::services(Some(server.pid())).pop();
    service.expect("a running service").workers
}

fn main() -> ExitCode {
    let field = Field {
        database: database("bench_storm"),
        folder: Folder::with(&[("api.sql", API)]),
        duration: Duration::from_secs(option("seconds", 30)),
    };
    field.database.run(TABLES);
    let storms: &Cases<'_, Field> = &[
        ("kill", kills::kill),
        ("stop", kills::stop),
        ("orphan", ends::orphan),
        ("reload", changes::reload),
        ("upgrade", changes::upgrade),
        ("term", ends::term),
        ("activate", ends::activate),
        ("memory", layouts::memory),
        ("layouts", layouts::layouts),
    ];
    run_cases(&["storm", "figure", "goal", ""], storms, &field)
}
