//! Clients that ask without pause, and remember what went wrong.

use std::collections::HashSet;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use super::{Answer, Answers, PATIENCE, poll};

/// After a failure: a server that is gone would fail its clients millions of times.
const BREATH: Duration = Duration::from_millis(1);

/// Clients at work.
pub struct Hammer {
    shared: Arc<Shared>,
    clients: Vec<JoinHandle<Hammered>>,
}

/// How clients behave.
#[derive(Clone, Copy)]
pub struct Manner {
    pub clients: usize,
    /// Each request on a connection of its own.
    pub connecting: bool,
    /// Between an answer and the next request.
    pub pause: Duration,
}

struct Shared {
    address: SocketAddr,
    manner: Manner,
    stop: AtomicBool,
    numbers: AtomicU64,
    answered: AtomicU64,
}

/// What clients have seen.
#[derive(Debug, Default)]
pub struct Hammered {
    /// The numbers of the requests that were answered 2xx.
    pub answered: Vec<u64>,
    pub failures: Vec<Failure>,
}

/// A request that was not answered 2xx.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The client's port; 0 if it could not connect.
    pub port: u16,
    /// Requests that had been answered on the connection before.
    pub before: u64,
    pub what: String,
}

impl Hammer {
    /// Each request is what `request` makes of its number; numbers do not repeat.
    pub fn start(
        address: SocketAddr,
        manner: Manner,
        request: impl Fn(u64) -> String + Send + Sync + 'static,
    ) -> Hammer {
        let shared = Arc::new(Shared {
            address,
            manner,
            stop: AtomicBool::new(false),
            numbers: AtomicU64::new(1),
            answered: AtomicU64::new(0),
        });
        let request = Arc::new(request);
        let clients = (0..manner.clients).map(|_| {
            let (shared, request) = (shared.clone(), request.clone());
            std::thread::spawn(move || shared.client(&*request))
        });
        Hammer {
            clients: clients.collect(),
            shared,
        }
    }

    /// Clients that leave the machine to others, too: they ask for `path`, and keep their connections.
    pub fn gently(address: SocketAddr, clients: usize, path: &str) -> Hammer {
        let manner = Manner {
            clients,
            connecting: false,
            pause: Duration::from_micros(500),
        };
        Hammer::start(address, manner, get(path))
    }

    /// The same, each time on a connection of its own.
    pub fn connecting(address: SocketAddr, clients: usize, path: &str) -> Hammer {
        let manner = Manner {
            clients,
            connecting: true,
            pause: Duration::from_micros(500),
        };
        Hammer::start(address, manner, get(path))
    }

    /// How many requests have been answered so far.
    pub fn answered(&self) -> u64 {
        self.shared.answered.load(Ordering::Relaxed)
    }

    /// Waits until so many more have been.
    #[track_caller]
    pub fn goes_on(&self, more: u64) {
        let goal = self.answered() + more;
        poll("clients to be answered", || {
            (self.answered() >= goal).then_some(())
        });
    }

    /// Ends the clients, each after the request that it is at.
    pub fn stop(self) -> Hammered {
        self.shared.stop.store(true, Ordering::Relaxed);
        let mut all = Hammered::default();
        for client in self.clients {
            let one = client.join().unwrap();
            all.answered.extend(one.answered);
            all.failures.extend(one.failures);
        }
        all
    }
}

impl Hammered {
    /// Failures other than on connections from these ports.
    pub fn unexplained(&self, ports: &HashSet<u16>) -> Vec<&Failure> {
        let explained = |failure: &&Failure| !ports.contains(&failure.port);
        self.failures.iter().filter(explained).collect()
    }

    /// At least so many answers, and not one failure.
    #[track_caller]
    pub fn flawless(&self, least: usize) {
        assert!(self.failures.is_empty(), "{:?}", self.failures);
        assert!(self.answered.len() >= least, "{}", self.answered.len());
    }
}

/// The same request whatever its number.
fn get(path: &str) -> impl Fn(u64) -> String + Send + Sync + 'static {
    let text = format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n");
    move |_| text.clone()
}

impl Shared {
    fn client(&self, request: &dyn Fn(u64) -> String) -> Hammered {
        let mut seen = Hammered::default();
        let mut kept: Option<Wire> = None;
        while !self.stop.load(Ordering::Relaxed) {
            let wire = kept.take().map_or_else(|| Wire::open(self.address), Ok);
            let number = self.numbers.fetch_add(1, Ordering::Relaxed);
            match wire.map_err(|what| Failure::of(None, what)) {
                Ok(mut wire) => match wire.ask(&request(number)) {
                    Ok(answer) => {
                        seen.answered.push(number);
                        self.answered.fetch_add(1, Ordering::Relaxed);
                        let goes_on = answer.header("connection") != Some("close");
                        kept = (goes_on && !self.manner.connecting).then_some(wire);
                    }
                    Err(what) => seen.fail(Failure::of(Some(&wire), what)),
                },
                Err(failure) => seen.fail(failure),
            }
            std::thread::sleep(self.manner.pause);
        }
        seen
    }
}

impl Hammered {
    fn fail(&mut self, failure: Failure) {
        self.failures.push(failure);
        std::thread::sleep(BREATH);
    }
}

impl Failure {
    fn of(wire: Option<&Wire>, what: String) -> Failure {
        Failure {
            port: wire.map_or(0, |wire| wire.port),
            before: wire.map_or(0, |wire| wire.before),
            what,
        }
    }
}

/// A connection on which things may go wrong.
struct Wire {
    stream: TcpStream,
    port: u16,
    answers: Answers,
    before: u64,
}

impl Wire {
    fn open(address: SocketAddr) -> Result<Wire, String> {
        let open = || -> io::Result<Wire> {
            let stream = TcpStream::connect(address)?;
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            Ok(Wire {
                port: stream.local_addr()?.port(),
                stream,
                answers: Answers::to(Vec::new(), false),
                before: 0,
            })
        };
        open().map_err(|error| format!("cannot connect: {error}"))
    }

    /// One request, and an answer that is 2xx.
    fn ask(&mut self, request: &str) -> Result<Answer, String> {
        let sent = self.stream.write_all(request.as_bytes());
        sent.map_err(|error| format!("cannot send: {error}"))?;
        let mut chunk = [0; 16 * 1024];
        let answer = loop {
            if let Some(answer) = self.answers.whole.pop() {
                break answer;
            }
            match self.stream.read(&mut chunk) {
                Ok(0) => return Err("closed without an answer".into()),
                Ok(read) => self.answers.feed(&chunk[..read]),
                Err(error) => return Err(format!("no answer: {error}")),
            }
            if self.answers.broken.is_some() || !self.answers.faults.is_empty() {
                return Err(format!("{:?}", self.answers));
            }
        };
        match answer.status {
            200..300 => {
                self.before += 1;
                Ok(answer)
            }
            _ => Err(format!("{} {}", answer.status, answer.body)),
        }
    }
}
