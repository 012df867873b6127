//! The scoreboard: what the processes of a service know of each other, in memory they share.
//!
//! A memfd of 64-bit words, each written by one process and read by any: a header, and a row for each worker. The
//! supervisor makes it and hands it down; a worker that serves alone makes its own. It is also all that a supervisor
//! needs to know of its workers after it has executed a new version of itself, and what `peppercorn status` reads. A
//! worker that is killed half way leaves nothing locked or torn: there is no lock, and a word is whole.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, bail};
use rustix::fs::{MemfdFlags, SealFlags};
use rustix::time::{ClockId, clock_gettime};

use crate::runtime::Turn;
use crate::sys;

/// Workers at once at most, those of two generations together.
pub(super) const ROWS: usize = 256;
/// Threads of one worker at most: each has a word.
pub(crate) const THREADS: usize = 64;

/// The name of the memory, by which `peppercorn status` finds it.
pub(super) const NAME: &str = "peppercorn-scoreboard";
/// In the first word: which program this is, and the version of the layout. A binary that knows another refuses it.
const MAGIC: u64 = u64::from_be_bytes(*b"pepper\0\x01");

const HEADER_WORDS: usize = 64;
const ROW_WORDS: usize = 128;
const WORDS: usize = HEADER_WORDS + ROWS * ROW_WORDS;
/// Where a row's threads begin.
const TURNS: usize = ROW_WORDS - THREADS;

/// A word of the header.
#[derive(Clone, Copy, Debug)]
pub(super) enum Header {
    /// [`MAGIC`].
    Magic,
    /// The process at the top: the supervisor, or the one worker.
    Pid,
    /// 1: there is a supervisor.
    Supervised,
    /// The generation that serves.
    Generation,
    /// Workers wanted.
    Workers,
    /// 1: the service is on its way out, nobody goes on with its sockets.
    Stopping,
    /// 1: the keeper's private cluster can be connected to.
    Cluster,
    /// The process id of the private cluster's keeper, or 0.
    Keeper,
    /// The process id of the reporter, or 0.
    Reporter,
    /// Workers started in place of one that had ended, so far.
    Restarts,
}

/// A word of a row.
#[derive(Clone, Copy, Debug)]
pub(super) enum Field {
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
pub(super) enum Stage {
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
    const ALL: [Stage; 4] = [
        Stage::Starting,
        Stage::Serving,
        Stage::Retiring,
        Stage::Draining,
    ];

    pub(super) fn word(self) -> &'static str {
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
pub(super) enum Database {
    /// It has none.
    None,
    /// It answers.
    Ok,
    /// It is away.
    Away,
}

/// The whole table.
pub(super) struct Scoreboard {
    memory: OwnedFd,
    words: &'static [AtomicU64],
}

impl Scoreboard {
    /// A new one, of this process.
    ///
    /// # Errors
    /// The system refuses the memory.
    pub(super) fn create(supervised: bool) -> std::io::Result<Scoreboard> {
        let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
        let memory = rustix::fs::memfd_create(NAME, flags)?;
        rustix::fs::ftruncate(&memory, (WORDS * size_of::<u64>()) as u64)?;
        // Nobody can take memory away from under a reader.
        let seals = SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL;
        rustix::fs::fcntl_add_seals(&memory, seals)?;
        let words = sys::share_words(memory.as_fd(), WORDS, true)?;
        let scoreboard = Scoreboard { memory, words };
        scoreboard.set(Header::Pid, std::process::id().into());
        scoreboard.set(Header::Supervised, supervised.into());
        scoreboard.set(Header::Magic, MAGIC);
        Ok(scoreboard)
    }

    /// One that another process has made.
    ///
    /// # Errors
    /// It is not one, or of another version.
    pub(super) fn open(memory: OwnedFd, writable: bool) -> anyhow::Result<Scoreboard> {
        let size = rustix::fs::fstat(&memory)?.st_size;
        let seals = rustix::fs::fcntl_get_seals(&memory).context("this is no scoreboard")?;
        if size != (WORDS * size_of::<u64>()) as i64 || !seals.contains(SealFlags::SHRINK) {
            bail!("the scoreboard has the layout of another version of peppercorn");
        }
        let words = sys::share_words(memory.as_fd(), WORDS, writable)?;
        let scoreboard = Scoreboard { memory, words };
        match scoreboard.get(Header::Magic) == MAGIC {
            true => Ok(scoreboard),
            false => bail!("the scoreboard has the layout of another version of peppercorn"),
        }
    }

    pub(super) fn get(&self, word: Header) -> u64 {
        self.words[word as usize].load(Ordering::Acquire)
    }

