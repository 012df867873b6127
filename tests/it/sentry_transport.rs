//! What goes to Sentry, over the wire: every byte, every answer, and how long anybody waits.

use std::collections::HashMap;
use std::net::TcpListener;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use peppercorn::sentry::{Category, Outcome, Sentry, Settings};
use regex_lite::Regex;
use sentry_core::protocol::{Event, Exception, Span, SpanId, TraceId, Transaction};

use crate::harness::{FakeSentry, PATIENCE, Reply, answer, block_on, ok, poll};

/// Far above what takes no time, far below what waits for Sentry.
pub(crate) const AT_ONCE: Duration = Duration::from_millis(500);

/// How events have ended.
#[derive(Clone, Default)]
pub(crate) struct Tally(Arc<Mutex<HashMap<Outcome, u64>>>);

impl Tally {
    pub(crate) fn of(&self, outcome: Outcome) -> u64 {
        self.0.lock().unwrap().get(&outcome).copied().unwrap_or(0)
    }

    pub(crate) fn total(&self) -> u64 {
        self.0.lock().unwrap().values().sum()
    }

    #[track_caller]
    pub(crate) fn assert(&self, expected: &[(Outcome, u64)]) {
        let have = self.0.lock().unwrap().clone();
        assert_eq!(have, expected.iter().copied().collect());
    }
}

/// A Sentry with these settings, and the outcomes of its events.
pub(crate) fn start(settings: &Settings) -> (Sentry, Tally) {
    let tally = Tally::default();
    let counted = tally.clone();
    let count = Arc::new(move |outcome| {
        *counted.0.lock().unwrap().entry(outcome).or_default() += 1;
    });
    let sentry = Sentry::start(settings, &[("worker", "3".into())], count);
    (sentry.unwrap(), tally)
}

pub(crate) fn start_at(dsn: &str) -> (Sentry, Tally) {
    start(&settings(dsn, &[]))
}

/// The settings for a DSN and what the environment says besides.
pub(crate) fn settings(dsn: &str, variables: &[(&str, &str)]) -> Settings {
    let variables = |name: &str| {
        let found = variables.iter().find(|(key, _)| *key == name);
        found.map(|(_, value)| (*value).to_owned())
    };
    let settings = Settings::read(Some(dsn.to_owned()), &variables);
    settings.unwrap().unwrap()
}

/// Reports an error from Sentry's thread.
pub(crate) fn report(sentry: &Sentry, message: &str) -> bool {
    let (hub, message) = (sentry.hub(), message.to_owned());
    sentry.submit(Category::Error, move || {
        hub.capture_event(event(&message));
    })
}

pub(crate) fn event(message: &str) -> Event<'static> {
    Event {
        message: Some(message.to_owned()),
        ..Event::default()
    }
}

/// Reports a transaction of so many spans below its own.
pub(crate) fn trace(sentry: &Sentry, spans: u32) -> bool {
    let hub = sentry.hub();
    sentry.submit(Category::Transaction, move || {
        let span = |_| Span {
            span_id: SpanId::default(),
            trace_id: TraceId::default(),
            ..Span::default()
        };
        let transaction = Transaction {
            name: Some("GET /markets/{market_id}".into()),
            spans: (0..spans).map(span).collect(),
            ..Transaction::default()
        };
        hub.client().unwrap().send_envelope(transaction.into());
    })
}

