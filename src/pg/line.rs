//! The queries on one connection, in the order of their answers.

use std::collections::VecDeque;

/// What is to be done about queries that nobody waits for any more.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Unwanted {
    /// Nothing.
    None,
    /// The first one is one of them, and others are behind it: cancelled, if it takes long.
    First,
    /// They all are: cancelled.
    All,
}

/// Those that are not over.
#[derive(Default)]
pub(super) struct Line {
    queries: VecDeque<Queued>,
    next: u64,
    /// Of them, how many nobody waits for any more.
    abandoned: usize,
}

struct Queued {
    number: u64,
    abandoned: bool,
}

impl Line {
    pub(super) fn len(&self) -> usize {
        self.queries.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queries.is_empty()
    }

    /// One more at the end: its number.
    pub(super) fn push(&mut self) -> u64 {
        self.next += 1;
        self.queries.push_back(Queued {
            number: self.next,
            abandoned: false,
        });
        self.next
    }

    /// It is over.
    pub(super) fn remove(&mut self, number: u64) {
        let place = self.queries.iter().position(|query| query.number == number);
        let removed = place.and_then(|place| self.queries.remove(place));
        self.abandoned -= usize::from(removed.is_some_and(|query| query.abandoned));
    }

    /// Nobody waits for it any more.
    pub(super) fn abandon(&mut self, number: u64) {
        let mut queries = self.queries.iter_mut();
        if let Some(query) = queries.find(|query| query.number == number) {
            query.abandoned = true;
            self.abandoned += 1;
        }
    }

    /// How many at its beginning nobody waits for.
    pub(super) fn unwanted(&self) -> usize {
        let unwanted = self.queries.iter().take_while(|query| query.abandoned);
        unwanted.count()
    }

    /// Whether somebody waits for one of them.
    pub(super) fn is_wanted(&self) -> bool {
        self.abandoned < self.queries.len()
    }
}
