//! Clients that leave all at once, on a pool that has one connection: what is cancelled must be theirs.

use std::time::{Duration, Instant};

use crate::support::harness::{Connection, QUESTIONS, Server, What, Witnesses};
use crate::support::report;
use crate::{Field, of_100, refusals, report_backends, report_left, report_truth};

/// Clients that leave at once, from so many threads.
const LEAVERS: usize = 100;
const THREADS: usize = 4;

pub fn race(field: &Field) {
    let trial = "cancel-race";
    let database = field.database();
    let server = field.server(&database.url(), &["--db-connections", "1"]);
    let witnesses = Witnesses::start(server.address(), 8, QUESTIONS, Duration::from_millis(1));
    witnesses.go_on(50);
    let rounds = field.either(1_000, 50);
    let mut random = fastrand::Rng::with_seed(field.seed);
    let begin = Instant::now();
    for _ in 0..rounds {
        round(&server, &mut random);
    }
    let took = begin.elapsed();
    witnesses.go_on(50);
    let (told, _) = witnesses.stop();

    let refused = |wanted: u16, code: Option<&str>| {
        let is = |what: &What| {
            matches!(what, What::Refused(status, _, said)
            if *status == wanted && said.as_deref() == code)
        };
        told.refused().filter(|seen| is(&seen.what)).count()
    };
    let foreign = refused(504, Some("57014"));
    report(
        trial,
        &format!(
            "{} requests left in {rounds} rounds in {:.0} s; {} others answered meanwhile: {foreign} of them were cancelled",
            rounds * LEAVERS,
            took.as_secs_f64(),
            told.seen.len(),
        ),
        "0",
        foreign == 0,
    );
    // Those who find themselves in somebody else's transaction say so, and are wrong.
    report_truth(trial, &told, &database);
    report_left(trial, &database, "id = -1");
    let lost = told.refused().filter(
        |seen| matches!(&seen.what, What::Refused(_, detail, _) if detail.contains("was lost")),
    );
    let lost = lost.count();
    let late = refused(504, None);
    report(
        trial,
        &format!("{late} waited for a query that was left until their own time was over"),
        "0: none hangs",
        late == 0,
    );
    report(
        trial,
        &format!(
            "{lost} lost their connection; {} were refused in all",
            told.refused().count()
        ),
        "0 lost",
        lost == 0,
    );
    let mut took: Vec<Duration> = told.seen.iter().map(|seen| seen.took).collect();
    println!(
        "others' answers: median {:?}, 99 of 100 {:?}, most {:?}; {}",
        of_100(50.0, &mut took),
        of_100(99.0, &mut took),
        of_100(100.0, &mut took),
        refusals(&told)
    );
    report_backends(trial, &database, 2);
}

/// All of them ask, and all of them leave: right away, while they wait, while PostgreSQL is at it.
fn round(server: &Server, random: &mut fastrand::Rng) {
    let seeds: Vec<u64> = (0..THREADS).map(|_| random.u64(..)).collect();
    std::thread::scope(|all| {
        for seed in seeds {
            all.spawn(move || {
                let mut random = fastrand::Rng::with_seed(seed);
                let gone = (0..LEAVERS / THREADS).map(|_| ask(server, &mut random));
                let gone: Vec<Connection> = gone.collect();
                std::thread::sleep(Duration::from_micros(random.u64(0..=20_000)));
                gone.into_iter().for_each(Connection::reset);
            });
        }
    });
}

/// A request that takes no time, some, or very long.
fn ask(server: &Server, random: &mut fastrand::Rng) -> Connection {
    let mut connection = server.connect();
    let seconds = *random.choice([0.0, 0.001, 0.01, 30.0].iter()).expect("one");
    connection.send(match random.bool() {
        true => format!("GET /sleep/{seconds} HTTP/1.1\r\nHost: a\r\n\r\n"),
        false => {
            let body = format!("{{\"seconds\":{seconds}}}");
            let length = body.len();
            format!("POST /sleep HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n{body}")
        }
    });
    connection
}
