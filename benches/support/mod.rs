//! What the benches of whole servers stand on: a server on one core, wrk on the other, and the kernel's own accounts.

#![allow(
    dead_code,
    unreachable_pub,
    unused_imports,
    reason = "every bench needs a part of it"
)]

#[path = "../../tests/it/harness/mod.rs"]
pub mod harness;
mod peer;

use std::fmt::Display;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use harness::within;
pub use peer::Peer;

/// The core that servers run on, and the one that is left to their clients.
pub const SERVER_CORE: &str = "0";
pub const CLIENT_CORE: &str = "1";

/// `--name VALUE` among the words after `--`, else `default`.
pub fn option(name: &str, default: u64) -> u64 {
    let value = word(name).map(|word| word.parse());
    match value {
        None => default,
        Some(Ok(value)) => value,
        Some(Err(_)) => panic!("--{name} takes a whole number"),
    }
}

/// The word behind `--name`.
pub fn word(name: &str) -> Option<String> {
    let mut words = std::env::args().skip_while(|word| *word != format!("--{name}"));
    words.next()?;
    Some(words.next().unwrap_or_default())
}

/// Whether `--name` is among the words after `--`.
pub fn flag(name: &str) -> bool {
    std::env::args().any(|word| word == format!("--{name}"))
}

/// Cases of a bench, by name, and what each of them is given.
pub type Cases<'a, T> = [(&'a str, fn(&T))];

/// Runs all cases, or the one that `--only NAME` asks for. The exit code tells whether a goal was missed.
pub fn run_cases<T>(heads: &[&str], cases: &Cases<'_, T>, given: &T) -> ExitCode {
    let only = word("only");
    head(heads);
    for (name, case) in cases {
        if only.as_ref().is_none_or(|only| only == name) {
            case(given);
        }
    }
    match MISSED.load(Ordering::Relaxed) {
        true => ExitCode::FAILURE,
        false => ExitCode::SUCCESS,
    }
}

static MISSED: AtomicBool = AtomicBool::new(false);

/// A figure beside its goal.
pub fn report(case: &str, figure: &str, goal: &str, reached: bool) {
    let verdict = if reached { "reached" } else { "MISSED" };
    row(&[&case, &figure, &goal, &verdict]);
    MISSED.fetch_or(!reached, Ordering::Relaxed);
}

/// How far a bench itself stands back behind servers and wrk.
pub const NICE: i32 = 19;

/// Leaves the servers' core, and stands back behind wrk on the clients'.
pub fn stand_back() {
    let pid = std::process::id().to_string();
    let nice = NICE.to_string();
    for words in [
        ["renice", "-n", &nice, "-p", &pid].as_slice(),
        &["taskset", "-cp", CLIENT_CORE, &pid],
    ] {
        let done = Command::new(words[0]).args(&words[1..]).output();
        assert!(
            done.is_ok_and(|done| done.status.success()),
            "{} (util-linux)",
            words[0]
        );
    }
}

/// The same command on one core. taskset(1) becomes the command: the process id stays.
pub fn pinned(core: &str, command: &Command) -> Command {
    let mut taskset = Command::new("taskset");
    taskset.args(["-c", core]);
    within(taskset, command)
}

/// The same command, so much nicer to others. Where less nice may not be asked for, nice(1) says so and goes on.
pub fn nicer(by: i32, command: &Command) -> Command {
    let mut nice = Command::new("nice");
    nice.args(["-n", &by.to_string()]);
    within(nice, command)
}

/// CPU time of a process with all its threads, in seconds.
#[derive(Clone, Copy)]
pub struct Cpu {
    pub user: f64,
    pub system: f64,
}

impl Cpu {
    pub fn of(pid: u32) -> Cpu {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("the server runs");
        // proc(5): fields 14 and 15; the second, the name in parentheses, may hold spaces.
        let (_, fields) = stat.rsplit_once(')').expect("a name");
        let field = |number: usize| -> f64 {
            let ticks = fields.split_whitespace().nth(number - 3).expect("a field");
            ticks.parse::<f64>().expect("ticks") / 100.0
        };
        Cpu {
            user: field(14),
            system: field(15),
        }
    }

    pub fn since(self, before: Cpu) -> Cpu {
        Cpu {
            user: self.user - before.user,
            system: self.system - before.system,
        }
    }

    pub fn total(self) -> f64 {
        self.user + self.system
    }
}

/// CPU time of a process with all threads that it has now, to the nanosecond: [`Cpu`] counts in hundredths of a second.
pub fn busy(pid: u32) -> Duration {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).expect("the server runs");
    let of = |thread: std::io::Result<std::fs::DirEntry>| {
        let schedstat = thread.expect("a thread").path().join("schedstat");
        // One that has ended meanwhile has no file any more.
        let text = std::fs::read_to_string(schedstat).unwrap_or_default();
        text.split_whitespace()
            .next()
            .and_then(|nanos| nanos.parse::<u64>().ok())
    };
    Duration::from_nanos(threads.filter_map(of).sum())
}

/// Memory that a process has for itself and its share of what it shares, in bytes.
pub fn pss(pid: u32) -> u64 {
    let rollup = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).expect("it runs");
    let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
    kib.expect("Pss").trim().parse::<u64>().expect("KiB") * 1024
}

/// Open descriptors of a process.
pub fn descriptors(pid: u32) -> usize {
    std::fs::read_dir(format!("/proc/{pid}/fd"))
        .expect("it runs")
        .count()
}

/// A run of wrk: one thread, on the clients' core.
pub struct Load {
    pub connections: u64,
    pub duration: Duration,
    /// Requests sent in one go.
    pub pipelined: usize,
}

