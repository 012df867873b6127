//! Why workers were started in place of others, counted for whoever reads the metrics.

use super::member::{Member, Phase};
use crate::metrics::{Counter, Metrics, family};
use crate::observe::OutOfMemory;
use crate::process::child::End;

/// What became of a worker that is replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    /// It ended by itself.
    Exit,
    /// A signal ended it that its supervisor had not sent.
    Signal,
    /// The kernel ended it, because memory ran out.
    Oom,
    /// It did not come to serve, or not in time.
    Start,
    /// It did not move any more.
    Stuck,
    /// It had answered as many requests as it may.
    Retired,
}

impl Reason {
    const ALL: [Reason; 6] = [
        Reason::Exit,
        Reason::Signal,
        Reason::Oom,
        Reason::Start,
        Reason::Stuck,
        Reason::Retired,
    ];

    fn word(self) -> &'static str {
        match self {
            Reason::Exit => "exit",
            Reason::Signal => "signal",
            Reason::Oom => "oom",
            Reason::Start => "start",
            Reason::Stuck => "stuck",
            Reason::Retired => "retired",
        }
    }

    /// Of a worker that has ended unasked.
    pub(super) fn of(member: &Member, end: End, memory: OutOfMemory) -> Reason {
        match (member.phase, end) {
            _ if memory == OutOfMemory::Yes => Reason::Oom,
            (Phase::Starting { .. } | Phase::Killed { served: false }, _) => Reason::Start,
            (Phase::Aborting { .. } | Phase::Killed { served: true }, _) => Reason::Stuck,
            (_, End::Exit(_)) => Reason::Exit,
            (_, End::Killed(_)) => Reason::Signal,
        }
    }
}

/// Counts them.
pub(super) struct Restarts([Counter; Reason::ALL.len()]);

impl Restarts {
    /// From what there is on. All of them are there from the start: what has not happened is 0, not unknown.
    pub(super) fn new(metrics: &Metrics) -> Restarts {
        let counter = |reason: Reason| metrics.counter(&family::WORKER_RESTARTS, &[reason.word()]);
        Restarts(Reason::ALL.map(counter))
    }

    /// One more.
    pub(super) fn count(&self, reason: Reason) {
        self.0[reason as usize].add(1);
    }
}
