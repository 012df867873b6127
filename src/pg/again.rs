//! Queries that are run again, because nothing of them has been done.

use std::fmt;
use std::sync::Arc;

use super::placement::Wanted;
use super::prepared::{Call, PrepareError};
use crate::error::Problem;

/// Other connections that a query is tried on after one that turns out to be of no use any more.
const OTHERS: u32 = 3;

/// Why a query is to be run again; the cause of its problem.
#[derive(Debug)]
pub(super) enum Again {
    /// Its statement is prepared anew: on a connection that it has to itself. What it sends after its first failure would be
    /// inside of a transaction that has been placed behind it.
    Alone,
    /// The connection is of no use any more: on another one.
    Elsewhere(Arc<PrepareError>),
    /// A cancellation has met it that was meant for one before it.
    Interrupted,
}

impl Again {
    /// Whether that is what a query has come to.
    pub(super) fn of(problem: &Problem) -> Option<&Again> {
        problem.cause()?.downcast_ref()
    }
}

impl fmt::Display for Again {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Again::Alone => to.write_str("the statement is prepared anew"),
            Again::Interrupted => to.write_str("it was cancelled in place of another query"),
            Again::Elsewhere(error) => write!(to, "the connection is replaced: {error}"),
        }
    }
}

impl std::error::Error for Again {}

/// Where a query is tried.
pub(super) struct Tries {
    /// The place for the next time.
    pub(super) wanted: Wanted,
    others: u32,
}

impl Tries {
    pub(super) fn of(call: &Call) -> Tries {
        Tries {
            wanted: call.wanted(),
            others: OTHERS,
        }
    }

    /// Whether it is to be run once more, after it has come to this.
    pub(super) fn again<T>(&mut self, ended: &Result<T, Problem>) -> bool {
        match ended.as_ref().err().and_then(Again::of) {
            Some(Again::Alone) => {
                self.wanted.alone = true;
                true
            }
            Some(Again::Elsewhere(_) | Again::Interrupted) if self.others > 0 => {
                self.others -= 1;
                true
            }
            Some(Again::Elsewhere(_) | Again::Interrupted) | None => false,
        }
    }
}