/// Everything that changes from run to run as a word.
fn masked(text: &str) -> String {
    let masks = [
        (
            r"\b[0-9a-f]{16}\b|[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
            "ID",
        ),
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "TIME"),
        (r#""timestamp":\d+(\.\d+)?"#, r#""timestamp":TIME"#),
        (r"127\.0\.0\.1:\d+", "PLACE"),
        (r"content-length: \d+", "content-length: LENGTH"),
        (
            r#""(name|version)":"(sentry[^"]*|\d[^"]*)""#,
            r#""$1":"LIBRARY""#,
        ),
        (r#""length":\d+"#, r#""length":LENGTH"#),
    ];
    masks.iter().fold(text.to_owned(), |text, (pattern, mask)| {
        Regex::new(pattern)
            .unwrap()
            .replace_all(&text, *mask)
            .into_owned()
    })
}

#[test]
fn a_request_is_this_byte_for_byte() {
    let server = FakeSentry::start(|_, _| ok());
    let dsn = format!("http://canary-key@{}/under/path/7", server.address());
    let variables = [
        ("SENTRY_RELEASE", "exchange@2"),
        ("SENTRY_SERVER_NAME", "a1"),
    ];
    let (sentry, tally) = start(&settings(&dsn, &variables));
    assert!(report(&sentry, "the book is empty"));
    let heard = server.wait_for(1).remove(0);
    let version = env!("CARGO_PKG_VERSION");
    let head = format!(
        "POST /under/path/api/7/envelope/ HTTP/1.1\r\n\
         host: PLACE\r\n\
         content-length: LENGTH\r\n\
         content-type: application/x-sentry-envelope\r\n\
         user-agent: peppercorn/{version}\r\n\
         x-sentry-auth: Sentry sentry_version=7, sentry_client=peppercorn/{version}, sentry_key=canary-key\r\n\
         \r\n"
    );
    assert_eq!(masked(&heard.head), head);
    let body = r#"{"event_id":"ID","sent_at":"TIME"}
{"type":"event","length":LENGTH}
{"event_id":"ID","message":"the book is empty","platform":"native","timestamp":TIME,"server_name":"a1","release":"exchange@2","environment":"production","contexts":{"trace":{"type":"trace","span_id":"ID","trace_id":"ID"}},"tags":{"worker":"3"},"sdk":{"name":"LIBRARY","version":"LIBRARY","packages":[{"name":"cargo:sentry","version":"LIBRARY"}]}}
"#;
    let text = String::from_utf8(heard.body.clone()).unwrap();
    assert_eq!(masked(&text), body);
    assert!(sentry.flush(PATIENCE));
    tally.assert(&[(Outcome::Sent, 1)]);
}

#[test]
fn the_official_parser_reads_what_is_sent() {
    let server = FakeSentry::start(|_, _| ok());
    let (sentry, tally) = start_at(&server.dsn());
    let hub = sentry.hub();
    let exception = Exception {
        ty: "Error".into(),
        value: Some("two\nlines, \"quotes\" and \u{1f336}".into()),
        ..Exception::default()
    };
    let sent = Event {
        exception: vec![exception].into(),
        ..Event::default()
    };
    let expected = sent.exception.clone();
    assert!(sentry.submit(Category::Error, move || {
        hub.configure_scope(|scope| scope.set_tag("endpoint", "market-prices"));
        hub.capture_event(sent);
    }));
    assert!(trace(&sentry, 2));
    let heard = server.wait_for(2);
    let event = heard[0].events().remove(0);
    assert_eq!(event.exception, expected);
    assert_eq!(event.tags["endpoint"], "market-prices");
    assert_eq!(heard[0].envelope().uuid(), Some(&event.event_id));
    let transaction = heard[1].transactions().remove(0);
    assert_eq!(transaction.spans.len(), 2);
    assert!(sentry.flush(PATIENCE));
    tally.assert(&[(Outcome::Sent, 2)]);
}

/// Code of an embedder's captures where it runs, through the same queue.
#[test]
fn what_is_captured_elsewhere_is_sent_too() {
    let server = FakeSentry::start(|_, _| ok());
    let (sentry, tally) = start_at(&server.dsn());
    let hub = sentry.hub();
    hub.add_breadcrumb(sentry_core::Breadcrumb {
        message: Some("before".into()),
        ..Default::default()
    });
    let id = hub.capture_event(event("here"));
    let heard = server.wait_for(1);
    let event = heard[0].events().remove(0);
    assert_eq!(event.event_id, id);
    assert_eq!(event.breadcrumbs[0].message.as_deref(), Some("before"));
    // Another request's hub knows nothing of it.
    sentry.hub().capture_event(self::event("there"));
    let other = server.wait_for(2)[1].events().remove(0);
    assert!(other.breadcrumbs.is_empty());
    assert_ne!(other.contexts["trace"], event.contexts["trace"]);
    assert!(sentry.flush(PATIENCE));
    tally.assert(&[(Outcome::Sent, 2)]);
}

#[test]
fn a_connection_is_kept_while_it_can_be() {
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n";
    let long = "x".repeat(100_000);
    for (name, reply, kept) in [
        ("Sentry's own", ok(), true),
        ("in chunks", Reply::Bytes(chunked.into()), true),
        ("a 400", answer("400 Bad Request", "", "no"), true),
        ("without a body", answer("200 OK", "", ""), true),
        (
            "close",
            answer("200 OK", "Connection: close\r\n", "{}"),
            false,
        ),
        (
            "no length",
            Reply::Last("HTTP/1.1 200 OK\r\n\r\n{}".into()),
            false,
        ),
        ("too long", answer("200 OK", "", &long), false),
        (
            "cut short",
            Reply::Last("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{}".into()),
            false,
        ),
        (
            "closed afterwards",
            Reply::Last("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}".into()),
            false,
        ),
        (
            "one byte too many",
            Reply::Bytes("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}\n".into()),
            true,
        ),
    ] {
        let server = FakeSentry::start(move |_, _| reply.clone());
        let (sentry, tally) = start_at(&server.dsn());
        for _ in 0..3 {
            assert!(report(&sentry, name), "{name}");
            assert!(sentry.flush(PATIENCE), "{name}");
        }
        // Reports of losses come between, on connections like any other.
        let mut heard = server.heard();
        heard.retain(|heard| !heard.events().is_empty());
        let connections: Vec<usize> = (heard.iter()).map(|heard| heard.connection).collect();
        let expected = if kept { [0, 0, 0] } else { [0, 1, 2] };
        assert_eq!(connections, expected, "{name}");
        assert_eq!(tally.total(), 3, "{name}");
    }
}

/// As after a server's own limit on idle connections: the event is not the price.
#[test]
fn a_connection_that_was_closed_at_the_last_moment_costs_no_event() {
    let server = FakeSentry::start(|number, _| match number {
        1 => Reply::Reset,
        _ => ok(),
    });
    let (sentry, tally) = start_at(&server.dsn());
    report(&sentry, "first");
    server.wait_for(1);
    assert!(sentry.flush(PATIENCE));
    report(&sentry, "second");
    let heard = server.wait_for(3);
    assert_eq!(heard[1].events(), heard[2].events());
    assert_eq!([heard[1].connection, heard[2].connection], [0, 1]);
    assert!(sentry.flush(PATIENCE));
    tally.assert(&[(Outcome::Sent, 2)]);
}

#[test]
fn every_answer_is_an_outcome() {
    let bytes = |text: &[u8]| Reply::Last(text.to_vec());
    let slow = |text: &str| Reply::Slow(text.into(), Duration::from_millis(10));
    for (name, reply, expected) in [
        ("200", ok(), Outcome::Sent),
        ("202", answer("202 Accepted", "", ""), Outcome::Sent),
        (
            "slowly",
            slow("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"),
            Outcome::Sent,
        ),
        // What has become of it is known from the head.
        (
            "half a body",
            bytes(b"HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\n{"),
            Outcome::Sent,
        ),
        (
            "301",
            answer("301 Moved Permanently", "", ""),
            Outcome::Refused,
        ),
        ("400", answer("400 Bad Request", "", "no"), Outcome::Refused),
        ("403", answer("403 Forbidden", "", "no"), Outcome::Refused),
        (
            "413",
            answer("413 Payload Too Large", "", "no"),
            Outcome::Refused,
        ),
        (
            "500",
            answer("500 Internal Server Error", "", ""),
            Outcome::Refused,
        ),
        (
            "429",
            answer("429 Too Many Requests", "", ""),
            Outcome::RateLimited,
        ),
        (
            "half a head",
            bytes(b"HTTP/1.1 200 OK\r\ncontent-le"),
            Outcome::NetworkError,
        ),
        (
            "no HTTP",
            bytes(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"),
            Outcome::NetworkError,
        ),
        ("nothing", bytes(b""), Outcome::NetworkError),
        ("a reset", Reply::Reset, Outcome::NetworkError),
        (
            "HTTP/1.0",
            bytes(b"HTTP/1.0 200 OK\r\n\r\n"),
            Outcome::NetworkError,
        ),
        (
            "not ASCII",
            bytes(b"HTTP/1.1 200 OK\r\nx: caf\xc3\xa9\r\ncontent-length: 0\r\n\r\n"),
            Outcome::NetworkError,
        ),
        (
            "not UTF-8",
            bytes(b"HTTP/1.1 200 OK\r\nx: caf\xe9\r\ncontent-length: 0\r\n\r\n"),
            Outcome::NetworkError,
        ),
        (
            "a large head",
            bytes(format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "x".repeat(9000)).as_bytes()),
            Outcome::NetworkError,
        ),
    ] {
        let server = FakeSentry::start(move |_, _| reply.clone());
        let (sentry, tally) = start_at(&server.dsn());
        assert!(report(&sentry, name), "{name}");
        server.wait_for(1);
        assert!(sentry.flush(PATIENCE), "{name}");
        assert_eq!(tally.of(expected), 1, "{name}");
        assert_eq!(tally.total(), 1, "{name}");
    }
}

#[test]
fn nobody_waits_for_a_sentry_that_never_answers() {
    let server = FakeSentry::start(|_, _| Reply::Silence);
    let (sentry, tally) = start_at(&server.dsn());
    let begin = Instant::now();
    assert!(report(&sentry, "first"));
    server.wait_for(1);
    let taken = (0..150).filter(|_| report(&sentry, "more")).count();
    assert_eq!(taken, 100);
    assert!(!sentry.is_taking(Category::Error));
    assert!(begin.elapsed() < AT_ONCE);
    let begin = Instant::now();
    assert!(!sentry.flush(Duration::from_millis(300)));
    assert!(begin.elapsed() >= Duration::from_millis(300));
    assert!(begin.elapsed() < Duration::from_millis(300) + AT_ONCE);
    let begin = Instant::now();
    assert!(!sentry.close(Duration::from_millis(100)));
    assert!(begin.elapsed() < Duration::from_millis(100) + AT_ONCE);
    tally.assert(&[(Outcome::QueueOverflow, 50), (Outcome::Abandoned, 101)]);
    assert!(!report(&sentry, "late"));
    drop(sentry);
    assert_eq!(tally.of(Outcome::Abandoned), 102);
}

#[test]
fn a_task_can_wait_without_blocking_its_thread() {
    let server = FakeSentry::start(|_, _| ok());
    let (sentry, tally) = start_at(&server.dsn());
    (0..10).for_each(|_| assert!(report(&sentry, "x")));
    block_on(sentry.flushed());
    tally.assert(&[(Outcome::Sent, 10)]);
}

#[test]
fn an_answer_is_waited_for_only_so_long_and_what_waits_follows() {
    let server = FakeSentry::start(|number, _| match number {
        0 => Reply::Silence,
        _ => ok(),
    });
    let (sentry, tally) = start_at(&server.dsn());
    (0..3).for_each(|_| assert!(report(&sentry, "x")));
    server.wait_for(3);
    poll("the outcomes", || (tally.total() == 3).then_some(()));
    tally.assert(&[(Outcome::NetworkError, 1), (Outcome::Sent, 2)]);
    // The report of the loss went with the next.
    let loss = ("error".to_owned(), "network_error".to_owned(), 1);
    assert_eq!(server.heard()[1].losses(), [loss]);
}

#[test]
fn a_sentry_that_is_away_is_tried_again_later() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let dsn = format!("http://key@{}/7", listener.local_addr().unwrap());
    let address = listener.local_addr().unwrap();
    drop(listener);
    let (sentry, tally) = start_at(&dsn);
    (0..3).for_each(|_| assert!(report(&sentry, "x")));
    poll("the first attempt", || (tally.total() == 1).then_some(()));
    let listener = TcpListener::bind(address).unwrap();
    let server = FakeSentry::start_with(listener, |_, _| ok(), Ok);
    // They have waited for it.
    server.wait_for(2);
    assert!(sentry.flush(PATIENCE));
    tally.assert(&[(Outcome::NetworkError, 1), (Outcome::Sent, 2)]);
}

