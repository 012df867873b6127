//! A REST API out of a folder of SQL files on PostgreSQL, on the smol stack: a program, `peppercorn serve sql`, and this
//! library, for programs with endpoints of their own.
//!
//! ```no_run
//! use std::process::ExitCode;
//!
//! use peppercorn::{App, Context, Response};
//!
//! fn main() -> ExitCode {
//!     peppercorn::main(App::new().sql_dir("sql").get("/hello/{name}", hello))
//! }
//!
//! async fn hello(context: Context) -> anyhow::Result<Response> {
//!     let name = context.path.get("name").unwrap_or_default();
//!     Ok(Response::text(format!("hello, {name}\n")))
//! }
//! ```
//!
//! That is a whole program, with all commands and options of `peppercorn`: `serve --workers 2` has a supervisor, `check` looks
//! at the SQL, `openapi` prints the document, HUP reloads. `examples/hello.rs` is this one, `examples/embed.rs` has everything.
//!
//! # Handlers
//!
//! A handler is an `async fn` from a [`Context`] to a [`Response`]: the request, whose body is there already, its path's
//! parameters, the client's address, what its token says. Nothing is global. What handlers share, a closure owns:
//!
//! ```
//! use std::sync::Arc;
//! use std::sync::atomic::{AtomicU64, Ordering};
//!
//! use peppercorn::{App, Context, Response};
//!
//! let count = Arc::new(AtomicU64::new(0));
//! let app = App::new().get("/count", move |_: Context| {
//!     let count = count.fetch_add(1, Ordering::Relaxed);
//!     async move { Ok(Response::text(count.to_string())) }
//! });
//! ```
//!
//! [`Handler`] has more to say than a route: a time limit, the scopes of the token that it asks for, what the API's document
//! says of it. With several workers each is a process: what they share is in the database.
//!
//! # Errors
//!
//! A handler raises a [`Problem`] to tell the client something, as `application/problem+json`. Any other error is a 500, of which
//! the client learns no more than an id; its cause is in the log and in Sentry. So is a panic, which ends its request and
//! nothing else.
//!
//! ```
//! use anyhow::Context as _;
//! use peppercorn::{Context, Problem, Response, StatusCode};
//!
//! async fn report(context: Context) -> anyhow::Result<Response> {
//!     let name = context.path.get("name").unwrap_or_default();
//!     if name.contains('/') {
//!         // 400, and the client reads this.
//!         return Err(Problem::new(StatusCode::BadRequest, "a report has no folders").into());
//!     }
//!     // 500, and the log has this.
//!     let report = smol::fs::read(format!("reports/{name}")).await.context("cannot read the report")?;
//!     Ok(Response::new(StatusCode::Ok).with_body(report))
//! }
//! ```
//!
//! # SQL
//!
//! [`App::sql_dir`] serves a folder of SQL files; [`App::sql_files`] with [`include_sql!`] makes them part of the program. For
//! queries of its own a program names them, and handlers run them by their names, with named parameters; they are prepared on
//! every connection, and checked against the database at the start. What PostgreSQL refuses is the right answer already: a
//! key that is taken is a 409.
//!
//! ```
//! use peppercorn::{App, Context, Response};
//!
//! let app = App::new()
//!     .read_query("greeting", "select greeting from language where code = :code")
//!     .get("/greetings/{code}", greet);
//!
//! async fn greet(context: Context) -> anyhow::Result<Response> {
//!     let code = context.path.get("code").unwrap_or_default();
//!     let row = context.query("greeting").bind("code", code).row().await?;
//!     let greeting: Option<String> = row.map(|row| row.try_get("greeting")).transpose()?;
//!     Ok(Response::text(greeting.unwrap_or("?".into())))
//! }
//! ```
//!
//! The database is that of the environment, `DATABASE_URL` or `PG…`; else a private one, which [`main`](fn@main) starts.
//!
//! # What takes long
//!
//! One thread answers many requests, so a handler must not block it: [`Context::unblock`] has a thread for work that does,
//! [`Context::client`] asks other servers over HTTP without it. What holds a thread up for longer than 50 ms is reported, with
//! the endpoint's name and what it is doing.
//!
//! # Around endpoints
//!
//! [`App::wrap`] puts an [`Endpoint`] around every endpoint; [`auth::Guard`] is one that asks for a token by keys of your own.
//!
//! # An executor of your own
//!
//! [`App::serve`] serves on a socket until it is told to finish, on whichever executor polls it: beside other servers, or in
//! a test. It does nothing about signals, logs and processes.
//!
//! Events are records of the [`log`](https://docs.rs/log) crate, with the target `peppercorn`, and `peppercorn::access` for
//! requests; [`main`](fn@main) installs a logger that writes them unless there is one. What a handler says to `sentry_core`
//! goes to its request's hub.
//!
//! # Features
//!
//! | feature | without it |
//! |---|---|
//! | `tls` | no TLS to PostgreSQL, Sentry and other servers |
//! | `auth` | no tokens |
//! | `docs` | no page at `/docs` |
//! | `stacks` | no stack in the report of a thread that is stuck |
//! | `bench` | no `bench` command |
//! | `manual` | no `man` and `completions` commands |
//!
//! All are on by default. What is documented here is what is kept stable; the rest is public for the tests, and hidden.
//!
//! # How it is built
//!
//! A request flows through plain values:
//!
//! ```text
//! socket → http (request) → router → capture → auth → endpoint (SQL or Rust) → pg pool → json → http (response) → socket
//! ```
//!
//! | module | what it is |
//! |---|---|
//! | `cli`, `config` | what was typed, and what it means |
//! | `environment` | looking up its variables |
//! | `error` | one error, two voices; SQLSTATEs to statuses |
//! | `observe` | every event an operator can see, every sentence they read |
//! | `panics` | what a panic says, and who is told |
//! | `metrics` | what is measured, in memory that all processes of a service share; Prometheus' text |
//! | `app` | what a program serves; routes and what they lead to; the whole request on one screen |
//! | `router` | path templates to values |
//! | `endpoint` | what a route leads to, and what it is given |
//! | `capture` | the wrapper around every endpoint that reports what it raises |
//! | `auth` | who asks: tokens, and the wrapper around endpoints that want one |
//! | `claims` | what a token says |
//! | `json` | writing JSON, reading its objects |
//! | `markup` | writing HTML |
//! | `http` | HTTP/1.1: bytes in, messages out |
//! | `server` | sockets, connections, the drain |
//! | `sql` | the file format, parameters, checking against a database, the SQL endpoint |
//! | `pg` | connections, the pool, values, the private cluster |
//! | `openapi` | the document that describes the API |
//! | `sentry` | Sentry's client: its thread, its transport |
//! | `runtime` | executors, the coarse clock, sockets, the drain, the stall monitor |
//! | `process` | workers, their supervisor, the scoreboard, signals, systemd |
//! | `ping` | the health probe |
//! | `commands` | what the program does with its command line, and its exit codes |
//! | `client` | HTTP as a client: what handlers ask other servers |
//! | `bench` | the experiments: plan, wrk, statistics, report |
//! | `tls` | TLS as a client: certificates, handshakes |
//! | `units` | times and sizes with their units |
//! | `der` | reading the encoding of certificates and keys |
//! | `secrets` | who else may read a secret's file |
//! | `lock` | locks that a panic does not close for good |
//! | `sys` | the one file with `unsafe` |
//! | `invariants`, `mutate`, `work` | for tests and fuzzing: what holds for any input, inputs, what one costs |
//!
//! Imports go one way, from the bottom of the house to its top: `http`, `json`, `router`, `metrics`, `cli`, `environment`,
//! `der`, `units`, `markup`, `secrets` know nobody; `tls`, `claims`, `observe`, `error`, `panics`, `runtime`, `client`, `pg`, `sentry`,
//! `endpoint`, `capture`, `auth`, `sql` know those before them; `openapi` describes; `app` composes; `server` runs that; `bench` measures servers;
//! `process` runs one; `commands` sees all.

