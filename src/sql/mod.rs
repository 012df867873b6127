//! SQL files as endpoints.
//!
//! | module | what it does |
//! |---|---|
//! | `lexer`, `statement` | where a statement's parameters are; `:name` to `$1`, and positions back |
//! | [`file`](mod@file), [`parameter`] | the file format: blocks, header comments, declarations |
//! | [`Files`], [`folder`] | a directory's files, read once, as one set of routes |
//! | [`catalog`] | the set against a database: types, prepared statements, findings |
//! | `bind`, `body` | a request's parameters, checked, as text |
//! | `answer`, [`endpoint`] | a result as a response |
//! | [`finding`] | what is wrong, as `file:line:column` |
//! | `invariants` | what holds for any text, for tests and fuzzing |

mod answer;
mod bind;
mod body;
pub mod catalog;
pub mod endpoint;
pub mod file;
mod files;
pub mod finding;
pub mod folder;
#[cfg(any(test, fuzzing))]
pub(crate) mod invariants;
mod lexer;
pub mod parameter;
mod statement;
#[cfg(test)]
mod tests;

pub use catalog::{Checked, check};
pub use endpoint::SqlEndpoint;
pub use file::{Definition, Operator};
pub use files::Files;
pub use finding::{Finding, Findings, Source};
pub use folder::{define, read};
pub use statement::Statement;
