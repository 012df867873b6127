//! One connection's bytes: read at the end, used up from the front.

use std::ops::Range;
use std::{fmt, mem};

use crate::work;

/// The first allocation, in bytes: a page, enough for nearly every request and for a few pipelined ones.
pub(super) const FIRST: usize = 4 * 1024;
/// Reads smaller than this, in bytes, are not worth their system call: rather grow, where that is allowed.
pub(super) const LEAST_READ: usize = 1024;

/// Bytes that were read and not yet used up, and room for more.
#[derive(Default)]
pub(super) struct Buffer {
    /// All of it is initialised, so that room for a read is a slice.
    memory: Vec<u8>,
    /// The bytes that were read are `memory[start..end]`. Without any, both are 0.
    start: usize,
    end: usize,
}

impl Buffer {
    /// The bytes that were read.
    #[inline]
    pub(super) fn bytes(&self) -> &[u8] {
        &self.memory[self.start..self.end]
    }

    pub(super) fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.memory[self.start..self.end]
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// How much it may hold without growing.
    pub(super) fn size(&self) -> usize {
        self.memory.len()
    }

    /// Moves the bytes to the front, so that all room is behind them.
    pub(super) fn move_to_front(&mut self) {
        if self.start > 0 {
            work::add(self.end - self.start);
            self.memory.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
    }

    /// Room for a read. When little is left it doubles, up to `most` bytes, or goes to `wanted` at once.
    pub(super) fn space(&mut self, wanted: usize, most: usize) -> &mut [u8] {
        // Each byte that is moved has one before it that was used up, and is so paid for.
        if self.start >= self.bytes().len() {
            self.move_to_front();
        }
        let size = self.memory.len();
        if size - self.end < LEAST_READ && size < most {
            let grown = (2 * size).max(wanted).min(most).max(FIRST);
            work::add(grown);
            self.memory.reserve_exact(grown - size);
            self.memory.resize(grown, 0);
        }
        &mut self.memory[self.end..]
    }

    /// That many bytes of the room were filled.
    #[inline]
    pub(super) fn advance(&mut self, read: usize) {
        assert!(
            read <= self.memory.len() - self.end,
            "more was read than there is space"
        );
        self.end += read;
    }

    /// Uses up that many bytes.
    #[inline]
    pub(super) fn consume(&mut self, length: usize) {
        self.start += length;
        if self.is_empty() {
            (self.start, self.end) = (0, 0);
        }
    }

    /// Keeps that many bytes and forgets those after them.
    pub(super) fn truncate(&mut self, length: usize) {
        self.end = self.start + length;
    }

    pub(super) fn clear(&mut self) {
        (self.start, self.end) = (0, 0);
    }

    /// These bytes, in the memory they lie in. The buffer is left without any.
    pub(super) fn give_away(&mut self, bytes: Range<usize>) -> Vec<u8> {
        let mut memory = mem::take(&mut self.memory);
        work::add(bytes.len());
        memory.truncate(self.start + bytes.end);
        memory.drain(..self.start + bytes.start);
        self.clear();
        memory
    }
}

/// How much there is, and none of it: requests carry secrets.
impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Buffer({} of {} bytes)", self.bytes().len(), self.size())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(buffer: &mut Buffer, bytes: &[u8], most: usize) {
        buffer.space(0, most)[..bytes.len()].copy_from_slice(bytes);
        buffer.advance(bytes.len());
    }

    #[test]
    fn what_is_left_moves_to_the_front() {
        let mut buffer = Buffer::default();
        fill(&mut buffer, b"first second", FIRST);
        buffer.consume(6);
        assert_eq!(buffer.bytes(), b"second");
        assert_eq!(buffer.space(0, FIRST).len(), FIRST - 6);
        assert_eq!(buffer.bytes(), b"second");
        buffer.consume(6);
        assert!(buffer.is_empty());
        assert_eq!(buffer.space(0, FIRST).len(), FIRST);
    }

    #[test]
    fn it_grows_by_doubling_as_far_as_it_may() {
        let mut buffer = Buffer::default();
        let mut sizes = Vec::new();
        for _ in 0..5 {
            let read = buffer.space(0, 20_000).len();
            buffer.advance(read);
            sizes.push(buffer.size());
        }
        assert_eq!(sizes, [4096, 8192, 16_384, 20_000, 20_000]);
        assert!(buffer.space(0, 20_000).is_empty());
        assert_eq!(buffer.space(30_000, 50_000).len(), 20_000);
    }

    #[test]
    fn what_is_in_it_is_not_shown() {
        let mut buffer = Buffer::default();
        fill(&mut buffer, b"secret", FIRST);
        assert_eq!(format!("{buffer:?}"), "Buffer(6 of 4096 bytes)");
    }

    #[test]
    fn its_memory_can_be_given_away() {
        let mut buffer = Buffer::default();
        fill(&mut buffer, b"xheadbody", FIRST);
        buffer.consume(1);
        assert_eq!(buffer.give_away(4..8), b"body");
        assert!(buffer.is_empty() && buffer.size() == 0);
    }
}
