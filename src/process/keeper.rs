//! The keeper of the private cluster under a supervisor: a process that starts PostgreSQL, and stops it when the workers
//! are gone.
//!
//! The supervisor cannot do this itself: connecting to the cluster takes a runtime, which it does not have. The workers
//! cannot: the cluster outlives each of them.

use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use anyhow::bail;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, test_kill_process};
use rustix::time::Timespec;

use super::scoreboard::{Field, Header, Scoreboard};
use super::signals::Signals;
use crate::pg::Cluster;

/// For workers that have lost their supervisor to finish; they need no longer.
const ORPHANS: Duration = Duration::from_secs(6);
/// Between looks at them.
const LOOK: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 100_000_000,
};

/// The keeper's place in its service.
pub struct Keeper {
    pub(super) scoreboard: Scoreboard,
    pub(super) bell: OwnedFd,
    pub(super) lifeline: OwnedFd,
}

impl Keeper {
    /// Starts a cluster with `start` and keeps it until the supervisor wants it stopped or is gone, and with it the
    /// workers.
    ///
    /// # Errors
    /// Those of `start`; the cluster has ended by itself; it does not stop as it should.
    pub fn run(self, start: impl FnOnce() -> anyhow::Result<Cluster>) -> anyhow::Result<()> {
        // Before the cluster is there: a signal that comes while it starts has it stopped afterwards.
        let signals = Signals::listen()?;
        let cluster = start()?;
        self.scoreboard.set(Header::Cluster, 1);
        super::ring(&self.bell);
        let ended = cluster.watch()?;
        let mut events = [
            PollFd::new(&signals, PollFlags::IN),
            PollFd::new(&self.lifeline, PollFlags::IN),
            PollFd::new(&ended, PollFlags::IN),
        ];
        while poll(&mut events, None).is_err() {}
        let [_asked, orphaned, dead] = events.map(|event| !event.revents().is_empty());
        if dead {
            bail!(
                "the private PostgreSQL has ended; see {}",
                cluster.log_path().display()
            );
        }
        if orphaned {
            self.await_workers();
        }
        cluster.stop()
    }

    /// They finish what is in flight, and need the database for that.
    fn await_workers(&self) {
        let begin = Instant::now();
        let alive = |pid: u64| {
            let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
            pid.is_some_and(|pid| test_kill_process(pid).is_ok())
        };
        while begin.elapsed() < ORPHANS
            && self
                .scoreboard
                .taken()
                .any(|(_, row)| alive(row.get(Field::Pid)))
        {
            let _nothing = poll(&mut [], Some(&LOOK));
        }
    }
}
