//! A folder as a reviewer sees it: everything that is wrong at once, what is doubtful, and what can be served all the
//! same.

use std::sync::Arc;

use super::answer::is_special;
use super::bind::distance;
use super::catalog::describe_each;
use super::compose::mismatches;
use super::described::Described;
use super::file::{Broken, Definition, KEYS};
use super::files::Files;
use super::finding::{Finding, Source};
use super::folder::{self, Folder};
use super::lockfile::{self, Lock};
use crate::pg::Config;
use crate::runtime::Clock;

/// What there is to say of a folder.
pub struct Review {
    /// What can be served.
    pub folder: Folder,
    /// What the database says of that.
    pub described: Vec<Described>,
    /// What is wrong or doubtful, in the order of files and lines.
    pub findings: Vec<Finding>,
    /// Routes of what cannot be served.
    pub broken: Vec<Broken>,
}

/// Reviews `files` against the database of `config`. `has_key`: whether tokens are asked for.
///
/// # Errors
/// A database that cannot be reached.
pub async fn review(
    files: Files,
    config: &Config,
    has_key: bool,
    clock: &Clock,
) -> anyhow::Result<Review> {
    let (mut folder, mut findings, mut broken) = folder::each(files);
    let definitions = std::mem::take(&mut folder.definitions);
    let asked = describe_each(&definitions, config, clock).await?;
    let mut described = Vec::with_capacity(definitions.len());
    for (definition, asked) in definitions.into_iter().zip(asked) {
        let asked = asked.and_then(|described| {
            let wrong = mismatches(&definition, &described, has_key);
            match wrong.is_empty() {
                true => Ok(described),
                false => Err(wrong),
            }
        });
        match asked {
            Ok(one) => {
                folder.definitions.push(definition);
                described.push(one);
            }
            Err(wrong) => {
                findings.extend(wrong.iter().cloned());
                broken.push(Broken {
                    method: definition.method,
                    template: definition.template,
                    findings: wrong,
                });
            }
        }
    }
    for (definition, described) in folder.definitions.iter().zip(&described) {
        doubts(definition, described, has_key, &mut findings);
    }
    shadows(&folder.definitions, &described, &mut findings);
    if let (Some(text), true) = (&folder.lock, broken.is_empty()) {
        locked(&folder, text, &described, &mut findings);
    }
    findings.sort_by(|a, b| (a.path(), a.position()).cmp(&(b.path(), b.position())));
    Ok(Review {
        folder,
        described,
        findings,
        broken,
    })
}

impl Review {
    /// Whether something cannot be served.
    pub fn has_errors(&self) -> bool {
        self.findings.iter().any(Finding::is_error)
    }

    /// The text of the lock file for what can be served.
    pub fn lock(&self) -> Vec<u8> {
        lockfile::write(&self.folder.definitions, &self.described)
    }
}

/// What a reviewer would ask about one endpoint.
fn doubts(
    definition: &Definition,
    described: &Described,
    has_key: bool,
    findings: &mut Vec<Finding>,
) {
    let mut doubt = |finding: Finding| findings.push(finding.as_warning());
    let name = &definition.name;
    if definition.summary.is_empty() {
        let finding = definition.finding(format!("nothing says what {name} does"));
        doubt(finding.with_hint("write a comment line below the route; the first is the summary"));
    }
    for (parameter, at) in definition.used() {
        if definition.declaration(parameter).is_none() {
            let ty = super::bind::data_type(definition, described, parameter).name;
            let message = format!("the parameter {parameter} is not declared");
            let finding = Finding::new(&definition.source, at, message);
            doubt(finding.with_hint(format!(
                "PostgreSQL takes it for {ty}: -- :{parameter} {ty}"
            )));
        }
    }
    let directives = &definition.directives;
    for (line, at) in &definition.text {
        let Some((word, _)) = line.split_once(':') else {
            continue;
        };
        let word = word.trim_end();
        if let Some(meant) = KEYS.iter().find(|key| is_mistyped(key, word)) {
            let finding = Finding::new(
                &definition.source,
                *at,
                format!("`-- {word}:` says nothing here"),
            );
            doubt(finding.with_hint(format!(
                "did you mean `-- {meant}:`? Else write it as a sentence"
            )));
        }
    }
    if let Some(page) = &directives.page {
        for (column, _) in &page.what.0 {
            let columns = &described.last().columns;
            let nullable = columns
                .iter()
                .any(|one| one.name == *column && one.nullable);
            if nullable && !is_special(column) {
                let message =
                    format!("{column} may be null: a page that ends with a null has no next one");
                let finding = Finding::new(&definition.source, page.at, message);
                doubt(finding.with_hint(format!(
                    "page by a column that is not null, or select it as \"{column}!\""
                )));
            }
        }
    }
    if let Some(cache) = directives.cache.as_ref().filter(|_| has_key)
        && cache.what.contains("public")
        && !definition.is_public()
    {
        let message = "a public cache would give this answer to who has no token";
        let finding = Finding::new(&definition.source, cache.at, message);
        doubt(finding.with_hint("write private, or no-store"));
    }
}

/// Whether a word is that directive, but for a capital or a slip of the finger. Words as short as these are all near each
/// other: `Name` is no more than two letters from `page`.
fn is_mistyped(key: &str, word: &str) -> bool {
    let word = word.to_ascii_lowercase();
    let sorted = |text: &str| {
        let mut letters = text.as_bytes().to_vec();
        letters.sort_unstable();
        letters
    };
    let is_word = word.len() > 1 && word.bytes().all(|byte| byte.is_ascii_alphabetic());
    is_word && (distance(key, &word) <= key.len() / 4 || sorted(key) == sorted(&word))
}

/// Static paths that take values from a parameter: whoever is called that is never found.
fn shadows(definitions: &[Definition], described: &[Described], findings: &mut Vec<Finding>) {
    for definition in definitions {
        for (index, other) in definitions.iter().enumerate() {
            if other.method != definition.method {
                continue;
            }
            let Some((parameter, value)) = other.template.shadowed_by(&definition.template) else {
                continue;
            };
            let ty = super::bind::data_type(other, &described[index], parameter);
            if !ty.is_text() {
                continue;
            }
            let message = format!(
                "{} {} is answered here and not by {}: {parameter} is never {value:?} there",
                definition.method,
                definition.template.as_str(),
                other.name
            );
            let finding = Finding::new(&definition.source, definition.route_at, message);
            findings.push(finding.as_warning());
        }
    }
}

/// Endpoints that are not what the lock file says.
fn locked(folder: &Folder, text: &str, described: &[Described], findings: &mut Vec<Finding>) {
    let path = folder.directory.join(lockfile::NAME);
    let source = Arc::new(Source::new(path, text));
    let mut doubt = |at, message: String| {
        const HINT: &str = "write it anew with peppercorn check --lock, and look at the difference";
        let finding = Finding::new(&source, at, message).with_hint(HINT);
        findings.push(finding.as_warning());
    };
    let lock = match Lock::read(text) {
        Ok(lock) => lock,
        Err(reason) => return doubt(0, reason),
    };
    for (definition, described) in folder.definitions.iter().zip(described) {
        let message = match lock.one(definition) {
            Ok(known) if known == *described => continue,
            Ok(_) => format!("the database says something else of {}", definition.name),
            Err(reason) => reason,
        };
        let at = text.find(&format!("\"{}\":", definition.name));
        doubt(at.unwrap_or(0), message);
    }
}
