//! TLS as a client: to PostgreSQL and to Sentry.
//!
//! | module | what it is |
//! |---|---|
//! | `connector` | the files, the handshake, the stream |
//! | `check` | what is asked of a server's certificate |
//! | `certificate` | what is read of a certificate that rustls does not tell |
//! | `absent` | the same API in a program without the feature `tls` |
//!
//! A handshake runs where it is awaited: on an executor's thread, if a connection of the pool is made there. It adds
//! 0.2 to 0.3 ms of arithmetic to the 0.1 ms that a connection costs anyway (medians of 300 connections to PostgreSQL 15
//! on a core of 2.6 GHz; ECDSA P-256 checked in full 0.3 ms, RSA 2048 unchecked 0.3 ms), in two pieces around the server's
//! answer. A result of 100 MB took no longer over TLS than without, within the spread of three runs.

use std::path::PathBuf;

#[cfg(not(feature = "tls"))]
mod absent;
#[cfg(feature = "tls")]
mod certificate;
#[cfg(feature = "tls")]
mod check;
#[cfg(feature = "tls")]
mod connector;
#[cfg(all(test, feature = "tls"))]
mod tests;

#[cfg(not(feature = "tls"))]
pub use absent::{Connector, TlsStream};
#[cfg(feature = "tls")]
pub use connector::{Connector, TlsStream};

/// How much of a server's certificate is checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    /// Nothing: what is sent cannot be read on its way, but who reads it at its end is not known.
    Any,
    /// That a root vouches for it, whatever name it is for.
    Chain(Roots),
    /// That a root vouches for it, and that it is for the host that was asked for.
    Full(Roots),
}

/// The certificates whose word is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Roots {
    /// Those that the system trusts. `SSL_CERT_FILE` and `SSL_CERT_DIR` stand in for them, as for OpenSSL.
    System,
    /// Those in a file, in PEM.
    ///
    /// What is in it counts as it does for OpenSSL: a server may have one of these certificates itself, may have one of
    /// version 1 that a root in the file has signed, and its name may stand in the subject when no alternative names
    /// are given.
    File(PathBuf),
}

/// What proves to a server who connects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The certificate in PEM, and those that lead to a root that the server knows.
    pub certificate: PathBuf,
    /// Its private key in PEM, not encrypted.
    pub key: PathBuf,
}
