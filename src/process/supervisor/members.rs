//! The workers all together: who serves, who is replaced, who has to go.

use std::cmp::Ordering;
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use anyhow::ensure;
use rustix::process::Signal;

use super::Supervisor;
use super::ends::{MARGIN, QUICK};
use super::member::{Member, Phase};
use super::restarts::Reason;
use crate::config::MOST_WORKERS;
use crate::observe::{self, Event};
use crate::process::scoreboard::{Header, Stage, now_ms};
use crate::process::systemd::Word;
use crate::server::Entrance;

/// Ticks without a sign of life after which a worker is taken to be stuck: 3 s. Counted in our own ticks, not by the
/// clock: when the whole machine was asleep, ours were as few.
const SILENT_TICKS: u32 = 6;
/// Between SIGABRT, for whoever collects core dumps, and SIGKILL.
const ABORT_LIMIT: Duration = Duration::from_secs(1);

impl Supervisor {
    /// Takes in what workers have written on the scoreboard.
    pub(super) fn notice_progress(&mut self) {
        for member in &mut self.members {
            member.notice(self.scoreboard.row(member.row).stage());
        }
        if !self.up && self.stopping.is_none() && self.all_serve(self.generation) {
            self.up = true;
            self.scoreboard.set(Header::Generation, self.generation);
            self.scoreboard.set(Header::Workers, self.wanted as u64);
            self.announce();
            self.systemd.tell(&[Word::Ready]);
        }
    }

    /// Says where the service listens.
    fn announce(&self) {
        if let Some(address) = self.sockets.names(Entrance::Admin) {
            observe::emit(&Event::Admin { address });
        }
        if let Some(address) = self.sockets.names(Entrance::Public) {
            observe::emit(&Event::Supervising {
                address,
                workers: self.wanted,
                layout: self.config.layout.to_string(),
            });
        }
    }

    /// Whether there is a serving worker of `generation` in each slot.
    pub(super) fn all_serve(&self, generation: u64) -> bool {
        (0..self.wanted).all(|slot| {
            let mut members = self.members.iter();
            members.any(|member| {
                member.slot == slot && member.generation == generation && member.is_serving()
            })
        })
    }

    /// Whether a worker is to be replaced by another of its slot and generation: it asks for it, or the sockets it should
    /// accept from have become more.
    fn is_outdated(&self, member: &Member) -> bool {
        let mut due = self.sockets.of_slot(member.slot, self.wanted);
        self.scoreboard.row(member.row).stage() == Stage::Retiring
            || member.slot < self.wanted
                && due.any(|(_, listener)| !member.sockets.contains(&listener.fd().as_raw_fd()))
    }

    /// Has workers leave whose place has been taken: one of an old generation, one that is outdated and has a successor,
    /// one whose slot is no more and whose sockets others accept from.
    pub(super) fn let_go_of_the_replaced(&mut self) {
        if self.stopping.is_some() {
            return;
        }
        let is_fresh_in = |slot: usize| {
            self.members.iter().any(|member| {
                member.slot == slot
                    && member.generation == self.generation
                    && member.is_serving()
                    && !self.is_outdated(member)
            })
        };
        let all_fresh = (0..self.wanted).all(is_fresh_in);
        let leaves = |member: &Member| match member.generation.cmp(&self.generation) {
            _ if !member.stays() => false,
            Ordering::Less => true,
            Ordering::Greater => false,
            Ordering::Equal if member.slot >= self.wanted => all_fresh,
            Ordering::Equal => self.is_outdated(member) && is_fresh_in(member.slot),
        };
        let leaving: Vec<usize> = (0..self.members.len())
            .filter(|index| leaves(&self.members[*index]))
            .collect();
        let limit = self.config.graceful + MARGIN;
        for index in leaving {
            if self.scoreboard.row(self.members[index].row).stage() == Stage::Retiring {
                self.restarts.count(Reason::Retired);
            }
            self.members[index].leave(Signal::TERM, limit);
        }
    }

