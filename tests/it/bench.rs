//! `peppercorn bench`, with wrk. The endpoints take their time, so that the load disturbs nobody's tests.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::process::Signal;
use serde_json::Value;

use crate::harness::{Database, Ended, Folder, database, peppercorn, poll, run, signal, wait};

const API: &str = "
-- name: one^
-- http: GET /one/{id}
select :id::int as id from pg_sleep(0.01);
-- name: many
-- http: GET /many
select n from generate_series(1, 3) n, pg_sleep(0.01);
-- name: busy
-- http: GET /busy
select 1 as one from pg_sleep(0.4);
";

/// The least that can be asked for.
const SHORT: [&str; 6] = ["--duration", "1s", "--settle", "0s", "--layouts", "1x1"];

struct Bench {
    database: Database,
    api: Folder,
    output: Folder,
}

impl Bench {
    fn new(name: &str) -> Bench {
        Bench {
            database: database(name),
            api: Folder::with(&[("api.sql", API)]),
            output: Folder::new(),
        }
    }

    /// `peppercorn bench` with these options, to which `--resume` knows the rest.
    fn command(&self, options: &[&str]) -> Command {
        let mut command = peppercorn();
        command
            .env("DATABASE_URL", self.database.url())
            .arg("bench");
        if !options.contains(&"--resume") {
            command
                .arg(self.api.path())
                .args(SHORT)
                .arg("--output")
                .arg(self.output.path());
        }
        command.args(options);
        command
    }

    fn run(&self, options: &[&str]) -> Ended {
        run(&mut self.command(options))
    }

    fn file(&self, name: &str) -> String {
        std::fs::read_to_string(self.output.path().join(name)).unwrap_or_default()
    }

    fn results(&self) -> Value {
        serde_json::from_str(&self.file("results.json")).unwrap()
    }
}

/// An address that nothing listens on.
fn free() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

/// What starts a peppercorn as if it were another server.
fn other(address: &str, api: &Path) -> String {
    let program = env!("CARGO_BIN_EXE_peppercorn");
    format!(
        "other=exec {program} serve {} --bind {address}",
        api.display()
    )
}

#[test]
fn each_server_is_measured() {
    let bench = Bench::new("bench_all");
    let address = free();
    let (command, url) = (
        other(&address, bench.api.path()),
        format!("http://{address}"),
    );
    let options = [
        "--connections",
        "2",
        "--runs",
        "1",
        "--layouts",
        "1x1,2x1",
        "--path",
        "one row=/one/7",
        "--against",
        &command,
        "--against-url",
        &url,
    ];
    let ended = bench.run(&options);
    assert_eq!(ended.code, Some(0), "{ended:?}");

    let results = bench.results();
    let runs = results["runs"].as_array().unwrap();
    assert_eq!(runs.len(), 3);
    for run in runs {
        assert_eq!(run["void"], Value::Null, "{run}");
        let number = |of: &str, name: &str| run[of][name].as_u64().unwrap();
        let (requests, duration) = (number("load", "requests"), number("load", "duration_us"));
        assert!((1_000_000..3_000_000).contains(&duration), "{run}");
        // Two clients, and answers that take 10 ms.
        assert!((1..=2 * duration / 10_000 + 2).contains(&requests), "{run}");
        let median = run["load"]["latency"]["p50_us"].as_u64();
        assert!(median.unwrap() >= 10_000, "{run}");
        assert!(number("used", "pss_bytes") > 500_000, "{run}");
        // A supervisor and its workers.
        let processes = if run["server"] == 1 { 3 } else { 1 };
        assert_eq!(number("used", "processes"), processes, "{run}");
    }
    let warnings = results["warnings"].to_string();
    let debug = cfg!(debug_assertions);
    assert_eq!(warnings.contains("debug build"), debug, "{warnings}");
    let machine = &results["machine"];
    assert!(machine["wrk"].is_string() && machine["postgresql"].is_string());

    for line in [
        "one row (/one/7)",
        "| other  | ",
        "one row: of 1 run nothing can be told from chance",
    ] {
        assert!(ended.stdout.contains(line), "{line}: {}", ended.stdout);
    }
    assert!(bench.file("report.html").contains("other"));
    let left = std::fs::read_dir(bench.output.path()).unwrap();
    let mut left: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
    left.retain(|name| !name.to_string_lossy().ends_with(".svg"));
    left.sort();
    let expected = [
        "1x1.log",
        "2x1.log",
        "other.log",
        "report.html",
        "results.json",
    ];
    assert_eq!(left, expected);
    // Its results are not written over.
    let again = bench.run(&["--runs", "1"]);
    assert_eq!(again.code, Some(71), "{again:?}");
    assert!(
        again.stderr.contains("results.json is there already"),
        "{again:?}"
    );
}

