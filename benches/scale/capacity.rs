//! What a request costs each of those who take part in it: for an estimate of what many would need.

use std::collections::HashMap;
use std::time::Duration;

use crate::Field;
use crate::balancing::Place;
use crate::support::harness::{HaProxy, Server, free_port};
use crate::support::{Load, busy, row};

/// The processes of PostgreSQL's: the one at the top, and its children.
fn postgres(top: u32) -> Vec<u32> {
    let processes = std::fs::read_dir("/proc").expect("proc(5)").flatten();
    let pids = processes.filter_map(|process| process.file_name().to_str()?.parse().ok());
    pids.filter(|pid| *pid == top || parent(*pid) == Some(top))
        .collect()
}

fn parent(pid: u32) -> Option<u32> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may hold anything.
    stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()
}

/// CPU time of processes that are there; those that come later count from their start.
fn times(pids: &[u32]) -> HashMap<u32, Duration> {
    let running = pids.iter().filter(|pid| parent(**pid).is_some());
    running.map(|pid| (*pid, busy(*pid))).collect()
}

fn spent(before: &HashMap<u32, Duration>, after: &HashMap<u32, Duration>) -> f64 {
    let of = |(pid, time): (&u32, &Duration)| *time - before.get(pid).copied().unwrap_or_default();
    after.iter().map(of).sum::<Duration>().as_secs_f64()
}

/// One row by its key, and an insert.
pub fn capacity(field: &Field) {
    let backend: u32 = (field.database.ask("select pg_backend_pid()"))
        .and_then(|pid| pid.parse().ok())
        .expect("a process");
    let top = parent(backend).expect("its parent");
    let places = [(); 2].map(|()| Place::of_this_machine());
    let server = places[0].start(field, "0s");
    let front = ([127, 0, 0, 1], free_port("127.0.0.1")).into();
    let at = (places[0].public, places[0].admin);
    let haproxy = HaProxy::start(front, [at, at]);
    let folder = crate::support::harness::Folder::with(&[("post.lua", crate::pooler::POST)]);
    let script = folder.path().join("post.lua");
    let load = Load {
        connections: 64,
        duration: field.duration,
        pipelined: 1,
    };
    let groups = |server: &Server| {
        let all = postgres(top);
        [vec![server.pid()], all, vec![haproxy.child.id()]].map(|pids| times(&pids))
    };
    for (what, writes) in [("one row by key", false), ("an insert", true)] {
        let before = groups(&server);
        let answered = match writes {
            true => load.run_script(haproxy.address(), &script),
            false => load.run_anywhere(haproxy.address(), "/items/7"),
        };
        let after = groups(&server);
        let each =
            |group: usize| spent(&before[group], &after[group]) * 1e6 / answered.requests as f64;
        row(&[
            &format!("capacity: {what}"),
            &format!(
                "{:.0}/s; CPU of a request: peppercorn {:.1} µs, PostgreSQL {:.1} µs, HAProxy {:.1} µs; {} errors",
                answered.per_second,
                each(0),
                each(1),
                each(2),
                answered.errors
            ),
            &"",
            &"",
        ]);
    }
}
