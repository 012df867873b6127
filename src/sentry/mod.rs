//! Sentry's client: a thread of its own, and the transport on it.
//!
//! ```text
//! executor ── submit(job), never waits ──▶ queue of 100 ──▶ thread "sentry": the job makes an event,
//!                    │                                       sentry-core an envelope, it is sent
//!                    └─ full, limited or away: dropped, counted, and told to Sentry by and by
//! ```
//!
//! Nothing of it runs on an executor thread but the decision whether an event is taken, which is a few loads: neither
//! names of stack frames, nor JSON, nor TLS, nor a server that does not answer hold a request up. What is dropped is counted
//! once, by its [`Outcome`] here and by its category in the client reports that Sentry gets.
//!
//! | module | what it is |
//! |---|---|
//! | `settings` | the environment's part |
//! | `thread` | the loop: jobs, envelopes, client reports |
//! | `post` | one envelope to Sentry, on a connection that is kept; `line` opens it, through a proxy if there is one |
//! | `limits` | what Sentry does not want for a while |
//! | [`frames`] | stacks as Sentry has them |
//!
//! Source: develop.sentry.dev, "Envelopes", "Rate Limiting", "Client Reports".

pub mod frames;
mod limits;
mod line;
mod post;
mod proxy;
mod settings;
mod thread;

use std::fmt;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use sentry_core::client_report::{Reason, Recorder};
use sentry_core::protocol::{Envelope, Event, Transaction};
use sentry_core::{Client, Hub, Scope, Transport, TransportFactory, TransportOptions};
use smol::channel::{Sender, TrySendError};

use limits::Limits;
pub use settings::Settings;
use thread::Work;

/// Events that wait to be sent, at most; the next is dropped.
const QUEUE: usize = 100;

/// What kind of thing Sentry is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Category {
    /// Something has failed.
    Error,
    /// A request, with its steps.
    Transaction,
}

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Sentry has it.
    Sent,
    /// Not wanted: by the sample rate, or by code of the embedder's.
    Discarded,
    /// Too many wait.
    QueueOverflow,
    /// Sentry does not want it now.
    RateLimited,
    /// Sentry was not reached.
    NetworkError,
    /// Sentry does not want it at all: it is too large, the key is wrong, …
    Refused,
}

impl Outcome {
    /// All there are.
    pub const ALL: [Outcome; 6] = [
        Outcome::Sent,
        Outcome::Discarded,
        Outcome::QueueOverflow,
        Outcome::RateLimited,
        Outcome::NetworkError,
        Outcome::Refused,
    ];

    /// As metrics have it.
    pub fn word(self) -> &'static str {
        match self {
            Outcome::Sent => "sent",
            Outcome::Discarded => "discarded",
            Outcome::QueueOverflow => "queue_overflow",
            Outcome::RateLimited => "rate_limited",
            Outcome::NetworkError => "network_error",
            Outcome::Refused => "refused",
        }
    }
}

/// Counts what became of events, from any thread.
pub type Count = Arc<dyn Fn(Outcome) + Send + Sync>;

/// The way to Sentry. Cheap to clone; its thread ends with the last clone.
#[derive(Clone)]
pub struct Sentry {
    shared: Arc<Shared>,
    queue: Sender<Work>,
    client: Arc<Client>,
    /// What every event is told with.
    scope: Arc<Scope>,
    personal: bool,
    traces_rate: f32,
}

impl fmt::Debug for Sentry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Its parts know the DSN.
        f.write_str("Sentry")
    }
}

/// What the thread and those who submit share.
struct Shared {
    limits: Limits,
    count: Count,
    /// Where drops are noted for Sentry; there is one as soon as there is a client.
    recorder: OnceLock<Recorder>,
    /// Drops since an outage began.
    lost: AtomicU64,
}

impl Shared {
    /// Drops since the last call.
    fn take_lost(&self) -> u64 {
        self.lost.swap(0, Ordering::Relaxed)
    }

    fn count_drop(&self, outcome: Outcome) {
        self.lost.fetch_add(1, Ordering::Relaxed);
        (self.count)(outcome);
    }

    /// Notes that something was dropped.
    fn drop_one(&self, category: Category, outcome: Outcome, reason: Reason) {
        self.count_drop(outcome);
        let Some(recorder) = self.recorder.get() else {
            return;
        };
        match category {
            Category::Error => recorder.record_lost_data(&Event::default(), reason),
            Category::Transaction => recorder.record_lost_data(&Transaction::default(), reason),
        }
    }

    /// Notes that an envelope was dropped.
    fn drop_envelope(&self, envelope: &Envelope, outcome: Outcome, reason: Reason) {
        if is_event(envelope) {
            self.count_drop(outcome);
        }
        if let Some(recorder) = self.recorder.get() {
            recorder.record_lost_data(envelope, reason);
        }
    }
}

/// Whether an envelope has more in it than a client report.
fn is_event(envelope: &Envelope) -> bool {
    use sentry_core::protocol::EnvelopeItem;
    let mut items = envelope.items();
    items.any(|item| !matches!(item, EnvelopeItem::ClientReport(_)))
}

