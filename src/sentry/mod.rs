//! What goes to Sentry, on a thread of its own.
//!
//! ```text
//! any thread: a job, or an envelope → queue (bounded, never waits) → Sentry's thread: capture → limits → HTTP → Sentry
//! ```
//!
//! | module | what it is |
//! |---|---|
//! | `settings`, `proxy` | the environment's part |
//! | `queue` | what waits; taken or dropped at once |
//! | `ledger` | the outcome of every event, and what Sentry is told of losses |
//! | `limits` | what Sentry has asked not to be sent for a while |
//! | `thread` | captures and sends; nothing else may take long here |
//! | `post`, `line` | one envelope and its answer; the connection under it |
//! | [`frames`] | stacks as Sentry has them |
//!
//! Nothing of it runs on an executor thread but the decision whether an event is taken, which is a few loads: neither
//! names of stack frames, nor JSON, nor TLS, nor a server that does not answer hold a request up. The worst that can happen
//! to an event is that it is dropped, and counted, once, by its [`Outcome`]. An attempt that failed is not repeated; what
//! waits behind it is held for a while instead, so that a short outage costs little.
//!
//! Source: develop.sentry.dev, "Envelopes", "Rate Limiting", "Client Reports".

pub mod frames;
mod ledger;
mod limits;
mod post;
mod proxy;
mod queue;
mod settings;
mod thread;

use std::cell::Cell;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_io::Timer;
use futures_lite::future;
use sentry_core::{Client, Hub, Scope, Transport, TransportFactory, TransportOptions};

pub use ledger::{Category, Count, Outcome};
pub use settings::Settings;

use post::Post;
use queue::Queue;
use thread::Thread;

/// Of Sentry's thread: what a debug build needs to capture an event and to shake hands, three times over. Memory is only used
/// where the stack has been.
const STACK: usize = 1 << 20;

/// How far Sentry's thread stands back behind those that answer requests. Naming the frames of a stack takes it about a
/// millisecond: on a processor that they share, requests would wait for it.
const NICE: i32 = 10;

thread_local! {
    static IS_ITS_THREAD: Cell<bool> = const { Cell::new(false) };
}

/// Sentry, for a process. Cheap to clone. When the last clone is dropped, what waits is still sent, if the process lives
/// that long.
#[derive(Clone)]
pub struct Sentry(Arc<Handle>);

struct Handle {
    queue: Arc<Queue>,
    client: Arc<Client>,
    personal: bool,
    traces_rate: f32,
}

impl fmt::Debug for Sentry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Its parts know the DSN.
        f.write_str("Sentry")
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.queue.close();
    }
}

impl Sentry {
    /// Starts Sentry's thread. Nothing is connected before there is something to send. Every event has these tags.
    ///
    /// # Errors
    /// The system refuses another thread; Sentry is at https:// and this program was built without TLS.
    pub fn start(
        settings: &Settings,
        tags: &[(&str, String)],
        count: Count,
    ) -> anyhow::Result<Sentry> {
        let queue = Arc::new(Queue::new(settings.sample_rate, count));
        let options = settings.client_options().transport(Factory(queue.clone()));
        let client = Arc::new(Client::with_options(options));
        let tags = tags.iter();
        let tags = tags.map(|(name, value)| ((*name).to_owned(), value.clone()));
        let post = Post::new(settings)?;
        let thread = Thread::new(queue.clone(), client.clone(), tags.collect(), post);
        // The reactor's thread is everybody's, and as nice as who first needs it: not as Sentry's.
        async_io::block_on(async {});
        std::thread::Builder::new()
            .name("sentry".into())
            .stack_size(STACK)
            .spawn(move || {
                IS_ITS_THREAD.set(true);
                // Of this thread and of those that it starts, not of the process: Linux has it so.
                let _as_others = rustix::process::nice(NICE);
                async_io::block_on(thread.run());
            })?;
        Ok(Sentry(Arc::new(Handle {
            queue,
            client,
            personal: settings.send_default_pii,
            traces_rate: settings.traces_sample_rate,
        })))
    }

    /// A hub of its own, for one request. What is captured through it is sent, from any thread.
    pub fn hub(&self) -> Arc<Hub> {
        hub(&self.0.client)
    }

    /// Whether personal data may be sent.
    pub fn sends_personal_data(&self) -> bool {
        self.0.personal
    }

    /// The share of requests that are traced unless their client decides.
    pub fn traces_rate(&self) -> f32 {
        self.0.traces_rate
    }

    /// Runs `job` on Sentry's thread; what it captures is sent. False if it was dropped instead: it is one of those that are
    /// not sent, Sentry wants none for a while, or too many wait. Each is counted. Never blocks, and costs next to nothing
    /// when the job is dropped.
    ///
    /// What Sentry's thread itself submits is dropped and not counted: it does not report on its own work.
    pub fn submit(&self, category: Category, job: impl FnOnce() + Send + 'static) -> bool {
        self.submit_sized(category, 0, job)
    }

    /// The same, of a job that holds so many bytes of memory elsewhere: the queue is bounded in bytes, too.
    pub fn submit_sized(
        &self,
        category: Category,
        bytes: usize,
        job: impl FnOnce() + Send + 'static,
    ) -> bool {
        !is_its_thread() && self.0.queue.submit(category, bytes, job)
    }

    /// Whether such an event would be taken now: for who would rather prepare nothing in vain. One that would not be need
    /// not be submitted, but only what is submitted is counted.
    pub fn is_taking(&self, category: Category) -> bool {
        self.0.queue.takes(category).is_ok()
    }

    /// Waits until what was submitted is sent or lost, at most `limit`; whether it is. For a thread that may be blocked.
    pub fn flush(&self, limit: Duration) -> bool {
        wait(&self.0.queue, limit)
    }

    /// The same for a task, for as long as it takes: drop it when the time is over.
    pub async fn flushed(&self) {
        self.0.queue.flushed().await;
    }

    /// Takes nothing any more, waits at most `limit` until what was submitted is sent or lost, and counts what is not as
    /// abandoned. Whether nothing was. For the end of the process.
    pub fn close(&self, limit: Duration) -> bool {
        let sent = self.flush(limit);
        self.0.queue.abandon();
        sent
    }
}

/// Whether the calling thread is one of Sentry's: what panics here is the transport's own affair.
pub fn is_its_thread() -> bool {
    IS_ITS_THREAD.get()
}

/// A hub of its own. Its scope is made anew, not cloned: a scope is also a trace, and what is captured in two requests has
/// nothing to do with each other.
fn hub(client: &Arc<Client>) -> Arc<Hub> {
    Arc::new(Hub::new(Some(client.clone()), Arc::new(Scope::default())))
}

fn wait(queue: &Queue, limit: Duration) -> bool {
    async_io::block_on(within(limit, queue.flushed())).is_some()
}

/// What `work` comes to; `None` if it takes longer than `limit`.
async fn within<T>(limit: Duration, work: impl Future<Output = T>) -> Option<T> {
    let late = async {
        Timer::after(limit).await;
        None
    };
    future::or(async { Some(work.await) }, late).await
}

/// Gives Sentry's library the queue to send through.
struct Factory(Arc<Queue>);

impl TransportFactory for Factory {
    fn create_transport_with_options(&self, options: TransportOptions) -> Arc<dyn Transport> {
        self.0.ledger.record_with(options.client_report_recorder);
        self.0.clone()
    }
}
