//! The tests' PostgreSQL behind a port where at first nothing listens.

use std::io;
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use rustix::net::{AddressFamily, SocketType, bind, getsockname, listen, socket};

use super::Database;

/// A door to a database. Nobody else gets its port, and until it is opened whoever knocks is refused at once.
pub struct Door {
    socket: OwnedFd,
    url: String,
    server: PathBuf,
}

impl Door {
    /// A door that is shut.
    pub fn to(database: &Database) -> Door {
        let socket = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
        bind(&socket, &SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
        let address = SocketAddr::try_from(getsockname(&socket).unwrap()).unwrap();
        Door {
            socket,
            server: database.socket(),
            url: database.url_at(address),
        }
    }

    /// As `DATABASE_URL`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Opens it, for as long as the tests run.
    pub fn open(self) {
        listen(&self.socket, 64).unwrap();
        let listener = TcpListener::from(self.socket);
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let server = self.server.clone();
                std::thread::spawn(move || lead(client, &server));
            }
        });
    }
}

/// Leads a client to the server, until either goes.
fn lead(client: TcpStream, server: &Path) -> io::Result<()> {
    let server = UnixStream::connect(server)?;
    std::thread::scope(|both| {
        both.spawn(|| {
            let _gone = io::copy(&mut &client, &mut &server);
            server.shutdown(Shutdown::Both)
        });
        let _gone = io::copy(&mut &server, &mut &client);
        client.shutdown(Shutdown::Both)
    })
}
