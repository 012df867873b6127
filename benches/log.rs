//! What a line of the access log costs: `cargo bench --bench log`.
//!
//! Each case is a process whose log goes to `/dev/null`, which takes everything at once, or to a pipe that nobody reads.
//! `caller` is what the thread spends that has answered a request, `process` is that and what the writing takes. No
//! executor runs beside it, so that every cache is the log's: the flattering case.

use std::env;
use std::process::{Command, Stdio};
use std::time::Duration;

use peppercorn::observe::{self, Access, Channel, Format, Logger};
use rustix::time::{ClockId, clock_gettime};

/// Says which case a process is.
const CASE: &str = "--case=";
/// Lines one after the other: so few that there is room for all of them.
const LINES: u32 = 2000;
/// How often; the median counts.
const RUNS: usize = 301;

fn main() {
    if let Some(case) = env::args().find_map(|word| Some(word.strip_prefix(CASE)?.to_owned())) {
        return measure(&case);
    }
    eprintln!("{:<28}{:>10}{:>10}   ns per line", "", "caller", "process");
    let itself = env::current_exe().expect("a program has a file");
    for (case, read) in [
        ("text", true),
        ("json", true),
        ("text, nobody reads", false),
        ("json, nobody reads", false),
    ] {
        let mut command = Command::new(&itself);
        command.arg(format!("{CASE}{case}")).stdout(match read {
            true => Stdio::null(),
            false => Stdio::piped(),
        });
        let mut child = command.spawn().expect("it runs already");
        // Its end of the pipe stays open, and nothing is read from it.
        let _unread = child.stdout.take();
        let status = child.wait().expect("a child of ours");
        assert!(status.success(), "{case}: {status}");
    }
}

fn measure(case: &str) {
    let _farewell = Logger::install(false);
    observe::write_as(match case.starts_with("json") {
        true => Format::Json,
        false => Format::Text,
    });
    let access = Access {
        peer: Some([192, 0, 2, 7].into()),
        method: Some("GET"),
        path: Some("/markets/7/prices"),
        route: Some("/markets/{market_id}/prices"),
        status: 200,
        bytes: 1234,
        duration: Duration::from_micros(1234),
        request_id: "6e0f6d3a9f7c4d55",
    };
    let unread = case.ends_with("reads");
    let (mut caller, mut process) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        let begin = [ClockId::ThreadCPUTime, ClockId::ProcessCPUTime].map(clock_gettime);
        for _ in 0..LINES {
            observe::access(&access);
        }
        let thread = since(ClockId::ThreadCPUTime, begin[0]);
        if !unread {
            assert!(observe::flush(Duration::MAX));
        }
        caller.push(thread / LINES);
        process.push(since(ClockId::ProcessCPUTime, begin[1]) / LINES);
    }
    let lost = observe::lines_lost(Channel::Access);
    assert_eq!(lost > 0, unread, "{lost} lines lost");
    let [caller, process] = [caller, process].map(|mut times| {
        times.sort();
        times[times.len() / 2].as_nanos()
    });
    eprintln!("{case:<28}{caller:>10}{process:>10}");
}

fn since(clock: ClockId, begin: rustix::time::Timespec) -> Duration {
    let nanos =
        |time: rustix::time::Timespec| time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64;
    Duration::from_nanos(nanos(clock_gettime(clock)) - nanos(begin))
}
