//! Series in shared memory: appended by one process, read by any, and found again by whoever goes on with them.
//!
//! ```text
//! used | head  key  cells | head  key  cells | …
//! ```
//!
//! A series is a word that says how long it is, its key, and its cells. What lies below `used` is complete: a process that
//! dies while it appends leaves nothing behind. No word is ever taken away, and a cell only grows, so a reader needs no
//! lock. The memory may hold anything: what makes no sense ends the list.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use super::family::{self, Family, OVERFLOWED};
use crate::lock::lock;

/// Words of an arena, 1 MiB: room for 3000 histograms, those of 1000 routes with three statuses each. The system gives
/// memory only for those that are used.
pub const WORDS: usize = 128 * 1024;

/// Words kept for what is counted when there is no room left: one series for each family, and the count of such series.
const RESERVE: usize = 1024;

/// The value of every label of the series that takes what has no room.
pub const OTHER: &str = "(other)";

/// Bytes of a label's value that are kept. One this long names nothing that anybody looks for.
const VALUE_BYTES: usize = 256;

/// The memory of the series of one process.
#[derive(Clone, Copy)]
pub struct Arena {
    /// Words of complete series.
    pub(super) used: &'static AtomicU64,
    words: &'static [AtomicU64],
}

/// A series in an arena.
pub struct Series {
    /// The number of its family.
    pub family: u16,
    key: &'static [AtomicU64],
    key_bytes: usize,
    /// Where it counts.
    pub cells: &'static [AtomicU64],
}

impl Arena {
    /// In these words; all of them are 0 before the first series.
    pub fn new(used: &'static AtomicU64, words: &'static [AtomicU64]) -> Arena {
        Arena { used, words }
    }

    /// The series that are complete now, in the order in which they came.
    pub fn series(self) -> impl Iterator<Item = Series> {
        let mut start = 0;
        // What the process that has appended them wrote before is there.
        let end = self.used.load(Ordering::Acquire);
        std::iter::from_fn(move || {
            let (series, next) = self.read(start).filter(|(_, next)| *next as u64 <= end)?;
            start = next;
            Some(series)
        })
    }

    /// The series at `start`, and where the next one is.
    fn read(self, start: usize) -> Option<(Series, usize)> {
        let head = self.words.get(start)?.load(Ordering::Relaxed);
        let (family, cells, key_bytes) = (head as u16, (head >> 16) as u16, (head >> 32) as usize);
        let key = start + 1;
        let first = key + key_bytes.div_ceil(8);
        let next = first + usize::from(cells);
        let series = Series {
            family,
            key: self.words.get(key..first)?,
            key_bytes,
            cells: self.words.get(first..next)?,
        };
        (cells > 0).then_some((series, next))
    }

    /// Appends a series whose cells are 0, unless it would use more than `limit` words. Not beside another append.
    fn append(self, start: usize, limit: usize, family: &Family, key: &[u8]) -> Option<Series> {
        let first = start + 1 + key.len().div_ceil(8);
        let next = first + family.cells();
        if next > limit {
            return None;
        }
        let head =
            u64::from(family.number) | (family.cells() as u64) << 16 | (key.len() as u64) << 32;
        self.words[start].store(head, Ordering::Relaxed);
        for (word, bytes) in self.words[start + 1..].iter().zip(key.chunks(8)) {
            let mut padded = [0; 8];
            padded[..bytes.len()].copy_from_slice(bytes);
            word.store(u64::from_le_bytes(padded), Ordering::Relaxed);
        }
        // One that died half way may have left something.
        for cell in &self.words[first..next] {
            cell.store(0, Ordering::Relaxed);
        }
        self.used.store(next as u64, Ordering::Release);
        self.read(start).map(|(series, _)| series)
    }
}

