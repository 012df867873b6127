//! The settings of `serve`.

use std::time::Duration;

use super::lookup::{Lookup, number};
use super::{Auth, DatabaseSource, credential, files};
use crate::app::Cors;
use crate::cli::Args;
use crate::environment::Variables;
use crate::http::Proxies;
use crate::runtime::{ExecutorKind, Layout};
use crate::sentry;
use crate::server::{Address, Settings};
use crate::sql::FileSource;
use crate::units::{duration, size};

/// Workers at most: each has a place in the scoreboard, and another while it is replaced.
pub const MOST_WORKERS: usize = 100;
/// Executor threads of a worker at most, for the same reason.
const MOST_THREADS: usize = 64;
/// The shortest stall that can be told from none.
const SHORTEST_STALL: Duration = Duration::from_millis(10);

/// The settings of `serve`.
#[derive(Clone, Debug)]
pub struct Serve {
    /// The SQL files.
    pub files: FileSource,
    /// Where to listen.
    pub bind: Vec<Address>,
    /// Where to listen for operators.
    pub admin: Vec<Address>,
    /// Worker processes.
    pub workers: usize,
    /// Whether files are read again when they are edited, and what is wrong with one does not keep the others from being
    /// served.
    pub reload: bool,
    /// Whether a supervisor has them. More than one, and one that is to be replaced, have one.
    pub supervise: bool,
    /// How connections are spread.
    pub accept: Accept,
    /// Threads and executor of each worker.
    pub layout: Layout,
    /// Limits of the server; `connections` as asked for, or 0 for what the descriptor limit leaves.
    pub settings: Settings,
    /// What holds an executor thread up for longer is reported; zero: nothing is.
    pub stall_threshold: Duration,
    /// For requests in flight when stopping.
    pub graceful: Duration,
    /// Before that, for load balancers to notice that it stops.
    pub drain_delay: Duration,
    /// Requests after which a worker is replaced; 0: never.
    pub max_requests: u64,
    /// At most so many more, at random, so that not all workers are replaced at once.
    pub max_requests_jitter: u64,
    /// Connections of each worker to PostgreSQL, at most, for reading and again for writing.
    pub db_connections: usize,
    /// Queries that take longer are in the log; zero: none is.
    pub slow_query: Duration,
    /// Whether PostgreSQL is told each request's id.
    pub db_request_id: bool,
    /// Whether there is a page that shows the API.
    pub docs: bool,
    /// Whose tokens are taken.
    pub auth: Auth,
    /// The database.
    pub database: DatabaseSource,
    /// Where failures are reported to, beside the log.
    pub sentry: Option<sentry::Settings>,
}

/// How the connections to a TCP address are spread over executors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accept {
    /// A socket for each executor of each slot: the kernel deals connections out evenly, whoever is busy.
    Slots,
    /// One socket for all: who is idle takes the next connection.
    Shared,
}

