//! The private cluster: a PostgreSQL of our own for whoever has not set one up.
//!
//! It lives in a state directory, listens on a UNIX socket there and nowhere else, and runs as our child:
//!
//! ```text
//! STATE/lock      held with flock(2) by the server that uses the directory
//! STATE/data      the cluster, made by initdb
//! STATE/run       the socket's directory, closed to other users
//! STATE/schema    which schema.sql was applied: a digest of its text
//! STATE/log       what PostgreSQL reports
//! ```
//!
//! PostgreSQL refuses to run as root, so under root it runs as the user `postgres`. Killed with SIGKILL, we take it
//! with us (the kernel sends it SIGINT, its fast shutdown); should it survive all the same, the next start stops it.

mod install;
mod programs;
mod state;
mod user;

use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use rustix::process::{Pid, PidfdFlags, Signal};

use install::Install;
use programs::{initdb, signal, spawn, wait};
use user::User;

pub use state::InUse;

use super::config::Config;
use super::connect::{self, Opened};
use crate::observe::{self, Event};
use crate::runtime::Clock;

/// The database inside the cluster, and the role that owns it.
const NAME: &str = "peppercorn";
/// The socket's directory in the state directory.
const RUN: &str = "run";
/// For the server to answer after its start: recovery after a crash is part of it.
const START_LIMIT: Duration = Duration::from_secs(60);
/// For a fast shutdown, before it is killed: it writes out what is in memory.
const STOP_LIMIT: Duration = Duration::from_secs(60);
/// Between looks at whether it is there, or gone.
const POLL: Duration = Duration::from_millis(10);
/// A running private cluster. Stops with [`Cluster::stop`], or less gently when dropped.
pub struct Cluster {
    directory: PathBuf,
    postgres: Option<Child>,
    /// Locked for as long as the cluster is ours.
    lock: File,
}

impl Cluster {
    /// Starts the cluster in `directory`, making it first if there is none. `schema` is applied to a new one, in
    /// one transaction.
    ///
    /// Must be called on a thread that lives as long as the process: the cluster ends with that thread.
    ///
    /// # Errors
    /// PostgreSQL is not installed, or too old; the directory cannot be used, or is in use ([`InUse`]); the schema has an error.
    pub fn start(
        directory: &Path,
        schema: Option<(PathBuf, String)>,
        clock: &Clock,
    ) -> anyhow::Result<Cluster> {
        let install = Install::find()?;
        let user = User::for_postgres()?;
        let directory = state::prepare(directory, user.as_ref())?;
        let lock = state::lock(&directory)?;
        let data = directory.join("data");
        state::stop_orphan(&directory)?;
        let new = !data.join("PG_VERSION").exists();
        if new {
            initdb(&install, &data, user.as_ref())?;
        }
        install.check_version(&data)?;
        let postgres = spawn(&install, &directory, user.as_ref())?;
        let mut cluster = Cluster {
            directory,
            postgres: Some(postgres),
            lock,
        };
        observe::emit(&Event::Cluster {
            directory: cluster.directory.display().to_string(),
            new,
        });
        async_io::block_on(async {
            cluster.wait_until_it_answers(clock).await?;
            cluster.apply_schema(schema, clock).await
        })?;
        Ok(cluster)
    }

    /// How to connect to it.
    pub fn config(&self) -> Config {
        Cluster::config_in(&self.directory)
    }

    /// How to connect to the cluster in a state directory, whoever runs it.
    pub fn config_in(directory: &Path) -> Config {
        let mut config = Config::new();
        config
            .host_path(directory.join(RUN))
            .user(NAME)
            .dbname(NAME)
            .application_name(NAME);
        config
    }

    /// Its address for libpq's programs: `psql "$URL"`.
    pub fn url(&self) -> String {
        Cluster::url_in(&self.directory)
    }

    /// The address of the cluster in a state directory, whoever runs it.
    pub fn url_in(directory: &Path) -> String {
        let directory = directory.join(RUN).display().to_string();
        let escaped = directory
            .replace('%', "%25")
            .replace('/', "%2F")
            .replace(' ', "%20");
        format!("postgres://{NAME}@{escaped}/{NAME}")
    }

    /// Stops it: connections are ended, data is written out.
    ///
    /// # Errors
    /// When it had to be killed, or ended with an error.
    pub fn stop(mut self) -> anyhow::Result<()> {
        let Some(mut postgres) = self.postgres.take() else {
            return Ok(());
        };
        signal(postgres.id(), Signal::INT);
        match wait(&mut postgres, STOP_LIMIT)? {
            Some(status) if status.success() => Ok(()),
            Some(status) => bail!(
                "the private PostgreSQL ended with {status}; see {}",
                self.log_path().display()
            ),
            None => {
                postgres.kill()?;
                postgres.wait()?;
                bail!(
                    "the private PostgreSQL did not stop within {} s and was killed",
                    STOP_LIMIT.as_secs()
                )
            }
        }
    }

