//! The claims that are checked here (RFC 7519 section 4.1).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::{Claims, Expected, Part, Refused};
use crate::json::object::{Flaw, Object, string, strings};

/// How far the clocks of who issues tokens and of who reads them may be apart.
const LEEWAY: Duration = Duration::from_secs(30);

/// When a token is good, in seconds since 1970.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Times {
    expires: Option<f64>,
    not_before: Option<f64>,
    issued: Option<f64>,
}

/// Reads a payload and checks all of it but its times, which change.
pub(super) fn read(payload: String, expected: &Expected) -> Result<(Claims, Times), Refused> {
    let flawed = |flaw| Refused::Content(Part::Payload, flaw);
    let all = Claims::read(payload).map_err(flawed)?;
    let claims = Object::read(all.json()).ok_or(flawed(Flaw::NotAnObject))?;
    let number = |name| match claims.get(name).map(str::parse) {
        Some(Err(_)) => Err(Refused::Type(name)),
        number => Ok(number.and_then(Result::ok)),
    };
    let text = |name| match claims.get(name).map(string) {
        Some(None) => Err(Refused::Type(name)),
        text => Ok(text.flatten()),
    };
    let times = Times {
        expires: number("exp")?,
        not_before: number("nbf")?,
        issued: number("iat")?,
    };
    let issuer = text("iss")?;
    for name in ["sub", "jti"] {
        text(name)?;
    }
    let audiences = match claims.get("aud") {
        None => Vec::new(),
        Some(raw) => strings(raw)
            .or_else(|| string(raw).map(|one| vec![one]))
            .ok_or(Refused::Type("aud"))?,
    };
    if expected.issuer.is_some() && expected.issuer.as_deref() != issuer.as_deref() {
        return Err(Refused::Issuer);
    }
    let mut wanted = expected.audiences.iter();
    if !expected.audiences.is_empty() && !wanted.any(|one| audiences.iter().any(|own| own == one)) {
        return Err(Refused::Audience);
    }
    drop((claims, audiences, issuer));
    Ok((all, times))
}

impl Times {
    /// Whether it is good now.
    pub(super) fn check(&self, now: SystemTime) -> Result<(), Refused> {
        let now = match now.duration_since(UNIX_EPOCH) {
            Ok(since) => since.as_secs_f64(),
            Err(before) => -before.duration().as_secs_f64(),
        };
        let leeway = LEEWAY.as_secs_f64();
        let is_ahead = |time: Option<f64>| time.is_some_and(|time| now + leeway < time);
        match self.expires {
            Some(expires) if now - leeway >= expires => Err(Refused::Expired),
            _ if is_ahead(self.not_before) => Err(Refused::Early),
            _ if is_ahead(self.issued) => Err(Refused::Unborn),
            _ => Ok(()),
        }
    }
}
