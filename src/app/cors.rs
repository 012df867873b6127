//! Which web pages may read what is answered: the CORS protocol of the Fetch standard, <https://fetch.spec.whatwg.org>.
//!
//! A browser lets a page of another origin read an answer only if the answer says that it may. Whoever is not a browser
//! reads it anyway, so this keeps nobody out: it is for pages, not for access control. Credentials of the browser's
//! own, cookies above all, are never asked for (`Access-Control-Allow-Credentials`): nothing here reads them, and a page
//! that has a token sends it in `Authorization` itself.

mod origin;

use std::sync::Arc;

use http_types::Method;

use crate::http::{Head, HeaderValue, Response, is_token};

pub use origin::Origin;

/// What a page may send in any case, beside what the Fetch standard lets it.
const HEADERS: &str = "Authorization, Content-Type, If-Match, If-None-Match, X-Request-Id";
/// What a page may read, beside what the Fetch standard lets it.
const EXPOSED: HeaderValue = HeaderValue::from_static(
    "ETag, Link, Location, Retry-After, WWW-Authenticate, X-Request-Id, X-Total-Count",
);
/// For how many seconds a browser need not ask again; Chromium takes no more.
const MAX_AGE: HeaderValue = HeaderValue::from_static("7200");
/// What an answer depends on where not all origins are told the same, and what one to a preflight does.
const BY_ORIGIN: HeaderValue = HeaderValue::from_static("Origin");
const BY_PREFLIGHT: HeaderValue = HeaderValue::from_static(
    "Origin, Access-Control-Request-Method, Access-Control-Request-Headers",
);
const ALLOW_ORIGIN: &str = "Access-Control-Allow-Origin";

/// Whose pages may read answers.
#[derive(Clone, Debug)]
pub enum Cors {
    /// Everybody's.
    Any,
    /// Those of these origins.
    Listed(Arc<[Origin]>),
}

/// Whose page asks, as far as that matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    /// It says no origin: no browser, or a page of this origin.
    Unnamed,
    /// A page that may not read the answer.
    Stranger,
    /// One that may: its origin's place in the list.
    Allowed(usize),
}

/// What a preflight is told that it may send: the value of `Access-Control-Allow-Headers`.
#[derive(Debug)]
pub struct Preflight(String);

impl Cors {
    /// Allows these origins; none if there are none.
    pub fn of(origins: Vec<Origin>) -> Option<Cors> {
        if origins.is_empty() {
            return None;
        }
        Some(match origins.contains(&Origin::ANY) {
            true => Cors::Any,
            false => Cors::Listed(origins.into()),
        })
    }

    /// Whose page sends this request.
    pub fn caller(&self, head: &Head<'_>) -> Caller {
        let mut lines = head.header_lines("origin");
        let (line, more) = (lines.next(), lines.next());
        match (self, line) {
            (_, None) => Caller::Unnamed,
            (Cors::Any, Some(_)) => Caller::Allowed(0),
            (Cors::Listed(origins), Some(line)) if more.is_none() => {
                // Byte by byte, as the standard has it: browsers write an origin in one way.
                let mut origins = origins.iter();
                let place = origins.position(|origin| origin.as_str().as_bytes() == line);
                place.map_or(Caller::Stranger, Caller::Allowed)
            }
            _ => Caller::Stranger,
        }
    }

    /// Adds to an answer what the caller's browser must know of it. An endpoint that says itself who may read its answer is
    /// left alone.
    pub fn tell(&self, caller: Caller, preflight: Option<Preflight>, response: &mut Response) {
        if response.header(ALLOW_ORIGIN).is_some() {
            return;
        }
        let origin = match (self, caller) {
            (Cors::Any, _) => Some(Origin::ANY.value()),
            (Cors::Listed(origins), Caller::Allowed(place)) => {
                origins.get(place).map(Origin::value)
            }
            (Cors::Listed(_), _) => None,
        };
        // A path that answers OPTIONS says what else it answers; where nothing does, there is nothing to allow.
        let methods = response.header("Allow").map(str::to_owned);
        let answers = response.status().is_success();
        let preflight = preflight.filter(|_| answers).zip(methods);
        match (&preflight, self) {
            (Some(_), _) => vary(response, BY_PREFLIGHT),
            // Strangers' answers too: a cache must not give them to a page that may read its own.
            (None, Cors::Listed(_)) => vary(response, BY_ORIGIN),
            (None, Cors::Any) => {}
        }
        let Some(origin) = origin else { return };
        response.add_header(ALLOW_ORIGIN, origin);
        match preflight {
            Some((Preflight(headers), methods)) => {
                response.add_header("Access-Control-Allow-Methods", methods);
                response.add_header("Access-Control-Allow-Headers", headers);
                response.add_header("Access-Control-Max-Age", MAX_AGE);
            }
            None => response.add_header("Access-Control-Expose-Headers", EXPOSED),
        }
    }
}

