//! What goes wrong behind the requests' backs, as events of Sentry.

use sentry_core::protocol::{Event, Exception, Level, Mechanism, Stacktrace};

use crate::observe::{self, Field};
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
    let report = report(event);
    sentry.submit(Category::Error, move || {
        let mut event = report;
        if let Some(stack) = stack {
            let stack = frames::stacktrace(&stack.to_string());
            if let Some(exception) = event.exception.values.first_mut() {
                exception.stacktrace = stack;
            }
        }
        sentry_core::capture_event(event);
    });
}

/// An event of ours as one of Sentry's: one issue per kind of event and how it happened, its fields as tags.
pub fn report(event: &observe::Event) -> Event<'static> {
    let mut report = Event {
        level: match event.level() {
            log::Level::Error => Level::Error,
            log::Level::Warn => Level::Warning,
            _ => Level::Info,
        },
        logger: Some(observe::TARGET.into()),
        exception: vec![exception(
            event.name(),
            event.to_string(),
            "background",
            None,
        )]
        .into(),
        ..Event::default()
    };
    report.tags.insert("event".into(), event.name().into());
    let mut fingerprint = vec![event.name().into()];
    for (name, field) in event.fields().iter() {
        let text = text(field);
        // A worker killed for want of memory is another matter than one that aborts itself.
        if ["how", "late", "out_of_memory"].contains(&name) {
            fingerprint.push(text.clone().into());
        }
        report.tags.insert(name.into(), text);
    }
    report.fingerprint = fingerprint.into();
    report
}

fn exception(
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

/// Sentry's tags are one line of 200 characters.
fn text(field: &Field<'_>) -> String {
    let text = match field {
        Field::Text(text) => text.replace(['\n', '\r'], " "),
        Field::Count(count) => count.to_string(),
        Field::Seconds(seconds) => seconds.to_string(),
        Field::Flag(flag) => flag.to_string(),
    };
    text.chars().take(200).collect()
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
