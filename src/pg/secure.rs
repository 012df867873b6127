//! How a connection is secured: `sslmode` and the files around it, as libpq reads them.
//!
//! Source: PostgreSQL's manual, "SSL Support" of libpq. Stricter than libpq in one thing: a file that somebody names
//! must be there. libpq connects without a check when `sslrootcert` leads nowhere and `sslmode` is `require`.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use tokio_postgres::config::{SslMode, SslNegotiation};

use super::options::Taken;
use super::settings::NOT_VALID;
use crate::environment::{self, Variables};
use crate::secrets::exposed;
use crate::tls::{Connector, Identity, Roots, Trust};

/// The protocol's name in a TLS handshake (PostgreSQL 17).
pub(super) const PROTOCOL: &[u8] = b"postgresql";

/// The modes, the weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Mode {
    Disable,
    /// Also `allow`, which only differs in what is tried first.
    Prefer,
    Require,
    VerifyCa,
    VerifyFull,
}

const MODES: [(&str, Mode); 6] = [
    ("disable", Mode::Disable),
    ("allow", Mode::Prefer),
    ("prefer", Mode::Prefer),
    ("require", Mode::Require),
    ("verify-ca", Mode::VerifyCa),
    ("verify-full", Mode::VerifyFull),
];

/// What the options come to.
pub(super) struct Secure {
    /// Whether TLS is spoken.
    pub(super) mode: SslMode,
    /// Whether the host must be one that a certificate can be for.
    pub(super) named: bool,
    /// What speaks it; `None` if nothing does.
    pub(super) connector: Option<Connector>,
}

/// Where an option was found: a word of the address, else its variable, else its file in the home directory.
struct Given<'a> {
    taken: &'a Taken,
    variables: Variables<'a>,
}

impl Given<'_> {
    /// An option's value and the name it was given under.
    fn option(&self, name: &str) -> Option<(String, String)> {
        let variable = format!("PG{}", name.to_uppercase());
        match self.taken.get(name) {
            Some(value) => Some((value.to_owned(), name.to_owned())),
            None => environment::value(self.variables, &variable).map(|value| (value, variable)),
        }
    }

    fn home(&self, file: &str) -> Option<PathBuf> {
        let home = environment::value(self.variables, "HOME")?;
        Some(Path::new(&home).join(".postgresql").join(file))
    }

    /// The file that an option names, else the one in the home directory if it is there.
    fn file(&self, option: &str, file: &str) -> Option<PathBuf> {
        match self.option(option) {
            Some((path, _)) => Some(path.into()),
            None => self.home(file).filter(|path| path.exists()),
        }
    }
}

/// Reads the options, and the files that they lead to. `remote`: whether a host is reached by TCP; TLS is not spoken
/// on UNIX sockets, whatever the mode, and no file is looked at for them.
///
/// # Errors
/// What is wrong, naming the option or the file.
pub(super) fn read(
    taken: &Taken,
    variables: Variables<'_>,
    negotiation: SslNegotiation,
    remote: bool,
) -> anyhow::Result<Secure> {
    let given = Given { taken, variables };
    let root = given.option("sslrootcert");
    let system = root.as_ref().is_some_and(|(path, _)| path == "system");
    let mode = match given.option("sslmode") {
        Some((word, name)) => match MODES.iter().find(|(mode, _)| *mode == word) {
            Some((_, mode)) => *mode,
            None => {
                // Its value is not shown: who knows what a mistyped address has there.
                let words = MODES.map(|(word, _)| word).join(", ");
                let error = anyhow::anyhow!("{name} is not one of {words}");
                return Err(match taken.get("sslmode") {
                    Some(_) => error.context(NOT_VALID),
                    None => error,
                });
            }
        },
        // As libpq since PostgreSQL 16.
        None if system => Mode::VerifyFull,
        None => Mode::Prefer,
    };
    if system && mode != Mode::VerifyFull {
        bail!(
            "sslrootcert=system asks for sslmode=verify-full: anybody can have a certificate of the system's roots"
        );
    }
    if negotiation == SslNegotiation::Direct && mode < Mode::Require {
        bail!("sslnegotiation=direct asks for sslmode=require or stronger");
    }
    let connector = match mode {
        Mode::Disable => None,
        _ if !remote => None,
        mode => {
            let connector = trust(&given, mode, system)
                .and_then(|trust| Connector::new(&trust, identity(&given)?.as_ref()));
            match connector {
                Ok(connector) => Some(connector.speaking(PROTOCOL)),
                // Nobody has asked for TLS.
                Err(_) if mode == Mode::Prefer && !cfg!(feature = "tls") => None,
                Err(error) => return Err(error.context("TLS to PostgreSQL")),
            }
        }
    };
    Ok(Secure {
        mode: match mode {
            Mode::Disable => SslMode::Disable,
            Mode::Prefer => SslMode::Prefer,
            Mode::Require | Mode::VerifyCa | Mode::VerifyFull => SslMode::Require,
        },
        named: mode == Mode::VerifyFull,
        connector,
    })
}