/// Who ends a process waits for one attempt, not for one for each that waits.
#[test]
fn a_sentry_that_is_away_is_not_waited_for() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let dsn = format!("http://key@{}/7", listener.local_addr().unwrap());
    drop(listener);
    let (sentry, tally) = start_at(&dsn);
    (0..50).for_each(|_| assert!(report(&sentry, "x")));
    let begin = Instant::now();
    assert!(sentry.close(PATIENCE));
    assert!(begin.elapsed() < AT_ONCE);
    tally.assert(&[(Outcome::NetworkError, 50)]);
}

#[test]
fn the_last_handle_ends_the_thread_once_all_is_sent() {
    let server = FakeSentry::start(|_, _| ok());
    let (sentry, tally) = start_at(&server.dsn());
    let thread = Arc::new(());
    let alive = thread.clone();
    let hub = sentry.hub();
    sentry.submit(Category::Error, move || {
        hub.capture_event(event("last"));
        drop(alive);
    });
    let begin = Instant::now();
    drop(sentry);
    assert!(begin.elapsed() < AT_ONCE);
    server.wait_for(1);
    poll("the outcome", || {
        (tally.of(Outcome::Sent) == 1).then_some(())
    });
    poll("the job's end", || {
        (Arc::strong_count(&thread) == 1).then_some(())
    });
    // The count's other owner was the thread.
    poll("the thread's end", || {
        (Arc::strong_count(&tally.0) == 1).then_some(())
    });
}

