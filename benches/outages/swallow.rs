//! PostgreSQL is there and says nothing.

use std::time::{Duration, Instant};

use crate::support::harness::{Chaos, QUESTIONS, What, Witnesses};
use crate::support::report;
use crate::{Field, of_100, refusals, report_backends, report_truth};

/// The longest that may pass before it is noticed.
const NOTICED: Duration = Duration::from_secs(10);
/// For how long it is silent.
const SILENCE: Duration = Duration::from_secs(20);

/// What it says when it is known to be away.
const AWAY: &str = "the database is not available";

type Act<'a> = &'a dyn Fn(&Field, &Chaos);

pub fn swallow(field: &Field) {
    let stop: Act<'_> = &|_, way| {
        way.silence(true);
        way.silence_links();
    };
    let refuse: Act<'_> = &|_, way| {
        way.silence(true);
        way.reset_links();
    };
    let speak: Act<'_> = &|_, way| way.silence(false);
    one(field, "swallow, a proxy that stops forwarding", stop, speak);
    one(
        field,
        "swallow, connections that say nothing",
        refuse,
        speak,
    );
    let halt: Act<'_> = &|field, _| field.postgres.halt();
    let go_on: Act<'_> = &|field, _| field.postgres.go_on();
    one(field, "swallow, PostgreSQL stopped", halt, go_on);
}

fn one(field: &Field, trial: &str, silence: Act<'_>, speak: Act<'_>) {
    let database = field.database();
    let way = Chaos::to(&database, field.seed);
    let server = field.server(way.url(), &[]);
    let clients = Witnesses::start(server.address(), 16, QUESTIONS, Duration::from_millis(10));
    clients.go_on(200);
    let silent = Instant::now();
    silence(field, &way);
    std::thread::sleep(field.either(SILENCE, NOTICED));
    let ready = server.get("/readyz").status;
    let spoke = Instant::now();
    speak(field, &way);
    clients.go_on(200);
    let (told, _) = clients.stop();

    let during = told.seen.iter().filter(|seen| {
        let ended = seen.begun + seen.took;
        ended > silent && seen.begun < spoke && seen.what != What::Good
    });
    let mut longest: Vec<Duration> = during.map(|seen| seen.took).collect();
    let noticed = told.refused().find(|seen| {
        seen.begun >= silent
            && matches!(&seen.what, What::Refused(503, detail, _) if &**detail == AWAY)
            && seen.took < Duration::from_millis(100)
    });
    let noticed = noticed.map(|seen| seen.begun - silent);
    let noticed = noticed.unwrap_or(spoke - silent);
    report(
        trial,
        &format!(
            "{} requests met it: 503 or 504 after {:.1} s at most; known to be away after {:.1} s, /readyz says {ready}",
            longest.len(),
            of_100(100.0, &mut longest).as_secs_f64(),
            noticed.as_secs_f64()
        ),
        "within 10 s, none hangs",
        noticed < NOTICED && of_100(100.0, &mut longest) < NOTICED && ready == 503,
    );
    let mut after: Vec<Duration> = told
        .refused()
        .filter(|seen| seen.begun > silent + noticed && seen.begun < spoke)
        .map(|seen| seen.took)
        .collect();
    report(
        trial,
        &format!(
            "from then on {} requests: 503 in {:.2} ms (median), {:.1} ms (99 of 100)",
            after.len(),
            of_100(50.0, &mut after).as_secs_f64() * 1e3,
            of_100(99.0, &mut after).as_secs_f64() * 1e3,
        ),
        "99 of 100 in less than 10 ms",
        of_100(99.0, &mut after) < Duration::from_millis(10) && !after.is_empty(),
    );
    let good = |seen: &&crate::support::harness::testimony::Seen| seen.what == What::Good;
    let back = told
        .seen
        .iter()
        .filter(good)
        .map(|seen| seen.begun + seen.took);
    let back = back.filter(|at| *at > spoke).min();
    let back = back.map_or(Duration::MAX, |at| at - spoke);
    report(
        trial,
        &format!(
            "good answers {:.1} s after it speaks again",
            back.as_secs_f64()
        ),
        "within 11 s: an attempt to connect takes 10 s",
        back < Duration::from_secs(11),
    );
    println!("{} good; {}", told.good(), refusals(&told));
    report_truth(trial, &told, &database);
    report_backends(trial, &database, 8);
}
