//! Why a token is not taken, in words.

use std::fmt;

use crate::json::object::Flaw;

/// Why a token is not taken. In words it is fit for `error_description` (RFC 6750 section 3), and has nothing of the token
/// in it.
///
/// ```
/// use std::time::SystemTime;
///
/// use peppercorn::auth::{Refused, Verifier};
///
/// fn greeting(verifier: &Verifier, token: &str) -> String {
///     match verifier.verify(token, SystemTime::now()) {
///         Ok(claims) => format!("hello, {}", claims.text("sub").unwrap_or_default()),
///         Err(Refused::Expired) => "log in again".into(),
///         Err(refused) => refused.to_string(),
///     }
/// }
/// assert_eq!(Refused::Signature.to_string(), "the token has a wrong signature");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refused {
    /// It has more than 8 KiB.
    TooLong,
    /// It is no JWT: three parts with dots between them.
    NoToken,
    /// It has five parts: it is encrypted (RFC 7516).
    Encrypted,
    /// A part is not base64url as RFC 7515 has it: without padding, in the only way there is to write these bytes.
    Encoding(Part),
    /// A part is not the JSON object that it should be.
    Content(Part, Flaw),
    /// A member of the header, or a claim, is not of the JSON type that it must have.
    Type(&'static str),
    /// It asks for an extension (RFC 7515 section 4.1.11); none is known here.
    Critical,
    /// It is not signed, or in a way that is not taken here.
    Algorithm,
    /// There is no key for its algorithm and its `kid`.
    Key,
    /// It was not signed with a key that is known here, or not like this.
    Signature,
    /// It was good once.
    Expired,
    /// Its `nbf` is still to come.
    Early,
    /// Its `iat` is still to come.
    Unborn,
    /// It is for others, or does not say for whom.
    Audience,
    /// Somebody else has issued it, or it does not say who.
    Issuer,
}

/// A part of a token.
///
/// ```
/// use peppercorn::auth::{Part, Refused};
///
/// let refused = Refused::Encoding(Part::Payload);
/// assert_eq!(refused.to_string(), "the token has a payload that is not base64url");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Part {
    /// How it is signed.
    Header,
    /// The claims.
    Payload,
    /// The signature.
    Signature,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Part::Header => "header",
            Part::Payload => "payload",
            Part::Signature => "signature",
        })
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the token ")?;
        f.write_str(match self {
            Refused::TooLong => "is longer than 8 KiB",
            Refused::NoToken => "is not a JWT, three parts with dots between them",
            Refused::Encrypted => "is encrypted, and only signed ones are taken",
            Refused::Encoding(part) => return write!(f, "has a {part} that is not base64url"),
            Refused::Content(part, flaw) => return write!(f, "has a {part} that {flaw}"),
            Refused::Type(name) => return write!(f, "has {name} of the wrong type"),
            Refused::Critical => "asks for an extension with crit, and none is known",
            Refused::Algorithm => "has alg other than HS256, HS384, HS512, RS256 and ES256",
            Refused::Key => "has alg and kid for which there is no key",
            Refused::Signature => "has a wrong signature",
            Refused::Expired => "has expired",
            Refused::Early => "is not valid yet",
            Refused::Unborn => "was issued in the future",
            Refused::Audience => "is not for this audience",
            Refused::Issuer => "is not from this issuer",
        })
    }
}

impl std::error::Error for Refused {}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6750 section 3: `error_description` has no quotes and no backslashes, and is ASCII.
    #[test]
    fn words_are_fit_for_a_challenge() {
        use Refused as R;
        for refused in [
            R::TooLong,
            R::NoToken,
            R::Encrypted,
            R::Encoding(Part::Signature),
            R::Content(Part::Header, Flaw::NotAnObject),
            R::Content(Part::Payload, Flaw::Twice),
            R::Content(Part::Payload, Flaw::Nul),
            R::Type("exp"),
            R::Critical,
            R::Algorithm,
            R::Key,
            R::Signature,
            R::Expired,
            R::Early,
            R::Unborn,
            R::Audience,
            R::Issuer,
        ] {
            let text = refused.to_string();
            let fit = |byte: u8| matches!(byte, 0x20..=0x21 | 0x23..=0x5b | 0x5d..=0x7e);
            assert!(text.bytes().all(fit), "{text}");
        }
    }
}
