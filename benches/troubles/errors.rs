//! Errors by the thousand, and a Sentry that is no help.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::others::{Noticed, others};
use crate::support::harness::{FakeSentry, Reply, Server, answer, ok, scrape};
use crate::support::{Answered, Load, pss, report, row};
use crate::{Field, counted};

/// That fail at once: with these pauses, more than 10,000 in a second.
const CONNECTIONS: u64 = 160;
const PAUSE: Duration = Duration::from_millis(12);
const WANTED_PER_SECOND: f64 = 10_000.0;

/// Of errors before others ask, and after: they see nothing else.
const MARGIN: Duration = Duration::from_millis(300);

/// Until Sentry is asked again after it was away: attempts are up to a minute apart, and each may take 5 s.
const RECOVERY: Duration = Duration::from_secs(70);

/// Against each Sentry that is no help.
pub fn errors(field: &Field) {
    let limited = || answer("429 Too Many Requests", "retry-after: 1\r\n", "");
    against(field, "errors, Sentry is silent", || Reply::Silence);
    against(field, "errors, Sentry says 429", limited);
    against(field, "errors, Sentry resets", || Reply::Reset);
}

fn against(field: &Field, trouble: &str, unhelpful: fn() -> Reply) {
    let recovered = Arc::new(AtomicBool::new(false));
    let script = recovered.clone();
    let sentry = FakeSentry::start(move |_, _| match script.load(Ordering::Relaxed) {
        true => ok(),
        false => unhelpful(),
    });
    // A server that has no Sentry fails as often: errors have their price, whoever is told.
    let (server, alone) = (field.trouble(Some(&sentry)), field.trouble(None));
    let turn = (field.duration / 10).max(Duration::from_secs(1));
    let (mut noticed, mut beside_none) = (Noticed::default(), Noticed::default());
    let mut failed: Vec<Answered> = Vec::new();
    let mut held = Vec::new();
    for _ in 0..field.turns(turn) {
        let (errors, pings) = failing(&server, turn);
        let (_, pings_alone) = failing(&alone, turn);
        failed.push(errors);
        held.push([&server, &alone].map(|server| pss(server.pid())));
        noticed.note(pings, pings_alone);
        beside_none.note(pings, others(&alone, turn));
    }
    let rate = failed.iter().map(|errors| errors.per_second);
    let rate = rate.fold(f64::INFINITY, f64::min);
    let answered: u64 = failed.iter().map(|errors| errors.requests).sum();
    report(
        trouble,
        &format!("{answered} errors, {rate:.0} in a second at least"),
        "10,000 in a second",
        rate >= WANTED_PER_SECOND,
    );
    noticed.report(trouble, "others'", "with as many errors and no Sentry");
    // So many requests have their price, whatever becomes of them.
    row(&[
        &trouble,
        &beside_none.figure("others'", "with no other request"),
        &"",
        &"",
    ]);
    report_memory(trouble, &server, &alone, &held);
    report_counts(trouble, &server, &recovered, &failed);
    report_end(trouble, server, &recovered);
}

/// What they fail with, and what others notice in the midst of it.
fn failing(server: &Server, duration: Duration) -> (Answered, Answered) {
    std::thread::scope(|scope| {
        let errors = scope.spawn(|| fail(server, duration + Duration::from_secs(1)));
        std::thread::sleep(MARGIN);
        let pings = others(server, duration);
        (errors.join().expect("wrk"), pings)
    })
}

fn fail(server: &Server, duration: Duration) -> Answered {
    let load = Load {
        connections: CONNECTIONS,
        duration,
        pipelined: 1,
    };
    load.run_paced(server.address(), "/fail", PAUSE)
}

/// After each turn, and the most ever.
fn report_memory(trouble: &str, server: &Server, alone: &Server, held: &[[u64; 2]]) {
    const MIB: f64 = 1024.0 * 1024.0;
    let mib = |bytes: u64| bytes as f64 / MIB;
    let [first, last] = [held.first(), held.last()].map(|turn| turn.expect("a turn"));
    let most = [server, alone].map(|server| server.account("VmHWM") * 1024);
    report(
        trouble,
        &format!(
            "it holds {:.1} MiB after the first turn, {:.1} after the last, resident {:.1} at most; without Sentry {:.1}, {:.1} \
             and {:.1}",
            mib(first[0]),
            mib(last[0]),
            mib(most[0]),
            mib(first[1]),
            mib(last[1]),
            mib(most[1]),
        ),
        // The queue holds 4 MiB.
        "at most 6 MiB more than without",
        mib(most[0]) <= mib(most[1]) + 6.0,
    );
}

/// Sentry comes back, so that everything ends in some way.
fn report_counts(trouble: &str, server: &Server, recovered: &AtomicBool, failed: &[Answered]) {
    let by_wrk: u64 = failed.iter().map(|errors| errors.requests).sum();
    let other: u64 = by_wrk.abs_diff(failed.iter().map(|errors| errors.errors).sum());
    let outcomes =
        |labels: &[&str]| scrape(server).sum("peppercorn_sentry_events_total", labels) as u64;
    let errors = counted(server, "/fail", 500);
    let pending = errors - outcomes(&[]);
    recovered.store(true, Ordering::Relaxed);
    let begin = Instant::now();
    while outcomes(&[]) < errors && begin.elapsed() < RECOVERY {
        std::thread::sleep(Duration::from_millis(50));
    }
    let parts = [
        "sent",
        "queue_overflow",
        "rate_limited",
        "network_error",
        "abandoned",
    ];
    let parts = parts.map(|word| format!("{} {word}", outcomes(&[&format!("\"{word}\"")])));
    let all = outcomes(&[]);
    // When wrk ends it does not wait for the answers that are on their way.
    let unread = CONNECTIONS * failed.len() as u64;
    report(
        trouble,
        &format!(
            "{all} outcomes ({}) of {errors} errors, {by_wrk} of them read by wrk, {other} of those not 500; {pending} had waited \
             for Sentry, who was back after {:.1} s",
            parts.join(", "),
            begin.elapsed().as_secs_f64()
        ),
        "as many outcomes as errors, and as wrk read but for those on their way",
        all == errors && errors >= by_wrk && errors - by_wrk <= unread && other == 0,
    );
}

/// It is asked to end in the midst of errors, and Sentry is as before.
fn report_end(trouble: &str, server: Server, recovered: &AtomicBool) {
    recovered.store(false, Ordering::Relaxed);
    let address = server.address();
    let load = std::thread::spawn(move || {
        let load = Load {
            connections: CONNECTIONS,
            duration: Duration::from_secs(2),
            pipelined: 1,
        };
        load.run_paced(address, "/fail", PAUSE)
    });
    std::thread::sleep(Duration::from_secs(1));
    let begin = Instant::now();
    server.signal(Signal::TERM);
    let (status, _) = server.wait();
    let took = begin.elapsed();
    let _cut = load.join().expect("wrk");
    report(
        trouble,
        &format!(
            "ended with {:?} {:.2} s after TERM",
            status.code(),
            took.as_secs_f64()
        ),
        "exit 0 within 2 s",
        status.code() == Some(0) && took <= Duration::from_secs(2),
    );
}
