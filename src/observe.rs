//! Every event an operator can see, and every sentence they read about it.
//!
//! Code reports *what* happened as an [`Event`]; how loud it is and how it reads is decided here, in one place, so
//! that the wording stays one voice and tests can speak of events instead of log text. Events go through the `log`
//! facade: an embedder's logger gets them like any other, the binary's own is [`Stderr`].

use std::fmt;
use std::io::Write;
use std::time::Duration;

use log::{Level, LevelFilter, Log, Metadata, Record};

/// The `log` target of every event.
pub const TARGET: &str = "peppercorn";

/// Something an operator may want to know.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// Requests of operators are accepted.
    Admin {
        /// Where, as the client would write it.
        address: String,
    },
    /// Requests are accepted.
    Listening {
        /// Where, as the client would write it.
        address: String,
        /// How many routes there are.
        routes: usize,
        /// The layout, in words.
        layout: String,
    },
    /// The private cluster is made or started.
    Cluster {
        /// The state directory.
        directory: String,
        /// Made for the first time.
        new: bool,
    },
    /// `schema.sql` is not the one the private cluster was made with.
    SchemaChanged {
        /// The schema file.
        file: String,
        /// The state directory.
        directory: String,
    },
    /// Connecting to PostgreSQL failed; it is tried again until it works.
    DatabaseAway {
        /// What the connections are for: reading or writing.
        purpose: &'static str,
        /// Why.
        reason: String,
    },
    /// PostgreSQL answers again.
    DatabaseBack {
        /// What the connections are for: reading or writing.
        purpose: &'static str,
    },
    /// An open connection ended.
    ConnectionLost {
        /// What the connections are for: reading or writing.
        purpose: &'static str,
        /// How.
        error: anyhow::Error,
    },
    /// A request was answered 5xx: the cause that the client is not told.
    RequestFailed {
        /// The endpoint's name.
        endpoint: String,
        /// The request's id.
        request_id: String,
        /// What went wrong, with its causes.
        error: String,
    },
    /// An endpoint panicked; the request was answered 500.
    Panicked {
        /// The endpoint's name.
        endpoint: String,
        /// The request's id.
        request_id: String,
        /// The panic's message and where it was raised.
        message: String,
    },
    /// A streamed answer made no progress; its connection was cut.
    StreamStalled {
        /// The request's id.
        request_id: String,
        /// The longest that is waited for the next piece.
        limit: Duration,
    },
    /// As many clients are connected as may be, and more wait.
    PlacesTaken {
        /// Those at the entrance for operators.
        admin: bool,
        /// How many that is, for one executor.
        count: usize,
    },
    /// Connections are not accepted for a while.
    AcceptPaused {
        /// Why.
        error: std::io::Error,
    },
    /// Connections are accepted again.
    AcceptResumed,
    /// A signal asked to stop: requests in flight are finished.
    Draining {
        /// The longest this may take.
        limit: Duration,
    },
    /// The drain took too long; these connections were cut.
    DrainCut {
        /// How many.
        connections: usize,
    },
    /// Everything is finished.
    Stopped,
}

impl Event {
    /// How loud the event is.
    pub fn level(&self) -> Level {
        match self {
            Event::DatabaseAway { .. }
            | Event::RequestFailed { .. }
            | Event::Panicked { .. }
            | Event::StreamStalled { .. } => Level::Error,
            Event::ConnectionLost { .. }
            | Event::SchemaChanged { .. }
            | Event::PlacesTaken { .. }
            | Event::AcceptPaused { .. }
            | Event::DrainCut { .. } => Level::Warn,
            _ => Level::Info,
        }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Event::Admin { address } => write!(f, "admin on {address}"),
            Event::Listening {
                address,
                routes,
                layout,
            } => {
                write!(f, "listening on {address}: {routes} routes, {layout}")
            }
            Event::Cluster {
                directory,
                new: true,
            } => write!(f, "made a private PostgreSQL in {directory}"),
            Event::Cluster {
                directory,
                new: false,
            } => write!(f, "private PostgreSQL in {directory}"),
            Event::SchemaChanged { file, directory } => write!(
                f,
                "{file} has changed since the private PostgreSQL in {directory} was made; the data there is as \
                 it was: apply the change by hand, or remove the directory to start afresh"
            ),
            Event::DatabaseAway { purpose, reason } => {
                write!(
                    f,
                    "no database for {purpose}: {reason}; trying again until it answers"
                )
            }
            Event::DatabaseBack { purpose } => write!(f, "the database for {purpose} is back"),
            Event::ConnectionLost { purpose, error } => {
                write!(f, "a connection for {purpose} was lost: {error:#}")
            }
            Event::RequestFailed {
                endpoint,
                request_id,
                error,
            } => {
                write!(f, "{endpoint} failed: {error} (request {request_id})")
            }
            Event::Panicked {
                endpoint,
                request_id,
                message,
            } => {
                write!(f, "{endpoint} panicked: {message} (request {request_id})")
            }
            Event::StreamStalled { request_id, limit } => write!(
                f,
                "a streamed answer was cut: nothing more of it came within {} s (request {request_id})",
                limit.as_secs_f64()
            ),
            Event::PlacesTaken { admin: true, count } => write!(
                f,
                "all places for operators are taken, {count}: idle connections are closed for those who wait"
            ),
            Event::PlacesTaken {
                admin: false,
                count,
            } => write!(
                f,
                "all places for clients are taken, {count}: idle connections are closed for those who wait \
                 (--max-connections, or the limit on open files, allows no more)"
            ),
            Event::AcceptPaused { error } => {
                write!(
                    f,
                    "cannot accept connections: {error}; trying again until it works"
                )
            }
            Event::AcceptResumed => f.write_str("accepting connections again"),
            Event::Draining { limit } => {
                write!(
                    f,
                    "stopping: finishing requests in flight, {} s at most",
                    limit.as_secs_f64()
                )
            }
            Event::DrainCut { connections } => {
                write!(f, "cut {connections} connections that were still busy")
            }
            Event::Stopped => f.write_str("stopped"),
        }
    }
}

/// Reports an event to the program's logger.
pub fn emit(event: &Event) {
    log::log!(target: TARGET, event.level(), "{event}");
}

/// The binary's logger: one line per event on stderr, with the priority prefixes of sd-daemon(3) when stderr
/// is systemd's journal.
pub struct Stderr {
    journal: bool,
}

impl Stderr {
    /// Makes it the program's logger. `journal` says that stderr goes to the journal.
    pub fn install(journal: bool) {
        // Only a second logger is refused; the first one goes on.
        let _second = log::set_logger(Box::leak(Box::new(Stderr { journal })));
        log::set_max_level(LevelFilter::Info);
    }
}

impl Log for Stderr {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        // Of the libraries below only what is wrong: their debug lines hold the clients' parameters.
        metadata.target() == TARGET || metadata.level() <= Level::Warn
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let (priority, word) = match record.level() {
            Level::Error => ("<3>", "error: "),
            Level::Warn => ("<4>", "warning: "),
            Level::Info => ("<6>", ""),
            Level::Debug | Level::Trace => ("<7>", ""),
        };
        let mark = if self.journal { priority } else { word };
        // One write per line, so that lines of several threads do not mix. Nobody is left to tell of a failure.
        let line = format!("{mark}{}\n", record.args());
        let _lost = std::io::stderr().write_all(line.as_bytes());
    }

    fn flush(&self) {}
}
