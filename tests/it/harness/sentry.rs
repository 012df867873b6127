//! A Sentry that does as it is told, on raw sockets, and remembers every byte.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use sentry_core::Envelope;
use sentry_core::protocol::{Event, Transaction};

use super::PATIENCE;

/// What is done with a request.
#[derive(Clone, Debug)]
pub enum Reply {
    /// These bytes, and the connection goes on.
    Bytes(Vec<u8>),
    /// These bytes, and the connection ends.
    Last(Vec<u8>),
    /// These bytes, one at a time with a pause after each.
    Slow(Vec<u8>, Duration),
    /// Nothing, for as long as the client stays.
    Silence,
    /// The connection is reset.
    Reset,
}

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Heard {
    /// Which connection it came on, by number.
    pub connection: usize,
    /// The request line and the fields.
    pub head: String,
    pub body: Vec<u8>,
}

/// Both directions of a connection, and what ends it.
pub trait Wire: Read + Write + Send {
    fn reset(&self);
}

impl Wire for TcpStream {
    fn reset(&self) {
        rustix::net::sockopt::set_socket_linger(self, Some(Duration::ZERO)).unwrap();
    }
}

/// A server that answers by script.
pub struct FakeSentry {
    address: SocketAddr,
    heard: Arc<(Mutex<Vec<Heard>>, Condvar)>,
    closing: Arc<AtomicBool>,
}

/// 200 with an event's id, as Sentry.
pub fn ok() -> Reply {
    answer(
        "200 OK",
        "",
        "{\"id\":\"4c79f60c11214eb38604f4ae0781bfb2\"}",
    )
}

/// An answer with this status, these further fields and this body.
pub fn answer(status: &str, fields: &str, body: &str) -> Reply {
    let length = body.len();
    let text = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n{fields}\r\n{body}");
    Reply::Bytes(text.into_bytes())
}

/// A tag of an event; nothing where it has none of this name.
pub fn tag<'a>(event: &'a Event<'static>, name: &str) -> &'a str {
    event.tags.get(name).map_or("", String::as_str)
}

impl FakeSentry {
    /// Does with every request what `script` says of it and its number, from 0.
    pub fn start(script: impl Fn(usize, &Heard) -> Reply + Send + Sync + 'static) -> FakeSentry {
        FakeSentry::start_with(TcpListener::bind("127.0.0.1:0").unwrap(), script, Ok)
    }

    /// The same at this listener, with something around every connection.
    pub fn start_with<W: Wire + 'static>(
        listener: TcpListener,
        script: impl Fn(usize, &Heard) -> Reply + Send + Sync + 'static,
        wrap: impl Fn(TcpStream) -> io::Result<W> + Send + Sync + 'static,
    ) -> FakeSentry {
        let address = listener.local_addr().unwrap();
        let heard = Arc::new((Mutex::new(Vec::new()), Condvar::new()));
        let closing = Arc::new(AtomicBool::new(false));
        let server = (heard.clone(), closing.clone());
        let (script, wrap) = (Arc::new(script), Arc::new(wrap));
        std::thread::spawn(move || {
            let (heard, closing) = server;
            for (number, stream) in listener.incoming().enumerate() {
                if closing.load(Ordering::Relaxed) {
                    break;
                }
                let (heard, script, wrap) = (heard.clone(), script.clone(), wrap.clone());
                let stream = stream.unwrap();
                std::thread::spawn(move || {
                    // What a client does to its own connection is a test's affair, not this server's.
                    let _ended =
                        wrap(stream).and_then(|wire| serve(wire, number, &heard, &*script));
                });
            }
        });
        FakeSentry {
            address,
            heard,
            closing,
        }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A DSN that leads here.
    pub fn dsn(&self) -> String {
        format!("http://canary-key@{}/7", self.address)
    }

    /// Everything that has come so far.
    pub fn heard(&self) -> Vec<Heard> {
        self.heard.0.lock().unwrap().clone()
    }

    /// Waits for so many requests, and gives all that have come.
    #[track_caller]
    pub fn wait_for(&self, count: usize) -> Vec<Heard> {
        let (heard, more) = &*self.heard;
        let heard = heard.lock().unwrap();
        let too_few = |heard: &mut Vec<Heard>| heard.len() < count;
        let (heard, timeout) = more.wait_timeout_while(heard, PATIENCE, too_few).unwrap();
        assert!(!timeout.timed_out(), "{count} requests, not {heard:#?}");
        heard.clone()
    }
}

