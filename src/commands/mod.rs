//! The commands: read top to bottom, this is the program.
//!
//! | module | what it does |
//! |---|---|
//! | `serve` | each process of a service does its part |
//! | `check` | says what is wrong with the SQL files |
//! | `document` | prints the OpenAPI document, or says how it differs |
//! | `embedded` | serves on an executor that is there already |
//! | `exit` | the exit codes |

mod check;
mod document;
mod embedded;
mod exit;
mod serve;

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use crate::app::App;
use crate::cli::{self, Args, Command, Parsed};
use crate::config::{self, Check, DatabaseSource, OpenApi, Ping, Serve, Status};
use crate::observe::{self, Logger};
use crate::panics;
use crate::pg::cluster::InUse;
use crate::pg::{self, Cluster};
use crate::process;
use crate::runtime::Clock;
use crate::sql::FileSource;

use exit::{Exit, Failure, OrExit, classify, is_placed};

/// The program: does what the command line says with `app`, and is done when this returns. The SQL files of `app` are
/// those that `serve` and the other commands work on where the command line names no directory.
///
/// To be called first in `main`: with several workers this runs in every process of the service, each of which is the same
/// program, and the supervisor has to be alone in its process, without other threads.
///
/// It installs a logger for the crate [log](https://docs.rs/log), unless there is one, and a panic hook that calls the one before it.
pub fn main(app: App) -> ExitCode {
    process::give_memory_back();
    let journal = observe::is_journal(std::env::var("JOURNAL_STREAM").ok().as_deref());
    let mut farewell = Logger::install(journal);
    panics::install_alone();
    let parsed = cli::parse(std::env::args_os().skip(1));
    let serves = matches!(&parsed, Ok(Parsed::Run(args)) if args.command == Command::Serve);
    if !serves {
        // Somebody waits for the answer; a service does not wait for its log's reader.
        farewell.limit = Duration::MAX;
    }
    let done = match parsed {
        Ok(Parsed::Run(args)) => run(&app, &args),
        Ok(Parsed::Print(text)) => say(&text),
        Err(message) => Err(anyhow::anyhow!(message)).exit(Exit::Usage),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure(code, None)) => ExitCode::from(code),
        Err(Failure(code, Some(error))) => {
            let text = match is_placed(&error) {
                true => format!("{error}"),
                false => format!("peppercorn: {error:#}"),
            };
            observe::last_words(&text);
            ExitCode::from(code)
        }
    }
}

/// Writes on standard output. A reader that has read enough, such as `head`, is no failure.
fn say(text: &str) -> Result<(), Failure> {
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            let error = anyhow::Error::from(error).context("cannot write on standard output");
            Err(error).exit(Exit::System)
        }
        _ => Ok(()),
    }
}

fn run(app: &App, args: &Args) -> Result<(), Failure> {
    let files = app.files();
    match args.command {
        Command::Serve => {
            // First: what is wrong with the other settings is said like that, too.
            observe::write_as(config::log_format(args, &variable).exit(Exit::Config)?);
            let config = Serve::resolve(args, &variable, files).exit(Exit::Config)?;
            serve::serve(app, args, &config)
        }
        Command::Check => {
            let config = Check::resolve(args, &variable, files).exit(Exit::Config)?;
            check::check(app, &config)
        }
        Command::OpenApi => {
            let config = OpenApi::resolve(args, &variable, files).exit(Exit::Config)?;
            document::openapi(app, &config)
        }
        Command::Ping => ping(&Ping::resolve(args, &variable).exit(Exit::Config)?),
        Command::Status => status(&Status::resolve(args, &variable).exit(Exit::Config)?),
        Command::Bench => measure(app, args),
    }
}

/// As for libpq, a variable that is set to nothing is not set.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Whether there is anything to ask a database.
fn needs_database(app: &App, files: &FileSource) -> bool {
    !files.is_none() || !app.queries().is_empty()
}

/// The database, started if it is a private one that nobody else has started; one that nobody asks is not.
fn open(
    app: &App,
    database: &DatabaseSource,
    files: &FileSource,
    clock: &Clock,
) -> Result<(pg::Config, Option<Cluster>), Failure> {
    if !needs_database(app, files) {
        return Ok((database.running(), None));
    }
    match database.open(files, clock) {
        // The server that uses the directory has the database that is meant.
        Err(error) if error.is::<InUse>() => Ok((database.running(), None)),
        opened => opened.map_err(classify),
    }
}

fn status(config: &Status) -> Result<(), Failure> {
    let services = process::status::services(config.process);
    if services.is_empty() {
        let message = "no running service found; root finds those of all users";
        return Err(anyhow::anyhow!(message)).exit(Exit::Unavailable);
    }
    say(&match config.json {
        true => process::status::as_json(&services),
        false => process::status::table(&services),
    })
}

#[cfg(not(feature = "bench"))]
fn measure(_: &App, _: &Args) -> Result<(), Failure> {
    let message = "this program was built without the feature bench";
    Err(anyhow::anyhow!(message)).exit(Exit::Unavailable)
}

#[cfg(feature = "bench")]
fn measure(app: &App, args: &Args) -> Result<(), Failure> {
    use crate::bench;
    use crate::sql;
    let config = config::Bench::resolve(args, &variable, app.files()).exit(Exit::Config)?;
    let definitions = config.files.read().and_then(sql::define);
    let definitions = definitions.map_err(exit::unreadable)?.definitions;
    let clock = Clock::start().exit(Exit::System)?;
    let resumes = matches!(config.task, bench::Task::Resume(_));
    let files = bench::Files::in_directory(&config.output, resumes).exit(Exit::System)?;
    let (settings, cluster) = open(app, &config.database, &config.files, &clock)?;
    let surroundings = bench::Surroundings {
        files,
        definitions: &definitions,
        database: &settings,
        database_url: config.database.url(),
        clock: &clock,
        say: &|text| drop(say(text)),
    };
    let measured = bench::run(config.task, &surroundings).map_err(classify);
    let stopped = cluster.map_or(Ok(()), Cluster::stop).exit(Exit::Internal);
    match measured? {
        true => stopped,
        false => Err(Failure(Exit::Interrupted as u8, None)),
    }
}

fn ping(config: &Ping) -> Result<(), Failure> {
    let clock = Clock::start().exit(Exit::System)?;
    // A panic of the HTTP client is reported as what it means, a wrong answer: once, and in one line.
    std::panic::set_hook(Box::new(|_| {}));
    async_io::block_on(crate::ping::ping(&config.url, config.wait, &clock)).exit(Exit::Unavailable)
}
