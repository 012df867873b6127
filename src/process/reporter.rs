//! What a supervisor has to tell Sentry, and the process that tells it.
//!
//! How a worker died the worker cannot tell, and the supervisor has neither a runtime nor the time for it: it collects its
//! events, and hands them to a process of the same program that sends them and ends.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Context;
use sentry_core::Hub;
use serde_json::Value;

use super::Error;
use super::handover::Handover;
use super::memfile;
use crate::capture::Report;
use crate::lock::lock;
use crate::observe;
use crate::sentry::{Category, Sentry, Settings};
use crate::sys;

/// Reports that wait for a process to send them, at most; more are in the log only.
const MOST: usize = 50;
/// For all of them to be sent.
const LIMIT: Duration = Duration::from_secs(10);

/// What this process has to report and cannot send itself.
pub(super) struct Reports(Arc<Mutex<Vec<Report>>>);

impl Reports {
    /// Collects from now on.
    pub(super) fn collect() -> Reports {
        let reports = Arc::new(Mutex::new(Vec::new()));
        let collected = reports.clone();
        let _second = observe::subscribe(move |event| {
            let mut collected = lock(&collected);
            if event.is_captured() && collected.len() < MOST {
                collected.push(Report::of(event));
            }
        });
        Reports(reports)
    }

    pub(super) fn is_empty(&self) -> bool {
        lock(&self.0).is_empty()
    }

    /// Hands all of them to `send`, as a file in memory.
    ///
    /// # Errors
    /// The system refuses the memory, or those of `send`: they wait on.
    pub(super) fn hand_over<T>(
        &self,
        send: impl FnOnce(OwnedFd) -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        // Not under the lock: what `send` reports waits with them.
        let (count, bytes) = {
            let reports = lock(&self.0);
            let bytes = Value::from_iter(reports.iter().map(Report::to_json)).to_string();
            (reports.len(), bytes)
        };
        let sent = send(memfile::write("peppercorn-reports", bytes.as_bytes())?)?;
        lock(&self.0).drain(..count);
        Ok(sent)
    }
}

/// The process that sends a supervisor's reports.
pub struct Reporter {
    reports: File,
}

impl Reporter {
    pub(super) fn given(given: &Handover) -> Result<Reporter, Error> {
        let reports = sys::inherited(given.files.unwrap_or(-1));
        let reports = reports.context("no reports").map_err(Error::System)?;
        Ok(Reporter {
            reports: reports.into(),
        })
    }

    /// Sends them.
    ///
    /// # Errors
    /// They cannot be read; the system refuses a thread. That Sentry is not reached is no error: it has been said.
    pub fn run(self, settings: &Settings) -> anyhow::Result<()> {
        let reports = self.read()?;
        let sentry = Sentry::start(
            settings,
            &[("process", "supervisor".into())],
            Arc::new(|_| ()),
        )?;
        for report in reports {
            sentry.submit(Category::Error, move || {
                Hub::current().capture_event(report.into_event());
            });
        }
        sentry.close(LIMIT);
        Ok(())
    }

    fn read(&self) -> anyhow::Result<Vec<Report>> {
        let reports: Value = serde_json::from_slice(&memfile::read(&self.reports)?)?;
        let reports = reports.as_array().context("no list of reports")?;
        let reports = reports.iter().map(Report::read);
        reports.collect::<Option<_>>().context("not a report")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        Report::of(&observe::Event::Reloading)
    }

    #[test]
    fn what_cannot_be_handed_over_waits() {
        let reports = Reports(Arc::new(Mutex::new(vec![report()])));
        let refused: anyhow::Result<()> = reports.hand_over(|_| anyhow::bail!("no process"));
        assert_eq!(refused.unwrap_err().to_string(), "no process");
        assert!(!reports.is_empty());

        let late = reports.0.clone();
        let reporter = reports.hand_over(|file| {
            lock(&late).push(report());
            Ok(Reporter {
                reports: file.into(),
            })
        });
        assert_eq!(reporter.unwrap().read().unwrap().len(), 1);
        assert_eq!(lock(&reports.0).len(), 1);
    }
}
