//! A file of SQL as endpoints: blocks that begin with `-- name:`, their header comments, their statements.
//!
//! The format is aiosql's, whose reader takes every comment line after `-- name:` for documentation. What precedes the
//! first block is a comment of the file.

mod directives;
mod header;
mod name;
mod route;
pub(super) mod rules;
mod transaction;

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

use http_types::Method;

use super::finding::{Finding, Source};
use super::parameter::Declaration;
use super::statement::Statement;
use crate::router::Template;

use header::{Header, comment_text, directive, lines};
use name::{Name, parse_name};
use route::Route;

pub use directives::{Auth, Directives, Keyset, Returns, Said};
pub use transaction::{Isolation, Transaction};

/// What the answer is made of: the mark behind an endpoint's name, as in aiosql.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// None: a list of rows.
    Rows,
    /// `^`: one row, or 404.
    Row,
    /// `$`: one value, or 404.
    Value,
    /// `!`: nothing but how many rows were affected.
    Affected,
    /// `<!`: the row that was written.
    Returning,
    /// `*!`: how many rows were affected, by all objects of a list together.
    Bulk,
}

/// One endpoint as a file defines it.
#[derive(Clone, Debug)]
pub struct Definition {
    /// Its name: the OpenAPI operationId.
    pub name: String,
    /// The parameters as aiosql lists them behind the name, if they are.
    pub listed: Option<Vec<String>>,
    /// What the answer is made of.
    pub operator: Operator,
    /// The method it answers.
    pub method: Method,
    /// The paths it answers.
    pub template: Template,
    /// The first line of its description.
    pub summary: String,
    /// The other lines.
    pub description: String,
    /// Declared parameters; those that the statements use without a declaration are not here.
    pub declarations: Vec<Declaration>,
    /// What else its header says.
    pub directives: Directives,
    /// What is sent to PostgreSQL, one after the other; at least one. The last one's result is the answer.
    pub statements: Vec<Statement>,
    /// The file.
    pub source: Arc<Source>,
    /// Byte offset of the name.
    pub at: usize,
    /// Byte offset of the route.
    pub route_at: usize,
}

impl Definition {
    /// Whether requests run on read-only connections.
    pub fn reads(&self) -> bool {
        let transaction = self.directives.transaction.as_ref();
        let read_only = transaction.and_then(|transaction| transaction.what.read_only);
        read_only.unwrap_or(self.method == Method::Get)
    }

    /// Every parameter that a statement uses, once, and where it first stands.
    pub fn used(&self) -> Vec<(&str, usize)> {
        let mut seen = HashSet::new();
        let statements = self.statements.iter();
        let all = statements.flat_map(|statement| &statement.parameters);
        all.map(|(name, at)| (name.as_str(), *at))
            .filter(|(name, _)| seen.insert(*name))
            .collect()
    }

    /// What the header says of a parameter.
    pub fn declaration(&self, name: &str) -> Option<&Declaration> {
        self.declarations
            .iter()
            .find(|declaration| declaration.name == name)
    }

    /// Whether the last statement, if it succeeds, has written a row: `insert … values` with nothing behind that may keep
    /// it from that.
    pub fn always_writes_a_row(&self) -> bool {
        self.statements
            .last()
            .is_some_and(Statement::inserts_values)
    }

    /// A finding about the definition as a whole.
    pub fn finding(&self, message: impl Into<String>) -> Finding {
        Finding::new(&self.source, self.at, message)
    }
}

/// The endpoints of a file, and what is wrong with those that are left out.
pub fn parse(source: &Arc<Source>) -> (Vec<Definition>, Vec<Finding>) {
    let mut findings = Vec::new();
    let by_name = match route::of_file(source) {
        Some(Ok(route)) => Some(route),
        Some(Err(finding)) => {
            findings.push(finding);
            None
        }
        None => None,
    };
    let starts: Vec<(usize, usize)> = lines(&source.text, 0..source.text.len())
        .filter_map(|line| {
            let comment = comment_text(&source.text, &line)?;
            let value = directive(&source.text[comment.clone()], "name")?;
            Some((line.start, comment.start + value))
        })
        .collect();
    let mut definitions = Vec::new();
    let mut take =
        |block: Result<Option<Definition>, Finding>, findings: &mut Vec<Finding>| match block {
            Ok(definition) => definitions.extend(definition),
            Err(finding) => findings.push(finding),
        };
    for (index, (_, name_at)) in starts.iter().enumerate() {
        let end = starts
            .get(index + 1)
            .map_or(source.text.len(), |(start, _)| *start);
        let block = named_block(source, *name_at, end, by_name.as_ref(), &mut findings);
        take(block, &mut findings);
    }
    match by_name {
        Some(route) if starts.is_empty() => {
            let name = Name {
                name: route::name_of(&route),
                listed: None,
                operator: Operator::Rows,
            };
            let whole = block(
                source,
                name,
                0,
                0..source.text.len(),
                Some(&route),
                &mut findings,
            );
            take(whole, &mut findings);
        }
        None if starts.is_empty() && findings.is_empty() => {
            let finding = Finding::new(source, 0, "no endpoint in this file")
                .with_hint("an endpoint begins with a line `-- name: list-markets`, followed by `-- http: GET /markets`");
            findings.push(finding);
        }
        _ => {}
    }
    (definitions, findings)
}

/// One block, from after `-- name:` to the next block.
fn named_block(
    source: &Arc<Source>,
    at: usize,
    end: usize,
    by_name: Option<&Route>,
    findings: &mut Vec<Finding>,
) -> Result<Option<Definition>, Finding> {
    let line = lines(&source.text, at..end).next().unwrap_or(at..at);
    let name = parse_name(source, line.clone())?;
    block(source, name, at, line.end..end, by_name, findings)
}

/// An endpoint's header and statements. `by_name` is the route that the file's name says.
fn block(
    source: &Arc<Source>,
    name: Name,
    at: usize,
    range: Range<usize>,
    by_name: Option<&Route>,
    findings: &mut Vec<Finding>,
) -> Result<Option<Definition>, Finding> {
    let Name {
        name,
        listed,
        operator,
    } = name;
    let before = findings.len();
    let mut header = Header::default();
    let mut body = range.start;
    for line in lines(&source.text, range.clone()) {
        match comment_text(&source.text, &line) {
            Some(comment) => header.take(source, comment, findings),
            None if source.text[line.clone()].trim().is_empty() => {}
            None => break,
        }
        body = line.end;
    }
    let route = header.route.or_else(|| {
        by_name.map(|route| Route {
            at,
            ..route.clone()
        })
    });
    let Some(Route {
        method,
        template,
        at: route_at,
    }) = route
    else {
        // A route that is there but wrong has been reported.
        return match findings[before..].is_empty() {
            true => Err(
                Finding::new(source, at, format!("{name} has no route")).with_hint(
                    "add a line such as `-- http: GET /markets/{market_id}` below the name",
                ),
            ),
            false => Ok(None),
        };
    };
    let definition = Definition {
        name,
        listed,
        operator,
        method,
        template,
        summary: header.text.first().cloned().unwrap_or_default(),
        description: header
            .text
            .get(1..)
            .unwrap_or_default()
            .join("\n")
            .trim()
            .to_owned(),
        declarations: header.declarations,
        directives: header.directives,
        statements: Statement::parse_all(source, body..range.end)?,
        source: source.clone(),
        at,
        route_at,
    };
    let broken = rules::broken(&definition, body..range.end);
    let keeps_all = broken.is_empty();
    findings.extend(broken);
    Ok(keeps_all.then_some(definition))
}
