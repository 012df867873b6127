//! What a service tells of itself beside what its workers count: how many there are, and what all its processes use.

use std::fs;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use super::scoreboard::{Field, Header, Row, Scoreboard, Stage};
use crate::metrics::{Counter, Metrics, Sample, Sources, family, now};
use crate::observe::{self, Channel};

/// What there is to scrape: of all workers, and of those that are no more what they have counted.
pub(super) fn sources(scoreboard: &Scoreboard) -> Sources {
    let rows: Vec<Row> = scoreboard.taken().map(|(_, row)| row).collect();
    let words: Vec<&[AtomicU64]> = rows.iter().map(|row| row.now()).collect();
    let mut samples = now::samples(&words);
    for stage in Stage::ALL {
        let count = rows.iter().filter(|row| row.stage() == stage).count();
        samples.push(Sample::new(&family::WORKERS, &[stage.word()], count as u64));
    }
    let build = [env!("CARGO_PKG_VERSION"), &features()];
    samples.push(Sample::new(&family::BUILD_INFO, &build, 1));
    let started = scoreboard.get(Header::Started);
    samples.push(Sample::new(&family::START, &[], started));
    let memory = processes(scoreboard, &rows).into_iter().map(resident);
    samples.push(Sample::new(&family::MEMORY, &[], memory.sum()));
    Sources {
        arenas: scoreboard.arenas().collect(),
        samples,
    }
}

/// What the program was built with.
fn features() -> String {
    let features = [
        ("tls", cfg!(feature = "tls")),
        ("auth", cfg!(feature = "auth")),
        ("docs", cfg!(feature = "docs")),
        ("stacks", cfg!(feature = "stacks")),
        ("bench", cfg!(feature = "bench")),
    ];
    let names = features.iter().filter(|(_, there)| *there);
    names.map(|(name, _)| *name).collect::<Vec<_>>().join(",")
}

/// All of them, each once: a worker on its own is the top as well.
fn processes(scoreboard: &Scoreboard, rows: &[Row]) -> Vec<u64> {
    let top = [Header::Pid, Header::Keeper].map(|word| scoreboard.get(word));
    let workers = rows.iter().map(|row| row.get(Field::Pid));
    let mut pids: Vec<u64> = workers.chain(top).filter(|pid| *pid != 0).collect();
    pids.sort_unstable();
    pids.dedup();
    pids
}

/// Bytes in memory of a process; none of one that has just gone. Source: proc(5), `statm`.
fn resident(pid: u64) -> u64 {
    let pages = fs::read_to_string(format!("/proc/{pid}/statm")).ok();
    let pages = pages.and_then(|words| words.split(' ').nth(1)?.parse::<u64>().ok());
    pages.unwrap_or(0) * rustix::param::page_size() as u64
}

/// What this process knows only the total of: counted now and then, and at its end.
pub(super) struct Usage {
    cpu: Account,
    /// Lines that its logs have lost.
    lost: [(Channel, Account); 2],
}

impl Usage {
    /// That of a process that has just begun.
    pub(super) fn new(metrics: &Metrics) -> Usage {
        let lost = |log: Channel| {
            let counter = metrics.counter(&family::LOG_LINES_DROPPED, &[log.name()]);
            (log, Account::new(counter))
        };
        Usage {
            cpu: Account::new(metrics.counter(&family::CPU, &[])),
            lost: [Channel::Diagnostics, Channel::Access].map(lost),
        }
    }

    /// That of the only process that ever counts there, in whichever program: the kernel's account of it goes on.
    pub(super) fn going_on(metrics: &Metrics) -> Usage {
        let mut usage = Usage::new(metrics);
        usage.cpu.counted = usage.cpu.counter.get();
        usage
    }

    /// Up to now.
    pub(super) fn count(&mut self) {
        let time = clock_gettime(ClockId::ProcessCPUTime);
        let cpu = Duration::new(time.tv_sec as u64, time.tv_nsec as u32);
        self.cpu.count(cpu.as_nanos() as u64);
        for (log, account) in &mut self.lost {
            account.count(observe::lines_lost(*log));
        }
    }
}

impl Drop for Usage {
    fn drop(&mut self) {
        self.count();
    }
}

/// How much of a total is in a counter.
struct Account {
    counter: Counter,
    counted: u64,
}

impl Account {
    fn new(counter: Counter) -> Account {
        Account {
            counter,
            counted: 0,
        }
    }

    fn count(&mut self, total: u64) {
        self.counter.add(total.saturating_sub(self.counted));
        self.counted = total;
    }
}
