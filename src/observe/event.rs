//! What an operator may want to know.

use std::backtrace::Backtrace;
use std::sync::Arc;
use std::time::Duration;

use super::Channel;

/// Whether the kernel has killed a process for want of memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutOfMemory {
    /// It has not.
    No,
    /// It has killed it, and nobody counts why.
    Perhaps,
    /// It has.
    Yes,
}

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
        /// Whether that was because memory ran out.
        memory: OutOfMemory,
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
    /// The service ends because one of its processes did, before it came to serve. That one has said why.
    BootFailed {
        /// How it ended, in words.
        how: String,
    },
    /// What there is to tell Sentry of workers could not be told.
    CannotReport {
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
    /// A signal asked to read everything again, or a file was edited.
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
    /// An endpoint of a folder that somebody is writing cannot be served; the others are.
    NotServed {
        /// What is wrong, and where.
        finding: String,
    },
    /// It will not be noticed that files are edited.
    CannotWatch {
        /// Why.
        error: anyhow::Error,
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
    /// PostgreSQL could not be asked at the start: the lock file has what it said before.
    ServedFromLock {
        /// Why not.
        reason: String,
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
        /// The panic's message.
        message: String,
        /// Where it was raised: `src/handlers.rs:12:5`. None if nobody has noted it.
        place: Option<String>,
    },
    /// A task or a thread panicked, outside of any request.
    TaskPanicked {
        /// The thread's name.
        thread: String,
        /// The panic's message.
        message: String,
        /// Where it was raised.
        place: Option<String>,
        /// The calls that led to it.
        stack: Arc<Backtrace>,
    },
    /// An endpoint has kept its thread from everything else, and has come back.
    Stalled {
        /// The endpoint's name.
        endpoint: String,
        /// For how long.
        took: Duration,
    },
    /// An endpoint keeps its thread from everything else still.
    StillStuck {
        /// The endpoint's name.
        endpoint: String,
        /// The thread's name.
        thread: String,
        /// For how long so far.
        lasts: Duration,
        /// Whether the thread waits for something, instead of computing.
        waits: bool,
        /// Where it is, the innermost call first, in one line; empty if that cannot be told.
        stack: String,
    },
    /// A query took longer than queries should.
    SlowQuery {
        /// The endpoint's name.
        endpoint: String,
        /// The request's id.
        request_id: String,
        /// The query, from when it was sent to its last row.
        took: Duration,
        /// For a connection, before that.
        waited: Duration,
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
    /// Reports do not reach Sentry, or it does not take them; a few wait, the others are dropped.
    SentryUnreachable {
        /// Why.
        reason: String,
    },
    /// Sentry takes reports again.
    SentryBack {
        /// Reports that were dropped meanwhile.
        lost: u64,
    },
    /// Nobody has read a log for a while, or it could not be written: lines of it are missing.
    LinesLost {
        /// Which one.
        log: Channel,
        /// How many lines since it was said last.
        count: u64,
    },
    /// A signal asked to stop: load balancers are let notice first.
    Leaving {
        /// For so long.
        delay: Duration,
    },
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
