//! The settings of `bench`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::bail;

use super::lookup::{Lookup, number};
use super::{DatabaseSource, files};
use crate::bench::pin::Pin;
use crate::bench::plan::{Kind, Server};
use crate::bench::results::Results;
use crate::bench::{Settings, Task};
use crate::cli::Args;
use crate::environment::Variables;
use crate::sql::FileSource;
use crate::units::duration;

/// Connections at most: a process seldom has more descriptors.
const MOST_CONNECTIONS: usize = 100_000;
/// Runs of each cell at most: a plan must end.
const MOST_RUNS: usize = 1000;
/// Options that say what is measured: what is resumed has them already.
const PLANNED: [&str; 11] = [
    "quick",
    "talk",
    "path",
    "layouts",
    "connections",
    "runs",
    "duration",
    "settle",
    "against",
    "against-url",
    "pin",
];

/// The settings of `bench`.
#[derive(Debug)]
pub struct Bench {
    /// The SQL files.
    pub files: FileSource,
    /// What is to be done.
    pub task: Task,
    /// The database.
    pub database: DatabaseSource,
    /// Where results go.
    pub output: PathBuf,
}

/// What a plan has where nobody says.
struct Preset {
    layouts: &'static str,
    connections: &'static str,
    runs: &'static str,
    duration: &'static str,
}

/// About half an hour on a path or three.
const USUAL: Preset = Preset {
    layouts: "1x1,2x1,3x1,1x2,1x3",
    connections: "1,16,64,256",
    runs: "6",
    duration: "5s",
};
/// The fewest runs that tell something from chance.
const QUICK: Preset = Preset {
    layouts: "1x1,2x1,1x2",
    connections: "64",
    runs: "6",
    duration: "1s",
};
/// As the talk measured.
const TALK: Preset = Preset {
    layouts: USUAL.layouts,
    connections: "1,4,16,64,256",
    runs: "10",
    duration: "30s",
};

impl Bench {
    /// Resolves the command line of `bench`.
    ///
    /// # Errors
    /// Which option or variable has a value that it cannot have; the results to resume cannot be read.
    pub fn resolve(
        args: &Args,
        variables: Variables<'_>,
        usual: &FileSource,
    ) -> anyhow::Result<Bench> {
        let lookup = Lookup { args, variables };
        let resumed = lookup.text("resume").map(PathBuf::from);
        let task = match &resumed {
            Some(file) => resume(&lookup, file)?,
            None => Task::New(settings(&lookup, usual)?),
        };
        let output = match &resumed {
            Some(file) => match file.parent() {
                Some(parent) if parent != Path::new("") => parent.to_owned(),
                _ => ".".into(),
            },
            None => lookup.text("output").unwrap_or_default().into(),
        };
        let files = measured(&task, usual);
        Ok(Bench {
            database: lookup.database(&files)?,
            files,
            task,
            output,
        })
    }
}

/// The files of what is measured.
fn measured(task: &Task, usual: &FileSource) -> FileSource {
    match task.directory() {
        // In the program itself.
        none if none == Path::new("") => usual.clone(),
        directory => FileSource::Below(directory.to_owned()),
    }
}

fn resume(lookup: &Lookup<'_>, file: &Path) -> anyhow::Result<Task> {
    let mut given = lookup.args.options.iter().map(|(name, _)| *name);
    if let Some(name) = given.find(|name| PLANNED.contains(name) || *name == "output") {
        bail!(
            "--{name} cannot be given with --resume: what is measured is in {}",
            file.display()
        );
    }
    if lookup.args.operand.is_some() {
        bail!(
            "a directory cannot be given with --resume: it is in {}",
            file.display()
        );
    }
    // The file that others follow has this name.
    if file.file_name().is_none_or(|name| name != "results.json") {
        bail!("--resume: {} is not called results.json", file.display());
    }
    Ok(Task::Resume(Box::new(Results::read(file)?)))
}

