//! `peppercorn bench`: the talk's experiments, rerun on this machine.
//!
//! A *server* (peppercorn in some layout, or another program) is asked for a *path* over so many *connections*: that is a
//! *cell*, and each cell is measured in a *run* per *round*.
//!
//! | module | what it is |
//! |---|---|
//! | `plan`, `layout`, `pin`, `paths` | what is to be measured, in which order, where |
//! | [`machine`] | what it is measured on, and what may spoil it |
//! | [`experiment`] | the runs, one after the other |
//! | [`server`], [`processes`] | a server's start and end; what the kernel says it used |
//! | [`load`] | wrk, and what it says |
//! | [`results`], `files` | all that was measured, raw: `results.json`; where it is written |
//! | [`statistics`], [`analysis`], [`verdict`], [`advice`] | what it comes to |
//! | [`table`], [`report`], `tell`, [`text`] | how it is told |
//! | [`progress`], [`stop`] | how far it is; Ctrl-C |
//! | `sample` | results for tests |

pub mod advice;
pub mod analysis;
pub mod experiment;
mod files;
pub mod layout;
pub mod load;
pub mod machine;
pub mod paths;
pub mod pin;
pub mod plan;
pub mod processes;
pub mod progress;
pub mod report;
pub mod results;
#[cfg(test)]
mod sample;
pub mod server;
pub mod statistics;
pub mod stop;
pub mod table;
mod tell;
pub mod text;
pub mod verdict;

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::Context;

use crate::observe::rfc3339;
use crate::pg::{self, connect};
use crate::runtime::Clock;
use crate::sql::Definition;
use experiment::Experiment;
pub use files::Files;
use layout::Layout;
use machine::Machine;
use paths::{Candidates, PING};
use pin::Pin;
use plan::{Kind, Plan, Server};
use results::{FORMAT, Results};
use server::Starter;
use stop::{Interrupted, Stop};
use tell::{conclusion, introduction};

/// What is to be measured, as far as it is said.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The SQL files' directory; empty where they are in the program.
    pub directory: PathBuf,
    /// What to ask for; chosen if nothing is named.
    pub paths: Vec<paths::Named>,
    /// peppercorn's own, at least one.
    pub layouts: Vec<Layout>,
    /// Other servers.
    pub others: Vec<Server>,
    /// How many connections, at least one number.
    pub connections: Vec<usize>,
    /// Runs of each cell.
    pub rounds: usize,
    /// Of each run, in whole seconds.
    pub duration: Duration,
    /// Before each run.
    pub settle: Duration,
    /// Who runs where.
    pub pin: Pin,
}

/// What is to be done.
#[derive(Clone, Debug)]
pub enum Task {
    /// A plan is made and measured.
    New(Settings),
    /// What is missing of an earlier bench is measured.
    Resume(Box<Results>),
}

impl Task {
    /// The directory that peppercorn serves.
    pub fn directory(&self) -> &Path {
        match self {
            Task::New(settings) => &settings.directory,
            Task::Resume(results) => Path::new(&results.plan.directory),
        }
    }
}

/// What a bench needs beside its task.
pub struct Surroundings<'a> {
    /// Where results go.
    pub files: Files,
    /// The directory's endpoints.
    pub definitions: &'a [Definition],
    /// The database.
    pub database: &'a pg::Config,
    /// Its URL for servers, where it is not in our own environment.
    pub database_url: Option<String>,
    /// For deadlines.
    pub clock: &'a Clock,
    /// Tells the user what is going on.
    pub say: &'a dyn Fn(&str),
}

/// Measures what is asked for, and tells of it: on standard output, in `results.json` and in `report.html`. True if all of it
/// was measured, false if it was interrupted.
///
/// # Errors
/// A server does not start or answer, wrk is missing, files cannot be written. What was measured until then is kept.
pub fn run(task: Task, surroundings: &Surroundings<'_>) -> anyhow::Result<bool> {
    let stop = Stop::on_signals()?;
    let files = &surroundings.files;
    let done = files
        .prepare()
        .and_then(|()| measure(task, surroundings, &stop));
    files.clear();
    match done {
        Err(error) if error.is::<Interrupted>() => Ok(false),
        done => done.map(|()| true),
    }
}

