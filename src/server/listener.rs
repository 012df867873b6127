//! Listening sockets: opened, shared between executors, or taken over from another process.

use std::ffi::OsStr;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail, ensure};
use rustix::io::FdFlags;
use rustix::net::{
    AddressFamily, SocketAddrAny, SocketAddrUnix, SocketFlags, SocketType, ipproto, sockopt,
};

use super::address::{self, Address};
use super::socket_file::{self, SocketFile};
use crate::app::Entrance;

/// Connections that wait in the kernel to be accepted, per listener; the system's `somaxconn` may be lower.
const BACKLOG: i32 = 1024;

/// A listening socket, before an executor takes it.
#[derive(Debug)]
pub struct Listener {
    // Before the socket, see `SocketFile`.
    origin: Arc<Origin>,
    socket: OwnedFd,
    entrance: Entrance,
    kept: bool,
}

/// What the shares of a socket have in common.
#[derive(Debug)]
struct Origin {
    name: String,
    /// If this process has made it.
    file: Option<SocketFile>,
}

impl Listener {
    /// Where it listens, for people: `http://127.0.0.1:8080`, with the port that the system chose where 0 was asked for,
    /// or `unix:/path`.
    pub fn name(&self) -> &str {
        &self.origin.name
    }

    /// Which of the application's routes are answered there.
    pub fn entrance(&self) -> Entrance {
        self.entrance
    }

    /// Another process holds the socket too and goes on with it: whoever waits in its queue is left to that one.
    pub fn kept(self) -> Listener {
        Listener { kept: true, ..self }
    }

    /// Whether it is [kept](Listener::kept).
    pub fn is_kept(&self) -> bool {
        self.kept
    }

    /// The same socket for another executor.
    ///
    /// # Errors
    /// When the system has no descriptor left.
    pub fn share(&self) -> io::Result<Listener> {
        Ok(Listener {
            origin: self.origin.clone(),
            socket: self.socket.try_clone()?,
            ..*self
        })
    }

    /// Whether others accept from the same socket: another process, or another executor.
    pub(super) fn is_shared(&self) -> bool {
        self.kept || Arc::strong_count(&self.origin) > 1
    }

    /// A listening socket that somebody else has opened, such as systemd or a supervisor; it is [kept](Listener::kept).
    ///
    /// # Errors
    /// As [`Listener::adopt`].
    pub fn inherit(socket: OwnedFd, entrance: Entrance) -> anyhow::Result<Listener> {
        Ok(Listener::adopt(socket, entrance)?.kept())
    }

    /// A listening socket that somebody else has opened. Its file, if it has one, is not ours to remove.
    ///
    /// # Errors
    /// It is not a stream socket that listens, of TCP or UNIX.
    pub fn adopt(socket: OwnedFd, entrance: Entrance) -> anyhow::Result<Listener> {
        let listens = sockopt::socket_acceptconn(&socket).context("not a socket")?;
        let kind = sockopt::socket_type(&socket)?;
        ensure!(
            listens && kind == SocketType::STREAM,
            "not a listening stream socket"
        );
        let family = sockopt::socket_domain(&socket)?;
        let known = [
            AddressFamily::INET,
            AddressFamily::INET6,
            AddressFamily::UNIX,
        ];
        ensure!(known.contains(&family), "neither a TCP nor a UNIX socket");
        rustix::io::fcntl_setfd(&socket, FdFlags::CLOEXEC)?;
        rustix::io::ioctl_fionbio(&socket, true)?;
        Ok(Listener::new(socket, entrance, None)?)
    }

    /// This process removes the socket's file at the end, if it has one: for who has made it, and has become another
    /// program since.
    pub fn with_file(self) -> Listener {
        let Some(file) = self.find_file() else {
            return self;
        };
        let name = self.name().to_owned();
        Listener {
            origin: Arc::new(Origin {
                name,
                file: Some(file),
            }),
            ..self
        }
    }

    /// Whether it has a file that this process removes.
    pub fn has_file(&self) -> bool {
        self.origin.file.is_some()
    }

    fn find_file(&self) -> Option<SocketFile> {
        let address = rustix::net::getsockname(&self.socket).ok()?;
        let address = SocketAddrUnix::try_from(address).ok()?;
        let path = Path::new(OsStr::from_bytes(address.path_bytes()?));
        SocketFile::at(path).ok()
    }

    /// The socket.
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    /// Has nobody find the socket any more, if that is possible: a file of our own is removed. Who has connected stays.
    pub(super) fn hide(&self) {
        self.origin.file.iter().for_each(SocketFile::remove);
    }

