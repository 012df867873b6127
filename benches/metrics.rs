//! What counting costs, and what a scrape of a large service does.
//!
//! `cargo bench --bench metrics [FILTER]`.

use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use divan::{Bencher, black_box};
use peppercorn::Method;
use peppercorn::metrics::{Arena, Metrics, Scrape, Sources, arena};

fn main() {
    divan::main();
}

/// An arena as a worker's row has it, and where it counts.
fn worker() -> (Arena, Metrics) {
    let words: Vec<AtomicU64> = (0..arena::WORDS).map(|_| AtomicU64::new(0)).collect();
    let arena = Arena::new(Box::leak(Box::new(AtomicU64::new(0))), words.leak());
    (arena, Metrics::new(arena, &[]))
}

const TOOK: Duration = Duration::from_micros(800);

/// A request: the goal is 60 ns.
#[divan::bench_group(sample_size = 1000)]
mod request {
    use super::*;

    /// With the number of statuses that the route has answered with before.
    #[divan::bench(args = [0, 2, 8])]
    fn observe(bencher: Bencher<'_, '_>, before: u16) {
        let route = worker().1.route("/markets/{market_id}/prices", "prices");
        for status in 0..before {
            route.observe(Some(Method::Get), 400 + status, TOOK);
        }
        bencher.bench_local(|| route.observe(black_box(Some(Method::Get)), 200, black_box(TOOK)));
    }

    /// All of it: two looks at the clock, and that the request is there.
    #[divan::bench]
    fn with_the_clock(bencher: Bencher<'_, '_>) {
        let metrics = worker().1;
        let route = metrics.route("/markets/{market_id}/prices", "prices");
        let active = metrics.active_requests();
        bencher.bench_local(|| {
            let (began, held) = (Instant::now(), active.hold());
            black_box(&held);
            route.observe(black_box(Some(Method::Get)), 200, began.elapsed());
        });
    }

    /// Another series each time is looked up.
    #[divan::bench]
    fn error(bencher: Bencher<'_, '_>) {
        let route = worker().1.route("/markets/{market_id}/prices", "prices");
        bencher.bench_local(|| route.count_error(black_box("42P01")));
    }
}

/// 8 workers with 1000 routes of 3 statuses each.
#[divan::bench_group(sample_count = 10, sample_size = 1)]
mod scrape {
    use super::*;

    fn service() -> Sources {
        let arenas = (0..8).map(|_| {
            let (arena, metrics) = worker();
            for number in 0..1000 {
                let route = metrics.route(&format!("/resources/{{id}}/parts/{number}"), "part");
                for status in [200, 404, 500] {
                    route.observe(Some(Method::Get), status, TOOK);
                }
            }
            arena
        });
        Sources {
            arenas: arenas.collect(),
            samples: Vec::new(),
        }
    }

    #[divan::bench]
    fn all(bencher: Bencher<'_, '_>) {
        let Sources { arenas, .. } = service();
        bencher.bench_local(|| {
            let arenas = arenas.clone();
            let scrape = Scrape::new(Sources {
                arenas,
                samples: Vec::new(),
            });
            black_box(scrape.text())
        });
    }

    /// The longest time for which it keeps others waiting, printed.
    #[divan::bench]
    fn longest_piece(bencher: Bencher<'_, '_>) {
        let Sources { arenas, .. } = service();
        let (mut longest, mut pieces, mut bytes) = (Duration::ZERO, 0, 0);
        bencher.bench_local(|| {
            let arenas = arenas.clone();
            let mut scrape = Scrape::new(Sources {
                arenas,
                samples: Vec::new(),
            });
            (pieces, bytes) = (0, 0);
            loop {
                let (began, mut text) = (Instant::now(), Vec::new());
                let goes_on = scrape.advance(&mut text);
                longest = longest.max(began.elapsed());
                (pieces, bytes) = (pieces + 1, bytes + text.len());
                if !goes_on {
                    break;
                }
            }
        });
        eprintln!("{pieces} pieces, {bytes} bytes, {longest:?} the longest");
    }
}
