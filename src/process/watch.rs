//! What a worker watches beside its requests: stalls of its threads, and failures that no request is told of.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use crate::capture::{self, Stalls};
use crate::metrics::{Metrics, family};
use crate::observe::{self, Event};
use crate::runtime::stalls::{Monitor, Stall, State};
use crate::sentry::{Count, Outcome, Sentry};

/// Has Sentry hear of background failures of this process.
pub(super) fn report_failures(sentry: &Sentry) {
    let sentry = sentry.clone();
    // A second worker in this process, as tests have it: the first one's Sentry hears of its failures.
    let _second = observe::subscribe(move |event| capture::background(&sentry, event));
}

/// Counts what becomes of events for Sentry.
pub(super) fn count_outcomes(metrics: &Metrics) -> Count {
    let counter = |outcome: Outcome| metrics.counter(&family::SENTRY_EVENTS, &[outcome.word()]);
    let counters = Outcome::ALL.map(counter);
    Arc::new(move |outcome| counters[outcome as usize].add(1))
}

/// Watches executor threads; none if `threshold` is zero.
///
/// # Errors
/// The system refuses a thread.
pub(super) fn monitor(
    threshold: Duration,
    sentry: Option<&Sentry>,
    metrics: &Metrics,
) -> io::Result<Option<Monitor>> {
    if threshold.is_zero() {
        return Ok(None);
    }
    let stalls = sentry.cloned().map(Stalls::new);
    let metrics = metrics.clone();
    let tell = move |stall: &Stall| {
        // Once, and as long as it was: when it is over.
        if stall.stuck.is_none() {
            metrics.count_stall(&stall.label.name(), stall.lasted);
        }
        let event = event(stall);
        observe::emit(&event);
        if let Some(stalls) = &stalls {
            stalls.tell(stall, event.to_string());
        }
    };
    Monitor::start(threshold, tell).map(Some)
}

fn event(stall: &Stall) -> Event {
    let endpoint = stall.label.name().to_string();
    match &stall.stuck {
        Some(stuck) => Event::StillStuck {
            endpoint,
            thread: stuck.thread.clone(),
            lasts: stall.lasted,
            waits: stuck.state == State::Waiting,
            stack: stuck.stack.to_string(),
        },
        None => Event::Stalled {
            endpoint,
            took: stall.lasted,
        },
    }
}
