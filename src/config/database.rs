//! Which database: the one that is given, with the standby that reads may go to, or a private one.

use std::path::PathBuf;

use anyhow::{Context, bail};

use super::credential;
use super::lookup::Lookup;
use crate::pg::settings;
use crate::pg::{Cluster, Config};
use crate::runtime::Clock;
use crate::sql::FileSource;

/// Where what only reads is asked, if that is somewhere else.
const READ_DATABASE_URL: &str = "PEPPERCORN_READ_DATABASE_URL";

/// Which database.
#[derive(Clone, Debug)]
pub enum DatabaseSource {
    /// One that runs elsewhere.
    Given(Box<Config>),
    /// A private one in this directory.
    Private(PathBuf),
}

impl DatabaseSource {
    /// How to connect to it. A private one is started for that, and filled by the `schema.sql` of `files` when it is new; it
    /// runs until it is [stopped](Cluster::stop).
    ///
    /// # Errors
    /// As [`Cluster::start`].
    pub fn open(
        &self,
        files: &FileSource,
        clock: &Clock,
    ) -> anyhow::Result<(Config, Option<Cluster>)> {
        match self {
            DatabaseSource::Given(_) => Ok((self.running(), None)),
            DatabaseSource::Private(state) => {
                let cluster = Cluster::start(state, files.schema()?, clock)?;
                Ok((cluster.config(), Some(cluster)))
            }
        }
    }

    /// The address of a private one, for other programs; what is given elsewhere they find themselves.
    pub fn url(&self) -> Option<String> {
        match self {
            DatabaseSource::Given(_) => None,
            DatabaseSource::Private(state) => Some(Cluster::url_in(state)),
        }
    }

    /// How to connect to it while it runs, whoever has started it.
    pub fn running(&self) -> Config {
        match self {
            DatabaseSource::Given(config) => (**config).clone(),
            DatabaseSource::Private(state) => Cluster::config_in(state),
        }
    }
}

impl Lookup<'_> {
    pub(super) fn database(&self, files: &FileSource) -> anyhow::Result<DatabaseSource> {
        let url = self.url("DATABASE_URL", "database-url")?;
        let reading = self.url(READ_DATABASE_URL, "read-database-url")?;
        if url.is_none() && !settings::in_environment(self.variables) {
            if reading.is_some() {
                bail!("{READ_DATABASE_URL} without DATABASE_URL: there is nothing to write to");
            }
            return Ok(DatabaseSource::Private(self.state_directory(files)));
        }
        let config = settings::read(url.as_deref(), self.variables)?;
        let config = match reading {
            Some(reading) => {
                let reading = settings::read(Some(&reading), self.variables);
                config.reading_from(reading.context(READ_DATABASE_URL)?)
            }
            None => config,
        };
        let config = match self.flag("db-pooler")? {
            true => config.through_pooler(),
            false => config,
        };
        Ok(DatabaseSource::Given(Box::new(config)))
    }

    /// A URL that has a password in it: never an option, for everybody sees command lines.
    fn url(&self, name: &str, file: &str) -> anyhow::Result<Option<String>> {
        match self.variable(name) {
            Some(url) => Ok(Some(url)),
            None => credential(self.variables, file),
        }
    }

    /// Where the private cluster lives. What is named is used as it is; in the places by convention each SQL
    /// directory has its own, and each program that has its files in itself.
    fn state_directory(&self, files: &FileSource) -> PathBuf {
        if let Some(named) = self
            .text("state-dir")
            .or_else(|| self.variable("STATE_DIRECTORY"))
        {
            return named.into();
        }
        let home = || {
            self.variable("HOME")
                .map(|home| PathBuf::from(home).join(".local/state"))
        };
        let base = match self.variable("XDG_STATE_HOME") {
            Some(state) => PathBuf::from(state),
            // The home of root is closed to the user that PostgreSQL runs as.
            None if rustix::process::geteuid().is_root() => "/var/lib".into(),
            None => home().unwrap_or_else(|| "/var/tmp".into()),
        };
        base.join("peppercorn").join(own_name(files))
    }
}

/// A name and a digest of its path: `exchange-1b2c3d4e`.
fn own_name(files: &FileSource) -> String {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let path = files.path();
    let mut hasher = DefaultHasher::new();
    path.hash(&mut hasher);
    let name = path
        .file_name()
        .map_or("root".into(), |name| name.to_string_lossy());
    format!("{name}-{:08x}", hasher.finish() as u32)
}
