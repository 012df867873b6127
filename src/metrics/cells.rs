//! What counts: handles on the cells of one series, found once and used as often as there is something to count.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::family::{Family, Kind};

/// Counts what only grows. Cheap to copy.
#[derive(Clone, Copy, Debug)]
pub struct Counter(pub(super) &'static AtomicU64);

impl Counter {
    /// So many more; nanoseconds, if its family is a time.
    pub fn add(self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    /// How many so far, here.
    pub fn get(self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Says how many there are now, of one or several who take part in it. Cheap to copy.
#[derive(Clone, Copy, Debug)]
pub struct Gauge(pub(super) &'static AtomicU64);

impl Gauge {
    /// One more, until the guard is dropped.
    pub fn hold(self) -> Held {
        self.change(0, 1);
        Held(self)
    }

    /// Whoever counted for `before` counts for `now`.
    pub fn change(self, before: u64, now: u64) {
        self.0
            .fetch_add(now.wrapping_sub(before), Ordering::Relaxed);
    }
}

/// One in a [`Gauge`].
#[derive(Debug)]
pub struct Held(Gauge);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.change(1, 0);
    }
}

/// Counts durations by how long they are. Cheap to copy.
#[derive(Clone, Copy, Debug)]
pub struct Histogram {
    bounds: &'static [u64],
    /// The sum of all durations, in nanoseconds, before the buckets: most are short, and theirs lie beside it. It begins
    /// again at 0 after 584 years.
    cells: &'static [AtomicU64],
}

impl Histogram {
    pub(super) fn new(family: &Family, cells: &'static [AtomicU64]) -> Histogram {
        let bounds = match family.kind {
            Kind::Histogram(bounds) => bounds,
            _ => unreachable!("{} is no histogram", family.name),
        };
        Histogram { bounds, cells }
    }

    /// One that took so long.
    pub fn observe(self, took: Duration) {
        self.observe_many(1, took);
    }

    /// So many, each of which took so long.
    pub fn observe_many(self, count: u64, took: Duration) {
        let took = nanoseconds(took);
        // As in Prometheus, a bound is in the bucket below it.
        let bucket = self.bounds.partition_point(|bound| *bound < took);
        self.cells[1 + bucket].fetch_add(count, Ordering::Relaxed);
        self.cells[0].fetch_add(took.wrapping_mul(count), Ordering::Relaxed);
    }
}

fn nanoseconds(time: Duration) -> u64 {
    time.as_nanos().try_into().unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::family::STALL;

    #[test]
    fn a_duration_is_in_the_bucket_that_it_does_not_exceed() {
        let cells: &'static [AtomicU64] = vec![0; STALL.cells()]
            .into_iter()
            .map(AtomicU64::new)
            .collect::<Vec<_>>()
            .leak();
        let histogram = Histogram::new(&STALL, cells);
        let ms = Duration::from_millis;
        histogram.observe(Duration::ZERO);
        histogram.observe_many(2, ms(10));
        histogram.observe(ms(10) + Duration::from_nanos(1));
        histogram.observe(ms(10_001));
        let read: Vec<u64> = cells
            .iter()
            .map(|cell| cell.load(Ordering::Relaxed))
            .collect();
        assert_eq!(read[0], 10_031_000_001);
        assert_eq!(read[1..], [3, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    }

    #[test]
    fn a_gauge_is_what_all_who_take_part_in_it_are_now() {
        let word: &'static AtomicU64 = Box::leak(Box::new(AtomicU64::new(0)));
        let gauge = Gauge(word);
        let (first, second) = (gauge.hold(), gauge.hold());
        gauge.change(0, 7);
        gauge.change(7, 4);
        drop(first);
        assert_eq!(word.load(Ordering::Relaxed), 5);
        drop(second);
        gauge.change(4, 0);
        assert_eq!(word.load(Ordering::Relaxed), 0);
    }
}
