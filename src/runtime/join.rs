//! Several futures on one task.

use std::future::{Future, poll_fn};
use std::task::Poll;

/// Runs futures side by side. Where they share a connection, awaiting them in turn could wait for one whose answer is held
/// up by another's.
pub(crate) async fn join_all<F: Future>(futures: Vec<F>) -> Vec<F::Output> {
    let mut running: Vec<_> = futures.into_iter().map(Box::pin).map(Some).collect();
    let mut outputs: Vec<_> = running.iter().map(|_| None).collect();
    poll_fn(|context| {
        for (future, output) in running.iter_mut().zip(&mut outputs) {
            if let Some(Poll::Ready(value)) =
                future.as_mut().map(|future| future.as_mut().poll(context))
            {
                (*future, *output) = (None, Some(value));
            }
        }
        match running.iter().all(Option::is_none) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    })
    .await;
    outputs.into_iter().flatten().collect()
}
