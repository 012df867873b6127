//! Workers × threads on this machine, and what they take.

use std::time::Duration;

use crate::support::harness::Server;
use crate::support::{Answered, Cpu, Load, head, median, pss, report, row};
use crate::{Field, workers};

const RUNS: usize = 3;
const PATHS: [&str; 2] = ["/ping", "/items/7"];
const CONNECTIONS: [u64; 2] = [64, 8];

/// Workers, threads and executor, each with both ways to accept.
const LAYOUTS: [(&str, &[&str]); 5] = [
    ("1 × 1", &["--workers", "1"]),
    ("2 × 1", &["--workers", "2"]),
    (
        "1 × 2 shared",
        &["--workers", "1", "--threads", "2", "--executor", "shared"],
    ),
    (
        "1 × 2 local",
        &["--workers", "1", "--threads", "2", "--executor", "local"],
    ),
    ("3 × 1", &["--workers", "3"]),
];

/// A layout's services: what is to be measured, and what was.
struct Case {
    layout: &'static str,
    accept: &'static str,
    options: Vec<&'static str>,
    path: &'static str,
    connections: u64,
    runs: Vec<Run>,
}

struct Run {
    answered: Answered,
    /// Of the whole service, in seconds.
    cpu: f64,
    /// Connections of the worker with the fewest, and with the most.
    spread: (u64, u64),
}

/// How fast they are. No goals: which is best depends on the machine.
pub fn layouts(field: &Field) {
    let mut cases: Vec<Case> = Vec::new();
    for (layout, options) in LAYOUTS {
        for accept in ["slots", "shared"] {
            for (path, connections) in PATHS
                .into_iter()
                .flat_map(|path| CONNECTIONS.map(|count| (path, count)))
            {
                cases.push(Case {
                    layout,
                    accept,
                    options: [options, &["--accept", accept]].concat(),
                    path,
                    connections,
                    runs: Vec::new(),
                });
            }
        }
    }
    let duration = (field.duration / 6).max(Duration::from_secs(1));
    let mut order: Vec<usize> = (0..RUNS).flat_map(|_| 0..cases.len()).collect();
    fastrand::shuffle(&mut order);
    for index in order {
        let run = cases[index].run(field, duration);
        cases[index].runs.push(run);
    }
    println!(
        "\nworkers × threads, median of {RUNS} runs of {} s in random order",
        duration.as_secs()
    );
    for path in PATHS {
        for connections in CONNECTIONS {
            println!("\n`{path}`, {connections} connections");
            head(&[
                "workers × threads",
                "accept",
                "requests/s",
                "CPU µs",
                "p99",
                "connections of each worker",
            ]);
            let of = |case: &&Case| case.path == path && case.connections == connections;
            cases.iter().filter(of).for_each(Case::print);
        }
    }
}

impl Case {
    fn run(&self, field: &Field, duration: Duration) -> Run {
        let server = field.server(&self.options);
        let load = Load {
            connections: self.connections,
            duration,
            pipelined: 1,
        };
        let (address, path) = (server.address(), self.path);
        let before = used(&server);
        let (answered, spread) = std::thread::scope(|scope| {
            let wrk = scope.spawn(move || load.run_anywhere(address, path));
            std::thread::sleep(duration / 2);
            let counts = || {
                workers(&server)
                    .into_iter()
                    .map(|worker| worker.connections)
            };
            let spread = (
                counts().min().unwrap_or_default(),
                counts().max().unwrap_or_default(),
            );
            (wrk.join().expect("wrk"), spread)
        });
        assert_eq!(answered.errors, 0, "{} {path}: {answered:?}", self.layout);
        Run {
            cpu: used(&server) - before,
            answered,
            spread,
        }
    }

    fn print(&self) {
        let middle = |of: &dyn Fn(&Run) -> f64| median(self.runs.iter().map(of).collect());
        let spreads: Vec<String> = self
            .runs
            .iter()
            .map(|run| match run.spread {
                (fewest, most) if fewest == most => most.to_string(),
                (fewest, most) => format!("{fewest}–{most}"),
            })
            .collect();
        row(&[
            &self.layout,
            &self.accept,
            &format!("{:.0}", middle(&|run| run.answered.per_second)),
            &format!(
                "{:.1}",
                middle(&|run| run.cpu * 1e6 / run.answered.requests as f64)
            ),
            &format!(
                "{:.2} ms",
                middle(&|run| run.answered.p99.as_secs_f64() * 1e3)
            ),
            &spreads.join(", "),
        ]);
    }
}

/// CPU time of all processes of a service.
fn used(server: &Server) -> f64 {
    let pids = server.service().pids();
    pids.into_iter().map(|pid| Cpu::of(pid).total()).sum()
}

/// What the processes of an idle service take, and of one that has served.
pub fn memory(field: &Field) {
    const MIB: f64 = 1024.0 * 1024.0;
    let server = field.server(&["--workers", "4"]);
    let idle = server.settled(4);
    let each = idle.iter().map(|worker| pss(worker.pid) as f64 / MIB);
    let most = each.fold(0.0, f64::max);
    let figure = format!("an idle worker of four: {most:.1} MiB at most");
    report("memory", &figure, "at most 4 MiB", most <= 4.0);
    let own = pss(server.pid()) as f64 / MIB;
    let figure = format!("their supervisor: {own:.1} MiB");
    report("memory", &figure, "at most 2 MiB", own <= 2.0);
}
