//! Another server that is measured beside peppercorn.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

use super::harness::poll;

/// A peer's process; killed with its owner.
pub struct Peer {
    pub name: &'static str,
    child: Child,
    pub address: SocketAddr,
}

impl Peer {
    /// Runs a command whose last word is the address to listen on, until it does.
    pub fn start(name: &'static str, mut command: Command) -> Peer {
        let free = TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr());
        let address = free.expect("a free port");
        command.arg(address.to_string());
        let child = command
            .stdout(Stdio::null())
            .stderr(Stdio::inherit())
            .spawn();
        let peer = Peer {
            name,
            child: child.expect("the peer starts"),
            address,
        };
        poll("the peer to listen", || {
            TcpStream::connect(address).ok().map(drop)
        });
        peer
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        drop((self.child.kill(), self.child.wait()));
    }
}
