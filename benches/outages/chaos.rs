//! Everything at once between the service and PostgreSQL, and at both ends.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::support::harness::messages::Side;
use crate::support::harness::{Chaos, Database, Fault, Odds, QUESTIONS, Witnesses};
use crate::support::report;
use crate::{Field, of_100, refusals, report_backends, report_truth};

/// What requests have; and the longest that an answer may take: the clock's tick and a busy machine are in it.
const LIMIT: Duration = Duration::from_secs(5);
const LONGEST: Duration = Duration::from_secs(6);

/// Of 100,000 messages.
const ODDS: Odds = Odds {
    split: 2_000,
    delay: 400,
    end: 80,
    reset: 120,
    silence: 8,
};

pub fn chaos(field: &Field) {
    let trial = "chaos";
    let database = field.database();
    let way = Chaos::to(&database, field.seed);
    let server = field.server(way.url(), &["--timeout", "5s"]);
    let clients = Witnesses::start(server.address(), 16, QUESTIONS, Duration::from_millis(5));
    let clients = clients.with_leavers(4, Duration::from_millis(20), field.seed);
    clients.go_on(200);
    way.set(ODDS);
    let length = Duration::from_secs(field.either(600, 10));
    let mut random = fastrand::Rng::with_seed(field.seed);
    let begin = Instant::now();
    let (mut ended, mut cancelled) = (0, 0);
    while begin.elapsed() < length {
        std::thread::sleep(Duration::from_millis(random.u64(50..=500)));
        match random.bool() {
            true => ended += at_random(&database, "pg_terminate_backend"),
            false => cancelled += at_random(&database, "pg_cancel_backend"),
        }
    }
    way.set(Odds::default());
    // All that is silent has been given up before there are only good answers.
    std::thread::sleep(LONGEST);
    let good = clients.good();
    clients.go_on(200);
    let recovered = clients.good() > good;
    let (told, left) = clients.stop();

    let (messages, met) = way.met();
    let mut kinds: BTreeMap<Fault, (u64, usize)> = BTreeMap::new();
    for ((fault, _, _), count) in &met {
        let of = kinds.entry(*fault).or_default();
        *of = (of.0 + count, of.1 + 1);
    }
    println!(
        "{messages} messages; {ended} backends ended, {cancelled} cancelled; {left} requests left"
    );
    for (fault, (count, kinds)) in &kinds {
        println!("{fault:?}: {count} messages of {kinds} kinds");
    }
    let cut = |side: Side| {
        let cuts = met.keys().filter(|(fault, of, _)| {
            *of == side && matches!(fault, Fault::End | Fault::Reset | Fault::Silence)
        });
        let mut kinds: Vec<char> = cuts.map(|(_, _, kind)| *kind).collect();
        kinds.sort();
        kinds.dedup();
        kinds.into_iter().collect::<String>()
    };
    println!(
        "cut at or in messages of the kinds {} of the client, {} of the server",
        cut(Side::Client),
        cut(Side::Server)
    );
    println!("{} good; {}", told.good(), refusals(&told));
    report_truth(trial, &told, &database);
    let mut took: Vec<Duration> = told.seen.iter().map(|seen| seen.took).collect();
    report(
        trial,
        &format!(
            "answers after {:.1} ms (median), {:.0} ms (99 of 100), {:.1} s (most), requests having {} s",
            of_100(50.0, &mut took).as_secs_f64() * 1e3,
            of_100(99.0, &mut took).as_secs_f64() * 1e3,
            of_100(100.0, &mut took).as_secs_f64(),
            LIMIT.as_secs()
        ),
        "within 6 s: none hangs",
        of_100(100.0, &mut took) < LONGEST && recovered,
    );
    report_backends(trial, &database, 8);
}

/// Does this to a connection of the service, whatever it does; how many there were to choose from, at most 1.
fn at_random(database: &Database, what: &str) -> u64 {
    let did = database.ask(&format!(
        "select {what}(pid) from (select pid from pg_stat_activity where datname = current_database()
         and pid <> pg_backend_pid() order by random() limit 1) as one"
    ));
    u64::from(did.is_some())
}