#[doc(hidden)]
pub mod app;
pub mod auth;
#[cfg(feature = "bench")]
#[doc(hidden)]
pub mod bench;
#[doc(hidden)]
pub mod capture;
mod claims;
#[doc(hidden)]
pub mod cli;
pub mod client;
mod commands;
#[doc(hidden)]
pub mod config;
#[cfg(any(feature = "tls", feature = "auth"))]
#[cfg_attr(
    not(feature = "tls"),
    allow(dead_code, reason = "keys need less of it than certificates")
)]
mod der;
#[doc(hidden)]
pub mod endpoint;
#[doc(hidden)]
pub mod environment;
#[doc(hidden)]
pub mod error;
#[doc(hidden)]
pub mod http;
#[doc(hidden)]
pub mod json;
mod lock;
#[cfg_attr(
    not(feature = "bench"),
    allow(dead_code, reason = "the report of a bench needs more of it")
)]
mod markup;
#[doc(hidden)]
pub mod metrics;
#[cfg(test)]
mod mutate;
#[doc(hidden)]
pub mod observe;
#[doc(hidden)]
pub mod openapi;
#[doc(hidden)]
pub mod panics;
#[doc(hidden)]
pub mod pg;
#[doc(hidden)]
pub mod ping;
#[doc(hidden)]
pub mod process;
#[doc(hidden)]
pub mod router;
#[doc(hidden)]
pub mod runtime;
mod secrets;
#[doc(hidden)]
pub mod sentry;
#[doc(hidden)]
pub mod server;
#[doc(hidden)]
pub mod sql;
mod sys;
#[doc(hidden)]
pub mod tls;
#[doc(hidden)]
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
/// All that a program's own `main` has to do.
///
/// ```no_run
/// fn main() -> std::process::ExitCode {
///     peppercorn::main(peppercorn::App::new().sql_dir("sql"))
/// }
/// ```
pub use commands::main;
pub use endpoint::{
    Answer, Context, Database, Endpoint, NamedQuery, PathParameters, RequestId, Route, Service,
    Span,
};
pub use error::{Invalid, Problem};
/// The method of a [`Request`] and of a [`Handler`]'s route.
///
/// ```
/// use peppercorn::{Handler, Method, Response};
///
/// let settle = Handler::new(Method::Put, "/markets/{market_id}/result", |_| async {
///     Ok(Response::text("settled\n"))
/// });
/// assert_eq!(Method::Put.to_string(), "PUT");
/// ```
pub use http::Method;
/// The status of a [`Response`] and of a [`Problem`].
///
/// ```
/// use peppercorn::StatusCode;
///
/// assert!(StatusCode::Created.is_success());
/// assert_eq!(StatusCode::Conflict as u16, 409);
/// assert_eq!(StatusCode::try_from(422).ok(), Some(StatusCode::UnprocessableEntity));
/// ```
pub use http::StatusCode;
pub use http::{Body, BodyStream, HeaderValue, InvalidHeader, Request, Response};
pub use openapi::Operation;
pub use pg::Parameter;
/// A row of a [query's](NamedQuery::rows) result.
///
/// ```
/// use peppercorn::Row;
///
/// fn label(row: &Row) -> anyhow::Result<String> {
///     let (title, shelf): (&str, Option<i32>) = (row.try_get("title")?, row.try_get("shelf")?);
///     Ok(shelf.map_or(title.to_owned(), |shelf| format!("{title}, shelf {shelf}")))
/// }
/// ```
pub use tokio_postgres::Row;

/// SQL files as part of the program, for [`App::sql_files`]: their paths, as they stand here, and their texts. A path is
/// relative to the file that this stands in, as for [`include_str!`].
///
/// ```standalone_crate
/// let files = peppercorn::include_sql!["../examples/exchange/events.sql", "../examples/exchange/schema.sql"];
/// assert!(files[0].1.contains("-- name: "));
/// ```
#[macro_export]
macro_rules! include_sql {
    ($($path:literal),+ $(,)?) => {
        &[$(($path, ::core::include_str!($path))),+]
    };
}
