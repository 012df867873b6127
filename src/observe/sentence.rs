//! The sentence that an operator reads about each event.

use std::fmt;

use super::{Event, OutOfMemory};

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
                memory,
                pause,
            } => {
                write!(f, "worker {slot} (pid {pid}) {how}")?;
                f.write_str(match memory {
                    OutOfMemory::No => "",
                    OutOfMemory::Perhaps => ", perhaps because memory ran out",
                    OutOfMemory::Yes => ", because memory ran out",
                })?;
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
            Event::BootFailed { how } => {
                write!(
                    f,
                    "a process of the service {how} before the service came to serve"
                )
            }
            Event::CannotReport { error } => {
                write!(f, "cannot tell Sentry of workers: {error:#}")
            }
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
            Event::NotServed { finding } => f.write_str(finding),
            Event::CannotWatch { error } => {
                write!(f, "edits of files are not noticed: {error:#}")
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
            Event::ServedFromLock { reason } => write!(
                f,
                "the database cannot be asked: {reason}; the endpoints are served as peppercorn.lock has them"
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
                place,
            } => {
                write!(
                    f,
                    "{endpoint} panicked{}: {message} (request {request_id})",
                    At(place)
                )
            }
            Event::TaskPanicked {
                thread,
                message,
                place,
                ..
            } => {
                write!(f, "the thread {thread} panicked{}: {message}", At(place))
            }
            Event::Stalled { endpoint, took } => write!(
                f,
                "{endpoint} held up its thread for {} s: nothing else was answered there meanwhile",
                took.as_secs_f64()
            ),
            Event::StillStuck {
                endpoint,
                thread,
                lasts,
                waits,
                stack,
            } => {
                let lasts = lasts.as_secs_f64();
                let does = if *waits { "waits" } else { "computes" };
                write!(
                    f,
                    "{endpoint} holds up the thread {thread}, for {lasts} s so far: it {does}"
                )?;
                match stack.as_str() {
                    "" => Ok(()),
                    stack => write!(f, " in {stack}"),
                }
            }
            Event::SlowQuery {
                endpoint,
                request_id,
                took,
                waited,
            } => write!(
                f,
                "{endpoint}: a query took {} s, after {} s for a connection (request {request_id})",
                took.as_secs_f64(),
                waited.as_secs_f64()
            ),
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
            Event::SentryUnreachable { reason } => {
                write!(
                    f,
                    "Sentry takes no reports, a few wait and others are dropped: {reason}"
                )
            }
            Event::SentryBack { lost } => {
                write!(
                    f,
                    "Sentry takes reports again; {lost} were dropped meanwhile"
                )
            }
            Event::LinesLost { log, count } => write!(
                f,
                "{count} lines of the {} were lost: nobody read it in time, or it could not be written",
                log.name()
            ),
            Event::Leaving { delay } => {
                write!(
                    f,
                    "stopping: /readyz says so, and for {} s requests are still taken",
                    delay.as_secs_f64()
                )
            }
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

/// Where a panic was raised, if that is known.
struct At<'a>(&'a Option<String>);

impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(place) => write!(f, " at {place}"),
            None => Ok(()),
        }
    }
}
