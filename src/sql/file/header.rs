//! The comment lines between an endpoint's name and its statement.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

use super::directives::{Directives, KEYS};
use super::route::{Route, parse_route};
use crate::sql::finding::{Finding, Source};
use crate::sql::parameter::Declaration;
use crate::work;

/// What the comment lines of a block say.
#[derive(Default)]
pub(super) struct Header {
    pub(super) route: Option<Route>,
    pub(super) declarations: Vec<Declaration>,
    /// Their names.
    declared: HashSet<String>,
    pub(super) directives: Directives,
    /// Lines that are none of these, each with its byte offset.
    pub(super) text: Vec<(String, usize)>,
}

impl Header {
    /// Takes one comment line, without its dashes.
    pub(super) fn take(
        &mut self,
        source: &Arc<Source>,
        comment: Range<usize>,
        findings: &mut Vec<Finding>,
    ) {
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
                Ok(new) => self.declarations.push(Declaration { at, ..new }),
                Err((offset, message)) => findings.push(Finding::new(source, at + offset, message)),
            }
        } else if let Some((key, value)) = KEYS
            .iter()
            .find_map(|key| Some((key, directive(text, key)?)))
        {
            let at = comment.start + value;
            if let Err((message, hint)) = self.directives.take(key, text[value..].trim_end(), at) {
                findings.push(Finding::new(source, at, message).with_hint(hint));
            }
        } else if !text.trim().is_empty() || !self.text.is_empty() {
            self.text.push((text.trim().to_owned(), comment.start));
        }
    }
}

impl Header {
    /// The first line of text.
    pub(super) fn summary(&self) -> String {
        let first = self.text.first();
        first.map(|(line, _)| line.clone()).unwrap_or_default()
    }

    /// The other lines.
    pub(super) fn description(&self) -> String {
        let lines = self.text.iter().skip(1).map(|(line, _)| line.as_str());
        lines.collect::<Vec<_>>().join("\n").trim().to_owned()
    }
}

/// The lines of `text[range]`, each with its newline.
pub(super) fn lines(text: &str, range: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let mut at = range.start;
    text[range].split_inclusive('\n').map(move |line| {
        work::add(line.len());
        at += line.len();
        at - line.len()..at
    })
}

/// Where the text of a comment line is: after the dashes and the white space behind them. `None` for other lines.
pub(super) fn comment_text(text: &str, line: &Range<usize>) -> Option<Range<usize>> {
    let comment = text[line.clone()]
        .trim_start()
        .strip_prefix("--")?
        .trim_start_matches([' ', '\t']);
    Some(line.end - comment.len()..line.start + text[line.clone()].trim_end().len())
        .map(|range| range.start..range.end.max(range.start))
}

/// Where the value begins in `key: value`.
pub(super) fn directive(text: &str, key: &str) -> Option<usize> {
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
