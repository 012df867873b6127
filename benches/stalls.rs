//! What it costs to time every poll.
//!
//! `cargo bench --bench stalls`. The goal: 2% of what `/ping` costs, some 100 ns.

use std::cell::Cell;
use std::time::Duration;

use divan::{Bencher, black_box};
use peppercorn::runtime::stalls::{Label, Monitor, section};

fn main() {
    divan::main();
}

/// On a thread that is watched like an executor's, or on one that is not.
fn on_thread(bencher: Bencher<'_, '_>, watched: bool, work: impl Fn()) {
    let monitor = watched.then(|| Monitor::start(Duration::from_secs(600), |_| ()));
    let monitor = monitor.transpose().expect("a thread");
    let _watched = monitor.as_ref().map(Monitor::watch_this_thread);
    bencher.bench_local(work);
}

/// What one request of `/ping` has: the poll of its connection.
#[divan::bench(args = [false, true], sample_size = 1000)]
fn poll(bencher: Bencher<'_, '_>, watched: bool) {
    let polls = Cell::new(0_u64);
    on_thread(bencher, watched, || {
        section(Label::CONNECTION, || polls.set(black_box(polls.get()) + 1));
    });
}

/// What one of an endpoint has: the poll of its connection, and within it that of the endpoint.
#[divan::bench(args = [false, true], sample_size = 1000)]
fn poll_within_poll(bencher: Bencher<'_, '_>, watched: bool) {
    let polls = Cell::new(0_u64);
    on_thread(bencher, watched, || {
        section(Label::CONNECTION, || {
            section(Label::TASK, || polls.set(black_box(polls.get()) + 1));
        });
    });
}
