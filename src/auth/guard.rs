//! The wrapper that asks for a token: an [`Endpoint`] around an [`Endpoint`].

use std::time::SystemTime;

use http_types::StatusCode;

use super::{Claims, Refused, Verifier, is_scope};
use crate::endpoint::{Answer, Context, Endpoint};
use crate::error::Problem;
use crate::http::Request;

/// Lets requests through to the endpoint inside that have a good token, with its claims in
/// [`Context::claims`](crate::Context::claims). Others are answered as RFC 6750 section 3 has it.
///
/// ```no_run
/// use peppercorn::auth::{Expected, Guard, Keys, Verifier};
/// use peppercorn::{App, Context, Response, StatusCode};
///
/// async fn hello(context: Context) -> anyhow::Result<Response> {
///     let claims = context.claims.as_ref();
///     let name = claims.and_then(|claims| claims.text("sub"));
///     let name = name.as_deref().unwrap_or("whoever you are");
///     Ok(Response::new(StatusCode::Ok).with_body(format!("hello, {name}\n")))
/// }
///
/// # fn main() -> anyhow::Result<()> {
/// let keys = Keys::read(&std::fs::read("issuer.pem")?)?;
/// let expected = Expected::default()
///     .audience("https://api.example.com")
///     .issuer("https://login.example.com");
/// let verifier = Verifier::new(keys, expected);
/// let hello = Guard::new(hello, verifier).scope("hello:read");
/// let app = App::new().get("/hello", hello);
/// # Ok(())
/// # }
/// ```
pub struct Guard<E> {
    inner: E,
    verifier: Verifier,
    /// A token must have all of them.
    scopes: Vec<String>,
}

impl<E: Endpoint> Guard<E> {
    /// Has `inner` asked only by those with a token that `verifier` takes.
    ///
    /// ```
    /// use peppercorn::auth::{Guard, Verifier};
    /// use peppercorn::{App, Response};
    ///
    /// /// One API for customers, one for staff, each with keys of its own.
    /// fn shop(customers: Verifier, staff: Verifier) -> App {
    ///     let orders = |_| async { Ok(Response::json("[]")) };
    ///     App::new()
    ///         .get("/orders", Guard::new(orders, customers))
    ///         .get("/staff/orders", Guard::new(orders, staff))
    /// }
    /// ```
    pub fn new(inner: E, verifier: Verifier) -> Guard<E> {
        Guard {
            inner,
            verifier,
            scopes: Vec::new(),
        }
    }

    /// The token must have this scope too.
    ///
    /// # Panics
    /// When it is no scope: this is for scopes in the source. [`is_scope`] says it of those that come from elsewhere.
    ///
    /// ```
    /// use peppercorn::auth::{Guard, Verifier};
    /// use peppercorn::{App, Response};
    ///
    /// fn shop(verifier: Verifier) -> App {
    ///     let refund = |_| async { Ok(Response::text("refunded\n")) };
    ///     let refund = Guard::new(refund, verifier).scope("orders:write").scope("refunds");
    ///     App::new().post("/orders/{order_id}/refund", refund)
    /// }
    /// ```
    #[must_use]
    pub fn scope(mut self, scope: impl Into<String>) -> Guard<E> {
        let scope = scope.into();
        assert!(is_scope(&scope), "invalid scope {scope:?}");
        self.scopes.push(scope);
        self
    }

    /// What the request's token says.
    fn admit(&self, request: &Request) -> Result<Claims, Problem> {
        let token = match bearer(request)? {
            Some(token) => token,
            // Who shows nothing is told no error (RFC 6750 section 3.1).
            None => {
                let detail = "this asks for a bearer token in the header Authorization";
                let problem = Problem::new(StatusCode::Unauthorized, detail);
                return Err(problem.with_header(CHALLENGE, "Bearer"));
            }
        };
        let claims = self.verifier.verify(token, SystemTime::now());
        let claims = claims.map_err(invalid_token)?;
        match self.is_enough(&claims) {
            true => Ok(claims),
            false => Err(self.insufficient_scope()),
        }
    }

    fn is_enough(&self, claims: &Claims) -> bool {
        if self.scopes.is_empty() {
            return true;
        }
        let scopes = claims.scopes();
        let has = |wanted: &String| scopes.iter().any(|scope| scope == wanted);
        self.scopes.iter().all(has)
    }

    fn insufficient_scope(&self) -> Problem {
        let scopes = self.scopes.join(" ");
        let detail = format!("the token must have the scope {scopes}");
        let challenge = format!("Bearer error=\"insufficient_scope\", scope=\"{scopes}\"");
        Problem::new(StatusCode::Forbidden, detail).with_header(CHALLENGE, challenge)
    }
}

impl<E: Endpoint> Endpoint for Guard<E> {
    fn call(&self, mut context: Context) -> Answer<'_> {
        match self.admit(&context.request) {
            Ok(claims) => {
                context.claims = Some(claims);
                self.inner.call(context)
            }
            Err(problem) => Box::pin(std::future::ready(Err(problem.into()))),
        }
    }
}

const CHALLENGE: &str = "WWW-Authenticate";

/// The token that a request shows, if it shows one: a single header, with a scheme in whichever case (RFC 9110
/// section 11.1).
fn bearer(request: &Request) -> Result<Option<&str>, Problem> {
    let head = request.head();
    let mut lines = head.header_lines("authorization");
    let Some(line) = lines.next() else {
        return Ok(None);
    };
    if lines.next().is_some() {
        let detail = "the header Authorization is there more than once";
        let challenge = format!("Bearer error=\"invalid_request\", error_description=\"{detail}\"");
        let problem = Problem::new(StatusCode::BadRequest, detail);
        return Err(problem.with_header(CHALLENGE, challenge));
    }
    let end = line.iter().position(|byte| *byte == b' ');
    let (scheme, rest) = line.split_at(end.unwrap_or(line.len()));
    if !scheme.eq_ignore_ascii_case(b"bearer") {
        return Ok(None);
    }
    let token = str::from_utf8(rest).map_err(|_| invalid_token(Refused::NoToken))?;
    Ok(Some(token.trim_start_matches(' ')))
}

fn invalid_token(refused: Refused) -> Problem {
    let detail = refused.to_string();
    let challenge = format!("Bearer error=\"invalid_token\", error_description=\"{detail}\"");
    Problem::new(StatusCode::Unauthorized, detail).with_header(CHALLENGE, challenge)
}
