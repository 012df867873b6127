//! What a load does to other requests, and to memory.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::support::{Load, median, pss, report};
use crate::{Asked, Field, LIST, ONE_ROW, TEN_ROWS, forget_inserts, serve, spread};

/// A query that takes no CPU, and connections that run it in a loop.
const SLOW: &str = "/sleep/200";
const SLOW_CONNECTIONS: u64 = 4;
/// Of one worker.
const MEMORY_GOAL_MIB: f64 = 8.0;

/// The 99th percentile of one row while others run slow queries, beside that without them.
pub fn beside_slow_ones(field: &Field) {
    let fast = field.load();
    let slow = Load {
        connections: SLOW_CONNECTIONS,
        // For as long as the fast ones, and a second before and after them.
        duration: fast.duration + Duration::from_secs(2),
        pipelined: 1,
    };
    let p99 = |address: SocketAddr| {
        let answered = Asked::Get(ONE_ROW).run(&field.folder, &fast, address);
        answered.p99.as_secs_f64() * 1e3
    };
    let measure = |address: SocketAddr| {
        let (mut without, mut with, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..field.rounds {
            let alone = p99(address);
            let beside = std::thread::scope(|scope| {
                scope.spawn(|| Asked::Get(SLOW).run(&field.folder, &slow, address));
                std::thread::sleep(Duration::from_secs(1));
                p99(address)
            });
            without.push(alone);
            with.push(beside);
            ratios.push(beside / alone);
        }
        (median(without), median(with), ratios)
    };
    let (without, with, ratios) = measure(field.ours.address());
    let (.., theirs) = measure(field.axum.address);
    let (spread, ratio) = (spread(&ratios), median(ratios));
    report(
        "p99 of one row beside slow queries",
        &format!(
            "{with:.2} ms, {without:.2} ms without: {ratio:.2} × ({spread}); with axum {:.2} ×",
            median(theirs)
        ),
        "at most 2 ×",
        ratio <= 2.0,
    );
}

/// What a worker has for itself at most, while it answers.
pub fn memory(field: &Field) {
    let server = serve(&field.database, &field.folder, &[]);
    let idle = mib(pss(server.pid()));
    let most_under = |asked: Asked| {
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let watcher = scope.spawn(|| {
                let mut most = 0;
                while !done.load(Ordering::Relaxed) {
                    most = most.max(pss(server.pid()));
                    std::thread::sleep(Duration::from_millis(50));
                }
                mib(most)
            });
            asked.run(&field.folder, &field.load(), server.address());
            done.store(true, Ordering::Relaxed);
            watcher.join().expect("the watcher")
        })
    };
    let [one, ten, insert, list] = [
        Asked::Get(ONE_ROW),
        Asked::Get(TEN_ROWS),
        Asked::Inserts,
        Asked::Get(LIST),
    ]
    .map(most_under);
    forget_inserts(&field.database);
    let most = one.max(ten).max(insert);
    report(
        "memory under load",
        &format!(
            "{idle:.1} MiB idle, {one:.1} with one row, {ten:.1} with ten, {insert:.1} with inserts; with 64 clients \
             that read lists of 120 KB, {list:.1}"
        ),
        &format!("at most {MEMORY_GOAL_MIB} MiB"),
        most <= MEMORY_GOAL_MIB,
    );
}

fn mib(bytes: u64) -> f64 {
    bytes as f64 / 1024.0 / 1024.0
}
