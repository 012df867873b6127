//! The words of a declaration.

use std::ops::Range;

use super::DeclarationError;
use crate::work;

/// The words of a declaration up to `--`: separated by spaces; quotes and parentheses hold together.
pub(super) fn words(text: &str) -> Result<Vec<Range<usize>>, DeclarationError> {
    let mut words = Vec::new();
    let (mut start, mut end) = (None, text.len());
    let (mut depth, mut quoted) = (0_usize, false);
    work::add(text.len());
    for (at, character) in text.char_indices() {
        let inside = quoted || depth > 0;
        if !inside && text[at..].starts_with("--") {
            end = at;
            break;
        }
        match character {
            '\'' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
        match (start, character.is_whitespace() && !inside) {
            (None, false) => start = Some(at),
            (Some(begin), true) => {
                words.push(begin..at);
                start = None;
            }
            _ => {}
        }
    }
    if quoted || depth > 0 {
        return Err((0, "a quote or a parenthesis is not closed".into()));
    }
    if let Some(begin) = start {
        words.push(begin..begin + text[begin..end].trim_end().len());
    }
    Ok(words)
}

/// The text after `--`, which follows the last word.
pub(super) fn comment(text: &str, last: usize) -> String {
    let rest = text.get(last..).unwrap_or("");
    rest.trim_start()
        .strip_prefix("--")
        .unwrap_or("")
        .trim()
        .to_owned()
}

pub(super) fn list_items(list: &str) -> Vec<String> {
    let mut items = vec![String::new()];
    let mut quoted = false;
    for character in list.chars() {
        match (character, items.last_mut()) {
            (',', _) if !quoted => items.push(String::new()),
            (other, Some(item)) => {
                quoted ^= other == '\'';
                item.push(other);
            }
            (_, None) => {}
        }
    }
    items.iter().map(|item| unquoted(item.trim())).collect()
}

/// `'it''s'` → `it's`; anything else as it is.
pub(super) fn unquoted(word: &str) -> String {
    match word
        .strip_prefix('\'')
        .and_then(|rest| rest.strip_suffix('\''))
    {
        Some(inner) => inner.replace("''", "'"),
        None => word.to_owned(),
    }
}
