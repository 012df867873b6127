//! Every event an operator can see, and every sentence they read about it.
//!
//! Code reports *what* happened as an [`Event`]; how loud it is and how it reads is decided here, so that the wording
//! stays one voice and tests can speak of events instead of log text. Events go through the `log` facade: an embedder's
//! logger gets them like any other, the sentence as the message and the values as key-values; the binary's own is
//! [`Logger`], which blocks nobody, whoever reads it.
//!
//! | module | what it says |
//! |---|---|
//! | `event` | what happened |
//! | `sentence` | how that reads |
//! | `fields` | its name and its values, for machines |
//! | `weight` | how loud it is, and whether Sentry hears of it |
//! | `access` | who asked for what: the access log |
//! | `logger` | where the binary writes what |
//! | `line`, `timestamp` | how it writes a line, as text or as JSON |
//! | `sink` | how lines wait for those who read them |

mod access;
mod event;
mod fields;
mod line;
mod logger;
mod sentence;
mod sink;
#[cfg(test)]
mod tests;
mod timestamp;
mod weight;

use std::sync::OnceLock;

pub use access::{ACCESS, Access, access};
pub use event::{Event, OutOfMemory};
pub use fields::{Field, Fields};
pub use logger::{
    FLUSH, Farewell, Format, Logger, flush, is_journal, last_words, lines_lost, sign, write_as,
};
pub use timestamp::rfc3339;

/// The `log` target of every event.
pub const TARGET: &str = "peppercorn";

/// A log of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// What happens, on standard error.
    Diagnostics,
    /// Who asked for what, on standard output.
    Access,
}

impl Channel {
    /// As metrics and events call it.
    pub fn name(self) -> &'static str {
        match self {
            Channel::Diagnostics => "diagnostics",
            Channel::Access => "access",
        }
    }
}

/// Who hears of every event that is emitted in this process, after the logger.
type Subscriber = Box<dyn Fn(&Event) + Send + Sync>;

static SUBSCRIBER: OnceLock<Subscriber> = OnceLock::new();

/// Has `subscriber` hear of every event from now on, on the thread that emits it and before [`emit`] returns: it must not
/// block. One per process.
///
/// Returns false, and changes nothing, if there is one already.
pub fn subscribe(subscriber: impl Fn(&Event) + Send + Sync + 'static) -> bool {
    SUBSCRIBER.set(Box::new(subscriber)).is_ok()
}

/// Reports an event to the program's logger, then to its subscriber.
pub fn emit(event: &Event) {
    if let Some(metadata) = wanted(event.level(), TARGET) {
        log::logger().log(
            &log::Record::builder()
                .metadata(metadata)
                .args(format_args!("{event}"))
                .key_values(&event.fields())
                .build(),
        );
    }
    note(event);
}

/// What a record of this kind begins with, if the program's logger wants it at all.
fn wanted(level: log::Level, target: &'static str) -> Option<log::Metadata<'static>> {
    let metadata = log::Metadata::builder().level(level).target(target).build();
    (level <= log::max_level() && log::logger().enabled(&metadata)).then_some(metadata)
}

/// Tells the subscriber, and not the log: somebody else has said it there.
pub fn note(event: &Event) {
    if let Some(subscriber) = SUBSCRIBER.get() {
        subscriber(event);
    }
}
