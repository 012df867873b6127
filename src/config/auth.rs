//! Whose tokens are taken: `--jwt-key` and what goes with it.

use std::fs::File;
use std::io::Read;
use std::path::PathBuf;

use anyhow::{Context, bail};

use super::credential_file;
use super::lookup::Lookup;
use crate::auth::{Expected, Keys, Verifier};
use crate::secrets::exposed;

/// Whose tokens are taken. The key's file is read when a [verifier](Auth::verifier) is made: at the start, and at each
/// reload.
#[derive(Clone, Debug, Default)]
pub struct Auth {
    /// The file that somebody names.
    file: Option<PathBuf>,
    /// The file that systemd may have put there.
    credential: Option<PathBuf>,
    expected: Expected,
    /// The option that makes no sense without a key, by the name that it was given under.
    needs_key: Option<String>,
}

impl Lookup<'_> {
    pub(super) fn auth(&self) -> anyhow::Result<Auth> {
        let expected = Expected {
            audiences: self.list("jwt-audience")?,
            issuer: self.text("jwt-issuer"),
        };
        let needs_key = match (&*expected.audiences, &expected.issuer) {
            ([], None) => None,
            ([], Some(_)) => Some(self.origin("jwt-issuer")),
            _ => Some(self.origin("jwt-audience")),
        };
        Ok(Auth {
            file: self.text("jwt-key").map(PathBuf::from),
            credential: credential_file(self.variables, "jwt-key"),
            expected,
            needs_key,
        })
    }
}

impl Auth {
    /// What verifies tokens, with the keys that the file has now; `None` if there is no key, and nobody is to be asked for a
    /// token.
    ///
    /// # Errors
    /// A file that cannot be read, or has no key that can be used; one with a shared secret that others can read; an
    /// audience or an issuer without a key.
    pub fn verifier(&self) -> anyhow::Result<Option<Verifier>> {
        let keys = match (&self.file, &self.credential) {
            (Some(file), _) => {
                Some(named(file).with_context(|| format!("the key {}", file.display()))?)
            }
            (None, Some(file)) => {
                credential(file).with_context(|| format!("the credential {}", file.display()))?
            }
            (None, None) => None,
        };
        match (keys, &self.needs_key) {
            (Some(keys), _) => Ok(Some(Verifier::new(keys, self.expected.clone()))),
            (None, Some(option)) => bail!(
                "{option} asks for something of tokens, and there is no key to verify them with; name its file in --jwt-key"
            ),
            (None, None) => Ok(None),
        }
    }
}

fn named(path: &PathBuf) -> anyhow::Result<Keys> {
    let mut file = File::open(path).context("cannot be read")?;
    let about = file.metadata().context("cannot be read")?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).context("cannot be read")?;
    let keys = Keys::read(&bytes)?;
    match exposed(&about).filter(|_| keys.hold_a_secret()) {
        Some(exposed) => bail!("has a shared secret and {exposed}"),
        None => Ok(keys),
    }
}

/// Who may read it is systemd's business. One that is not there, or empty, stands for none.
fn credential(path: &PathBuf) -> anyhow::Result<Option<Keys>> {
    match std::fs::read(path) {
        Ok(bytes) if bytes.trim_ascii().is_empty() => Ok(None),
        Ok(bytes) => Keys::read(&bytes).map(Some),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).context("cannot be read"),
    }
}
