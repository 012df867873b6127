//! Signals to a worker: TERM finishes what is in flight; INT, QUIT or a second signal stop at once, as with gunicorn.

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

/// Drains at TERM; cuts at any other signal, at the second, or when `limit` is over. Never ends.
pub(super) async fn obey(mut signals: Signals, drain: &Drain, clock: &Clock, limit: Duration) {
    match signals.next().await {
        Some(Ok(Signal::Int | Signal::Quit)) => drain.cut(),
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
