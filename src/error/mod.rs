//! One error, two voices: a [`Problem`] tells the client what it may know and keeps the cause for the log.
//!
//! On the wire it is `application/problem+json` (RFC 9457). For a 5xx the client learns the kind of failure and
//! the request's id, never SQL, names of tables or a backtrace; those are in [`Problem::cause`].
//!
//! | module | what it is |
//! |---|---|
//! | `problem` | what is said of a problem, and to whom |
//! | `body` | its body as RFC 9457 has it |
//! | `invalid` | a thing of the request that is to blame |
//! | `sqlstate` | what PostgreSQL's codes are to a client |

mod body;
mod invalid;
mod problem;
mod sqlstate;

pub use invalid::Invalid;
pub use problem::Problem;
pub use sqlstate::{is_transient, status_of};
