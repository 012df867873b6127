//! What Sentry does not want for a while: its rate limits, and our own pause when it is not reached.
//!
//! Times are monotonic: a clock that is set back must not silence Sentry.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use sentry_core::protocol::{Envelope, EnvelopeItem};

use super::Category;

/// Where a limit has no time.
const DEFAULT: Duration = Duration::from_secs(60);
/// The longest that is believed.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);
/// Pauses after attempts to reach it: doubled each time.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LAST_PAUSE: Duration = Duration::from_secs(60);

/// Until when something is not sent, each in milliseconds since `start`; 0: it is.
pub(super) struct Limits {
    start: Instant,
    error: AtomicU64,
    transaction: AtomicU64,
    all: AtomicU64,
    /// Not reached.
    away: AtomicU64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            start: Instant::now(),
            error: AtomicU64::new(0),
            transaction: AtomicU64::new(0),
            all: AtomicU64::new(0),
            away: AtomicU64::new(0),
        }
    }
}

impl Limits {
    fn now(&self) -> u64 {
        self.start.elapsed().as_millis() as u64
    }

    fn holds(&self, until: &AtomicU64) -> bool {
        let until = until.load(Ordering::Relaxed);
        until != 0 && self.now() < until
    }

    /// The longer of two limits holds.
    fn extend(&self, until: &AtomicU64, by: Duration) {
        let end = self.now() + by.min(LONGEST).as_millis() as u64;
        until.fetch_max(end, Ordering::Relaxed);
    }

    fn word(&self, category: Category) -> &AtomicU64 {
        match category {
            Category::Error => &self.error,
            Category::Transaction => &self.transaction,
        }
    }

    /// Whether Sentry wants nothing of this kind now.
    pub(super) fn has(&self, category: Category) -> bool {
        self.holds(&self.all) || self.holds(self.word(category))
    }

    /// Whether Sentry wants none of what is in an envelope, client reports aside.
    pub(super) fn have(&self, envelope: &Envelope) -> bool {
        let limited = |item: &EnvelopeItem| match item {
            EnvelopeItem::Event(_) => self.has(Category::Error),
            EnvelopeItem::Transaction(_) => self.has(Category::Transaction),
            EnvelopeItem::ClientReport(_) => true,
            _ => self.holds(&self.all),
        };
        envelope.items().all(limited) && super::is_event(envelope)
    }

    /// Whether Sentry was not reached a moment ago.
    pub(super) fn is_away(&self) -> bool {
        self.holds(&self.away)
    }

    /// Sentry was not reached, for the `failures`th time in a row, from 1. The pause until it is tried again.
    pub(super) fn pause(&self, failures: u32) -> Duration {
        let pause = FIRST_PAUSE * 2_u32.pow(failures.saturating_sub(1).min(16));
        let pause = pause.min(LAST_PAUSE);
        self.away
            .store(self.now() + pause.as_millis() as u64, Ordering::Relaxed);
        pause
    }

    /// Takes in what an answer says of limits: `X-Sentry-Rate-Limits` whatever the status, else, with a 429,
    /// `Retry-After`.
    pub(super) fn learn(&self, status: u16, rate_limits: Option<&str>, retry_after: Option<&str>) {
        match rate_limits {
            Some(list) => {
                for limit in list.split(',') {
                    self.learn_one(limit.trim());
                }
            }
            None if status == 429 => {
                let wait = retry_after.and_then(|value| wait(value.trim()));
                self.extend(&self.all, wait.unwrap_or(DEFAULT));
            }
            None => {}
        }
    }

    /// `60:error;transaction:organization:reason`: seconds, categories, and what does not matter here.
    fn learn_one(&self, limit: &str) {
        let mut parts = limit.split(':');
        let seconds = parts.next().unwrap_or_default();
        if seconds.is_empty() {
            return;
        }
        let wait = match seconds.parse::<f64>() {
            Ok(seconds) if seconds.is_finite() && seconds >= 0.0 => {
                Duration::from_secs_f64(seconds.min(LONGEST.as_secs_f64()))
            }
            _ => DEFAULT,
        };
        let categories = parts.next().unwrap_or_default();
        if categories.is_empty() {
            return self.extend(&self.all, wait);
        }
        for category in categories.split(';') {
            match category {
                // `default` are events without a category of their own.
                "error" | "default" => self.extend(&self.error, wait),
                "transaction" => self.extend(&self.transaction, wait),
                // Of what is not sent from here.
                _ => {}
            }
        }
    }
}

/// The time in a `Retry-After`: seconds, or a date.
fn wait(value: &str) -> Option<Duration> {
    if let Ok(seconds) = value.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    // Turned into a duration once; a date that is over means at once.
    Some(date.duration_since(SystemTime::now()).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn learned(status: u16, rate_limits: Option<&str>, retry_after: Option<&str>) -> (u64, u64) {
        let limits = Limits::default();
        limits.learn(status, rate_limits, retry_after);
        let seconds = |category: Category| {
            let all = limits.all.load(Ordering::Relaxed);
            let own = limits.word(category).load(Ordering::Relaxed);
            // The start was a moment ago.
            all.max(own) / 1000
        };
        (seconds(Category::Error), seconds(Category::Transaction))
    }

    #[test]
    fn limits_are_taken_in() {
        for (status, rate_limits, retry_after, expected) in [
            (200, None, None, (0, 0)),
            (200, Some("60:error:organization"), None, (60, 0)),
            (
                200,
                Some("60:transaction;session:key:quota_exceeded, 10:error:key"),
                None,
                (10, 60),
            ),
            (429, Some("2700::organization"), Some("1"), (2700, 2700)),
            (
                429,
                Some("60:error:key,600:error:key,5:error:key"),
                None,
                (600, 0),
            ),
            (429, Some("60:profile;replay:key"), Some("7"), (0, 0)),
            (429, Some("x:error:key"), None, (60, 0)),
            (429, Some(""), None, (0, 0)),
            (429, None, Some("120"), (120, 120)),
            (429, None, Some("Fri, 31 Dec 1999 23:59:59 GMT"), (0, 0)),
            (429, None, Some("soon"), (60, 60)),
            (429, None, None, (60, 60)),
            (503, None, Some("120"), (0, 0)),
            (200, Some("1e99:error:key"), None, (24 * 60 * 60, 0)),
        ] {
            let learned = learned(status, rate_limits, retry_after);
            assert_eq!(
                learned, expected,
                "{status} {rate_limits:?} {retry_after:?}"
            );
        }
    }

    #[test]
    fn pauses_grow_to_a_minute() {
        let limits = Limits::default();
        assert!(!limits.is_away());
        assert_eq!(limits.pause(1), Duration::from_secs(1));
        assert!(limits.is_away());
        assert_eq!(limits.pause(3), Duration::from_secs(4));
        assert_eq!(limits.pause(1000), Duration::from_secs(60));
    }
}
