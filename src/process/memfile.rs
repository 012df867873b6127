//! What one process hands to others by a descriptor: a file in memory, all written before anybody has it.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;

use rustix::fs::{MemfdFlags, memfd_create};

/// A file of these bytes; /proc calls it by the name.
///
/// # Errors
/// The system refuses the memory.
pub(super) fn write(name: &str, bytes: &[u8]) -> io::Result<OwnedFd> {
    let mut file = File::from(memfd_create(name, MemfdFlags::CLOEXEC)?);
    file.write_all(bytes)?;
    Ok(file.into())
}

/// All that is in it. Others may read it at the same time: the position that they share stays where it is.
///
/// # Errors
/// It is no file, or none that may be read.
pub(super) fn read(file: &File) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; file.metadata()?.len() as usize];
    file.read_exact_at(&mut bytes, 0)?;
    Ok(bytes)
}
