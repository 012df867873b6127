//! Two tenants on one table, whom row-level security keeps apart by their tokens' claims, on few connections of the
//! database; and what claims cost. Each figure beside its goal. Ends with 1 if a goal is missed.
//!
//! `cargo bench --bench tenants -- [--requests 100000] [--clients 32] [--seconds 2] [--rounds 7] [--only NAME]`
//!
//! | case | what happens |
//! |---|---|
//! | `1` | so many requests on one connection for reading and one for writing |
//! | `4` | the same on up to four of each |
//! | `cost` | one row by key and an insert, with a token and its claims, and without a key, in turns |
//!
//! Requests read and write, one by one and several in one go, and some are given up on the way. Clients, server and
//! PostgreSQL share all cores.

#![allow(
    unreachable_pub,
    reason = "a module of a bench says what it offers to the others"
)]

#[path = "support/mod.rs"]
mod support;

use std::process::ExitCode;
use std::time::Duration;

use support::harness::{Folder, SECRET, Server, Tenants, bearer, database, write_key};
use support::{Cases, Load, median, option, report, run_cases};

struct Plan {
    requests: u64,
    clients: usize,
    seconds: Duration,
    rounds: u64,
}

fn main() -> ExitCode {
    let plan = Plan {
        requests: option("requests", 100_000),
        clients: option("clients", 32) as usize,
        seconds: Duration::from_secs(option("seconds", 2)),
        rounds: option("rounds", 7),
    };
    let cases: &Cases<'_, Plan> = &[
        ("1", |plan| apart(plan, "1")),
        ("4", |plan| apart(plan, "4")),
        ("cost", cost),
    ];
    run_cases(&["connections", "figure", "goal", ""], cases, &plan)
}

fn apart(plan: &Plan, connections: &str) {
    let name = format!("bench_tenants_{connections}");
    let tenants = Tenants::serve(database(&name), &format!("{name}_login"), connections);
    let seen = tenants.ask(plan.clients, plan.requests);
    let all = seen.answered + seen.given_up + seen.refused;
    assert_eq!(all, plan.requests, "{seen:?}");
    let (mixed_up, written) = (seen.mixed_up.len(), tenants.written_by_others());
    report(
        connections,
        &format!(
            "{all} requests in {:.1} s, {} given up and {} refused with 503 among them: {mixed_up} answers mixed up, \
             {written} rows written for another",
            seen.took.as_secs_f64(),
            seen.given_up,
            seen.refused
        ),
        "0 and 0",
        mixed_up == 0 && written == 0,
    );
    seen.mixed_up
        .iter()
        .take(5)
        .for_each(|one| println!("{one}"));
}

const TABLES: &str = "
create table item (id int primary key, title text);
insert into item select n, 'item ' || n from generate_series(1, 1000) as n;
create table kept (id bigint generated always as identity, title text);
";

const API: &str = "
-- name: item^
-- http: GET /items/{id}
select id, title from item where id = :id;
-- name: keep!
-- http: POST /kept
insert into kept (title) values (:title);
";

/// Requests in a second with a token, as a multiple of those without a key: a statement and its transaction are four, on a
/// connection that they have to themselves.
fn cost(plan: &Plan) {
    let database = database("bench_tenants_cost");
    // What is compared is not the disk.
    database.run("alter database bench_tenants_cost set synchronous_commit = off");
    database.run(TABLES);
    let folder = Folder::with(&[("api.sql", API)]);
    let open = Server::start(folder.path(), &database, &[]).ready();
    let key = write_key(&folder, SECRET);
    let asking = Server::start(folder.path(), &database, &["--jwt-key", &key]).ready();
    let token = bearer(r#"{"sub":"jane","tenant":"anna","scope":"items:read items:write"}"#);
    let load = Load {
        connections: 64,
        duration: plan.seconds,
        pipelined: 1,
    };
    let run = |server: &Server, script: &str| {
        let answered = load.run_script(server.address(), &folder.path().join(script));
        assert_eq!(answered.errors, 0, "{script}: {answered:?}");
        answered.per_second
    };
    for (case, request, goal) in [
        ("one row", r#""GET", "/items/471", HEAD"#, 0.3),
        (
            "insert",
            r#""POST", "/kept", HEAD, '{"title":"a title"}'"#,
            0.2,
        ),
    ] {
        for (script, head) in [
            ("with.lua", format!("{{Authorization = '{token}'}}")),
            ("without.lua", "{}".into()),
        ] {
            let request = request.replace("HEAD", &head);
            let text = format!(
                "local one\ninit = function() one = wrk.format({request}) end\nrequest = function() return one end\n"
            );
            folder.write(script, &text);
        }
        let (mut with, mut without, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        // The first runs fill caches, and pools to their size.
        for round in 0..=plan.rounds {
            // Neither always comes first.
            let (one, other) = match round % 2 {
                0 => (run(&asking, "with.lua"), run(&open, "without.lua")),
                _ => {
                    let other = run(&open, "without.lua");
                    (run(&asking, "with.lua"), other)
                }
            };
            if round > 0 {
                with.push(one);
                without.push(other);
                ratios.push(one / other);
            }
        }
        let ratio = median(ratios);
        report(
            &format!("cost, {case}"),
            &format!(
                "{:.0} requests/s with claims, {:.0} without a key: {ratio:.2} ×",
                median(with),
                median(without)
            ),
            &format!("at least {goal} ×"),
            ratio >= goal,
        );
    }
}
