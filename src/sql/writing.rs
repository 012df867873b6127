//! Where a text says that it writes: what PostgreSQL refuses in a read-only transaction, each time it is run.
//!
//! Functions may write as well; of those only PostgreSQL's own for sequences are known by their names.

use std::ops::Range;
use std::sync::Arc;

use super::finding::Source;
use super::lexer::Token;
use super::statement::tokens;

/// What changes rows, as a statement or in `with`.
const CHANGES: [&str; 4] = ["insert", "update", "delete", "merge"];
/// What else begins a statement that writes.
const BEGINS: [&str; 8] = [
    "truncate", "create", "alter", "drop", "grant", "revoke", "comment", "refresh",
];

/// The first place of `range` that writes, and what stands there.
pub(super) fn writing(source: &Arc<Source>, range: Range<usize>) -> Option<(usize, String)> {
    let tokens = tokens(source, range).flatten();
    let tokens = tokens.filter(|(token, _)| !token.is_blank());
    let text = Text {
        text: &source.text,
        tokens: tokens.collect(),
    };
    let words = text.first()?;
    let place = |index: usize| text.tokens[index].1.clone();
    let shown: Vec<&str> = words.clone().map(|index| text.at(index)).collect();
    Some((place(words.start).start, shown.join(" ")))
}

/// A text without its blanks and comments.
struct Text<'a> {
    text: &'a str,
    tokens: Vec<(Token, Range<usize>)>,
}

impl Text<'_> {
    /// The tokens of what writes first.
    fn first(&self) -> Option<Range<usize>> {
        // For each open parenthesis, whether `for` says how many characters in it.
        let mut open: Vec<bool> = Vec::new();
        let mut begin = 0;
        // Behind `with` and its queries, which is where the statement begins that has them.
        let mut awaits = false;
        for index in 0..self.tokens.len() {
            let before = |words: &[&str]| index > 0 && self.is(index - 1, words);
            match self.at(index) {
                ";" => {
                    open.clear();
                    (begin, awaits) = (index + 1, false);
                }
                "(" => open.push(before(&["substring", "overlay"])),
                ")" => drop(open.pop()),
                _ if index == begin => {
                    if self.is(index, &CHANGES) || self.is(index, &BEGINS) {
                        return Some(index..index + 1);
                    }
                    awaits = self.is(index, &["with"]);
                }
                _ if self.is(index, &CHANGES) => {
                    let is_main = awaits && open.is_empty() && self.at(index - 1) == ")";
                    if is_main || self.opens_query(index) {
                        return Some(index..index + 1);
                    }
                }
                _ if open.is_empty() && self.is(index, &["select", "values", "table"]) => {
                    awaits = false;
                }
                _ if self.is(index, &["for"]) && open.last() != Some(&true) => {
                    if let Some(length) = self.strength(index + 1) {
                        return Some(index..index + 1 + length);
                    }
                }
                _ if self.is(index, &["nextval", "setval"]) && self.is_call(index) => {
                    return Some(index..index + 1);
                }
                _ => {}
            }
        }
        None
    }

    /// `as (delete …`, `as materialized (delete …`
    fn opens_query(&self, index: usize) -> bool {
        index >= 2 && self.at(index - 1) == "(" && self.is(index - 2, &["as", "materialized"])
    }

    /// How many words say how rows are locked, if they do.
    fn strength(&self, index: usize) -> Option<usize> {
        let word = |offset: usize, word: &str| self.is(index + offset, &[word]);
        match () {
            () if word(0, "update") || word(0, "share") => Some(1),
            () if word(0, "key") && word(1, "share") => Some(2),
            () if word(0, "no") && word(1, "key") && word(2, "update") => Some(3),
            () => None,
        }
    }

    /// Whether PostgreSQL's own function of this name is called: not somebody else's, nor a name with its columns.
    fn is_call(&self, index: usize) -> bool {
        let own = match index.checked_sub(1).map(|before| self.at(before)) {
            Some(".") => index >= 2 && self.is(index - 2, &["pg_catalog"]),
            Some(_) => !self.is(index - 1, &["as", "with", "recursive"]),
            None => true,
        };
        own && self.at(index + 1) == "("
    }

    fn at(&self, index: usize) -> &str {
        let token = self.tokens.get(index);
        token.map_or("", |(_, place)| &self.text[place.clone()])
    }

    /// Whether it is one of these words.
    fn is(&self, index: usize, words: &[&str]) -> bool {
        matches!(self.tokens.get(index), Some((Token::Word, _)))
            && words
                .iter()
                .any(|word| self.at(index).eq_ignore_ascii_case(word))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Option<(usize, String)> {
        let source = Arc::new(Source::new("t.sql", text));
        writing(&source, 0..text.len())
    }

    #[test]
    fn what_writes_is_found_where_it_stands() {
        for (text, what) in [
            ("/* x */ Insert into t values (1)", "Insert"),
            ("select 1; truncate t", "truncate"),
            ("create temp table x as select 1; select * from x", "create"),
            ("with a as (\n delete from t returning 1) select", "delete"),
            (
                "with a as not materialized (update t set b = 1) select",
                "update",
            ),
            (
                "with a as (select 1) insert into t select * from a",
                "insert",
            ),
            (
                "with a (update) as (select 1), b as (select 2) merge into t using b",
                "merge",
            ),
            ("select * from t for update", "for update"),
            (
                "select * from t where a = substring(b for 3) FOR  Share of t nowait",
                "FOR Share",
            ),
            (
                "select * from (select * from t for /* x */ no key update) as x",
                "for no key update",
            ),
            (
                "select substring((select a from t for key share) for 3)",
                "for key share",
            ),
            ("select nextval('s')", "nextval"),
            ("select a, pg_catalog . SetVal ('s', 1) from t", "SetVal"),
        ] {
            let first = what.split(' ').next().unwrap();
            let (at, shown) = found(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(
                (&text[at..at + first.len()], &*shown),
                (first, what),
                "{text}"
            );
        }
    }

    #[test]
    fn what_only_looks_like_it_is_not() {
        for text in [
            "select update from t where x = 'delete' -- for update",
            "select max(update), coalesce(delete, 1), count(insert) from t",
            "with update as (select 1), delete as (select 2) select * from update, delete",
            "with a as (select 1) select (b) update from a",
            "select substring(name for share), overlay(a placing b from 1 for update) from t",
            "select \"for\" update from t",
            "select nextval, setval from t",
            "select shop.nextval('s')",
            "with nextval(a) as (select 1) select a from nextval",
            "select last_value from s",
            "select 'insert'; select \"delete\" from t",
        ] {
            assert_eq!(found(text), None, "{text}");
        }
    }
}
