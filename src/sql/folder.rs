//! The SQL files of a directory, and of those below it, as one set of definitions.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::catalog::describe;
use super::described::Described;
use super::file::{self, Broken, Definition, Parsed};
use super::files::Files;
use super::finding::{Finding, Findings, Source};
use super::lockfile::Lock;
use crate::observe::{self, Event};
use crate::pg::Config;
use crate::router::Router;
use crate::runtime::Clock;

/// The file that fills a new private cluster; it holds no endpoints.
pub const SCHEMA: &str = "schema.sql";

/// A directory of SQL files, read.
#[derive(Debug)]
pub struct Folder {
    /// The directory.
    pub directory: PathBuf,
    /// What the files define, in order of their paths.
    pub definitions: Vec<Definition>,
    /// The text of the [lock file](super::lockfile), if there is one.
    pub lock: Option<String>,
}

impl Folder {
    /// What the database of `config` says of the definitions; while it is away, what the lock file says of them.
    ///
    /// # Errors
    /// As [`describe`]; a lock file that would be needed and is out of date.
    pub async fn described(
        &self,
        config: &Config,
        clock: &Clock,
    ) -> anyhow::Result<Vec<Described>> {
        let error = match describe(&self.definitions, config, clock).await {
            Err(error) if !error.is::<Findings>() => error,
            described => return described,
        };
        let Some(lock) = &self.lock else {
            return Err(error);
        };
        match Lock::read(lock).and_then(|lock| lock.all(&self.definitions)) {
            Ok(described) => {
                observe::emit(&Event::ServedFromLock {
                    reason: format!("{error:#}"),
                });
                Ok(described)
            }
            Err(outdated) => {
                Err(error.context(format!("{outdated}, and the database cannot be asked")))
            }
        }
    }
}

/// What the SQL files below `directory` define.
///
/// # Errors
/// As [`Files::read`] and [`define`].
pub fn read(directory: &Path) -> anyhow::Result<Folder> {
    define(Files::read(directory)?)
}

/// What `files` define.
///
/// # Errors
/// [`Findings`] with everything that is wrong in the files.
pub fn define(files: Files) -> anyhow::Result<Folder> {
    let (folder, findings, _) = each(files);
    match findings.is_empty() {
        true => Ok(folder),
        false => Err(Findings(findings).into()),
    }
}

/// What `files` define that can be served, what is wrong, and the routes of what cannot be.
pub(super) fn each(files: Files) -> (Folder, Vec<Finding>, Vec<Broken>) {
    let Files {
        directory,
        texts,
        lock,
    } = files;
    let mut all = Parsed::default();
    for (path, text) in texts {
        // Some editors begin a file with a byte order mark; it would hide the first `-- name:`. As psql does.
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text).to_owned();
        let source = Source::new(path, text).below(&directory);
        let parsed = file::parse(&Arc::new(source));
        all.definitions.extend(parsed.definitions);
        all.findings.extend(parsed.findings);
        all.broken.extend(parsed.broken);
    }
    let conflicts = conflicts(&all.definitions);
    let mut index = 0;
    all.definitions.retain(|_| {
        index += 1;
        !conflicts.iter().any(|(second, _)| second + 1 == index)
    });
    all.findings
        .extend(conflicts.into_iter().map(|(_, finding)| finding));
    let folder = Folder {
        directory,
        definitions: all.definitions,
        lock,
    };
    (folder, all.findings, all.broken)
}

