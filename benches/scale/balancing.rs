//! Two instances behind HAProxy, restarted one after the other.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::process::Command;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::support::harness::{HaProxy, Hammer, Manner, Server, free_port, within};
use crate::support::{Answered, Load, report};
use crate::{Field, insertion};

/// More than HAProxy needs to notice: two checks, 500 and 200 ms apart.
const DELAY: &str = "1500ms";

/// Where an instance is asked, and where it is probed; it is there again after a restart.
pub struct Place {
    pub public: SocketAddr,
    pub admin: SocketAddr,
    /// What its command is run by.
    pub within: Option<Command>,
}

impl Place {
    pub fn of_this_machine() -> Place {
        let address = || ([127, 0, 0, 1], free_port("127.0.0.1")).into();
        Place {
            public: address(),
            admin: address(),
            within: None,
        }
    }

    pub fn start(&self, field: &Field, delay: &str) -> Server {
        let (public, admin) = (self.public.to_string(), self.admin.to_string());
        let options = [
            "--bind",
            &public,
            "--admin-bind",
            &admin,
            "--drain-delay",
            delay,
        ];
        let command = field.command(&field.database.url(), &options);
        Server::spawn_elsewhere(match &self.within {
            Some(outer) => {
                let mut copy = Command::new(outer.get_program());
                copy.args(outer.get_args());
                within(copy, &command)
            }
            None => command,
        })
    }
}

/// Two instances, HAProxy, and clients: of writes, and wrk's.
pub struct Balanced<'a> {
    field: &'a Field,
    places: [Place; 2],
    servers: [Option<Server>; 2],
    pub haproxy: HaProxy,
    writes: Hammer,
    delay: &'static str,
}

const NAMES: [&str; 2] = ["a", "b"];

impl<'a> Balanced<'a> {
    pub fn start(field: &'a Field, places: [Place; 2], delay: &'static str) -> Balanced<'a> {
        field.database.run("truncate kept");
        let servers = places
            .each_ref()
            .map(|place| Some(place.start(field, delay)));
        let front = ([127, 0, 0, 1], free_port("127.0.0.1")).into();
        let haproxy = HaProxy::start(front, places.each_ref().map(|at| (at.public, at.admin)));
        let manner = Manner {
            clients: 4,
            connecting: false,
            pause: Duration::ZERO,
        };
        Balanced {
            writes: Hammer::start(haproxy.address(), manner, insertion),
            field,
            places,
            servers,
            haproxy,
            delay,
        }
    }

    /// Both instances are restarted, the second when HAProxy has the first one back.
    pub fn restart_both(&mut self) {
        for (index, name) in NAMES.into_iter().enumerate() {
            let server = self.servers[index].take().expect("it runs");
            server.signal(Signal::TERM);
            let (status, log) = server.wait();
            assert!(status.success(), "{log}");
            self.haproxy.knows(name, "DOWN");
            self.servers[index] = Some(self.places[index].start(self.field, self.delay));
            self.haproxy.knows(name, "UP");
        }
    }

    pub fn writes(&self) -> &Hammer {
        &self.writes
    }

    /// What came of the writes.
    pub fn end(self) -> Written {
        let seen = self.writes.stop();
        let kept = self
            .field
            .database
            .ask("select string_agg(id::text, ' ') from kept");
        let kept = kept.unwrap_or_default();
        let kept: HashSet<u64> = kept.split(' ').filter_map(|id| id.parse().ok()).collect();
        let failures = seen.failures.iter().map(|failure| format!("{failure:?}"));
        Written {
            missing: seen.answered.iter().filter(|id| !kept.contains(id)).count(),
            count: seen.answered.len() + seen.failures.len(),
            failures: failures.collect(),
        }
    }
}

/// What came of writes.
pub struct Written {
    pub count: usize,
    pub failures: Vec<String>,
    /// Acknowledged, and not there.
    pub missing: usize,
}

/// wrk beside, for as long as that may take.
fn beside(address: SocketAddr, duration: Duration) -> JoinHandle<Answered> {
    let load = Load {
        connections: 32,
        duration,
        pipelined: 1,
    };
    std::thread::spawn(move || load.run_anywhere(address, "/items/7"))
}

fn restarts(
    field: &Field,
    trial: &str,
    rounds: u64,
    delay: &'static str,
) -> (u64, u64, u64, usize) {
    let places = [(); 2].map(|()| Place::of_this_machine());
    let mut balanced = Balanced::start(field, places, delay);
    let begin = Instant::now();
    balanced.restart_both();
    let (once, mut done) = (begin.elapsed(), 1);
    // wrk has its last word while nothing happens.
    let wrk = beside(balanced.haproxy.address(), once * (rounds as u32) * 5 / 4);
    while done < rounds && !wrk.is_finished() {
        balanced.restart_both();
        done += 1;
    }
    balanced.writes().goes_on(100);
    let read = wrk.join().expect("wrk");
    let written = balanced.end();
    let failed = written.failures.len() as u64 + read.errors;
    println!(
        "{trial}: {done} rolling restarts, the first took {:.1} s",
        once.as_secs_f64()
    );
    written
        .failures
        .iter()
        .take(3)
        .for_each(|failure| println!("{failure}"));
    let requests = written.count as u64 + read.requests;
    (done, failed, requests, written.missing)
}

/// With the drain delay that the shipped files ask for.
pub fn rolling(field: &Field) {
    let (done, failed, requests, missing) = restarts(field, "rolling", field.rounds, DELAY);
    report(
        "rolling",
        &format!(
            "{done} rolling restarts of two instances: {failed} of {requests} requests failed, {missing} acknowledged writes missing"
        ),
        "0 failed, 0 missing",
        failed == 0 && missing == 0,
    );
}

/// Without one.
pub fn at_once(field: &Field) {
    let rounds = field.rounds.div_ceil(4);
    let (done, failed, requests, missing) = restarts(field, "rolling-at-once", rounds, "0s");
    report(
        "rolling-at-once",
        &format!(
            "{done} rolling restarts without --drain-delay: {failed} of {requests} requests failed"
        ),
        "no acknowledged write missing",
        missing == 0,
    );
}