fn settings(lookup: &Lookup<'_>, usual: &FileSource) -> anyhow::Result<Settings> {
    let preset = match (lookup.flag("quick")?, lookup.flag("talk")?) {
        (true, true) => bail!("--quick and --talk are two plans: choose one"),
        (true, false) => QUICK,
        (false, true) => TALK,
        (false, false) => USUAL,
    };
    let wrong = |name: &str, error: String| anyhow::anyhow!("{}: {error}", lookup.origin(name));
    let connections = |text: &str| number(text, &(1..=MOST_CONNECTIONS));
    let mut settings = Settings {
        directory: files(lookup.args, usual)
            .directory()
            .map(Path::to_owned)
            .unwrap_or_default(),
        paths: lookup.list("path")?,
        layouts: lookup.parsed_or("layouts", preset.layouts, |text| items(text, str::parse))?,
        others: others(lookup)?,
        connections: lookup.parsed_or("connections", preset.connections, |text| {
            items(text, connections)
        })?,
        rounds: lookup.parsed_or("runs", preset.runs, |text| number(text, &(1..=MOST_RUNS)))?,
        duration: lookup.parsed_or("duration", preset.duration, whole_seconds)?,
        settle: lookup.duration("settle")?,
        pin: match lookup.text("pin") {
            None => Pin::default(),
            Some(_) => lookup.parsed("pin", str::parse)?,
        },
    };
    settings.connections.sort_unstable();
    settings.connections.dedup();
    unlike(settings.layouts.iter().map(ToString::to_string))
        .map_err(|name| wrong("layouts", name))?;
    let own = settings.layouts.iter().map(ToString::to_string);
    let names = own.chain(settings.others.iter().map(|server| server.name.clone()));
    unlike(names).map_err(|name| wrong("against", name))?;
    unlike(settings.paths.iter().map(|path| path.name.clone()))
        .map_err(|name| wrong("path", name))?;
    Ok(settings)
}

/// What stands between commas.
fn items<T>(text: &str, parse: impl Fn(&str) -> Result<T, String>) -> Result<Vec<T>, String> {
    text.split(',').map(|item| parse(item.trim())).collect()
}

/// wrk counts in them.
fn whole_seconds(text: &str) -> Result<Duration, String> {
    match duration(text)? {
        time if time.subsec_nanos() == 0 && !time.is_zero() => Ok(time),
        _ => Err(format!("{text:?} is not a number of whole seconds")),
    }
}

/// That no name comes twice.
fn unlike(names: impl Iterator<Item = String>) -> Result<(), String> {
    let mut seen = std::collections::HashSet::new();
    for name in names {
        if !seen.insert(name.clone()) {
            return Err(format!("{name:?} is there twice"));
        }
    }
    Ok(())
}

