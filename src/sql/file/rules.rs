//! What the parts of an endpoint forbid each other; it is known before a database is asked.

use std::ops::Range;

use http_types::{Method, StatusCode};

use super::{Definition, Operator, Said};
use crate::sql::finding::Finding;
use crate::sql::parameter::Place;
use crate::sql::writing::writing;

/// The parameter that a full page is told by.
pub(in crate::sql) const LIMIT: &str = "limit";

/// How `definition`, whose statements are in `body` of its file, breaks the rules.
pub(super) fn broken(definition: &Definition, body: Range<usize>) -> Vec<Finding> {
    let mut findings = names(definition);
    let others = [
        reading(definition, body),
        statements(definition),
        bulk(definition),
        places(definition),
        returns(definition),
        page(definition),
        cache(definition),
    ];
    findings.extend(others.into_iter().filter_map(Result::err));
    findings
}

/// What is declared, listed or in the path is what the statements use.
fn names(definition: &Definition) -> Vec<Finding> {
    let mut findings = Vec::new();
    let used = definition.used();
    let uses = |name: &str| used.iter().any(|(used, _)| *used == name);
    for declaration in &definition.declarations {
        let name = &declaration.name;
        if !uses(name) {
            let message =
                format!("the parameter {name} is declared but the statement does not use it");
            findings.push(Finding::new(&definition.source, declaration.at, message));
        }
    }
    for name in definition.template.parameters() {
        if !uses(name) {
            let message = format!("the path has {{{name}}} but the statement does not use :{name}");
            findings.push(Finding::new(
                &definition.source,
                definition.route_at,
                message,
            ));
        }
        let declaration = definition.declaration(name);
        if let Some(declaration) = declaration.filter(|declaration| declaration.default.is_some()) {
            let message =
                format!(":{name} is part of the path and always given: it cannot have a default");
            findings.push(Finding::new(&definition.source, declaration.at, message));
        }
    }
    if let Some(listed) = &definition.listed {
        let unlisted = used
            .iter()
            .find(|(name, _)| !listed.iter().any(|listed| listed == name));
        let unused = listed.iter().find(|listed| !uses(listed));
        let mismatch =
            unlisted.map(|(name, _)| format!("the list behind the name leaves out :{name}"));
        let mismatch = mismatch.or(unused.map(|name| {
            format!("the list behind the name has {name}, which the statement does not use")
        }));
        findings.extend(mismatch.map(|message| definition.finding(message)));
    }
    findings
}

/// On a read-only connection a statement that says it writes would fail at every request.
fn reading(definition: &Definition, body: Range<usize>) -> Result<(), Finding> {
    let source = &definition.source;
    let transaction = definition.directives.transaction.as_ref();
    if let (Method::Get, Some(said)) = (definition.method, transaction)
        && said.what.read_only == Some(false)
    {
        return Err(Finding::new(source, said.at, "a GET that writes")
            .with_hint("answer POST, PUT, PATCH or DELETE instead"));
    }
    if !definition.reads() {
        return Ok(());
    }
    let Some((at, word)) = writing(source, body) else {
        return Ok(());
    };
    Err(match definition.method {
        Method::Get => {
            let message = format!("{word} under GET: it runs on a read-only connection");
            Finding::new(source, at, message).with_hint("answer POST, PUT, PATCH or DELETE instead")
        }
        _ => {
            let message = format!("{word} in a transaction that is read only");
            Finding::new(source, at, message)
                .with_hint("write `-- tx: read write`, or leave it out")
        }
    })
}

/// Statements that would reach beyond the request: the transaction is peppercorn's, the connection everybody's.
fn statements(definition: &Definition) -> Result<(), Finding> {
    for statement in &definition.statements {
        let [first, second] = statement.first_words();
        let wrong = |message: String, hint: &str| {
            let finding = Finding::new(&definition.source, statement.at(), message);
            Err(finding.with_hint(hint))
        };
        match first.as_str() {
            "begin" | "start" | "commit" | "end" | "abort" | "rollback" | "savepoint"
            | "release" | "prepare" => {
                return wrong(
                    format!("{first}: the statements of an endpoint are one transaction already"),
                    "leave it out; `-- tx:` says how the transaction is",
                );
            }
            "set" if !matches!(second.as_str(), "local" | "transaction" | "constraints") => {
                return wrong(
                    "this setting would stay on a connection that others use".into(),
                    "write `set local`, for this transaction only",
                );
            }
            "copy" => {
                return wrong(
                    "copy has no result to answer with".into(),
                    "write select, or insert",
                );
            }
            _ => {}
        }
    }
    Ok(())
}