    fn new(socket: OwnedFd, entrance: Entrance, file: Option<SocketFile>) -> io::Result<Listener> {
        let name = name(rustix::net::getsockname(&socket)?);
        Ok(Listener {
            origin: Arc::new(Origin { name, file }),
            socket,
            entrance,
            kept: false,
        })
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd()
    }
}

fn name(address: SocketAddrAny) -> String {
    if let Ok(address) = SocketAddr::try_from(address.clone()) {
        return format!("http://{address}");
    }
    let address = SocketAddrUnix::try_from(address).ok();
    let path = address.as_ref().and_then(SocketAddrUnix::path_bytes);
    let hidden = address.as_ref().and_then(SocketAddrUnix::abstract_name);
    match (path, hidden) {
        (Some(path), _) => format!("unix:{}", String::from_utf8_lossy(path)),
        (_, Some(name)) => format!("unix:@{}", String::from_utf8_lossy(name)),
        _ => "unix:".into(),
    }
}

/// Opens `count` listening sockets at one address; the kernel spreads connections over them. `grow`: there may be
/// [another] later. A UNIX socket has one queue: for its path one is opened, whatever the count.
///
/// # Errors
/// The address is taken, or not one of this machine's; says which.
pub fn bind(
    address: &Address,
    entrance: Entrance,
    count: usize,
    grow: bool,
) -> anyhow::Result<Vec<Listener>> {
    let context = || format!("cannot listen on {address}");
    match address {
        Address::Tcp(text) => {
            let Some(wanted) = text.to_socket_addrs().with_context(context)?.next() else {
                bail!("cannot listen on {address}: the name has no address")
            };
            bind_tcp(wanted, entrance, count, grow).with_context(context)
        }
        Address::Unix(path) => Ok(vec![bind_unix(path, entrance).with_context(context)?]),
    }
}

fn bind_tcp(
    wanted: SocketAddr,
    entrance: Entrance,
    count: usize,
    grow: bool,
) -> io::Result<Vec<Listener>> {
    // Without SO_REUSEPORT a port that somebody listens on is refused, even if they would share it.
    let first = open(wanted, false)?;
    if count == 1 && !grow {
        return Ok(vec![listen(first, entrance, None)?]);
    }
    let exact = SocketAddr::try_from(rustix::net::getsockname(&first)?)?;
    drop(first);
    let sockets: Vec<OwnedFd> = (0..count)
        .map(|_| open(exact, true))
        .collect::<io::Result<_>>()?;
    // All of them are bound before one listens: none takes connections alone.
    sockets
        .into_iter()
        .map(|socket| listen(socket, entrance, None))
        .collect()
}

fn bind_unix(path: &Path, entrance: Entrance) -> anyhow::Result<Listener> {
    if let Some(why) = address::unfit(path) {
        bail!(why);
    }
    let (socket, file) = socket_file::bind(path)?;
    Ok(listen(socket, entrance, Some(file))?)
}

/// One more socket at the address of `like`, which was opened to [grow](bind).
///
/// # Errors
/// It was not, or is not of TCP; or another user listens there meanwhile.
pub fn another(like: &Listener) -> anyhow::Result<Listener> {
    let context = || format!("cannot listen on {} once more", like.name());
    let address = rustix::net::getsockname(&like.socket).with_context(context)?;
    let address = SocketAddr::try_from(address).with_context(context)?;
    let another = open(address, true).and_then(|socket| listen(socket, like.entrance, None));
    another.with_context(context)
}

/// Gives sockets to seats: in turn where there is one for each, else shares of all of them.
///
/// # Errors
/// When the system has no descriptor left.
pub fn seat(opened: Vec<Listener>, seats: &mut [Vec<Listener>]) -> io::Result<()> {
    let count = seats.len();
    if opened.len() >= count {
        for (index, listener) in opened.into_iter().enumerate() {
            seats[index % count].push(listener);
        }
        return Ok(());
    }
    for listener in opened {
        for seat in &mut seats[1..] {
            seat.push(listener.share()?);
        }
        seats[0].push(listener);
    }
    Ok(())
}

fn open(address: SocketAddr, share: bool) -> io::Result<OwnedFd> {
    let family = match address {
        SocketAddr::V4(_) => AddressFamily::INET,
        SocketAddr::V6(_) => AddressFamily::INET6,
    };
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(family, SocketType::STREAM, flags, Some(ipproto::TCP))?;
    // Connections of an earlier run may still be in TIME_WAIT on this port.
    sockopt::set_socket_reuseaddr(&socket, true)?;
    sockopt::set_socket_reuseport(&socket, share)?;
    rustix::net::bind(&socket, &address)?;
    Ok(socket)
}

fn listen(socket: OwnedFd, entrance: Entrance, file: Option<SocketFile>) -> io::Result<Listener> {
    rustix::net::listen(&socket, BACKLOG)?;
    Listener::new(socket, entrance, file)
}
