//! What became of every event: counted once, and told to Sentry where Sentry wants to hear of it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use sentry_core::Envelope;
use sentry_core::client_report::{Reason as TransportReason, Recorder};
use sentry_core::protocol::client_report::{self, Item, ItemLoss, LossSource, Reason};
use sentry_core::protocol::{ClientReport, EnvelopeItem};

/// What an event is for Sentry's limits and reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Category {
    /// An error, or any other message.
    Error,
    /// A request, with its steps.
    Transaction,
}

impl Category {
    /// As Sentry's library has it.
    pub(super) fn reported(self) -> client_report::Category {
        match self {
            Category::Error => client_report::Category::Error,
            Category::Transaction => client_report::Category::Transaction,
        }
    }
}

/// What became of an event. Each ends in one way, once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Sentry took it.
    Sent,
    /// It was not among those that `SENTRY_SAMPLE_RATE` lets through.
    SampledOut,
    /// Too many were waiting.
    QueueOverflow,
    /// Sentry had asked not to be sent such events for a while, or did so in answer to this one.
    RateLimited,
    /// Sentry could not be reached, or did not answer in time.
    NetworkError,
    /// Sentry, or what stands before it, answered that it does not take it.
    Refused,
    /// It was left out by what was to capture it: an event processor, or a decision not to trace.
    Discarded,
    /// What was to capture it panicked.
    Failed,
    /// The process ended before it was sent.
    Abandoned,
}

impl Outcome {
    /// Every one.
    pub const ALL: [Outcome; 9] = [
        Outcome::Sent,
        Outcome::SampledOut,
        Outcome::QueueOverflow,
        Outcome::RateLimited,
        Outcome::NetworkError,
        Outcome::Refused,
        Outcome::Discarded,
        Outcome::Failed,
        Outcome::Abandoned,
    ];

    /// As metrics have it.
    pub fn word(self) -> &'static str {
        match self {
            Outcome::Sent => "sent",
            Outcome::SampledOut => "sampled_out",
            Outcome::QueueOverflow => "queue_overflow",
            Outcome::RateLimited => "rate_limited",
            Outcome::NetworkError => "network_error",
            Outcome::Refused => "refused",
            Outcome::Discarded => "discarded",
            Outcome::Failed => "failed",
            Outcome::Abandoned => "abandoned",
        }
    }
}

/// Told of the outcome of each event. Called on any thread: it may not block.
pub type Count = Arc<dyn Fn(Outcome) + Send + Sync>;

/// The outcomes that are losses for Sentry, and its word for each. Of the others it knows itself, or cannot be told.
const REASONS: [(Outcome, Reason); 6] = [
    (Outcome::SampledOut, Reason::SampleRate),
    (Outcome::QueueOverflow, Reason::QueueOverflow),
    (Outcome::RateLimited, Reason::RatelimitBackoff),
    (Outcome::NetworkError, Reason::NetworkError),
    (Outcome::Refused, Reason::SendError),
    (Outcome::Failed, Reason::InternalSdkError),
];

/// What was lost for one reason and is not told yet.
#[derive(Default)]
struct Lost {
    errors: AtomicU64,
    transactions: AtomicU64,
}

/// The account of all events of one Sentry.
pub(super) struct Ledger {
    count: Count,
    /// Those that the thread has taken from the queue and that have no outcome yet.
    in_hand: AtomicU64,
    /// By the order of [`REASONS`].
    lost: [Lost; REASONS.len()],
    /// How many events were lost because Sentry did not take them, ever.
    unheard: AtomicU64,
    /// What is to be told is collected by Sentry's library, which adds it to the next envelope of its own.
    recorder: OnceLock<Recorder>,
}

impl Ledger {
    pub(super) fn new(count: Count) -> Ledger {
        Ledger {
            count,
            in_hand: AtomicU64::new(0),
            lost: Default::default(),
            unheard: AtomicU64::new(0),
            recorder: OnceLock::new(),
        }
    }

    /// Where Sentry's library collects losses.
    pub(super) fn record_with(&self, recorder: Recorder) {
        // A library makes one transport of ours.
        let _second = self.recorder.set(recorder);
    }

