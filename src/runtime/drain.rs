//! The end of life, as a value: everybody who holds a [`Drain`] learns that the server is to finish.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use super::Clock;

/// Says whether to go on, to finish what is in flight, or to stop at once. Cheap to clone.
#[derive(Clone)]
pub struct Drain(Arc<Shared>);

struct Shared {
    stage: AtomicU8,
    clock: Clock,
    /// Closed when draining begins, for those who wait for nothing else.
    begin: (smol::channel::Sender<()>, smol::channel::Receiver<()>),
    /// Closed when everything is to be cut.
    cut: (smol::channel::Sender<()>, smol::channel::Receiver<()>),
}

const RUNNING: u8 = 0;
const LEAVING: u8 = 1;
const DRAINING: u8 = 2;
const CUT: u8 = 3;

impl Drain {
    /// Running.
    pub fn new(clock: &Clock) -> Drain {
        let stage = AtomicU8::new(RUNNING);
        let (begin, cut) = (smol::channel::bounded(1), smol::channel::bounded(1));
        Drain(Arc::new(Shared {
            stage,
            clock: clock.clone(),
            begin,
            cut,
        }))
    }

    /// Says that the drain will begin: requests are answered as ever, and who asks is told not to stay.
    pub fn announce(&self) {
        self.0.stage.fetch_max(LEAVING, Ordering::AcqRel);
    }

    /// Asks everybody to finish: no new work, what is in flight is completed.
    pub fn start(&self) {
        self.0.stage.fetch_max(DRAINING, Ordering::AcqRel);
        self.0.begin.0.close();
        // Idle connections wait for bytes or a deadline: they look up at this.
        self.0.clock.wake_all();
    }

    /// Asks everybody to stop where they are.
    pub fn cut(&self) {
        self.0.stage.store(CUT, Ordering::Release);
        self.0.begin.0.close();
        self.0.cut.0.close();
        self.0.clock.wake_all();
    }

    /// Whether clients should go elsewhere: it was announced, or has begun.
    pub fn is_leaving(&self) -> bool {
        self.0.stage.load(Ordering::Acquire) != RUNNING
    }

    /// Whether [`Drain::start`] was called.
    pub fn is_draining(&self) -> bool {
        self.0.stage.load(Ordering::Acquire) >= DRAINING
    }

    /// Whether [`Drain::cut`] was called.
    pub fn is_cut(&self) -> bool {
        self.0.stage.load(Ordering::Acquire) == CUT
    }

    /// Waits for [`Drain::start`].
    pub async fn started(&self) {
        let _closed = self.0.begin.1.recv().await;
    }

    /// Waits for [`Drain::cut`].
    pub async fn until_cut(&self) {
        let _closed = self.0.cut.1.recv().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_is_told_once_and_for_good() {
        let drain = Drain::new(&Clock::start().unwrap());
        let other = drain.clone();
        assert!(!other.is_draining());
        drain.start();
        async_io::block_on(other.started());
        assert!(other.is_draining() && !other.is_cut());
        drain.cut();
        drain.start();
        async_io::block_on(other.until_cut());
        assert!(other.is_cut());
    }
}
