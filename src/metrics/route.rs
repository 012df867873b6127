//! What is counted of a route. A request looks nothing up: the route keeps what it has found.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http_types::Method;

use super::arena::Writer;
use super::cells::{Counter, Histogram};
use super::family::{ERRORS, REQUEST_DURATION};

/// Pairs of method and status that a route remembers; what comes beyond is looked up each time.
const REMEMBERED: usize = 12;

/// What is counted of a route.
pub struct RouteMetrics {
    writer: Arc<Writer>,
    template: Box<str>,
    endpoint: Box<str>,
    /// Pairs of method and status, and where they are counted, see [`Remembered`]; those that are 0 are free, and last.
    durations: [AtomicU64; REMEMBERED],
}

impl RouteMetrics {
    pub(super) fn new(writer: &Arc<Writer>, template: &str, endpoint: &str) -> RouteMetrics {
        RouteMetrics {
            writer: writer.clone(),
            template: template.into(),
            endpoint: endpoint.into(),
            durations: [const { AtomicU64::new(0) }; REMEMBERED],
        }
    }

    /// A request was answered with this status, or 499 if its client did not wait; `method` is none where it is not known.
    pub fn observe(&self, method: Option<Method>, status: u16, took: Duration) {
        self.observe_many(method, status, 1, took);
    }

    /// So many requests were, and each took so long.
    pub fn observe_many(&self, method: Option<Method>, status: u16, count: u64, took: Duration) {
        let durations = self.durations(method, status);
        durations.observe_many(count, took);
    }

    fn durations(&self, method: Option<Method>, status: u16) -> Histogram {
        let (method, word) = word(method);
        for remembered in &self.durations {
            // What is in the cells was there before.
            match Remembered(remembered.load(Ordering::Acquire)) {
                Remembered(0) => break,
                one if one.is(method, status) => {
                    let cells = self.writer.at(one.place(), &REQUEST_DURATION);
                    return Histogram::new(&REQUEST_DURATION, cells);
                }
                _ => {}
            }
        }
        let mut digits = itoa::Buffer::new();
        let labels = [word, &self.template, digits.format(status)];
        if let Some(place) = self.writer.place(&REQUEST_DURATION, &labels) {
            self.remember(Remembered::new(method, status, place));
        }
        Histogram::new(
            &REQUEST_DURATION,
            self.writer.cells(&REQUEST_DURATION, &labels),
        )
    }

    fn remember(&self, one: Remembered) {
        for place in &self.durations {
            let taken = place.compare_exchange(0, one.0, Ordering::Release, Ordering::Relaxed);
            // Another thread may have been as quick: twice does no harm.
            if taken.is_ok() {
                return;
            }
        }
    }

    /// Its endpoint failed: `code` is an SQLSTATE if there is one, else the status, or `panic`.
    pub fn count_error(&self, code: &str) {
        let cells = self.writer.cells(&ERRORS, &[&self.endpoint, code]);
        Counter(&cells[0]).add(1);
    }
}

impl fmt::Debug for RouteMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RouteMetrics({})", self.endpoint)
    }
}

/// A method, 8 bits, a status, 16 bits, and the place of their cells, 40 bits; never 0, as no method is.
#[derive(Clone, Copy)]
struct Remembered(u64);

impl Remembered {
    fn new(method: u8, status: u16, place: usize) -> Remembered {
        Remembered(u64::from(method) << 56 | u64::from(status) << 40 | place as u64)
    }

    fn is(self, method: u8, status: u16) -> bool {
        self.0 >> 40 == u64::from(method) << 16 | u64::from(status)
    }

    fn place(self) -> usize {
        (self.0 & ((1 << 40) - 1)) as usize
    }
}

/// A method's number, which is not 0, and its label. What clients may make up is not counted one by one: methods beyond
/// those of RFC 9110 and PATCH (RFC 5789) are one, as in OpenTelemetry's semantic conventions.
fn word(method: Option<Method>) -> (u8, &'static str) {
    match method {
        Some(Method::Get) => (1, "GET"),
        Some(Method::Head) => (2, "HEAD"),
        Some(Method::Post) => (3, "POST"),
        Some(Method::Put) => (4, "PUT"),
        Some(Method::Delete) => (5, "DELETE"),
        Some(Method::Connect) => (6, "CONNECT"),
        Some(Method::Options) => (7, "OPTIONS"),
        Some(Method::Trace) => (8, "TRACE"),
        Some(Method::Patch) => (9, "PATCH"),
        _ => (10, "_OTHER"),
    }
}
