//! A REST API out of a folder of SQL files on PostgreSQL, on the smol stack.
//!
//! A request flows through plain values:
//!
//! ```text
//! socket → http (request) → router → capture → auth → endpoint (SQL or Rust) → pg pool → json → http (response) → socket
//! ```
//!
//! | module | what it is |
//! |---|---|
//! | [`cli`], [`config`] | what was typed, and what it means |
//! | [`environment`] | looking up its variables |
//! | [`error`] | one error, two voices; SQLSTATEs to statuses |
//! | [`observe`] | every event an operator can see, every sentence they read |
//! | [`panics`] | what a panic says, and who is told |
//! | [`metrics`] | what is measured, in memory that all processes of a service share; Prometheus' text |
//! | [`app`] | routes and what they lead to; the whole request on one screen |
//! | [`router`] | path templates to values |
//! | [`endpoint`] | what a route leads to, and what it is given |
//! | [`capture`] | the wrapper around every endpoint that reports what it raises |
//! | [`auth`] | who asks: tokens, and the wrapper around endpoints that want one |
//! | `claims` | what a token says |
//! | [`json`] | writing JSON, reading its objects |
//! | `markup` | writing HTML |
//! | [`http`] | HTTP/1.1: bytes in, messages out |
//! | [`server`] | sockets, connections, the drain |
//! | [`sql`] | the file format, parameters, checking against a database, the SQL endpoint |
//! | [`pg`] | connections, the pool, values, the private cluster |
//! | [`openapi`] | the document that describes the API |
//! | [`sentry`] | Sentry's client: its thread, its transport |
//! | [`runtime`] | executors, the coarse clock, sockets, the drain, the stall monitor |
//! | [`process`] | workers, their supervisor, the scoreboard, signals, systemd |
//! | [`ping`] | the health probe |
//! | `commands` | what the program does with its command line, and its exit codes |
//! | [`client`] | HTTP as a client: what handlers ask other servers |
//! | `bench` | the experiments: plan, wrk, statistics, report |
//! | [`tls`] | TLS as a client: certificates, handshakes |
//! | [`units`] | times and sizes with their units |
//! | `der` | reading the encoding of certificates and keys |
//! | `secrets` | who else may read a secret's file |
//! | `lock` | locks that a panic does not close for good |
//! | `sys` | the one file with `unsafe` |
//! | `invariants`, `mutate`, `work` | for tests and fuzzing: what holds for any input, inputs, what one costs |
//!
//! Imports go one way, from the bottom of the house to its top: `http`, `json`, `router`, `metrics`, `cli`, `environment`,
//! `der`, `units`, `markup`, `secrets` know nobody; `tls`, `claims`, `observe`, `error`, `panics`, `runtime`, `pg`, `sentry`, `endpoint`, `capture`,
//! `auth`, `sql` know those before them; `openapi` describes; `app` composes; `server` runs an [`App`]; `bench` measures servers;
//! `process` runs one; the binary sees all.

pub mod app;
pub mod auth;
#[cfg(feature = "bench")]
pub mod bench;
pub mod capture;
mod claims;
pub mod cli;
pub mod client;
mod commands;
pub mod config;
#[cfg(any(feature = "tls", feature = "auth"))]
#[cfg_attr(
    not(feature = "tls"),
    allow(dead_code, reason = "keys need less of it than certificates")
)]
mod der;
pub mod endpoint;
pub mod environment;
pub mod error;
pub mod http;
pub mod json;
mod lock;
#[cfg_attr(
    not(feature = "bench"),
    allow(dead_code, reason = "the report of a bench needs more of it")
)]
mod markup;
pub mod metrics;
#[cfg(test)]
mod mutate;
pub mod observe;
pub mod openapi;
pub mod panics;
pub mod pg;
pub mod ping;
pub mod process;
pub mod router;
pub mod runtime;
mod secrets;
pub mod sentry;
pub mod server;
pub mod sql;
mod sys;
pub mod tls;
pub mod units;
mod work;

/// What holds for any bytes that come from elsewhere: for `tests/fuzz`, and for the tests of the same names.
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod invariants {
    pub use crate::http::invariants::{chunked, connection, forwarded, head, target};
    pub use crate::sql::invariants::{header as sql_header, lexer as sql_lexer};
}

pub use app::{App, Handler};
pub use commands::main;
pub use endpoint::{Answer, Context, Endpoint, RequestId};
pub use error::Problem;
pub use http::{Method, Request, Response, StatusCode};

/// SQL files as part of the program, for [`App::sql_files`]: their paths, as they stand here, and their texts. A path is
/// relative to the file that this stands in, as for [`include_str!`].
///
/// ```
/// let files = peppercorn::include_sql!["../examples/exchange/events.sql", "../examples/exchange/schema.sql"];
/// assert!(files[0].1.contains("-- name: "));
/// ```
#[macro_export]
macro_rules! include_sql {
    ($($path:literal),+ $(,)?) => {
        &[$(($path, ::core::include_str!($path))),+]
    };
}
