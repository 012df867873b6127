//! Endpoints in SQL against the same API on axum + deadpool-postgres, and how their cost grows.
//!
//! `cargo bench --bench sql -- [--rounds 7] [--seconds 3] [--only NAME] [--aiohttp 'COMMAND'] [--growth]`
//!
//! Server, PostgreSQL and wrk (64 connections) share all cores, as on a small machine; nothing is pinned. Servers take
//! turns, and a ratio compares what was measured within seconds: these figures hold as ratios, on one machine in one run.
//! The schema, the data and what is asked are in benches/peers/api; commits are asynchronous for all servers. COMMAND
//! serves the same API on the address that is its last word, with the database of `DATABASE_URL`.

#![allow(
    unreachable_pub,
    reason = "a module of a bench says what it offers to the others"
)]

mod growth;
mod others;
#[path = "../support/mod.rs"]
mod support;

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Duration;

use support::harness::{Connection, Database, Folder, Server, database, peppercorn};
use support::{
    Answered, Cases, Load, Peer, build_peer, flag, median, option, report, run_cases, word,
};

const CONNECTIONS: u64 = 64;

const ONE_ROW: &str = "/contracts/4711";
const TEN_ROWS: &str = "/markets/471/volumes";
const LIST: &str = "/contracts?limit=1000";
/// Inserts for ever new contracts: all for one would wait for each other at its foreign key.
const INSERTS: &str = r#"
local head, all, last = {["Content-Type"] = "application/json"}, {}, 0
init = function()
  for i = 1, 1000 do
    local body = '{"contract_id":' .. i * 7919 % 10000 + 1 .. ',"price":' .. 100 + i .. ',"quantity":5}'
    all[i] = wrk.format("POST", "/trades", head, body)
  end
end
request = function()
  last = last % 1000 + 1
  return all[last]
end
"#;

/// What every case is given.
struct Field {
    database: Database,
    folder: Folder,
    ours: Server,
    axum: Peer,
    aiohttp: Option<Peer>,
    rounds: u64,
    seconds: Duration,
}

/// What is asked over and over.
#[derive(Clone, Copy)]
enum Asked {
    Get(&'static str),
    Inserts,
}

fn main() -> ExitCode {
    let api = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peers/api");
    let file = |name| std::fs::read_to_string(api.join(name)).expect("a file of the bench's");
    let database = database("bench_sql");
    database.run("alter database bench_sql set synchronous_commit = off");
    database.run(&file("schema.sql"));
    let folder = Folder::with(&[("api.sql", &file("api.sql")), ("inserts.lua", INSERTS)]);
    let seconds = Duration::from_secs(option("seconds", 3));
    if flag("growth") {
        growth::growth(&database, &folder, seconds);
        return ExitCode::SUCCESS;
    }
    let peer = |name, mut command: Command| {
        Peer::start(name, {
            command.env("DATABASE_URL", database.url());
            command
        })
    };
    let axum = peer("axum", Command::new(build_peer("axum")));
    let aiohttp = word("aiohttp").map(|given| {
        let mut words = given.split_whitespace();
        let mut command = Command::new(words.next().expect("--aiohttp takes a command"));
        command.args(words);
        peer("aiohttp", command)
    });
    let field = Field {
        ours: serve(&database, &folder, &[]),
        database,
        folder,
        axum,
        aiohttp,
        rounds: option("rounds", 7),
        seconds,
    };
    field.check_answers();
    let cases: &Cases<'_, Field> = &[
        ("one row", |field| {
            field.throughput("one row", Asked::Get(ONE_ROW), 1.9, Some(8.0));
        }),
        ("ten rows", |field| {
            field.throughput("ten rows", Asked::Get(TEN_ROWS), 1.55, Some(6.0));
        }),
        ("insert", |field| {
            field.throughput("insert", Asked::Inserts, 1.3, None);
            forget_inserts(&field.database);
        }),
        ("beside slow ones", others::beside_slow_ones),
        ("list", |field| {
            field.throughput("list", Asked::Get(LIST), 1.3, None);
        }),
        ("memory", others::memory),
    ];
    run_cases(&["case", "figure", "goal", ""], cases, &field)
}

