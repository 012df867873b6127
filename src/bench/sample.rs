//! Results that nobody has measured, for tests.

use super::layout::Layout;
use super::machine::Machine;
use super::paths::Named;
use super::pin::Pin;
use super::plan::{Cell, Kind, Plan, Server};
use super::results::{Errors, FORMAT, Latency, Load, Results, Run, Used};

/// Of these servers (layouts, or names of others) on `/ping` and `one row`, over 1 and 64 connections, in six rounds of a
/// second. `rate` says how many answers a second a server gives in a round; none: the run is void.
pub(super) fn results(servers: &[&str], rate: impl Fn(&str, usize) -> Option<u64>) -> Results {
    let server = |name: &&str| Server {
        name: (*name).to_owned(),
        kind: match name.parse::<Layout>() {
            Ok(layout) => Kind::Layout(layout),
            Err(_) => Kind::Other {
                command: format!("./{name}"),
                url: "http://127.0.0.1:1".into(),
            },
        },
    };
    let plan = Plan {
        directory: "api".into(),
        servers: servers.iter().map(server).collect(),
        paths: ["/ping", "one row=/a/1"]
            .map(|path| path.parse::<Named>().expect("a path"))
            .into(),
        connections: vec![1, 64],
        rounds: 6,
        duration_s: 1,
        settle_ms: 0,
        wrk_threads: 1,
        pin: Pin::default(),
        seed: 1,
    };
    let mut runs = Vec::new();
    for round in 0..plan.rounds {
        for server in plan.order(round) {
            for cell in plan.cells(round, server) {
                runs.push(run(round, cell, rate(servers[server], round)));
            }
        }
    }
    Results {
        format: FORMAT,
        began: "2026-11-25T12:00:00.000000Z".into(),
        peppercorn: "0.1.0".into(),
        machine: machine(),
        warnings: Vec::new(),
        plan,
        runs,
    }
}

fn run(round: usize, cell: Cell, rate: Option<u64>) -> Run {
    let requests = rate.unwrap_or(1000);
    Run {
        round,
        cell,
        began: "2026-11-25T12:00:00.000000Z".into(),
        void: rate.is_none().then(|| "7 answers too late".to_owned()),
        load: Some(Load {
            requests,
            bytes: requests * 100,
            duration_us: 1_000_000,
            errors: Errors::default(),
            latency: Some(Latency {
                mean_us: 1100,
                p50_us: 1000,
                p75_us: 1200,
                p90_us: 1500,
                p99_us: 2500,
                p999_us: 9000,
                max_us: 20_000,
                corrected_p99_us: 3000,
            }),
        }),
        used: Some(Used {
            user_ms: 200,
            system_ms: 300,
            pss_bytes: Some(4 << 20),
            processes: 1,
        }),
        stolen: 0.0,
    }
}

fn machine() -> Machine {
    Machine {
        processor: "Sample 1".into(),
        processors: 2,
        virtual_machine: true,
        frequency_governor: None,
        memory_bytes: 8 << 30,
        kernel: "Linux 6.1".into(),
        system: "Debian 12".into(),
        postgresql: "15.1".into(),
        wrk: "4.1.0".into(),
        git_revision: Some("0123456789ab".into()),
        environment: Vec::new(),
    }
}
