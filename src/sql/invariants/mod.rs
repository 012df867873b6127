//! What holds for any text. Each function takes one and panics where something does not hold for it.
//!
//! One place says it for two: the fuzz targets in `tests/fuzz` search for a text that breaks it, and `tests.rs` tries
//! the same kind of texts in every `cargo test`.

mod header;
mod lexer;

pub use header::header;
pub use lexer::lexer;

use std::sync::Arc;

use super::finding::{Finding, Source};

pub(super) fn source(text: &str) -> Arc<Source> {
    Arc::new(Source::new("a.sql", text))
}

/// A finding says something, and its place is in the file.
fn assert_inside(finding: &Finding, text: &str) {
    assert!(text.is_char_boundary(finding.at), "{finding:?}");
    let shown = finding.to_string();
    let mut parts = shown.splitn(4, ':');
    assert_eq!(parts.next(), Some("a.sql"));
    let number = |part: Option<&str>| part.and_then(|part| part.parse::<usize>().ok());
    let line = number(parts.next()).expect("a line");
    let column = number(parts.next()).expect("a column");
    let line = text.split('\n').nth(line - 1).expect("a line of the file");
    assert!((1..=line.chars().count() + 1).contains(&column), "{shown}");
    assert!(parts.next().is_some_and(|message| message.trim().len() > 5));
}
