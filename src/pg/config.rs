//! How to connect: tokio-postgres' settings, and ours of TLS.

use std::ops::{Deref, DerefMut};
use std::str::FromStr;

use super::secure::{PROTOCOL, Secure};
use super::settings;
use crate::tls::{Connector, Trust};

/// How to connect to a database: where it is, as whom, how the connection is secured.
///
/// [`settings::read`] makes one of a URL and the environment, with all that libpq knows of TLS.
/// One made of tokio-postgres' own checks no certificate: `Require` encrypts, and says no more.
///
/// The files of certificates were read when it was made: one made anew sees what they are then.
#[derive(Clone, Debug)]
pub struct Config {
    inner: tokio_postgres::Config,
    named: bool,
    connector: Option<Connector>,
}

impl Config {
    /// tokio-postgres' defaults.
    pub fn new() -> Config {
        tokio_postgres::Config::new().into()
    }

    pub(super) fn with(mut inner: tokio_postgres::Config, secure: Secure) -> Config {
        inner.ssl_mode(secure.mode);
        Config {
            inner,
            named: secure.named,
            connector: secure.connector,
        }
    }

    /// Whether the server's certificate must be for the host's name.
    pub(super) fn is_named(&self) -> bool {
        self.named
    }

    /// What speaks TLS; `None` if nothing does.
    pub(super) fn connector(&self) -> Option<&Connector> {
        self.connector.as_ref()
    }
}

impl Default for Config {
    fn default() -> Config {
        Config::new()
    }
}

impl From<tokio_postgres::Config> for Config {
    fn from(inner: tokio_postgres::Config) -> Config {
        // Fails in a program without TLS only; a server that asks for it is refused then, when it is connected to.
        let connector = Connector::new(&Trust::Any, None).ok();
        Config {
            inner,
            named: false,
            connector: connector.map(|connector| connector.speaking(PROTOCOL)),
        }
    }
}

impl FromStr for Config {
    type Err = anyhow::Error;

    /// What [`settings::read`] makes of a URL, or of `key=value`, in an empty environment.
    fn from_str(url: &str) -> anyhow::Result<Config> {
        settings::read(Some(url), &|_| None)
    }
}

impl Deref for Config {
    type Target = tokio_postgres::Config;

    fn deref(&self) -> &tokio_postgres::Config {
        &self.inner
    }
}

impl DerefMut for Config {
    fn deref_mut(&mut self) -> &mut tokio_postgres::Config {
        &mut self.inner
    }
}
