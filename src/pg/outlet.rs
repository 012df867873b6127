//! Where a result goes that is too large to be held: from the query to whoever sends it on, piece by piece.
//!
//! Both ends are polled by one task, the reader's: it looks for a piece, and polls the query when there is none. So
//! neither end needs waking, and a reader that does not come holds the query up, and PostgreSQL with it.

use std::sync::{Arc, Mutex};
use std::task::Poll;

use crate::lock::lock;

/// The query's end.
pub struct Outlet<P>(Arc<Mutex<Slot<P>>>);

/// The reader's end; dropped, it closes the outlet.
pub(super) struct Inlet<P>(Arc<Mutex<Slot<P>>>);

/// At most one piece is under way.
struct Slot<P> {
    piece: Option<P>,
    closed: bool,
}

/// Both ends.
pub(super) fn outlet<P>() -> (Outlet<P>, Inlet<P>) {
    let slot = Arc::new(Mutex::new(Slot {
        piece: None,
        closed: false,
    }));
    (Outlet(slot.clone()), Inlet(slot))
}

impl<P> Outlet<P> {
    /// Puts out a piece if there is room; it is made only then.
    ///
    /// # Errors
    /// When nobody reads any more.
    pub fn poll_put(&mut self, piece: impl FnOnce() -> P) -> Poll<anyhow::Result<()>> {
        let mut slot = lock(&self.0);
        if slot.closed {
            return Poll::Ready(Err(anyhow::anyhow!("nobody reads the result any more")));
        }
        if slot.piece.is_some() {
            return Poll::Pending;
        }
        slot.piece = Some(piece());
        Poll::Ready(Ok(()))
    }
}

impl<P> Inlet<P> {
    /// Whether a piece is there.
    pub(super) fn is_full(&self) -> bool {
        lock(&self.0).piece.is_some()
    }

    /// The piece that is there.
    pub(super) fn take(&mut self) -> Option<P> {
        lock(&self.0).piece.take()
    }
}

impl<P> Drop for Inlet<P> {
    fn drop(&mut self) {
        lock(&self.0).closed = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_piece_at_a_time_until_nobody_reads() {
        let (mut outlet, mut inlet) = outlet();
        assert!(matches!(outlet.poll_put(|| 1), Poll::Ready(Ok(()))));
        assert!(outlet.poll_put(|| panic!("made without room")).is_pending());
        assert!(inlet.is_full());
        assert_eq!((inlet.take(), inlet.take()), (Some(1), None));
        assert!(matches!(outlet.poll_put(|| 2), Poll::Ready(Ok(()))));
        drop(inlet);
        assert!(matches!(outlet.poll_put(|| 3), Poll::Ready(Err(_))));
    }
}
