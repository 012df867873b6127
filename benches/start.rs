//! How long a service takes from its start to the first 200 of `/readyz`, against a database that runs.
//!
//! `cargo bench --bench start -- [--starts 20] [--only NAME]`
//!
//! | case | what starts |
//! |---|---|
//! | `exchange` | `examples/exchange`, in one process |
//! | `supervised` | the same with a supervisor and one worker |
//! | `hundred` | a hundred endpoints |
//!
//! `/readyz` is asked every half millisecond from before there is anybody who answers. Ends with 1 if a goal is missed:
//! it is for a machine that has nothing else to do.

#![allow(
    unreachable_pub,
    reason = "a module of a bench says what it offers to the others"
)]

mod support;

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use support::harness::{Database, Folder, PATIENCE, database, peppercorn};
use support::{Cases, median, option, report, run_cases};

/// From exec to the first 200.
const GOAL: Duration = Duration::from_millis(50);
/// Between two questions.
const PAUSE: Duration = Duration::from_micros(500);

struct Field {
    database: Database,
    starts: u64,
}

fn main() -> ExitCode {
    let exchange = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/exchange");
    let field = Field {
        database: database("bench_start"),
        starts: option("starts", 20),
    };
    let schema = std::fs::read_to_string(exchange.join("schema.sql")).expect("a schema");
    field.database.run(&schema);
    let cases: &Cases<'_, Field> = &[
        ("exchange", |field| field.exchange("exchange", &[])),
        ("supervised", |field| {
            field.exchange("supervised", &["--supervise"]);
        }),
        ("hundred", hundred),
    ];
    run_cases(&["start", "to /readyz", "goal", ""], cases, &field)
}

fn hundred(field: &Field) {
    let folder = Folder::new();
    for number in 0..100 {
        let text = format!(
            "-- name: list-{number}\n-- http: GET /lists/{number}/{{id}}\n-- :id int\n-- :limit int default 20\n\
             select id, name, starts_at from events where id = :id limit :limit;\n"
        );
        folder.write(&format!("list-{number}.sql"), &text);
    }
    field.case("hundred", folder.path(), &[]);
}

impl Field {
    fn exchange(&self, name: &str, options: &[&str]) {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/exchange");
        self.case(name, &directory, options);
    }

    fn case(&self, name: &str, directory: &Path, options: &[&str]) {
        let took: Vec<f64> = (0..self.starts)
            .map(|_| self.start(directory, options).as_secs_f64() * 1e3)
            .collect();
        let worst = took.iter().copied().fold(0.0, f64::max);
        let median = median(took);
        let figure = format!(
            "{median:.1} ms (median of {}), {worst:.1} ms (worst)",
            self.starts
        );
        let goal = format!("{} ms (median)", GOAL.as_millis());
        report(name, &figure, &goal, median <= GOAL.as_secs_f64() * 1e3);
    }

    /// How long one start takes.
    fn start(&self, directory: &Path, options: &[&str]) -> Duration {
        let address = free_address();
        let mut command: Command = peppercorn();
        command.env("DATABASE_URL", self.database.url());
        command.arg("serve").arg(directory).args(options);
        command.args(["--bind", &address.to_string()]);
        command.stderr(Stdio::null());
        let begin = Instant::now();
        let mut child = command.spawn().expect("the program");
        while !is_ready(address) {
            assert!(begin.elapsed() < PATIENCE, "{directory:?} is not served");
            std::thread::sleep(PAUSE);
        }
        let took = begin.elapsed();
        let pid = Pid::from_child(&child);
        kill_process(pid, Signal::QUIT).expect("it runs");
        child.wait().expect("its end");
        took
    }
}

/// Nobody listens there now.
fn free_address() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    listener.local_addr().expect("an address")
}

fn is_ready(address: SocketAddr) -> bool {
    let ask = || -> std::io::Result<bool> {
        let mut stream = TcpStream::connect(address)?;
        stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: start\r\nConnection: close\r\n\r\n")?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        Ok(answer.starts_with(b"HTTP/1.1 200 "))
    };
    ask().unwrap_or(false)
}