/// Routes and names that stand twice, each naming the other place: the number of the second, and what is wrong with it.
fn conflicts(definitions: &[Definition]) -> Vec<(usize, Finding)> {
    let mut names: HashMap<&str, &Definition> = HashMap::new();
    let mut routes: Router<Vec<&Definition>> = Router::new();
    let mut findings = Vec::new();
    for (index, definition) in definitions.iter().enumerate() {
        if let Some(first) = names.insert(&definition.name, definition) {
            let place = first.source.place(first.at);
            let message = format!("the name {} is taken by {place}", definition.name);
            let finding = definition.finding(message);
            let is_written = definition.source.text[definition.at..].starts_with(&definition.name);
            let finding = match is_written {
                true => finding,
                // By its route.
                false => finding.with_hint("give it one of its own: `-- name: list-markets`"),
            };
            findings.push((index, finding));
            names.insert(&first.name, first);
        }
        let (template, same) = routes.entry(&definition.template, Vec::new);
        let route = definition.template.as_str();
        if let Some(first) = same.iter().find(|first| first.method == definition.method) {
            let message = format!(
                "{} {route} is answered by {} already",
                definition.method,
                first.source.place(first.route_at)
            );
            let finding = Finding::new(&definition.source, definition.route_at, message);
            findings.push((index, finding));
        } else if template.as_str() != route {
            let message = format!(
                "{route} is the same path as {} with other names",
                template.as_str()
            );
            let finding = Finding::new(&definition.source, definition.route_at, message);
            let finding = finding.with_hint("name the parameters of one path alike");
            findings.push((index, finding));
        }
        same.push(definition);
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn definitions(files: &[(&str, &str)]) -> (Vec<Definition>, Vec<Finding>) {
        let mut all = (Vec::new(), Vec::new());
        for (path, text) in files {
            let parsed = file::parse(&Arc::new(Source::new(path, *text)));
            all.0.extend(parsed.definitions);
            all.1.extend(parsed.findings);
        }
        all
    }

    #[test]
    fn conflicts_name_both_places() {
        let (definitions, findings) = definitions(&[
            ("a.sql", "-- name: one\n-- http: GET /x/{id}\nselect :id;\n"),
            (
                "b.sql",
                "-- name: two\n-- http: GET /x/{id}\nselect :id;\n\n-- name: one\n-- http: POST /x/{other}\nselect :other;\n",
            ),
        ]);
        assert!(findings.is_empty());
        let found: Vec<String> = conflicts(&definitions)
            .iter()
            .map(|(_, finding)| finding.to_string())
            .collect();
        assert_eq!(
            found,
            [
                "b.sql:2:10: GET /x/{id} is answered by a.sql:2:10 already",
                "b.sql:5:10: the name one is taken by a.sql:1:10",
                "b.sql:6:10: /x/{other} is the same path as /x/{id} with other names\n    hint: name the parameters of one path alike",
            ]
        );
    }

    #[test]
    fn a_header_is_read_whole() {
        let text = "-- A file about books.\n\n-- name: list-books\n-- http: GET /books\n-- List books, newest first.\n--\n-- The page is short.\n\
                    -- :author text default null -- part of the name\n-- name is not a directive here\nselect 1 where :author is null -- :no\n;\n";
        let (definitions, findings) = definitions(&[("books.sql", text)]);
        assert!(findings.is_empty(), "{findings:?}");
        let [book] = definitions.as_slice() else {
            panic!("{definitions:?}")
        };
        assert_eq!(
            (book.name.as_str(), book.summary.as_str()),
            ("list-books", "List books, newest first.")
        );
        assert_eq!(
            book.description,
            "The page is short.\nname is not a directive here"
        );
        assert_eq!(book.declarations[0].text, "part of the name");
        assert_eq!(book.statements[0].sql, "select 1 where $1 is null -- :no");
    }

    #[test]
    fn mistakes_are_found_where_they_are() {
        let expected = [
            ("select 1", "t.sql:1:1: no endpoint in this file"),
            ("-- name: a\nselect 1", "t.sql:1:10: a has no route"),
            (
                "-- name: a%\n-- http: GET /\nselect 1",
                "t.sql:1:10: % is not an operator",
            ),
            (
                "-- name: 1a\n-- http: GET /\nselect 1",
                "t.sql:1:10: \"1a\" is not a name",
            ),
            (
                "-- name: a\n-- http: FETCH /\nselect 1",
                "t.sql:2:10: FETCH is not one of",
            ),
            (
                "-- name: a\n-- http: GET x\nselect 1",
                "t.sql:2:10: x: a path begins with /",
            ),
            (
                "-- name: a\n-- http: GET /\n-- http: GET /b\nselect 1",
                "t.sql:3:4: a second route",
            ),
            (
                "-- name: a\n-- http: GET /\n-- :x int default\nselect :x",
                "t.sql:3:11: default needs a value",
            ),
            (
                "-- name: a\n-- http: GET /\n-- :x int\n-- :x int\nselect :x",
                "t.sql:4:5: the parameter x is declared twice",
            ),
            ("-- name: a\n-- http: GET /\n", "t.sql:3:1: no statement"),
            (
                "-- name: a\n-- http: GET /\nselect 'x",
                "t.sql:3:8: the string that begins here has no end",
            ),
            (
                "-- name: a\n-- http: GET /\nwith x as (delete from t) select 1",
                "t.sql:3:12: delete under GET",
            ),
            (
                "-- name: a\n-- http: GET /\n-- timeout: soon\nselect 1",
                "t.sql:3:13: \"soon\" is not a time",
            ),
        ];
        for (text, want) in expected {
            let (_, findings) = definitions(&[("t.sql", text)]);
            let found: Vec<String> = findings.iter().map(ToString::to_string).collect();
            assert!(
                found.len() == 1 && found[0].starts_with(want),
                "{text:?}: {found:?}"
            );
        }
    }
}
