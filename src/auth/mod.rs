//! Who asks: bearer tokens (RFC 6750) that are signed JWTs (RFC 7519), read as RFC 8725 advises.
//!
//! A request's way: header `Authorization` → [`Guard`] → [`Verifier`] with its [`Keys`] → [`Claims`] in the endpoint's
//! [`Context`](crate::Context); else a [`Refused`], as 401 or 403.
//!
//! ```
//! use peppercorn::auth::{Guard, Verifier};
//! use peppercorn::{App, Context, Response};
//!
//! async fn orders(context: Context) -> anyhow::Result<Response> {
//!     let customer = context.claims.as_ref().and_then(|claims| claims.text("sub"));
//!     Ok(Response::text(format!("the orders of {}\n", customer.unwrap_or_default())))
//! }
//!
//! fn shop(verifier: Verifier) -> App {
//!     App::new().get("/orders", Guard::new(orders, verifier).scope("orders:read"))
//! }
//! ```
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
/// Why a text is no set of [`Claims`].
///
/// ```
/// use peppercorn::auth::{Claims, Flaw};
///
/// assert_eq!(Claims::read("[]").unwrap_err(), Flaw::NotAnObject);
/// ```
pub use crate::json::object::Flaw;
#[cfg(not(feature = "auth"))]
pub use absent::{Keys, Verifier};
pub use guard::Guard;
#[cfg(feature = "auth")]
pub use keys::Keys;
pub use refused::{Part, Refused};
#[cfg(feature = "auth")]
pub use verifier::Verifier;

/// What a token must say beside a good signature.
///
/// ```
/// use peppercorn::auth::Expected;
///
/// let expected = Expected::default()
///     .audience("https://shop.example.com")
///     .issuer("https://login.example.com");
/// assert_eq!(expected.audiences, ["https://shop.example.com"]);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Expected {
    /// For whom it must be: one of these must be among the token's `aud`. Empty: anybody, and a token need not say.
    pub audiences: Vec<String>,
    /// Who must have issued it: the token's `iss`. None: anybody who has a key.
    pub issuer: Option<String>,
}

impl Expected {
    /// The token may be for this one, too.
    ///
    /// ```
    /// use peppercorn::auth::Expected;
    ///
    /// let expected = Expected::default().audience("shop").audience("warehouse");
    /// assert_eq!(expected.audiences, ["shop", "warehouse"]);
    /// ```
    #[must_use]
    pub fn audience(mut self, audience: impl Into<String>) -> Expected {
        self.audiences.push(audience.into());
        self
    }

    /// The token must be from this one.
    ///
    /// ```
    /// use peppercorn::auth::Expected;
    ///
    /// let expected = Expected::default().issuer("https://login.example.com");
    /// assert_eq!(expected.issuer.as_deref(), Some("https://login.example.com"));
    /// ```
    #[must_use]
    pub fn issuer(mut self, issuer: impl Into<String>) -> Expected {
        self.issuer = Some(issuer.into());
        self
    }
}
