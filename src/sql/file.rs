//! A file of SQL as endpoints: blocks that begin with `-- name:`, their header comments, their statement.
//!
//! The format is aiosql's, whose reader takes every comment line after `-- name:` for documentation. What precedes the
//! first block is a comment of the file.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

use http_types::Method;

use super::finding::{Finding, Source};
use super::parameter::Declaration;
use super::statement::{Statement, keyword};
use crate::router::Template;
use crate::work;

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
}

/// One endpoint as a file defines it.
#[derive(Debug)]
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
    /// Declared parameters; those that the statement uses without a declaration are not here.
    pub declarations: Vec<Declaration>,
    /// What is sent to PostgreSQL.
    pub statement: Statement,
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
        self.method == Method::Get
    }

    /// A finding about the definition as a whole.
    pub fn finding(&self, message: impl Into<String>) -> Finding {
        Finding::new(&self.source, self.at, message)
    }
}

/// The endpoints of a file, and what is wrong with those that are left out.
pub fn parse(source: &Arc<Source>) -> (Vec<Definition>, Vec<Finding>) {
    let starts: Vec<(usize, usize)> = lines(&source.text, 0..source.text.len())
        .filter_map(|line| {
            let comment = comment_text(&source.text, &line)?;
            let value = directive(&source.text[comment.clone()], "name")?;
            Some((line.start, comment.start + value))
        })
        .collect();
    let mut findings = Vec::new();
    let mut definitions = Vec::new();
    for (index, (_, name_at)) in starts.iter().enumerate() {
        let end = starts
            .get(index + 1)
            .map_or(source.text.len(), |(start, _)| *start);
        match block(source, *name_at, end, &mut findings) {
            Ok(definition) => definitions.extend(definition),
            Err(finding) => findings.push(finding),
        }
    }
    if starts.is_empty() {
        let finding = Finding::new(source, 0, "no endpoint in this file")
            .with_hint("an endpoint begins with a line `-- name: list-markets`, followed by `-- http: GET /markets`");
        findings.push(finding);
    }
    (definitions, findings)
}

/// One block, from after `-- name:` to the next block.
fn block(
    source: &Arc<Source>,
    at: usize,
    end: usize,
    findings: &mut Vec<Finding>,
) -> Result<Option<Definition>, Finding> {
    let name_line = lines(&source.text, at..end).next().unwrap_or(at..at);
    let Name {
        name,
        listed,
        operator,
    } = parse_name(source, name_line.clone())?;
    let before = findings.len();
    let mut header = Header::default();
    let mut body = name_line.end;
    for line in lines(&source.text, name_line.end..end) {
        match comment_text(&source.text, &line) {
            Some(comment) => header.take(source, comment, findings),
            None if source.text[line.clone()].trim().is_empty() => {}
            None => break,
        }
        body = line.end;
    }
    let Some((method, template, route_at)) = header.route else {
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
    let statement = Statement::parse(source, body..end)?;
    check_reading(source, method, body..end)?;
    Ok(Some(Definition {
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
        statement,
        source: source.clone(),
        at,
        route_at,
    }))
}

/// What stands behind `-- name:`.
struct Name {
    name: String,
    /// aiosql's list of parameters, if there is one.
    listed: Option<Vec<String>>,
    operator: Operator,
}

/// `list-markets(sport, limit)` with an operator behind it; the list may be absent.
fn parse_name(source: &Arc<Source>, line: Range<usize>) -> Result<Name, Finding> {
    let text = source.text[line.clone()].trim();
    let wrong =
        |message: String, hint: &str| Finding::new(source, line.start, message).with_hint(hint);
    let end = text
        .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '-'))
        .unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    if !name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        return Err(wrong(
            format!("{text:?} is not a name"),
            "a name is letters, digits, - and _, and begins with a letter",
        ));
    }
    let (listed, operator) = match rest
        .trim_start()
        .strip_prefix('(')
        .map(|list| list.split_once(')'))
    {
        None => (None, rest),
        Some(Some((list, operator))) => (Some(list), operator),
        Some(None) => {
            return Err(wrong(
                format!("the list of {name}'s parameters is not closed"),
                "write name(one, two)",
            ));
        }
    };
    let listed = listed.map(|list| {
        list.split(',')
            .map(str::trim)
            .filter(|one| !one.is_empty())
            .map(str::to_owned)
            .collect()
    });
    let operator = match operator.trim() {
        "" => Operator::Rows,
        "^" => Operator::Row,
        "$" => Operator::Value,
        "!" => Operator::Affected,
        "<!" => Operator::Returning,
        "*!" => {
            return Err(wrong(
                format!("{name}*!: bulk endpoints are not supported by this version"),
                OPERATORS,
            ));
        }
        other => return Err(wrong(format!("{other} is not an operator"), OPERATORS)),
    };
    Ok(Name {
        name: name.to_owned(),
        listed,
        operator,
    })
}

