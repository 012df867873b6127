//! A statement's tokens, and its select list among them.

use std::ops::Range;

use super::Reading;
use crate::sql::lexer::Token;

impl<'a> Reading<'a> {
    /// The items of the only select list: a statement with more, one that adds groups or one of another kind has none.
    pub(super) fn list(&self) -> Option<Vec<Range<usize>>> {
        let start = match self.word(0).as_str() {
            "select" => 1,
            // The list behind the last `returning` outside of parentheses.
            "insert" | "update" | "delete" => self.outside("returning")? + 1,
            "with" => {
                self.outside("returning")
                    .or_else(|| self.outside("select"))?
                    + 1
            }
            _ => return None,
        };
        if matches!(self.word(start).as_str(), "distinct" | "all") {
            return None;
        }
        let combines = ["union", "intersect", "except"];
        if combines.iter().any(|word| self.outside(word).is_some()) {
            return None;
        }
        let ends = [
            "from", "where", "group", "having", "window", "order", "limit", "offset", "fetch",
            "for",
        ];
        let mut items = Vec::new();
        let (mut depth, mut begin) = (0_usize, start);
        for index in start..self.tokens.len() {
            match self.text(index) {
                "(" | "[" => depth += 1,
                ")" | "]" => depth = depth.checked_sub(1)?,
                "," if depth == 0 => {
                    items.push(begin..index);
                    begin = index + 1;
                }
                // All columns of something: how many is not known.
                "*" if depth == 0 && (index == begin || self.text(index - 1) == ".") => {
                    return None;
                }
                _ if depth == 0 && ends.contains(&self.word(index).as_str()) => {
                    items.push(begin..index);
                    return Some(items);
                }
                _ => {}
            }
        }
        items.push(begin..self.tokens.len());
        Some(items)
    }

    /// Where a word stands that is in no parentheses, the last time.
    fn outside(&self, wanted: &str) -> Option<usize> {
        let mut depth = 0_usize;
        let mut found = None;
        for index in 0..self.tokens.len() {
            match self.text(index) {
                "(" | "[" => depth += 1,
                ")" | "]" => depth = depth.saturating_sub(1),
                _ if depth == 0 && self.word(index) == wanted => found = Some(index),
                _ => {}
            }
        }
        found
    }

    /// An item without `as name`, or a name alone behind it.
    pub(super) fn without_name(&self, item: Range<usize>) -> Range<usize> {
        let length = item.len();
        let is_name =
            |index: usize| matches!(self.tokens[index].0, Token::Word | Token::QuotedName);
        if length >= 3 && self.word(item.end - 2) == "as" && is_name(item.end - 1) {
            return item.start..item.end - 2;
        }
        // `count(*) n`
        if length >= 2 && is_name(item.end - 1) && self.text(item.end - 2) == ")" {
            return item.start..item.end - 1;
        }
        item
    }

    /// Where the parenthesis ends that begins at `open`.
    pub(super) fn closing(&self, open: usize, end: usize) -> Option<usize> {
        let mut depth = 0_usize;
        (open..end).find(|index| {
            match self.text(*index) {
                "(" | "[" => depth += 1,
                ")" | "]" => depth -= 1,
                _ => {}
            }
            depth == 0
        })
    }

    pub(super) fn arguments(&self, inside: Range<usize>) -> Vec<Range<usize>> {
        let mut arguments = Vec::new();
        let (mut depth, mut begin) = (0_usize, inside.start);
        for index in inside.clone() {
            match self.text(index) {
                "(" | "[" => depth += 1,
                ")" | "]" => depth = depth.saturating_sub(1),
                "," if depth == 0 => {
                    arguments.push(begin..index);
                    begin = index + 1;
                }
                _ => {}
            }
        }
        arguments.push(begin..inside.end);
        arguments
    }

    pub(super) fn text(&self, index: usize) -> &'a str {
        self.tokens.get(index).map_or("", |(_, text)| text)
    }

    /// A keyword or an unquoted name, in lower case; nothing for anything else.
    pub(super) fn word(&self, index: usize) -> String {
        match self.tokens.get(index) {
            Some((Token::Word, text)) => text.to_ascii_lowercase(),
            _ => String::new(),
        }
    }
}
