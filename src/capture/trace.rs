//! The request as a transaction of Sentry's tracing, continued from the client's where it says that it has one.
//!
//! `sentry-trace` and `baggage` (Sentry's), else `traceparent` (W3C Trace Context, level 1).

use std::sync::Arc;
use std::time::SystemTime;

use http_types::StatusCode;
use sentry_core::protocol::SpanStatus;
use sentry_core::{Hub, Transaction, TransactionContext};

use crate::endpoint::Route;
use crate::http::Request;
use crate::sentry::{Category, Sentry};

/// The operation of a request's transaction, in Sentry's words.
const OPERATION: &str = "http.server";

/// A request's transaction, until its end.
pub(super) struct Trace {
    transaction: Transaction,
    hub: Arc<Hub>,
    /// Whether it is sent.
    sampled: bool,
}

impl Trace {
    /// None: there is nothing to continue, and nothing is sampled.
    pub(super) fn begin(
        sentry: &Sentry,
        hub: &Arc<Hub>,
        route: &Route,
        request: &Request,
    ) -> Option<Trace> {
        let parent = request.header("sentry-trace").map(str::to_owned);
        let parent = parent.or_else(|| from_traceparent(request.header("traceparent")?));
        let rate = sentry.traces_rate();
        if parent.is_none() && rate == 0.0 {
            return None;
        }
        let sentry_trace = parent.as_deref().map(|value| ("sentry-trace", value));
        let baggage = request.header("baggage").map(|value| ("baggage", value));
        let mut context = TransactionContext::continue_from_headers(
            &route.to_string(),
            OPERATION,
            sentry_trace.into_iter().chain(baggage),
        );
        // Decided here: what is not sampled goes no further.
        let decided = context.sampled();
        let sampled = rate > 0.0 && decided.unwrap_or_else(|| fastrand::f32() < rate);
        context.set_sampled(sampled);
        let transaction = hub.start_transaction(context);
        transaction.set_origin("auto.http.peppercorn");
        hub.configure_scope(|scope| scope.set_span(Some(transaction.clone().into())));
        Some(Trace {
            transaction,
            hub: hub.clone(),
            sampled,
        })
    }

    /// For the endpoint's own steps; none if nobody will see them.
    pub(super) fn steps(&self) -> Option<Transaction> {
        self.sampled.then(|| self.transaction.clone())
    }

    /// Ends it, and has it sent if it is sampled.
    pub(super) fn end(self, sentry: &Sentry, status: StatusCode) {
        if !self.sampled {
            return;
        }
        let now = SystemTime::now();
        self.transaction.set_status(span_status(status));
        self.transaction
            .set_data("http.response.status_code", (status as u16).into());
        let (transaction, hub) = (self.transaction, self.hub);
        sentry.submit(Category::Transaction, move || {
            Hub::run(hub, || transaction.finish_with_timestamp(now));
        });
    }
}

/// `sentry-trace` for a `traceparent`: `00-<trace>-<parent>-<flags>`.
fn from_traceparent(value: &str) -> Option<String> {
    let mut parts = value.trim().split('-');
    let (version, trace, parent, flags) =
        (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let hex = |text: &str, length: usize| {
        let lower = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        text.len() == length && text.bytes().all(lower)
    };
    // Of later versions the first four fields are the same, of this one there are no more.
    let shaped = hex(version, 2) && hex(trace, 32) && hex(parent, 16) && hex(flags, 2);
    let known = version != "ff" && (version != "00" || parts.next().is_none());
    let zero = |text: &str| text.bytes().all(|byte| byte == b'0');
    if !shaped || !known || zero(trace) || zero(parent) {
        return None;
    }
    let sampled = u8::from_str_radix(flags, 16).ok()? & 1;
    Some(format!("{trace}-{parent}-{sampled}"))
}

fn span_status(status: StatusCode) -> SpanStatus {
    match status as u16 {
        400 => SpanStatus::InvalidArgument,
        401 => SpanStatus::Unauthenticated,
        403 => SpanStatus::PermissionDenied,
        404 => SpanStatus::NotFound,
        409 => SpanStatus::AlreadyExists,
        429 => SpanStatus::ResourceExhausted,
        499 => SpanStatus::Cancelled,
        501 => SpanStatus::Unimplemented,
        503 => SpanStatus::Unavailable,
        504 => SpanStatus::DeadlineExceeded,
        402..=499 => SpanStatus::InvalidArgument,
        500.. => SpanStatus::InternalError,
        _ => SpanStatus::Ok,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_traceparent_is_continued() {
        let (trace, parent) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7");
        for (value, expected) in [
            (format!("00-{trace}-{parent}-01"), Some("1")),
            (format!("00-{trace}-{parent}-00"), Some("0")),
            (format!("cc-{trace}-{parent}-03-more"), Some("1")),
            (format!("00-{trace}-{parent}-01-more"), None),
            (format!("ff-{trace}-{parent}-01"), None),
            (format!("00-{}-{parent}-01", "0".repeat(32)), None),
            (format!("00-{trace}-{}-01", "0".repeat(16)), None),
            (format!("00-{}-{parent}-01", trace.to_uppercase()), None),
            (format!("00-{trace}-{parent}"), None),
            ("".into(), None),
        ] {
            let expected = expected.map(|sampled| format!("{trace}-{parent}-{sampled}"));
            assert_eq!(from_traceparent(&value), expected, "{value}");
        }
    }
}
