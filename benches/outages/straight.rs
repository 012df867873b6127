//! PostgreSQL without a service in front of it: what its own part of a cancellation takes.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use crate::support::harness::Database;
use crate::support::harness::messages::{CANCEL, Messages, Side};

/// Of the protocol, in a client's first message.
const VERSION: u32 = 3 << 16;

/// A backend that sleeps. It ends when it is dropped and woken.
pub struct Sleeper {
    socket: PathBuf,
    wire: UnixStream,
    messages: Messages,
    /// Its number and its secret, as a cancellation has them.
    key: Vec<u8>,
}

impl Sleeper {
    /// A connection to the database, where nothing but a name is asked for.
    pub fn connect(database: &Database) -> Sleeper {
        let config = database.config();
        let socket = database.socket();
        let mut sleeper = Sleeper {
            wire: UnixStream::connect(&socket).expect("PostgreSQL is there"),
            socket,
            messages: Messages::of(Side::Server),
            key: Vec::new(),
        };
        let (user, name) = (config.get_user().unwrap(), config.get_dbname().unwrap());
        let words = format!("user\0{user}\0database\0{name}\0\0");
        sleeper.send(&framed(&[&VERSION.to_be_bytes(), words.as_bytes()]));
        sleeper.until_ready();
        sleeper
    }

    pub fn sleep(&mut self) {
        self.send(&[b"Q", &*framed(&[b"select pg_sleep(30)\0"])].concat());
    }

    /// Asks PostgreSQL to cancel what it does. The connection for that is PostgreSQL's to close.
    pub fn cancel(&self) -> UnixStream {
        let mut wire = UnixStream::connect(&self.socket).expect("PostgreSQL is there");
        wire.write_all(&framed(&[&CANCEL.to_be_bytes(), &self.key]))
            .expect("it listens");
        wire
    }

    /// Reads on until it is done with what it was asked.
    pub fn until_ready(&mut self) {
        let wished = AtomicBool::new(false);
        let mut bytes = [0; 4096];
        loop {
            while let Some((kind, message)) = self.messages.take(&wished) {
                match kind {
                    'K' => self.key = message[5..].to_vec(),
                    'Z' => return,
                    _ => {}
                }
            }
            let read = self.wire.read(&mut bytes).expect("PostgreSQL answers");
            assert!(read > 0, "PostgreSQL has hung up");
            self.messages.feed(&bytes[..read]);
        }
    }

    fn send(&mut self, message: &[u8]) {
        self.wire.write_all(message).expect("PostgreSQL is there");
    }
}

/// Behind its length.
fn framed(parts: &[&[u8]]) -> Vec<u8> {
    let rest = parts.concat();
    let length = u32::try_from(rest.len() + 4).expect("a short message");
    [&length.to_be_bytes()[..], &rest].concat()
}
