//! Processes: a service is one worker, or a supervisor with workers of its own.
//!
//! ```text
//! supervisor ─┬─ worker 0     each a process with executors of its own, handed its sockets
//!             ├─ worker 1
//!             ├─ keeper       of the private cluster, if there is one
//!             └─ reporter     when there is something to tell Sentry
//! ```
//!
//! [`Role::of_this_process`] says which of them this process is: they are all one program with the same command line.
//! [`Ceiling`] says how much memory a worker takes at most.

mod ceiling;
mod child;
mod descriptors;
mod duty;
mod edits;
mod exposed;
mod handover;
mod keeper;
mod memfile;
mod place;
mod reporter;
mod scoreboard;
mod seats;
mod signals;
mod sockets;
pub mod status;
mod supervisor;
mod swap;
mod systemd;
mod watch;
mod worker;

use std::ffi::CString;
use std::fmt;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use anyhow::Context;

use self::child::End;
use self::handover::{Handover, Part, VARIABLE};
use crate::config::Serve;

pub use ceiling::{Ceiling, give_memory_back};
pub use keeper::Keeper;
pub use place::Place;
pub use reporter::Reporter;
pub use supervisor::Supervisor;
pub use worker::Worker;

/// Why a process did not come to do its part.
#[derive(Debug)]
pub enum Error {
    /// It cannot listen.
    Bind(anyhow::Error),
    /// It cannot read the SQL files.
    Files(anyhow::Error),
    /// The system refuses a thread, a signal handler or the like.
    System(anyhow::Error),
    /// A process of the service ended before the service came to serve, with this status; it has said why.
    Ended(u8),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Bind(error) | Error::Files(error) | Error::System(error) => error.fmt(f),
            Error::Ended(code) => write!(f, "a process of the service ended with status {code}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Bind(error) | Error::Files(error) | Error::System(error) => error.source(),
            Error::Ended(_) => None,
        }
    }
}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Error {
        Error::System(error.into())
    }
}

/// What a process is to its service.
pub enum Role {
    /// It serves, and nobody supervises it.
    Alone,
    /// It serves, as one of several.
    Worker(Place),
    /// It keeps the private cluster of several workers.
    Keeper(Keeper),
    /// It sends what the supervisor has to report to Sentry.
    Reporter(Reporter),
    /// It has workers.
    Supervisor(Box<Supervisor>),
}

impl Role {
    /// Which part this process was executed for; by default, whoever typed the command has one worker or a supervisor, as
    /// `config` says.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn of_this_process(config: &Serve) -> Result<Role, Error> {
        let supervise = |supervisor| Role::Supervisor(Box::new(supervisor));
        match given()? {
            None if config.supervise => Supervisor::new(config.clone()).map(supervise),
            None => Ok(Role::Alone),
            Some(given) => match given.part {
                Part::Worker(row) => Place::given(&given, row).map(Role::Worker),
                Part::Keeper => Keeper::given(&given).map(Role::Keeper),
                Part::Reporter => Reporter::given(&given).map(Role::Reporter),
                Part::Supervisor => Supervisor::resume(config.clone(), &given).map(supervise),
            },
        }
    }
}

/// What the supervisor has handed to this process, if it is from one.
fn given() -> Result<Option<Handover>, Error> {
    let Ok(text) = std::env::var(VARIABLE) else {
        return Ok(None);
    };
    let given: Handover = text.parse().context(VARIABLE).map_err(Error::System)?;
    let supervisor = match given.part {
        Part::Supervisor => Some(rustix::process::getpid()),
        _ => rustix::process::getppid(),
    };
    let is_ours =
        supervisor.is_some_and(|pid| pid.as_raw_nonzero().get().unsigned_abs() == given.supervisor);
    if is_ours {
        name_this_process();
    }
    Ok(is_ours.then_some(given))
}

/// As the kernel named the process that somebody typed: one executed as `/proc/self/exe` would be called `exe` in ps(1).
fn name_this_process() {
    let typed = std::env::args_os().next().unwrap_or_default();
    let name = Path::new(&typed).file_name().unwrap_or_default();
    if let Ok(name) = CString::new(name.as_bytes()) {
        // What is in the way of it is a name of no use.
        let _unnamed = rustix::thread::set_name(&name);
    }
}

/// Has the supervisor look at the scoreboard.
fn ring(bell: &OwnedFd) {
    // Full means that it has been rung and not been heard yet.
    let _heard = rustix::io::write(bell, &1_u64.to_ne_bytes());
}

impl From<End> for u8 {
    /// The exit code of a service that ends because of it: that of the process, or as shells tell of signals.
    fn from(end: End) -> u8 {
        match end {
            End::Exit(code) => code,
            End::Killed(signal) => 128_u8.saturating_add(signal as u8),
        }
    }
}
