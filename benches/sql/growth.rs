//! How throughput and CPU grow with rows, database connections, workers, threads and clients.

use std::time::Duration;

use crate::support::harness::{Database, Folder, Server};
use crate::support::{Load, busy, head, row};
use crate::{Asked, CONNECTIONS, ONE_ROW, TEN_ROWS, forget_inserts, serve};

/// Prints the tables.
pub fn growth(database: &Database, folder: &Folder, seconds: Duration) {
    let measured = |server: &Server, asked: Asked, connections| {
        let load = Load {
            connections,
            duration: seconds,
            pipelined: 1,
        };
        // Until every connection is open and every statement's cost is known.
        asked.run(
            folder,
            &Load {
                duration: Duration::from_secs(1),
                ..load
            },
            server.address(),
        );
        let before = of_all_workers(server.pid());
        let answered = asked.run(folder, &load, server.address());
        let used = of_all_workers(server.pid()) - before;
        if matches!(asked, Asked::Inserts) {
            forget_inserts(database);
        }
        Cell {
            per_second: answered.per_second,
            cpu_us: used.as_secs_f64() * 1e6 / answered.requests as f64,
            p99: answered.p99,
        }
    };
    let queries = [
        ("one row", Asked::Get(ONE_ROW)),
        ("ten rows", Asked::Get(TEN_ROWS)),
        ("insert", Asked::Inserts),
    ];
    let server = serve(database, folder, &[]);
    table(
        "rows",
        [
            ("1", "/contracts?limit=1"),
            ("10", "/contracts?limit=10"),
            ("100", "/contracts?limit=100"),
            ("1,000", "/contracts?limit=1000"),
            ("10,000, streamed", "/contracts?limit=10000"),
        ]
        .map(|(rows, path)| {
            (
                rows.to_owned(),
                measured(&server, Asked::Get(path), CONNECTIONS),
            )
        }),
    );
    for (name, asked) in queries {
        table(
            &format!("clients, {name}"),
            [1, 4, 16, 64, 256, 1000]
                .map(|count| (count.to_string(), measured(&server, asked, count))),
        );
    }
    drop(server);
    let options: [(&str, &[&[&str]]); 2] = [
        (
            "options",
            &[
                &["--db-connections", "1"],
                &["--db-connections", "2"],
                &["--db-connections", "4"],
                &["--db-connections", "8"],
                &["--db-connections", "16"],
            ],
        ),
        (
            "layout",
            &[
                &["--workers", "1"],
                &["--workers", "2"],
                &["--workers", "3"],
                &["--threads", "2", "--executor", "local"],
                &["--threads", "2", "--executor", "shared"],
            ],
        ),
    ];
    for (what, sets) in options {
        for (name, asked) in queries {
            table(
                &format!("{what}, {name}"),
                sets.iter().map(|options| {
                    let server = serve(database, folder, options);
                    (options.join(" "), measured(&server, asked, CONNECTIONS))
                }),
            );
        }
    }
}

struct Cell {
    per_second: f64,
    cpu_us: f64,
    p99: Duration,
}

fn table(what: &str, cells: impl IntoIterator<Item = (String, Cell)>) {
    head(&[what, "requests/s", "CPU µs of the server", "p99 ms"]);
    for (name, cell) in cells {
        row(&[
            &name,
            &format!("{:.0}", cell.per_second),
            &format!("{:.1}", cell.cpu_us),
            &format!("{:.2}", cell.p99.as_secs_f64() * 1e3),
        ]);
    }
}

/// CPU time of a server and of its workers, if it has any.
fn of_all_workers(pid: u32) -> Duration {
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
    let children = children.unwrap_or_default();
    let pids = children
        .split_whitespace()
        .filter_map(|pid| pid.parse().ok());
    std::iter::once(pid).chain(pids).map(busy).sum()
}
