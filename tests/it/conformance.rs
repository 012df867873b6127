//! HTTP/1.1 as its RFCs have it, and as attackers would have it: every case of the corpora in `cases/`, sent to a
//! server whole, byte by byte, cut at random, and in the way the case itself names.
//!
//! `case` reads a corpus, `exchange` sends a case and notes what comes, `verdict` compares the two. The server is
//! `examples/hello.rs`, a process of its own behind real sockets.
//!
//! What is cut at random follows from a seed, which a failure prints: `CONFORMANCE_SEED=… cargo test conformance`
//! cuts the same way again.

mod case;
mod exchange;
mod verdict;

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use case::{Case, Names};
use exchange::{Delivery, End, Outcome, exchange};

use crate::harness::{Server, embed};

/// 303 cases after RFC 9110 and 9112, which other servers were measured with as well.
const CORPUS: &str = include_str!("cases/http.json");
/// Cases of our own: what reading the codec and the public corpora has added.
const EXTRA: &str = include_str!("cases/extra.json");

/// Connections at once.
const CLIENTS: usize = 4;
/// A server that hangs this often is not worth the time that further cases would wait for it.
const MOST_HANGS: usize = 8;

#[test]
fn the_corpus_through_the_health_probe() {
    assert_eq!(run(CORPUS, "/ping"), 303);
}

/// `GET /ping` is answered on a way of its own; other paths go through the router to an endpoint.
#[test]
fn the_corpus_through_a_handler() {
    assert_eq!(run(CORPUS, "/hello/world"), 303);
}

#[test]
fn the_cases_of_our_own() {
    run(EXTRA, "/hello/world");
}

/// Runs every case of a corpus in every delivery; how many cases there are.
#[track_caller]
fn run(corpus: &str, path: &'static str) -> usize {
    let server = Server::spawn(embed());
    let address = server.address();
    let names = Names {
        host: address.to_string(),
        path,
        post: "/echo",
    };
    let cases = case::read(corpus, &names);
    let ids: HashSet<_> = cases.iter().map(|case| &case.id).collect();
    assert_eq!(ids.len(), cases.len(), "an id stands twice");
    let seed = seed();
    let deliveries: Vec<_> = cases
        .iter()
        .zip(seed..)
        .flat_map(|(case, seed)| {
            let named = case.deliver.map(Delivery::Named);
            [Delivery::Whole, Delivery::Bytewise, Delivery::Splits(seed)]
                .into_iter()
                .chain(named)
                .map(move |delivery| (case, delivery))
        })
        .collect();
    let failures = send_all(&deliveries, address);
    assert!(
        failures.is_empty(),
        "{} of {} deliveries failed (CONFORMANCE_SEED={seed}):\n{}",
        failures.len(),
        deliveries.len(),
        failures.join("\n")
    );
    cases.len()
}

fn seed() -> u64 {
    match std::env::var("CONFORMANCE_SEED") {
        Ok(seed) => seed.parse().expect("CONFORMANCE_SEED is a number"),
        Err(_) => fastrand::u64(..1 << 32),
    }
}

/// Sends everything over several connections at once; the failures, in the order of the corpus.
fn send_all(deliveries: &[(&Case, Delivery)], address: SocketAddr) -> Vec<String> {
    let next = AtomicUsize::new(0);
    let hangs = AtomicUsize::new(0);
    let failures = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                while hangs.load(Ordering::Relaxed) < MOST_HANGS {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some((case, delivery)) = deliveries.get(number) else {
                        return;
                    };
                    let outcome = exchange(case, *delivery, address);
                    if matches!(&outcome, Ok(outcome) if outcome.end == End::Hung) {
                        hangs.fetch_add(1, Ordering::Relaxed);
                    }
                    if let Err(failure) = judge(case, *delivery, outcome) {
                        failures.lock().unwrap().push((number, failure));
                    }
                }
            });
        }
    });
    let mut failures = failures.into_inner().unwrap();
    failures.sort();
    let mut failures: Vec<_> = failures.into_iter().map(|(_, failure)| failure).collect();
    if hangs.into_inner() >= MOST_HANGS {
        failures.push("and given up: the server hangs".into());
    }
    failures
}

/// One line about a delivery that failed.
fn judge(case: &Case, delivery: Delivery, outcome: std::io::Result<Outcome>) -> Result<(), String> {
    let (why, came) = match outcome {
        Ok(outcome) => match verdict::judge(case, &outcome) {
            Ok(()) => return Ok(()),
            Err(why) => (why, came(&outcome)),
        },
        Err(error) => (error.to_string(), "no connection".into()),
    };
    let (id, note, rfc) = (&case.id, &case.note, &case.rfc);
    let expected = (case.expect, case.fate);
    Err(format!(
        "  {id}, {delivery:?}: {why}; came {came}, expected {expected:?} ({note}; RFC {rfc})"
    ))
}

fn came(outcome: &Outcome) -> String {
    let answers = &outcome.answers;
    let finals = answers.whole.iter().map(|answer| answer.status);
    let statuses: Vec<_> = answers.interim.iter().copied().chain(finals).collect();
    format!("{statuses:?} {:?}", outcome.end)
}
