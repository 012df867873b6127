//! Workers that run out of memory.
//!
//! A body larger than what is left is the end of its worker: of the allocations that it leads to, few are the server's own,
//! so that to refuse some of them would save none. The supervisor holds the sockets, and has the next worker serve.

use std::cell::Cell;
use std::collections::HashSet;
use std::fs;
use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::rc::Rc;
use std::time::{Duration, Instant};

use peppercorn::process::status;
use smol::Timer;

use crate::Field;
use crate::clients::{Client, Times, together};
use crate::support::harness::{Server, clients_of, is_running, poll, within};
use crate::support::report;

const OPTIONS: [&str; 4] = ["--workers", "2", "--max-body", "256MiB"];
/// What a worker may take beside what it has at rest.
const ROOM: u64 = 48 << 20;
/// More than that.
const BODY: usize = 200 << 20;
const MIB: u64 = 1 << 20;

/// Of a process's own, and of a control group's.
pub fn address_space(field: &Field) {
    let plain = field.server(&OPTIONS);
    let space = plain
        .settled(2)
        .iter()
        .map(|worker| of(worker.pid, "VmSize"))
        .max();
    let limit = space.expect("workers") + ROOM;
    drop(plain);
    let mut prlimit = Command::new("prlimit");
    prlimit.arg(format!("--as={limit}"));
    let server = Server::spawn(within(prlimit, &field.command(&OPTIONS))).ready();
    let name = format!("RLIMIT_AS of {} MiB", limit / MIB);
    run_out(field, &server, &name, "SIGABRT");
    drop(server);
    let Some(group) = Group::new(2 * ROOM) else {
        return report(
            "a control group",
            "there is none to be had here",
            "root, and one that may be made",
            false,
        );
    };
    let mut enter = Command::new("sh");
    enter
        .args(["-c", "echo $$ > \"$0\"; exec \"$@\""])
        .arg(group.0.join("cgroup.procs"));
    let server = Server::spawn(within(enter, &field.command(&OPTIONS))).ready();
    run_out(
        field,
        &server,
        &format!("a control group of {} MiB", 2 * ROOM / MIB),
        "SIGKILL",
    );
    let reasons = server.get("/metrics").body;
    let oom = reasons
        .lines()
        .find(|line| line.contains("restarts_total{reason=\"oom\"}"));
    report(
        "a control group",
        oom.unwrap_or_default(),
        "counted as such",
        oom.is_some_and(|line| !line.ends_with(" 0")),
    );
}

/// A control group that is removed with its owner; all that was in it has ended by then.
struct Group(PathBuf);

impl Group {
    fn new(bytes: u64) -> Option<Group> {
        let name = format!("peppercorn-limits-{}", std::process::id());
        let (root, limit) = match Path::new("/sys/fs/cgroup/cgroup.controllers").exists() {
            true => ("/sys/fs/cgroup", "memory.max"),
            false => ("/sys/fs/cgroup/memory", "memory.limit_in_bytes"),
        };
        let group = Group(Path::new(root).join(name));
        fs::create_dir(&group.0).ok()?;
        fs::write(group.0.join(limit), bytes.to_string()).ok()?;
        Some(group)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        poll("a control group to be empty", || {
            fs::remove_dir(&self.0).ok()
        });
    }
}

fn of(pid: u32, name: &str) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(name))
        .expect("a line");
    let number = line.trim_matches(|c: char| !c.is_ascii_digit());
    number.parse::<u64>().expect("KiB") * 1024
}

/// What a round has come to.
struct Round {
    /// From the worker's end until another serves in its slot.
    replaced: Duration,
    /// Of clients that connect anew for each request.
    times: Times,
    failed: usize,
    refused: usize,
    /// Connections to the other worker that were lost.
    lost: usize,
}

fn run_out(field: &Field, server: &Server, trial: &str, by: &str) {
    let count = if field.quick { 3 } else { 20 };
    let rounds: Vec<Round> = (0..count).map(|_| round(server)).collect();
    let times = rounds.iter().fold(Times::default(), |mut all, round| {
        all.add(round.times.clone());
        all
    });
    let replaced = rounds
        .iter()
        .map(|round| round.replaced)
        .max()
        .unwrap_or_default();
    let sum = |of: fn(&Round) -> usize| rounds.iter().map(of).sum::<usize>();
    let (failed, refused, lost) = (
        sum(|one| one.failed),
        sum(|one| one.refused),
        sum(|one| one.lost),
    );
    let told = server.log().matches(by).count();
    report(
        &format!("{trial}, {count} times"),
        &format!(
            "another worker serves after {replaced:.0?} at most; {} new connections are answered within {:.1?} (p99), {:.0?} at most; \
             {failed} fail with the worker; {refused} refused; {lost} lost on the other worker; the log says {by} {told} times",
            times.count(),
            times.of_thousand(990),
            times.most(),
        ),
        "< 200 ms; only the worker's own requests fail",
        replaced < Duration::from_millis(200)
            && refused == 0
            && lost == 0
            && told == count
            && failed <= 4 * count,
    );
}

