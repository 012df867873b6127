//! What was typed: a command, its operands and its options. Nothing is interpreted here; see [`config`](crate::config).
//!
//! Each option is declared once, in [`OPTIONS`]: the parser, `--help`, the environment variables and the defaults all
//! come from there.

use std::ffi::OsString;
use std::fmt::Write;

/// What the program can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Serve the SQL files of a directory.
    Serve,
    /// Prepare every file and say what is wrong.
    Check,
    /// Print the OpenAPI document.
    OpenApi,
    /// Ask a running server whether it answers.
    Ping,
    /// Tell of the services that run.
    Status,
    /// Measure layouts and servers.
    Bench,
}

/// An option, as typed and as looked up.
#[derive(Debug)]
pub struct Opt {
    /// `--name`; the environment variable is `PEPPERCORN_NAME`.
    pub name: &'static str,
    /// `-n`.
    pub short: Option<char>,
    /// What its value is, in capitals; empty if it has none, and is either typed or not.
    pub value: &'static str,
    /// Its value when nobody says; empty when that takes words, which are in `help`.
    pub default: &'static str,
    /// One line.
    pub help: &'static str,
    /// The commands that know it.
    pub commands: &'static [Command],
}

const SERVE: &[Command] = &[Command::Serve];
const AUTH: &[Command] = &[Command::Serve, Command::Check, Command::OpenApi];
const DATABASE: &[Command] = &[
    Command::Serve,
    Command::Check,
    Command::OpenApi,
    Command::Bench,
];
const CHECK: &[Command] = &[Command::Check];
const OPENAPI: &[Command] = &[Command::OpenApi];
const PING: &[Command] = &[Command::Ping];
const STATUS: &[Command] = &[Command::Status];
const BENCH: &[Command] = &[Command::Bench];

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

/// What was typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Args {
    /// The command.
    pub command: Command,
    /// The directory, or the URL.
    pub operand: Option<String>,
    /// Options and their values, by name; where one value is meant, the last counts.
    pub options: Vec<(&'static str, String)>,
}

/// How the command line ends without a command to run.
#[derive(Debug, PartialEq, Eq)]
pub enum Parsed {
    /// Run this.
    Run(Args),
    /// Print this on standard output and be done.
    Print(String),
}

/// Reads the words after the program's name.
///
/// # Errors
/// What is wrong, in one line.
pub fn parse(words: impl IntoIterator<Item = OsString>) -> Result<Parsed, String> {
    let mut parser = lexopt::Parser::from_args(words);
    let Some(command) = command(&mut parser)? else {
        return Ok(Parsed::Print(help()));
    };
    let command = match command.as_str() {
        "serve" => Command::Serve,
        "check" => Command::Check,
        "openapi" => Command::OpenApi,
        "ping" => Command::Ping,
        "status" => Command::Status,
        "bench" => Command::Bench,
        "help" => return Ok(Parsed::Print(help())),
        "version" => return Ok(Parsed::Print(version())),
        other => {
            return Err(format!(
                "there is no command {other}; see peppercorn --help"
            ));
        }
    };
    let mut args = Args {
        command,
        operand: None,
        options: Vec::new(),
    };
    while let Some(word) = parser.next().map_err(|error| error.to_string())? {
        let option = match word {
            lexopt::Arg::Long("help") | lexopt::Arg::Short('h') => {
                return Ok(Parsed::Print(help()));
            }
            lexopt::Arg::Value(operand) if args.operand.is_none() => {
                args.operand = Some(text(operand)?);
                continue;
            }
            lexopt::Arg::Value(operand) => {
                return Err(format!("{} is one operand too many", text(operand)?));
            }
            lexopt::Arg::Long(name) => {
                option(command, |option| option.name == name).ok_or(format!("--{name}"))
            }
            lexopt::Arg::Short(letter) => {
                option(command, |option| option.short == Some(letter)).ok_or(format!("-{letter}"))
            }
        };
        let option = option.map_err(|typed| {
            format!(
                "{} does not know {typed}; see peppercorn --help",
                command.name()
            )
        })?;
        let value = match option.value {
            "" => "true".to_owned(),
            _ => text(parser.value().map_err(|error| error.to_string())?)?,
        };
        args.options.push((option.name, value));
    }
    Ok(Parsed::Run(args))
}

