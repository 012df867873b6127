//! More requests than the database can serve.

use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use smol::Timer;

use crate::Field;
use crate::clients::{Client, Times, together};
use crate::support::harness::Server;
use crate::support::{Load, report};

/// Connections of the pool.
const POOL: &str = "4";
/// The query's own time, and the longest wait for a connection (`src/pg/pool.rs`): nobody who is served waits longer.
const NAP: Duration = Duration::from_millis(50);
const WAIT: Duration = Duration::from_secs(1);
/// Of clients that ask at a fixed rate: more than are ever waiting.
const CONNECTIONS: usize = 400;

/// What clients were answered.
#[derive(Default)]
struct Answered {
    served: Times,
    refused: Times,
    /// Refused without a word of when to come back.
    mute: usize,
    others: Vec<String>,
}

impl Answered {
    async fn ask(&mut self, client: &mut Client, from: Instant) {
        match client.get("/nap").await {
            Ok(got) if got.status == 200 => self.served.note(from),
            Ok(got) if got.status == 503 => {
                self.refused.note(from);
                self.mute += usize::from(got.field("retry-after").is_none());
            }
            Ok(got) => self.others.push(got.status.to_string()),
            Err(error) => self.others.push(error.to_string()),
        }
    }

    fn all(parts: Vec<Answered>) -> Answered {
        parts
            .into_iter()
            .fold(Answered::default(), |mut all, part| {
                all.served.add(part.served);
                all.refused.add(part.refused);
                all.mute += part.mute;
                all.others.extend(part.others);
                all
            })
    }
}

/// Ten times the capacity at a fixed rate, and then 400 clients that ask again at once.
pub fn overload(field: &Field) {
    let server = field.server(&["--db-connections", POOL]);
    let duration = field.seconds(30, 5);
    // Warm: the pool knows what the query costs.
    closed(server.address(), 8, Duration::from_secs(2));
    let calm = closed(server.address(), 8, duration / 3);
    let capacity = calm.served.count() as f64 / (duration / 3).as_secs_f64();
    report(
        "overload: capacity",
        &format!(
            "8 clients are served {capacity:.1} naps of 50 ms a second; {} refused",
            calm.refused.count()
        ),
        "3 connections of 4 for slow queries: 60 a second",
        capacity > 54.0 && calm.refused.count() == 0,
    );
    at_a_rate(&server, duration, capacity);
    by_wrk(&server, duration, capacity);
}

fn at_a_rate(server: &Server, duration: Duration, capacity: f64) {
    let address = server.address();
    let (answered, pinged) = beside_pings(address, duration, move || {
        open(address, 10.0 * capacity, duration)
    });
    judge(
        "overload at 10 × capacity",
        &answered,
        capacity * duration.as_secs_f64(),
    );
    judge_pings("overload at 10 × capacity", &pinged);
}

/// Clients that ask again when they have an answer, a hundred thousand times a second: what a query needs of the executor,
/// before and after it, waits for its turn behind all of them. That takes 12 ms of each 62 on two cores, while PostgreSQL's
/// own part stays 50.
fn by_wrk(server: &Server, duration: Duration, capacity: f64) {
    let address = server.address();
    let load = Load {
        connections: 400,
        duration,
        pipelined: 1,
    };
    let (wrk, pinged) = beside_pings(address, duration, move || {
        load.run_anywhere(address, "/nap")
    });
    let good = (wrk.requests - wrk.errors) as f64 / duration.as_secs_f64();
    report(
        "overload by wrk -c400",
        &format!(
            "{:.0} asked a second, {good:.1} served: {:.2} of capacity; half of all answers within {:.1?}",
            wrk.per_second,
            good / capacity,
            wrk.p50
        ),
        "served: ≥ 0.9 of capacity",
        good >= 0.9 * capacity,
    );
    judge_pings("overload by wrk -c400", &pinged);
}

fn judge(trial: &str, answered: &Answered, expected: f64) {
    let (served, refused) = (&answered.served, &answered.refused);
    let good = served.count() as f64 / expected;
    report(
        trial,
        &format!(
            "{} asked, {} served: {good:.2} of capacity; other ends: {:?}",
            served.count() + refused.count() + answered.others.len(),
            served.count(),
            answered.others
        ),
        "served: ≥ 0.9 of capacity; else 503",
        good >= 0.9 && answered.others.is_empty(),
    );
    let p99 = refused.of_thousand(990);
    report(
        trial,
        &format!(
            "{} refused, within {:.2?} (p50), {p99:.2?} (p99), {:.0?} at most; {} without Retry-After",
            refused.count(),
            refused.of_thousand(500),
            refused.most(),
            answered.mute
        ),
        "p99 < 10 ms, all with Retry-After",
        p99 < Duration::from_millis(10) && answered.mute == 0,
    );
    let bound = WAIT + NAP;
    report(
        trial,
        &format!(
            "those served within {:.0?} (p50), {:.0?} (p99), {:.0?} at most",
            served.of_thousand(500),
            served.of_thousand(990),
            served.most()
        ),
        "at most the wait of 1 s and the query's 50 ms, give or take two ticks of 50 ms",
        served.most() <= bound + Duration::from_millis(100),
    );
}

fn judge_pings(trial: &str, pinged: &Answered) {
    report(
        trial,
        &format!(
            "/ping: {} × 200 within {:.2?} (p99), else {:?}",
            pinged.served.count(),
            pinged.served.of_thousand(990),
            pinged.others
        ),
        "always 200",
        pinged.others.is_empty() && pinged.served.count() > 100,
    );
}

/// Does it while somebody asks for the health probe every 10 ms.
fn beside_pings<T>(
    address: SocketAddr,
    duration: Duration,
    it: impl FnOnce() -> T,
) -> (T, Answered) {
    let pinging = std::thread::spawn(move || together([pings(address, duration)]).remove(0));
    let done = it();
    (done, pinging.join().expect("pings"))
}

async fn pings(address: SocketAddr, duration: Duration) -> Answered {
    let mut answered = Answered::default();
    let mut client = Client::open(address).await.expect("a connection");
    let end = Instant::now() + duration;
    while Instant::now() < end {
        let from = Instant::now();
        match client.get("/ping").await {
            Ok(got) if got.status == 200 => answered.served.note(from),
            other => answered.others.push(format!("{other:?}")),
        }
        Timer::after(Duration::from_millis(10)).await;
    }
    answered
}

/// So many requests a second whatever becomes of them. Their time runs from when they were due.
fn open(address: SocketAddr, per_second: f64, duration: Duration) -> Answered {
    let next = Rc::new(Cell::new(0_u32));
    let begin = Instant::now() + Duration::from_millis(200);
    Answered::all(together((0..CONNECTIONS).map(|_| {
        let next = next.clone();
        async move {
            let mut answered = Answered::default();
            let mut client = Client::open(address).await.expect("a connection");
            loop {
                let number = next.replace(next.get() + 1);
                let after = Duration::from_secs_f64(f64::from(number) / per_second);
                if after >= duration {
                    return answered;
                }
                Timer::at(begin + after).await;
                answered.ask(&mut client, begin + after).await;
            }
        }
    })))
}

/// So many clients that ask again when they have been answered.
fn closed(address: SocketAddr, clients: usize, duration: Duration) -> Answered {
    let end = Instant::now() + duration;
    Answered::all(together((0..clients).map(|_| async move {
        let mut answered = Answered::default();
        let mut client = Client::open(address).await.expect("a connection");
        while Instant::now() < end {
            answered.ask(&mut client, Instant::now()).await;
        }
        answered
    })))
}