/// A root file that is there is used, whatever the mode.
fn trust(given: &Given<'_>, mode: Mode, system: bool) -> anyhow::Result<Trust> {
    let roots = match system {
        true => Some(Roots::System),
        false => given.file("sslrootcert", "root.crt").map(Roots::File),
    };
    let Some(roots) = roots else {
        if mode < Mode::VerifyCa {
            return Ok(Trust::Any);
        }
        let word = MODES.iter().rfind(|(_, known)| *known == mode);
        let place = given.home("root.crt").map_or_else(
            || "HOME is not set".into(),
            |path| format!("there is no file {}", path.display()),
        );
        bail!(
            "sslmode={} has nothing to check the server's certificate against: {place}; name the file of its roots in \
             sslrootcert, or set that to `system` for the roots that the system trusts",
            word.map_or("", |(word, _)| word),
        );
    };
    // To go on without it would be to trust what somebody has revoked.
    let list = (given
        .option("sslcrldir")
        .map(|(path, _)| PathBuf::from(path)))
    .or_else(|| given.file("sslcrl", "root.crl"));
    if let Some(path) = list {
        bail!(
            "{}: lists of revoked certificates are not supported",
            path.display()
        );
    }
    match mode {
        Mode::VerifyFull => Ok(Trust::Full(roots)),
        _ => Ok(Trust::Chain(roots)),
    }
}

/// The client's certificate, if there is one, and its key.
fn identity(given: &Given<'_>) -> anyhow::Result<Option<Identity>> {
    let Some(certificate) = given.file("sslcert", "postgresql.crt") else {
        return Ok(None);
    };
    let key = given.option("sslkey").map(|(path, _)| path.into());
    let Some(key) = key.or_else(|| given.home("postgresql.key")) else {
        bail!("sslcert names a certificate, and nothing its private key: set sslkey");
    };
    check_key_file(&key)?;
    Ok(Some(Identity { certificate, key }))
}

/// As libpq: whoever else can read a key is a reason not to use it.
fn check_key_file(path: &Path) -> anyhow::Result<()> {
    let shown = path.display();
    let file =
        std::fs::metadata(path).with_context(|| format!("cannot read the private key {shown}"))?;
    if !file.is_file() {
        bail!("the private key {shown} is not a file");
    }
    match exposed(&file) {
        Some(exposed) => bail!("the private key {shown} {exposed}"),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::only;
    use crate::pg::options::of_url;

    /// What an address and the environment come to: a mode, and whether the certificate's name counts.
    fn come_to(url: &str, variables: &[(&str, &str)]) -> Result<(SslMode, bool), String> {
        let (_, taken) = of_url(url);
        let negotiation = match url.contains("direct") {
            true => SslNegotiation::Direct,
            false => SslNegotiation::Postgres,
        };
        // Nothing is remote: no file is looked at.
        read(&taken, &only(variables), negotiation, false)
            .map(|secure| (secure.mode, secure.named))
            .map_err(|error| format!("{error:#}"))
    }

    #[test]
    fn the_address_comes_before_the_environment_before_prefer() {
        for (url, variables, expected) in [
            ("", &[][..], (SslMode::Prefer, false)),
            ("", &[("PGSSLMODE", "")], (SslMode::Prefer, false)),
            ("", &[("PGSSLMODE", "disable")], (SslMode::Disable, false)),
            (
                "?sslmode=allow",
                &[("PGSSLMODE", "require")],
                (SslMode::Prefer, false),
            ),
            (
                "?sslmode=prefer",
                &[("PGSSLMODE", "require")],
                (SslMode::Prefer, false),
            ),
            ("?sslmode=verify-ca", &[], (SslMode::Require, false)),
            (
                "?sslmode=verify-full",
                &[("PGSSLMODE", "bogus")],
                (SslMode::Require, true),
            ),
            ("?sslrootcert=system", &[], (SslMode::Require, true)),
            ("", &[("PGSSLROOTCERT", "system")], (SslMode::Require, true)),
            (
                "?sslmode=require&sslnegotiation=direct",
                &[],
                (SslMode::Require, false),
            ),
        ] {
            assert_eq!(come_to(url, variables), Ok(expected), "{url} {variables:?}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused_by_name() {
        for (url, variables, expected) in [
            (
                "",
                &[("PGSSLMODE", "ja")][..],
                "PGSSLMODE is not one of disable, allow",
            ),
            (
                "?sslmode=hunter2",
                &[],
                "not valid; expected postgres://user@host:port/database: sslmode is not",
            ),
            (
                "?sslmode=require&sslrootcert=system",
                &[],
                "asks for sslmode=verify-full",
            ),
            (
                "?sslmode=verify-ca",
                &[("PGSSLROOTCERT", "system")],
                "asks for sslmode=verify-full",
            ),
            (
                "?sslnegotiation=direct",
                &[],
                "sslnegotiation=direct asks for sslmode=require",
            ),
        ] {
            let error = come_to(url, variables).unwrap_err();
            assert!(
                error.contains(expected) && !error.contains("hunter2"),
                "{url}: {error}"
            );
        }
    }

    #[cfg(feature = "tls")]
    #[test]
    fn a_file_that_is_named_must_be_there() {
        for (option, mode) in [
            ("sslrootcert=/no/root", "prefer"),
            ("sslrootcert=/no/root", "verify-ca"),
            ("sslcert=/no/cert&sslkey=/no/key", "require"),
        ] {
            let (_, taken) = of_url(&format!("?sslmode={mode}&{option}"));
            let Err(error) = read(&taken, &|_| None, SslNegotiation::Postgres, true) else {
                panic!("{option}");
            };
            assert!(format!("{error:#}").contains("/no/"), "{error:#}");
        }
        let (_, taken) = of_url("?sslcrl=/revoked&sslmode=require&sslrootcert=/root");
        let error = read(&taken, &|_| None, SslNegotiation::Postgres, true).err();
        let error = format!("{:#}", error.unwrap());
        assert!(
            error.contains("/revoked: lists of revoked certificates"),
            "{error}"
        );
    }
}
