//! A worker's row: what it says of itself, and what its supervisor notes beside that.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::metrics::now;
use crate::runtime::Turn;

/// Threads of one worker at most: each has a word.
pub(super) const THREADS: usize = 64;

pub(super) const WORDS: usize = 128;
/// Where a row's threads begin.
const TURNS: usize = WORDS - THREADS;
/// Where its gauges do.
const NOW: usize = TURNS - 32;
const _: () = assert!(now::WORDS <= TURNS - NOW && (Field::Leaving as usize) < NOW);

/// A word of a row.
#[derive(Clone, Copy, Debug)]
pub(in crate::process) enum Field {
    /// The worker's process id; 0: the row is free.
    Pid,
    /// Its slot, from 0.
    Slot,
    /// Its generation.
    Generation,
    /// When it was started, in [`now_ms`].
    Born,
    /// A [`Stage`].
    Stage,
    /// Requests answered.
    Requests,
    /// Connections open.
    Connections,
    /// A [`Database`].
    Database,
    /// Executor threads.
    Threads,
    /// 1: the threads share one executor.
    Shared,
    /// 1: it has been told to end, by a supervisor that has become another program since.
    Leaving,
}

/// How far a worker is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::process) enum Stage {
    /// It prepares.
    Starting,
    /// It accepts connections.
    Serving,
    /// It serves, and wants to be replaced.
    Retiring,
    /// It finishes what is in flight.
    Draining,
}

impl Stage {
    pub(in crate::process) const ALL: [Stage; 4] = [
        Stage::Starting,
        Stage::Serving,
        Stage::Retiring,
        Stage::Draining,
    ];

    pub(in crate::process) fn word(self) -> &'static str {
        match self {
            Stage::Starting => "starting",
            Stage::Serving => "serving",
            Stage::Retiring => "retiring",
            Stage::Draining => "draining",
        }
    }
}

/// What a worker knows of its database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::process) enum Database {
    /// It has none.
    None,
    /// It answers.
    Ok,
    /// It is away.
    Away,
}

/// A worker's row.
#[derive(Clone, Copy)]
pub(in crate::process) struct Row(pub(super) &'static [AtomicU64]);

impl Row {
    pub(in crate::process) fn get(self, field: Field) -> u64 {
        self.0[field as usize].load(Ordering::Acquire)
    }

    pub(in crate::process) fn set(self, field: Field, value: u64) {
        self.0[field as usize].store(value, Ordering::Release);
    }

    pub(in crate::process) fn stage(self) -> Stage {
        let number = self.get(Field::Stage) as usize;
        *Stage::ALL.get(number).unwrap_or(&Stage::Starting)
    }

    /// Goes on to `stage`; never back.
    pub(in crate::process) fn advance(self, stage: Stage) {
        self.0[Field::Stage as usize].fetch_max(stage as u64, Ordering::AcqRel);
    }

    pub(in crate::process) fn database(self) -> Database {
        match self.get(Field::Database) {
            0 => Database::None,
            1 => Database::Ok,
            _ => Database::Away,
        }
    }

    /// Where the worker's threads note their turns.
    pub(in crate::process) fn turns(self) -> impl Iterator<Item = Turn> {
        self.0[TURNS..].iter().map(Turn::new)
    }

    /// Where the worker says what is [now](crate::metrics::now).
    pub(in crate::process) fn now(self) -> &'static [AtomicU64] {
        &self.0[NOW..TURNS]
    }

    /// The word of a field.
    pub(in crate::process) fn word(self, field: Field) -> &'static AtomicU64 {
        &self.0[field as usize]
    }

    /// When all of its executors were last seen to move, in [`now_ms`]; none before they run.
    pub(in crate::process) fn heartbeat(self) -> Option<u64> {
        let threads = self.get(Field::Threads) as usize;
        let turns = || self.turns().take(threads);
        // An idle executor is woken several times a second. Of several threads on one some may have nothing to do for
        // long: they are as alive as the last of them that moved, unless they are in the midst of something.
        match self.get(Field::Shared) {
            0 => turns().map(Turn::last_ms).min(),
            _ => {
                let newest = turns().map(Turn::last_ms).max()?;
                let busy = turns()
                    .filter(|turn| !turn.is_idle())
                    .map(Turn::last_ms)
                    .min();
                Some(busy.map_or(newest, |busy| busy.min(newest)))
            }
        }
        .filter(|last| *last != 0)
    }

    /// Makes the row free.
    pub(in crate::process) fn clear(self) {
        for word in self.0 {
            word.store(0, Ordering::Release);
        }
    }
}
