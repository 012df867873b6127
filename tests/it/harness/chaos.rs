//! A way to PostgreSQL on which messages are delayed, split and cut off: at their boundaries and inside of them.
//!
//! What happens to the message of a number on a connection of a number follows from the seed; which messages those are is up
//! to their senders.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use rustix::net::connect_unspec;

use super::Database;
use super::messages::{Messages, Side};

/// How many of 100,000 messages meet what.
#[derive(Clone, Copy, Debug, Default)]
pub struct Odds {
    /// It is written in two parts.
    pub split: u32,
    /// It comes up to 20 ms late.
    pub delay: u32,
    /// The connection ends before it, inside of it or behind it.
    pub end: u32,
    /// The same with a reset.
    pub reset: u32,
    /// From there on nothing arrives in this direction any more, and nobody is told.
    pub silence: u32,
}

/// What a message may meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    Split,
    Delay,
    End,
    Reset,
    Silence,
}

impl Odds {
    fn draw(&self, random: &mut fastrand::Rng) -> Option<Fault> {
        let mut drawn = random.u32(0..100_000);
        for (fault, odds) in [
            (Fault::Split, self.split),
            (Fault::Delay, self.delay),
            (Fault::End, self.end),
            (Fault::Reset, self.reset),
            (Fault::Silence, self.silence),
        ] {
            match drawn < odds {
                true => return Some(fault),
                false => drawn -= odds,
            }
        }
        None
    }
}

/// What has happened: how often a fault met a kind of message of a side.
pub type Met = BTreeMap<(Fault, Side, char), u64>;

/// The way to a database.
pub struct Chaos {
    shared: Arc<Shared>,
    address: SocketAddr,
    url: String,
}

struct Shared {
    server: PathBuf,
    seed: u64,
    odds: Mutex<Odds>,
    /// Whether connections are accepted by one who says nothing.
    silent: AtomicBool,
    stopped: AtomicBool,
    links: Mutex<Vec<Weak<Link>>>,
    met: Mutex<Met>,
    messages: AtomicU64,
}

/// A client's connection.
struct Link {
    client: TcpStream,
    /// None: nobody is there.
    server: Option<UnixStream>,
    /// Nothing arrives any more.
    silent: AtomicBool,
    /// What was asked before the protocol begins has an answer of one byte.
    single: AtomicBool,
}

impl Chaos {
    /// A way on which nothing happens yet.
    pub fn to(database: &Database, seed: u64) -> Chaos {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            server: database.socket(),
            seed,
            odds: Mutex::default(),
            silent: AtomicBool::new(false),
            stopped: AtomicBool::new(false),
            links: Mutex::default(),
            met: Mutex::default(),
            messages: AtomicU64::new(0),
        });
        let accepting = shared.clone();
        std::thread::spawn(move || {
            let clients = listener.incoming().map_while(Result::ok);
            for (number, client) in (0..).zip(clients) {
                if accepting.stopped.load(Ordering::Relaxed) {
                    return;
                }
                accepting.lead(client, number);
            }
        });
        Chaos {
            shared,
            address,
            url: database.url_at(address),
        }
    }

    /// As `DATABASE_URL`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What messages meet from now on.
    pub fn set(&self, odds: Odds) {
        *self.shared.odds.lock().unwrap() = odds;
    }

    /// Nothing arrives any more on the connections there are.
    pub fn silence_links(&self) {
        self.each(|link| link.silent.store(true, Ordering::Relaxed));
    }

    /// The same for those that are made from now on, or not.
    pub fn silence(&self, silent: bool) {
        self.shared.silent.store(silent, Ordering::Relaxed);
    }

    /// Resets the connections there are.
    pub fn reset_links(&self) {
        self.each(Link::reset);
    }

    fn each(&self, what: impl Fn(&Link)) {
        let mut links = self.shared.links.lock().unwrap();
        links.retain(|link| link.upgrade().is_some_and(|link| (what(&link), true).1));
    }

    /// How many messages there were, and what they met.
    pub fn met(&self) -> (u64, Met) {
        let messages = self.shared.messages.load(Ordering::Relaxed);
        (messages, self.shared.met.lock().unwrap().clone())
    }
}

impl Drop for Chaos {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::Relaxed);
        self.reset_links();
        // So that it looks up.
        let _refused = TcpStream::connect(self.address);
    }
}

