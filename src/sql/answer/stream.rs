//! A list on its way, piece by piece.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_lite::Stream;

use super::rows::Rows;
use crate::pg::{Next, Pieces};

/// A list on its way.
pub(super) struct List {
    first: Option<Vec<u8>>,
    /// None after the end.
    pieces: Option<Pieces<Rows, Rows>>,
}

impl List {
    pub(super) fn new(first: Vec<u8>, pieces: Pieces<Rows, Rows>) -> List {
        List {
            first: Some(first),
            pieces: Some(pieces),
        }
    }
}

impl Stream for List {
    type Item = anyhow::Result<Vec<u8>>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(first)));
        }
        let Some(pieces) = &mut self.pieces else {
            return Poll::Ready(None);
        };
        Poll::Ready(Some(match ready!(pieces.poll_next(context)) {
            Ok(Next::Piece(mut rows)) => Ok(rows.take()),
            Ok(Next::End(mut done)) => {
                self.pieces = None;
                Ok(done.collected.closed())
            }
            Err(problem) => {
                self.pieces = None;
                Err(problem.into())
            }
        }))
    }
}