    /// A descriptor that has something to read once PostgreSQL has ended.
    ///
    /// # Errors
    /// The system has no descriptor left.
    pub fn watch(&self) -> std::io::Result<OwnedFd> {
        let pid = self.postgres.as_ref().map(Child::id).unwrap_or_default();
        let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
        let pid = pid.ok_or(std::io::ErrorKind::NotFound)?;
        Ok(rustix::process::pidfd_open(pid, PidfdFlags::empty())?)
    }

    /// Where PostgreSQL reports.
    pub fn log_path(&self) -> PathBuf {
        self.directory.join("log")
    }

    /// Connects to the maintenance database, which is there from the start.
    async fn maintenance(&self, clock: &Clock) -> anyhow::Result<Opened> {
        let mut config = self.config();
        config.dbname("postgres");
        connect::connect(&config, clock).await
    }

    async fn wait_until_it_answers(&mut self, clock: &Clock) -> anyhow::Result<()> {
        let begin = Instant::now();
        loop {
            let error = match self.maintenance(clock).await {
                Ok(_) => return Ok(()),
                Err(error) => error,
            };
            if let Some(postgres) = &mut self.postgres
                && let Some(status) = postgres.try_wait()?
            {
                self.postgres = None;
                bail!(
                    "the private PostgreSQL ended with {status}:\n{}",
                    tail(&self.log_path())
                );
            }
            if begin.elapsed() > START_LIMIT {
                return Err(error.context("the private PostgreSQL does not answer"));
            }
            sleep(POLL);
        }
    }

    /// Makes the database and fills it, unless that was done before.
    async fn apply_schema(
        &self,
        schema: Option<(PathBuf, String)>,
        clock: &Clock,
    ) -> anyhow::Result<()> {
        let (path, text) = match schema {
            Some((path, text)) => (Some(path), text),
            None => (None, String::new()),
        };
        let mark = schema_mark(&text);
        let mark_path = self.directory.join("schema");
        if let Ok(applied) = fs::read_to_string(&mark_path) {
            if let (true, Some(path)) = (applied != mark, &path) {
                let (file, directory) = (
                    path.display().to_string(),
                    self.directory.display().to_string(),
                );
                observe::emit(&Event::SchemaChanged { file, directory });
            }
            return Ok(());
        }
        // Without the mark an earlier attempt may have stopped half way: begin with an empty database.
        let recreate = [
            format!("drop database if exists {NAME}"),
            format!("create database {NAME}"),
        ];
        for statement in &recreate {
            execute(self.maintenance(clock).await?, statement).await?;
        }
        if let Some(path) = &path {
            let applied = execute(connect::connect(&self.config(), clock).await?, &text).await;
            applied.map_err(|error| BadSchema(at_position(path, &text, &error)))?;
        }
        fs::write(&mark_path, mark).with_context(|| format!("cannot write {}", mark_path.display()))
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Some(mut postgres) = self.postgres.take() {
            // Immediate shutdown: nothing is lost, the next start recovers from the write-ahead log.
            signal(postgres.id(), Signal::QUIT);
            let _status = postgres.wait();
        }
        // Not only closed: a process that is being started at this moment has the file, too, until it is another program.
        let _free = self.lock.unlock();
    }
}

/// `schema.sql` has an error: its place, and what PostgreSQL says.
#[derive(Debug)]
pub struct BadSchema(String);

impl std::fmt::Display for BadSchema {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BadSchema {}

/// Runs statements by the simple protocol: several in one string are one transaction.
async fn execute(opened: Opened, sql: &str) -> Result<(), tokio_postgres::Error> {
    let Opened { client, driver, .. } = opened;
    futures_lite::future::or(client.batch_execute(sql), async {
        driver.await?;
        Ok(())
    })
    .await
}

fn at_position(path: &Path, text: &str, error: &tokio_postgres::Error) -> String {
    use tokio_postgres::error::ErrorPosition;
    let Some(db) = error.as_db_error() else {
        return format!("{}: {error}", path.display());
    };
    let place = match db.position() {
        // PostgreSQL counts characters from 1.
        Some(ErrorPosition::Original(position)) => {
            let before: String = text.chars().take(*position as usize - 1).collect();
            let line = before.matches('\n').count() + 1;
            let column = before
                .chars()
                .rev()
                .take_while(|character| *character != '\n')
                .count()
                + 1;
            format!(":{line}:{column}")
        }
        _ => String::new(),
    };
    let detail = db
        .detail()
        .map(|detail| format!(" ({detail})"))
        .unwrap_or_default();
    format!("{}{place}: {}{detail}", path.display(), db.message())
}

/// What is noted of an applied schema, to notice that the file is another one now.
fn schema_mark(text: &str) -> String {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    format!("{:016x}\n", hasher.finish())
}

/// The last lines of PostgreSQL's log.
fn tail(log: &Path) -> String {
    let text = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(5)..].join("\n")
}
