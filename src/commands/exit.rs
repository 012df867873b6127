//! The exit codes, and what errors mean which.

use crate::app::{Conflict, Unasked};
use crate::pg::cluster::BadSchema;
use crate::process;
use crate::sql::Findings;

/// sysexits.h, where systemd prints the names of the codes.
#[derive(Clone, Copy)]
pub(super) enum Exit {
    Different = 1,
    Usage = 64,
    BadFile = 65,
    NoInput = 66,
    Unavailable = 69,
    Internal = 70,
    System = 71,
    CannotListen = 73,
    Config = 78,
    /// As shells have it, for SIGINT.
    #[cfg(feature = "bench")]
    Interrupted = 130,
}

/// The exit code that an error means, and the error unless it has been told.
pub(super) struct Failure(pub(super) u8, pub(super) Option<anyhow::Error>);

/// Wrong files, or none.
pub(super) fn unreadable(error: anyhow::Error) -> Failure {
    let exit = match error.is::<Findings>() {
        true => Exit::BadFile,
        false => Exit::NoInput,
    };
    Failure(exit as u8, Some(error))
}

/// Whether an error begins with its place in a file, where editors and other tools look for it.
pub(super) fn is_placed(error: &anyhow::Error) -> bool {
    error.is::<Findings>()
        || error.is::<Conflict>()
        || error.is::<Unasked>()
        || error.is::<BadSchema>()
}

/// Wrong files, or no database to check them against.
pub(super) fn classify(error: anyhow::Error) -> Failure {
    let exit = match is_placed(&error) {
        true => Exit::BadFile,
        false => Exit::Unavailable,
    };
    Failure(exit as u8, Some(error))
}

pub(super) fn failure(error: process::Error) -> Failure {
    match error {
        process::Error::Bind(error) => Failure(Exit::CannotListen as u8, Some(error)),
        process::Error::Files(error) => unreadable(error),
        process::Error::System(error) => Failure(Exit::System as u8, Some(error)),
        // It has said why.
        process::Error::Ended(code) => Failure(code, None),
    }
}

pub(super) trait OrExit<T> {
    /// The exit code that an error here means.
    fn exit(self, exit: Exit) -> Result<T, Failure>;
}

impl<T, E: Into<anyhow::Error>> OrExit<T> for Result<T, E> {
    fn exit(self, exit: Exit) -> Result<T, Failure> {
        self.map_err(|error| Failure(exit as u8, Some(error.into())))
    }
}
