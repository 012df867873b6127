//! A running service, as `peppercorn status` tells of it.

use std::collections::HashSet;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::{Server, peppercorn, poll, run};

/// A service.
#[derive(Clone, Debug)]
pub struct Service {
    pub pid: u32,
    pub supervised: bool,
    pub generation: u64,
    pub wanted: u64,
    pub restarts: u64,
    pub workers: Vec<Worker>,
}

/// A worker of it.
#[derive(Clone, Debug)]
pub struct Worker {
    pub pid: u32,
    pub slot: u64,
    pub generation: u64,
    pub state: String,
    pub requests: u64,
    pub connections: u64,
    pub database: Option<bool>,
    pub heartbeat: Option<Duration>,
    pub age: Duration,
}

/// The service that a process belongs to.
pub fn service_of(pid: u32) -> Option<Service> {
    let ended = run(peppercorn().args(["status", &pid.to_string(), "--json"]));
    let services: Value = serde_json::from_str(&ended.stdout).ok()?;
    let service = &services[0];
    let workers = service["workers"].as_array()?;
    Some(Service {
        pid: number(&service["pid"])? as u32,
        supervised: service["supervised"].as_bool()?,
        generation: number(&service["generation"])?,
        wanted: number(&service["wanted"])?,
        restarts: number(&service["restarts"])?,
        workers: workers.iter().map(worker).collect::<Option<_>>()?,
    })
}

fn worker(worker: &Value) -> Option<Worker> {
    Some(Worker {
        pid: number(&worker["pid"])? as u32,
        slot: number(&worker["slot"])?,
        generation: number(&worker["generation"])?,
        state: worker["state"].as_str()?.to_owned(),
        requests: number(&worker["requests"])?,
        connections: number(&worker["connections"])?,
        database: worker["database"].as_bool(),
        heartbeat: number(&worker["heartbeat_ms"]).map(Duration::from_millis),
        age: Duration::from_millis(number(&worker["age_ms"])?),
    })
}

fn number(value: &Value) -> Option<u64> {
    value.as_u64()
}

impl Service {
    /// Its processes: the one at the top, and the workers.
    pub fn pids(&self) -> Vec<u32> {
        let workers = self.workers.iter().map(|worker| worker.pid);
        let mut pids: Vec<u32> = std::iter::once(self.pid).chain(workers).collect();
        // A worker on its own is both.
        pids.dedup();
        pids
    }
}

impl Server {
    /// As `peppercorn status` tells of it.
    #[track_caller]
    pub fn service(&self) -> Service {
        service_of(self.pid()).unwrap_or_else(|| panic!("no service: {}", self.log()))
    }

    /// Waits until as many workers as are wanted serve, all of one generation, and no others are left; by slot.
    #[track_caller]
    pub fn settled(&self, count: usize) -> Vec<Worker> {
        let mut last = None;
        let settled = || {
            let service = last.insert(service_of(self.pid())?);
            let good = |worker: &Worker| {
                worker.state == "serving" && worker.generation == service.generation
            };
            let workers = &service.workers;
            (service.wanted == count as u64 && workers.len() == count && workers.iter().all(good))
                .then(|| workers.clone())
        };
        poll(&format!("{count} workers to serve"), settled)
    }

    /// Waits until another process than this worker serves in its slot.
    #[track_caller]
    pub fn successor(&self, of: &Worker) -> Worker {
        poll("a worker to be replaced", || {
            let workers = service_of(self.pid())?.workers.into_iter();
            workers
                .filter(|worker| worker.slot == of.slot && worker.pid != of.pid)
                .find(|worker| worker.state == "serving")
        })
    }

    /// Waits until its log holds `text`.
    #[track_caller]
    pub fn says(&self, text: &str) {
        poll(&format!("the log to say {text:?}"), || {
            self.log().contains(text).then_some(())
        });
    }
}

/// Sends a signal to any process.
pub fn signal(pid: u32, signal: Signal) {
    kill_process(Pid::from_raw(pid as i32).unwrap(), signal).unwrap();
}

/// Whether a process runs. One that has ended and is not reaped does not: the orphans of a service are not ours to reap.
pub fn is_running(pid: u32) -> bool {
    !matches!(state(pid), None | Some('Z' | 'X'))
}

/// A process's state, a letter of proc(5).
pub fn state(pid: u32) -> Option<char> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may hold anything.
    stat.rsplit_once(") ")?.1.chars().next()
}

/// The processes whose command line holds `text`.
pub fn processes_with(text: &str) -> Vec<u32> {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let pids = processes.filter_map(|process| process.file_name().to_str()?.parse().ok());
    let words = |pid: &u32| std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    pids.filter(|pid| String::from_utf8_lossy(&words(pid)).contains(text))
        .collect()
}

/// SIGKILL for a worker that listens on `port`; the ports of the clients whose connections it had accepted.
///
/// It is stopped before: what it would accept in between would be in no account.
#[track_caller]
pub fn kill_worker(pid: u32, port: u16) -> HashSet<u16> {
    signal(pid, Signal::STOP);
    poll("a worker to stop", || {
        let threads = std::fs::read_dir(format!("/proc/{pid}/task"))
            .ok()?
            .flatten();
        let mut threads = threads.filter_map(|thread| thread.file_name().to_str()?.parse().ok());
        threads
            .all(|thread: u32| state(thread) == Some('T'))
            .then_some(())
    });
    let clients = clients_of(pid, port);
    signal(pid, Signal::KILL);
    clients
}

/// The ports of clients with a connection to `port` in this process, as proc(5) tells.
pub fn clients_of(pid: u32, port: u16) -> HashSet<u16> {
    let descriptors = std::fs::read_dir(format!("/proc/{pid}/fd"))
        .unwrap()
        .flatten();
    let links = descriptors.filter_map(|fd| std::fs::read_link(fd.path()).ok());
    let sockets: HashSet<String> = links.map(|link| link.display().to_string()).collect();
    let connections = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let client = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let port_of = |address: &str| u16::from_str_radix(address.rsplit_once(':')?.1, 16).ok();
        let has = sockets.contains(&format!("socket:[{}]", words.get(9)?));
        (has && port_of(words[1])? == port).then(|| port_of(words[2]))?
    };
    connections.lines().skip(1).filter_map(client).collect()
}
