//! What was typed and what the environment says, resolved: flag, else environment, else credential file, else default.

mod auth;
#[cfg(feature = "bench")]
mod bench;
mod database;
mod lookup;
mod serve;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};

use crate::cli::Args;
use crate::environment::Variables;
use crate::observe;
use crate::sql::FileSource;
use crate::sql::shown::Format;

pub use crate::units::{duration, size};
pub use auth::Auth;
#[cfg(feature = "bench")]
pub use bench::Bench;
pub use database::DatabaseSource;
use lookup::Lookup;
pub use serve::{Accept, MOST_WORKERS, Serve};

/// Where a server answers when nobody says.
const PING_URL: &str = "http://127.0.0.1:8080/ping";

/// The settings of `check`.
#[derive(Debug)]
pub struct Check {
    /// The SQL files.
    pub files: FileSource,
    /// Whose tokens are taken.
    pub auth: Auth,
    /// The database.
    pub database: DatabaseSource,
    /// How findings are written.
    pub format: Format,
    /// Whether the lock file is written.
    pub lock: bool,
}

/// The settings of `openapi`.
#[derive(Debug)]
pub struct OpenApi {
    /// The SQL files.
    pub files: FileSource,
    /// Whose tokens are taken.
    pub auth: Auth,
    /// The database.
    pub database: DatabaseSource,
    /// The document to compare with.
    pub against: Option<PathBuf>,
}

/// The settings of `status`.
#[derive(Debug)]
pub struct Status {
    /// A process of the only service to tell of.
    pub process: Option<u32>,
    /// As JSON instead of a table.
    pub json: bool,
}

/// The settings of `ping`.
#[derive(Debug)]
pub struct Ping {
    /// What to ask.
    pub url: String,
    /// For the answer.
    pub wait: Duration,
}

impl Check {
    /// Resolves the command line of `check`.
    ///
    /// # Errors
    /// As [`Serve::resolve`].
    pub fn resolve(
        args: &Args,
        variables: Variables<'_>,
        usual: &FileSource,
    ) -> anyhow::Result<Check> {
        let lookup = Lookup { args, variables };
        let files = files(args, usual);
        let formats = [
            ("text", Format::Text),
            ("json", Format::Json),
            ("github", Format::Github),
        ];
        Ok(Check {
            auth: lookup.auth()?,
            database: lookup.database(&files)?,
            format: lookup.one_of("format", &formats)?.unwrap_or(Format::Text),
            lock: lookup.flag_for("lock", &files)?,
            files,
        })
    }
}

impl OpenApi {
    /// Resolves the command line of `openapi`.
    ///
    /// # Errors
    /// As [`Serve::resolve`].
    pub fn resolve(
        args: &Args,
        variables: Variables<'_>,
        usual: &FileSource,
    ) -> anyhow::Result<OpenApi> {
        let lookup = Lookup { args, variables };
        let files = files(args, usual);
        Ok(OpenApi {
            auth: lookup.auth()?,
            database: lookup.database(&files)?,
            against: lookup.text("against").map(PathBuf::from),
            files,
        })
    }
}

impl Status {
    /// Resolves the command line of `status`.
    ///
    /// # Errors
    /// As [`Serve::resolve`].
    pub fn resolve(args: &Args, variables: Variables<'_>) -> anyhow::Result<Status> {
        let process = args.operand.as_deref().map(str::parse).transpose();
        Ok(Status {
            process: process.context("the operand of status is a process id")?,
            json: Lookup { args, variables }.flag("json")?,
        })
    }
}

impl Ping {
    /// Resolves the command line of `ping`.
    ///
    /// # Errors
    /// As [`Serve::resolve`].
    pub fn resolve(args: &Args, variables: Variables<'_>) -> anyhow::Result<Ping> {
        let wait = Lookup { args, variables }.duration("wait")?;
        Ok(Ping {
            url: args.operand.clone().unwrap_or_else(|| PING_URL.into()),
            wait,
        })
    }
}

/// How `serve` writes its logs.
///
/// # Errors
/// It is to be neither text nor JSON.
pub fn log_format(args: &Args, variables: Variables<'_>) -> anyhow::Result<observe::Format> {
    let formats = [
        ("text", observe::Format::Text),
        ("json", observe::Format::Json),
    ];
    let format = Lookup { args, variables }.one_of("log-format", &formats)?;
    Ok(format.unwrap_or(observe::Format::Text))
}

/// The directory that is named, else the program's own files.
fn files(args: &Args, usual: &FileSource) -> FileSource {
    match &args.operand {
        Some(directory) => FileSource::Below(directory.into()),
        None => usual.clone(),
    }
}

