//! Every event an operator can see, and every sentence they read about it.
//!
//! Code reports *what* happened as an [`Event`]; how loud it is and how it reads is decided here, in one place, so
//! that the wording stays one voice and tests can speak of events instead of log text. Events go through the `log`
//! facade: an embedder's logger gets them like any other, the binary's own is [`Stderr`].

mod stderr;

use std::fmt;
use std::time::Duration;

use log::Level;

pub use stderr::{Stderr, is_journal, last_words, sign};

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
    /// All workers of a supervisor accept requests for the first time.
    Supervising {
        /// Where, as the client would write it.
        address: String,
        /// How many workers there are.
        workers: usize,
        /// The layout of each, in words.
        layout: String,
    },
    /// A worker has ended that was not told to; another is started.
    WorkerEnded {
        /// Its slot.
        slot: usize,
        /// Its process.
        pid: u32,
        /// How, in words.
        how: String,
        /// It was killed, and not by its supervisor.
        unexplained: bool,
        /// How long it takes until another is started.
        pause: Duration,
    },
    /// A worker does not move; it is aborted, and replaced.
    WorkerStuck {
        /// Its slot.
        slot: usize,
        /// Its process.
        pid: u32,
        /// For how long it has not moved.
        silent: Duration,
    },
    /// A worker took too long for something and was killed.
    WorkerKilled {
        /// Its slot.
        slot: usize,
        /// Its process.
        pid: u32,
        /// What it did not do in time.
        late: &'static str,
    },
    /// A worker, or a socket for one, could not be had.
    CannotStart {
        /// Why.
        error: anyhow::Error,
    },
    /// The keeper of the private cluster has ended; another is started.
    KeeperEnded {
        /// How, in words.
        how: String,
        /// How long it takes until another is started.
        pause: Duration,
    },
    /// A signal asked to read everything again.
    Reloading,
    /// A new generation serves, the old one finishes.
    Reloaded {
        /// Its number.
        generation: u64,
    },
    /// What was read again cannot be served; what was served before is.
    ReloadRefused {
        /// The generation that goes on.
        generation: u64,
        /// Why.
        reason: String,
    },
    /// A signal asked for another number of workers.
    Resized {
        /// How many there are to be.
        workers: usize,
    },
    /// The supervisor executes the program that is on the disk now.
    Upgrading,
    /// It could not.
    UpgradeFailed {
        /// Why.
        error: std::io::Error,
    },
    /// A worker's supervisor is gone: requests in flight are finished.
    Orphaned {
        /// The longest this may take.
        limit: Duration,
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
            | Event::WorkerStuck { .. }
            | Event::CannotStart { .. }
            | Event::KeeperEnded { .. }
            | Event::ReloadRefused { .. }
            | Event::UpgradeFailed { .. }
            | Event::Orphaned { .. }
            | Event::RequestFailed { .. }
            | Event::Panicked { .. }
            | Event::StreamStalled { .. } => Level::Error,
            Event::ConnectionLost { .. }
            | Event::WorkerEnded { .. }
            | Event::WorkerKilled { .. }
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
            Event::Supervising {
                address,
                workers,
                layout,
            } => {
                let plural = if *workers == 1 { "" } else { "s" };
                write!(
                    f,
                    "listening on {address}: {workers} worker{plural}, {layout}"
                )
            }
            Event::WorkerEnded {
                slot,
                pid,
                how,
                unexplained,
                pause,
            } => {
                write!(f, "worker {slot} (pid {pid}) {how}")?;
                if *unexplained {
                    f.write_str(", perhaps because memory ran out")?;
                }
                match pause.is_zero() {
                    true => f.write_str("; starting another"),
                    false => write!(f, "; starting another in {} s", pause.as_secs_f64()),
                }
            }
            Event::WorkerStuck { slot, pid, silent } => write!(
                f,
                "worker {slot} (pid {pid}) has not moved for {} s: it is aborted and replaced",
                silent.as_secs_f64()
            ),
            Event::WorkerKilled { slot, pid, late } => {
                write!(f, "worker {slot} (pid {pid}) {late} in time and was killed")
            }
            Event::CannotStart { error } => write!(f, "cannot start a worker: {error:#}"),
            Event::KeeperEnded { how, pause } => write!(
                f,
                "the keeper of the private PostgreSQL {how}; starting it again in {} s",
                pause.as_secs_f64()
            ),
            Event::Reloading => f.write_str("reloading: everything is read again"),
            Event::Reloaded { generation } => {
                write!(
                    f,
                    "reloaded: generation {generation} serves, the one before finishes"
                )
            }
            Event::ReloadRefused { generation, reason } => {
                write!(f, "not reloaded, generation {generation} goes on: {reason}")
            }
            Event::Resized { workers } => write!(f, "{workers} workers from now on"),
            Event::Upgrading => f.write_str("executing the new version of this program"),
            Event::UpgradeFailed { error } => {
                write!(f, "cannot execute the new version of this program: {error}")
            }
            Event::Orphaned { limit } => write!(
                f,
                "the supervisor is gone: finishing requests in flight, {} s at most",
                limit.as_secs_f64()
            ),
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
