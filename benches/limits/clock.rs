//! A system clock that is set while the server runs.
//!
//! Only the server sees it, see `tests/it/harness/stepped.c`. Its clients and PostgreSQL keep the right time.

use std::fs::File;
use std::time::{Duration, Instant};

use futures_lite::{AsyncReadExt, AsyncWriteExt};
use peppercorn::http::HttpDate;
use peppercorn::observe::rfc3339;

use crate::Field;
use crate::clients::{Client, together};
use crate::support::harness::{Folder, SECRET, Server, SteppedClock, bearer, poll, write_key};
use crate::support::report;

const HOUR: i64 = 3600;
/// How late a deadline may fire: its own clock ticks every 50 ms, and of an idle connection there are two, one after the
/// other.
const LATE: Duration = Duration::from_millis(250);
/// After what is timed has begun.
const BEFORE_STEP: Duration = Duration::from_millis(300);
/// Clocks of who issues tokens and of who reads them may be so far apart (`src/auth/registered.rs`).
const LEEWAY: f64 = 30.0;

/// What is under way while the clock is set, and how long it may take.
const TIMED: &[(&str, Begun, Duration)] = &[
    ("an endpoint's time", Begun::Nap, Duration::from_secs(1)),
    ("an idle connection's", Begun::Idle, Duration::from_secs(2)),
    ("a head's", Begun::Head, Duration::from_secs(10)),
];

#[derive(Clone, Copy)]
enum Begun {
    Nap,
    Idle,
    Head,
}

pub fn clock(field: &Field) {
    let folder = Folder::new();
    let clock = SteppedClock::new(folder.path());
    let log = folder.path().join("access.log");
    let key = write_key(&folder, SECRET);
    let mut command = field.command(&[
        "--workers",
        "2",
        "--timeout",
        "1s",
        "--keep-alive",
        "2s",
        "--access-log",
        "--jwt-key",
        &key,
    ]);
    clock.rules(&mut command);
    command.stdout(File::create(&log).expect("a file"));
    let server = Server::spawn(command);
    poll("the server to be ready", || {
        (server.get("/readyz").status == 200).then_some(())
    });
    let workers: Vec<u32> = server.settled(2).iter().map(|worker| worker.pid).collect();
    let timed = if field.quick { &TIMED[..2] } else { TIMED };
    for (name, ahead) in [("+1 h", HOUR), ("-1 h", 0), ("-1 h", -HOUR), ("+1 h", 0)] {
        let waited = step(&server, &clock, ahead, timed);
        for ((what, _, limit), (waited, end)) in timed.iter().zip(waited) {
            report(
                &format!("clock {name}: {what}"),
                &format!("{waited:.2?} ({end})"),
                &format!("{limit:?}, up to {LATE:?} more"),
                waited >= *limit && waited <= *limit + LATE,
            );
        }
        dates(&server, &clock, name);
        tokens(&server, &clock, name);
        times(&server, &clock, name, &log);
    }
    let now: Vec<u32> = server.settled(2).iter().map(|worker| worker.pid).collect();
    report(
        "clock: workers",
        &format!("{workers:?} before, {now:?} after"),
        "the same",
        workers == now,
    );
}

/// Sets the clock while they are under way: how long each took, and how it ended.
fn step(
    server: &Server,
    clock: &SteppedClock,
    ahead: i64,
    timed: &[(&'static str, Begun, Duration)],
) -> Vec<(Duration, String)> {
    let address = server.address();
    let waiting = timed.iter().map(|(_, begun, _)| *begun).collect::<Vec<_>>();
    let waiting = std::thread::spawn(move || {
        together(waiting.into_iter().map(|begun| async move {
            let mut client = Client::open(address).await.expect("a connection");
            match begun {
                Begun::Nap => {
                    let began = Instant::now();
                    let got = client.get("/late-by-far").await.expect("an answer");
                    (began.elapsed(), got.status.to_string())
                }
                Begun::Idle => {
                    client.get("/ping").await.expect("an answer");
                    let began = Instant::now();
                    let read = client.stream.read(&mut [0]).await;
                    (began.elapsed(), format!("{read:?}"))
                }
                Begun::Head => {
                    let began = Instant::now();
                    client
                        .stream
                        .write_all(b"GET /ping HT")
                        .await
                        .expect("room");
                    let got = client.answer().await.expect("an answer");
                    (began.elapsed(), got.status.to_string())
                }
            }
        }))
    });
    std::thread::sleep(BEFORE_STEP);
    clock.set(ahead);
    waiting.join().expect("clients")
}

/// The field `Date`, at once and for a while.
fn dates(server: &Server, clock: &SteppedClock, name: &str) {
    let mut wrong = Vec::new();
    let mut last = String::new();
    for _ in 0..20 {
        let before = clock.seconds() as u64;
        let answer = server.get("/ping");
        let date = answer.header("date").unwrap_or_default().to_owned();
        let after = clock.seconds() as u64;
        // The coarse clock may be behind by its tick.
        let right = (before - 1..=after).any(|second| HttpDate::from_unix(second).as_str() == date);
        if !right {
            wrong.push(date.clone());
        }
        last = date;
        std::thread::sleep(Duration::from_millis(20));
    }
    report(
        &format!("clock {name}: Date"),
        &format!("{last}; wrong: {wrong:?}"),
        "right within 1 s",
        wrong.is_empty(),
    );
}

/// Tokens that have just expired, and those that are about to; those that begin to be good, and those about to.
fn tokens(server: &Server, clock: &SteppedClock, name: &str) {
    let ask = |claim: &str, from_edge: f64| {
        let leeway = if claim == "exp" { -LEEWAY } else { LEEWAY };
        let token = bearer(&format!(
            "{{\"{claim}\":{:.3}}}",
            clock.seconds() + leeway + from_edge
        ));
        server
            .connect()
            .request("GET", "/one", &[("Authorization", &token)], "")
            .status
    };
    let got = [
        ask("exp", 1.0),
        ask("exp", -1.0),
        ask("nbf", -1.0),
        ask("nbf", 1.0),
    ];
    report(
        &format!("clock {name}: tokens"),
        &format!(
            "exp 1 s ahead, 1 s past; nbf 1 s past, 1 s ahead, beside 30 s of leeway: {got:?}"
        ),
        "200, 401, 200, 401",
        got == [200, 401, 200, 401],
    );
}

/// The time in a line of the log.
fn times(server: &Server, clock: &SteppedClock, name: &str, log: &std::path::Path) {
    let id = format!("id-{}", fastrand::u32(..));
    let before = rfc3339(clock.now() - Duration::from_secs(1));
    server
        .connect()
        .request("GET", "/readyz", &[("X-Request-Id", &id)], "");
    let after = rfc3339(clock.now() + Duration::from_secs(1));
    let line = poll("the line", || {
        let text = std::fs::read_to_string(log).ok()?;
        text.lines()
            .find(|line| line.contains(&id))
            .map(str::to_owned)
    });
    let time = line.split(' ').next().unwrap_or_default().to_owned();
    report(
        &format!("clock {name}: the log"),
        &format!("{time} where it is {}", rfc3339(clock.now())),
        "within 1 s",
        before <= time && time <= after,
    );
}