fn measure(task: Task, surroundings: &Surroundings<'_>, stop: &Stop) -> anyhow::Result<()> {
    let Surroundings { files, say, .. } = surroundings;
    let mut results = match task {
        Task::Resume(results) => surroundings.resume(*results)?,
        Task::New(settings) => surroundings.begin(settings, stop)?,
    };
    let plan = results.plan.clone();
    say(&introduction(&results));
    let experiment = Experiment {
        starter: surroundings.starter(&plan, stop),
    };
    if results.runs.is_empty() {
        let differences = experiment.check()?;
        for difference in &differences {
            say(&format!("warning: {difference}\n"));
        }
        results.warnings.extend(differences);
    }
    let measured = experiment.run(&mut results);
    // Whatever has ended it.
    files.write_all(&results)?;
    say(&conclusion(&results, files));
    measured
}

impl Surroundings<'_> {
    /// Results of nothing yet.
    fn begin(&self, settings: Settings, stop: &Stop) -> anyhow::Result<Results> {
        let machine = self.machine(&settings.directory)?;
        let mut plan = plan(settings);
        let warnings = machine.warnings(&plan);
        if plan.paths.is_empty() {
            plan.paths.push(paths::Named::from(PING.to_owned()));
            let chosen = {
                let running = self.starter(&plan, stop).start(&plan.servers[0])?;
                Candidates::of(self.definitions).answered_by(&running)
            };
            plan.paths
                .extend(chosen.into_iter().map(paths::Named::from));
        }
        Ok(Results {
            format: FORMAT,
            began: rfc3339(SystemTime::now()),
            peppercorn: env!("CARGO_PKG_VERSION").to_owned(),
            machine,
            warnings,
            plan,
            runs: Vec::new(),
        })
    }

    /// Those of an earlier bench.
    fn resume(&self, mut results: Results) -> anyhow::Result<Results> {
        let machine = self.machine(Path::new(&results.plan.directory))?;
        let warning = "not all runs were made under the same circumstances: the machine, its programs or their settings \
                       have changed";
        if results.machine != machine && !results.warnings.iter().any(|said| said == warning) {
            results.warnings.push(warning.to_owned());
        }
        Ok(results)
    }

    fn machine(&self, directory: &Path) -> anyhow::Result<Machine> {
        let opened = async_io::block_on(connect::connect(self.database, self.clock))?;
        // PostgreSQL says it to whoever connects.
        let version = opened.driver.parameter("server_version");
        let version = version.context("PostgreSQL does not say its version")?;
        Machine::look(directory, version.to_owned())
    }

    fn starter<'a>(&'a self, plan: &'a Plan, stop: &'a Stop) -> Starter<'a> {
        Starter {
            plan,
            files: &self.files,
            database_url: self.database_url.as_deref(),
            clock: self.clock,
            stop,
        }
    }
}

/// The plan of these settings, without paths where none is named.
fn plan(settings: Settings) -> Plan {
    let layouts = settings.layouts.iter().map(|layout| Server {
        name: layout.to_string(),
        kind: Kind::Layout(*layout),
    });
    Plan {
        directory: settings.directory.display().to_string(),
        servers: layouts.chain(settings.others).collect(),
        paths: settings.paths,
        connections: settings.connections,
        rounds: settings.rounds,
        duration_s: settings.duration.as_secs(),
        settle_ms: settings.settle.as_millis() as u64,
        wrk_threads: wrk_threads(&settings.pin),
        pin: settings.pin,
        seed: fastrand::u64(..),
    }
}

/// One for each of its processors, or for half of all: the others are the server's, and PostgreSQL's.
fn wrk_threads(pin: &Pin) -> usize {
    match pin.client.len() {
        0 => machine::processors().div_ceil(2),
        own => own,
    }
}