impl Lookup<'_> {
    /// A flag that is for files in a directory.
    fn flag_for(&self, name: &str, files: &FileSource) -> anyhow::Result<bool> {
        let set = self.flag(name)?;
        if set && files.directory().is_none() {
            bail!("{} is for files in a directory", self.origin(name));
        }
        Ok(set)
    }
}

/// Where a file in systemd's credentials directory would be, if there is such a directory.
fn credential_file(variables: Variables<'_>, name: &str) -> Option<PathBuf> {
    let directory = variables("CREDENTIALS_DIRECTORY")?;
    Some(Path::new(&directory).join(name))
}

/// The text of a file in systemd's credentials directory, if it is there.
fn credential(variables: Variables<'_>, name: &str) -> anyhow::Result<Option<String>> {
    let Some(path) = credential_file(variables, name) else {
        return Ok(None);
    };
    match std::fs::read_to_string(&path) {
        // An empty one stands for none, as an empty variable does.
        Ok(text) => Ok(Some(text.trim().to_owned()).filter(|text| !text.is_empty())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => {
            Err(error).with_context(|| format!("cannot read the credential {}", path.display()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{self, Parsed};
    use crate::environment::only;
    use crate::runtime::{ExecutorKind, Layout};
    use crate::server::Address;

    fn serve(words: &str, variables: &[(&str, &str)]) -> anyhow::Result<Serve> {
        let words = words.split_whitespace().map(Into::into);
        let Ok(Parsed::Run(args)) = cli::parse(words) else {
            panic!("{variables:?}")
        };
        Serve::resolve(&args, &only(variables), &FileSource::Below("sql".into()))
    }

    #[test]
    fn a_flag_comes_before_a_variable_before_a_default() {
        let both = [
            ("PEPPERCORN_THREADS", "3"),
            ("PEPPERCORN_MAX_BODY", "2KiB"),
            ("PORT", "99"),
        ];
        let config = serve("serve --threads 2", &both).unwrap();
        assert_eq!(
            config.layout,
            Layout {
                threads: 2,
                executor: ExecutorKind::Shared
            }
        );
        assert_eq!(config.settings.limits.body, 2048);
        assert_eq!(config.bind, [Address::Tcp("0.0.0.0:99".into())]);
        let config = serve("serve", &[("PORT", ""), ("PEPPERCORN_EXECUTOR", "shared")]).unwrap();
        assert_eq!(
            config.layout,
            Layout {
                threads: 1,
                executor: ExecutorKind::Shared
            }
        );
        assert_eq!(config.bind, [Address::Tcp("127.0.0.1:8080".into())]);
    }

    #[test]
    fn docs_are_there_unless_somebody_says_no() {
        let docs = |words: &str, variable: &str| {
            let config = serve(words, &[("PEPPERCORN_NO_DOCS", variable)]);
            config.unwrap().docs
        };
        assert!(docs("serve", "") && docs("serve", "false"));
        assert!(!docs("serve --no-docs", "") && !docs("serve", "true"));
    }

    #[test]
    fn wrong_values_name_where_they_came_from() {
        for (words, variables, expected) in [
            ("serve --threads 0", [("A", "")], "--threads: \"0\""),
            (
                "serve",
                [("PEPPERCORN_TIMEOUT", "30")],
                "PEPPERCORN_TIMEOUT: \"30\" is not a time",
            ),
            (
                "serve --bind 8080",
                [("A", "")],
                "--bind: \"8080\" is not an address",
            ),
            ("serve", [("PORT", "http")], "PORT: "),
            ("serve --executor x", [("A", "")], "--executor: \"x\""),
            ("serve --max-body 1MB", [("A", "")], "--max-body: \"1MB\""),
        ] {
            let error = format!("{:#}", serve(words, &variables).unwrap_err());
            assert!(error.contains(expected), "{words}: {error}");
        }
    }

    #[test]
    fn the_database_is_what_is_given_or_private() {
        let given = serve("serve", &[("PGHOST", "db")]).unwrap();
        assert!(matches!(given.database, DatabaseSource::Given(_)));
        let private =
            |variables: &[(&str, &str)]| match serve("serve /tmp", variables).unwrap().database {
                DatabaseSource::Private(directory) => directory.display().to_string(),
                other => panic!("{other:?}"),
            };
        assert_eq!(
            private(&[("STATE_DIRECTORY", "/var/lib/x"), ("XDG_STATE_HOME", "/y")]),
            "/var/lib/x"
        );
        assert!(private(&[("XDG_STATE_HOME", "/y")]).starts_with("/y/peppercorn/tmp-"));
    }
}
