//! Telling Sentry what has become of workers, through a process that can.

use std::os::fd::{AsFd, AsRawFd};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::Supervisor;
use crate::observe::{self, Event};
use crate::process::child::Child;
use crate::process::handover::{Handover, Part};
use crate::process::reporter::Reports;
use crate::process::scoreboard::Header;

/// For the last reports to be sent when everything else is over.
const FAREWELL: Duration = Duration::from_millis(1500);
/// Between two processes, so that a worker that dies again and again does not have one executed each time.
const PAUSE: Duration = Duration::from_secs(1);

impl Supervisor {
    /// Has a process send what there is to report, one at a time.
    pub(super) fn send_reports(&mut self) {
        let now = Instant::now();
        let due = now >= self.reporter_due || self.stopping.is_some();
        let reports = self.reports.as_ref();
        let Some(reports) = reports.filter(|reports| !reports.is_empty()) else {
            return;
        };
        if self.reporter.is_some() || !due {
            return;
        }
        self.reporter_due = now + PAUSE;
        match self.start_reporter(reports) {
            Ok(reporter) => {
                self.scoreboard.set(Header::Reporter, reporter.pid().into());
                self.reporter = Some(reporter);
            }
            // It is in the log, and the reports wait on.
            Err(error) => observe::emit(&Event::CannotReport { error }),
        }
    }

    fn start_reporter(&self, reports: &Reports) -> anyhow::Result<Child> {
        reports.hand_over(|file| {
            let handover = Handover {
                files: Some(file.as_raw_fd()),
                ..self.handover(Part::Reporter)
            };
            let mut command = self.program.command(self.program.running(), &handover);
            Child::start(&mut command, &[file.as_fd()])
        })
    }

    /// Whether nothing is left to report, or the time for it is over.
    pub(super) fn has_reported(&mut self) -> bool {
        self.send_reports();
        let Some(reporter) = &self.reporter else {
            return true;
        };
        let until = *self
            .farewell
            .get_or_insert_with(|| Instant::now() + FAREWELL);
        let late = Instant::now() >= until;
        if late {
            reporter.signal(Signal::KILL);
        }
        late
    }
}