const OPERATORS: &str =
    "none for rows, ^ for one row, $ for one value, ! for affected rows, <! for the written row";

/// What the comment lines of a block say.
#[derive(Default)]
struct Header {
    route: Option<(Method, Template, usize)>,
    declarations: Vec<Declaration>,
    /// Their names.
    declared: HashSet<String>,
    text: Vec<String>,
}

/// Directives of the format that this version does not know yet: not to be taken for description.
const LATER: [&str; 8] = [
    "returns",
    "timeout",
    "concurrency",
    "tx",
    "page",
    "cache",
    "auth",
    "tags",
];

impl Header {
    /// Takes one comment line, without its dashes.
    fn take(&mut self, source: &Arc<Source>, comment: Range<usize>, findings: &mut Vec<Finding>) {
        let text = &source.text[comment.clone()];
        if let Some(value) = directive(text, "http") {
            match parse_route(source, comment.start + value..comment.end) {
                Ok(_) if self.route.is_some() => {
                    findings.push(Finding::new(
                        source,
                        comment.start,
                        "a second route; an endpoint has one",
                    ));
                }
                Ok(route) => self.route = Some(route),
                Err(finding) => findings.push(finding),
            }
        } else if let Some(declaration) = parameter_text(text) {
            let at = comment.start + declaration;
            match Declaration::parse(&text[declaration..]) {
                Ok(new) if !self.declared.insert(new.name.clone()) => {
                    findings.push(Finding::new(
                        source,
                        at,
                        format!("the parameter {} is declared twice", new.name),
                    ));
                }
                Ok(new) => self.declarations.push(new),
                Err((offset, message)) => findings.push(Finding::new(source, at + offset, message)),
            }
        } else if let Some(word) = LATER.iter().find(|word| directive(text, word).is_some()) {
            let message = format!("`-- {word}:` is not supported by this version");
            findings.push(Finding::new(source, comment.start, message));
        } else if !text.trim().is_empty() || !self.text.is_empty() {
            self.text.push(text.trim().to_owned());
        }
    }
}

/// `GET /markets/{market_id}`.
fn parse_route(
    source: &Arc<Source>,
    range: Range<usize>,
) -> Result<(Method, Template, usize), Finding> {
    let text = source.text[range.clone()].trim();
    let wrong = |message: String| {
        Finding::new(source, range.start, message)
            .with_hint("a route is a method and a path: GET /markets/{market_id}")
    };
    let (method, path) = text
        .split_once(char::is_whitespace)
        .ok_or_else(|| wrong(format!("{text:?} is not a route")))?;
    let method = match method {
        "GET" => Method::Get,
        "POST" => Method::Post,
        "PUT" => Method::Put,
        "PATCH" => Method::Patch,
        "DELETE" => Method::Delete,
        "HEAD" | "OPTIONS" => {
            return Err(wrong(format!(
                "{method} is answered for every route; declare GET, POST, …"
            )));
        }
        _ => {
            return Err(wrong(format!(
                "{method} is not one of GET, POST, PUT, PATCH, DELETE"
            )));
        }
    };
    let path = path.trim();
    let template = Template::parse(path).map_err(|error| wrong(format!("{path}: {error}")))?;
    Ok((method, template, range.start))
}

/// A GET runs on a read-only connection: a statement that says it writes would fail at every request.
fn check_reading(source: &Arc<Source>, method: Method, body: Range<usize>) -> Result<(), Finding> {
    if method != Method::Get {
        return Ok(());
    }
    match keyword(
        source,
        body,
        &["insert", "update", "delete", "merge", "truncate"],
    ) {
        Some((at, word)) => Err(Finding::new(
            source,
            at,
            format!("{word} under GET: it runs on a read-only connection"),
        )
        .with_hint("answer POST, PUT, PATCH or DELETE instead")),
        None => Ok(()),
    }
}

/// The lines of `text[range]`, each with its newline.
fn lines(text: &str, range: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let mut at = range.start;
    text[range].split_inclusive('\n').map(move |line| {
        work::add(line.len());
        at += line.len();
        at - line.len()..at
    })
}

/// Where the text of a comment line is: after the dashes and the white space behind them. `None` for other lines.
fn comment_text(text: &str, line: &Range<usize>) -> Option<Range<usize>> {
    let comment = text[line.clone()]
        .trim_start()
        .strip_prefix("--")?
        .trim_start_matches([' ', '\t']);
    Some(line.end - comment.len()..line.start + text[line.clone()].trim_end().len())
        .map(|range| range.start..range.end.max(range.start))
}

/// Where the value begins in `key: value`.
fn directive(text: &str, key: &str) -> Option<usize> {
    let value = text
        .strip_prefix(key)?
        .trim_start()
        .strip_prefix(':')?
        .trim_start();
    Some(text.len() - value.len())
}

/// Where the declaration begins in `:name …`.
fn parameter_text(text: &str) -> Option<usize> {
    let named = text
        .strip_prefix(':')?
        .starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    named.then_some(1)
}
