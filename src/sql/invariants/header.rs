//! A file: what is found in it points into it, and its blocks do not meddle with each other.

use super::{assert_inside, lexer, source};
use crate::router::Template;
use crate::sql::Finding;
use crate::sql::file::{self, Definition, Parsed};
use crate::work;

/// What reading a file may look at for each byte: lines, header, statement, and the word that writes, each a few times.
const WORK_PER_BYTE: usize = 24;
/// What it may look at beside that: the shortest file has a finding.
const WORK_AT_ONCE: usize = 100;

/// Takes a file of SQL, or anything else.
pub fn header(text: &str) {
    let ((definitions, findings), work) = work::of(|| {
        let Parsed {
            definitions,
            findings,
            ..
        } = file::parse(&source(text));
        findings
            .iter()
            .for_each(|finding| drop(finding.to_string()));
        (definitions, findings)
    });
    let most = WORK_PER_BYTE * text.len() + WORK_AT_ONCE;
    assert!(work <= most, "{work} for {}", text.len());
    for finding in &findings {
        assert_inside(finding, text);
    }
    for definition in &definitions {
        assert_defined(definition, text);
    }
    let blocks = text.split('\n').filter(|line| begins_block(line)).count();
    assert!(definitions.len() <= blocks);
    assert!(definitions.len() + findings.len() >= blocks.max(1));
    assert_apart(text);
}

/// What a definition says stands where it says.
fn assert_defined(definition: &Definition, text: &str) {
    assert!(text[definition.at..].starts_with(&definition.name));
    let route = &text[definition.route_at..];
    assert!(route.starts_with(definition.method.as_ref()));
    assert!(
        route
            .lines()
            .next()
            .is_some_and(|line| line.contains(definition.template.as_str()))
    );
    let again = Template::parse(definition.template.as_str());
    assert_eq!(again.as_ref(), Ok(&definition.template));
    for (index, declaration) in definition.declarations.iter().enumerate() {
        let others = &definition.declarations[..index];
        assert!(others.iter().all(|other| other.name != declaration.name));
        let default = declaration.default.clone().flatten();
        assert_eq!(
            default.and_then(|default| declaration.violation(&default)),
            None
        );
    }
    for statement in &definition.statements {
        lexer::assert_positions(statement, text);
    }
}

/// `-- name:`
fn begins_block(line: &str) -> bool {
    let named = || {
        line.trim_start()
            .strip_prefix("--")?
            .trim_start_matches([' ', '\t'])
            .strip_prefix("name")
    };
    named().is_some_and(|rest| rest.trim_start().starts_with(':'))
}

/// One more block changes nothing in those before it.
fn assert_apart(text: &str) {
    let text = format!("{text}\n");
    let more = format!("{text}-- name: one-more\n-- http: GET /one-more\nselect 1\n");
    let Parsed {
        definitions,
        findings,
        ..
    } = file::parse(&source(&text));
    let Parsed {
        definitions: mut all,
        findings: found,
        ..
    } = file::parse(&source(&more));
    assert!(all.pop().is_some_and(|last| last.name == "one-more"));
    assert!(all.iter().map(said).eq(definitions.iter().map(said)));
    let shown =
        |findings: &[Finding]| -> Vec<_> { findings.iter().map(Finding::to_string).collect() };
    match text.split('\n').any(begins_block) {
        true => assert_eq!(shown(&found), shown(&findings)),
        // That there is no endpoint in it was all there was to say.
        false => assert!(found.is_empty()),
    }
}

/// All that a definition says but for its source.
fn said(definition: &Definition) -> String {
    let Definition {
        name,
        listed,
        operator,
        method,
        template,
        summary,
        description,
        text,
        declarations,
        directives,
        statements,
        at,
        route_at,
        source: _,
    } = definition;
    format!(
        "{name:?} {listed:?} {operator:?} {method:?} {template:?} {summary:?} {description:?} {text:?} {declarations:?} {directives:?} {statements:?} {at} {route_at}"
    )
}
