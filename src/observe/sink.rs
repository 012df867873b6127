//! Where lines go: into memory first, and from there to whoever reads them.
//!
//! A pipe that nobody reads blocks whoever writes to it, and so does a terminal that is stopped. So the threads that have
//! something to say only put it down here, and a thread of the sink's own does the writing. What finds no room is lost and
//! counted, and how much that was is said once there is room again.

#[cfg(test)]
mod tests;

use std::io;
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;

use crate::lock::lock;
use crate::sys;

/// Bytes that wait to be written, at most, those that are being written among them; a line that finds no room is lost.
/// About 10,000 lines: the most that a reader may be behind.
pub(super) const LIMIT_BYTES: usize = 1 << 20;
/// What one write to a pipe hands over undivided, however many processes write to it. Lines go out in pieces of at most
/// this size.
///
/// Source: pipe(7), `PIPE_BUF`.
pub(super) const UNDIVIDED_BYTES: usize = 4096;
/// A buffer that has grown larger is given back when it is empty.
const KEPT_BYTES: usize = 64 << 10;
/// Of the writer, which calls nothing deep.
const STACK_BYTES: usize = 64 << 10;

/// A log's lines on their way out.
pub(super) struct Sink<O>(Arc<Shared<O>>);

/// What those who put lines down and the one who writes them share.
struct Shared<O> {
    output: O,
    /// How long the writer waits for more lines when there are few, to write them together.
    linger: Duration,
    /// Told how many lines were lost, once there is room to say so.
    say_lost: Box<dyn Fn(u64) + Send + Sync>,
    state: Mutex<State>,
    /// Signalled when something waits and the writer may be asleep.
    work: Condvar,
    /// Signalled when the writer has nothing left to do.
    rest: Condvar,
    /// All lines that were lost so far.
    lost: AtomicU64,
}

struct State {
    waiting: Lines,
    /// Bytes that the writer has taken and not yet written.
    writing: usize,
    /// A line has found no room: none is taken until half of it is free, so that what is missing is missing in one place.
    full: bool,
    /// Lines lost that nobody has been told of.
    unsaid: u64,
    writer: Writer,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Writer {
    /// There has been nothing to write yet.
    Absent,
    /// It waits for `work`, and everything is written and said.
    Asleep,
    Busy,
}

/// Whole lines, one after the other.
#[derive(Default)]
struct Lines {
    bytes: Vec<u8>,
    /// Where each ends.
    ends: Vec<usize>,
}

impl Lines {
    const fn new() -> Lines {
        Lines {
            bytes: Vec::new(),
            ends: Vec::new(),
        }
    }

    fn push(&mut self, line: &[u8]) {
        self.bytes.extend_from_slice(line);
        self.ends.push(self.bytes.len());
    }

    fn clear(&mut self) {
        if self.bytes.capacity() > KEPT_BYTES {
            *self = Lines::new();
        }
        self.bytes.clear();
        self.ends.clear();
    }

    /// Cuts them into pieces of whole lines, each at most [`UNDIVIDED_BYTES`] long or one line: where each begins, and the
    /// ends of its lines.
    fn pieces(&self) -> impl Iterator<Item = (usize, &[usize])> {
        let (mut begin, mut ends) = (0, self.ends.as_slice());
        std::iter::from_fn(move || {
            let fitting = ends
                .iter()
                .take_while(|end| **end - begin <= UNDIVIDED_BYTES);
            let count = fitting.count().max(1);
            let (piece, rest) = ends.split_at_checked(count)?;
            let piece_begin = std::mem::replace(&mut begin, *piece.last()?);
            ends = rest;
            Some((piece_begin, piece))
        })
    }
}

impl<O: AsFd + Send + Sync + 'static> Sink<O> {
    /// One without a writer, which is started for the first line.
    pub(super) fn new(
        output: O,
        linger: Duration,
        say_lost: impl Fn(u64) + Send + Sync + 'static,
    ) -> Sink<O> {
        Sink(Arc::new(Shared {
            output,
            linger,
            say_lost: Box::new(say_lost),
            state: Mutex::new(State {
                waiting: Lines::new(),
                writing: 0,
                full: false,
                unsaid: 0,
                writer: Writer::Absent,
            }),
            work: Condvar::new(),
            rest: Condvar::new(),
            lost: AtomicU64::new(0),
        }))
    }

