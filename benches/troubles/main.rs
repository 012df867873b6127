//! What goes wrong in a service under load, and who notices: errors and panics, a Sentry that is no help, a handler that
//! blocks, a worker that is killed, a log that nobody reads. Each figure beside its goal. Ends with 1 if a goal is missed.
//!
//! `cargo bench --bench troubles -- [--seconds 30] [--only NAME]`
//!
//! | trouble | what happens |
//! |---|---|
//! | `errors` | 10,000 requests fail every second, and Sentry never answers, wants no more, or hangs up |
//! | `panics` | 1,000 requests panic within a second |
//! | `stalls` | a handler blocks its thread |
//! | `counts` | one of three workers is killed while all is counted |
//! | `logs` | every request is logged, to a file, to a reader, and to nobody |
//! | `stall-cost` | nothing: what it costs to time every poll |
//!
//! The server has one core, wrk and everybody else the other. What others notice is the 99th percentile of `/ping`, on
//! connections that have no part in the trouble. With trouble and without take turns of a second or a few: what is
//! compared was measured within seconds, and the figure is the median of the turns' ratios.
//!
//! On a machine that does other things besides, figures are theirs too, unless this goes first. Where the kernel groups
//! processes by session that takes `setsid -w sh -c 'echo -20 > /proc/self/autogroup; exec cargo bench --bench troubles'`.

#![allow(
    unreachable_pub,
    reason = "a module of a bench says what it offers to the others"
)]

mod counts;
mod errors;
mod logs;
mod others;
mod panics;
mod stalls;
#[path = "../support/mod.rs"]
mod support;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use support::harness::{
    Database, FakeSentry, Folder, Server, database, peppercorn, scrape, undisturbed,
};
use support::{Cases, Load, NICE, SERVER_CORE, busy, nicer, option, pinned, run_cases, stand_back};

const API: &str = "
-- name: one$
-- http: GET /one
select 1;
";

/// What every trouble is given.
struct Field {
    database: Database,
    folder: Folder,
    /// `examples/trouble.rs`.
    trouble: PathBuf,
    /// How long a trouble lasts, all turns together.
    duration: Duration,
}

impl Field {
    /// The program on the servers' core.
    fn command(&self, options: &[&str]) -> Command {
        let mut command = peppercorn();
        command.env("DATABASE_URL", self.database.url());
        command.arg("serve").arg(self.folder.path()).args(options);
        on_its_core(&command)
    }

    /// The handlers that fail, panic and block, likewise, with a Sentry or without.
    fn trouble(&self, sentry: Option<&FakeSentry>) -> Server {
        let mut command = undisturbed(&self.trouble);
        // Asked for backtraces, a program takes its time for them and prints them.
        command
            .arg("serve")
            .env_remove("SENTRY_DSN")
            .env_remove("RUST_BACKTRACE");
        if let Some(sentry) = sentry {
            command.env("SENTRY_DSN", sentry.dsn());
        }
        Server::spawn(on_its_core(&command)).ready()
    }

    /// How many turns of about this length there are time for.
    fn turns(&self, length: Duration) -> u32 {
        (self.duration.as_millis() / length.as_millis()).max(3) as u32
    }
}

fn on_its_core(command: &Command) -> Command {
    let mut command = pinned(SERVER_CORE, &nicer(-NICE, command));
    command.stdin(Stdio::null()).stdout(Stdio::null());
    command
}

/// Requests that were answered so.
fn counted(server: &Server, route: &str, status: u16) -> u64 {
    let labels = [
        &*format!("http_route=\"{route}\""),
        &*format!("http_response_status_code=\"{status}\""),
    ];
    scrape(server).requests(&labels) as u64
}

/// CPU time of a server of one worker for a request, in microseconds.
fn cpu_of_request(server: &Server, load: &Load, path: &str) -> f64 {
    let worker = server.settled(1)[0].pid;
    let before = busy(worker);
    let answered = load.run(server.address(), path);
    assert_eq!(answered.errors, 0, "{path}: {answered:?}");
    (busy(worker) - before).as_secs_f64() * 1e6 / answered.requests as f64
}

/// Builds the example as this bench was built, and says where it is: `cargo bench` does not.
fn build_trouble() -> PathBuf {
    let bench = std::env::current_exe().expect("a program has a file");
    let profile = bench.ancestors().nth(2).expect("target/release");
    let target = profile.parent().expect("target");
    let built = Command::new(env!("CARGO"))
        .args(["build", "--release", "--quiet", "--example", "trouble"])
        .arg("--manifest-path")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml"))
        .arg("--target-dir")
        .arg(target)
        // They are about this bench: dependencies would be built anew for what they take for another package.
        .env_clear()
        .envs(std::env::vars().filter(|(name, _)| !of_this_bench(name)))
        .status();
    assert!(
        built.expect("cargo").success(),
        "the example does not build"
    );
    profile.join("examples/trouble")
}

/// Whether cargo tells a program of its own package in a variable of this name.
fn of_this_bench(name: &str) -> bool {
    let prefixes = ["CARGO_PKG_", "CARGO_MANIFEST_"];
    prefixes.iter().any(|prefix| name.starts_with(prefix))
}

fn main() -> ExitCode {
    let trouble = build_trouble();
    stand_back();
    let field = Field {
        database: database("bench_troubles"),
        folder: Folder::with(&[("api.sql", API)]),
        trouble,
        duration: Duration::from_secs(option("seconds", 30)),
    };
    let troubles: &Cases<'_, Field> = &[
        ("errors", errors::errors),
        ("panics", panics::panics),
        ("stalls", stalls::stalls),
        ("counts", counts::counts),
        ("logs", logs::logs),
        ("stall-cost", stalls::cost),
    ];
    run_cases(&["trouble", "figure", "goal", ""], troubles, &field)
}