#[test]
fn paths_are_chosen_when_none_is_named() {
    let bench = Bench::new("bench_chosen");
    let ended = bench.run(&["--connections", "1", "--runs", "1"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let results = bench.results();
    let paths = results["plan"]["paths"].as_array().unwrap().iter();
    let paths: Vec<&str> = paths.map(|path| path["path"].as_str().unwrap()).collect();
    assert_eq!(paths, ["/ping", "/one/1", "/many"]);
    assert_eq!(results["runs"].as_array().unwrap().len(), 3);
    let advice = "no layout to advise: There are no two layouts to choose from.";
    assert!(ended.stdout.contains(advice), "{}", ended.stdout);
}

#[test]
fn a_run_with_wrong_answers_is_void() {
    let bench = Bench::new("bench_void");
    // 16 clients of one connection: most wait for a second in vain.
    let options = [
        "--connections",
        "16",
        "--runs",
        "1",
        "--duration",
        "3s",
        "--path",
        "busy=/busy",
    ];
    let ended = run(bench
        .command(&options)
        .env("PEPPERCORN_DB_CONNECTIONS", "1"));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let results = bench.results();
    let void = results["runs"][0]["void"].as_str().unwrap();
    assert!(
        void.contains("of status 400 or above") || void.contains("too late"),
        "{void}"
    );
    assert_eq!(
        results["machine"]["environment"],
        serde_json::json!([["PEPPERCORN_DB_CONNECTIONS", "1"]])
    );
    assert!(
        ended.stderr.contains(&format!("run 1 is void: {void}")),
        "{ended:?}"
    );
    assert!(
        !ended.stdout.contains("PEPPERCORN_WORKERS"),
        "nothing follows from nothing: {}",
        ended.stdout
    );
}

#[test]
fn what_was_measured_survives_ctrl_c_and_is_resumed() {
    let bench = Bench::new("bench_resume");
    let mut command = bench.command(&["--connections", "1", "--runs", "4", "--path", "/one/7"]);
    let mut child = command.stdout(Stdio::null()).spawn().unwrap();
    let made = || {
        let results: Value = serde_json::from_str(&bench.file("results.json")).ok()?;
        Some(results["runs"].as_array()?.len())
    };
    poll("a run", || made().filter(|made| *made > 0));
    signal(child.id(), Signal::INT);
    assert_eq!(wait(&mut child), Some(130));
    let before = bench.results();
    let kept = before["runs"].as_array().unwrap();
    assert!((1..4).contains(&kept.len()), "{}", kept.len());
    assert!(bench.file("report.html").contains("/one/7"));

    let file = bench.output.path().join("results.json");
    let ended = bench.run(&["--resume", file.to_str().unwrap()]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let after = bench.results();
    let runs = after["runs"].as_array().unwrap();
    assert_eq!(runs.len(), 4);
    assert_eq!(&runs[..kept.len()], kept.as_slice());
    let rounds: Vec<u64> = runs
        .iter()
        .map(|run| run["round"].as_u64().unwrap())
        .collect();
    assert_eq!(rounds, [0, 1, 2, 3]);
}

#[test]
fn servers_that_cannot_be_compared_are_named() {
    let bench = Bench::new("bench_refused");
    let missing = bench.run(&["--connections", "1", "--runs", "1", "--path", "/nothing"]);
    assert_eq!(missing.code, Some(69), "{missing:?}");
    assert!(
        missing
            .stderr
            .contains("1x1 answers /nothing with status 404"),
        "{missing:?}"
    );

    let gone = [
        "--against",
        "gone=exit 3",
        "--against-url",
        "http://127.0.0.1:9",
        "--path",
        "/ping",
    ];
    let ended = run(bench
        .command(&gone)
        .arg("--output")
        .arg(bench.output.path().join("gone")));
    assert_eq!(ended.code, Some(69), "{ended:?}");
    for part in ["gone does not answer", "gone.log", "exit status: 3"] {
        assert!(ended.stderr.contains(part), "{ended:?}");
    }

    let mut alone = bench.command(&["--path", "/ping"]);
    let ended = run(alone
        .env("PATH", "/nowhere")
        .arg("--output")
        .arg(bench.output.path().join("alone")));
    assert_eq!(ended.code, Some(69), "{ended:?}");
    assert!(ended.stderr.contains("apt-get install wrk"), "{ended:?}");

    // The same routes, other answers.
    let another = Folder::with(&[(
        "api.sql",
        "-- name: one^\n-- http: GET /one/{id}\nselect :id::int + 1 as id;",
    )]);
    let address = free();
    let (command, url) = (other(&address, another.path()), format!("http://{address}"));
    let options = [
        "--connections",
        "1",
        "--runs",
        "1",
        "--path",
        "/one/7",
        "--against",
        &command,
        "--against-url",
        &url,
    ];
    let ended = run(bench
        .command(&options)
        .arg("--output")
        .arg(bench.output.path().join("another")));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let warning = "warning: other answers /one/7 otherwise than 1x1: 8 bytes against 8";
    assert!(ended.stdout.contains(warning), "{ended:?}");
}
