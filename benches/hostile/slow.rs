//! Clients that take their time: with heads, with bodies, with reading.

use std::time::{Duration, Instant};

use futures_lite::{AsyncReadExt, AsyncWriteExt};
use rustix::net::sockopt;
use smol::Timer;

use crate::clients::{Refused, connect, drip, together};
use crate::support::harness::poll;
use crate::support::{Cpu, Load, pss};
use crate::{Field, report, report_others};

const ATTACKERS: usize = 1000;
const READERS: usize = 500;

/// Says when clients were refused: all of them are to be told 408 at `limit`.
fn report_refused(attack: &str, refused: &[Refused], limit: f64) {
    let seconds = |refused: &Refused| refused.after.as_secs_f64();
    let first = refused.iter().map(seconds).fold(f64::INFINITY, f64::min);
    let last = refused.iter().map(seconds).fold(0.0, f64::max);
    let told = refused.iter().filter(|refused| refused.told).count();
    report(
        attack,
        &format!(
            "{told} of {} told 408 and closed after {first:.2} … {last:.2} s",
            refused.len()
        ),
        &format!("all after {limit} s ± 0.5"),
    );
}

/// 1,000 connections, each with a byte of its head every 5 s.
pub fn heads(field: &Field) {
    drip_at(
        field,
        "1,000 slow heads",
        "",
        "GET /ping HTTP/1.1\r\nX: ",
        10.0,
    );
}

/// 1,000 connections with a head, and a byte of the body every 5 s.
pub fn bodies(field: &Field) {
    let head = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n";
    drip_at(field, "1,000 slow bodies", head, " ", 30.0);
}

/// What others notice while attackers send `begin`, then drip `rest`; first at a bystander's, then at theirs.
fn drip_at(field: &Field, name: &str, begin: &'static str, rest: &'static str, limit: f64) {
    let (server, bystander) = (field.server(&[]), field.server(&[]));
    let [(before, _), (during, refused)] = [&bystander, &server].map(|attacked| {
        let address = attacked.address();
        let attack = std::thread::spawn(move || {
            together(ATTACKERS, move |number| async move {
                // Over a second: what they cost is not how fast they connect.
                Timer::after(Duration::from_millis(number as u64)).await;
                let mut stream = connect(address).await;
                stream.write_all(begin.as_bytes()).await.expect("a head");
                drip(&mut stream, rest, Duration::from_secs(5)).await
            })
        });
        std::thread::sleep(Duration::from_secs(1));
        let noticed = field.others(&server, "/ping");
        (noticed, attack.join().expect("the attack"))
    });
    report_refused(name, &refused, limit);
    report_others(name, before, during);
}

/// 500 clients that ask for 200 kB and read 1 kB/s of it.
pub fn readers(field: &Field) {
    const BYTES: u64 = 200_000;
    let server = field.server(&[]);
    let before = field.others(&server, "/one");
    let memory = pss(server.pid());
    let address = server.address();
    let begin = Instant::now();
    let watch = field.watch + Duration::from_secs(3);
    let attack = std::thread::spawn(move || {
        together(READERS, move |number| async move {
            // Slow readers, not a crowd: all 500 at once would be refused in part, for want of connections.
            Timer::after(Duration::from_millis(4 * number as u64)).await;
            let mut stream = connect(address).await;
            sockopt::set_socket_recv_buffer_size(&stream, 4096).expect("a small buffer");
            let request = format!("GET /sized/{BYTES} HTTP/1.1\r\nHost: a\r\n\r\n");
            stream
                .write_all(request.as_bytes())
                .await
                .expect("a request");
            let mut chunk = [0; 1000];
            let mut answered = false;
            while begin.elapsed() < watch {
                let read = stream.read(&mut chunk).await.unwrap_or(0);
                answered |= chunk[..read].starts_with(b"HTTP/1.1 200 ");
                Timer::after(Duration::from_secs(1)).await;
            }
            usize::from(answered)
        })
    });
    // Every query has begun by then.
    let sql = "select count(*) from pg_stat_activity
        where datname = current_database() and state = 'active' and pid <> pg_backend_pid()";
    std::thread::sleep(Duration::from_millis(2200));
    poll("backends to be idle", || {
        (field.database.ask(sql)? == "0").then_some(())
    });
    let idle_after = begin.elapsed();
    let during = field.others(&server, "/one");
    let grown = pss(server.pid()).saturating_sub(memory);
    let answered: usize = attack.join().expect("the attack").into_iter().sum();
    report(
        "500 readers at 1 kB/s",
        &format!(
            "{answered} answered; all backends idle after {:.1} s, the last asked after 2 s and needs 200 s to read; {:.0} KiB held for each",
            idle_after.as_secs_f64(),
            grown as f64 / READERS as f64 / 1024.0
        ),
        "backends free before clients have read; at most the answer is held",
    );
    report_others("500 readers, others ask /one", before, during);
}

/// 1,000 unfinished heads while the server's core is busy.
pub fn deadlines_while_busy(field: &Field) {
    let server = field.server(&[]);
    let address = server.address();
    let attack = std::thread::spawn(move || {
        together(ATTACKERS, move |_| async move {
            let mut stream = connect(address).await;
            // One byte; the next would come after the deadline.
            drip(&mut stream, "G", Duration::from_secs(60)).await
        })
    });
    let busy = Load {
        connections: 64,
        duration: Duration::from_secs(12),
        pipelined: 1,
    };
    let before = Cpu::of(server.pid());
    let begin = Instant::now();
    busy.run(address, "/ping");
    let used = Cpu::of(server.pid()).since(before).total() / begin.elapsed().as_secs_f64();
    let attack_name = format!("1,000 deadlines at {:.0} % CPU", used * 100.0);
    report_refused(&attack_name, &attack.join().expect("the attack"), 10.0);
}

/// A 64 KiB head in one segment, and byte by byte.
pub fn dripped_heads(field: &Field) {
    const ROUNDS: usize = 200;
    let server = field.server(&[]);
    let address = server.address();
    let value = "v".repeat(640);
    let fields: String = (0..99)
        .map(|number| format!("X-{number:02}: {value}\r\n"))
        .collect();
    let request = format!("GET /ping HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{fields}");
    let request = request[..request.rfind("X-98").expect("a field")].to_owned() + "\r\n";
    let cost = |piece: usize, rounds: usize| {
        let before = Cpu::of(server.pid());
        for _ in 0..rounds {
            let request = request.clone();
            let answers = together(1, move |_| {
                let request = request.clone();
                async move {
                    let mut stream = connect(address).await;
                    for piece in request.as_bytes().chunks(piece) {
                        stream.write_all(piece).await.expect("room");
                    }
                    let mut answer = Vec::new();
                    stream.read_to_end(&mut answer).await.expect("an answer");
                    answer
                }
            });
            assert!(answers[0].starts_with(b"HTTP/1.1 200 "));
        }
        Cpu::of(server.pid()).since(before).total() * 1e6 / rounds as f64
    };
    let whole = cost(usize::MAX, 20 * ROUNDS);
    let bytewise = cost(1, ROUNDS);
    report(
        &format!("a head of {} bytes, byte by byte", request.len()),
        &format!(
            "{bytewise:.0} µs of CPU, {whole:.0} µs in one segment: {:.1} ×",
            bytewise / whole
        ),
        "at most 3 ×",
    );
}