    /// An event that is not in hand has ended.
    pub(super) fn count(&self, outcome: Outcome) {
        if matches!(
            outcome,
            Outcome::QueueOverflow | Outcome::NetworkError | Outcome::Refused
        ) {
            self.unheard.fetch_add(1, Ordering::Relaxed);
        }
        (self.count)(outcome);
    }

    /// An event that never became an envelope is lost. Allocates nothing.
    pub(super) fn lose(&self, category: Category, outcome: Outcome) {
        self.count(outcome);
        self.note(category, outcome);
    }

    fn note(&self, category: Category, outcome: Outcome) {
        let reason = REASONS.iter().position(|(known, _)| *known == outcome);
        let Some(lost) = reason.map(|index| &self.lost[index]) else {
            return;
        };
        match category {
            Category::Error => {
                lost.errors.fetch_add(1, Ordering::Relaxed);
            }
            Category::Transaction => {
                lost.transactions.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// An envelope is lost, with all that is in it: reports of earlier losses count again as what they report. The
    /// event itself has been counted; this notes the losses for the next report.
    pub(super) fn lose_envelope(&self, envelope: &Envelope, outcome: Outcome) {
        self.record(envelope.losses(), outcome);
    }

    /// An item of an envelope is lost, likewise.
    pub(super) fn lose_item(&self, item: &EnvelopeItem, outcome: Outcome) {
        self.record(item.losses(), outcome);
    }

    fn record(&self, losses: impl Iterator<Item = ItemLoss>, outcome: Outcome) {
        let reason = REASONS.iter().find(|(known, _)| *known == outcome);
        let items = losses.filter_map(|loss| {
            let reason = loss.reason.or(reason.map(|(_, reason)| *reason))?;
            Some(Item::new(loss.category, reason, loss.quantity))
        });
        self.tell(items.collect());
    }

    /// Leaves these for the next report.
    fn tell(&self, items: Vec<Item>) {
        if let Some(recorder) = self.recorder.get()
            && !items.is_empty()
        {
            // The reasons of the items count, not this one.
            let report = ClientReport::new(items);
            recorder.record_lost_data(&report, TransportReason::InternalError);
        }
    }

    /// Gives what was noted to Sentry's library, so that its next envelope tells of it.
    pub(super) fn hand_over(&self) {
        let mut items = Vec::new();
        for (lost, (_, reason)) in self.lost.iter().zip(REASONS) {
            let counts = [
                (Category::Error, &lost.errors),
                (Category::Transaction, &lost.transactions),
            ];
            for (category, count) in counts {
                let quantity = count.swap(0, Ordering::Relaxed);
                if quantity == 0 {
                    continue;
                }
                items.push(Item::new(category.reported(), reason, quantity));
                if category == Category::Transaction {
                    // It is a span, too. Its steps are not known before it is made. Source: Sentry, "Client Reports".
                    let span = client_report::Category::Span;
                    items.push(Item::new(span, reason, quantity));
                }
            }
        }
        self.tell(items);
    }

    /// So many events more are in the thread's hands.
    pub(super) fn take_in_hand(&self, events: u64) {
        self.in_hand.fetch_add(events, Ordering::Relaxed);
    }

    /// One of the events in hand has ended, unless it was abandoned before.
    pub(super) fn settle(&self, outcome: Outcome) -> bool {
        let down = |in_hand: u64| in_hand.checked_sub(1);
        let (set, fetch) = (Ordering::Relaxed, Ordering::Relaxed);
        let settled = self.in_hand.fetch_update(set, fetch, down).is_ok();
        if settled {
            self.count(outcome);
        }
        settled
    }

    /// An event in hand that never became an envelope is lost.
    pub(super) fn settle_lost(&self, category: Category, outcome: Outcome) {
        if self.settle(outcome) {
            self.note(category, outcome);
        }
    }

    /// What is in hand ends here.
    pub(super) fn abandon(&self) {
        for _event in 0..self.in_hand.swap(0, Ordering::Relaxed) {
            self.count(Outcome::Abandoned);
        }
    }

    /// How many events were lost, ever, because Sentry did not take them.
    pub(super) fn unheard(&self) -> u64 {
        self.unheard.load(Ordering::Relaxed)
    }
}

/// What kind of data an item is; `None` for reports of losses and for what is not known.
pub(super) fn category(item: &EnvelopeItem) -> Option<client_report::Category> {
    let loss = item.losses().next()?;
    loss.reason.is_none().then_some(loss.category)
}
