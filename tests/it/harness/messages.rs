//! PostgreSQL's protocol as messages: where each of them ends, and of which kind it is.

use std::sync::atomic::{AtomicBool, Ordering};

/// Who says something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    Client,
    Server,
}

/// What stands where a client's first message has its version: it asks for TLS, or for GSSAPI.
const WISHES: [u32; 2] = [80_877_103, 80_877_104];
/// It wants something cancelled, and says no more.
pub const CANCEL: u32 = 80_877_102;

/// Messages out of one side's bytes.
pub struct Messages {
    side: Side,
    /// A client's first messages have no kind.
    begun: bool,
    bytes: Vec<u8>,
}

impl Messages {
    pub fn of(side: Side) -> Messages {
        Messages {
            side,
            begun: side == Side::Server,
            bytes: Vec::new(),
        }
    }

    /// Takes bytes as they arrive.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The next whole message with its kind: its own letter, or `!` for a client's first, `?` for a wish and `x` for a
    /// cancellation. Whether the answer to a wish is next is both sides' to know.
    pub fn take(&mut self, wished: &AtomicBool) -> Option<(char, Vec<u8>)> {
        if self.side == Side::Server
            && !self.bytes.is_empty()
            && wished.swap(false, Ordering::Relaxed)
        {
            return Some(('?', self.bytes.drain(..1).collect()));
        }
        let kind_length = usize::from(self.begun);
        let word = |at: usize| -> Option<u32> {
            let bytes = self.bytes.get(at..at + 4)?;
            Some(u32::from_be_bytes(bytes.try_into().ok()?))
        };
        let length = kind_length + word(kind_length)? as usize;
        if self.bytes.len() < length {
            return None;
        }
        let kind = match (self.begun, word(4)) {
            (true, _) => char::from(self.bytes[0]),
            (false, Some(code)) if WISHES.contains(&code) => '?',
            (false, Some(CANCEL)) => 'x',
            (false, _) => '!',
        };
        match kind {
            '?' => wished.store(true, Ordering::Relaxed),
            _ => self.begun = true,
        }
        Some((kind, self.bytes.drain(..length).collect()))
    }
}
