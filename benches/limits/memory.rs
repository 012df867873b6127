//! Half an hour of everything that takes memory.
//!
//! A round is a few seconds of load, then a moment of rest in which all clients have their answers. What is left then is
//! what the load leaves behind; the most that there was meanwhile is the kernel's account (`VmHWM`).

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use futures_lite::AsyncWriteExt;
use peppercorn::process::Ceiling;
use rustix::net::sockopt;
use smol::Timer;

use crate::Field;
use crate::clients::{Client, together};
use crate::support::harness::Server;
use crate::support::{pss, report};

const MIB: usize = 1 << 20;
const CEILING: Ceiling = Ceiling {
    // More than there are clients: none of them has to make room for another.
    connections: 200,
    body: MIB as u64,
    threads: 1,
    db_connections: 4,
    // Of those below, all whose bodies or answers are large.
    large: 30,
    answer: MIB as u64,
    takes_lists: false,
};
const ROUND: Duration = Duration::from_secs(7);
const QUICK_ROUND: Duration = Duration::from_secs(2);
/// After a round, for what is freed late.
const SETTLE: Duration = Duration::from_secs(1);

/// What a client does over and over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    /// Sends a body near the limit: text, bytes, or a list of numbers.
    Body,
    /// The same in chunks.
    Chunks,
    /// Asks for an answer of a MiB, which is held until it has been read.
    Answer,
    /// The same, and reads it slowly.
    SlowAnswer,
    /// Asks for a list of some MiB, which is sent while it arrives.
    List,
    SlowList,
    Small,
    Write,
    /// Leaves in the middle of something, by turns.
    Leave,
}

const CLIENTS: &[(Kind, usize)] = &[
    (Kind::Body, 14),
    (Kind::Chunks, 4),
    (Kind::Answer, 4),
    (Kind::SlowAnswer, 4),
    (Kind::List, 2),
    (Kind::SlowList, 1),
    (Kind::Small, 16),
    (Kind::Write, 6),
    // With those above whose answers are large: four at a time.
    (Kind::Leave, 4),
];

/// What the clients have in common.
#[derive(Default)]
struct Crowd {
    /// Nobody begins anything meanwhile.
    resting: Cell<bool>,
    ended: Cell<bool>,
    busy: Cell<usize>,
    done: RefCell<BTreeMap<(Kind, String), u64>>,
}

/// At rest.
struct Sample {
    seconds: f64,
    pss: u64,
}

pub fn memory(field: &Field) {
    let options = [
        "--max-body",
        "1MiB",
        "--max-connections",
        &CEILING.connections.to_string(),
        "--db-connections",
        &CEILING.db_connections.to_string(),
        "--access-log",
    ];
    let server = field.server(&options);
    let base = pss(server.pid());
    let duration = field.seconds(30 * 60, 60);
    let crowd = Rc::new(Crowd::default());
    let round = if field.quick { QUICK_ROUND } else { ROUND };
    let samples = run(&server, &crowd, duration, round);
    tell(field, &server, &crowd, base, &samples);
}

fn run(server: &Server, crowd: &Rc<Crowd>, duration: Duration, round: Duration) -> Vec<Sample> {
    let address = server.address();
    let clients = CLIENTS
        .iter()
        .flat_map(|(kind, count)| (0..*count).map(|number| (*kind, number)));
    let samples = Rc::new(RefCell::new(Vec::new()));
    let mut all: Vec<std::pin::Pin<Box<dyn Future<Output = ()>>>> = Vec::new();
    for (kind, number) in clients {
        all.push(Box::pin(client(crowd.clone(), address, kind, number)));
    }
    let (crowd, pid, taken) = (crowd.clone(), server.pid(), samples.clone());
    all.push(Box::pin(async move {
        let begin = Instant::now();
        while begin.elapsed() < duration {
            crowd.resting.set(false);
            Timer::after(round).await;
            crowd.resting.set(true);
            while crowd.busy.get() > 0 {
                Timer::after(Duration::from_millis(20)).await;
            }
            Timer::after(SETTLE).await;
            taken.borrow_mut().push(Sample {
                seconds: begin.elapsed().as_secs_f64(),
                pss: pss(pid),
            });
        }
        crowd.ended.set(true);
    }));
    together(all);
    samples.take()
}

