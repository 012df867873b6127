//! A PostgreSQL of a test's own, that may be killed, stopped and started again.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use peppercorn::pg::{Cluster, Config};
use rustix::process::Signal;

use super::{Database, Folder, clock, signal};

/// A PostgreSQL of its owner's.
pub struct Perishable {
    directory: PathBuf,
    orders: Option<Sender<Order>>,
    done: Receiver<()>,
    /// The kernel stops PostgreSQL when the thread ends that has started it.
    thread: Option<JoinHandle<()>>,
    _folder: Folder,
}

enum Order {
    Kill,
    Start,
}

impl Perishable {
    /// Makes one and starts it.
    #[track_caller]
    pub fn start() -> Perishable {
        let folder = Folder::new();
        let directory = folder.path().join("state");
        let (orders, received) = channel();
        let (did, done) = channel();
        let place = directory.clone();
        let thread = std::thread::spawn(move || {
            let mut cluster = None;
            for order in received {
                match order {
                    // Dropped it is shut down as by `pg_ctl stop -m immediate`.
                    Order::Kill => drop(cluster.take()),
                    Order::Start => {
                        cluster = Some(Cluster::start(&place, None, &clock()).expect("a cluster"));
                    }
                }
                let _gone = did.send(());
            }
        });
        let started = Perishable {
            directory,
            orders: Some(orders),
            done,
            thread: Some(thread),
            _folder: folder,
        };
        started.order(Order::Start);
        started
    }

    #[track_caller]
    fn order(&self, order: Order) {
        let orders = self.orders.as_ref().unwrap();
        orders.send(order).unwrap();
        self.done.recv().expect("PostgreSQL starts");
    }

    /// As `pg_ctl stop -m immediate`: returns when it has ended.
    #[track_caller]
    pub fn kill(&self) {
        self.order(Order::Kill);
    }

    /// Starts it again; returns when it answers.
    #[track_caller]
    pub fn revive(&self) {
        self.order(Order::Start);
    }

    /// Stops it and all of its backends where they are, and lets them go on.
    pub fn halt(&self) {
        self.signal(Signal::STOP);
    }

    pub fn go_on(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, what: Signal) {
        let pid = std::fs::read_to_string(self.directory.join("data/postmaster.pid")).unwrap();
        let postmaster: u32 = pid.lines().next().unwrap().parse().unwrap();
        // Itself first: a backend that it has just started is found.
        signal(postmaster, what);
        for child in children(postmaster) {
            // It may have ended meanwhile.
            let pid = rustix::process::Pid::from_raw(child as i32).unwrap();
            let _gone = rustix::process::kill_process(pid, what);
        }
    }

    /// How to connect to it.
    fn config(&self) -> Config {
        Cluster::config_in(&self.directory)
    }

    /// The database in it, by a connection that ends with PostgreSQL.
    pub fn database(&self) -> Database {
        Database::at(self.config())
    }
}

/// The processes that a process has started and that are there.
fn children(parent: u32) -> Vec<u32> {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let pids = processes.filter_map(|process| process.file_name().to_str()?.parse::<u32>().ok());
    pids.filter(|pid| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        // proc(5): behind the name in parentheses are the state and the parent.
        let after = stat.rsplit_once(") ").map_or("", |(_, after)| after);
        after.split(' ').nth(1) == Some(&parent.to_string())
    })
    .collect()
}

impl Drop for Perishable {
    fn drop(&mut self) {
        if self.directory.join("data/postmaster.pid").exists() {
            self.go_on();
        }
        drop(self.orders.take());
        if let Some(thread) = self.thread.take() {
            let _panicked = thread.join();
        }
    }
}