fn bulk(definition: &Definition) -> Result<(), Finding> {
    if definition.operator != Operator::Bulk {
        return Ok(());
    }
    let name = &definition.name;
    if Place::of(definition.method) != Place::Body {
        let message = format!(
            "{name}*! takes a list in the body, which {} has not",
            definition.method
        );
        return Err(
            Finding::new(&definition.source, definition.route_at, message)
                .with_hint("answer POST, PUT or PATCH"),
        );
    }
    if let Some(second) = definition.statements.get(1) {
        let message = format!("{name}*! is one statement, run once for each object");
        return Err(Finding::new(&definition.source, second.at(), message));
    }
    Ok(())
}

/// Where parameters are said to be read.
fn places(definition: &Definition) -> Result<(), Finding> {
    let in_path = |name: &str| definition.template.parameters().any(|path| path == name);
    for declaration in &definition.declarations {
        let name = &declaration.name;
        let wrong = |message: String, hint: &str| {
            Err(Finding::new(&definition.source, declaration.at, message).with_hint(hint))
        };
        match &declaration.place {
            Some(Place::Path) if !in_path(name) => {
                return wrong(
                    format!("the path has no {{{name}}}"),
                    "name the parameter in the route as in the statement",
                );
            }
            Some(place) if *place != Place::Path && in_path(name) => {
                return wrong(
                    format!(":{name} is part of the path, and read there"),
                    "leave out where it is read",
                );
            }
            Some(Place::Claim(_)) if definition.is_public() => {
                return wrong(
                    format!(":{name} is a claim, and who may ask without a token has none"),
                    "leave out `-- auth: public`",
                );
            }
            Some(Place::Body) if definition.method == Method::Get => {
                return wrong(
                    format!("a GET has no body to read :{name} from"),
                    "read it from the query, or answer POST",
                );
            }
            _ => {}
        }
    }
    Ok(())
}

fn returns(definition: &Definition) -> Result<(), Finding> {
    let Some(Said { what, at }) = &definition.directives.returns else {
        return Ok(());
    };
    let wrong = |message: String, hint: &str| {
        Err(Finding::new(&definition.source, *at, message).with_hint(hint))
    };
    let name = &definition.name;
    if let Some(media_type) = &what.media_type {
        let is_list = ["application/json", "application/x-ndjson", "text/csv"];
        let is_json = media_type == "application/json" || media_type.ends_with("+json");
        match definition.operator {
            Operator::Affected | Operator::Bulk => {
                return wrong(
                    format!("{name} answers with no rows"),
                    "leave out the media type",
                );
            }
            Operator::Rows if !is_list.contains(&media_type.as_str()) && !is_json => {
                return wrong(
                    format!("{name} is a list, which is not made as {media_type}"),
                    "a list is JSON, text/csv or application/x-ndjson; write $ behind the name to answer with one \
                     value as it is",
                );
            }
            Operator::Row | Operator::Returning if !is_json => {
                return wrong(
                    format!("{name} is an object, which is not made as {media_type}"),
                    "write $ behind the name to answer with one value as it is",
                );
            }
            _ => {}
        }
    }
    let without_body = [
        StatusCode::NoContent,
        StatusCode::ResetContent,
        StatusCode::NotModified,
    ];
    let has_body = definition.operator != Operator::Affected;
    match what.status {
        Some(status) if has_body && without_body.contains(&status) => wrong(
            format!("an answer of {} has no body", status as u16),
            "write ! behind the name to answer without one",
        ),
        _ => Ok(()),
    }
}

fn page(definition: &Definition) -> Result<(), Finding> {
    let Some(Said { what, at }) = &definition.directives.page else {
        return Ok(());
    };
    let wrong = |message: String, hint: &str| {
        Err(Finding::new(&definition.source, *at, message).with_hint(hint))
    };
    if definition.operator != Operator::Rows || definition.method != Method::Get {
        let hint = "leave it out, or answer GET with a list";
        return wrong(format!("{} has no pages", definition.name), hint);
    }
    let used = definition.used();
    let needed = what.0.iter().map(|(_, parameter)| parameter.as_str());
    for name in needed.chain([LIMIT]) {
        if !used.iter().any(|(used, _)| *used == name) {
            let hint = match name {
                LIMIT => {
                    "a page is full when it has as many rows as :limit says: write limit :limit"
                }
                _ => "where the next page begins is told by this parameter",
            };
            return wrong(format!("the statement does not use :{name}"), hint);
        }
    }
    Ok(())
}

fn cache(definition: &Definition) -> Result<(), Finding> {
    match &definition.directives.cache {
        Some(said) if definition.method != Method::Get => {
            let message = format!("an answer to {} is not kept", definition.method);
            Err(Finding::new(&definition.source, said.at, message).with_hint("leave it out"))
        }
        _ => Ok(()),
    }
}
