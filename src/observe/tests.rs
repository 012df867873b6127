//! Every event once: its name, its values and its sentence agree.

use std::backtrace::Backtrace;
use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use log::kv::{Key, Source, Value, VisitSource};

use super::{Channel, Event, Field, OutOfMemory};

const SECONDS: Duration = Duration::from_millis(1500);

/// The event after this one, so that none is forgotten: a new one does not compile until it has its place here.
fn next(event: Option<&Event>) -> Option<Event> {
    let text = |text: &str| text.to_owned();
    let error = || anyhow::anyhow!("refused").context("connecting");
    let Some(event) = event else {
        return Some(Event::Admin {
            address: text("http://127.0.0.1:9"),
        });
    };
    Some(match event {
        Event::Admin { .. } => Event::Listening {
            address: text("http://127.0.0.1:8"),
            routes: 3,
            layout: text("1 thread"),
        },
        Event::Listening { .. } => Event::Supervising {
            address: text("http://127.0.0.1:8"),
            workers: 1,
            layout: text("1 thread"),
        },
        Event::Supervising { .. } => Event::WorkerEnded {
            slot: 2,
            pid: 77,
            how: text("was killed by SIGKILL"),
            memory: OutOfMemory::Perhaps,
            pause: SECONDS,
        },
        Event::WorkerEnded { .. } => Event::WorkerStuck {
            slot: 2,
            pid: 77,
            silent: SECONDS,
        },
        Event::WorkerStuck { .. } => Event::WorkerKilled {
            slot: 2,
            pid: 77,
            late: "did not stop",
        },
        Event::WorkerKilled { .. } => Event::BootFailed {
            how: text("ended with status 69"),
        },
        Event::BootFailed { .. } => Event::CannotReport { error: error() },
        Event::CannotReport { .. } => Event::CannotStart { error: error() },
        Event::CannotStart { .. } => Event::KeeperEnded {
            how: text("ended with status 1"),
            pause: SECONDS,
        },
        Event::KeeperEnded { .. } => Event::Reloading,
        Event::Reloading => Event::Reloaded { generation: 2 },
        Event::Reloaded { .. } => Event::ReloadRefused {
            generation: 2,
            reason: text("a new worker ended with status 65"),
        },
        Event::ReloadRefused { .. } => Event::NotServed {
            finding: text("a.sql:3:1: no statement"),
        },
        Event::NotServed { .. } => Event::CannotWatch { error: error() },
        Event::CannotWatch { .. } => Event::Resized { workers: 4 },
        Event::Resized { .. } => Event::Upgrading,
        Event::Upgrading => Event::UpgradeFailed {
            error: io::Error::other("no such file"),
        },
        Event::UpgradeFailed { .. } => Event::Orphaned { limit: SECONDS },
        Event::Orphaned { .. } => Event::Cluster {
            directory: text("/var/lib/x"),
            new: true,
        },
        Event::Cluster { .. } => Event::SchemaChanged {
            file: text("api/schema.sql"),
            directory: text("/var/lib/x"),
        },
        Event::SchemaChanged { .. } => Event::ServedFromLock {
            reason: text("connection refused"),
        },
        Event::ServedFromLock { .. } => Event::DatabaseAway {
            purpose: "reading",
            reason: text("connection refused"),
        },
        Event::DatabaseAway { .. } => Event::DatabaseBack { purpose: "reading" },
        Event::DatabaseBack { .. } => Event::ConnectionLost {
            purpose: "writing",
            error: error(),
        },
        Event::ConnectionLost { .. } => Event::RequestFailed {
            endpoint: text("bets"),
            request_id: text("r-1"),
            error: text("relation bet does not exist"),
        },
        Event::RequestFailed { .. } => Event::Panicked {
            endpoint: text("bets"),
            request_id: text("r-1"),
            message: text("index out of bounds"),
            place: Some(text("src/bets.rs:3:5")),
        },
        Event::Panicked { .. } => Event::TaskPanicked {
            thread: text("seat 0"),
            message: text("index out of bounds"),
            place: None,
            stack: Arc::new(Backtrace::disabled()),
        },
        Event::TaskPanicked { .. } => Event::Stalled {
            endpoint: text("bets"),
            took: SECONDS,
        },
        Event::Stalled { .. } => Event::StillStuck {
            endpoint: text("bets"),
            thread: text("main"),
            lasts: SECONDS,
            waits: true,
            stack: text("std::thread::sleep < bets::odds"),
        },
        Event::StillStuck { .. } => Event::SlowQuery {
            endpoint: text("bets"),
            request_id: text("r-1"),
            took: SECONDS,
            waited: Duration::from_millis(2),
        },
        Event::SlowQuery { .. } => Event::StreamStalled {
            request_id: text("r-1"),
            limit: SECONDS,
        },
        Event::StreamStalled { .. } => Event::PlacesTaken {
            admin: false,
            count: 64,
        },
        Event::PlacesTaken { .. } => Event::AcceptPaused {
            error: io::Error::other("too many open files"),
        },
        Event::AcceptPaused { .. } => Event::AcceptResumed,
        Event::AcceptResumed => Event::SentryUnreachable {
            reason: text("connection refused"),
        },
        Event::SentryUnreachable { .. } => Event::SentryBack { lost: 12 },
        Event::SentryBack { .. } => Event::LinesLost {
            log: Channel::Access,
            count: 12,
        },
        Event::LinesLost { .. } => Event::Leaving { delay: SECONDS },
        Event::Leaving { .. } => Event::Draining { limit: SECONDS },
        Event::Draining { .. } => Event::DrainCut { connections: 3 },
        Event::DrainCut { .. } => Event::Stopped,
        Event::Stopped => return None,
    })
}

