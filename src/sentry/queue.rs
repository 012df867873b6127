//! What waits for Sentry's thread: bounded in number and in bytes, and taken or dropped at once.

use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock};
use std::thread::ThreadId;
use std::time::Duration;

use sentry_core::protocol::EnvelopeItem;
use sentry_core::{Envelope, Transport};
use smol::channel::{Receiver, Sender, bounded, unbounded};

use super::ledger::{Category, Count, Ledger, Outcome};
use super::limits::Limits;
use crate::lock::lock;

/// Events that may wait.
const MOST_EVENTS: usize = 100;
/// Of memory that they may hold, together. A single one of more is refused: Sentry takes none above 1 MiB.
const MOST_BYTES: usize = 4 << 20;

/// What the thread is to do.
pub(super) enum Work {
    /// Captures something of this kind.
    Job(Category, Box<dyn FnOnce() + Send>),
    /// Has been captured.
    Envelope(Box<Envelope>),
}

/// One event that waits.
pub(super) struct Entry {
    pub(super) work: Work,
    bytes: usize,
}

/// What Sentry's thread and those that feed it share.
pub(super) struct Queue {
    entries: (Sender<Entry>, Receiver<Entry>),
    /// What the entries hold of memory.
    bytes: AtomicUsize,
    /// Those who wait until what is in the queue now is sent: their ends are dropped then.
    waiting: (Sender<Sender<()>>, Receiver<Sender<()>>),
    pub(super) limits: Limits,
    pub(super) ledger: Ledger,
    sample_rate: f32,
    /// The thread's id: what is captured there is the work of a job.
    thread: OnceLock<ThreadId>,
    /// What the job that runs has captured.
    captured: Mutex<Vec<Envelope>>,
}

impl Queue {
    pub(super) fn new(sample_rate: f32, count: Count) -> Queue {
        Queue {
            entries: bounded(MOST_EVENTS),
            bytes: AtomicUsize::new(0),
            waiting: unbounded(),
            limits: Limits::new(),
            ledger: Ledger::new(count),
            sample_rate,
            thread: OnceLock::new(),
            captured: Mutex::new(Vec::new()),
        }
    }

    /// Whether an event of this kind would be taken now; the outcome that it would have instead.
    pub(super) fn takes(&self, category: Category) -> Result<(), Outcome> {
        if self.limits.hold(category.reported()) {
            return Err(Outcome::RateLimited);
        }
        let full = self.entries.0.is_full() || self.bytes.load(Ordering::Relaxed) >= MOST_BYTES;
        match full {
            true => Err(Outcome::QueueOverflow),
            false => Ok(()),
        }
    }

    /// Takes a job that holds so much memory, or counts it as lost.
    pub(super) fn submit(
        &self,
        category: Category,
        bytes: usize,
        job: impl FnOnce() + Send + 'static,
    ) -> bool {
        let taken = self.takes(category).and_then(|()| {
            // Of errors, a share. Whether a request is traced was decided when it began.
            if category == Category::Error && !self.samples() {
                return Err(Outcome::SampledOut);
            }
            let bytes = bytes.saturating_add(size_of_val(&job));
            self.reserve(bytes)?;
            let work = Work::Job(category, Box::new(job));
            self.put(Entry { work, bytes })
                .map_err(|(_, outcome)| outcome)
        });
        if let Err(outcome) = taken {
            self.ledger.lose(category, outcome);
        }
        taken.is_ok()
    }

    /// Takes what code elsewhere has captured, or counts it as lost.
    fn offer(&self, envelope: Envelope) {
        let taken = match kind(&envelope) {
            Some(category) => self.takes(category),
            None if self.limits.hold_all() => Err(Outcome::RateLimited),
            None => Ok(()),
        };
        let taken = taken.and_then(|()| match envelope.event() {
            Some(_) if !self.samples() => Err(Outcome::SampledOut),
            _ => Ok(length(&envelope)),
        });
        let taken = taken.and_then(|bytes| self.reserve(bytes).map(|()| bytes));
        let (envelope, outcome) = match taken {
            Ok(bytes) => {
                let work = Work::Envelope(Box::new(envelope));
                match self.put(Entry { work, bytes }) {
                    Err((Work::Envelope(envelope), outcome)) => (*envelope, outcome),
                    _ => return,
                }
            }
            Err(outcome) => (envelope, outcome),
        };
        self.ledger.count(outcome);
        self.ledger.lose_envelope(&envelope, outcome);
    }