/// Other servers, with the URLs in the order of the commands.
fn others(lookup: &Lookup<'_>) -> anyhow::Result<Vec<Server>> {
    let all = |name: &str| -> Vec<&str> {
        let given = lookup.args.options.iter();
        given
            .filter(|(given, _)| *given == name)
            .map(|(_, value)| value.as_str())
            .collect()
    };
    let (commands, urls) = (all("against"), all("against-url"));
    if commands.len() != urls.len() {
        bail!(
            "{} times --against and {} times --against-url: each server has one of both",
            commands.len(),
            urls.len()
        );
    }
    let server = |(text, url): (&str, &str)| -> anyhow::Result<Server> {
        let Some((name, command)) = text
            .split_once('=')
            .filter(|(name, command)| !name.is_empty() && !command.is_empty())
        else {
            bail!("--against: {text:?} is not NAME=COMMAND");
        };
        let host = url
            .strip_prefix("http://")
            .unwrap_or_default()
            .trim_end_matches('/');
        if host.is_empty() || host.contains('/') {
            bail!("--against-url: {url:?} is not as http://127.0.0.1:8081");
        }
        Ok(Server {
            name: name.to_owned(),
            kind: Kind::Other {
                command: command.to_owned(),
                url: format!("http://{host}"),
            },
        })
    };
    commands.into_iter().zip(urls).map(server).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{self, Parsed};
    use crate::environment::only;

    fn resolve(words: &[&str]) -> anyhow::Result<Bench> {
        let words = ["bench"].iter().chain(words).map(Into::into);
        let Ok(Parsed::Run(args)) = cli::parse(words) else {
            panic!("not options of bench")
        };
        let files = FileSource::Below("sql".into());
        Bench::resolve(&args, &only(&[("PGHOST", "db")]), &files)
    }

    fn settings(words: &[&str]) -> Settings {
        match resolve(words).unwrap().task {
            Task::New(settings) => settings,
            Task::Resume(_) => panic!("nothing is resumed"),
        }
    }

    #[test]
    fn presets_stand_in_for_what_is_not_said() {
        let usual = settings(&["api"]);
        assert_eq!(
            (usual.rounds, usual.duration.as_secs(), usual.layouts.len()),
            (6, 5, 5)
        );
        assert_eq!(usual.directory, Path::new("api"));
        let talk = settings(&["--talk", "--connections", "64,1,64"]);
        assert_eq!((talk.rounds, talk.duration.as_secs()), (10, 30));
        assert_eq!(talk.connections, [1, 64]);
        let quick = settings(&[
            "--quick",
            "--layouts",
            "4x2-local",
            "--path",
            "a=/a,b",
            "--path",
            "/c",
        ]);
        assert_eq!((quick.rounds, quick.layouts[0].workers), (6, 4));
        assert_eq!(quick.paths[0].path, "/a,b");
    }

    #[test]
    fn servers_are_named_and_have_an_address_each() {
        let one = [
            "--against",
            "axum=cd x && ./axum --a=b",
            "--against-url",
            "http://127.0.0.1:1/",
        ];
        let server = &settings(&one).others[0];
        let kind = Kind::Other {
            command: "cd x && ./axum --a=b".into(),
            url: "http://127.0.0.1:1".into(),
        };
        assert_eq!((server.name.as_str(), &server.kind), ("axum", &kind));
    }

    #[test]
    fn what_cannot_be_meant_is_said() {
        for (words, expected) in [
            (["--quick", "--talk"].as_slice(), "two plans"),
            (&["--runs", "0"], "--runs: \"0\""),
            (&["--duration", "1500ms"], "whole seconds"),
            (&["--duration", "0s"], "whole seconds"),
            (&["--layouts", "1x1,2"], "\"2\" is not a layout"),
            (&["--layouts", "1x1,1x1-local"], "\"1x1\" is there twice"),
            (&["--connections", "0"], "--connections: \"0\""),
            (&["--against", "a=b"], "1 times --against and 0"),
            (
                &["--against", "b", "--against-url", "http://x"],
                "NAME=COMMAND",
            ),
            (
                &["--against", "a=b", "--against-url", "x"],
                "--against-url: \"x\"",
            ),
            (
                &["--against", "1x1=b", "--against-url", "http://x"],
                "\"1x1\" is there twice",
            ),
            (&["--path", "x"], "neither a path"),
            (&["--pin", "1"], "--pin: \"1\""),
            (
                &["--resume", "/nowhere/results.json"],
                "cannot read /nowhere/results.json",
            ),
            (
                &["--resume", "a/results.json", "--runs", "3"],
                "--runs cannot be given with --resume",
            ),
            (
                &["--resume", "a/results.json", "dir"],
                "a directory cannot be given",
            ),
            (&["--resume", "a/x.json"], "is not called results.json"),
        ] {
            let error = format!("{:#}", resolve(words).unwrap_err());
            assert!(error.contains(expected), "{words:?}: {error}");
        }
    }

    #[test]
    fn the_command_line_knows_what_a_plan_is_made_of() {
        let known = |name: &&str| cli::OPTIONS.iter().any(|option| option.name == *name);
        assert!(PLANNED.iter().all(known));
    }
}
