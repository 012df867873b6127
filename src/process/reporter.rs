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
use sentry_core::protocol::Event;

use super::Error;
use super::handover::Handover;
use super::memfile;
use crate::capture;
use crate::lock::lock;
use crate::observe;
use crate::sentry::{Category, Sentry, Settings};
use crate::sys;

/// Reports that wait for a process to send them, at most; more are in the log only.
const MOST: usize = 50;
/// For all of them to be sent.
const LIMIT: Duration = Duration::from_secs(10);

/// What this process has to report and cannot send itself.
pub(super) struct Reports(Arc<Mutex<Vec<Event<'static>>>>);

impl Reports {
    /// Collects from now on.
    pub(super) fn collect() -> Reports {
        let reports = Arc::new(Mutex::new(Vec::new()));
        let collected = reports.clone();
        let _second = observe::subscribe(move |event| {
            let mut collected = lock(&collected);
            if event.is_captured() && collected.len() < MOST {
                collected.push(capture::report(event));
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
            (reports.len(), serde_json::to_vec(&*reports)?)
        };
        let sent = send(memfile::write("peppercorn-reports", &bytes)?)?;
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
        let reports: Vec<Event<'static>> = serde_json::from_slice(&memfile::read(&self.reports)?)?;
        let sentry = Sentry::start(
            settings,
            &[("process", "supervisor".into())],
            Arc::new(|_| ()),
        )?;
        for report in reports {
            sentry.submit(Category::Error, move || {
                Hub::current().capture_event(report);
            });
        }
        sentry.close(LIMIT);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_handed_over_waits() {
        let reports = Reports(Arc::new(Mutex::new(vec![Event::default()])));
        let refused: anyhow::Result<()> = reports.hand_over(|_| anyhow::bail!("no process"));
        assert_eq!(refused.unwrap_err().to_string(), "no process");
        assert!(!reports.is_empty());

        let late = reports.0.clone();
        let reporter = reports.hand_over(|file| {
            lock(&late).push(Event::default());
            Ok(Reporter {
                reports: file.into(),
            })
        });
        let bytes = memfile::read(&reporter.unwrap().reports).unwrap();
        assert_eq!(
            serde_json::from_slice::<Vec<Event<'_>>>(&bytes)
                .unwrap()
                .len(),
            1
        );
        assert_eq!(lock(&reports.0).len(), 1);
    }
}
