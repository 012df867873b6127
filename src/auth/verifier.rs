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
///
/// ```
/// use std::time::SystemTime;
///
/// use peppercorn::auth::{Expected, Keys, Verifier};
///
/// let keys = Keys::read(b"what the exchange and its issuer share")?;
/// let verifier = Verifier::new(keys, Expected::default());
/// let token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJqYW5lIiwic2NvcGUiOiJvcmRlcnM6cmVhZCJ9.\
///              UM5Ma8PCzDlvouKyTxDDp9bMWL1t--jHfxIK-GRXykY";
/// let claims = verifier.verify(token, SystemTime::now())?;
/// assert_eq!(claims.json(), r#"{"sub":"jane","scope":"orders:read"}"#);
/// # anyhow::Ok(())
/// ```
#[derive(Clone)]
pub struct Verifier(Arc<Inner>);

struct Inner {
    keys: Keys,
    expected: Expected,
    seen: Seen,
}

impl Verifier {
    /// Takes tokens that one of `keys` has signed, and that say what is expected.
    ///
    /// ```
    /// use std::time::SystemTime;
    ///
    /// use peppercorn::auth::{Expected, Keys, Refused, Verifier};
    ///
    /// let keys = Keys::read(b"what the exchange and its issuer share")?;
    /// let verifier = Verifier::new(keys, Expected::default().audience("exchange"));
    /// // A good signature is not enough.
    /// let token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJqYW5lIiwic2NvcGUiOiJvcmRlcnM6cmVhZCJ9.\
    ///              UM5Ma8PCzDlvouKyTxDDp9bMWL1t--jHfxIK-GRXykY";
    /// assert_eq!(verifier.verify(token, SystemTime::now()), Err(Refused::Audience));
    /// # anyhow::Ok(())
    /// ```
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
    ///
    /// ```
    /// use std::time::{Duration, SystemTime};
    ///
    /// use peppercorn::auth::{Expected, Keys, Refused, Verifier};
    ///
    /// let keys = Keys::read(b"what the exchange and its issuer share")?;
    /// let verifier = Verifier::new(keys, Expected::default());
    /// // {"sub":"jane","exp":1500000000}
    /// let token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJqYW5lIiwiZXhwIjoxNTAwMDAwMDAwfQ.\
    ///              7eF58pewJ_hZX9DCIep9PfMQI9DPeFCeW1IZ9M7BohE";
    /// let expires = SystemTime::UNIX_EPOCH + Duration::from_secs(1_500_000_000);
    /// assert!(verifier.verify(token, expires - Duration::from_secs(60)).is_ok());
    /// assert_eq!(verifier.verify(token, expires + Duration::from_secs(60)), Err(Refused::Expired));
    /// # anyhow::Ok(())
    /// ```
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
