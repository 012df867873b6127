//! The chunked coding (RFC 9112 section 7.1), decoded where it lies: data moves down over the framing before it.
//!
//! A machine of one state per place in the grammar. It takes every byte it is given, so nothing is looked at twice
//! however the bytes arrive, and what it refuses does not depend on how they were cut.
//!
//! Stricter than the RFC asks: sizes have 16 digits at most, and the white space its grammar tolerates around the
//! `;` and `=` of extensions is refused. Extensions and trailers are checked, counted and dropped.

use super::chars::{self, FIELD, QUOTED, TOKEN};
use super::{Limits, Refusal};
use crate::work;

/// As many as a `u64` holds, so that a size can not overflow.
const MOST_SIZE_DIGITS: u8 = 16;

/// A body on its way out of its chunks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chunked {
    state: State,
    /// Of the current chunk: its size as far as it is read, then what is missing of its data.
    size: u64,
    /// Decoded bytes: the front of the buffer.
    length: usize,
    /// Bytes that extensions and trailers may still have.
    extensions_left: usize,
    trailers_left: usize,
    body_limit: u64,
}

/// Where in the grammar the next byte stands.
#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Size {
        digits: u8,
    },
    /// An extension's first byte: `;CRLF` has none.
    NameStart,
    Name,
    ValueStart,
    Value,
    Quoted,
    Escaped,
    /// After the closing quote.
    ValueEnd,
    SizeLf,
    Data,
    DataCr,
    DataLf,
    TrailerStart,
    TrailerName,
    TrailerValue,
    TrailerLf,
    EndLf,
    End,
}

impl Chunked {
    pub(super) fn new(limits: &Limits) -> Chunked {
        Chunked {
            state: State::Size { digits: 0 },
            size: 0,
            length: 0,
            extensions_left: limits.chunk_extensions,
            trailers_left: limits.trailers,
            body_limit: limits.body,
        }
    }

    /// How many bytes are decoded.
    pub(super) fn length(&self) -> usize {
        self.length
    }

    /// Decodes in place. `buffer` begins with the [`length`](Self::length) bytes decoded before, the new bytes
    /// follow from `from` on. `Some`: the body ends before that offset. `None`: every byte was used up.
    pub(super) fn decode(
        &mut self,
        buffer: &mut [u8],
        from: usize,
    ) -> Result<Option<usize>, Refusal> {
        let mut at = from;
        while at < buffer.len() {
            if self.state == State::Data {
                at += self.take_data(buffer, at);
                continue;
            }
            work::add(1);
            self.state = self.step(buffer[at])?;
            at += 1;
            if self.state == State::End {
                return Ok(Some(at));
            }
        }
        Ok(None)
    }

    /// Moves as much of the chunk's data as there is from `at` to the decoded bytes' end.
    fn take_data(&mut self, buffer: &mut [u8], at: usize) -> usize {
        let there = buffer.len() - at;
        let run = usize::try_from(self.size).map_or(there, |size| size.min(there));
        work::add(run);
        buffer.copy_within(at..at + run, self.length);
        self.length += run;
        self.size -= run as u64;
        if self.size == 0 {
            self.state = State::DataCr;
        }
        run
    }

    /// The state after one byte of framing.
    fn step(&mut self, byte: u8) -> Result<State, Refusal> {
        use State::*;
        match self.state {
            Size { digits } => self.size(digits, byte),
            NameStart | Name | ValueStart | Value | Quoted | Escaped | ValueEnd => {
                self.extension(byte)
            }
            SizeLf if self.size == 0 => expect(byte == b'\n', TrailerStart, Refusal::ChunkSize),
            SizeLf => expect(byte == b'\n', Data, Refusal::ChunkSize),
            DataCr => expect(byte == b'\r', DataLf, Refusal::ChunkEnd),
            DataLf => expect(byte == b'\n', Size { digits: 0 }, Refusal::ChunkEnd),
            TrailerStart | TrailerName | TrailerValue | TrailerLf => self.trailer(byte),
            EndLf => expect(byte == b'\n', End, Refusal::Trailer),
            // `decode` takes data in runs, and stops at the end.
            Data | End => Ok(self.state),
        }
    }

    fn size(&mut self, digits: u8, byte: u8) -> Result<State, Refusal> {
        if let Some(digit) = char::from(byte).to_digit(16) {
            // At the first digit the size is 0: the chunk before has been used up.
            self.size = self.size << 4 | u64::from(digit);
            return expect(
                digits < MOST_SIZE_DIGITS,
                State::Size { digits: digits + 1 },
                Refusal::ChunkSize,
            );
        }
        let next = match byte {
            b'\r' if digits > 0 => State::SizeLf,
            b';' if digits > 0 => State::NameStart,
            _ => return Err(Refusal::ChunkSize),
        };
        let left = self.body_limit.saturating_sub(self.length as u64);
        expect(self.size <= left, next, Refusal::BodyTooLarge)
    }

    /// `token [ "=" ( token / quoted-string ) ]`, then another or the line's end.
    fn extension(&mut self, byte: u8) -> Result<State, Refusal> {
        use State::*;
        self.extensions_left = self
            .extensions_left
            .checked_sub(1)
            .ok_or(Refusal::ChunkExtensionsTooLarge)?;
        match (self.state, byte) {
            (NameStart | Name, _) if chars::is(byte, TOKEN) => Ok(Name),
            (Name, b'=') => Ok(ValueStart),
            (ValueStart, b'"') => Ok(Quoted),
            (ValueStart | Value, _) if chars::is(byte, TOKEN) => Ok(Value),
            (Quoted, b'"') => Ok(ValueEnd),
            (Quoted, b'\\') => Ok(Escaped),
            (Quoted, _) if chars::is(byte, QUOTED) => Ok(Quoted),
            (Escaped, _) if chars::is(byte, FIELD) => Ok(Quoted),
            (Name | Value | ValueEnd, b';') => Ok(NameStart),
            (Name | Value | ValueEnd, b'\r') => Ok(SizeLf),
            _ => Err(Refusal::ChunkExtension),
        }
    }

    /// Trailer fields have the syntax of header fields (section 7.1.2), so a folded line is refused here as well.
    fn trailer(&mut self, byte: u8) -> Result<State, Refusal> {
        use State::*;
        if self.state == TrailerStart && byte == b'\r' {
            return Ok(EndLf);
        }
        self.trailers_left = self
            .trailers_left
            .checked_sub(1)
            .ok_or(Refusal::TrailersTooLarge)?;
        match (self.state, byte) {
            (TrailerStart | TrailerName, _) if chars::is(byte, TOKEN) => Ok(TrailerName),
            (TrailerName, b':') => Ok(TrailerValue),
            (TrailerValue, b'\r') => Ok(TrailerLf),
            (TrailerValue, _) if chars::is(byte, FIELD) => Ok(TrailerValue),
            (TrailerLf, b'\n') => Ok(TrailerStart),
            _ => Err(Refusal::Trailer),
        }
    }
}

fn expect(holds: bool, next: State, refusal: Refusal) -> Result<State, Refusal> {
    if holds { Ok(next) } else { Err(refusal) }
}

#[cfg(test)]
mod tests;
