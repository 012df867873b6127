//! What Sentry asks not to be sent, what is left out by choice, and what it is told of both.

use std::time::Duration;

use peppercorn::sentry::{Category, Outcome};

use crate::harness::{FakeSentry, Heard, PATIENCE, Reply, answer, ok};
use crate::sentry_transport::{event, report, settings, start, start_at, trace};

type Loss = (String, String, u64);

fn loss(category: &str, reason: &str, quantity: u64) -> Loss {
    (category.to_owned(), reason.to_owned(), quantity)
}

/// The losses of all reports, added up.
fn losses(heard: &[Heard]) -> Vec<Loss> {
    let mut sums: Vec<Loss> = Vec::new();
    for (category, reason, quantity) in heard.iter().flat_map(Heard::losses) {
        match sums
            .iter_mut()
            .find(|sum| sum.0 == category && sum.1 == reason)
        {
            Some(sum) => sum.2 += quantity,
            None => sums.push((category, reason, quantity)),
        }
    }
    sums.sort();
    sums
}

/// A server that answers the first request so, and takes the others.
fn first(reply: Reply) -> FakeSentry {
    FakeSentry::start(move |number, _| match number {
        0 => reply.clone(),
        _ => ok(),
    })
}

#[test]
fn a_limit_of_one_category_leaves_the_others_alone() {
    let fields = "X-Sentry-Rate-Limits: 3600:error;security:organization:quota, 1:profile:key\r\n";
    let server = first(answer("200 OK", fields, "{}"));
    let (sentry, tally) = start_at(&server.dsn());
    assert!(report(&sentry, "first"));
    assert!(sentry.flush(PATIENCE));
    assert!(!sentry.is_taking(Category::Error));
    assert!(sentry.is_taking(Category::Transaction));
    (0..5).for_each(|_| assert!(!report(&sentry, "limited")));
    sentry.hub().capture_event(event("limited, elsewhere"));
    assert!(trace(&sentry, 1));
    assert!(sentry.flush(PATIENCE));
    let heard = server.heard();
    assert_eq!(heard.len(), 2);
    assert_eq!(heard[1].transactions().len(), 1);
    assert_eq!(losses(&heard), [loss("error", "ratelimit_backoff", 6)]);
    tally.assert(&[(Outcome::Sent, 2), (Outcome::RateLimited, 6)]);
}

#[test]
fn what_waits_when_a_limit_comes_is_not_sent_any_more() {
    let fields = "x-sentry-rate-limits: 3600:transaction:key\r\n";
    // While the first is answered, the others wait.
    let (go, gone) = std::sync::mpsc::channel::<()>();
    let gone = std::sync::Mutex::new(gone);
    let server = FakeSentry::start(move |number, _| match number {
        0 => {
            gone.lock().unwrap().recv().unwrap();
            answer("200 OK", fields, "{}")
        }
        _ => ok(),
    });
    let (sentry, tally) = start_at(&server.dsn());
    assert!(report(&sentry, "first"));
    server.wait_for(1);
    (0..3).for_each(|_| assert!(trace(&sentry, 4)));
    assert!(report(&sentry, "last"));
    go.send(()).unwrap();
    assert!(sentry.flush(PATIENCE));
    let expected = [
        loss("span", "ratelimit_backoff", 3),
        loss("transaction", "ratelimit_backoff", 3),
    ];
    assert_eq!(losses(&server.heard()), expected);
    tally.assert(&[(Outcome::Sent, 2), (Outcome::RateLimited, 3)]);
}

#[test]
fn a_429_stops_everything_and_is_no_loss_to_report() {
    for fields in [
        "",
        "Retry-After: 3600\r\n",
        "Retry-After: Fri, 31 Dec 9999 23:59:59 GMT\r\n",
    ] {
        let server = first(answer("429 Too Many Requests", fields, ""));
        let (sentry, tally) = start_at(&server.dsn());
        assert!(report(&sentry, "first"));
        assert!(sentry.flush(PATIENCE));
        assert!(!report(&sentry, "second") && !trace(&sentry, 0));
        assert!(sentry.flush(PATIENCE));
        assert_eq!(server.heard().len(), 1, "{fields:?}");
        tally.assert(&[(Outcome::RateLimited, 3)]);
    }
}

