//! Two instances with addresses of their own, each in a network namespace: what a second machine is to HAProxy.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::Field;
use crate::balancing::{Balanced, Place};
use crate::support::report;

/// A namespace with one cable to here; both go when it is dropped.
struct Namespace {
    name: String,
    /// This end of the cable.
    cable: String,
    address: [u8; 4],
}

fn ip(words: &str) -> bool {
    let ran = Command::new("ip").args(words.split_whitespace()).output();
    ran.is_ok_and(|ran| ran.status.success())
}

impl Namespace {
    /// `None` where the machine does not allow it.
    fn new(number: u8) -> Option<Namespace> {
        let pid = std::process::id();
        let own = Namespace {
            name: format!("pepper-{pid}-{number}"),
            cable: format!("pp{}{number}", pid % 100_000),
            address: [10, 201, number, 2],
        };
        let Namespace { name, cable, .. } = &own;
        let other = format!("{cable}x");
        let made = [
            format!("netns add {name}"),
            format!("link add {cable} type veth peer name {other} netns {name}"),
            format!("addr add 10.201.{number}.1/30 dev {cable}"),
            format!("link set {cable} up"),
            format!("-n {name} addr add 10.201.{number}.2/30 dev {other}"),
            format!("-n {name} link set {other} up"),
            format!("-n {name} link set lo up"),
        ];
        made.iter().all(|words| ip(words)).then_some(own)
    }

    fn place(&self) -> Place {
        let mut within = Command::new("ip");
        within.args(["netns", "exec", &self.name]);
        Place {
            public: (self.address, 8080).into(),
            admin: (self.address, 9090).into(),
            within: Some(within),
        }
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        ip(&format!("link del {}", self.cable));
        ip(&format!("netns del {}", self.name));
    }
}

/// Requests that take their time when the cable is pulled.
const SLOW: usize = 8;

/// Whether it was answered, and how long that took.
fn ask_slowly(address: SocketAddr) -> (bool, Duration) {
    let begin = Instant::now();
    let mut answer = String::new();
    let asked = TcpStream::connect(address).and_then(|mut stream| {
        stream.write_all(b"GET /slow HTTP/1.0\r\n\r\n")?;
        stream.read_to_string(&mut answer)
    });
    let answered = asked.is_ok() && answer.contains(" 200 ");
    (answered, begin.elapsed())
}

/// Restarts, and a cable that is pulled.
pub fn namespaces(field: &Field) {
    let (Some(a), Some(b)) = (Namespace::new(1), Namespace::new(2)) else {
        println!("namespaces: left out, this machine does not let us have any (ip netns add)");
        return;
    };
    let mut balanced = Balanced::start(field, [a.place(), b.place()], "1500ms");
    let rounds = field.rounds.div_ceil(4);
    (0..rounds).for_each(|_| balanced.restart_both());
    balanced.writes().goes_on(100);
    let before = balanced.writes().answered();
    let slow: Vec<_> = (0..SLOW)
        .map(|_| {
            let address = balanced.haproxy.address();
            std::thread::spawn(move || ask_slowly(address))
        })
        .collect();
    // They are under way, at both.
    std::thread::sleep(Duration::from_millis(300));
    let begin = Instant::now();
    assert!(ip(&format!("link set {} down", a.cable)));
    balanced.haproxy.knows("a", "DOWN");
    let noticed = begin.elapsed();
    let slow: Vec<_> = slow
        .into_iter()
        .map(|asked| asked.join().expect("a client"))
        .collect();
    let cut = slow.iter().filter(|(answered, _)| !answered).count();
    let longest = slow.iter().map(|(_, took)| *took).max().unwrap_or_default();
    let meanwhile = balanced.writes().answered() - before;
    assert!(ip(&format!("link set {} up", a.cable)));
    balanced.haproxy.knows("a", "UP");
    balanced.writes().goes_on(100);
    let written = balanced.end();
    let (failed, missing) = (written.failures.len(), written.missing);
    let clients = 4;
    report(
        "namespaces: what the one cut off was at",
        &format!(
            "of {SLOW} requests of a second each {cut} were there, and failed after {:.1} s at most",
            longest.as_secs_f64()
        ),
        "some, after 10 s at most",
        cut > 0 && cut < SLOW && longest < Duration::from_secs(10),
    );
    report(
        "namespaces",
        &format!(
            "{rounds} rolling restarts, then one of two is cut off, which HAProxy notices after {:.1} s: {failed} of {} writes \
             failed, {missing} acknowledged ones missing, {meanwhile} answered meanwhile by the other",
            noticed.as_secs_f64(),
            written.count
        ),
        "none but those that were with the one cut off, one a client",
        failed <= clients && missing == 0 && meanwhile > 100,
    );
}