/// A number of KiB in the kernel's account, in bytes.
fn account(pid: u32, name: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let number = line
        .expect(name)
        .trim_matches(|c: char| !c.is_ascii_digit());
    number.parse::<u64>().expect("KiB") * 1024
}

fn tell(field: &Field, server: &Server, crowd: &Crowd, base: u64, samples: &[Sample]) {
    let mib = |bytes: u64| bytes as f64 / MIB as f64;
    let done = crowd.done.borrow();
    let count = |kinds: &[Kind]| -> u64 {
        let of = done.iter().filter(|((kind, _), _)| kinds.contains(kind));
        of.map(|(_, count)| count).sum()
    };
    let bodies = count(&[Kind::Body, Kind::Chunks]);
    report(
        "memory: what was done",
        &format!("{done:?}"),
        "1,000 large bodies or more",
        bodies >= if field.quick { 100 } else { 1000 },
    );
    let wrong = done
        .keys()
        .filter(|(_, end)| !["200", "204", "left", "503"].contains(&&**end));
    report(
        "memory: how it ended",
        &format!("other than so: {:?}", wrong.collect::<Vec<_>>()),
        "200, 204; 503 where the pool is full",
        done.keys()
            .all(|(_, end)| ["200", "204", "left", "503"].contains(&&**end)),
    );
    let (most, ceiling) = (account(server.pid(), "VmHWM"), CEILING.bytes());
    report(
        "memory: the most",
        &format!(
            "{:.1} MiB resident, at the start {:.1} MiB; by the formula {:.1} MiB",
            mib(most),
            mib(base),
            mib(ceiling)
        ),
        "below the formula",
        most <= ceiling,
    );
    let last = &samples[samples.len() - samples.len() / 3..];
    let at = |sample: &Sample| format!("{:.0} s {:.2}", sample.seconds, mib(sample.pss));
    let every = samples.len().div_ceil(12);
    let shown: Vec<String> = samples.iter().step_by(every).map(at).collect();
    let (slope, error) = slope(last);
    report(
        "memory: at rest",
        &format!(
            "MiB of Pss after {}; in the last {:.0} s, of {} samples, {slope:+.2} ± {error:.2} %",
            shown.join(", "),
            last.last().map_or(0.0, |end| end.seconds - last[0].seconds),
            last.len(),
        ),
        "less than 0.5 % more in the last third, as far as can be told",
        slope < 0.5 + 2.0 * error,
    );
}

/// By how many per cent of their mean the samples grow from the first to the last, by least squares, and the standard error
/// of that: which connections to PostgreSQL have carried what last is chance.
fn slope(samples: &[Sample]) -> (f64, f64) {
    let n = samples.len() as f64;
    let mean = |value: &dyn Fn(&Sample) -> f64| samples.iter().map(value).sum::<f64>() / n;
    let (time, size) = (mean(&|one| one.seconds), mean(&|one| one.pss as f64));
    let both = mean(&|one| (one.seconds - time) * (one.pss as f64 - size));
    let spread = mean(&|one| (one.seconds - time).powi(2));
    let slope = both / spread;
    let left = mean(&|one| (one.pss as f64 - size - slope * (one.seconds - time)).powi(2));
    let error = (left / (n - 2.0) / spread).sqrt();
    let length = samples
        .last()
        .map_or(0.0, |last| last.seconds - samples[0].seconds);
    let per_cent = length / size * 100.0;
    (slope * per_cent, error * per_cent)
}

