//! The commands and the options, each declared once.

use super::{Command, Opt, Verb};

/// Every command, in the order of `--help`.
#[rustfmt::skip]
pub const COMMANDS: &[Verb] = &[
    Verb { name: "serve", operand: "[DIR]", command: Some(Command::Serve),
           help: "serve the SQL files below DIR [default: sql]" },
    Verb { name: "check", operand: "[DIR]", command: Some(Command::Check),
           help: "prepare every file below DIR against the database; findings as file:line:column" },
    Verb { name: "openapi", operand: "[DIR]", command: Some(Command::OpenApi),
           help: "print the OpenAPI document of the SQL files below DIR" },
    Verb { name: "ping", operand: "[URL]", command: Some(Command::Ping),
           help: "exit 0 when a server answers pong; http:// or unix:/PATH [default: http://127.0.0.1:8080/ping]" },
    Verb { name: "status", operand: "[PID]", command: Some(Command::Status),
           help: "the services that run here and their workers; only that of one process" },
    Verb { name: "bench", operand: "[DIR]", command: Some(Command::Bench),
           help: "measure layouts of workers and threads, and other servers, with wrk; a report of it" },
    Verb { name: "completions", operand: "SHELL", command: None,
           help: "print the completions for bash, zsh or fish" },
    Verb { name: "man", operand: "", command: None,
           help: "print the manual page" },
];

/// Shells that there are completions for.
pub const SHELLS: &[&str] = &["bash", "zsh", "fish"];

pub(super) const SERVE: &[Command] = &[Command::Serve];
pub(super) const AUTH: &[Command] = &[Command::Serve, Command::Check, Command::OpenApi];
pub(super) const DATABASE: &[Command] = &[
    Command::Serve,
    Command::Check,
    Command::OpenApi,
    Command::Bench,
];
pub(super) const CHECK: &[Command] = &[Command::Check];
pub(super) const OPENAPI: &[Command] = &[Command::OpenApi];
pub(super) const PING: &[Command] = &[Command::Ping];
pub(super) const STATUS: &[Command] = &[Command::Status];
pub(super) const BENCH: &[Command] = &[Command::Bench];

