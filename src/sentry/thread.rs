//! The thread that makes events and sends them.

use std::cell::RefCell;
use std::sync::mpsc;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use futures_lite::future;
use sentry_core::client_report::Reason;
use sentry_core::protocol::Envelope;
use sentry_core::{Client, Hub, Scope};
use smol::Timer;
use smol::channel::Receiver;

use super::post::{Delivered, Post};
use super::{Category, Outcome, Shared, is_event};
use crate::observe::{self, Event};
use crate::panics;

/// How often Sentry is told of drops when there is nothing else to tell.
const REPORT: Duration = Duration::from_secs(30);

/// Something to do.
pub(super) enum Work {
    /// Run this, and send what it captures.
    Job(Category, Box<dyn FnOnce() + Send>),
    /// Send this.
    Envelope(Box<Envelope>),
    /// Say when everything before is done.
    Flush(mpsc::Sender<()>),
}

thread_local! {
    /// What the current job has captured; none on threads that run no jobs.
    static OUTBOX: RefCell<Option<Vec<Envelope>>> = const { RefCell::new(None) };
}

/// Puts an envelope with what the current job captures; gives it back where there is none.
pub(super) fn put(envelope: Box<Envelope>) -> Option<Box<Envelope>> {
    OUTBOX.with_borrow_mut(|outbox| match outbox {
        Some(outbox) => {
            outbox.push(*envelope);
            None
        }
        None => Some(envelope),
    })
}

pub(super) fn start(
    shared: Arc<Shared>,
    work: Receiver<Work>,
    post: Post,
    client: Weak<Client>,
    scope: Arc<Scope>,
) -> std::io::Result<()> {
    let sender = Courier {
        shared,
        post,
        client,
        scope,
        failures: 0,
    };
    std::thread::Builder::new()
        .name("sentry".into())
        .spawn(move || async_io::block_on(sender.run(work)))?;
    Ok(())
}

struct Courier {
    shared: Arc<Shared>,
    post: Post,
    client: Weak<Client>,
    scope: Arc<Scope>,
    /// In a row.
    failures: u32,
}

impl Courier {
    async fn run(mut self, work: Receiver<Work>) {
        let mut report_due = Instant::now() + REPORT;
        loop {
            let next = async { Some(work.recv().await) };
            let pause = async {
                Timer::at(report_due).await;
                None
            };
            match future::or(next, pause).await {
                Some(Ok(Work::Job(category, job))) => self.run_job(category, job).await,
                Some(Ok(Work::Envelope(envelope))) => self.send(*envelope).await,
                Some(Ok(Work::Flush(done))) => {
                    self.report_drops().await;
                    // Whoever asked may not wait any longer.
                    let _gone = done.send(());
                }
                // The last handle is gone.
                Some(Err(_)) => return,
                None => {
                    report_due = Instant::now() + REPORT;
                    self.report_drops().await;
                }
            }
        }
    }

    async fn run_job(&mut self, category: Category, job: Box<dyn FnOnce() + Send>) {
        // What it was made for has changed since.
        if self.shared.limits.has(category) {
            let (outcome, reason) = (Outcome::RateLimited, Reason::RatelimitBackoff);
            return self.shared.drop_one(category, outcome, reason);
        }
        if self.shared.limits.is_away() {
            let (outcome, reason) = (Outcome::NetworkError, Reason::NetworkError);
            return self.shared.drop_one(category, outcome, reason);
        }
        let envelopes = self.captured(job);
        if !envelopes.iter().any(is_event) {
            // sentry-core has noted why.
            (self.shared.count)(Outcome::Discarded);
        }
        for envelope in envelopes {
            self.send(envelope).await;
        }
    }

    async fn send(&mut self, envelope: Envelope) {
        if envelope.items().next().is_none() {
            return;
        }
        let shared = &self.shared;
        if shared.limits.have(&envelope) {
            let (outcome, reason) = (Outcome::RateLimited, Reason::RatelimitBackoff);
            return shared.drop_envelope(&envelope, outcome, reason);
        }
        if shared.limits.is_away() {
            let (outcome, reason) = (Outcome::NetworkError, Reason::NetworkError);
            return shared.drop_envelope(&envelope, outcome, reason);
        }
        match self.post.deliver(&envelope).await {
            Ok(delivered) => {
                self.learn(&envelope, &delivered);
                if self.failures > 0 {
                    self.failures = 0;
                    let lost = self.shared.take_lost();
                    observe::emit(&Event::SentryBack { lost });
                }
            }
            Err(error) => {
                let (outcome, reason) = (Outcome::NetworkError, Reason::NetworkError);
                self.failures += 1;
                self.shared.limits.pause(self.failures);
                if self.failures == 1 {
                    self.shared.take_lost();
                    observe::emit(&Event::SentryUnreachable {
                        reason: format!("{error:#}"),
                    });
                }
                self.shared.drop_envelope(&envelope, outcome, reason);
            }
        }
    }

    /// What an answer means to this envelope and to those that follow.
    fn learn(&self, envelope: &Envelope, delivered: &Delivered) {
        let Delivered {
            status,
            rate_limits,
            retry_after,
        } = delivered;
        let shared = &self.shared;
        shared
            .limits
            .learn(*status, rate_limits.as_deref(), retry_after.as_deref());
        match status {
            200..=299 if is_event(envelope) => (shared.count)(Outcome::Sent),
            200..=299 => {}
            // Sentry counts these itself.
            429 if is_event(envelope) => (shared.count)(Outcome::RateLimited),
            429 => {}
            _ => shared.drop_envelope(envelope, Outcome::Refused, Reason::SendError),
        }
    }

    /// Tells Sentry of drops that it has not been told of.
    async fn report_drops(&mut self) {
        let Some(client) = self.client.upgrade() else {
            return;
        };
        // To an envelope with nothing in it sentry-core adds its report, if there is one.
        let envelopes = self.captured(Box::new(move || client.send_envelope(Envelope::new())));
        for envelope in envelopes {
            self.send(envelope).await;
        }
    }

    /// What a job captures, on a hub of its own unless it brings one.
    fn captured(&self, job: Box<dyn FnOnce() + Send>) -> Vec<Envelope> {
        OUTBOX.set(Some(Vec::new()));
        let hub = Arc::new(Hub::new(self.client.upgrade(), self.scope.clone()));
        if let Err(panic) = panics::catch(false, || Hub::run(hub, job)) {
            // Not one to be captured, for it would be raised again.
            observe::emit(&Event::SentryUnreachable {
                reason: format!("an event could not be made: {}", panic.message),
            });
        }
        OUTBOX.take().unwrap_or_default()
    }
}