impl Caller {
    /// What a browser is told that asks whether a page may send what it wants to, if that is what this request is.
    ///
    /// The page may send every header that it names. Which headers are read is known to endpoints, SQL files that
    /// declare parameters `in header` among them, and a list of those would protect nothing: what one of them means is
    /// for its endpoint to decide, whoever sends it, and any other program may send it without asking.
    pub fn preflight(self, head: &Head<'_>) -> Option<Preflight> {
        let asks = head.method() == Method::Options
            && matches!(self, Caller::Allowed(_))
            && head.header("access-control-request-method").is_some();
        if !asks {
            return None;
        }
        let mut allowed = HEADERS.to_owned();
        let lines = head.header_lines("access-control-request-headers");
        let names = lines.filter_map(|line| std::str::from_utf8(line).ok());
        for name in names.flat_map(members) {
            if is_token(name.as_bytes()) && !has(HEADERS, name) {
                allowed.push_str(", ");
                allowed.push_str(name);
            }
        }
        Some(Preflight(allowed))
    }
}

/// Adds these fields to those that the answer depends on. Those that an endpoint names keep their own line.
fn vary(response: &mut Response, fields: HeaderValue) {
    let all = |line: &str| has(line, "*") || members(fields.as_str()).all(|field| has(line, field));
    let mut lines = response.headers();
    if !lines.any(|(name, line)| name.eq_ignore_ascii_case("Vary") && all(line)) {
        drop(lines);
        response.add_header("Vary", fields);
    }
}

/// The members of a list, RFC 9110 section 5.6.1.
fn members(list: &str) -> impl Iterator<Item = &str> {
    list.split(',')
        .map(|member| member.trim_matches([' ', '\t']))
}

fn has(list: &str, member: &str) -> bool {
    members(list).any(|other| other.eq_ignore_ascii_case(member))
}

#[cfg(test)]
mod tests {
    use http_types::StatusCode;

    use super::*;
    use crate::http::Request;

    fn listed(origins: &[&str]) -> Cors {
        let origins = origins.iter().map(|origin| origin.parse().unwrap());
        Cors::of(origins.collect()).unwrap()
    }

    fn from(origin: &str) -> Request {
        Request::new(Method::Options, "/").with_header("origin", origin)
    }

    #[test]
    fn a_caller_is_allowed_whose_origin_is_listed_byte_by_byte() {
        let cors = listed(&["https://a.example", "http://b.example:81"]);
        let caller = |origin| cors.caller(&from(origin).head());
        assert_eq!(caller("https://a.example"), Caller::Allowed(0));
        assert_eq!(caller("http://b.example:81"), Caller::Allowed(1));
        for stranger in [
            "null",
            "",
            "https://A.example",
            "https://a.example:443",
            "http://b.example",
        ] {
            assert_eq!(caller(stranger), Caller::Stranger, "{stranger}");
        }
        let two = from("https://a.example").with_header("Origin", "https://a.example");
        assert_eq!(cors.caller(&two.head()), Caller::Stranger);
        let none = Request::new(Method::Get, "/");
        assert_eq!(cors.caller(&none.head()), Caller::Unnamed);
        let any = listed(&["https://a.example", "*"]);
        assert_eq!(any.caller(&from("null").head()), Caller::Allowed(0));
        assert_eq!(any.caller(&none.head()), Caller::Unnamed);
    }

    #[test]
    fn what_varies_by_origin_says_so_once() {
        let cors = listed(&["https://a.example"]);
        for (own, lines) in [
            (&[][..], &["Origin"][..]),
            (&["Accept"], &["Accept", "Origin"]),
            (&["Accept, origin"], &["Accept, origin"]),
            (&["Accept", "Origin"], &["Accept", "Origin"]),
            (&["*"], &["*"]),
        ] {
            for caller in [Caller::Unnamed, Caller::Stranger, Caller::Allowed(0)] {
                let own = own.iter().map(|line| HeaderValue::from(*line));
                let mut response = own.fold(Response::new(StatusCode::Ok), |response, line| {
                    response.with_header("vary", line)
                });
                cors.tell(caller, None, &mut response);
                let vary = response
                    .headers()
                    .filter(|(name, _)| name.eq_ignore_ascii_case("vary"));
                assert!(vary.map(|(_, line)| line).eq(lines.iter().copied()));
            }
        }
    }

    #[test]
    fn an_endpoint_that_says_it_itself_is_left_alone() {
        let own = || Response::new(StatusCode::Ok).with_header(ALLOW_ORIGIN, "*");
        for cors in [listed(&["https://a.example"]), Cors::Any] {
            let mut response = own();
            cors.tell(Caller::Allowed(0), None, &mut response);
            assert!(response.headers().eq(own().headers()));
        }
    }

    #[test]
    fn a_preflight_may_name_any_header_that_is_one() {
        let asked = |names: &[&str]| {
            let ask = from("https://a.example").with_header("Access-Control-Request-Method", "PUT");
            let request = names.iter().fold(ask, |request, names| {
                request.with_header("Access-Control-Request-Headers", names)
            });
            let Preflight(allowed) = Caller::Allowed(0).preflight(&request.head()).unwrap();
            allowed.strip_prefix(HEADERS).unwrap().to_owned()
        };
        assert_eq!(asked(&[]), "");
        assert_eq!(asked(&["content-type,x-request-id"]), "");
        assert_eq!(asked(&["x-a,x-b", "x-c"]), ", x-a, x-b, x-c");
        assert_eq!(asked(&[" x-a ,, x b, x:c, é, *"]), ", x-a, *");
    }
}
