//! What stands behind `-- name:`: `list-markets(sport, limit)^`.

use std::ops::Range;
use std::sync::Arc;

use super::Operator;
use crate::sql::finding::{Finding, Source};

/// An endpoint's name, and what is said of it there.
pub(super) struct Name {
    pub(super) name: String,
    /// aiosql's list of parameters, if there is one.
    pub(super) listed: Option<Vec<String>>,
    pub(super) operator: Operator,
}

/// `list-markets(sport, limit)` with an operator behind it; the list may be absent.
pub(super) fn parse_name(source: &Arc<Source>, line: Range<usize>) -> Result<Name, Finding> {
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
        "*!" => Operator::Bulk,
        other => return Err(wrong(format!("{other} is not an operator"), OPERATORS)),
    };
    Ok(Name {
        name: name.to_owned(),
        listed,
        operator,
    })
}

const OPERATORS: &str = "none for rows, ^ for one row, $ for one value, ! for affected rows, <! for the written row, \
                         *! for each object of a list";
