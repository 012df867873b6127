//! The API of this room in a program that was built without the feature `auth`.

use std::convert::Infallible;
use std::time::SystemTime;

use anyhow::bail;

use super::{Claims, Expected, Refused};

/// There are none.
///
/// ```
/// assert!(peppercorn::auth::Keys::read(b"what the shop and its issuer share").is_err());
/// ```
#[derive(Clone, Debug)]
pub struct Keys(Infallible);

impl Keys {
    /// Fails.
    ///
    /// # Errors
    /// Always: this program was built without tokens.
    pub fn read(_: &[u8]) -> anyhow::Result<Keys> {
        bail!("this program was built without tokens (its feature `auth`)")
    }

    /// Never called: there are no keys.
    pub fn hold_a_secret(&self) -> bool {
        match self.0 {}
    }
}

/// There is none.
#[derive(Clone, Debug)]
pub struct Verifier(Infallible);

impl Verifier {
    /// Never called: there are no keys.
    pub fn new(keys: Keys, _: Expected) -> Verifier {
        match keys.0 {}
    }

    /// Never called: there is no verifier.
    ///
    /// # Errors
    /// None.
    pub fn verify(&self, _: &str, _: SystemTime) -> Result<Claims, Refused> {
        match self.0 {}
    }
}
