//! The access log: what it costs, whoever reads it.

use std::fs::File;
use std::io::{PipeReader, pipe};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::harness::Server;
use crate::others::{Noticed, others};
use crate::support::{Answered, CLIENT_CORE, Load, busy, median, nicer, pinned};
use crate::{Field, NICE, report, scraped};

const TURN: Duration = Duration::from_secs(1);
const PATHS: [&str; 2] = ["/ping", "/one"];

/// A server, and where its access log goes.
struct Case {
    name: &'static str,
    server: Server,
    /// Kept open, and not read.
    unread: Option<PipeReader>,
    /// At the server's limit, of each path.
    runs: [Vec<Run>; 2],
    /// Of clients that leave it time, beside those of the server without a log.
    noticed: Noticed,
}

struct Run {
    answered: Answered,
    /// For a request, in microseconds.
    cpu: f64,
}

/// `/ping` and an SQL route, by turns.
pub fn logs(field: &Field) {
    let start = |name, stdout: Option<Stdio>, unread| {
        let options: &[&str] = match stdout {
            Some(_) => &["--access-log"],
            None => &[],
        };
        let mut command = field.command(options);
        command.stdout(stdout.unwrap_or_else(Stdio::null));
        Case {
            name,
            server: Server::spawn(command).ready(),
            unread,
            runs: Default::default(),
            noticed: Noticed::default(),
        }
    };
    let file = File::create(field.folder.path().join("access.log")).expect("a file");
    let (read, to_reader) = pipe().expect("a pipe");
    let (unread, to_nobody) = pipe().expect("a pipe");
    let without = &mut start("none", None, None);
    let mut cases = [
        start("to a file", Some(file.into()), None),
        start("to a reader", Some(to_reader.into()), None),
        start("to nobody", Some(to_nobody.into()), Some(unread)),
    ];
    let reader = reader(read);
    for turn in 0..field.turns(12 * TURN) as usize {
        for (index, path) in PATHS.into_iter().enumerate() {
            let run = without.run(path);
            without.runs[index].push(run);
            for place in 0..cases.len() {
                // None always comes first.
                let case = &mut cases[(place + turn) % 3];
                let run = case.run(path);
                case.runs[index].push(run);
            }
        }
        let pings = others(&without.server, TURN);
        for case in &mut cases {
            case.noticed.note(others(&case.server, TURN), pings);
        }
    }
    for case in &cases {
        let trouble = format!("logs, {}", case.name);
        for (index, path) in PATHS.into_iter().enumerate() {
            case.report(path, &case.runs[index], &without.runs[index]);
        }
        case.noticed.report(&trouble, "without the log");
        let lost = scraped(
            &case.server,
            "peppercorn_log_lines_dropped_total",
            &["\"access\""],
        );
        let (goal, reached) = match case.unread {
            Some(_) => ("nobody waits for a reader", lost > 0),
            None => ("none", lost == 0),
        };
        report(&trouble, &format!("{lost} lines lost"), goal, reached);
    }
    drop(cases);
    end(reader);
}

/// cat(1), with the same share of the clients' core as wrk.
fn reader(read: PipeReader) -> Child {
    let mut cat = pinned(CLIENT_CORE, &nicer(-2 * NICE, &Command::new("cat")));
    cat.stdin(read).stdout(Stdio::null());
    cat.spawn().expect("cat")
}

/// The last writer is gone: it has read everything.
fn end(mut reader: Child) {
    let ended = reader.wait().expect("cat");
    assert!(ended.success(), "{ended}");
}

impl Case {
    fn run(&self, path: &str) -> Run {
        let load = Load {
            connections: 16,
            duration: TURN,
            pipelined: 1,
        };
        let worker = self.server.settled(1)[0].pid;
        let before = busy(worker);
        let answered = load.run(self.server.address(), path);
        assert_eq!(answered.errors, 0, "{path}: {answered:?}");
        let cpu = (busy(worker) - before).as_secs_f64() * 1e6 / answered.requests as f64;
        Run { answered, cpu }
    }

    fn report(&self, path: &str, runs: &[Run], without: &[Run]) {
        let middle =
            |runs: &[Run], of: fn(&Run) -> f64| median(runs.iter().map(of).collect::<Vec<f64>>());
        let ratio = |of: fn(&Run) -> f64| {
            let ratios = runs
                .iter()
                .zip(without)
                .map(|(with, without)| of(with) / of(without));
            median(ratios.collect())
        };
        let cpu = |run: &Run| run.cpu;
        let p99 = |run: &Run| run.answered.p99.as_secs_f64() * 1e3;
        report(
            &format!("logs, {}, GET {path}", self.name),
            &format!(
                "{:.2} µs of CPU for a request, {:.2} without the log: {:.2} ×; p99 {:.2} ms, {:.2}: {:.2} × (median of {} turns)",
                middle(runs, cpu),
                middle(without, cpu),
                ratio(cpu),
                middle(runs, p99),
                middle(without, p99),
                ratio(p99),
                runs.len(),
            ),
            "CPU at most 1.5 µs more, p99 within 10%",
            middle(runs, cpu) <= middle(without, cpu) + 1.5 && ratio(p99) <= 1.1,
        );
    }
}