async fn client(crowd: Rc<Crowd>, address: SocketAddr, kind: Kind, number: usize) {
    let mut kept = None;
    let mut turn = number;
    while !crowd.ended.get() {
        if crowd.resting.get() {
            Timer::after(Duration::from_millis(20)).await;
            continue;
        }
        turn += 1;
        crowd.busy.set(crowd.busy.get() + 1);
        let end = act(&mut kept, address, kind, turn).await;
        crowd.busy.set(crowd.busy.get() - 1);
        let end = end.unwrap_or_else(|error| {
            kept = None;
            error.to_string()
        });
        *crowd.done.borrow_mut().entry((kind, end)).or_default() += 1;
        let pause = match kind {
            Kind::Small | Kind::Write => fastrand::u64(0..20),
            Kind::List | Kind::Answer | Kind::Leave => fastrand::u64(0..400),
            _ => fastrand::u64(0..1500),
        };
        Timer::after(Duration::from_millis(pause)).await;
    }
}

/// One of what a client of this kind does; how that ended.
async fn act(
    kept: &mut Option<Client>,
    address: SocketAddr,
    kind: Kind,
    turn: usize,
) -> io::Result<String> {
    if kind == Kind::Leave {
        return leave(address, turn).await;
    }
    let mut client = match kept.take() {
        Some(client) => client,
        None => Client::open(address).await?,
    };
    if matches!(kind, Kind::SlowAnswer | Kind::SlowList) {
        sockopt::set_socket_recv_buffer_size(client.stream.get_ref(), 16 * 1024)?;
        client.pace = Some((64 * 1024, Duration::from_millis(50)));
    }
    let got = match kind {
        Kind::Body => client.ask(&body(turn)).await?,
        Kind::Chunks => client.ask(&chunks()).await?,
        Kind::Answer | Kind::SlowAnswer => client.get("/answer").await?,
        Kind::List | Kind::SlowList => client.get("/list").await?,
        Kind::Small => client.get("/one").await?,
        Kind::Write => {
            client
                .ask(&post("/kept", "application/json", b"{\"text\":\"kept\"}"))
                .await?
        }
        Kind::Leave => unreachable!("it is gone"),
    };
    if got.field("connection") != Some("close") {
        *kept = Some(client);
    }
    Ok(got.status.to_string())
}

fn post(target: &str, media_type: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST {target} HTTP/1.1\r\nHost: limits\r\nContent-Type: {media_type}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// One near the limit: text, bytes, or a list of numbers, whatever is not the same for all at a time.
fn body(turn: usize) -> Vec<u8> {
    let bytes = MIB - 100;
    match turn % 3 {
        0 => post("/size", "application/json", &text(bytes)),
        1 => post("/bytes", "application/octet-stream", &vec![b'x'; bytes]),
        _ => post(
            "/sum",
            "application/json",
            format!("{{\"list\":[{}1]}}", "1,".repeat(bytes / 2)).as_bytes(),
        ),
    }
}

fn text(bytes: usize) -> Vec<u8> {
    format!("{{\"text\":\"{}\"}}", "x".repeat(bytes)).into_bytes()
}

fn chunks() -> Vec<u8> {
    let head = "POST /size HTTP/1.1\r\nHost: limits\r\nTransfer-Encoding: chunked\r\n\r\n";
    let mut all = head.as_bytes().to_vec();
    for piece in text(MIB - 100).chunks(50_000) {
        all.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
        all.extend_from_slice(piece);
        all.extend_from_slice(b"\r\n");
    }
    all.extend_from_slice(b"0\r\n\r\n");
    all
}

/// Leaves at once, in the middle of a body, before an answer, or in the middle of one.
async fn leave(address: SocketAddr, turn: usize) -> io::Result<String> {
    let mut client = Client::open(address).await?;
    let get = |target: &str| format!("GET {target} HTTP/1.1\r\nHost: limits\r\n\r\n").into_bytes();
    let sent = match turn % 5 {
        0 => Vec::new(),
        1 => body(turn)[..MIB / 2].to_vec(),
        2 => body(turn),
        3 => get("/answer"),
        _ => get("/list"),
    };
    client.stream.write_all(&sent).await?;
    Timer::after(Duration::from_millis(fastrand::u64(0..50))).await;
    sockopt::set_socket_linger(client.stream.get_ref(), Some(Duration::ZERO))?;
    Ok("left".to_owned())
}
