//! Ends: of a worker, of the keeper, of the service.

use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::Supervisor;
use super::member::Member;
use super::restarts::Reason;
use crate::observe::{self, Event, OutOfMemory};
use crate::process::Error;
use crate::process::child::{Child, End};
use crate::process::scoreboard::Header;
use crate::process::systemd::Word;

/// What workers are given beyond the time they give their requests, before they are killed.
pub(super) const MARGIN: Duration = Duration::from_secs(2);
/// For workers to end that are told to end at once.
pub(super) const QUICK: Duration = Duration::from_secs(2);
/// Between attempts to start the private cluster again.
pub(super) const KEEPER_PAUSE: Duration = Duration::from_secs(1);

impl Supervisor {
    /// Ends the service: with `signal` every worker learns how.
    pub(super) fn stop(&mut self, signal: Signal, outcome: Result<(), Error>) {
        let limit = match signal {
            Signal::TERM => self.config.drain_delay + self.config.graceful + MARGIN,
            _ => QUICK,
        };
        if self.stopping.is_none() {
            // Workers that close their sockets now are the last who could answer those that wait there.
            self.scoreboard.set(Header::Stopping, 1);
            self.sockets.close();
            self.systemd.tell(&[Word::Stopping]);
            if outcome.is_ok() && signal == Signal::TERM {
                observe::emit(&match self.config.drain_delay {
                    Duration::ZERO => Event::Draining {
                        limit: self.config.graceful,
                    },
                    delay => Event::Leaving { delay },
                });
            }
            self.stopping = Some(outcome);
        }
        self.reload = None;
        for member in &mut self.members {
            member.leave(signal, limit);
        }
    }

    /// Deals with processes that have ended.
    pub(super) fn reap(&mut self) {
        if let Some(end) = self.keeper.as_ref().and_then(Child::reap) {
            self.keeper = None;
            self.scoreboard.set(Header::Keeper, 0);
            self.scoreboard.set(Header::Cluster, 0);
            self.keeper_due = Instant::now() + KEEPER_PAUSE;
            match (self.up, &mut self.stopping) {
                // Its last words say what is wrong with the end of the service.
                (_, Some(outcome)) if end != End::Exit(0) && outcome.is_ok() => {
                    *outcome = Err(Error::Ended(end.into()));
                }
                (_, Some(_)) => {}
                (true, None) => observe::emit(&Event::KeeperEnded {
                    how: end.to_string(),
                    pause: KEEPER_PAUSE,
                }),
                (false, None) => self.fail_to_boot(end),
            }
        }
        if self.reporter.as_ref().and_then(Child::reap).is_some() {
            self.reporter = None;
            self.scoreboard.set(Header::Reporter, 0);
        }
        while let Some((index, end)) = self.ended_member() {
            let mut member = self.members.swap_remove(index);
            // Its last word: one that has just come to serve is not one that never did.
            let row = self.scoreboard.row(member.row);
            member.notice(row.stage());
            row.clear();
            self.mourn(&member, end);
        }
    }

    fn ended_member(&self) -> Option<(usize, End)> {
        let mut members = self.members.iter().enumerate();
        members.find_map(|(index, member)| Some((index, member.child.reap()?)))
    }

    /// What a worker's end means.
    fn mourn(&mut self, member: &Member, end: End) {
        if member.is_expected_to_end() || self.stopping.is_some() {
            return;
        }
        if self.is_reloading(member.generation) {
            return self.refuse_reload(format!("a new worker {end}"));
        }
        if !self.up {
            return self.fail_to_boot(end);
        }
        let pause = self.pauses.after(member);
        self.scoreboard
            .set(Header::Restarts, self.scoreboard.get(Header::Restarts) + 1);
        let memory = self.ran_out_of_memory(member, end);
        self.restarts.count(Reason::of(member, end, memory));
        observe::emit(&Event::WorkerEnded {
            slot: member.slot,
            pid: member.child.pid(),
            how: end.to_string(),
            memory,
            pause,
        });
    }

    /// Whether the kernel has killed a worker for want of memory, which it does with SIGKILL.
    fn ran_out_of_memory(&mut self, member: &Member, end: End) -> OutOfMemory {
        let unexplained = end == End::Killed(Signal::KILL.as_raw()) && !member.was_killed();
        match unexplained.then(|| self.oom_kills.was_recent()) {
            None | Some(Some(false)) => OutOfMemory::No,
            Some(Some(true)) => OutOfMemory::Yes,
            Some(None) => OutOfMemory::Perhaps,
        }
    }

    /// A process that has ended before the service came to serve ends the service. It has said why, to the log.
    fn fail_to_boot(&mut self, end: End) {
        observe::note(&Event::BootFailed {
            how: end.to_string(),
        });
        self.stop(Signal::TERM, Err(Error::Ended(end.into())));
    }

    /// Workers first, then the cluster that they use; then nothing is left to supervise.
    pub(super) fn is_over(&mut self) -> bool {
        if self.stopping.is_none() || !self.members.is_empty() {
            return false;
        }
        if let Some(keeper) = &self.keeper {
            // Once is enough, but more do no harm: it waits for the cluster by then.
            keeper.signal(Signal::TERM);
        }
        self.keeper.is_none() && self.has_reported()
    }

    pub(super) fn end(self) -> Result<(), Error> {
        let outcome = self.stopping.unwrap_or(Ok(()));
        if outcome.is_ok() {
            observe::emit(&Event::Stopped);
        }
        outcome
    }
}
