//! Signals to a worker: TERM and INT finish what is in flight, QUIT or a second signal stops at once.

use std::time::Duration;

use async_signal::{Signal, Signals};
use futures_lite::StreamExt;

use crate::observe::{self, Event};
use crate::runtime::{Clock, Drain};

/// The signals that end a worker, from now on delivered here.
///
/// # Errors
/// When the system refuses to hand them over.
pub(super) fn listen() -> std::io::Result<Signals> {
    Signals::new([Signal::Term, Signal::Int, Signal::Quit])
}

/// Drains at the first signal; cuts at the second, or when `limit` is over. Never ends.
pub(super) async fn obey(mut signals: Signals, drain: &Drain, clock: &Clock, limit: Duration) {
    match signals.next().await {
        Some(Ok(Signal::Quit)) => drain.cut(),
        _ => {
            observe::emit(&Event::Draining { limit });
            drain.start();
            let mut deadline = clock.deadline();
            deadline.arm(limit);
            let _second = deadline.race(signals.next()).await;
            drain.cut();
        }
    }
    std::future::pending().await
}
