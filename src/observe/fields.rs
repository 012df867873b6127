//! What a machine reads of each event: its name and its values.

use std::borrow::Cow;
use std::time::Duration;

use log::kv::{Error, Key, Source, Value, VisitSource};

use super::{Event, OutOfMemory};

/// One value of an event.
#[derive(Clone, Debug, PartialEq)]
pub enum Field<'a> {
    /// A text.
    Text(Cow<'a, str>),
    /// A number of things, or the number of one.
    Count(u64),
    /// A time. Its name ends with `_seconds`.
    Seconds(f64),
    /// Yes or no.
    Flag(bool),
}

/// The values of an event by name, in the order of its sentence. Through the `log` facade they come as its key-values, with
/// the event's name before them as `event`.
#[derive(Clone, Debug, PartialEq)]
pub struct Fields<'a> {
    event: &'static str,
    values: Vec<(&'static str, Field<'a>)>,
}

impl<'a> Fields<'a> {
    /// Each name and its value.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Field<'a>)> {
        self.values.iter().map(|(name, field)| (*name, field))
    }

    fn text(mut self, name: &'static str, text: impl Into<Cow<'a, str>>) -> Fields<'a> {
        self.values.push((name, Field::Text(text.into())));
        self
    }

    fn count(mut self, name: &'static str, count: u64) -> Fields<'a> {
        self.values.push((name, Field::Count(count)));
        self
    }

    fn seconds(mut self, name: &'static str, time: Duration) -> Fields<'a> {
        self.values.push((name, Field::Seconds(time.as_secs_f64())));
        self
    }

    fn flag(mut self, name: &'static str, flag: bool) -> Fields<'a> {
        self.values.push((name, Field::Flag(flag)));
        self
    }

    /// Left out where it is not known.
    fn place(self, place: &'a Option<String>) -> Fields<'a> {
        match place {
            Some(place) => self.text("place", place),
            None => self,
        }
    }
}

impl Source for Fields<'_> {
    fn visit<'kvs>(&'kvs self, visitor: &mut dyn VisitSource<'kvs>) -> Result<(), Error> {
        visitor.visit_pair(Key::from_str("event"), Value::from(self.event))?;
        for (name, field) in &self.values {
            let value = match field {
                Field::Text(text) => Value::from(text.as_ref()),
                Field::Count(count) => Value::from(*count),
                Field::Seconds(seconds) => Value::from(*seconds),
                Field::Flag(flag) => Value::from(*flag),
            };
            visitor.visit_pair(Key::from_str(name), value)?;
        }
        Ok(())
    }

    fn count(&self) -> usize {
        self.values.len() + 1
    }
}

impl Event {
    /// The event's name for machines.
    pub fn name(&self) -> &'static str {
        match self {
            Event::Admin { .. } => "admin",
            Event::Listening { .. } => "listening",
            Event::Supervising { .. } => "supervising",
            Event::WorkerEnded { .. } => "worker_ended",
            Event::WorkerStuck { .. } => "worker_stuck",
            Event::WorkerKilled { .. } => "worker_killed",
            Event::CannotStart { .. } => "cannot_start",
            Event::BootFailed { .. } => "boot_failed",
            Event::CannotReport { .. } => "cannot_report",
            Event::KeeperEnded { .. } => "keeper_ended",
            Event::Reloading => "reloading",
            Event::Reloaded { .. } => "reloaded",
            Event::ReloadRefused { .. } => "reload_refused",
            Event::NotServed { .. } => "not_served",
            Event::CannotWatch { .. } => "cannot_watch",
            Event::Resized { .. } => "resized",
            Event::Upgrading => "upgrading",
            Event::UpgradeFailed { .. } => "upgrade_failed",
            Event::Orphaned { .. } => "orphaned",
            Event::Cluster { .. } => "cluster",
            Event::SchemaChanged { .. } => "schema_changed",
            Event::ServedFromLock { .. } => "served_from_lock",
            Event::DatabaseAway { .. } => "database_away",
            Event::DatabaseBack { .. } => "database_back",
            Event::ConnectionLost { .. } => "connection_lost",
            Event::RequestFailed { .. } => "request_failed",
            Event::Panicked { .. } => "panicked",
            Event::TaskPanicked { .. } => "task_panicked",
            Event::Stalled { .. } => "stalled",
            Event::StillStuck { .. } => "still_stuck",
            Event::SlowQuery { .. } => "slow_query",
            Event::StreamStalled { .. } => "stream_stalled",
            Event::PlacesTaken { .. } => "places_taken",
            Event::AcceptPaused { .. } => "accept_paused",
            Event::AcceptResumed => "accept_resumed",
            Event::SentryUnreachable { .. } => "sentry_unreachable",
            Event::SentryBack { .. } => "sentry_back",
            Event::LinesLost { .. } => "lines_lost",
            Event::Leaving { .. } => "leaving",
            Event::Draining { .. } => "draining",
            Event::DrainCut { .. } => "drain_cut",
            Event::Stopped => "stopped",
        }
    }

    /// The event's values.
    pub fn fields(&self) -> Fields<'_> {
        let none = Fields {
            event: self.name(),
            values: Vec::new(),
        };
        match self {
            Event::Admin { address } => none.text("address", address),
            Event::Listening {
                address,
                routes,
                layout,
            } => none
                .text("address", address)
                .count("routes", *routes as u64)
                .text("layout", layout),
            Event::Supervising {
                address,
                workers,
                layout,
            } => none
                .text("address", address)
                .count("workers", *workers as u64)
                .text("layout", layout),
            Event::WorkerEnded {
                slot,
                pid,
                how,
                memory,
                pause,
            } => none
                .count("worker", *slot as u64)
                .count("pid", (*pid).into())
                .text("how", how)
                .text("out_of_memory", memory.word())
                .seconds("pause_seconds", *pause),
            Event::WorkerStuck { slot, pid, silent } => none
                .count("worker", *slot as u64)
                .count("pid", (*pid).into())
                .seconds("silent_seconds", *silent),
            Event::WorkerKilled { slot, pid, late } => none
                .count("worker", *slot as u64)
                .count("pid", (*pid).into())
                .text("late", *late),
            Event::CannotStart { error } => none.text("error", format!("{error:#}")),
            Event::CannotReport { error } | Event::CannotWatch { error } => {
                none.text("error", format!("{error:#}"))
            }
            Event::NotServed { finding } => none.text("finding", finding),
            Event::BootFailed { how } => none.text("how", how),
            Event::KeeperEnded { how, pause } => {
                none.text("how", how).seconds("pause_seconds", *pause)
            }
            Event::Reloaded { generation } => none.count("generation", *generation),
            Event::ReloadRefused { generation, reason } => {
                none.count("generation", *generation).text("reason", reason)
            }
            Event::Resized { workers } => none.count("workers", *workers as u64),
            Event::UpgradeFailed { error } | Event::AcceptPaused { error } => {
                none.text("error", error.to_string())
            }
            Event::Orphaned { limit } | Event::Draining { limit } => {
                none.seconds("limit_seconds", *limit)
            }
            Event::Leaving { delay } => none.seconds("delay_seconds", *delay),
            Event::Cluster { directory, new } => {
                none.text("directory", directory).flag("new", *new)
            }
            Event::SchemaChanged { file, directory } => {
                none.text("file", file).text("directory", directory)
            }
            Event::ServedFromLock { reason } => none.text("reason", reason),
            Event::DatabaseAway { purpose, reason } => {
                none.text("purpose", *purpose).text("reason", reason)
            }
            Event::DatabaseBack { purpose } => none.text("purpose", *purpose),
            Event::ConnectionLost { purpose, error } => none
                .text("purpose", *purpose)
                .text("error", format!("{error:#}")),
            Event::RequestFailed {
                endpoint,
                request_id,
                error,
            } => none
                .text("endpoint", endpoint)
                .text("error", error)
                .text("request_id", request_id),
            Event::Panicked {
                endpoint,
                request_id,
                message,
                place,
            } => none
                .text("endpoint", endpoint)
                .place(place)
                .text("error", message)
                .text("request_id", request_id),
            Event::TaskPanicked {
                thread,
                message,
                place,
                ..
            } => none
                .text("thread", thread)
                .place(place)
                .text("error", message),
            Event::Stalled { endpoint, took } => none
                .text("endpoint", endpoint)
                .seconds("took_seconds", *took),
            Event::StillStuck {
                endpoint,
                thread,
                lasts,
                waits,
                stack,
            } => none
                .text("endpoint", endpoint)
                .text("thread", thread)
                .seconds("lasts_seconds", *lasts)
                .flag("waits", *waits)
                .text("stack", stack),
            Event::SlowQuery {
                endpoint,
                request_id,
                took,
                waited,
            } => none
                .text("endpoint", endpoint)
                .seconds("took_seconds", *took)
                .seconds("waited_seconds", *waited)
                .text("request_id", request_id),
            Event::StreamStalled { request_id, limit } => none
                .seconds("limit_seconds", *limit)
                .text("request_id", request_id),
            Event::PlacesTaken { admin, count } => {
                none.flag("admin", *admin).count("count", *count as u64)
            }
            Event::SentryUnreachable { reason } => none.text("reason", reason),
            Event::SentryBack { lost } => none.count("lost", *lost),
            Event::LinesLost { log, count } => none.text("log", log.name()).count("count", *count),
            Event::DrainCut { connections } => none.count("connections", *connections as u64),
            Event::Reloading | Event::Upgrading | Event::AcceptResumed | Event::Stopped => none,
        }
    }
}

impl OutOfMemory {
    fn word(self) -> &'static str {
        match self {
            OutOfMemory::No => "no",
            OutOfMemory::Perhaps => "perhaps",
            OutOfMemory::Yes => "yes",
        }
    }
}
