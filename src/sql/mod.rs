//! SQL files as endpoints.
//!
//! | module | what it does |
//! |---|---|
//! | `lexer`, `statement` | where a statement's parameters are; `:name` to `$1`, and positions back |
//! | `writing` | where a statement's text says that it writes |
//! | [`file`](mod@file), [`parameter`] | the file format: blocks, header comments, declarations |
//! | [`FileSource`], [`Files`], [`folder`] | a directory's files, or the program's, read once, as one set of routes |
//! | `own` | queries that a Rust program has of its own |
//! | [`catalog`], [`described`], [`types`] | the set against a database: what it says of every statement, or what it has against it |
//! | `nullable` | which columns may be null, by a statement's text |
//! | [`lockfile`] | the same in a file, for when the database is away |
//! | [`compose`](mod@compose) | definitions and descriptions as endpoints |
//! | `bind` | a request's parameters, checked, as text |
//! | `answer` | a result as a response |
//! | [`endpoint`], `bulkhead` | the endpoint: bind, run, answer; how many at a time |
//! | [`review`](mod@review) | everything that is wrong or doubtful, and what can be served all the same |
//! | [`interface`] | what an endpoint takes and gives, for its description |
//! | [`finding`] | what is wrong, as `file:line:column` |
//! | [`shown`](mod@shown) | findings as somebody reads them |
//! | `invariants` | what holds for any text, for tests and fuzzing |

mod answer;
mod bind;
mod bulkhead;
pub mod catalog;
pub mod compose;
pub mod described;
pub mod endpoint;
pub mod file;
mod file_source;
mod files;
pub mod finding;
pub mod folder;
pub mod interface;
#[cfg(any(test, fuzzing))]
pub(crate) mod invariants;
mod lexer;
pub mod lockfile;
mod nullable;
mod own;
pub mod parameter;
pub mod review;
pub mod shown;
mod statement;
#[cfg(test)]
mod tests;
pub mod types;
mod writing;

pub use catalog::describe;
pub use compose::{Checked, SqlRoute, compose};
pub use described::Described;
pub use endpoint::SqlEndpoint;
pub use file::{Definition, Operator};
pub use file_source::FileSource;
pub use files::Files;
pub use finding::{Finding, Findings, Source};
pub use folder::{Folder, define, read};
pub use interface::Interface;
pub use own::{OwnQuery, check_own};
pub use review::{Review, review};
pub use shown::shown;
pub use statement::Statement;
