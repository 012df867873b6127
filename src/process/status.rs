//! `peppercorn status`: the services that run on this machine, read from their scoreboards.
//!
//! A scoreboard is found as one finds a process, by looking through /proc: nothing has to be configured, and a service
//! that is stuck can be looked at like any other. Of other users' services only root sees any.

use std::collections::HashSet;
use std::fmt::Write;
use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::scoreboard::{Database, Field, Header, NAME, Row, Scoreboard, now_ms};

/// A running service.
pub struct Service {
    /// Its top process.
    pub pid: u64,
    /// Whether that is a supervisor.
    pub supervised: bool,
    /// The generation that serves.
    pub generation: u64,
    /// Workers wanted.
    pub wanted: u64,
    /// Workers replaced because they had ended.
    pub restarts: u64,
    /// Its workers, by slot.
    pub workers: Vec<Worker>,
}

/// A running worker.
pub struct Worker {
    /// Its process.
    pub pid: u64,
    /// Its slot, from 0.
    pub slot: u64,
    /// Its generation, from 1.
    pub generation: u64,
    /// `starting`, `serving`, `retiring` or `draining`.
    pub state: &'static str,
    /// Requests answered since it was started.
    pub requests: u64,
    /// Connections open now.
    pub connections: u64,
    /// Whether its database answers; none if it has none.
    pub database: Option<bool>,
    /// Milliseconds since all of its executors were seen to move; none before they do.
    pub heartbeat_ms: Option<u64>,
    /// Milliseconds since it was started.
    pub age_ms: u64,
}

/// The services that this user may look at, by pid; only that of `process`, any of its processes, if it is given.
pub fn services(process: Option<u32>) -> Vec<Service> {
    let processes: Vec<u32> = match process {
        Some(pid) => vec![pid],
        None => numbers("/proc").collect(),
    };
    let mut seen = HashSet::new();
    let mut services: Vec<Service> = Vec::new();
    for scoreboard in processes.into_iter().filter_map(scoreboard_of) {
        let identity = scoreboard.metadata().map(|file| (file.dev(), file.ino()));
        // Every process of a service has it; and one of another version is not read.
        if identity.is_ok_and(|identity| seen.insert(identity))
            && let Ok(scoreboard) = Scoreboard::open(scoreboard.into(), false)
        {
            services.push(read(&scoreboard));
        }
    }
    services.sort_unstable_by_key(|service| service.pid);
    services
}

fn scoreboard_of(pid: u32) -> Option<File> {
    let directory = format!("/proc/{pid}/fd");
    let path = numbers(&directory)
        .map(|fd| PathBuf::from(format!("{directory}/{fd}")))
        .find(|path| {
            fs::read_link(path).is_ok_and(|target| target.to_string_lossy().contains(NAME))
        })?;
    File::open(path).ok()
}

/// The entries of a directory that are numbers; none if it may not be read.
fn numbers(directory: &str) -> impl Iterator<Item = u32> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

fn read(scoreboard: &Scoreboard) -> Service {
    let mut workers: Vec<Worker> = scoreboard.taken().map(|(_, row)| worker(row)).collect();
    workers.sort_unstable_by_key(|worker| (worker.slot, worker.generation, worker.pid));
    Service {
        pid: scoreboard.get(Header::Pid),
        supervised: scoreboard.get(Header::Supervised) == 1,
        generation: scoreboard.get(Header::Generation),
        wanted: scoreboard.get(Header::Workers),
        restarts: scoreboard.get(Header::Restarts),
        workers,
    }
}

fn worker(row: Row) -> Worker {
    let since = |then: u64| now_ms().saturating_sub(then);
    Worker {
        pid: row.get(Field::Pid),
        slot: row.get(Field::Slot),
        generation: row.get(Field::Generation),
        state: row.stage().word(),
        requests: row.get(Field::Requests),
        connections: row.get(Field::Connections),
        database: match row.database() {
            Database::None => None,
            Database::Ok => Some(true),
            Database::Away => Some(false),
        },
        heartbeat_ms: row.heartbeat().map(since),
        age_ms: since(row.get(Field::Born)),
    }
}

/// As tables.
pub fn table(services: &[Service]) -> String {
    let mut text = String::new();
    for service in services {
        let kind = match service.supervised {
            true => "supervisor",
            false => "worker on its own",
        };
        // Writing to a String does not fail.
        let _ = writeln!(
            text,
            "{kind} {}: {} of {} workers, generation {}, {} restarts",
            service.pid,
            service
                .workers
                .iter()
                .filter(|worker| worker.state == "serving")
                .count(),
            service.wanted,
            service.generation,
            service.restarts
        );
        let _ = writeln!(
            text,
            "{:>8} {:>5} {:>11} {:<9} {:>12} {:>12} {:>9} {:>12} {:>9}",
            "PID",
            "SLOT",
            "GENERATION",
            "STATE",
            "REQUESTS",
            "CONNECTIONS",
            "DATABASE",
            "HEARTBEAT",
            "AGE"
        );
        for worker in &service.workers {
            let heartbeat = worker
                .heartbeat_ms
                .map_or("-".into(), |ms| format!("{ms} ms"));
            let database = match worker.database {
                None => "-",
                Some(true) => "ok",
                Some(false) => "away",
            };
            let _ = writeln!(
                text,
                "{:>8} {:>5} {:>11} {:<9} {:>12} {:>12} {:>9} {:>12} {:>9}",
                worker.pid,
                worker.slot,
                worker.generation,
                worker.state,
                worker.requests,
                worker.connections,
                database,
                heartbeat,
                format!("{} s", worker.age_ms / 1000)
            );
        }
    }
    text
}

/// As a JSON list of the services, with a list of its workers in each; times in milliseconds.
pub fn as_json(services: &[Service]) -> String {
    let worker = |worker: &Worker| {
        json!({
            "pid": worker.pid,
            "slot": worker.slot,
            "generation": worker.generation,
            "state": worker.state,
            "requests": worker.requests,
            "connections": worker.connections,
            "database": worker.database,
            "heartbeat_ms": worker.heartbeat_ms,
            "age_ms": worker.age_ms,
        })
    };
    let service = |service: &Service| {
        json!({
            "pid": service.pid,
            "supervised": service.supervised,
            "generation": service.generation,
            "wanted": service.wanted,
            "restarts": service.restarts,
            "workers": service.workers.iter().map(worker).collect::<Value>(),
        })
    };
    format!("{}\n", services.iter().map(service).collect::<Value>())
}
