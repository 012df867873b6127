//! From a token to its claims.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use super::registered::{self, Times};
use super::seen::Seen;
use super::token::Token;
use super::{Claims, Expected, Keys, Refused};

/// The longest token that is looked at, in bytes. Most proxies let no longer head of a request through.
const MOST_BYTES: usize = 8 * 1024;

/// Verifies tokens. Cheap to clone.
#[derive(Clone)]
pub struct Verifier(Arc<Inner>);

struct Inner {
    keys: Keys,
    expected: Expected,
    seen: Seen,
}

impl Verifier {
    /// Takes tokens that one of `keys` has signed, and that say what is expected.
    pub fn new(keys: Keys, expected: Expected) -> Verifier {
        Verifier(Arc::new(Inner {
            keys,
            expected,
            seen: Seen::default(),
        }))
    }

    /// The claims of a token that is good at this time. `exp`, `nbf` and `iat` count where they are there, give or take
    /// 30 s.
    ///
    /// # Errors
    /// Why it is not taken.
    pub fn verify(&self, token: &str, now: SystemTime) -> Result<Claims, Refused> {
        if token.len() > MOST_BYTES {
            return Err(Refused::TooLong);
        }
        let (claims, times) = self.0.seen.get_or(token, || self.read(token))?;
        times.check(now)?;
        Ok(claims)
    }

    /// Does all of it but for the times, which change.
    fn read(&self, token: &str) -> Result<(Claims, Times), Refused> {
        let token = Token::parse(token)?;
        self.0.keys.verify(&token)?;
        registered::read(token.payload()?, &self.0.expected)
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { keys, expected, .. } = &*self.0;
        f.debug_struct("Verifier")
            .field("keys", keys)
            .field("expected", expected)
            .finish()
    }
}
