//! The file of a UNIX socket: made in place of one that nobody listens on, removed by who made it.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};

/// A socket's file, removed when this is dropped, unless another has taken its place.
///
/// It must not outlive the socket: as long as that is open, no other file can have the same number.
#[derive(Debug)]
pub(super) struct SocketFile {
    path: PathBuf,
    /// Device and inode.
    number: (u64, u64),
}

impl SocketFile {
    /// The file that is at `path` now.
    pub(super) fn at(path: &Path) -> io::Result<SocketFile> {
        let number = number(path)?;
        Ok(SocketFile {
            path: path.into(),
            number,
        })
    }

    /// From here on nobody finds the socket; who has connected stays.
    pub(super) fn remove(&self) {
        if number(&self.path).is_ok_and(|number| number == self.number) {
            // Where it cannot be removed it stays, and the next to listen there replaces it.
            let _stays = fs::remove_file(&self.path);
        }
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        self.remove();
    }
}

fn number(path: &Path) -> io::Result<(u64, u64)> {
    let file = fs::symlink_metadata(path)?;
    Ok((file.dev(), file.ino()))
}

/// A socket bound to `path`, that does not listen yet. A socket's file that nobody listens on, left by a process that
/// was killed, is replaced.
pub(super) fn bind(path: &Path) -> io::Result<(OwnedFd, SocketFile)> {
    let address = SocketAddrUnix::new(path)?;
    let socket = stream_socket()?;
    match rustix::net::bind(&socket, &address) {
        Err(Errno::ADDRINUSE) if is_stale(path, &address)? => {
            fs::remove_file(path)?;
            rustix::net::bind(&socket, &address)?;
        }
        bound => bound?,
    }
    let file = SocketFile::at(path)?;
    Ok((socket, file))
}

/// Whether the file is a socket's that nobody listens on.
fn is_stale(path: &Path, address: &SocketAddrUnix) -> io::Result<bool> {
    if !fs::symlink_metadata(path)?.file_type().is_socket() {
        let something = "there is something else than a socket; name another path, or remove it";
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, something));
    }
    match rustix::net::connect(stream_socket()?, address) {
        Err(Errno::CONNREFUSED) => Ok(true),
        // Somebody who is too busy to take us listens, too.
        Ok(()) | Err(Errno::WOULDBLOCK) => Ok(false),
        // Not a stream socket, or nothing of ours: not known to be left over.
        Err(Errno::PROTOTYPE | Errno::ACCESS | Errno::PERM) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn stream_socket() -> io::Result<OwnedFd> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    Ok(rustix::net::socket_with(
        AddressFamily::UNIX,
        SocketType::STREAM,
        flags,
        None,
    )?)
}
