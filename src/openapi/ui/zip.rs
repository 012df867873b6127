//! Finding files in a zip archive while the program is compiled, so that only those found become part of it.

/// A file in an archive, packed as it lies there.
#[derive(Clone, Copy)]
pub(super) struct Entry {
    /// The file's bytes, or the DEFLATE stream of them.
    pub(super) packed: &'static [u8],
    /// Whether they are compressed.
    pub(super) deflated: bool,
    /// The CRC-32 of the file itself.
    pub(super) crc32: u32,
    /// The length of the file itself, in bytes.
    pub(super) length: u32,
}

// Names and places of PKWARE's APPNOTE.TXT, sections 4.3.7, 4.3.12 and 4.3.16.
const END: u32 = 0x0605_4b50;
const END_BYTES: usize = 22;
const DIRECTORY: u32 = 0x0201_4b50;
const DIRECTORY_BYTES: usize = 46;
const LOCAL: u32 = 0x0403_4b50;
const LOCAL_BYTES: usize = 30;

/// The file whose path is this below the archive's one top folder, which is named after a version.
///
/// # Panics
/// It is not there, or is not what is understood here. A constant then fails to compile.
pub(super) const fn find(zip: &'static [u8], path: &str) -> Entry {
    // A comment of any length follows the end record.
    let mut end = zip.len() - END_BYTES;
    while u32_at(zip, end) != END {
        end -= 1;
    }
    let mut left = u16_at(zip, end + 10);
    let mut at = u32_at(zip, end + 16) as usize;
    while left > 0 {
        assert!(u32_at(zip, at) == DIRECTORY, "no entry of a zip directory");
        let name = at + DIRECTORY_BYTES;
        let name_end = name + u16_at(zip, at + 28);
        if is_below_top(slice(zip, name, name_end), path.as_bytes()) {
            return entry(zip, at);
        }
        at = name_end + u16_at(zip, at + 30) + u16_at(zip, at + 32);
        left -= 1;
    }
    panic!("the zip archive has no such file")
}

/// What the directory's entry at `at` tells of.
const fn entry(zip: &'static [u8], at: usize) -> Entry {
    let method = u16_at(zip, at + 10);
    assert!(matches!(method, 0 | 8), "neither stored nor deflated");
    let local = u32_at(zip, at + 42) as usize;
    assert!(u32_at(zip, local) == LOCAL, "no file of a zip archive");
    // Its extra field has a length of its own; its sizes may be missing.
    let start = local + LOCAL_BYTES + u16_at(zip, local + 26) + u16_at(zip, local + 28);
    Entry {
        packed: slice(zip, start, start + u32_at(zip, at + 20) as usize),
        deflated: method == 8,
        crc32: u32_at(zip, at + 16),
        length: u32_at(zip, at + 24),
    }
}

/// Whether `name` is a folder, a slash and `path`.
const fn is_below_top(name: &[u8], path: &[u8]) -> bool {
    let mut below = name;
    while let [byte, rest @ ..] = below {
        below = rest;
        if *byte == b'/' {
            break;
        }
    }
    if below.len() != path.len() {
        return false;
    }
    let mut i = 0;
    while i < path.len() && below[i] == path[i] {
        i += 1;
    }
    i == path.len()
}

const fn u16_at(bytes: &[u8], at: usize) -> usize {
    bytes[at] as usize | (bytes[at + 1] as usize) << 8
}

const fn u32_at(bytes: &[u8], at: usize) -> u32 {
    (u16_at(bytes, at) | u16_at(bytes, at + 2) << 16) as u32
}

const fn slice(bytes: &[u8], start: usize, end: usize) -> &[u8] {
    bytes.split_at(end).0.split_at(start).1
}