/// One of each.
fn all() -> Vec<Event> {
    let mut all: Vec<Event> = Vec::new();
    while let Some(event) = next(all.last()) {
        all.push(event);
    }
    all
}

#[test]
fn names_are_those_of_the_variants() {
    let mut names = BTreeSet::new();
    for event in all() {
        let debug = format!("{event:?}");
        let variant = debug.split([' ', '{']).next().unwrap();
        let mut snake = String::new();
        for letter in variant.chars() {
            if letter.is_uppercase() && !snake.is_empty() {
                snake.push('_');
            }
            snake.extend(letter.to_lowercase());
        }
        assert_eq!(event.name(), snake);
        assert!(names.insert(event.name()), "{} twice", event.name());
    }
}

/// Beside what the logger writes of every event.
const TAKEN: [&str; 5] = ["time", "level", "event", "message", "target"];

#[test]
fn what_a_sentence_says_is_in_the_values() {
    for event in all() {
        let (name, sentence) = (event.name(), event.to_string());
        let mut names = BTreeSet::new();
        for (field, value) in event.fields().iter() {
            assert!(names.insert(field), "{name}: {field} twice");
            assert!(!TAKEN.contains(&field), "{name}: {field}");
            let seconds = matches!(value, Field::Seconds(_));
            assert_eq!(seconds, field.ends_with("_seconds"), "{name}: {field}");
            match value {
                Field::Text(text) => assert!(sentence.contains(text.trim_end()), "{name}: {text}"),
                Field::Count(count) => {
                    assert!(sentence.contains(&count.to_string()), "{name}: {sentence}")
                }
                Field::Seconds(time) => {
                    assert!(
                        sentence.contains(&format!("{time} s")),
                        "{name}: {sentence}"
                    )
                }
                Field::Flag(_) => {}
            }
        }
    }
}

#[test]
fn an_error_comes_with_its_causes() {
    let event = Event::CannotStart {
        error: anyhow::anyhow!("refused").context("connecting"),
    };
    let cause = Field::Text("connecting: refused".into());
    assert_eq!(event.fields().iter().next(), Some(("error", &cause)));
}

struct Pairs(Vec<String>);

impl<'kvs> VisitSource<'kvs> for Pairs {
    fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> Result<(), log::kv::Error> {
        self.0.push(format!("{key}={value}"));
        Ok(())
    }
}

#[test]
fn the_facade_carries_the_values() {
    let event = Event::WorkerEnded {
        slot: 2,
        pid: 77,
        how: "ended with status 1".into(),
        memory: OutOfMemory::No,
        pause: SECONDS,
    };
    let mut pairs = Pairs(Vec::new());
    event.fields().visit(&mut pairs).unwrap();
    assert_eq!(
        pairs.0,
        [
            "event=worker_ended",
            "worker=2",
            "pid=77",
            "how=ended with status 1",
            "out_of_memory=no",
            "pause_seconds=1.5"
        ]
    );
}

/// One process has one; no other test emits anything whose subscriber it would mind.
#[test]
fn a_subscriber_hears_of_what_is_emitted() {
    static HEARD: std::sync::Mutex<Vec<String>> = std::sync::Mutex::new(Vec::new());
    assert!(super::subscribe(|event| {
        HEARD.lock().unwrap().push(event.to_string());
    }));
    assert!(!super::subscribe(|_| unreachable!("there is one")));
    super::emit(&Event::Resized { workers: 41 });
    let heard = HEARD.lock().unwrap();
    assert!(heard.contains(&"41 workers from now on".to_owned()));
}
