//! Workers that are killed, and one that stops.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::support::harness::{Hammer, Manner, Server, kill_worker, poll, signal};
use crate::support::report;
use crate::{Field, beside, workers};

/// Between two kills.
const PAUSE: Duration = Duration::from_millis(200);
const WRK_CONNECTIONS: u64 = 32;

/// A worker is killed every 200 ms, one of two or of six in turn.
pub fn kill(field: &Field) {
    for (workers, accept) in [(2, "slots"), (2, "shared"), (6, "slots")] {
        kill_one_of(field, workers, accept);
    }
}

fn kill_one_of(field: &Field, count: usize, accept: &str) {
    let storm = format!("kill, {count} workers, {accept}");
    let server = field.server(&["--workers", &count.to_string(), "--accept", accept]);
    server.settled(count);
    field.database.run("truncate kept");
    let manner = Manner {
        clients: 4,
        connecting: false,
        pause: Duration::ZERO,
    };
    let clients = Hammer::start(server.address(), manner, insertion);
    let wrk = beside(server.address(), "/ping", WRK_CONNECTIONS, field.duration);
    let mut lost = HashSet::new();
    let mut cut = 0;
    let mut restarts = Vec::new();
    let begin = Instant::now();
    // wrk has its last word before the last kill.
    while begin.elapsed() + 2 * PAUSE < field.duration {
        let at = Instant::now();
        let slot = (restarts.len() % count) as u64;
        let victim = serving(&server, slot, 0);
        let ports = kill_worker(victim as u32, server.address().port());
        cut += ports.len() as u64;
        lost.extend(ports);
        let killed = Instant::now();
        serving(&server, slot, victim);
        restarts.push(killed.elapsed().as_secs_f64() * 1e3);
        std::thread::sleep(PAUSE.saturating_sub(at.elapsed()));
    }
    let pings = wrk.join().expect("wrk");
    let seen = clients.stop();

    let failed = seen.failures.len() as u64;
    let unexplained = seen.unexplained(&lost);
    report(
        &storm,
        &format!(
            "{} kills; {failed} of {} writes failed, {} of them on connections of other workers; wrk: {} errors in {} \
             pings; {cut} connections were on killed workers",
            restarts.len(),
            seen.answered.len() as u64 + failed,
            unexplained.len(),
            pings.errors,
            pings.requests
        ),
        "no failure but on connections of killed workers",
        unexplained.is_empty() && failed + pings.errors <= cut,
    );
    unexplained
        .iter()
        .take(5)
        .for_each(|failure| println!("{failure:?}"));
    let refused = seen.failures.iter().filter(|failure| failure.port == 0);
    let refused = refused.count() as u64 + pings.refused;
    report(
        &storm,
        &format!("{refused} connects refused"),
        "0",
        refused == 0,
    );
    let doubled = field.ask("select count(*) - count(distinct id) from kept");
    let kept: HashSet<u64> = ids(field);
    let missing = seen.answered.iter().filter(|id| !kept.contains(id)).count();
    report(
        &storm,
        &format!(
            "{} acknowledged writes: {missing} missing, {doubled} twice",
            seen.answered.len()
        ),
        "0 missing, 0 twice",
        missing == 0 && doubled == 0,
    );
    restarts.sort_by(f64::total_cmp);
    let at = |part: f64| restarts[((restarts.len() - 1) as f64 * part) as usize];
    report(
        &storm,
        &format!(
            "kill to the slot serving again: median {:.0} ms, 95 of 100 within {:.0} ms, most {:.0} ms",
            at(0.5),
            at(0.95),
            at(1.0)
        ),
        // What the machine does besides decides about the slowest: all of its cores are busy with clients.
        "median less than 100 ms",
        at(0.5) < 100.0,
    );
}

fn insertion(id: u64) -> String {
    let body = format!("{{\"id\":{id}}}");
    let length = body.len();
    format!("POST /kept HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n{body}")
}

fn ids(field: &Field) -> HashSet<u64> {
    let all = field
        .database
        .ask("select string_agg(id::text, ' ') from kept");
    let all = all.unwrap_or_default();
    all.split(' ').filter_map(|id| id.parse().ok()).collect()
}

/// Waits until a worker other than `but` serves in a slot; its process.
fn serving(server: &Server, slot: u64, but: u64) -> u64 {
    poll("a slot to be served", || {
        let mut workers = workers(server).into_iter();
        let good = |worker: &peppercorn::process::status::Worker| {
            worker.slot == slot && worker.pid != but && worker.state == "serving"
        };
        workers.find(good).map(|worker| worker.pid)
    })
}

/// One of two workers is stopped and does not go on.
pub fn stop(field: &Field) {
    let server = field.server(&["--workers", "2"]);
    let before = server.settled(2);
    let manner = Manner {
        clients: 8,
        connecting: false,
        pause: Duration::from_millis(1),
    };
    let clients = Hammer::start(server.address(), manner, |_| {
        "GET /one HTTP/1.1\r\nHost: a\r\n\r\n".into()
    });
    clients.goes_on(100);
    let stuck = before
        .iter()
        .find(|worker| worker.slot == 0)
        .expect("a worker");
    let begin = Instant::now();
    signal(stuck.pid, Signal::STOP);
    let held = server.service().workers;
    let held = held.iter().find(|worker| worker.pid == stuck.pid);
    let held = held.expect("a worker").connections;
    server.successor(stuck);
    let replaced = begin.elapsed();
    server.settled(2);
    let settled = begin.elapsed();
    clients.goes_on(100);
    let seen = clients.stop();
    // Connections that it had not accepted wait for its successor.
    let failed = seen.failures.len() as u64;
    report(
        "stop, 2 workers",
        &format!(
            "replaced after {:.1} s, gone after {:.1} s; {failed} of {} requests failed, {held} connections were on it",
            replaced.as_secs_f64(),
            settled.as_secs_f64(),
            seen.answered.len() as u64 + failed
        ),
        "replaced within 5 s, errors only on its connections",
        replaced < Duration::from_secs(5) && failed <= held,
    );
}
