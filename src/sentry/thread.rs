//! Sentry's thread: takes what waits, captures it, sends it, and tells of what was lost.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use async_io::Timer;
use futures_lite::future;
use http_types::StatusCode;
use sentry_core::protocol::{EnvelopeFilterCallbacks, EnvelopeItem};
use sentry_core::{Client, Envelope, Hub};
use smol::channel::Sender;

use super::ledger::{Outcome, category};
use super::post::{Answer, Post};
use super::queue::{Queue, Work};
use crate::observe::{self, Event};
use crate::panics;

/// How often Sentry is told of losses when there is no other envelope to tell it with.
const REPORTS: Duration = Duration::from_secs(30);
/// Before the next attempt after Sentry could not be reached; doubled each time up to the longest.
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Who waits for what was in the queue when they came.
struct Waiting {
    /// Entries still to be done before.
    entries: usize,
    /// Dropped when they are done.
    _done: Sender<()>,
}

/// What is next.
enum Next {
    Work(Work),
    Waiting(Sender<()>),
    Report,
    /// Nothing is taken any more.
    Closing,
    End,
}

/// While Sentry does not take what it is sent.
struct Outage {
    /// Events that had been lost before it began.
    unheard: u64,
    /// Until the next attempt; zero if Sentry does answer.
    pause: Duration,
    until: Instant,
}

/// What the thread has.
pub(super) struct Thread {
    queue: Arc<Queue>,
    client: Arc<Client>,
    /// What every event has. Put into them here: a hub for each request is cheaper without.
    tags: Vec<(String, String)>,
    post: Post,
    waiting: Vec<Waiting>,
    closing: bool,
    outage: Option<Outage>,
    /// An attempt has failed while somebody waits: the others would only make them wait longer.
    hopeless: bool,
    next_report: Instant,
}

impl Thread {
    pub(super) fn new(
        queue: Arc<Queue>,
        client: Arc<Client>,
        tags: Vec<(String, String)>,
        post: Post,
    ) -> Thread {
        Thread {
            queue,
            client,
            tags,
            post,
            waiting: Vec::new(),
            closing: false,
            outage: None,
            hopeless: false,
            next_report: Instant::now() + REPORTS,
        }
    }

    /// Until the queue is closed and empty.
    pub(super) async fn run(mut self) {
        self.queue.own_thread();
        loop {
            match self.next().await {
                Next::Work(work) => {
                    self.work(work).await;
                    for waiting in &mut self.waiting {
                        waiting.entries = waiting.entries.saturating_sub(1);
                    }
                }
                Next::Waiting(done) => self.waiting.push(Waiting {
                    entries: self.queue.len(),
                    _done: done,
                }),
                Next::Report => self.report().await,
                Next::Closing => self.closing = true,
                Next::End => break,
            }
            if self.waiting.iter().any(|waiting| waiting.entries == 0) {
                self.report().await;
                self.waiting.retain(|waiting| waiting.entries > 0);
            }
            self.hopeless &= self.is_hurried();
        }
        self.report().await;
        self.queue.release_waiting();
    }

    /// Whether somebody waits for the end of what there is to do.
    fn is_hurried(&self) -> bool {
        self.closing || !self.waiting.is_empty()
    }

    async fn next(&self) -> Next {
        let waiting = async {
            match self.queue.next_waiting().await {
                Some(done) => Next::Waiting(done),
                None if self.closing => future::pending().await,
                None => Next::Closing,
            }
        };
        let work = async {
            if let Some(outage) = &self.outage
                && !self.is_hurried()
            {
                Timer::at(outage.until).await;
            }
            match self.queue.next().await {
                Some(work) => Next::Work(work),
                None => Next::End,
            }
        };
        let report = async {
            Timer::at(self.next_report).await;
            Next::Report
        };
        future::or(waiting, future::or(work, report)).await
    }

    async fn work(&mut self, work: Work) {
        let ledger = &self.queue.ledger;
        let envelopes = match work {
            Work::Envelope(envelope) => vec![*envelope],
            Work::Job(category, _) if self.hopeless => {
                return ledger.settle_lost(category, Outcome::NetworkError);
            }
            Work::Job(category, _) if self.queue.limits.hold(category.reported()) => {
                return ledger.settle_lost(category, Outcome::RateLimited);
            }
            Work::Job(category, job) => {
                // So that what it captures tells of them.
                ledger.hand_over();
                // What it had captured before it panicked is sent.
                let hub = super::hub(&self.client);
                let ran = panics::catch(false, || Hub::run(hub, job));
                let captured = self.queue.captured();
                match (captured.len(), ran) {
                    (0, Ok(())) => return ledger.settle_lost(category, Outcome::Discarded),
                    (0, Err(_)) => return ledger.settle_lost(category, Outcome::Failed),
                    (count, _) => ledger.take_in_hand(count as u64 - 1),
                }
                captured
            }
        };
        for envelope in envelopes {
            let outcome = self.send(envelope).await;
            self.queue.ledger.settle(outcome);
        }
    }