/// Every option, in the order of `--help`.
#[rustfmt::skip]
pub const OPTIONS: &[Opt] = &[
    Opt { name: "bind", short: Some('b'), value: "ADDRESS", default: "", commands: SERVE,
          help: "HOST:PORT or unix:/PATH; repeatable [default: 127.0.0.1:8080, or 0.0.0.0:$PORT]" },
    Opt { name: "admin-bind", short: None, value: "ADDRESS", default: "", commands: SERVE,
          help: "where /readyz, /metrics and /docs are answered instead; repeatable; /ping at both" },
    Opt { name: "workers", short: Some('w'), value: "N", default: "", commands: SERVE,
          help: "worker processes, supervised if more than one [default: $WEB_CONCURRENCY, or 1]" },
    Opt { name: "supervise", short: None, value: "", default: "", commands: SERVE,
          help: "have a supervisor for one worker, too" },
    Opt { name: "accept", short: None, value: "slots|shared", default: "slots", commands: SERVE,
          help: "a listening socket per worker, or one for all" },
    Opt { name: "threads", short: None, value: "N", default: "1", commands: SERVE,
          help: "executor threads of a worker" },
    Opt { name: "executor", short: None, value: "local|shared", default: "", commands: SERVE,
          help: "an executor per thread, or one for all [default: local if 1 thread]" },
    Opt { name: "timeout", short: Some('t'), value: "TIME", default: "30s", commands: SERVE,
          help: "for an endpoint to answer; 504 then" },
    Opt { name: "stall-threshold", short: None, value: "TIME", default: "50ms", commands: SERVE,
          help: "what holds a thread up for longer is reported; 0s: nothing is" },
    Opt { name: "graceful-timeout", short: None, value: "TIME", default: "30s", commands: SERVE,
          help: "for requests in flight when stopping" },
    Opt { name: "drain-delay", short: None, value: "TIME", default: "0s", commands: SERVE,
          help: "for load balancers to see at /readyz that it stops, before it does" },
    Opt { name: "max-requests", short: None, value: "N", default: "0", commands: SERVE,
          help: "requests after which a worker is replaced; 0: never" },
    Opt { name: "max-requests-jitter", short: None, value: "N", default: "0", commands: SERVE,
          help: "at most so many more, at random" },
    Opt { name: "keep-alive", short: None, value: "TIME", default: "75s", commands: SERVE,
          help: "between two requests of a connection" },
    Opt { name: "max-body", short: None, value: "SIZE", default: "1MiB", commands: SERVE,
          help: "largest request body; 413 above" },
    Opt { name: "max-connections", short: None, value: "N", default: "", commands: SERVE,
          help: "clients of a worker connected at once [default: what the descriptor limit leaves]" },
    Opt { name: "cors-origin", short: None, value: "ORIGIN", default: "", commands: SERVE,
          help: "web pages that may read answers: scheme://host[:port], or * for all; repeatable" },
    Opt { name: "forwarded-allow-ips", short: None, value: "LIST", default: "", commands: SERVE,
          help: "proxies that are believed; * for all [default: $FORWARDED_ALLOW_IPS, or 127.0.0.1,::1]" },
    Opt { name: "db-connections", short: None, value: "N", default: "4", commands: SERVE,
          help: "most connections of a worker for reading, and again for writing" },
    Opt { name: "no-docs", short: None, value: "", default: "", commands: SERVE,
          help: "leave out /docs, the page that shows the API; /openapi.json stays" },
    Opt { name: "log-format", short: None, value: "text|json", default: "text", commands: SERVE,
          help: "of the log on stderr and of the access log" },
    Opt { name: "access-log", short: None, value: "", default: "", commands: SERVE,
          help: "write a line on stdout for each request" },
    Opt { name: "slow-query", short: None, value: "TIME", default: "1s", commands: SERVE,
          help: "queries that take longer are in the log; 0s: none is" },
    Opt { name: "db-request-id", short: None, value: "", default: "", commands: SERVE,
          help: "tell PostgreSQL each request's id, in application_name" },
    Opt { name: "reload", short: None, value: "", default: "", commands: SERVE,
          help: "for development: serve what can be, read files again when they are edited" },
    Opt { name: "jwt-key", short: None, value: "FILE", default: "", commands: AUTH,
          help: "keys of tokens: PEM, JWK, JWKS or a shared secret [default: no token is asked for]" },
    Opt { name: "jwt-audience", short: None, value: "NAME", default: "", commands: AUTH,
          help: "whom tokens must be for; repeatable, one is enough" },
    Opt { name: "jwt-issuer", short: None, value: "NAME", default: "", commands: AUTH,
          help: "who must have issued them" },
    Opt { name: "state-dir", short: None, value: "DIR", default: "", commands: DATABASE,
          help: "where the private PostgreSQL lives, when no database is given" },
    Opt { name: "db-pooler", short: None, value: "", default: "", commands: DATABASE,
          help: "the database is reached through a pooler in transaction mode, such as PgBouncer" },
    Opt { name: "format", short: None, value: "text|json|github", default: "text", commands: CHECK,
          help: "how findings are written" },
    Opt { name: "lock", short: None, value: "", default: "", commands: CHECK,
          help: "write what the database says into DIR/peppercorn.lock, to start without it" },
    Opt { name: "against", short: None, value: "FILE", default: "", commands: OPENAPI,
          help: "compare with this document; exit 1 and the differences if there are any" },
    Opt { name: "wait", short: None, value: "TIME", default: "5s", commands: PING,
          help: "for the answer" },
    Opt { name: "json", short: None, value: "", default: "", commands: STATUS,
          help: "as JSON instead of a table" },
    Opt { name: "quick", short: None, value: "", default: "", commands: BENCH,
          help: "a plan of about two minutes" },
    Opt { name: "talk", short: None, value: "", default: "", commands: BENCH,
          help: "the talk's plan: 10 runs of 30 s each, hours" },
    Opt { name: "path", short: None, value: "[NAME=]PATH", default: "", commands: BENCH,
          help: "what to ask for; repeatable [default: /ping, an endpoint of one row, one of many]" },
    Opt { name: "layouts", short: None, value: "LIST", default: "", commands: BENCH,
          help: "workers x threads [default: 1x1,2x1,3x1,1x2,1x3]; 1x2-local: an executor per thread" },
    Opt { name: "connections", short: None, value: "LIST", default: "", commands: BENCH,
          help: "how many clients ask at a time [default: 1,16,64,256]" },
    Opt { name: "runs", short: None, value: "N", default: "", commands: BENCH,
          help: "of each server, path and number of connections [default: 6]" },
    Opt { name: "duration", short: None, value: "TIME", default: "", commands: BENCH,
          help: "of each run, in whole seconds [default: 5s]" },
    Opt { name: "settle", short: None, value: "TIME", default: "500ms", commands: BENCH,
          help: "before each run" },
    Opt { name: "against", short: None, value: "NAME=COMMAND", default: "", commands: BENCH,
          help: "another server, started by sh with DATABASE_URL; repeatable" },
    Opt { name: "against-url", short: None, value: "URL", default: "", commands: BENCH,
          help: "where it answers, http://HOST:PORT; one for each --against, in their order" },
    Opt { name: "pin", short: None, value: "WHO=CPUS,...", default: "", commands: BENCH,
          help: "processors of server and client, such as server=0-2,client=3" },
    Opt { name: "output", short: None, value: "DIR", default: "bench", commands: BENCH,
          help: "where results.json and report.html go" },
    Opt { name: "resume", short: None, value: "FILE", default: "", commands: BENCH,
          help: "make the runs that are missing in this results.json" },
];

/// Options by the commands that know them, in the order of `--help`.
pub(super) const GROUPS: &[(&str, &[Command])] = &[
    ("serve", SERVE),
    ("serve, check and openapi", AUTH),
    ("serve, check, openapi and bench", DATABASE),
    ("check", CHECK),
    ("openapi", OPENAPI),
    ("ping", PING),
    ("status", STATUS),
    ("bench", BENCH),
];