#[test]
fn a_job_that_panics_or_captures_nothing_is_counted_and_harms_nobody() {
    let server = FakeSentry::start(|_, _| ok());
    let (sentry, tally) = start_at(&server.dsn());
    assert!(sentry.submit(Category::Error, || panic!("in a job of a test")));
    let hub = sentry.hub();
    assert!(sentry.submit(Category::Error, move || {
        hub.capture_event(event("before it panicked"));
        panic!("in a job of a test")
    }));
    assert!(sentry.submit(Category::Error, || ()));
    // What runs on Sentry's thread does not report on itself.
    let (told, tells) = mpsc::channel();
    let inner = sentry.clone();
    sentry.submit(Category::Error, move || {
        let taken = inner.submit(Category::Error, || ());
        let own = peppercorn::sentry::is_its_thread();
        told.send((taken, own, inner.flush(Duration::ZERO)))
            .unwrap();
    });
    assert_eq!(tells.recv().unwrap(), (false, true, true));
    assert!(!peppercorn::sentry::is_its_thread());
    assert!(sentry.flush(PATIENCE));
    assert_eq!(
        server.wait_for(1)[0].events()[0].message.as_deref(),
        Some("before it panicked")
    );
    tally.assert(&[
        (Outcome::Failed, 1),
        (Outcome::Sent, 1),
        (Outcome::Discarded, 2),
    ]);
}

