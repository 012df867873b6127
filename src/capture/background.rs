//! What goes wrong behind the requests' backs, as events of Sentry.

use sentry_core::protocol::{Event, Exception, Level, Mechanism, Stacktrace};

use super::report::Report;
use crate::observe;
use crate::runtime::stalls::{Stack, Stall};
use crate::sentry::{Category, Sentry, frames};

/// Tells Sentry of an event, if it is one of those that somebody should look into.
pub fn background(sentry: &Sentry, event: &observe::Event) {
    if !event.is_captured() {
        return;
    }
    let stack = match event {
        observe::Event::TaskPanicked { stack, .. } => Some(stack.clone()),
        _ => None,
    };
    let report = Report::of(event);
    sentry.submit(Category::Error, move || {
        let mut event = report.into_event();
        if let Some(stack) = stack {
            let stack = frames::stacktrace(&stack.to_string());
            if let Some(exception) = event.exception.values.first_mut() {
                exception.stacktrace = stack;
            }
        }
        sentry_core::capture_event(event);
    });
}

pub(super) fn exception(
    ty: &str,
    value: String,
    mechanism: &str,
    stacktrace: Option<Stacktrace>,
) -> Exception {
    Exception {
        ty: ty.into(),
        value: Some(value),
        stacktrace,
        mechanism: Some(Mechanism {
            ty: mechanism.into(),
            handled: Some(true),
            synthetic: Some(true),
            ..Mechanism::default()
        }),
        ..Exception::default()
    }
}

/// Tells Sentry of a stall. `sentence` says what happens.
pub fn stalled(sentry: &Sentry, stall: &Stall, sentence: String) {
    let endpoint = stall.label.name();
    let lasted = stall.lasted;
    let stack = stall.stuck.as_ref().map(|stuck| stuck.stack.clone());
    sentry.submit(Category::Error, move || {
        let stack = stack.as_ref().and_then(stacktrace);
        let mut event = Event {
            level: Level::Warning,
            logger: Some(observe::TARGET.into()),
            transaction: Some(endpoint.to_string()),
            fingerprint: vec!["stall".into(), endpoint.to_string().into()].into(),
            exception: vec![exception("Stall", sentence, "stall", stack)].into(),
            ..Event::default()
        };
        event.tags.insert("endpoint".into(), endpoint.to_string());
        let lasted = lasted.as_secs_f64();
        event.extra.insert("lasted_seconds".into(), lasted.into());
        sentry_core::capture_event(event);
    });
}

fn stacktrace(stack: &Stack) -> Option<Stacktrace> {
    frames::of_calls(stack.0.iter().map(|frame| {
        let place = frame.place.as_ref();
        let place = place.map(|(file, line)| (file.as_str(), *line));
        (frame.function.as_str(), place)
    }))
}
