//! What Sentry has asked not to be sent for a while.
//!
//! Source: Sentry, "SDK Development", "Rate Limiting". Times are monotonic: a clock that is set lifts no limit and makes
//! none longer.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use sentry_core::protocol::client_report::Category;

/// How long nothing is sent after a 429 that does not say, and for a limit without a number.
const UNTOLD: Duration = Duration::from_secs(60);
/// The longest limit that is believed. One that goes on is told again.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// Sentry's words for what can be limited on its own, after that for all of it. What is not here is not sent by this
/// program: limits on it are none.
const WORDS: [(&str, Option<Category>); 8] = [
    ("", None),
    ("error", Some(Category::Error)),
    ("transaction", Some(Category::Transaction)),
    ("attachment", Some(Category::Attachment)),
    ("session", Some(Category::Session)),
    ("monitor", Some(Category::Monitor)),
    ("log_item", Some(Category::LogItem)),
    ("trace_metric", Some(Category::TraceMetric)),
];
/// Where the limit of all stands in [`WORDS`].
const ALL: usize = 0;

/// The limits that hold, for any thread to look at.
pub(super) struct Limits {
    start: Instant,
    /// By the order of [`WORDS`], until when: milliseconds since `start`. 0: there was never a limit.
    until_ms: [AtomicU64; WORDS.len()],
}

/// What an answer of Sentry's says of limits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Told {
    /// 429.
    pub(super) too_many: bool,
    /// `X-Sentry-Rate-Limits`.
    pub(super) limits: Option<String>,
    /// `Retry-After`.
    pub(super) retry_after: Option<String>,
}

impl Limits {
    pub(super) fn new() -> Limits {
        Limits {
            start: Instant::now(),
            until_ms: [const { AtomicU64::new(0) }; WORDS.len()],
        }
    }

    /// Whether this is not to be sent now. No clock is read while there was never a limit.
    pub(super) fn hold(&self, category: Category) -> bool {
        let own = WORDS.iter().position(|(_, known)| *known == Some(category));
        self.holds(ALL) || own.is_some_and(|own| self.holds(own))
    }

    /// Whether nothing at all is to be sent now.
    pub(super) fn hold_all(&self) -> bool {
        self.holds(ALL)
    }

    fn holds(&self, index: usize) -> bool {
        match self.until_ms[index].load(Ordering::Relaxed) {
            0 => false,
            until => self.now_ms() < until,
        }
    }

    fn now_ms(&self) -> u64 {
        self.start.elapsed().as_millis() as u64
    }

    /// Keeps the limits of an answer that has just come; a longer one that holds already stays.
    pub(super) fn note(&self, told: &Told) {
        let now = self.now_ms();
        for (index, duration) in told.limits() {
            let length = duration.min(LONGEST).as_millis() as u64;
            self.until_ms[index].fetch_max(now + length, Ordering::Relaxed);
        }
    }
}

impl Told {
    /// Which limits, by their place in [`WORDS`], and how long they hold.
    fn limits(&self) -> Vec<(usize, Duration)> {
        if let Some(limits) = &self.limits {
            return limits.split(',').flat_map(limit).collect();
        }
        if !self.too_many {
            return Vec::new();
        }
        let told = self.retry_after.as_deref().map(str::trim);
        let told = told.and_then(|text| seconds(text).or_else(|| until(text)));
        vec![(ALL, told.unwrap_or(UNTOLD))]
    }
}

/// One of the header's limits, for each of its categories: `60:error;transaction:organization:reason`. The scope and the
/// reason are no concern of the sender.
fn limit(text: &str) -> impl Iterator<Item = (usize, Duration)> {
    let mut parts = text.trim().split(':');
    let length = parts.next().unwrap_or_default();
    let categories = parts.next();
    let length = seconds(length).unwrap_or(UNTOLD);
    let categories = categories.into_iter().flat_map(|list| list.split(';'));
    categories.filter_map(move |word| {
        let known = WORDS.iter().position(|(known, _)| *known == word.trim());
        known.map(|index| (index, length))
    })
}

/// A number of seconds, with a fraction perhaps.
fn seconds(text: &str) -> Option<Duration> {
    Duration::try_from_secs_f64(text.trim().parse().ok()?).ok()
}

/// From now to a date, as the system's clock has it at this moment.
fn until(date: &str) -> Option<Duration> {
    let date = httpdate::parse_http_date(date).ok()?;
    Some(date.duration_since(SystemTime::now()).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(header: &str) -> Vec<(&'static str, u64)> {
        let told = Told {
            limits: Some(header.into()),
            // Counts only where there is no such header.
            too_many: true,
            retry_after: Some("1".into()),
        };
        let limits = told.limits().into_iter();
        limits
            .map(|(index, length)| (WORDS[index].0, length.as_secs()))
            .collect()
    }

    fn retry_after(value: Option<&str>) -> Vec<(usize, Duration)> {
        let told = Told {
            limits: None,
            too_many: true,
            retry_after: value.map(Into::into),
        };
        told.limits()
    }

    #[test]
    fn the_header_names_categories() {
        assert_eq!(limits("60:error:organization"), [("error", 60)]);
        assert_eq!(
            limits(" 60:transaction:key , 2700:default;error;security:organization:quota"),
            [("transaction", 60), ("error", 2700)]
        );
        assert_eq!(limits("60::organization"), [("", 60)]);
        assert_eq!(limits("60:"), [("", 60)]);
        assert_eq!(limits("x:error:key"), [("error", 60)]);
        assert_eq!(limits("1.5:error:key"), [("error", 1)]);
        assert_eq!(limits("-3:error:key"), [("error", 60)]);
        for nothing in ["", ",", "60", "60:profile;replay:key", "60:erro:key"] {
            assert_eq!(limits(nothing), [], "{nothing:?}");
        }
    }

    #[test]
    fn without_it_a_429_says_how_long() {
        let all = |seconds| [(ALL, Duration::from_secs(seconds))];
        assert_eq!(retry_after(Some("17")), all(17));
        let soon = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(100));
        let (_, length) = retry_after(Some(&soon))[0];
        assert!((80..=100).contains(&length.as_secs()), "{length:?}");
        assert_eq!(retry_after(Some("Sun, 06 Nov 1994 08:49:07 GMT")), all(0));
        assert_eq!(retry_after(Some("soon")), all(60));
        assert_eq!(retry_after(None), all(60));
        assert_eq!(Told::default().limits(), []);
    }

    #[test]
    fn the_longest_limit_holds() {
        let limits = Limits::new();
        assert!(!limits.hold(Category::Error) && !limits.hold_all());
        for header in ["60:error:key", "0:error:key", "1e300:error:key, 0::key"] {
            let told = Told {
                limits: Some(header.into()),
                ..Told::default()
            };
            limits.note(&told);
            assert!(limits.hold(Category::Error) && !limits.hold(Category::Transaction));
            assert!(!limits.hold_all());
        }
        let told = Told {
            too_many: true,
            ..Told::default()
        };
        limits.note(&told);
        assert!(limits.hold(Category::Transaction) && limits.hold(Category::Monitor));
        assert!(limits.hold_all());
    }

    #[test]
    fn a_limit_ends() {
        let limits = Limits::new();
        let told = Told {
            limits: Some("0.2:error:key".into()),
            ..Told::default()
        };
        let begin = Instant::now();
        limits.note(&told);
        while limits.hold(Category::Error) {
            assert!(begin.elapsed() < Duration::from_secs(10));
            std::thread::yield_now();
        }
        assert!(begin.elapsed() >= Duration::from_millis(199));
    }
}