/// What wrk says.
#[derive(Clone, Copy, Debug)]
pub struct Answered {
    pub requests: u64,
    /// Answers that are neither 2xx nor 3xx, and errors of sockets.
    pub errors: u64,
    /// Those of them that were connections refused.
    pub refused: u64,
    /// Half of the requests, and 99 of 100, were answered within.
    pub p50: Duration,
    pub p99: Duration,
    pub per_second: f64,
}

impl Load {
    /// Asks for `path` over and over, on the clients' core.
    pub fn run(&self, address: SocketAddr, path: &str) -> Answered {
        // Other clients on its core would be measured instead of the server.
        answered(&mut pinned(
            CLIENT_CORE,
            &nicer(-39, &self.wrk(address, path)),
        ))
    }

    /// The same on whichever core has time, as clients of a service that uses all of them.
    pub fn run_anywhere(&self, address: SocketAddr, path: &str) -> Answered {
        answered(&mut self.wrk(address, path))
    }

    /// As [`Load::run_anywhere`], with requests that this Lua script makes.
    pub fn run_script(&self, address: SocketAddr, script: &Path) -> Answered {
        answered(self.wrk(address, "/").arg("-s").arg(script))
    }

    /// The same with a pause before each request, of so long on average: clients that leave the server time.
    pub fn run_paced(&self, address: SocketAddr, path: &str, pause: Duration) -> Answered {
        let most_ms = 2 * pause.as_millis();
        let name = format!("peppercorn-{}-{most_ms}.lua", std::process::id());
        let script = std::env::temp_dir().join(name);
        // At random: clients that pause in step would come all at once.
        let text = format!("delay = function() return math.random(0, {most_ms}) end");
        std::fs::write(&script, text).expect("a script");
        let mut wrk = self.wrk(address, path);
        wrk.arg("-s").arg(&script);
        answered(&mut pinned(CLIENT_CORE, &nicer(-39, &wrk)))
    }

    fn wrk(&self, address: SocketAddr, path: &str) -> Command {
        let mut wrk = Command::new("wrk");
        wrk.args(["-t1", "--latency", "--timeout", "30s"])
            .arg(format!("-c{}", self.connections))
            .arg(format!("-d{}s", self.duration.as_secs().max(1)));
        let script = std::env::temp_dir().join(format!("peppercorn-{}.lua", std::process::id()));
        if self.pipelined > 1 {
            let lines = [
                "init = function()",
                &format!("  local one = wrk.format(nil, '{path}')"),
                &format!("  all = string.rep(one, {})", self.pipelined),
                "end",
                "request = function() return all end",
            ];
            std::fs::write(&script, lines.join("\n")).expect("a script");
            wrk.arg("-s").arg(&script);
        }
        wrk.arg(format!("http://{address}{path}"));
        wrk
    }
}

fn answered(wrk: &mut Command) -> Answered {
    let ran = wrk
        .stderr(Stdio::inherit())
        .output()
        .expect("wrk (Debian's package wrk) and taskset (util-linux)");
    let text = String::from_utf8_lossy(&ran.stdout).into_owned();
    read_wrk(&text).unwrap_or_else(|| panic!("wrk says: {text}"))
}

fn read_wrk(text: &str) -> Option<Answered> {
    let line = |what: &str| text.lines().find(|line| line.contains(what));
    let requests = line(" requests in ")?
        .split_whitespace()
        .next()?
        .parse()
        .ok()?;
    let per_second = line("Requests/sec:")?
        .split_whitespace()
        .nth(1)?
        .parse()
        .ok()?;
    let percentile = |what: &str| duration(line(what)?.split_whitespace().nth(1)?);
    let number = |word: &str| word.trim_matches([',', ' ']).parse::<u64>().ok();
    let failed =
        |what| line(what).map_or(0, |line| line.split_whitespace().filter_map(number).sum());
    Some(Answered {
        requests,
        errors: failed("Non-2xx") + failed("Socket errors"),
        refused: line("Socket errors").map_or(0, |line| {
            // `connect 0, read 0, write 0, timeout 0`
            let (_, kinds) = line.split_once("connect").unwrap_or_default();
            kinds.split(',').next().and_then(number).unwrap_or(0)
        }),
        p50: percentile(" 50%")?,
        p99: percentile(" 99%")?,
        per_second,
    })
}

/// `1.23ms`, `45.00us`, `1.00s`
fn duration(text: &str) -> Option<Duration> {
    let unit = text.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    let number: f64 = text.strip_suffix(unit)?.parse().ok()?;
    let seconds = match unit {
        "us" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
        "m" => 60.0,
        _ => return None,
    };
    Some(Duration::from_secs_f64(number * seconds))
}

/// Builds one of the peers below `benches/peers`, and says where its program is.
pub fn build_peer(name: &str) -> std::path::PathBuf {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("benches/peers")
        .join(name);
    let built = Command::new(env!("CARGO"))
        .args(["build", "--release", "--quiet", "--manifest-path"])
        .arg(directory.join("Cargo.toml"))
        .env_remove("CARGO_TARGET_DIR")
        .status();
    assert!(
        built.expect("cargo").success(),
        "the peer {name} does not build"
    );
    directory.join(format!("target/release/peer-{name}"))
}

/// The value in the middle.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// A row of a Markdown table.
pub fn row(cells: &[&dyn Display]) {
    let cells: Vec<String> = cells.iter().map(ToString::to_string).collect();
    println!("| {} |", cells.join(" | "));
}

/// The head of a Markdown table.
pub fn head(names: &[&str]) {
    println!(
        "\n| {} |\n|{}",
        names.join(" | "),
        "---|".repeat(names.len())
    );
}
