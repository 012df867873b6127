//! What is measured, in memory that all processes of a service share.
//!
//! ```text
//! handles (route, pool, counters) → cells in the arena of a worker's row ─┐
//!                                  cells in the arena of another row ─────┼→ sums → text
//!                                  words of the rows: what is now ────────┘
//! ```
//!
//! | module | what it is |
//! |---|---|
//! | [`family`] | what is measured: names, labels, what they mean |
//! | [`arena`] | series in shared memory, found again by whoever goes on with them |
//! | [`cells`] | counters, gauges, histograms |
//! | [`route`] | what is counted of a route: a few nanoseconds per request |
//! | [`now`] | gauges: a word each in a worker's row, gone with the worker |
//! | [`scrape`], [`text`] | sums over all arenas, in Prometheus' text format |
//!
//! What a worker has counted outlives it: the next worker of its row goes on counting. So a scrape is the sum over all
//! arenas, whichever worker answers it, and a worker that is killed takes nothing with it.

pub mod arena;
pub mod cells;
pub mod family;
pub mod now;
pub mod route;
pub mod scrape;
#[cfg(test)]
mod tests;
pub mod text;

use std::fmt;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

pub use arena::Arena;
pub use cells::{Counter, Gauge, Held, Histogram};
pub use family::Family;
pub use route::RouteMetrics;
pub use scrape::{Expose, Sample, Scrape, Sources};

use arena::Writer;

/// Where one process counts. Cheap to clone.
#[derive(Clone)]
pub struct Metrics {
    writer: Arc<Writer>,
    /// What is now, in words of the process's row.
    now: &'static [AtomicU64],
    nowhere: Arc<RouteMetrics>,
    active_requests: Gauge,
}

/// What is counted of a pool of connections.
#[derive(Clone, Copy, Debug)]
pub struct PoolMetrics {
    /// Open.
    pub connections: Gauge,
    /// Open, and without a query.
    pub idle: Gauge,
    /// Queries without a connection.
    pub waiting: Gauge,
    /// How long they waited, all of them.
    pub wait: Histogram,
    /// Of those, they that were refused.
    pub timeouts: Counter,
}

impl Metrics {
    /// Counts in this arena, where no other process does, and says what is [`now`] in these words.
    pub fn new(arena: Arena, now: &'static [AtomicU64]) -> Metrics {
        let writer = Arc::new(Writer::new(arena));
        Metrics {
            nowhere: Arc::new(RouteMetrics::new(&writer, "", "")),
            active_requests: gauge(now, &family::ACTIVE_REQUESTS, &[]),
            writer,
            now,
        }
    }

    /// One that nobody reads; all of a process are one.
    pub fn unread() -> Metrics {
        // Untouched pages of the program are no memory.
        static WORDS: [AtomicU64; 64 * 1024] = [const { AtomicU64::new(0) }; 64 * 1024];
        static USED: AtomicU64 = AtomicU64::new(0);
        static UNREAD: LazyLock<Metrics> =
            LazyLock::new(|| Metrics::new(Arena::new(&USED, &WORDS), &[]));
        UNREAD.clone()
    }

    /// What is counted of a route, whose endpoint has a name of its own.
    pub fn route(&self, template: &str, endpoint: &str) -> RouteMetrics {
        RouteMetrics::new(&self.writer, template, endpoint)
    }

    /// What is counted of requests that no route fits.
    pub fn nowhere(&self) -> &RouteMetrics {
        &self.nowhere
    }

    /// Requests without an answer yet: each holds one.
    pub fn active_requests(&self) -> Gauge {
        self.active_requests
    }

    /// What is counted of the pools with this purpose.
    pub fn pool(&self, purpose: &'static str) -> PoolMetrics {
        let labels = [purpose];
        PoolMetrics {
            connections: gauge(self.now, &family::POOL_CONNECTIONS, &labels),
            idle: gauge(self.now, &family::POOL_IDLE, &labels),
            waiting: gauge(self.now, &family::POOL_WAITING, &labels),
            wait: self.histogram(&family::POOL_WAIT, &labels),
            timeouts: self.counter(&family::POOL_TIMEOUTS, &labels),
        }
    }

    /// A counter of `family`, a word for each of whose labels is given.
    pub fn counter(&self, family: &Family, labels: &[&str]) -> Counter {
        Counter(&self.writer.cells(family, labels)[0])
    }

    /// A histogram of `family`, a word for each of whose labels is given.
    pub fn histogram(&self, family: &Family, labels: &[&str]) -> Histogram {
        Histogram::new(family, self.writer.cells(family, labels))
    }

    /// An endpoint, or what else this names, kept its executor from everything else for so long.
    pub fn count_stall(&self, endpoint: &str, took: Duration) {
        self.counter(&family::STALLS, &[endpoint]).add(1);
        self.histogram(&family::STALL, &[]).observe(took);
    }
}

/// The gauge of `family` in the words of a row; one that nobody reads where there are none.
fn gauge(now: &'static [AtomicU64], family: &Family, labels: &[&str]) -> Gauge {
    static NOWHERE: AtomicU64 = AtomicU64::new(0);
    let place = now::place(family, labels);
    Gauge(place.and_then(|place| now.get(place)).unwrap_or(&NOWHERE))
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}