impl Serve {
    /// Resolves the command line of `serve`. `usual`: the files where it names no directory.
    ///
    /// # Errors
    /// Which option or variable has a value that it cannot have.
    pub fn resolve(
        args: &Args,
        variables: Variables<'_>,
        usual: &FileSource,
    ) -> anyhow::Result<Serve> {
        let lookup = Lookup { args, variables };
        let files = files(args, usual);
        let threads = lookup.number("threads", 1..=MOST_THREADS)?;
        let executor = [
            ("local", ExecutorKind::Local),
            ("shared", ExecutorKind::Shared),
        ];
        let executor = lookup
            .one_of("executor", &executor)?
            .unwrap_or(ExecutorKind::usual(threads));
        let accept = [("slots", Accept::Slots), ("shared", Accept::Shared)];
        let accept = lookup.one_of("accept", &accept)?.unwrap_or(Accept::Slots);
        let workers = workers(&lookup)?;
        let max_requests = lookup.number("max-requests", 0..=usize::MAX)? as u64;
        let mut server = Settings {
            request: lookup.duration("timeout")?,
            keep_alive: lookup.duration("keep-alive")?,
            cors: Cors::of(lookup.list("cors-origin")?),
            proxies: proxies(&lookup)?,
            access_log: lookup.flag("access-log")?,
            connections: match lookup.text("max-connections") {
                Some(_) => lookup.number("max-connections", 1..=usize::MAX)?,
                None => 0,
            },
            ..Settings::default()
        };
        server.limits.body = lookup.parsed("max-body", size)?;
        let mut bind = lookup.list("bind")?;
        if bind.is_empty() {
            bind.push(default_address(&lookup)?);
        }
        let supervise = workers > 1 || max_requests > 0 || lookup.flag("supervise")?;
        let reload = lookup.flag_for("reload", &files)?;
        if reload && supervise {
            let option = lookup.origin("reload");
            anyhow::bail!(
                "{option} is for one worker without a supervisor, such as while files are written"
            );
        }
        Ok(Serve {
            bind,
            admin: lookup.list("admin-bind")?,
            workers,
            reload,
            supervise,
            accept,
            layout: Layout { threads, executor },
            settings: server,
            stall_threshold: stall_threshold(&lookup)?,
            graceful: lookup.duration("graceful-timeout")?,
            drain_delay: lookup.duration("drain-delay")?,
            max_requests,
            max_requests_jitter: lookup.number("max-requests-jitter", 0..=usize::MAX)? as u64,
            db_connections: lookup.number("db-connections", 1..=usize::MAX)?,
            slow_query: lookup.duration("slow-query")?,
            db_request_id: lookup.flag("db-request-id")?,
            docs: !lookup.flag("no-docs")?,
            auth: lookup.auth()?,
            database: lookup.database(&files)?,
            sentry: sentry::Settings::read(credential(variables, "sentry-dsn")?, variables)?,
            files,
        })
    }

    /// The request after which one worker asks to be replaced; 0: none. Another one at each call.
    pub fn last_request(&self) -> u64 {
        match self.max_requests {
            0 => 0,
            most => most.saturating_add(fastrand::u64(0..=self.max_requests_jitter)),
        }
    }
}

/// The clock that polls are timed with is exact to 10 ms at worst.
fn stall_threshold(lookup: &Lookup<'_>) -> anyhow::Result<Duration> {
    lookup.parsed("stall-threshold", |text| match duration(text)? {
        short if !short.is_zero() && short < SHORTEST_STALL => {
            let shortest = SHORTEST_STALL.as_millis();
            Err(format!(
                "{text:?} is shorter than {shortest} ms, and not 0s"
            ))
        }
        threshold => Ok(threshold),
    })
}

/// As gunicorn: WEB_CONCURRENCY stands in where nobody says.
fn workers(lookup: &Lookup<'_>) -> anyhow::Result<usize> {
    let range = 1..=MOST_WORKERS;
    match (lookup.text("workers"), lookup.variable("WEB_CONCURRENCY")) {
        (None, None) => Ok(1),
        (None, Some(text)) => {
            number(&text, &range).map_err(|error| anyhow::anyhow!("WEB_CONCURRENCY: {error}"))
        }
        (Some(_), _) => lookup.number("workers", range),
    }
}

/// As gunicorn: FORWARDED_ALLOW_IPS stands in where nobody says.
fn proxies(lookup: &Lookup<'_>) -> anyhow::Result<Proxies> {
    let name = "forwarded-allow-ips";
    match (lookup.text(name), lookup.variable("FORWARDED_ALLOW_IPS")) {
        (None, None) => Ok(Proxies::default()),
        (None, Some(text)) => {
            (text.parse()).map_err(|error| anyhow::anyhow!("FORWARDED_ALLOW_IPS: {error}"))
        }
        (Some(_), _) => lookup.parsed(name, str::parse),
    }
}

/// Where to listen when nobody says.
fn default_address(lookup: &Lookup<'_>) -> anyhow::Result<Address> {
    let text = match lookup.variable("PORT") {
        Some(port) => format!("0.0.0.0:{port}"),
        None => "127.0.0.1:8080".to_owned(),
    };
    text.parse()
        .map_err(|error: String| anyhow::anyhow!("PORT: {error}"))
}