/// One worker with the API, ready.
fn serve(database: &Database, folder: &Folder, options: &[&str]) -> Server {
    let mut command = peppercorn();
    command
        .env("DATABASE_URL", database.url())
        .arg("serve")
        .arg(folder.path())
        .args(options);
    Server::spawn(command).ready()
}

/// Has the tables as they were: what other cases ask for does not grow.
fn forget_inserts(database: &Database) {
    database.run("delete from trades where id > 40000");
    database.run("vacuum (full, analyze) trades");
}

impl Asked {
    fn run(self, folder: &Folder, load: &Load, address: SocketAddr) -> Answered {
        let answered = match self {
            Asked::Get(path) => load.run_anywhere(address, path),
            Asked::Inserts => load.run_script(address, &folder.path().join("inserts.lua")),
        };
        assert_eq!(answered.errors, 0, "{answered:?}");
        answered
    }
}

impl Field {
    /// Whether all servers say the same, to the letter.
    fn check_answers(&self) {
        let get = |address, path| Connection::open(address).request("GET", path, &[], "");
        let create = |address, contract| {
            let json = [("Content-Type", "application/json")];
            let body = format!(r#"{{"contract_id":{contract},"price":2,"quantity":3}}"#);
            Connection::open(address).request("POST", "/trades", &json, &body)
        };
        for peer in self.peers() {
            for path in [
                ONE_ROW,
                "/contracts/1",
                TEN_ROWS,
                LIST,
                "/contracts?limit=3",
                "/sleep/1",
            ] {
                let [ours, theirs] = [self.ours.address(), peer.address].map(|at| get(at, path));
                assert_eq!(
                    (ours.status, theirs.status),
                    (200, 200),
                    "{path}: {}",
                    peer.name
                );
                assert_eq!(ours.body, theirs.body, "{path}: {}", peer.name);
            }
            let missing = [self.ours.address(), peer.address].map(|at| get(at, "/contracts/0"));
            assert_eq!(missing.map(|answer| answer.status), [404, 404]);
            let [ours, theirs] = [self.ours.address(), peer.address].map(|at| create(at, 1));
            assert_eq!((ours.status, theirs.status), (201, 201), "{}", peer.name);
            let id = ours.json()["id"].as_i64().expect("a number");
            assert_eq!(
                theirs.body,
                format!(r#"{{"id":{}}}"#, id + 1),
                "{}",
                peer.name
            );
        }
    }

    fn peers(&self) -> impl Iterator<Item = &Peer> {
        std::iter::once(&self.axum).chain(&self.aiohttp)
    }

    fn load(&self) -> Load {
        Load {
            connections: CONNECTIONS,
            duration: self.seconds,
            pipelined: 1,
        }
    }

    /// Requests in a second, ours beside those of the others.
    fn throughput(&self, case: &str, asked: Asked, axum: f64, aiohttp: Option<f64>) {
        self.against(case, asked, &self.axum, axum);
        if let (Some(peer), Some(goal)) = (&self.aiohttp, aiohttp) {
            self.against(case, asked, peer, goal);
        }
    }

    fn against(&self, case: &str, asked: Asked, peer: &Peer, goal: f64) {
        let (mut ours, mut theirs, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        let load = self.load();
        let run = |address| asked.run(&self.folder, &load, address).per_second;
        // The first runs fill caches, and pools to their size.
        for round in 0..=self.rounds {
            // Neither always comes first.
            let (one, other) = match round % 2 {
                0 => (run(self.ours.address()), run(peer.address)),
                _ => {
                    let theirs = run(peer.address);
                    (run(self.ours.address()), theirs)
                }
            };
            if round > 0 {
                ours.push(one);
                theirs.push(other);
                ratios.push(one / other);
            }
        }
        let spread = spread(&ratios);
        let ratio = median(ratios);
        report(
            case,
            &format!(
                "{:.0} requests/s, {:.0} with {}: {ratio:.2} × ({spread})",
                median(ours),
                median(theirs),
                peer.name
            ),
            &format!("at least {goal} ×"),
            ratio >= goal,
        );
    }
}

/// From the least to the most.
fn spread(ratios: &[f64]) -> String {
    let least = ratios.iter().copied().fold(f64::INFINITY, f64::min);
    let most = ratios.iter().copied().fold(0.0, f64::max);
    format!("{least:.2} to {most:.2}")
}
