//! Who asks: bearer tokens (RFC 6750) that are signed JWTs (RFC 7519), read as RFC 8725 advises.
//!
//! A request's way: header `Authorization` → [`Guard`] → [`Verifier`] with its [`Keys`] → [`Claims`] in the endpoint's
//! [`Context`](crate::Context); else a [`Refused`], as 401 or 403.
//!
//! | module | what it does |
//! |---|---|
//! | `guard` | an endpoint around an endpoint: asks for a token |
//! | `refused` | why a token is not taken, in words |
//! | `verifier` | from a token to its claims |
//! | `token` | a token's three parts, and its header |
//! | `registered` | the claims that are checked here |
//! | `keys`, `jwk`, `pem` | what signatures are checked with, and the files it is read from |
//! | `seen` | tokens that need no signature checked again |
//! | `absent` | the same API in a program without the feature `auth` |

#[cfg(not(feature = "auth"))]
mod absent;
mod guard;
#[cfg(feature = "auth")]
mod jwk;
#[cfg(feature = "auth")]
mod keys;
#[cfg(feature = "auth")]
mod pem;
mod refused;
#[cfg(feature = "auth")]
mod registered;
#[cfg(feature = "auth")]
mod seen;
#[cfg(all(test, feature = "auth"))]
mod tests;
#[cfg(feature = "auth")]
mod token;
#[cfg(feature = "auth")]
mod verifier;

pub use crate::claims::{Claims, is_scope};
#[cfg(not(feature = "auth"))]
pub use absent::{Keys, Verifier};
pub use guard::Guard;
#[cfg(feature = "auth")]
pub use keys::Keys;
pub use refused::{Part, Refused};
#[cfg(feature = "auth")]
pub use verifier::Verifier;

/// What a token must say beside a good signature.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expected {
    /// For whom it must be: one of these must be among the token's `aud`. Empty: anybody, and a token need not say.
    pub audiences: Vec<String>,
    /// Who must have issued it: the token's `iss`. None: anybody who has a key.
    pub issuer: Option<String>,
}