/// From many threads, against a server that never answers: nobody waits, nothing is lost from the count.
#[test]
fn a_storm_is_counted_to_the_last_event() {
    const EACH: u64 = 20_000;
    let server = FakeSentry::start(|_, _| Reply::Silence);
    let (sentry, tally) = start_at(&server.dsn());
    report(&sentry, "first");
    server.wait_for(1);
    let taken = AtomicU64::new(1);
    let slowest = Mutex::new(Duration::ZERO);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let hub = sentry.hub();
                let begin = Instant::now();
                for number in 0..EACH {
                    let hub = hub.clone();
                    let job = move || {
                        hub.capture_event(event("storm"));
                    };
                    if sentry.submit(Category::Error, job) {
                        taken.fetch_add(1, Ordering::Relaxed);
                    }
                    if number % 1000 == 0 {
                        sentry.hub().capture_event(event("from elsewhere"));
                    }
                }
                let mut slowest = slowest.lock().unwrap();
                *slowest = begin.elapsed().max(*slowest);
            });
        }
    });
    assert!(*slowest.lock().unwrap() < PATIENCE / 10, "{slowest:?}");
    let all = 1 + 4 * (EACH + EACH / 1000);
    assert!(!sentry.close(Duration::from_millis(100)));
    assert_eq!(tally.total(), all);
    let (lost, abandoned) = (
        tally.of(Outcome::QueueOverflow),
        tally.of(Outcome::Abandoned),
    );
    assert_eq!(lost + abandoned + tally.of(Outcome::NetworkError), all);
    assert!(abandoned <= 101 && taken.into_inner() <= 102, "{abandoned}");
}

/// What waits is bounded in bytes as well.
#[test]
fn large_events_fill_the_queue_sooner() {
    let server = FakeSentry::start(|_, _| Reply::Silence);
    let (sentry, tally) = start_at(&server.dsn());
    report(&sentry, "first");
    server.wait_for(1);
    let large = (0..10).map(|_| sentry.submit_sized(Category::Error, 1 << 20, || ()));
    assert_eq!(large.filter(|taken| *taken).count(), 4);
    sentry.hub().capture_event(event("a small one"));
    assert!(!report(&sentry, "another"));
    assert_eq!(tally.of(Outcome::QueueOverflow), 8);
    sentry.close(Duration::ZERO);
    assert_eq!(tally.of(Outcome::Abandoned), 5);
}
