//! Gauges: what a worker has now, a word each in its row. They are cleared with the row, since what a worker that is no
//! more has is nothing; several executors of a worker share them.

use std::sync::atomic::{AtomicU64, Ordering};

use super::Sample;
use super::family::{ACTIVE_REQUESTS, Family, POOL_CONNECTIONS, POOL_IDLE, POOL_WAITING};

/// What each word is.
static MEANING: [(&Family, &[&str]); 7] = [
    (&ACTIVE_REQUESTS, &[]),
    (&POOL_CONNECTIONS, &["reading"]),
    (&POOL_IDLE, &["reading"]),
    (&POOL_WAITING, &["reading"]),
    (&POOL_CONNECTIONS, &["writing"]),
    (&POOL_IDLE, &["writing"]),
    (&POOL_WAITING, &["writing"]),
];

/// Words that a worker needs for them.
pub const WORDS: usize = MEANING.len();

/// Which word a gauge is, if it is one.
pub(super) fn place(family: &Family, labels: &[&str]) -> Option<usize> {
    let is_it = |(one, of): &(&Family, &[&str])| one.number == family.number && *of == labels;
    MEANING.iter().position(is_it)
}

/// The sums over all workers, given the words of each.
pub fn samples(rows: &[&[AtomicU64]]) -> Vec<Sample> {
    let sample = |(place, (family, labels)): (usize, &(&'static Family, &[&'static str]))| {
        let words = rows.iter().filter_map(|row| row.get(place));
        let sum = words.fold(0_u64, |sum, word| {
            sum.wrapping_add(word.load(Ordering::Relaxed))
        });
        // Read while one counts: below nothing is nothing.
        Sample::new(family, labels, (sum as i64).max(0) as u64)
    };
    MEANING.iter().enumerate().map(sample).collect()
}