fn round(server: &Server) -> Round {
    // Long enough to be replaced at once.
    let workers = server.settled(2);
    std::thread::sleep(Duration::from_millis(400));
    let address = server.address();
    let mut kept: Vec<_> = (0..16).map(|_| server.connect()).collect();
    kept.iter_mut().for_each(|connection| {
        assert_eq!(connection.request("GET", "/one", &[], "").status, 200);
    });
    let pids: Vec<u32> = workers.iter().map(|worker| worker.pid).collect();
    let watching = std::thread::spawn({
        let (service, pids) = (server.pid(), pids.clone());
        move || watch(service, &pids)
    });
    let on: Vec<HashSet<u16>> = pids
        .iter()
        .map(|pid| clients_of(*pid, address.port()))
        .collect();
    let connecting = std::thread::spawn(move || connect_meanwhile(address));
    attack(address);
    let (victim, replaced) = watching.join().expect("a watch");
    let (times, failed, refused) = connecting.join().expect("clients");
    let others: HashSet<u16> = (0..pids.len())
        .filter(|at| pids[*at] != victim)
        .flat_map(|at| on[at].clone())
        .collect();
    let lost = kept.iter_mut().filter(|connection| {
        others.contains(&connection.stream.local_addr().expect("an address").port())
    });
    let lost = lost.filter_map(|connection| {
        let asked = connection
            .stream
            .write_all(b"GET /one HTTP/1.1\r\nHost: a\r\n\r\n");
        let mut answer = [0; 12];
        let read = std::io::Read::read(&mut connection.stream, &mut answer);
        (asked.is_err() || read.is_ok_and(|read| read == 0)).then_some(())
    });
    Round {
        replaced,
        times,
        failed,
        refused,
        lost: lost.count(),
    }
}

/// A body that is too large for the worker that reads it.
fn attack(address: SocketAddr) {
    let mut stream = TcpStream::connect(address).expect("a connection");
    let head = format!(
        "POST /size HTTP/1.1\r\nHost: limits\r\nContent-Length: {BODY}\r\n\r\n{{\"text\":\""
    );
    stream.write_all(head.as_bytes()).expect("room");
    let piece = vec![b'x'; 1 << 20];
    for _ in 0..BODY / piece.len() {
        if stream.write_all(&piece).is_err() {
            return;
        }
    }
    panic!("there was room for all of it");
}

/// Which of these workers ends, and how long its slot is empty.
fn watch(service: u32, pids: &[u32]) -> (u32, Duration) {
    let victim = poll("a worker to end", || {
        pids.iter().copied().find(|pid| !is_running(*pid))
    });
    let begin = Instant::now();
    poll("the next one to serve", || {
        let workers = status::services(Some(service)).pop()?.workers;
        let serving = workers
            .iter()
            .filter(|worker| worker.state == "serving" && worker.pid != u64::from(victim));
        (serving.count() == 2).then_some(())
    });
    (victim, begin.elapsed())
}

/// Clients that connect for each request, for a second: times, failures, and connections refused.
fn connect_meanwhile(address: SocketAddr) -> (Times, usize, usize) {
    let end = Instant::now() + Duration::from_secs(1);
    let (failed, refused) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
    let clients = (0..4).map(|_| {
        let (failed, refused) = (failed.clone(), refused.clone());
        async move {
            let mut times = Times::default();
            while Instant::now() < end {
                let began = Instant::now();
                match Client::open(address).await {
                    Err(_) => refused.set(refused.get() + 1),
                    Ok(mut client) => match client.get("/one").await {
                        Ok(got) if got.status == 200 => times.note(began),
                        _ => failed.set(failed.get() + 1),
                    },
                }
                Timer::after(Duration::from_millis(3)).await;
            }
            times
        }
    });
    let times = together(clients)
        .into_iter()
        .fold(Times::default(), |mut all, one| {
            all.add(one);
            all
        });
    (times, failed.get(), refused.get())
}
