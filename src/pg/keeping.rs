//! The keepers of an executor's pools: pools come and go while the executor runs, and all of them end with it.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::Poll;

use futures_lite::Stream;
use smol::channel::Receiver;

use super::session::Keeper;
use crate::runtime::Spawn;

/// Runs every keeper that arrives for as long as its pool is open. Once the channel is closed, closes the pools that
/// are, and ends with the last of their keepers.
pub async fn keep<S: Spawn>(arrivals: Receiver<Keeper>, spawn: S) {
    let mut arrivals = pin!(arrivals);
    // Pools, each with its keeper at work.
    let mut kept = Vec::new();
    poll_fn(|context| {
        let open = loop {
            match arrivals.as_mut().poll_next(context) {
                Poll::Ready(Some(keeper)) => {
                    let pool = keeper.pool();
                    kept.push((pool, Box::pin(keeper.run(spawn.clone()))));
                }
                Poll::Ready(None) => break false,
                Poll::Pending => break true,
            }
        };
        if !open {
            kept.iter().for_each(|(pool, _)| pool.close());
        }
        kept.retain_mut(|(_, keeper)| Pin::as_mut(keeper).poll(context).is_pending());
        match open || !kept.is_empty() {
            true => Poll::Pending,
            false => Poll::Ready(()),
        }
    })
    .await;
}
