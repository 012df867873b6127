//! The room as a whole: bytes into a reader, requests or a refusal out of it, however the bytes are cut.

mod heads;
mod inputs;
mod memory;
mod messages;
mod properties;

use super::invariants::connection::{Outcome, Summary, read};
use super::*;

fn outcome(text: &str) -> Outcome {
    let bytes: Vec<u8> = text
        .chars()
        .map(|c| u8::try_from(u32::from(c)).expect("latin-1"))
        .collect();
    let limits = Limits::default();
    let whole = read(&bytes, &[usize::MAX], limits);
    for pieces in [[1].as_slice(), &[2], &[7, 1, 64]] {
        assert_eq!(
            whole,
            read(&bytes, pieces, limits),
            "{text:?} in {pieces:?}"
        );
    }
    whole
}

fn refusal(text: &str) -> Option<Refusal> {
    outcome(text).refusal
}

/// The one request of `text`.
fn request(text: &str) -> Summary {
    let mut outcome = outcome(text);
    assert_eq!(
        (outcome.refusal, outcome.truncated),
        (None, false),
        "{text:?}"
    );
    assert_eq!(outcome.requests.len(), 1, "{text:?}");
    outcome.requests.remove(0)
}
