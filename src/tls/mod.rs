//! TLS to other servers: PostgreSQL, Sentry.
//!
//! rustls with the primitives of ring, TLS 1.2 and 1.3. Without the feature `tls` everything is here but a
//! [`Connector`], which cannot be made.

#[cfg(feature = "tls")]
mod connector;
#[cfg(feature = "tls")]
mod verify;

#[cfg(not(feature = "tls"))]
mod absent;

use std::path::PathBuf;

#[cfg(not(feature = "tls"))]
pub use absent::{Connector, TlsStream};
#[cfg(feature = "tls")]
pub use connector::{Connector, TlsStream};

/// How much of a server's certificate is checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    /// Nothing: who listens in is kept out, who stands in between is not.
    Any,
    /// That somebody trusted has signed it.
    Chain(Roots),
    /// That, and that it is for the host that is meant.
    Full(Roots),
}

/// Who is trusted to sign certificates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Roots {
    /// Whom the system trusts; `SSL_CERT_FILE` and `SSL_CERT_DIR` name others.
    System,
    /// The certificates in this PEM file.
    File(PathBuf),
}

/// Who we are, to servers that ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The certificate, and those between it and a root, in a PEM file.
    pub certificate: PathBuf,
    /// Its private key, in a PEM file: PKCS #8, PKCS #1 or SEC 1, not encrypted.
    pub key: PathBuf,
}