impl Series {
    /// Its family, if this version knows it. One that had another number of cells in an earlier version is another family.
    pub(super) fn known(&self) -> Option<&'static Family> {
        family::of(self.family).filter(|family| family.cells() == self.cells.len())
    }

    /// Adds its key to `key`: its labels' values, as [`values`] finds them there.
    pub fn read_key(&self, key: &mut Vec<u8>) {
        let end = key.len() + self.key_bytes;
        for word in self.key {
            key.extend_from_slice(&word.load(Ordering::Relaxed).to_le_bytes());
        }
        key.truncate(end);
    }
}

/// Ends each value in a key: no byte of UTF-8, so no two lists of values have one key.
const END: u8 = 0xff;

pub(super) fn key(labels: &[&str]) -> Vec<u8> {
    let mut key = Vec::new();
    for value in labels {
        let mut bytes = value.len().min(VALUE_BYTES);
        while !value.is_char_boundary(bytes) {
            bytes -= 1;
        }
        key.extend_from_slice(&value.as_bytes()[..bytes]);
        key.push(END);
    }
    key
}

/// The values of a series' labels, from its key.
pub fn values(key: &[u8]) -> impl Iterator<Item = &[u8]> {
    let key = key.strip_suffix(&[END]);
    key.into_iter()
        .flat_map(|key| key.split(|byte| *byte == END))
}

/// Gives the threads of one process their series.
pub struct Writer {
    arena: Arena,
    state: Mutex<State>,
}

struct State {
    /// Where the next series begins.
    end: usize,
    /// Where the cells of each are.
    known: HashMap<(u16, Vec<u8>), usize>,
}

impl Writer {
    /// Goes on with what is in the arena. No other process may write there.
    pub fn new(arena: Arena) -> Writer {
        let mut state = State {
            end: 0,
            known: HashMap::new(),
        };
        for series in arena.series() {
            state.add(&series);
        }
        Writer {
            arena,
            state: Mutex::new(state),
        }
    }

    /// The cells of a series, which is made if it is new: as many as its family [has](Family::cells). If there is no room,
    /// those of the series of its family that takes all such.
    pub fn cells(&self, family: &Family, labels: &[&str]) -> &'static [AtomicU64] {
        match self.place(family, labels) {
            Some(place) => self.at(place, family),
            None => &NOWHERE[..family.cells()],
        }
    }

    /// Where they are, for [`Writer::at`]; none in an arena that is too small for anything.
    pub(super) fn place(&self, family: &Family, labels: &[&str]) -> Option<usize> {
        debug_assert_eq!(labels.len(), family.labels.len(), "{}", family.name);
        let mut state = lock(&self.state);
        let all = self.arena.words.len();
        let room = all.saturating_sub(RESERVE);
        let place = self.find(&mut state, room, family, labels);
        if place.is_some() {
            return place;
        }
        if let Some(place) = self.find(&mut state, all, &OVERFLOWED, &[]) {
            self.arena.words[place].fetch_add(1, Ordering::Relaxed);
        }
        self.find(&mut state, all, family, &vec![OTHER; labels.len()])
    }

    /// The cells of a series of `family` at this place.
    pub(super) fn at(&self, place: usize, family: &Family) -> &'static [AtomicU64] {
        &self.arena.words[place..place + family.cells()]
    }

    fn find(
        &self,
        state: &mut State,
        limit: usize,
        family: &Family,
        labels: &[&str],
    ) -> Option<usize> {
        let key = (family.number, key(labels));
        if let Some(place) = state.known.get(&key) {
            return Some(*place);
        }
        let series = self.arena.append(state.end, limit, family, &key.1)?;
        Some(state.add(&series))
    }
}

impl State {
    /// Knows one more series, at the end of the others; where its cells are.
    fn add(&mut self, series: &Series) -> usize {
        let place = self.end + 1 + series.key.len();
        self.end = place + series.cells.len();
        if series.known().is_some() {
            let mut key = Vec::new();
            series.read_key(&mut key);
            self.known.insert((series.family, key), place);
        }
        place
    }
}

/// For what is counted and never read.
static NOWHERE: [AtomicU64; 32] = [const { AtomicU64::new(0) }; 32];