impl Drop for FakeSentry {
    fn drop(&mut self) {
        self.closing.store(true, Ordering::Relaxed);
        // So that it looks up.
        let _woken = TcpStream::connect(self.address);
    }
}

impl Heard {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            found.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    /// What the official library's parser makes of it.
    #[track_caller]
    pub fn envelope(&self) -> Envelope {
        let envelope = Envelope::from_slice(&self.body);
        envelope.unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub fn events(&self) -> Vec<Event<'static>> {
        let envelope = self.envelope();
        let items = envelope.into_items().filter_map(|item| match item {
            sentry_core::protocol::EnvelopeItem::Event(event) => Some(*event),
            _ => None,
        });
        items.collect()
    }

    pub fn transactions(&self) -> Vec<Transaction<'static>> {
        let envelope = self.envelope();
        let items = envelope.into_items().filter_map(|item| match item {
            sentry_core::protocol::EnvelopeItem::Transaction(transaction) => Some(*transaction),
            _ => None,
        });
        items.collect()
    }

    /// What it reports as lost: category, reason, quantity.
    pub fn losses(&self) -> Vec<(String, String, u64)> {
        let mut losses = Vec::new();
        let mut lines = self.text();
        while let Some((line, rest)) = lines.split_once('\n') {
            if line.starts_with("{\"type\":\"client_report\"") {
                let report = rest.lines().next().unwrap();
                let report: serde_json::Value = serde_json::from_str(report).unwrap();
                for item in report["discarded_events"].as_array().unwrap() {
                    let word = |name: &str| item[name].as_str().unwrap().to_owned();
                    let quantity = item["quantity"].as_u64().unwrap();
                    losses.push((word("category"), word("reason"), quantity));
                }
            }
            lines = rest.to_owned();
        }
        losses
    }

    /// All of it, for people.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

fn serve(
    mut wire: impl Wire,
    connection: usize,
    heard: &(Mutex<Vec<Heard>>, Condvar),
    script: &(impl Fn(usize, &Heard) -> Reply + ?Sized),
) -> io::Result<()> {
    while let Some(request) = read_request(&mut wire, connection)? {
        let number = {
            let mut all = heard.0.lock().unwrap();
            all.push(request.clone());
            heard.1.notify_all();
            all.len() - 1
        };
        match script(number, &request) {
            Reply::Bytes(bytes) => wire.write_all(&bytes)?,
            Reply::Last(bytes) => return wire.write_all(&bytes).and_then(|()| wire.flush()),
            Reply::Slow(bytes, pause) => {
                for byte in bytes {
                    wire.write_all(&[byte])?;
                    wire.flush()?;
                    std::thread::sleep(pause);
                }
            }
            Reply::Silence => return io::copy(&mut wire, &mut io::sink()).map(drop),
            Reply::Reset => {
                wire.reset();
                return Ok(());
            }
        }
        wire.flush()?;
    }
    Ok(())
}

/// The next request of a connection, if there is one more.
pub fn read_request(wire: &mut impl Read, connection: usize) -> io::Result<Option<Heard>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if wire.read(&mut byte)? == 0 {
            return Ok(None);
        }
        head.push(byte[0]);
    }
    let mut heard = Heard {
        connection,
        head: String::from_utf8(head).expect("a head in ASCII"),
        body: Vec::new(),
    };
    let length = heard.header("content-length").unwrap_or("0").parse();
    heard.body = vec![0; length.expect("a length")];
    wire.read_exact(&mut heard.body)?;
    Ok(Some(heard))
}