    fn samples(&self) -> bool {
        self.sample_rate >= 1.0 || fastrand::f32() < self.sample_rate
    }

    fn reserve(&self, bytes: usize) -> Result<(), Outcome> {
        let add = |before: usize| {
            let after = before.saturating_add(bytes);
            (after <= MOST_BYTES).then_some(after)
        };
        let (set, fetch) = (Ordering::Relaxed, Ordering::Relaxed);
        let added = self.bytes.fetch_update(set, fetch, add);
        added.map_or(Err(Outcome::QueueOverflow), |_| Ok(()))
    }

    fn put(&self, entry: Entry) -> Result<(), (Work, Outcome)> {
        self.entries.0.try_send(entry).map_err(|error| {
            let outcome = match error.is_closed() {
                true => Outcome::Abandoned,
                false => Outcome::QueueOverflow,
            };
            let Entry { work, bytes } = error.into_inner();
            self.bytes.fetch_sub(bytes, Ordering::Relaxed);
            (work, outcome)
        })
    }

    /// Takes the next entry in hand, once there is one; `None` when there is none any more.
    pub(super) async fn next(&self) -> Option<Work> {
        let Entry { work, bytes } = self.entries.1.recv().await.ok()?;
        self.ledger.take_in_hand(1);
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
        Some(work)
    }

    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.entries.1.len()
    }

    /// Takes nothing any more. What waits is still sent.
    pub(super) fn close(&self) {
        // In this order: who sees the end of the entries has seen all who wait.
        self.waiting.0.close();
        self.entries.0.close();
    }

    /// What waits is not sent any more.
    pub(super) fn abandon(&self) {
        self.close();
        while self.entries.1.try_recv().is_ok() {
            self.ledger.count(Outcome::Abandoned);
        }
        self.ledger.abandon();
    }

    /// Waits until what has been taken so far is sent or lost.
    pub(super) async fn flushed(&self) {
        if self.is_own_thread() {
            return;
        }
        let (done, sent) = bounded(1);
        // Nobody is left to answer when it is closed: nothing is sent any more.
        if self.waiting.0.send(done).await.is_ok() {
            let _dropped = sent.recv().await;
        }
    }

    /// The next who waits; `None` when everything is to end.
    pub(super) async fn next_waiting(&self) -> Option<Sender<()>> {
        self.waiting.1.recv().await.ok()
    }

    /// Lets all go who wait and have not been seen yet.
    pub(super) fn release_waiting(&self) {
        while self.waiting.1.try_recv().is_ok() {}
    }

    /// The calling thread is Sentry's from now on.
    pub(super) fn own_thread(&self) {
        // It is started once.
        let _second = self.thread.set(std::thread::current().id());
    }

    pub(super) fn is_own_thread(&self) -> bool {
        self.thread.get() == Some(&std::thread::current().id())
    }

    /// What has been captured on Sentry's thread since the last call.
    pub(super) fn captured(&self) -> Vec<Envelope> {
        let mut captured = lock(&self.captured);
        std::mem::take(&mut captured)
    }
}

/// What Sentry's library sends is queued, on whatever thread it is captured.
impl Transport for Queue {
    fn send_envelope(&self, envelope: Envelope) {
        if self.is_own_thread() {
            let mut captured = lock(&self.captured);
            captured.push(envelope);
        } else {
            self.offer(envelope);
        }
    }

    /// Blocks, as its contract has it. Nothing in this program calls it.
    fn flush(&self, timeout: Duration) -> bool {
        super::wait(self, timeout)
    }
}

/// What an envelope is for the limits; `None` if there is neither an error nor a transaction in it.
fn kind(envelope: &Envelope) -> Option<Category> {
    envelope.items().find_map(|item| match item {
        EnvelopeItem::Event(_) => Some(Category::Error),
        EnvelopeItem::Transaction(_) => Some(Category::Transaction),
        _ => None,
    })
}

/// How many bytes an envelope is when it is sent: about what it holds of memory.
fn length(envelope: &Envelope) -> usize {
    struct Length(usize);
    impl Write for Length {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut length = Length(0);
    match envelope.to_writer(&mut length) {
        Ok(()) => length.0,
        // What cannot be written cannot be sent: there is never room for it.
        Err(_) => usize::MAX,
    }
}
