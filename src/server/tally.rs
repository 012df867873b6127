//! What a server counts, in words that others may read.

use std::sync::atomic::{AtomicU64, Ordering};

use smol::channel::{Receiver, Sender};

/// Counts requests and connections. Cheap to clone; clones count together.
#[derive(Clone)]
pub struct Tally {
    requests: &'static AtomicU64,
    connections: &'static AtomicU64,
    /// The request with this number, from 1, closes `reached`.
    limit: u64,
    reached: Sender<()>,
}

impl Tally {
    /// Counts in these words. The receiver sees its channel closed when `limit` requests have been answered; with 0,
    /// never.
    pub fn new(
        requests: &'static AtomicU64,
        connections: &'static AtomicU64,
        limit: u64,
    ) -> (Tally, Receiver<()>) {
        let (reached, receiver) = smol::channel::bounded(1);
        let tally = Tally {
            requests,
            connections,
            limit,
            reached,
        };
        (tally, receiver)
    }

    /// One that nobody reads.
    pub fn unread() -> Tally {
        static WORDS: [AtomicU64; 2] = [const { AtomicU64::new(0) }; 2];
        Tally::new(&WORDS[0], &WORDS[1], 0).0
    }

    /// One more request has been answered.
    pub(super) fn count_request(&self) {
        // Others count beside us: exactly one of them sees the limit.
        if self.requests.fetch_add(1, Ordering::Relaxed) + 1 == self.limit {
            self.reached.close();
        }
    }

    /// A connection is open until the guard is dropped.
    pub(super) fn connected(&self) -> Connected {
        self.connections.fetch_add(1, Ordering::Relaxed);
        Connected(self.connections)
    }
}

/// An open connection's part in a [`Tally`].
pub(super) struct Connected(&'static AtomicU64);

impl Drop for Connected {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
