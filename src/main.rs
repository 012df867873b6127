//! The commands and their exit codes: read top to bottom, this is the program.

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use peppercorn::App;
use peppercorn::app::Conflict;
use peppercorn::cli::{self, Args, Command, Parsed};
use peppercorn::config::{Check, DatabaseSource, Ping, Serve};
use peppercorn::observe::Stderr;
use peppercorn::pg::Cluster;
use peppercorn::pg::cluster::{BadSchema, InUse};
use peppercorn::process::{self, Worker};
use peppercorn::runtime::Clock;
use peppercorn::sql::{self, Findings};

/// sysexits.h, where systemd prints the names of the codes.
#[derive(Clone, Copy)]
enum Exit {
    Usage = 64,
    BadFile = 65,
    NoInput = 66,
    Unavailable = 69,
    Internal = 70,
    System = 71,
    CannotListen = 73,
    Config = 78,
}

/// An error and the exit code it means.
struct Failure(Exit, anyhow::Error);

fn main() -> ExitCode {
    Stderr::install(std::env::var_os("JOURNAL_STREAM").is_some());
    let done = match cli::parse(std::env::args_os().skip(1)) {
        Ok(Parsed::Run(args)) => run(&args),
        Ok(Parsed::Print(text)) => say(&text),
        Err(message) => Err(Failure(Exit::Usage, anyhow::anyhow!(message))),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure(exit, error)) => {
            // A finding begins with its place, where editors and other tools look for it.
            let placed =
                error.is::<Findings>() || error.is::<Conflict>() || error.is::<BadSchema>();
            let text = match placed {
                true => format!("{error}\n"),
                false => format!("peppercorn: {error:#}\n"),
            };
            // When nobody can be told, the exit code still tells.
            let _unheard = io::stderr().write_all(text.as_bytes());
            ExitCode::from(exit as u8)
        }
    }
}

/// Writes on standard output. A reader that has read enough, such as `head`, is no failure.
fn say(text: &str) -> Result<(), Failure> {
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            let error = anyhow::Error::from(error).context("cannot write on standard output");
            Err(Failure(Exit::System, error))
        }
        _ => Ok(()),
    }
}

fn run(args: &Args) -> Result<(), Failure> {
    // As for libpq, a variable that is set to nothing is not set.
    let variables = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    match args.command {
        Command::Serve => serve(&Serve::resolve(args, &variables).exit(Exit::Config)?),
        Command::Check => check(&Check::resolve(args, &variables).exit(Exit::Config)?),
        Command::Ping => ping(&Ping::resolve(args, &variables).exit(Exit::Config)?),
    }
}

fn serve(config: &Serve) -> Result<(), Failure> {
    let files = read(&config.directory)?;
    let clock = Clock::start().exit(Exit::System)?;
    let worker = Worker::bind(config, &clock).map_err(failure)?;
    let opened = config.database.open(&config.directory, &clock);
    let (settings, cluster) = opened.map_err(classify)?;
    let app = async_io::block_on(App::new().sql(files, &settings, &clock)).map_err(classify);
    let served = app.and_then(|app| worker.run(app, &settings).map_err(failure));
    let stopped = cluster.map_or(Ok(()), Cluster::stop).exit(Exit::Internal);
    served.and(stopped)
}

fn check(config: &Check) -> Result<(), Failure> {
    let files = read(&config.directory)?;
    let clock = Clock::start().exit(Exit::System)?;
    let opened = config.database.open(&config.directory, &clock);
    let (settings, cluster) = match (opened, &config.database) {
        // The server that uses the directory has the database that is meant.
        (Err(error), DatabaseSource::Private(directory)) if error.is::<InUse>() => {
            (Cluster::config_in(directory), None)
        }
        (opened, _) => opened.map_err(classify)?,
    };
    let count = files.len();
    // All that `serve` would do before it listens: routes of the server's own are taken here too.
    let checked = async_io::block_on(App::new().sql(files, &settings, &clock)).map_err(classify);
    let stopped = cluster.map_or(Ok(()), Cluster::stop).exit(Exit::Internal);
    checked?;
    say(&format!("{count} endpoints, nothing wrong\n"))?;
    stopped
}

fn ping(config: &Ping) -> Result<(), Failure> {
    let clock = Clock::start().exit(Exit::System)?;
    // A panic of the HTTP client is reported as what it means, a wrong answer: once, and in one line.
    std::panic::set_hook(Box::new(|_| {}));
    async_io::block_on(peppercorn::ping::ping(&config.url, config.wait, &clock))
        .exit(Exit::Unavailable)
}

/// The files' own mistakes come to light before anything is started for them.
fn read(directory: &Path) -> Result<Vec<sql::Definition>, Failure> {
    if !directory.is_dir() {
        let error = anyhow::anyhow!(
            "there is no directory {}; name the one with the SQL files",
            directory.display()
        );
        return Err(Failure(Exit::NoInput, error));
    }
    sql::read(directory).map_err(|error| match error.is::<Findings>() {
        true => Failure(Exit::BadFile, error),
        false => Failure(Exit::NoInput, error),
    })
}

/// Wrong files, or no database to check them against.
fn classify(error: anyhow::Error) -> Failure {
    match error.is::<Findings>() || error.is::<Conflict>() || error.is::<BadSchema>() {
        true => Failure(Exit::BadFile, error),
        false => Failure(Exit::Unavailable, error),
    }
}

fn failure(error: process::Error) -> Failure {
    match error {
        process::Error::Bind(error) => Failure(Exit::CannotListen, error),
        process::Error::System(error) => Failure(Exit::System, error.into()),
    }
}

trait OrExit<T> {
    /// The exit code that an error here means.
    fn exit(self, exit: Exit) -> Result<T, Failure>;
}

impl<T, E: Into<anyhow::Error>> OrExit<T> for Result<T, E> {
    fn exit(self, exit: Exit) -> Result<T, Failure> {
        self.map_err(|error| Failure(exit, error.into()))
    }
}
