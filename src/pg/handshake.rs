//! TLS on a connection that has just been made: the server is asked for it, then hands are shaken.
//!
//! Source: PostgreSQL's manual, "SSL Session Encryption" in "Message Flow".

use std::future::poll_fn;
use std::io;
use std::sync::Arc;

use super::stream::Stream;
use crate::runtime::{Plain, Socket};
use crate::tls::Connector;

/// Asks for TLS: its length, and the number that no version of the protocol has.
const REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

/// How TLS is spoken with a host.
#[derive(Clone)]
pub(super) struct Terms {
    pub(super) connector: Connector,
    /// The name that was asked for, or the address.
    pub(super) host: String,
    /// The handshake begins at once, without asking (`sslnegotiation=direct`, PostgreSQL 17).
    pub(super) direct: bool,
}

/// What a server makes of the wish for TLS.
pub(super) enum Secured {
    /// It speaks it.
    Encrypted(Stream),
    /// It does not, and goes on with this connection as it is.
    Declined(Stream),
}

/// There is no TLS with this server, and the connection is of no use any more.
#[derive(Debug)]
pub(super) struct Failed(io::Error);

impl std::fmt::Display for Failed {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(to, "{}", self.0)
    }
}

impl std::error::Error for Failed {}

impl Terms {
    /// Turns a connection that nothing was sent on into one inside of TLS.
    pub(super) async fn secure(&self, socket: Arc<Socket>) -> Result<Secured, Failed> {
        let Terms {
            connector, host, ..
        } = self;
        let accepted = self.direct || ask(&socket).await.map_err(Failed)?;
        if !accepted {
            return Ok(Secured::Declined(Stream::new(socket)));
        }
        let stream = connector.connect(host, Plain(socket)).await;
        Ok(Secured::Encrypted(Stream::encrypted(
            stream.map_err(Failed)?,
        )))
    }
}

/// Whether the server speaks TLS.
pub(super) async fn ask(socket: &Socket) -> io::Result<bool> {
    let mut rest = &REQUEST[..];
    while !rest.is_empty() {
        let written = poll_fn(|context| socket.poll_write(context, rest)).await?;
        rest = &rest[written..];
    }
    // One byte and no more: what comes after it must come through TLS (CVE-2021-23222).
    let mut answer = [0];
    match (socket.read(&mut answer).await?, answer[0]) {
        (0, _) => Err(io::Error::new(
            io::ErrorKind::UnexpectedEof,
            "the server hung up when it was asked for TLS",
        )),
        (_, b'S') => Ok(true),
        (_, b'N') => Ok(false),
        _ => Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "the server's answer to being asked for TLS is neither yes nor no",
        )),
    }
}