/// The first word that is no option; none for `--help`.
fn command(parser: &mut lexopt::Parser) -> Result<Option<String>, String> {
    match parser.next().map_err(|error| error.to_string())? {
        None => Err("no command; see peppercorn --help".into()),
        Some(lexopt::Arg::Long("help") | lexopt::Arg::Short('h')) => Ok(None),
        Some(lexopt::Arg::Long("version") | lexopt::Arg::Short('V')) => Ok(Some("version".into())),
        Some(lexopt::Arg::Value(command)) => Ok(Some(text(command)?)),
        Some(other) => Err(format!(
            "{}: a command comes first; see peppercorn --help",
            other.unexpected()
        )),
    }
}

fn option(command: Command, wanted: impl Fn(&Opt) -> bool) -> Option<&'static Opt> {
    OPTIONS
        .iter()
        .find(|option| option.commands.contains(&command) && wanted(option))
}

fn text(word: OsString) -> Result<String, String> {
    word.into_string()
        .map_err(|word| format!("{} is not UTF-8", word.display()))
}

impl Command {
    /// As it is typed.
    pub fn name(self) -> &'static str {
        match self {
            Command::Serve => "serve",
            Command::Check => "check",
            Command::OpenApi => "openapi",
            Command::Ping => "ping",
            Command::Status => "status",
            Command::Bench => "bench",
        }
    }
}

impl Opt {
    /// The environment variable that stands in for it.
    pub fn variable(&self) -> String {
        format!("PEPPERCORN_{}", self.name.to_uppercase().replace('-', "_"))
    }
}

/// `peppercorn 0.1.0`.
pub fn version() -> String {
    format!("peppercorn {}\n", env!("CARGO_PKG_VERSION"))
}

/// The text of `--help`.
pub fn help() -> String {
    let mut text = String::from(
        "A REST API out of a folder of SQL files on PostgreSQL.

Usage: peppercorn COMMAND [OPTIONS] [OPERAND]

Commands:
  serve [DIR]   serve the SQL files below DIR [default: sql]
  check [DIR]   prepare every file below DIR against the database; findings as file:line:column
  openapi [DIR] print the OpenAPI document of the SQL files below DIR
  ping [URL]    exit 0 when a server answers pong; http:// or unix:/PATH [default: http://127.0.0.1:8080/ping]
  status [PID]  the services that run here and their workers; only that of one process
  bench [DIR]   measure layouts of workers and threads, and other servers, with wrk; a report of it
",
    );
    let groups = [
        ("serve", SERVE),
        ("serve, check and openapi", AUTH),
        ("serve, check, openapi and bench", DATABASE),
        ("check", CHECK),
        ("openapi", OPENAPI),
        ("ping", PING),
        ("status", STATUS),
        ("bench", BENCH),
    ];
    for (title, commands) in groups {
        // Writing to a String does not fail.
        let _ = writeln!(text, "\nOptions of {title}:");
        for option in OPTIONS.iter().filter(|option| option.commands == commands) {
            let short = option
                .short
                .map_or("    ".to_owned(), |letter| format!("-{letter}, "));
            let flag = format!("{short}--{} {}", option.name, option.value);
            let flag = flag.trim_end();
            let default = match option.default {
                "" => String::new(),
                default => format!(" [default: {default}]"),
            };
            let _ = writeln!(text, "  {flag:<32}{}{default}", option.help);
        }
    }
    text.push_str(
        "
Each option is read from PEPPERCORN_<OPTION> when it is not given: PEPPERCORN_MAX_BODY=8MiB; what is
repeatable is a list there: PEPPERCORN_BIND=127.0.0.1:8080,unix:/run/api.sock.
Times take ms, s, m or h; sizes take KiB, MiB or GiB.

The database:
  DATABASE_URL, or PGHOST, PGPORT, PGUSER, PGPASSWORD, PGDATABASE, … as libpq reads them, or the
  file database-url in $CREDENTIALS_DIRECTORY; PEPPERCORN_READ_DATABASE_URL, or the file
  read-database-url, for GETs, if those go to a standby. With none of them a private PostgreSQL is started;
  it keeps its data in --state-dir, else $STATE_DIRECTORY, else a directory of its own for each
  DIR below $XDG_STATE_HOME/peppercorn, ~/.local/state/peppercorn, or, as root, /var/lib/peppercorn.

The key of tokens may also be the file jwt-key in $CREDENTIALS_DIRECTORY.

Exit status:
  0 done, 1 the document differs, 64 usage, 65 an SQL file is wrong, 66 no such file, 69 no database, 70 internal,
  71 the system refuses something, 73 cannot listen, 78 a setting is wrong, 130 a bench was interrupted
",
    );
    text
}

#[cfg(test)]
mod tests;
