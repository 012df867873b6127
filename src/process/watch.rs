//! What a worker watches beside its requests: stalls of its threads, and failures that no request is told of.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::scoreboard::Scoreboard;
use crate::capture;
use crate::metrics::{Metrics, family};
use crate::observe::{self, Event};
use crate::runtime::stalls::{Monitor, Stall, State};
use crate::sentry::{Category, Count, Outcome, Sentry};

/// An endpoint that stalls does so again and again, in every worker: Sentry hears of it so often.
const ONCE_PER: Duration = Duration::from_secs(60 * 60);

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
    scoreboard: &Arc<Scoreboard>,
) -> io::Result<Option<Monitor>> {
    if threshold.is_zero() {
        return Ok(None);
    }
    let (sentry, metrics, scoreboard) = (sentry.cloned(), metrics.clone(), scoreboard.clone());
    let tell = move |stall: &Stall| {
        // Once, and as long as it was: when it is over.
        if stall.stuck.is_none() {
            metrics.count_stall(&stall.label.name(), stall.lasted);
        }
        let event = event(stall);
        observe::emit(&event);
        if let Some(sentry) = &sentry
            && sentry.is_taking(Category::Error)
            && scoreboard.claim(&format!("stall {}", stall.label.name()), ONCE_PER)
        {
            capture::stalled(sentry, stall, event.to_string());
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;
    use crate::metrics::Arena;
    use crate::runtime::stalls::{Label, section};
    use crate::runtime::{self, ExecutorKind, Layout, Program, Spawn};

    /// Holds its thread up once, and is quick once.
    struct Busy;

    impl Program for Busy {
        type Output = ();

        async fn run<S: Spawn>(&self, _: usize, _: S) {
            let label = Label::new(&"GET /report".into());
            section(label, || std::thread::sleep(Duration::from_millis(60)));
            section(label, || ());
        }
    }

    #[test]
    fn a_stall_is_counted_once_and_when_it_is_over() {
        let words: Vec<AtomicU64> = (0..4096).map(|_| AtomicU64::new(0)).collect();
        let arena = Arena::new(Box::leak(Box::new(AtomicU64::new(0))), words.leak());
        let metrics = Metrics::new(arena, &[]);
        let scoreboard = Arc::new(Scoreboard::create(false).unwrap());
        let monitor = monitor(Duration::from_millis(20), None, &metrics, &scoreboard).unwrap();
        let layout = Layout {
            threads: 1,
            executor: ExecutorKind::Local,
        };
        runtime::run(layout, &[], monitor.as_ref(), &Busy).unwrap();
        drop(monitor);
        // The section around it, the main task, is not held up by itself.
        let of = |endpoint| metrics.counter(&family::STALLS, &[endpoint]).get();
        assert_eq!(of("GET /report"), 1);
        let histogram = arena
            .series()
            .find(|series| series.family == family::STALL.number);
        let cells = histogram.unwrap().cells.iter();
        let cells: Vec<u64> = cells.map(|cell| cell.load(Ordering::Relaxed)).collect();
        let all: u64 = arena
            .series()
            .filter(|series| series.family == family::STALLS.number)
            .map(|series| series.cells[0].load(Ordering::Relaxed))
            .sum();
        assert_eq!(cells[1..].iter().sum::<u64>(), all);
        assert!(cells[0] >= 60_000_000, "{cells:?}");
    }
}
