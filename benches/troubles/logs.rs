//! The access log: what it costs, whoever reads it.
//!
//! `/ping` is not in it, so that it is no part of this. A second server without a log is compared with the first like those
//! that have one: that is what the figures are worth.

use std::fs::File;
use std::io::{PipeReader, pipe};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::others::{Noticed, gently};
use crate::support::harness::{Server, scrape};
use crate::support::{CLIENT_CORE, Load, NICE, median, nicer, pinned, report};
use crate::{Field, cpu_of_request};

const TURN: Duration = Duration::from_secs(1);
/// One that is answered at once, and one of SQL.
const PATHS: [&str; 2] = ["/readyz", "/one"];

/// A server, and where its access log goes.
struct Case {
    name: &'static str,
    server: Server,
    /// Kept open, and not read.
    unread: Option<PipeReader>,
    /// CPU time for a request at the server's limit, in microseconds, turn by turn, of each path.
    cpu: [Vec<f64>; 2],
    /// What clients notice that leave it time, beside those of the server without a log, of each path.
    noticed: [Noticed; 2],
}

/// Two routes, by turns.
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
            cpu: Default::default(),
            noticed: Default::default(),
        }
    };
    let file = File::create(field.folder.path().join("access.log")).expect("a file");
    let (read, to_reader) = pipe().expect("a pipe");
    let (unread, to_nobody) = pipe().expect("a pipe");
    let without = &mut start("none", None, None);
    let mut cases = [
        start("none again", None, None),
        start("to a file", Some(file.into()), None),
        start("to a reader", Some(to_reader.into()), None),
        start("to nobody", Some(to_nobody.into()), Some(unread)),
    ];
    let reader = reader(read);
    for turn in 0..field.turns(5 * TURN) as usize {
        for (index, path) in PATHS.into_iter().enumerate() {
            without.cpu[index].push(without.cpu_at_limit(path));
            let answered = gently(&without.server, path, TURN);
            for place in 0..cases.len() {
                // None always comes first.
                let case = &mut cases[(place + turn) % 4];
                case.cpu[index].push(case.cpu_at_limit(path));
                case.noticed[index].note(gently(&case.server, path, TURN), answered);
            }
        }
    }
    for case in &cases {
        for (index, path) in PATHS.into_iter().enumerate() {
            case.report(path, index, &without.cpu[index]);
        }
        case.report_lost();
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
    fn cpu_at_limit(&self, path: &str) -> f64 {
        let load = Load {
            connections: 16,
            duration: TURN,
            pipelined: 1,
        };
        cpu_of_request(&self.server, &load, path)
    }

    fn report(&self, path: &str, index: usize, without: &[f64]) {
        let cpu = &self.cpu[index];
        let more = cpu
            .iter()
            .zip(without)
            .map(|(with, without)| with - without);
        let more = median(more.collect());
        let trouble = format!("logs, {}, GET {path}", self.name);
        report(
            &trouble,
            &format!(
                "{:.2} µs of CPU for a request, {:.2} without the log: {more:+.2} (median of {} turns)",
                median(cpu.clone()),
                median(without.to_vec()),
                cpu.len(),
            ),
            "at most 1 µs more",
            more <= 1.0,
        );
        self.noticed[index].report(&trouble, "their", "without the log");
    }

    fn report_lost(&self) {
        let name = "peppercorn_log_lines_dropped_total";
        let lost = scrape(&self.server).sum(name, &["\"access\""]) as u64;
        let (goal, reached) = match self.unread {
            Some(_) => ("nobody waits for a reader", lost > 0),
            None => ("none", lost == 0),
        };
        let figure = format!("{lost} lines lost");
        report(&format!("logs, {}", self.name), &figure, goal, reached);
    }
}
