//! Memory that connections need while they are busy, and leave to others while they wait for a request.
//!
//! So an idle connection holds no buffer at all, and busy ones work in the few that are in the processor's cache. Each
//! thread keeps its own: a lock would be taken twice per request.

use std::cell::RefCell;

use crate::http;

/// Kept for the next connection, per thread, at most.
const MOST: usize = 64;
/// What has grown larger than this, in bytes, for a large request or answer is not kept.
const MOST_BYTES: usize = 16 * 1024;

/// A busy connection's buffers.
#[derive(Default)]
pub(super) struct Memory {
    pub(super) reader: http::Memory,
    pub(super) out: Vec<u8>,
}

thread_local! {
    static FREE: RefCell<Vec<Memory>> = const { RefCell::new(Vec::new()) };
}

impl Memory {
    pub(super) fn take() -> Memory {
        FREE.with_borrow_mut(Vec::pop).unwrap_or_default()
    }

    /// Keeps it for the next connection, unless there is enough.
    pub(super) fn put_back(self) {
        let (read, out) = (self.reader.size(), self.out.capacity());
        if read == 0 || read > MOST_BYTES || out > MOST_BYTES {
            return;
        }
        FREE.with_borrow_mut(|free| {
            if free.len() < MOST {
                free.push(self);
            }
        });
    }
}
