//! Where connections come from: a TCP address or a UNIX socket's path.

use std::fmt;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::os::fd::OwnedFd;
use std::str::FromStr;

use anyhow::{Context, bail};
use rustix::net::{AddressFamily, SocketAddrAny, SocketFlags, SocketType, ipproto, sockopt};

/// Connections that wait in the kernel to be accepted, per listener; the system's `somaxconn` may be lower.
const BACKLOG: i32 = 1024;

/// A place to listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// `host:port`, with the host as typed; port 0 takes any free one.
    Tcp(String),
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Address, String> {
        let port = text.rsplit_once(':').map(|(_, port)| port.parse::<u16>());
        match port {
            Some(Ok(_)) => Ok(Address::Tcp(text.to_owned())),
            _ => Err(format!(
                "{text:?} is not an address: write host:port, such as 127.0.0.1:8080 or [::1]:8080"
            )),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Tcp(text) => f.write_str(text),
        }
    }
}

/// A listening socket, before an executor takes it.
pub struct Listener {
    pub(super) socket: OwnedFd,
    address: SocketAddr,
}

impl Listener {
    /// Where it listens: with the port that the system chose, where 0 was asked for.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

/// Opens `count` listening sockets at one address; the kernel spreads connections over them.
///
/// # Errors
/// The address is taken, or not one of this machine's; says which.
pub fn bind(address: &Address, count: usize) -> anyhow::Result<Vec<Listener>> {
    let Address::Tcp(text) = address;
    let context = || format!("cannot listen on {address}");
    let resolved = text.to_socket_addrs().with_context(context)?.next();
    let Some(wanted) = resolved else {
        bail!("cannot listen on {address}: the name has no address")
    };
    // Without SO_REUSEPORT a port that somebody listens on is refused, even if they would share it.
    let first = open(wanted, false).with_context(context)?;
    if count == 1 {
        rustix::net::listen(&first, BACKLOG).with_context(context)?;
        return Ok(vec![listener(first).with_context(context)?]);
    }
    let exact = SocketAddr::try_from(rustix::net::getsockname(&first)?)?;
    drop(first);
    let shared: Vec<OwnedFd> = (0..count)
        .map(|_| open(exact, true))
        .collect::<io::Result<_>>()
        .with_context(context)?;
    // All of them are bound before one listens: none takes connections alone.
    shared
        .into_iter()
        .map(|socket| {
            rustix::net::listen(&socket, BACKLOG)?;
            Ok(listener(socket)?)
        })
        .collect::<anyhow::Result<_>>()
        .with_context(context)
}

fn open(address: SocketAddr, share: bool) -> io::Result<OwnedFd> {
    let family = if address.is_ipv4() {
        AddressFamily::INET
    } else {
        AddressFamily::INET6
    };
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(family, SocketType::STREAM, flags, Some(ipproto::TCP))?;
    // Connections of an earlier run may still be in TIME_WAIT on this port.
    sockopt::set_socket_reuseaddr(&socket, true)?;
    sockopt::set_socket_reuseport(&socket, share)?;
    rustix::net::bind(&socket, &address)?;
    Ok(socket)
}

fn listener(socket: OwnedFd) -> io::Result<Listener> {
    let name: SocketAddrAny = rustix::net::getsockname(&socket)?;
    let address = SocketAddr::try_from(name)?;
    Ok(Listener { socket, address })
}