    /// Sends what the limits let through; how that has ended.
    async fn send(&mut self, envelope: Envelope) -> Outcome {
        let queue = self.queue.clone();
        let is_let = |item: &_| category(item).is_none_or(|category| !queue.limits.hold(category));
        let limited = |item| queue.ledger.lose_item(&item, Outcome::RateLimited);
        let headers = envelope.headers().clone();
        let filter = EnvelopeFilterCallbacks::new(is_let, limited);
        let Some(envelope) = envelope.filter(filter) else {
            return Outcome::RateLimited;
        };
        let mut items = envelope.items().peekable();
        if items.peek().is_some() && items.all(|item| category(item).is_none()) {
            // Reports alone are sent now and then, not each time that something is left out.
            queue.ledger.lose_envelope(&envelope, Outcome::RateLimited);
            return Outcome::RateLimited;
        }
        // Filtering makes another envelope, with headers of its own.
        let envelope = self.tag(envelope).with_headers(headers);
        self.post(envelope).await
    }

    /// Adds the tags of every event, unless it has others by those names.
    fn tag(&self, envelope: Envelope) -> Envelope {
        if envelope.items().next().is_none() {
            // Made of bytes, not of items.
            return envelope;
        }
        let mut tagged = Envelope::new();
        for mut item in envelope.into_items() {
            let tags = match &mut item {
                EnvelopeItem::Event(event) => &mut event.tags,
                EnvelopeItem::Transaction(transaction) => &mut transaction.tags,
                _ => {
                    tagged.add_item(item);
                    continue;
                }
            };
            for (name, value) in &self.tags {
                let entry = tags.entry(name.clone());
                entry.or_insert_with(|| value.clone());
            }
            tagged.add_item(item);
        }
        tagged
    }

    /// Tells Sentry of what was lost, if something was.
    async fn report(&mut self) {
        self.next_report = Instant::now() + REPORTS;
        if self.hopeless || self.queue.limits.hold_all() || self.pauses() {
            return;
        }
        self.queue.ledger.hand_over();
        // The library adds what it has collected to each envelope that it is given.
        self.client.send_envelope(Envelope::new());
        for envelope in self.queue.captured() {
            if envelope.items().next().is_some() {
                let _told = self.post(envelope).await;
            }
        }
    }

    fn pauses(&self) -> bool {
        let outage = self.outage.as_ref();
        outage.is_some_and(|outage| Instant::now() < outage.until) && !self.is_hurried()
    }

    async fn post(&mut self, envelope: Envelope) -> Outcome {
        let mut bytes = Vec::new();
        let headers = envelope.headers().clone();
        let envelope = envelope.with_headers(headers.with_sent_at(SystemTime::now()));
        let outcome = match envelope.to_writer(&mut bytes) {
            Ok(()) if self.hopeless => Outcome::NetworkError,
            Ok(()) => match self.post.send(bytes).await {
                Ok(answer) => self.hear(&answer),
                Err(error) => self.miss(&error),
            },
            Err(_) => Outcome::Failed,
        };
        // After a 429 Sentry has counted them itself.
        if !matches!(outcome, Outcome::Sent | Outcome::RateLimited) {
            self.queue.ledger.lose_envelope(&envelope, outcome);
        }
        outcome
    }

    fn hear(&mut self, answer: &Answer) -> Outcome {
        self.queue.limits.note(&answer.told);
        let status = answer.status;
        if status == StatusCode::TooManyRequests || status.is_success() {
            if let Some(outage) = self.outage.take() {
                let lost = self.queue.ledger.unheard() - outage.unheard;
                observe::emit(&Event::SentryBack { lost });
            }
            return match status.is_success() {
                true => Outcome::Sent,
                false => Outcome::RateLimited,
            };
        }
        let reason = status.canonical_reason();
        self.begin_outage(
            || format!("it answers {} {reason}", status as u16),
            Duration::ZERO,
        );
        Outcome::Refused
    }

    fn miss(&mut self, error: &anyhow::Error) -> Outcome {
        let last = self
            .outage
            .as_ref()
            .map_or(Duration::ZERO, |outage| outage.pause);
        let pause = (last * 2).clamp(SHORTEST_PAUSE, LONGEST_PAUSE);
        self.begin_outage(|| format!("{error:#}"), pause);
        self.hopeless = self.is_hurried();
        Outcome::NetworkError
    }

    /// Says why once per outage.
    fn begin_outage(&mut self, reason: impl FnOnce() -> String, pause: Duration) {
        let unheard = match &self.outage {
            Some(outage) => outage.unheard,
            None => {
                let reason = reason();
                observe::emit(&Event::SentryUnreachable { reason });
                self.queue.ledger.unheard()
            }
        };
        self.outage = Some(Outage {
            unheard,
            pause,
            until: Instant::now() + pause,
        });
    }
}