impl Shared {
    fn lead(self: &Arc<Shared>, client: TcpStream, number: u64) {
        let _gone = client.set_nodelay(true);
        let silent = self.silent.load(Ordering::Relaxed);
        let server = match silent {
            true => None,
            false => match UnixStream::connect(&self.server) {
                Ok(server) => Some(server),
                // As a port where nobody listens.
                Err(_) => {
                    let _gone = connect_unspec(&client);
                    return;
                }
            },
        };
        let link = Arc::new(Link {
            client,
            server,
            silent: AtomicBool::new(silent),
            single: AtomicBool::new(false),
        });
        {
            let mut links = self.links.lock().unwrap();
            links.retain(|link| link.strong_count() > 0);
            links.push(Arc::downgrade(&link));
        }
        // Where nobody is, nobody speaks.
        let speaks = |side: &Side| *side == Side::Client || !silent;
        for side in [Side::Client, Side::Server].into_iter().filter(speaks) {
            let (shared, link) = (self.clone(), link.clone());
            let random = fastrand::Rng::with_seed(self.seed ^ (2 * number + side as u64) << 16);
            std::thread::spawn(move || {
                let _gone = shared.pump(&link, side, random);
                link.end();
            });
        }
    }

    /// Moves what one side says to the other.
    fn pump(&self, link: &Link, side: Side, mut random: fastrand::Rng) -> io::Result<()> {
        let mut messages = Messages::of(side);
        let mut chunk = vec![0; 64 * 1024];
        let mut out = Vec::new();
        loop {
            let read = link.read(side, &mut chunk)?;
            if read == 0 {
                return Ok(());
            }
            if link.silent.load(Ordering::Relaxed) {
                continue;
            }
            messages.feed(&chunk[..read]);
            let odds = *self.odds.lock().unwrap();
            while let Some((kind, message)) = messages.take(&link.single) {
                self.messages.fetch_add(1, Ordering::Relaxed);
                let Some(fault) = odds.draw(&mut random) else {
                    out.extend_from_slice(&message);
                    continue;
                };
                *(self.met.lock().unwrap().entry((fault, side, kind))).or_default() += 1;
                link.write(side, &mut out)?;
                let cut = random.usize(0..=message.len());
                match fault {
                    Fault::Split => {
                        link.write(side, &mut message[..cut].to_vec())?;
                        std::thread::sleep(Duration::from_millis(1));
                        out.extend_from_slice(&message[cut..]);
                    }
                    Fault::Delay => {
                        std::thread::sleep(Duration::from_millis(random.u64(1..=20)));
                        out.extend_from_slice(&message);
                    }
                    Fault::End | Fault::Reset | Fault::Silence => {
                        link.write(side, &mut message[..cut].to_vec())?;
                        match fault {
                            Fault::End => return Ok(()),
                            Fault::Reset => {
                                link.reset();
                                return Ok(());
                            }
                            _ => return link.swallow(side),
                        }
                    }
                }
            }
            link.write(side, &mut out)?;
        }
    }
}

impl Link {
    fn read(&self, side: Side, into: &mut [u8]) -> io::Result<usize> {
        match (side, &self.server) {
            (Side::Client, _) => (&self.client).read(into),
            (Side::Server, Some(server)) => (&*server).read(into),
            (Side::Server, None) => Ok(0),
        }
    }

    /// Hands on what a side has said.
    fn write(&self, side: Side, out: &mut Vec<u8>) -> io::Result<()> {
        match (side, &self.server) {
            (Side::Server, _) => (&self.client).write_all(out)?,
            (Side::Client, Some(server)) => (&*server).write_all(out)?,
            (Side::Client, None) => {}
        }
        out.clear();
        Ok(())
    }

    /// Takes whatever a side says for as long as it is there.
    fn swallow(&self, side: Side) -> io::Result<()> {
        let mut chunk = vec![0; 64 * 1024];
        while self.read(side, &mut chunk)? > 0 {}
        Ok(())
    }

    fn end(&self) {
        let _gone = self.client.shutdown(Shutdown::Both);
        let server = self.server.as_ref();
        let _gone = server.map(|server| server.shutdown(Shutdown::Both));
    }

    /// The client is told that the connection is no more, and not that it has ended.
    fn reset(&self) {
        let _gone = connect_unspec(&self.client);
        self.end();
    }
}