#[test]
fn a_limit_ends_and_then_its_losses_are_told() {
    let server = first(answer("429 Too Many Requests", "Retry-After: 1\r\n", ""));
    let (sentry, tally) = start_at(&server.dsn());
    assert!(report(&sentry, "first"));
    assert!(sentry.flush(PATIENCE));
    assert!(!report(&sentry, "second"));
    crate::harness::poll("the end of the limit", || {
        sentry.is_taking(Category::Error).then_some(())
    });
    assert!(report(&sentry, "third"));
    assert!(sentry.flush(PATIENCE));
    assert_eq!(
        losses(&server.heard()),
        [loss("error", "ratelimit_backoff", 1)]
    );
    tally.assert(&[(Outcome::RateLimited, 2), (Outcome::Sent, 1)]);
}

#[test]
fn a_share_of_errors_is_sent() {
    let server = FakeSentry::start(|_, _| ok());
    let rate = |rate| settings(&server.dsn(), &[("SENTRY_SAMPLE_RATE", rate)]);
    let (sentry, tally) = start(&rate("0"));
    assert!(!report(&sentry, "x"));
    sentry.hub().capture_event(event("elsewhere"));
    // Whether a request is traced is another question.
    assert!(trace(&sentry, 0));
    assert!(sentry.flush(PATIENCE));
    tally.assert(&[(Outcome::SampledOut, 2), (Outcome::Sent, 1)]);
    assert_eq!(losses(&server.heard()), [loss("error", "sample_rate", 2)]);
    let (sentry, tally) = start(&rate("0.5"));
    for _ in 0..400 {
        report(&sentry, "x");
        assert!(sentry.flush(PATIENCE));
    }
    let (sent, out) = (tally.of(Outcome::Sent), tally.of(Outcome::SampledOut));
    assert_eq!(sent + out, 400);
    // Fewer than one run in 10^20 is outside of this.
    assert!((100..300).contains(&sent), "{sent}");
}

#[test]
fn a_refusal_and_an_overflow_are_reported_once() {
    let (go, gone) = std::sync::mpsc::channel::<()>();
    let gone = std::sync::Mutex::new(gone);
    let server = FakeSentry::start(move |number, _| match number {
        0 => {
            gone.lock().unwrap().recv().unwrap();
            answer("400 Bad Request", "", "{}")
        }
        _ => ok(),
    });
    let (sentry, tally) = start_at(&server.dsn());
    assert!(report(&sentry, "first"));
    server.wait_for(1);
    (0..100).for_each(|_| assert!(report(&sentry, "taken")));
    (0..7).for_each(|_| assert!(!report(&sentry, "too many")));
    (0..3).for_each(|_| assert!(!trace(&sentry, 2)));
    sentry.hub().capture_event(event("too many, elsewhere"));
    go.send(()).unwrap();
    assert!(sentry.flush(PATIENCE));
    let expected = [
        loss("error", "queue_overflow", 8),
        loss("error", "send_error", 1),
        loss("span", "queue_overflow", 3),
        loss("transaction", "queue_overflow", 3),
    ];
    assert_eq!(losses(&server.heard()), expected);
    tally.assert(&[
        (Outcome::Sent, 100),
        (Outcome::Refused, 1),
        (Outcome::QueueOverflow, 11),
    ]);
}

/// A report that gets lost is told again, with its own reasons.
#[test]
fn a_report_that_is_lost_counts_again() {
    let server = FakeSentry::start(|number, _| match number {
        0 | 1 => answer("503 Service Unavailable", "", ""),
        _ => ok(),
    });
    let (sentry, tally) = start_at(&server.dsn());
    for message in ["first", "second", "third"] {
        assert!(report(&sentry, message));
        // Without a flush, which sends a report of its own.
        let before = tally.total();
        crate::harness::poll("an outcome", || (tally.total() > before).then_some(()));
    }
    assert!(sentry.flush(PATIENCE));
    let heard = server.heard();
    assert_eq!(heard.len(), 3);
    assert_eq!(heard[1].losses(), [loss("error", "send_error", 1)]);
    assert_eq!(heard[2].losses(), [loss("error", "send_error", 2)]);
}

/// When nothing else is to be sent, a report goes on its own.
#[test]
fn losses_are_told_at_the_end() {
    let fields = "x-sentry-rate-limits: 3600:error:key\r\n";
    let server = first(answer("200 OK", fields, "{}"));
    let (sentry, _) = start_at(&server.dsn());
    assert!(report(&sentry, "first"));
    assert!(sentry.flush(PATIENCE));
    assert!(!report(&sentry, "limited"));
    assert!(sentry.close(Duration::from_secs(2)));
    let heard = server.heard();
    assert_eq!(heard.len(), 2);
    assert_eq!(heard[1].losses(), [loss("error", "ratelimit_backoff", 1)]);
    assert_eq!(heard[1].envelope().items().count(), 1);
}
