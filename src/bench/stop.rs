//! Ctrl-C: what is under way is given up, what is measured is kept.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::{SIGINT, SIGTERM};

/// Whether this process was asked to end.
pub struct Stop(Arc<AtomicBool>);

/// It was.
#[derive(Debug)]
pub struct Interrupted;

impl Stop {
    /// From now on INT and TERM only ask.
    ///
    /// # Errors
    /// The system refuses it.
    pub fn on_signals() -> std::io::Result<Stop> {
        let stop = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            signal_hook::flag::register(signal, stop.clone())?;
        }
        Ok(Stop(stop))
    }

    /// Goes on unless it was asked to end.
    ///
    /// # Errors
    /// [`Interrupted`].
    pub fn check(&self) -> Result<(), Interrupted> {
        match self.0.load(Ordering::Relaxed) {
            true => Err(Interrupted),
            false => Ok(()),
        }
    }
}

impl fmt::Display for Interrupted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("interrupted")
    }
}

impl std::error::Error for Interrupted {}
