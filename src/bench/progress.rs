//! How far it is, on stderr: a line that is written over on a terminal, a line for each void run elsewhere.

use std::io::{IsTerminal, Write, stderr};
use std::time::{Duration, Instant};

use super::plan::Plan;
use super::text::time;

/// How far it is.
pub struct Progress {
    all: usize,
    done: usize,
    /// Done by an earlier bench.
    before: usize,
    void: usize,
    begin: Instant,
    /// What a run takes, while none has been made.
    guess: Duration,
    terminal: bool,
}

impl Progress {
    /// At the beginning, when so many runs are there already.
    pub fn of(plan: &Plan, done: usize) -> Progress {
        Progress {
            all: plan.runs(),
            done,
            before: done,
            void: 0,
            begin: Instant::now(),
            guess: plan.time() / plan.runs().max(1) as u32,
            terminal: stderr().is_terminal(),
        }
    }

    /// What is being done.
    pub fn say(&self, what: &str) {
        if self.terminal {
            let void = match self.void {
                0 => String::new(),
                some => format!(", {some} void"),
            };
            let (done, all, left) = (self.done, self.all, time(self.left()));
            write(&format!("\r\x1b[K{done}/{all}{void}, {left} left: {what}"));
        }
    }

    /// A run is over.
    pub fn count(&mut self, void: Option<&str>) {
        self.done += 1;
        if let Some(why) = void {
            self.void += 1;
            let line = if self.terminal { "\r\x1b[K" } else { "" };
            write(&format!("{line}run {} is void: {why}\n", self.done));
        }
    }

    /// All are.
    pub fn end(&self) {
        if self.terminal {
            write("\r\x1b[K");
        }
    }

    /// As long as the runs have taken so far, for those that are missing.
    fn left(&self) -> Duration {
        let made = self.done - self.before;
        let each = match made {
            0 => self.guess,
            made => self.begin.elapsed() / made as u32,
        };
        each * (self.all - self.done) as u32
    }
}

fn write(text: &str) {
    // Nobody may look at it.
    let _unseen = stderr().write_all(text.as_bytes());
    let _unseen = stderr().flush();
}
