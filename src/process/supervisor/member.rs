//! A worker process as its supervisor knows it.

use std::os::fd::RawFd;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::process::child::Child;
use crate::process::scoreboard::{Field, Row, Stage};

/// For a worker to come to serve: it prepares every statement, and a statement's table may be locked.
pub(super) const START_LIMIT: Duration = Duration::from_secs(60);

/// A worker process.
pub(super) struct Member {
    pub(super) child: Child,
    /// Of the scoreboard.
    pub(super) row: usize,
    pub(super) slot: usize,
    pub(super) generation: u64,
    pub(super) phase: Phase,
    /// The sockets that it was handed. Not to be told from the number of workers then: a slot that came and went since
    /// has left its sockets to others.
    pub(super) sockets: Vec<RawFd>,
    /// Its last heartbeat, and for how many ticks it has been the last.
    pub(super) heartbeat: (u64, u32),
}

/// How far a worker is, as far as its supervisor has a part in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Started; killed if it does not serve by then.
    Starting { until: Instant },
    /// Serving since then.
    Serving { since: Instant },
    /// Told to end; killed if it has not by then.
    Leaving { until: Instant },
    /// Stuck, and told to abort; killed if it has not by then.
    Aborting { until: Instant },
    /// Killed.
    Killed { served: bool },
}

impl Member {
    /// One that an earlier program in this process has started, and handed these sockets; if it is on its way out it has
    /// `limit` from now on.
    pub(super) fn adopt(
        number: usize,
        row: Row,
        sockets: Vec<RawFd>,
        limit: Duration,
    ) -> anyhow::Result<Member> {
        let now = Instant::now();
        Ok(Member {
            child: Child::adopt(row.get(Field::Pid) as u32)?,
            row: number,
            slot: row.get(Field::Slot) as usize,
            generation: row.get(Field::Generation),
            phase: match row.stage() {
                // Told once more, it would cut its requests.
                _ if row.get(Field::Leaving) == 1 => Phase::Leaving { until: now + limit },
                Stage::Starting => Phase::Starting {
                    until: now + START_LIMIT,
                },
                _ => Phase::Serving { since: now },
            },
            sockets,
            heartbeat: (0, 0),
        })
    }

    /// Takes in how far it is by its own account.
    pub(super) fn notice(&mut self, stage: Stage) {
        if matches!(self.phase, Phase::Starting { .. }) && stage != Stage::Starting {
            self.phase = Phase::Serving {
                since: Instant::now(),
            };
        }
    }

    /// When something is to be done about it if nothing happens.
    pub(super) fn due(&self) -> Option<Instant> {
        match self.phase {
            Phase::Starting { until } | Phase::Leaving { until } | Phase::Aborting { until } => {
                Some(until)
            }
            Phase::Serving { .. } | Phase::Killed { .. } => None,
        }
    }

    pub(super) fn is_serving(&self) -> bool {
        matches!(self.phase, Phase::Serving { .. })
    }

    pub(super) fn is_expected_to_end(&self) -> bool {
        matches!(self.phase, Phase::Leaving { .. })
    }

    /// By its supervisor.
    pub(super) fn was_killed(&self) -> bool {
        matches!(self.phase, Phase::Killed { .. })
    }

    /// Starting or serving: it has its slot.
    pub(super) fn stays(&self) -> bool {
        matches!(self.phase, Phase::Starting { .. } | Phase::Serving { .. })
    }

    /// Tells it to end, within `limit`.
    pub(super) fn leave(&mut self, signal: Signal, limit: Duration) {
        if !matches!(self.phase, Phase::Aborting { .. } | Phase::Killed { .. }) {
            self.child.signal(signal);
            self.phase = Phase::Leaving {
                until: Instant::now() + limit,
            };
        }
    }
}