    /// Aborts workers that do not move.
    pub(super) fn abort_stuck(&mut self) {
        for member in &mut self.members {
            let Some(last) = self.scoreboard.row(member.row).heartbeat() else {
                continue;
            };
            let (known, ticks) = member.heartbeat;
            member.heartbeat = if last == known {
                (last, ticks + 1)
            } else {
                (last, 0)
            };
            if member.is_serving() && member.heartbeat.1 >= SILENT_TICKS {
                observe::emit(&Event::WorkerStuck {
                    slot: member.slot,
                    pid: member.child.pid(),
                    silent: Duration::from_millis(now_ms().saturating_sub(last)),
                });
                member.child.signal(Signal::ABORT);
                member.phase = Phase::Aborting {
                    until: Instant::now() + ABORT_LIMIT,
                };
            }
        }
    }

    /// Kills workers whose time is over.
    pub(super) fn kill_overdue(&mut self) {
        let now = Instant::now();
        for member in &mut self.members {
            let (until, late) = match member.phase {
                Phase::Starting { until } => (until, Some("did not come to serve")),
                Phase::Leaving { until } => (until, Some("did not end")),
                // That it was stuck has been said.
                Phase::Aborting { until } => (until, None),
                Phase::Serving { .. } | Phase::Killed { .. } => continue,
            };
            if now < until {
                continue;
            }
            if let Some(late) = late {
                observe::emit(&Event::WorkerKilled {
                    slot: member.slot,
                    pid: member.child.pid(),
                    late,
                });
            }
            member.child.signal(Signal::KILL);
            member.phase = match member.phase {
                // Its end is expected as much as before.
                Phase::Leaving { .. } => Phase::Leaving { until: now + QUICK },
                Phase::Aborting { .. } => Phase::Killed { served: true },
                _ => Phase::Killed { served: false },
            };
        }
    }

    /// Starts a worker in every slot that lacks one.
    pub(super) fn spawn_missing(&mut self) {
        if self.stopping.is_some() || !self.is_database_open() {
            return;
        }
        let reloading = self.reload.as_ref().map(|reload| reload.generation);
        for generation in [Some(self.generation), reloading].into_iter().flatten() {
            for slot in self.missing(generation) {
                match self.start_worker(slot, generation) {
                    Ok(member) => self.members.push(member),
                    Err(error) => return self.not_started(slot, generation, error),
                }
            }
        }
    }

    /// The slots for which a worker of `generation` is to be started now.
    ///
    /// The first of a generation goes ahead: what is wrong with it is found once, and said once.
    fn missing(&self, generation: u64) -> Vec<usize> {
        let staying = self.members.iter().filter(|member| member.stays());
        let of_generation: Vec<&Member> = staying
            .filter(|member| member.generation == generation)
            .collect();
        let current = generation == self.generation;
        let lacks = |slot: &usize| {
            let has_it = |member: &&Member| member.slot == *slot && !self.is_outdated(member);
            // What happened to workers of another generation says nothing about one that is new.
            !of_generation.iter().any(has_it) && (!current || self.pauses.is_over(*slot))
        };
        let missing = (0..self.wanted).filter(lacks);
        match current && self.up || of_generation.iter().any(|member| member.is_serving()) {
            true => missing.collect(),
            false if of_generation.is_empty() => missing.take(1).collect(),
            false => Vec::new(),
        }
    }

    fn not_started(&mut self, slot: usize, generation: u64, error: anyhow::Error) {
        if self.is_reloading(generation) {
            return self.refuse_reload(format!("{error:#}"));
        }
        self.pauses.after_failure(slot);
        self.cannot_start(error);
    }

    /// One worker more or less.
    pub(super) fn resize(&mut self, wanted: usize) {
        if self.stopping.is_some() {
            return;
        }
        match self.make_room(wanted) {
            Ok(()) => {
                self.wanted = wanted;
                self.scoreboard.set(Header::Workers, wanted as u64);
                observe::emit(&Event::Resized { workers: wanted });
            }
            Err(error) => observe::emit(&Event::CannotStart { error }),
        }
    }

    fn make_room(&mut self, wanted: usize) -> anyhow::Result<()> {
        ensure!(
            (1..=MOST_WORKERS).contains(&wanted),
            "there are 1 to {MOST_WORKERS} workers, not {wanted}"
        );
        Ok(self.sockets.add_slot(wanted - 1)?)
    }
}
