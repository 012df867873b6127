//! The commands: read top to bottom, this is the program.

mod exit;

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use peppercorn::App;
use peppercorn::app::Conflict;
use peppercorn::auth::Verifier;
#[cfg(feature = "bench")]
use peppercorn::bench;
use peppercorn::cli::{self, Args, Command, Parsed};
use peppercorn::config::{self, Check, DatabaseSource, OpenApi, Ping, Serve, Status};
use peppercorn::observe::{self, Logger};
use peppercorn::openapi::difference;
use peppercorn::panics;
use peppercorn::pg::cluster::{BadSchema, InUse};
use peppercorn::pg::{self, Cluster};
use peppercorn::process::{self, Keeper, Place, Reporter, Role, Worker};
use peppercorn::runtime::Clock;
use peppercorn::sql::shown::Format;
use peppercorn::sql::{self, Files, Finding, Findings, lockfile};

use exit::{Exit, Failure, OrExit, classify, failure, unreadable};

fn main() -> ExitCode {
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
        Ok(Parsed::Run(args)) => run(&args),
        Ok(Parsed::Print(text)) => say(&text),
        Err(message) => Err(anyhow::anyhow!(message)).exit(Exit::Usage),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure(code, None)) => ExitCode::from(code),
        Err(Failure(code, Some(error))) => {
            // A finding begins with its place, where editors and other tools look for it.
            let placed =
                error.is::<Findings>() || error.is::<Conflict>() || error.is::<BadSchema>();
            let text = match placed {
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

fn run(args: &Args) -> Result<(), Failure> {
    match args.command {
        Command::Serve => {
            // First: what is wrong with the other settings is said like that, too.
            observe::write_as(config::log_format(args, &variable).exit(Exit::Config)?);
            serve(args, &Serve::resolve(args, &variable).exit(Exit::Config)?)
        }
        Command::Check => check(&Check::resolve(args, &variable).exit(Exit::Config)?),
        Command::OpenApi => openapi(&OpenApi::resolve(args, &variable).exit(Exit::Config)?),
        Command::Ping => ping(&Ping::resolve(args, &variable).exit(Exit::Config)?),
        Command::Status => status(&Status::resolve(args, &variable).exit(Exit::Config)?),
        Command::Bench => measure(args),
    }
}

/// As for libpq, a variable that is set to nothing is not set.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn serve(args: &Args, config: &Serve) -> Result<(), Failure> {
    match Role::of_this_process(config).map_err(failure)? {
        Role::Alone => {
            let folder = folder(config).map_err(unreadable)?;
            let place = Place::alone(config).map_err(failure)?;
            work(args, config, folder, place)
        }
        Role::Worker(place) => {
            observe::sign(place.slot());
            let mut folder = place.files().and_then(sql::define).map_err(classify)?;
            if place.takes_over() {
                folder.lock = None;
            }
            work(args, config, Some(folder), place)
        }
        Role::Keeper(keeper) => keep(config, keeper),
        Role::Reporter(reporter) => report(config, reporter),
        Role::Supervisor(supervisor) => supervisor.run().map_err(failure),
    }
}

/// What has to be served; nothing where files are edited, and what can be is.
fn folder(config: &Serve) -> anyhow::Result<Option<sql::Folder>> {
    let files = Files::read(&config.directory)?;
    (!config.reload).then(|| sql::define(files)).transpose()
}

fn work(
    args: &Args,
    config: &Serve,
    folder: Option<sql::Folder>,
    place: Place,
) -> Result<(), Failure> {
    let verifier = config.auth.verifier().exit(Exit::Config)?;
    let clock = Clock::start().exit(Exit::System)?;
    let opened = match &config.database {
        // The supervisor's keeper has started it.
        database @ DatabaseSource::Private(_) if place.is_supervised() => {
            Ok((database.running(), None))
        }
        database => database.open(&config.directory, &clock),
    };
    let (settings, cluster) = opened.map_err(classify)?;
    let again = {
        let (args, clock) = (args.clone(), clock.clone());
        async move || read_again(&args, &clock).await
    };
    let worker = Worker::new(config, place, &clock).map_err(failure)?;
    let worker = worker.reload_with(again);
    let app = async_io::block_on(build(config, folder, verifier, &settings, &clock));
    let app = app.map_err(classify);
    let served = app.and_then(|app| worker.run(app, &settings).map_err(failure));
    let stopped = cluster.map_or(Ok(()), Cluster::stop).exit(Exit::Internal);
    served.and(stopped)
}

/// What a worker on its own serves after a HUP: the command line and the environment are what they were, the files that
/// they name need not be.
async fn read_again(args: &Args, clock: &Clock) -> anyhow::Result<(App, pg::Config)> {
    let config = Serve::resolve(args, &variable)?;
    let settings = config.database.running();
    // What serves is better than what the database has not been asked about.
    let unlocked = |folder| sql::Folder {
        lock: None,
        ..folder
    };
    let folder = folder(&config)?.map(unlocked);
    let verifier = config.auth.verifier()?;
    let app = build(&config, folder, verifier, &settings, clock).await?;
    Ok((app, settings))
}

/// The application: endpoints, and the document of them.
async fn build(
    config: &Serve,
    folder: Option<sql::Folder>,
    verifier: Option<Verifier>,
    settings: &pg::Config,
    clock: &Clock,
) -> anyhow::Result<App> {
    let app = App::new().authenticate(verifier);
    let app = match folder {
        Some(folder) => app.sql(folder, settings, clock).await?,
        None => app.draft_dir(&config.directory, settings, clock).await?,
    };
    let document = app.openapi(&config::title(&config.directory));
    app.document(document, config.docs)
}

fn keep(config: &Serve, keeper: Keeper) -> Result<(), Failure> {
    let DatabaseSource::Private(directory) = &config.database else {
        return Err(anyhow::anyhow!("there is no private cluster to keep")).exit(Exit::Internal);
    };
    let clock = Clock::start().exit(Exit::System)?;
    let start = || {
        Cluster::start(
            directory,
            config::schema(&config.directory).as_deref(),
            &clock,
        )
    };
    keeper.run(start).map_err(classify)
}

fn report(config: &Serve, reporter: Reporter) -> Result<(), Failure> {
    let Some(settings) = &config.sentry else {
        return Err(anyhow::anyhow!("there is no Sentry to report to")).exit(Exit::Internal);
    };
    reporter.run(settings).exit(Exit::System)
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

fn check(config: &Check) -> Result<(), Failure> {
    let files = Files::read(&config.directory).map_err(unreadable)?;
    let verifier = config.auth.verifier().exit(Exit::Config)?;
    let clock = Clock::start().exit(Exit::System)?;
    // What is wrong with the files by themselves is said without a database, too.
    let by_themselves = |failure| match sql::define(files.clone()) {
        Err(findings) => unreadable(findings),
        Ok(_) => failure,
    };
    let opened = open(&config.database, &config.directory, &clock);
    let (settings, cluster) = opened.map_err(by_themselves)?;
    let reviewed = sql::review(files.clone(), &settings, verifier.is_some(), &clock);
    let reviewed = async_io::block_on(reviewed).map_err(classify);
    let stopped = cluster.map_or(Ok(()), Cluster::stop).exit(Exit::Internal);
    let mut review = reviewed.map_err(by_themselves)?;
    stopped?;
    if config.lock && review.broken.is_empty() {
        let path = config.directory.join(lockfile::NAME);
        let written = std::fs::write(&path, review.lock());
        let context = || format!("cannot write {}", path.display());
        written.with_context(context).exit(Exit::System)?;
        // What differed from the one that was there does so no more.
        review.findings.retain(|finding| finding.path() != path);
    }
    let (wrong, count) = (review.has_errors(), review.folder.definitions.len());
    if wrong && config.format == Format::Text {
        // First things first.
        review.findings.retain(Finding::is_error);
    }
    let shown = sql::shown(&review.findings, config.format);
    match config.format {
        Format::Text => observe::last_words(shown.trim_end()),
        Format::Json | Format::Github => say(&shown)?,
    }
    if wrong {
        return Err(Failure(Exit::BadFile as u8, None));
    }
    // All that `serve` would do before it listens: routes of the server's own are taken here too.
    let doubts = review.findings.len();
    App::new()
        .authenticate(verifier)
        .endpoints(review.folder.definitions, review.described)
        .map_err(classify)?;
    if config.format != Format::Text {
        return Ok(());
    }
    let endpoints = counted(count, "endpoint");
    match doubts {
        0 => say(&format!("{endpoints}, nothing wrong\n")),
        _ => say(&format!("{endpoints}, {}\n", counted(doubts, "warning"))),
    }
}

/// `1 endpoint`, `2 endpoints`
fn counted(count: usize, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        _ => format!("{count} {what}s"),
    }
}

fn openapi(config: &OpenApi) -> Result<(), Failure> {
    let folder = read(&config.directory)?;
    let app = App::new().authenticate(config.auth.verifier().exit(Exit::Config)?);
    let clock = Clock::start().exit(Exit::System)?;
    let (settings, cluster) = open(&config.database, &config.directory, &clock)?;
    let app = async_io::block_on(app.sql(folder, &settings, &clock)).map_err(classify);
    let stopped = cluster.map_or(Ok(()), Cluster::stop).exit(Exit::Internal);
    let document = app?.openapi(&config::title(&config.directory));
    stopped?;
    match &config.against {
        None => say(&String::from_utf8_lossy(&document)),
        Some(path) => compare(path, &document),
    }
}

/// Says how `document` differs from the one in the file.
fn compare(path: &Path, document: &[u8]) -> Result<(), Failure> {
    let context = || format!("cannot read {}", path.display());
    let before = std::fs::read(path)
        .with_context(context)
        .exit(Exit::NoInput)?;
    let before = serde_json::from_slice(&before);
    let before = before.with_context(|| format!("{} is not JSON", path.display()));
    let after = serde_json::from_slice(document).exit(Exit::Internal)?;
    let differences = difference(&before.exit(Exit::BadFile)?, &after);
    if differences.is_empty() {
        return Ok(());
    }
    say(&(differences.join("\n") + "\n"))?;
    let message = format!("the API is not what {} says", path.display());
    Err(anyhow::anyhow!(message)).exit(Exit::Different)
}

#[cfg(not(feature = "bench"))]
fn measure(_: &Args) -> Result<(), Failure> {
    let message = "this program was built without the feature bench";
    Err(anyhow::anyhow!(message)).exit(Exit::Unavailable)
}

#[cfg(feature = "bench")]
fn measure(args: &Args) -> Result<(), Failure> {
    let config = config::Bench::resolve(args, &variable).exit(Exit::Config)?;
    let directory = config.task.directory().to_owned();
    let definitions = read(&directory)?.definitions;
    let clock = Clock::start().exit(Exit::System)?;
    let resumes = matches!(config.task, bench::Task::Resume(_));
    let files = bench::Files::in_directory(&config.output, resumes).exit(Exit::System)?;
    let (settings, cluster) = open(&config.database, &directory, &clock)?;
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

/// The database, started if it is a private one that nobody else has started.
fn open(
    database: &DatabaseSource,
    directory: &Path,
    clock: &Clock,
) -> Result<(pg::Config, Option<Cluster>), Failure> {
    match database.open(directory, clock) {
        // The server that uses the directory has the database that is meant.
        Err(error) if error.is::<InUse>() => Ok((database.running(), None)),
        opened => opened.map_err(classify),
    }
}

fn ping(config: &Ping) -> Result<(), Failure> {
    let clock = Clock::start().exit(Exit::System)?;
    // A panic of the HTTP client is reported as what it means, a wrong answer: once, and in one line.
    std::panic::set_hook(Box::new(|_| {}));
    async_io::block_on(peppercorn::ping::ping(&config.url, config.wait, &clock))
        .exit(Exit::Unavailable)
}

/// The files' own mistakes come to light before anything is started for them.
fn read(directory: &Path) -> Result<sql::Folder, Failure> {
    sql::read(directory).map_err(unreadable)
}