    /// Puts a line down, line end and all; lines of one text that belong together count as one. Waits for nobody but
    /// those who do the same at the same time.
    pub(super) fn push(&self, line: &[u8]) {
        let mut state = self.0.locked();
        let held = state.waiting.bytes.len() + state.writing;
        // However long it is, one that is alone is taken.
        if state.full || (held > 0 && held + line.len() > LIMIT_BYTES) {
            state.full = true;
            state.unsaid += 1;
            drop(state);
            self.0.lost.fetch_add(1, Ordering::Relaxed);
            return;
        }
        state.waiting.push(line);
        match state.writer {
            Writer::Busy => {}
            Writer::Asleep => {
                state.writer = Writer::Busy;
                drop(state);
                self.0.work.notify_one();
            }
            // When there is no thread to be had, the next line tries again.
            Writer::Absent if self.start().is_err() => {}
            Writer::Absent => state.writer = Writer::Busy,
        }
    }

    /// Waits until everything is written, or for `limit`. Says which.
    pub(super) fn flush(&self, limit: Duration) -> bool {
        let until = Instant::now().checked_add(limit);
        let mut state = self.0.locked();
        while state.writer == Writer::Busy {
            let left = match until {
                Some(until) => until.saturating_duration_since(Instant::now()),
                None => limit,
            };
            if left.is_zero() {
                return false;
            }
            state = match self.0.rest.wait_timeout(state, left) {
                Ok((state, _)) => state,
                Err(poisoned) => poisoned.into_inner().0,
            };
        }
        state.waiting.bytes.is_empty()
    }

    /// How many lines were lost so far.
    pub(super) fn lost(&self) -> u64 {
        self.0.lost.load(Ordering::Relaxed)
    }

    fn start(&self) -> io::Result<()> {
        let builder = std::thread::Builder::new()
            .name("log".to_owned())
            .stack_size(STACK_BYTES);
        // A signal is for the threads that know what to do about it.
        let shared = self.0.clone();
        sys::without_signals(|| builder.spawn(move || shared.write_what_comes())).map(drop)
    }
}

impl<O: AsFd> Shared<O> {
    /// The writer's life.
    fn write_what_comes(&self) {
        let mut lines = Lines::new();
        let mut torn = false;
        loop {
            self.take(&mut lines);
            let lost = self.write(&lines, &mut torn);
            lines.clear();
            let mut state = self.locked();
            state.writing = 0;
            state.unsaid += lost;
            if state.waiting.bytes.len() <= LIMIT_BYTES / 2 {
                state.full = false;
            }
            // What cannot be written now, the news of it cannot either.
            let say = match state.full || lost > 0 {
                true => 0,
                false => std::mem::take(&mut state.unsaid),
            };
            drop(state);
            self.lost.fetch_add(lost, Ordering::Relaxed);
            if say > 0 {
                (self.say_lost)(say);
            }
        }
    }

    /// Waits for lines, and takes all that there are.
    fn take(&self, lines: &mut Lines) {
        let mut state = self.locked();
        while state.waiting.ends.is_empty() {
            state.writer = Writer::Asleep;
            self.rest.notify_all();
            while state.writer == Writer::Asleep {
                state = self
                    .work
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner);
            }
        }
        if !self.linger.is_zero() && state.waiting.bytes.len() < UNDIVIDED_BYTES {
            drop(state);
            std::thread::sleep(self.linger);
            state = self.locked();
        }
        std::mem::swap(&mut state.waiting, lines);
        state.writing = lines.bytes.len();
    }

    /// Writes lines; how many of them could not be. `torn`: the one before ended in its middle.
    fn write(&self, lines: &Lines, torn: &mut bool) -> u64 {
        let mut lost = 0;
        for (begin, ends) in lines.pieces() {
            let end = ends.last().copied().unwrap_or(begin);
            if *torn && self.write_piece(b"\n") == 1 {
                *torn = false;
            }
            let written = begin + self.write_piece(&lines.bytes[begin..end]);
            lost += ends.iter().filter(|end| **end > written).count() as u64;
            if written > begin {
                *torn = written < end && !ends.contains(&written);
            }
        }
        lost
    }

    /// Writes as much of it as there is room for on the other side, waiting for a reader as long as that takes.
    fn write_piece(&self, piece: &[u8]) -> usize {
        let mut rest = piece;
        while !rest.is_empty() {
            match rustix::io::write(&self.output, rest) {
                Ok(0) => break,
                Ok(count) => rest = &rest[count..],
                Err(Errno::INTR) => {}
                // Somebody who has the same open file does not like to wait.
                Err(Errno::AGAIN) => {
                    let mut room = [PollFd::new(&self.output, PollFlags::OUT)];
                    let _interrupted = poll(&mut room, None);
                }
                // Its reader is gone, the disk is full: no reason to stop.
                Err(_) => break,
            }
        }
        piece.len() - rest.len()
    }

    fn locked(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}