impl Sentry {
    /// Starts the thread. Nothing is connected before there is something to send. Every event has these tags.
    ///
    /// # Errors
    /// The system refuses a thread; TLS cannot be set up.
    pub fn start(
        settings: &Settings,
        tags: &[(&str, String)],
        count: Count,
    ) -> anyhow::Result<Sentry> {
        let (queue, work) = smol::channel::bounded(QUEUE);
        let shared = Arc::new(Shared {
            limits: Limits::default(),
            count,
            recorder: OnceLock::new(),
            lost: AtomicU64::new(0),
        });
        let transport = Arc::new(Queue {
            shared: shared.clone(),
            queue: queue.clone(),
        });
        let options = settings.client_options().transport(Factory(transport));
        let client = Arc::new(Client::from(options));
        let post = post::Post::new(settings)?;
        let mut scope = Scope::default();
        for (name, value) in tags {
            scope.set_tag(name, value);
        }
        let scope = Arc::new(scope);
        thread::start(
            shared.clone(),
            work,
            post,
            Arc::downgrade(&client),
            scope.clone(),
        )?;
        Ok(Sentry {
            shared,
            queue,
            client,
            scope,
            personal: settings.send_default_pii,
            traces_rate: settings.traces_sample_rate,
        })
    }

    /// A hub of its own, for one request.
    pub fn hub(&self) -> Arc<Hub> {
        Arc::new(Hub::new(Some(self.client.clone()), self.scope.clone()))
    }

    /// Whether personal data may be sent.
    pub fn sends_personal_data(&self) -> bool {
        self.personal
    }

    /// The share of requests that are traced unless their client decides.
    pub fn traces_rate(&self) -> f32 {
        self.traces_rate
    }

    /// Whether something of this kind would be taken now, as far as can be told.
    pub fn is_taking(&self, category: Category) -> bool {
        !self.queue.is_full() && !self.shared.limits.is_away() && !self.shared.limits.has(category)
    }

    /// Has the thread run `job`, and send what it captures. False if it is dropped instead: that has been counted. Never
    /// waits.
    pub fn submit(&self, category: Category, job: impl FnOnce() + Send + 'static) -> bool {
        let dropped = if self.shared.limits.has(category) {
            Some((Outcome::RateLimited, Reason::RatelimitBackoff))
        } else if self.shared.limits.is_away() {
            Some((Outcome::NetworkError, Reason::NetworkError))
        } else if self.queue.is_full() {
            // Seen before anything is put on the heap for it.
            Some((Outcome::QueueOverflow, Reason::QueueOverflow))
        } else {
            match self.queue.try_send(Work::Job(category, Box::new(job))) {
                Ok(()) => None,
                Err(_) => Some((Outcome::QueueOverflow, Reason::QueueOverflow)),
            }
        };
        if let Some((outcome, reason)) = dropped {
            self.shared.drop_one(category, outcome, reason);
        }
        dropped.is_none()
    }

    /// Waits until what has been submitted is sent, or dropped, at most for `limit`. True if it is. For the end of a
    /// program: it blocks.
    pub fn flush(&self, limit: Duration) -> bool {
        flush(&self.queue, limit)
    }
}

fn flush(queue: &Sender<Work>, limit: Duration) -> bool {
    let (done, flushed) = std::sync::mpsc::channel();
    let end = Instant::now() + limit;
    let mut work = Work::Flush(done);
    loop {
        match queue.try_send(work) {
            Ok(()) => break,
            // What is before it has its time too.
            Err(TrySendError::Full(back)) if Instant::now() < end => {
                work = back;
                std::thread::sleep(Duration::from_millis(5));
            }
            Err(_) => return false,
        }
    }
    let left = end.saturating_duration_since(Instant::now());
    flushed.recv_timeout(left).is_ok()
}

/// The transport of sentry-core's client: envelopes go to the thread.
struct Queue {
    shared: Arc<Shared>,
    queue: Sender<Work>,
}

impl Transport for Queue {
    fn send_envelope(&self, envelope: Envelope) {
        // On the thread itself: what a job captures is sent as soon as it is done.
        let Some(envelope) = thread::put(Box::new(envelope)) else {
            return;
        };
        // An embedder's own code, on any thread.
        match self.queue.try_send(Work::Envelope(envelope)) {
            Ok(()) => {}
            Err(TrySendError::Full(work) | TrySendError::Closed(work)) => {
                if let Work::Envelope(envelope) = work {
                    let (outcome, reason) = (Outcome::QueueOverflow, Reason::QueueOverflow);
                    self.shared.drop_envelope(&envelope, outcome, reason);
                }
            }
        }
    }

    fn flush(&self, timeout: Duration) -> bool {
        flush(&self.queue, timeout)
    }
}

struct Factory(Arc<Queue>);

impl TransportFactory for Factory {
    fn create_transport_with_options(&self, options: TransportOptions) -> Arc<dyn Transport> {
        // There is one client.
        let _second = self.0.shared.recorder.set(options.client_report_recorder);
        self.0.clone()
    }
}

/// For [`std::io::Error`]s of ours.
fn other(text: impl Into<String>) -> io::Error {
    io::Error::other(text.into())
}
