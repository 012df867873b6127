//! gzip around a DEFLATE stream (RFC 1952), while the program is compiled.

use super::zip::Entry;

/// A member without a name, a time or a system: DEFLATE is what follows.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
const TRAILER_BYTES: usize = 8;

/// The length of [`member`], in bytes.
pub(super) const fn length(entry: &Entry) -> usize {
    HEADER.len() + entry.packed.len() + TRAILER_BYTES
}

/// A file of a zip archive as a gzip file: the stream is the same in both.
///
/// # Panics
/// It is not compressed, or `N` is not its [`length`]. A constant then fails to compile.
pub(super) const fn member<const N: usize>(entry: &Entry) -> [u8; N] {
    assert!(entry.deflated, "not a DEFLATE stream");
    let mut member = [0; N];
    let (header, rest) = member.split_at_mut(HEADER.len());
    header.copy_from_slice(&HEADER);
    let (stream, trailer) = rest.split_at_mut(entry.packed.len());
    stream.copy_from_slice(entry.packed);
    let (crc32, length) = trailer.split_at_mut(4);
    crc32.copy_from_slice(&entry.crc32.to_le_bytes());
    length.copy_from_slice(&entry.length.to_le_bytes());
    member
}
