//! Paths to ask for: those that are named, or that are chosen when none is.

use std::fmt;
use std::str::FromStr;

use http_types::Method;
use serde::{Deserialize, Serialize};

use super::server::Running;
use crate::sql::{Definition, Operator};

/// What answers the shortest path there is.
pub const PING: &str = "/ping";
/// In place of a parameter: most tables have a row of this number.
const VALUE: &str = "1";

/// A path, and what it is called in tables and plots.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    /// `one row`; the path itself where nobody says.
    pub name: String,
    /// `/contracts/17`, with a query if it has one.
    pub path: String,
}

/// Paths that would do, best first: those of one row, and those of a list.
pub struct Candidates {
    /// One row, or one value.
    pub row: Vec<String>,
    /// Many rows.
    pub list: Vec<String>,
}

impl Candidates {
    /// Of endpoints that only read, and need nothing but numbers.
    pub fn of(definitions: &[Definition]) -> Candidates {
        let reads = |wanted: fn(Operator) -> bool| {
            (definitions.iter())
                .filter(|definition| {
                    definition.method == Method::Get && wanted(definition.operator)
                })
                .filter_map(path)
                .collect()
        };
        Candidates {
            row: reads(|operator| matches!(operator, Operator::Row | Operator::Value)),
            list: reads(|operator| operator == Operator::Rows),
        }
    }
}

impl Candidates {
    /// The first of each kind that a server answers with something.
    pub fn answered_by(&self, server: &Running<'_>) -> Vec<String> {
        let has_answer = |path: &&String| match server.get(path) {
            Ok((200..300, body)) => body != b"[]",
            _ => false,
        };
        let kinds = [&self.row, &self.list];
        kinds
            .iter()
            .filter_map(|kind| kind.iter().find(has_answer).cloned())
            .collect()
    }
}

impl From<String> for Named {
    fn from(path: String) -> Named {
        Named {
            name: path.clone(),
            path,
        }
    }
}

impl FromStr for Named {
    type Err = String;

    /// `/path` or `name=/path`.
    fn from_str(text: &str) -> Result<Named, String> {
        let (name, path) = match text.split_once('=') {
            Some((name, path)) if !text.starts_with('/') => (name, path),
            _ => (text, text),
        };
        let visible = path.bytes().all(|byte| byte.is_ascii_graphic());
        match path.starts_with('/') && visible && !name.is_empty() {
            true => Ok(Named {
                name: name.to_owned(),
                path: path.to_owned(),
            }),
            false => Err(format!(
                "{text:?} is neither a path, such as /markets/7, nor NAME=PATH"
            )),
        }
    }
}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name == self.path {
            true => f.write_str(&self.path),
            false => write!(f, "{} ({})", self.name, self.path),
        }
    }
}

/// A path of the endpoint's, if one can be made up.
fn path(definition: &Definition) -> Option<String> {
    let template = definition.template.as_str();
    let in_path: Vec<&str> = definition.template.parameters().collect();
    for (name, _) in definition.used() {
        let declared = definition.declaration(name);
        let has_default = declared.is_some_and(|declaration| declaration.default.is_some());
        if !has_default && !in_path.contains(&name) {
            return None;
        }
    }
    let mut path = template.to_owned();
    for name in in_path {
        path = path.replace(&format!("{{{name}}}"), VALUE);
    }
    Some(path)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::sql::Source;

    #[test]
    fn paths_may_have_names() {
        let named: Named = "one row=/a?b=c".parse().unwrap();
        assert_eq!(named.to_string(), "one row (/a?b=c)");
        assert_eq!("/a?b=c".parse::<Named>().unwrap().to_string(), "/a?b=c");
        for wrong in ["", "a", "a=b", "=/a", "/a b", "http://x/a"] {
            assert!(wrong.parse::<Named>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn paths_are_made_up_where_numbers_do() {
        let text = "
-- name: a
-- http: GET /a
-- :q text
select :q;
-- name: b
-- http: GET /b
-- :q text default null
select :q;
-- name: c^
-- http: GET /c/{id}/d/{n}
select :id, :n;
-- name: d!
-- http: DELETE /d/{id}
delete from d where id = :id;
";
        let source = Arc::new(Source::new("t.sql", text));
        let parsed = crate::sql::file::parse(&source);
        let (definitions, findings) = (parsed.definitions, parsed.findings);
        assert!(findings.is_empty());
        let candidates = Candidates::of(&definitions);
        assert_eq!(candidates.row, ["/c/1/d/1"]);
        assert_eq!(candidates.list, ["/b"]);
    }
}
