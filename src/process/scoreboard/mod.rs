//! The scoreboard: what the processes of a service know of each other, in memory they share.
//!
//! A memfd of 64-bit words, each written by one process and read by any: a header, a row for each worker, and for each row
//! an [arena](Arena) of what its workers have counted, one after the other; another is the supervisor's. The supervisor
//! makes it and hands it down; a worker that serves alone makes its own. It is also all that a supervisor
//! needs to know of its workers after it has executed a new version of itself, and what `peppercorn status` reads. A
//! worker that is killed half way leaves nothing locked or torn: there is no lock, and a word is whole.

mod claims;
mod row;

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail};
use rustix::fs::{MemfdFlags, SealFlags};
use rustix::time::{ClockId, clock_gettime};

use crate::metrics::{Arena, arena};
use crate::sys;

use claims::Claims;
pub(super) use row::{Database, Field, Row, Stage};

/// Workers at once at most, those of two generations together.
pub(super) const ROWS: usize = 256;
/// The name of the memory, by which `peppercorn status` finds it.
pub(super) const NAME: &str = "peppercorn-scoreboard";
/// In the first word: which program this is, and the version of the layout. A binary that knows another refuses it.
const MAGIC: u64 = u64::from_be_bytes(*b"pepper\0\x02");

const HEADER_WORDS: usize = 64;
/// Where the words are that say how much of each arena is used. Not in the arenas: whoever looks there for nothing would
/// have the system find memory for it.
const USED: usize = HEADER_WORDS + ROWS * row::WORDS;
/// One for each row, and the supervisor's.
const ARENAS: usize = ROWS + 1;
/// Where is said what has been [claimed](Scoreboard::claim).
const CLAIMS: usize = USED + ARENAS;
/// Where the first arena is: at the begin of a page.
const FIRST_ARENA: usize = (CLAIMS + claims::WORDS).next_multiple_of(4096 / size_of::<u64>());
/// Of address space that is a quarter of a GiB; of memory, what is used.
const WORDS: usize = FIRST_ARENA + ARENAS * arena::WORDS;

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
    /// When the service was started, in seconds since 1970.
    Started,
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
        let started = SystemTime::now().duration_since(UNIX_EPOCH);
        scoreboard.set(Header::Started, started.map_or(0, |since| since.as_secs()));
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
        let start = HEADER_WORDS + number * row::WORDS;
        Row(&self.words[start..start + row::WORDS])
    }

    /// Where the worker of this row counts, and goes on with what those before it have counted.
    pub(super) fn arena(&self, row: usize) -> Arena {
        let start = FIRST_ARENA + row * arena::WORDS;
        let words = &self.words[start..start + arena::WORDS];
        Arena::new(&self.words[USED + row], words)
    }

    /// Where the supervisor counts.
    pub(super) fn supervisors_arena(&self) -> Arena {
        self.arena(ROWS)
    }

    /// The arenas that anybody has ever counted in.
    pub(super) fn arenas(&self) -> impl Iterator<Item = Arena> {
        let numbers = 0..ARENAS;
        let used = numbers.filter(|number| self.words[USED + number].load(Ordering::Acquire) != 0);
        used.map(|number| self.arena(number))
    }

    /// Whether to say what several processes could say: no, if one of them has within the last `period`.
    pub(super) fn claim(&self, what: &str, period: Duration) -> bool {
        let claims = Claims(&self.words[CLAIMS..CLAIMS + claims::WORDS]);
        // In seconds it fits, for as long as machines run.
        claims.claim(what, period, (now_ms() / 1000) as u32)
    }

    /// The rows that have a worker, by number.
    pub(super) fn taken(&self) -> impl Iterator<Item = (usize, Row)> {
        let rows = (0..ROWS).map(|number| (number, self.row(number)));
        rows.filter(|(_, row)| row.get(Field::Pid) != 0)
    }

    /// A row that has none, with nothing in it but its arena; none if all have.
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

/// Milliseconds on the clock that all processes of the machine share: CLOCK_MONOTONIC.
pub(super) fn now_ms() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec as u64 * 1000 + now.tv_nsec as u64 / 1_000_000
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{Metrics, family};
    use crate::runtime::Turn;

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
    fn a_row_is_cleared_and_its_arena_is_not() {
        let own = Scoreboard::create(true).unwrap();
        let other = Scoreboard::open(own.as_fd().try_clone_to_owned().unwrap(), false).unwrap();
        let number = own.free().unwrap();
        let row = own.row(number);
        row.set(Field::Pid, 7);
        let metrics = Metrics::new(own.arena(number), row.now());
        metrics.counter(&family::STALLS, &["one"]).add(3);
        std::mem::forget(metrics.active_requests().hold());
        let active = || {
            let words = other.row(number).now();
            words
                .iter()
                .map(|word| word.load(Ordering::Relaxed))
                .sum::<u64>()
        };
        assert_eq!((other.arenas().count(), active()), (1, 1));
        row.clear();
        assert_eq!((other.arenas().count(), active()), (1, 0));
        assert_eq!(own.free(), Some(number));
        let again = Metrics::new(own.arena(number), own.row(number).now());
        again.counter(&family::STALLS, &["one"]).add(4);
        let series = other.arenas().flat_map(Arena::series).next().unwrap();
        assert_eq!(series.cells[0].load(Ordering::Relaxed), 7);
        Metrics::new(own.supervisors_arena(), &[]).counter(&family::STALLS, &["one"]);
        assert_eq!(other.arenas().count(), 2);
    }

    /// The memory is only address space before it is written, and looking at all of it changes nothing.
    #[test]
    fn arenas_that_nobody_uses_are_no_memory() {
        let own = Scoreboard::create(true).unwrap();
        assert_eq!(own.taken().count() + own.arenas().count(), 0);
        let bytes = rustix::fs::fstat(&own).unwrap().st_blocks * 512;
        assert!(bytes <= 512 * 1024, "{bytes} bytes");
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
