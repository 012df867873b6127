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
use super::statement::{Statement, first_token};
use crate::router::Template;

use header::{Header, comment_text, directive, lines};
use name::{Name, parse_name};
use route::Route;

pub(in crate::sql) use directives::KEYS;
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
    /// The lines of both as they stand in the file, each with its byte offset.
    pub text: Vec<(String, usize)>,
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

    /// Whether anybody may ask, whatever else asks for a token.
    pub fn is_public(&self) -> bool {
        let auth = self.directives.auth.as_ref();
        auth.is_some_and(|said| said.what == Auth::Public)
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

/// What is in a file.
#[derive(Debug, Default)]
pub struct Parsed {
    /// Endpoints, in order.
    pub definitions: Vec<Definition>,
    /// What is wrong with others.
    pub findings: Vec<Finding>,
    /// Routes that those would have.
    pub broken: Vec<Broken>,
}

/// A route whose endpoint cannot be served, and why.
#[derive(Clone, Debug)]
pub struct Broken {
    /// The method.
    pub method: Method,
    /// The path.
    pub template: Template,
    /// What is wrong; never empty.
    pub findings: Vec<Finding>,
}

/// The endpoints of a file, and what is wrong with those that are left out.
pub fn parse(source: &Arc<Source>) -> Parsed {
    let mut parsed = Parsed::default();
    let by_name = route::of_file(source);
    let starts: Vec<(usize, usize)> = lines(&source.text, 0..source.text.len())
        .filter_map(|line| {
            let comment = comment_text(&source.text, &line)?;
            let value = directive(&source.text[comment.clone()], "name")?;
            Some((line.start, comment.start + value))
        })
        .collect();
    for (index, (_, name_at)) in starts.iter().enumerate() {
        let end = starts
            .get(index + 1)
            .map_or(source.text.len(), |(start, _)| *start);
        parsed.take(named_block(source, *name_at, end, by_name.as_ref()));
    }
    let whole = 0..source.text.len();
    match (starts.first(), by_name) {
        (None, Some(Ok(route))) => {
            let name = Name {
                name: route::name_of(&route),
                listed: None,
                operator: Operator::Rows,
            };
            parsed.take(block(source, name, 0, whole, Some(&Ok(route))));
        }
        (None, Some(Err(finding))) => parsed.findings.push(finding),
        (None, None) => {
            let finding = Finding::new(source, 0, "no endpoint in this file").with_hint(
                "an endpoint begins with a line `-- name: list-markets`, followed by `-- http: GET /markets`; or the name \
                 of its file says so: markets.get.sql",
            );
            parsed.findings.push(finding);
        }
        // Somebody who has put endpoints with names below the one that has none.
        (Some((first, _)), Some(Ok(_))) => {
            if let Some(at) = first_token(source, 0..*first) {
                let message = "this stands above the first name, and belongs to no endpoint";
                let finding = Finding::new(source, at, message);
                (parsed.findings)
                    .push(finding.with_hint("write a line `-- name: list-markets` above it"));
            }
        }
        // What stands above is for psql, or a comment of the file.
        (Some(_), _) => {}
    }
    parsed
}

/// Why a block is no endpoint: what is wrong, and the route that it would have.
struct Wrong {
    findings: Vec<Finding>,
    route: Option<Route>,
}

impl From<Finding> for Wrong {
    fn from(finding: Finding) -> Wrong {
        Wrong {
            findings: vec![finding],
            route: None,
        }
    }
}

impl Parsed {
    fn take(&mut self, block: Result<Definition, Wrong>) {
        match block {
            Ok(definition) => self.definitions.push(definition),
            Err(Wrong { findings, route }) => {
                self.findings.extend(findings.iter().cloned());
                self.broken.extend(route.map(|route| Broken {
                    method: route.method,
                    template: route.template,
                    findings,
                }));
            }
        }
    }
}

/// One block, from after `-- name:` to the next block.
fn named_block(
    source: &Arc<Source>,
    at: usize,
    end: usize,
    by_name: Option<&Result<Route, Finding>>,
) -> Result<Definition, Wrong> {
    let line = lines(&source.text, at..end).next().unwrap_or(at..at);
    let name = parse_name(source, line.clone())?;
    block(source, name, at, line.end..end, by_name)
}

/// An endpoint's header and statements. `by_name` is the route that the file's name says, or what is wrong with it.
fn block(
    source: &Arc<Source>,
    name: Name,
    at: usize,
    range: Range<usize>,
    by_name: Option<&Result<Route, Finding>>,
) -> Result<Definition, Wrong> {
    let Name {
        name,
        listed,
        operator,
    } = name;
    let mut findings = Vec::new();
    let mut header = Header::default();
    let mut body = range.start;
    for line in lines(&source.text, range.clone()) {
        match comment_text(&source.text, &line) {
            Some(comment) => header.take(source, comment, &mut findings),
            None if source.text[line.clone()].trim().is_empty() => {}
            None => break,
        }
        body = line.end;
    }
    let route = match (header.route.take(), by_name) {
        (Some(route), _) => route,
        (None, Some(Ok(route))) => Route {
            at,
            ..route.clone()
        },
        (None, by_name) => {
            // A route that is there but wrong has been reported.
            if findings.is_empty() {
                let finding = Finding::new(source, at, format!("{name} has no route")).with_hint(
                    "add a line such as `-- http: GET /markets/{market_id}` below the name",
                );
                findings.push(
                    by_name
                        .and_then(|wrong| wrong.clone().err())
                        .unwrap_or(finding),
                );
            }
            return Err(Wrong {
                findings,
                route: None,
            });
        }
    };
    let statements = match Statement::parse_all(source, body..range.end) {
        Ok(statements) => statements,
        Err(finding) => {
            findings.push(finding);
            return Err(Wrong {
                findings,
                route: Some(route),
            });
        }
    };
    let definition = Definition {
        name,
        listed,
        operator,
        method: route.method,
        template: route.template.clone(),
        summary: header.summary(),
        description: header.description(),
        text: header.text,
        declarations: header.declarations,
        directives: header.directives,
        statements,
        source: source.clone(),
        at,
        route_at: route.at,
    };
    findings.extend(rules::broken(&definition, body..range.end));
    match findings.is_empty() {
        true => Ok(definition),
        false => Err(Wrong {
            findings,
            route: Some(route),
        }),
    }
}