    pub(super) fn set(&self, word: Header, value: u64) {
        self.words[word as usize].store(value, Ordering::Release);
    }

    /// The row of this number.
    pub(super) fn row(&self, number: usize) -> Row {
        let start = HEADER_WORDS + number * ROW_WORDS;
        Row(&self.words[start..start + ROW_WORDS])
    }

    /// The rows that have a worker, by number.
    pub(super) fn taken(&self) -> impl Iterator<Item = (usize, Row)> {
        let rows = (0..ROWS).map(|number| (number, self.row(number)));
        rows.filter(|(_, row)| row.get(Field::Pid) != 0)
    }

    /// A row that has none, with nothing in it; none if all have.
    pub(super) fn free(&self) -> Option<usize> {
        let free = (0..ROWS).find(|number| self.row(*number).get(Field::Pid) == 0)?;
        self.row(free).clear();
        Some(free)
    }
}

impl AsFd for Scoreboard {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.memory.as_fd()
    }
}

/// A worker's row.
#[derive(Clone, Copy)]
pub(super) struct Row(&'static [AtomicU64]);

impl Row {
    pub(super) fn get(self, field: Field) -> u64 {
        self.0[field as usize].load(Ordering::Acquire)
    }

    pub(super) fn set(self, field: Field, value: u64) {
        self.0[field as usize].store(value, Ordering::Release);
    }

    pub(super) fn stage(self) -> Stage {
        let number = self.get(Field::Stage) as usize;
        *Stage::ALL.get(number).unwrap_or(&Stage::Starting)
    }

    /// Goes on to `stage`; never back.
    pub(super) fn advance(self, stage: Stage) {
        self.0[Field::Stage as usize].fetch_max(stage as u64, Ordering::AcqRel);
    }

    pub(super) fn database(self) -> Database {
        match self.get(Field::Database) {
            0 => Database::None,
            1 => Database::Ok,
            _ => Database::Away,
        }
    }

    /// Where the worker's threads note their turns.
    pub(super) fn turns(self) -> impl Iterator<Item = Turn> {
        self.0[TURNS..].iter().map(Turn::new)
    }

    /// The word of a field.
    pub(super) fn word(self, field: Field) -> &'static AtomicU64 {
        &self.0[field as usize]
    }

    /// When all of its executors were last seen to move, in [`now_ms`]; none before they run.
    pub(super) fn heartbeat(self) -> Option<u64> {
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
    pub(super) fn clear(self) {
        for word in self.0 {
            word.store(0, Ordering::Release);
        }
    }
}

/// Milliseconds on the clock that all processes of the machine share: CLOCK_MONOTONIC.
pub(super) fn now_ms() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec as u64 * 1000 + now.tv_nsec as u64 / 1_000_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_writes_the_other_reads() {
        let own = Scoreboard::create(true).unwrap();
        let other = Scoreboard::open(own.as_fd().try_clone_to_owned().unwrap(), false).unwrap();
        assert_eq!(other.get(Header::Pid), u64::from(std::process::id()));
        let number = own.free().unwrap();
        own.row(number).set(Field::Pid, 7);
        own.row(number).advance(Stage::Draining);
        own.row(number).advance(Stage::Serving);
        let taken: Vec<usize> = other.taken().map(|(number, _)| number).collect();
        assert_eq!(taken, [number]);
        assert_eq!(other.row(number).stage(), Stage::Draining);
        assert_ne!(own.free(), Some(number));
        own.row(number).clear();
        assert_eq!(other.taken().count(), 0);
        assert_eq!(other.row(number).stage(), Stage::Starting);
    }

    #[test]
    fn something_else_is_refused() {
        let wrong = rustix::fs::memfd_create("wrong", MemfdFlags::CLOEXEC).unwrap();
        assert!(Scoreboard::open(wrong, true).is_err());
    }

    #[test]
    fn a_heartbeat_is_that_of_the_slowest_executor() {
        let own = Scoreboard::create(true).unwrap();
        let row = own.row(own.free().unwrap());
        let turns: Vec<Turn> = row.turns().take(2).collect();
        assert_eq!(row.heartbeat(), None);
        row.set(Field::Threads, 2);
        turns[0].begin_at(1000);
        turns[1].begin_at(4000);
        turns[0].rest_at(1000);
        assert_eq!(row.heartbeat(), Some(1000));
        row.set(Field::Shared, 1);
        // The first rests, the second works.
        assert_eq!(row.heartbeat(), Some(4000));
        turns[0].begin_at(1000);
        assert_eq!(row.heartbeat(), Some(1000));
    }
}
