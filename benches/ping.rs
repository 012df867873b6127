//! `/ping` against minimal servers on axum, actix and stock async-h1, and how its cost grows.
//!
//! `cargo bench --bench ping -- [--rounds 5] [--seconds 4] [--growth]`
//!
//! The server has one core and wrk the other. The cost of a request is what the kernel says that the server used,
//! divided by the requests wrk counted. Servers take turns, so a ratio compares what was measured within seconds: these
//! figures hold as ratios, on one machine in one run, and not as times.

mod support;

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

use support::harness::{Database, Folder, Server, database, peppercorn};
use support::{Cpu, Load, Peer, SERVER_CORE, build_peer, flag, head, median, option, pinned, row};

const CONNECTIONS: u64 = 64;
const DEPTH: usize = 16;

fn main() {
    let rounds = option("rounds", 5);
    let seconds = Duration::from_secs(option("seconds", 4));
    let database = database("bench_ping");
    if flag("growth") {
        return growth(&database, seconds);
    }
    let folder = Folder::with(&[("api.sql", "-- name: one$\n-- http: GET /one\nselect 1;\n")]);
    let ours = serve(&database, &folder);
    let peers = ["axum", "actix", "async-h1"].map(|name| {
        let mut command = Command::new(build_peer(name));
        // Some serve more than `/ping` where there is a database.
        command.env_remove("DATABASE_URL");
        Peer::start(name, pinned(SERVER_CORE, &command))
    });
    let mut servers = vec![Measured::new("peppercorn", ours.pid(), ours.address())];
    servers.extend((peers.iter()).map(|peer| Measured::new(peer.name, peer.pid(), peer.address)));

    let load = |pipelined| Load {
        connections: CONNECTIONS,
        duration: seconds,
        pipelined,
    };
    println!("\n`/ping`, {CONNECTIONS} connections, server on one core, median of {rounds} runs");
    compare(&servers, &load(1), rounds);
    println!("\n`/ping`, {DEPTH} pipelined");
    // Stock async-h1 loses pipelined requests.
    compare(&servers[..3], &load(DEPTH), rounds);
}

/// A server that is measured.
struct Measured {
    name: &'static str,
    pid: u32,
    address: SocketAddr,
}

/// What requests cost, in microseconds of CPU each, and how many came through in a second.
struct Cost {
    user: f64,
    system: f64,
    per_second: f64,
}

impl Cost {
    fn total(&self) -> f64 {
        self.user + self.system
    }
}

impl Measured {
    fn new(name: &'static str, pid: u32, address: SocketAddr) -> Measured {
        Measured { name, pid, address }
    }

    fn run(&self, load: &Load, path: &str) -> Cost {
        let before = Cpu::of(self.pid);
        let answered = load.run(self.address, path);
        let used = Cpu::of(self.pid).since(before);
        assert_eq!(answered.errors, 0, "{}: {answered:?}", self.name);
        let each = |seconds: f64| seconds * 1e6 / answered.requests as f64;
        Cost {
            user: each(used.user),
            system: each(used.system),
            per_second: answered.per_second,
        }
    }
}

/// Measures the servers in turns. The last two columns compare the first server with each, run by run.
fn compare(servers: &[Measured], load: &Load, rounds: u64) {
    let runs: Vec<Vec<Cost>> = (0..rounds)
        .map(|_| {
            servers
                .iter()
                .map(|server| server.run(load, "/ping"))
                .collect()
        })
        .collect();
    head(&[
        "server",
        "requests/s",
        "user µs",
        "system µs",
        "CPU µs",
        "CPU of peppercorn",
        "its throughput",
    ]);
    for (index, server) in servers.iter().enumerate() {
        let middle = |of: &dyn Fn(&[Cost]) -> f64| median(runs.iter().map(|run| of(run)).collect());
        row(&[
            &server.name,
            &format!("{:.0}", middle(&|run| run[index].per_second)),
            &format!("{:.2}", middle(&|run| run[index].user)),
            &format!("{:.2}", middle(&|run| run[index].system)),
            &format!("{:.2}", middle(&|run| run[index].total())),
            &format!(
                "{:.3} ×",
                middle(&|run| run[0].total() / run[index].total())
            ),
            &format!(
                "{:.2} ×",
                middle(&|run| run[0].per_second / run[index].per_second)
            ),
        ]);
    }
}

/// How the cost of a request grows with connections, routes, the answer's size and pipelining.
fn growth(database: &Database, seconds: Duration) {
    let mut api = String::from(
        "-- name: sized$\n-- http: GET /sized/{bytes}\nselect repeat('x', :bytes::int);\n",
    );
    let few = Folder::with(&[("api.sql", &api)]);
    for route in 0..1000 {
        let path = format!("/a{}/{{id}}/b{}", route / 10, route % 10);
        write!(
            api,
            "-- name: r{route}$\n-- http: GET {path}\nselect :id::int;\n"
        )
        .expect("memory");
    }
    let many = Folder::with(&[("api.sql", &api)]);
    let table = |what: &str, cells: Vec<(String, Cost)>| {
        head(&[what, "requests/s", "user µs", "CPU µs"]);
        for (cell, cost) in cells {
            let cost = [cost.per_second.round(), cost.user, cost.total()];
            row(&[
                &cell,
                &cost[0],
                &format!("{:.2}", cost[1]),
                &format!("{:.2}", cost[2]),
            ]);
        }
    };
    let load = |connections, pipelined| Load {
        connections,
        duration: seconds,
        pipelined,
    };
    let server = serve(database, &few);
    let measured = Measured::new("peppercorn", server.pid(), server.address());
    let run =
        |connections, pipelined, path: &str| measured.run(&load(connections, pipelined), path);
    let connections = [1, 4, 16, 64, 256, 1024, 4096];
    let connections = connections.map(|count| (count.to_string(), run(count, 1, "/ping")));
    table("connections", connections.into());
    let depths = [1, 2, 4, 16, 64, 256].map(|depth| (depth.to_string(), run(64, depth, "/ping")));
    table("pipelined", depths.into());
    let sizes = [1, 1000, 10_000, 100_000, 1_000_000];
    let sizes = sizes.map(|size| (size.to_string(), run(64, 1, &format!("/sized/{size}"))));
    table("bytes of an SQL answer", sizes.into());
    drop(server);

    // Routed as every endpoint is, and answered without the database.
    let cells = [(3, &few), (1003, &many)].map(|(count, folder)| {
        let server = serve(database, folder);
        let measured = Measured::new("peppercorn", server.pid(), server.address());
        (format!("{count}"), measured.run(&load(64, 1), "/readyz"))
    });
    table("routes", cells.into());
}

fn serve(database: &Database, folder: &Folder) -> Server {
    let mut command = peppercorn();
    command
        .env("DATABASE_URL", database.url())
        .arg("serve")
        .arg(folder.path());
    Server::spawn(pinned(SERVER_CORE, &command)).ready()
}
