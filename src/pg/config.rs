//! How to connect: tokio-postgres' settings, and ours of TLS.

use std::ops::{Deref, DerefMut};
use std::str::FromStr;

use super::preparing::Session;
use super::secure::{PROTOCOL, Secure};
use super::settings;
use super::target::Target;
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
    target: Target,
    /// Where what only reads is asked, if that is elsewhere.
    reading: Option<Box<Config>>,
    read_only: bool,
    pooled: bool,
}

/// The option of a session that must not write.
const READ_ONLY: &str = "-c default_transaction_read_only=on";

impl Config {
    /// tokio-postgres' defaults.
    pub fn new() -> Config {
        tokio_postgres::Config::new().into()
    }

    pub(super) fn with(
        mut inner: tokio_postgres::Config,
        target: Target,
        secure: Secure,
    ) -> Config {
        inner.ssl_mode(secure.mode);
        Config {
            inner,
            named: secure.named,
            connector: secure.connector,
            target,
            reading: None,
            read_only: false,
            pooled: false,
        }
    }

    /// With another place for what only reads: a standby.
    pub fn reading_from(self, place: Config) -> Config {
        Config {
            reading: Some(Box::new(place)),
            ..self
        }
    }

    /// Whether what only reads is asked elsewhere.
    pub fn reads_elsewhere(&self) -> bool {
        self.reading.is_some()
    }

    /// How to connect for what only reads: such a session does not write.
    pub fn for_reading(&self) -> Config {
        let mut config = self.reading.as_deref().unwrap_or(self).clone();
        // A pooler would refuse the option, or drop it: there each transaction says so.
        if !config.pooled {
            let options = config.get_options().unwrap_or("").to_owned();
            config.options(format!("{options} {READ_ONLY}").trim());
        }
        config.read_only = true;
        config
    }

    /// Through a pooler such as PgBouncer in transaction mode: a session is lent for one transaction, and keeps nothing.
    pub fn through_pooler(self) -> Config {
        let reading = self.reading.map(|place| Box::new(place.through_pooler()));
        Config {
            reading,
            pooled: true,
            ..self
        }
    }

    /// Whether there is a pooler in between.
    pub(super) fn is_pooled(&self) -> bool {
        self.pooled
    }

    /// Whose its sessions are.
    pub(crate) fn session(&self) -> Session {
        match self.pooled {
            true => Session::Lent,
            false => Session::Own,
        }
    }

    /// Whether its sessions are made not to write.
    pub(super) fn is_read_only(&self) -> bool {
        self.read_only
    }

    /// Which of its hosts is meant.
    pub(super) fn target(&self) -> Target {
        match self.target {
            Target::Any => self.get_target_session_attrs().into(),
            target => target,
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
            target: Target::Any,
            reading: None,
            read_only: false,
            pooled: false,
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
