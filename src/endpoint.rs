//! What a route leads to, and what it is given: everything a request needs is passed to its endpoint, nothing is global.

use std::fmt;
use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use sentry_core::Transaction;

use crate::claims::Claims;
use crate::http::{Method, Request, Response};
use crate::metrics::{Expose, Metrics, RouteMetrics};
use crate::pg::Pool;
use crate::runtime::Drain;
use crate::runtime::stalls::Label;
use crate::sentry::Sentry;

/// A future that an endpoint answers with.
pub type Answer<'a> = Pin<Box<dyn Future<Output = anyhow::Result<Response>> + Send + 'a>>;

/// Answers requests: an SQL file's statement, a Rust handler, or a wrapper around another endpoint.
///
/// An error that is (or wraps) a [`Problem`](crate::Problem) becomes that answer; any other becomes a 500 whose cause
/// is reported and not shown.
pub trait Endpoint: Send + Sync + 'static {
    /// Answers one request. When the client goes away, the future is dropped at its next `await`.
    fn call(&self, context: Context) -> Answer<'_>;
}

/// Every `async fn(Context) -> anyhow::Result<Response>` is an endpoint.
impl<H, F> Endpoint for H
where
    H: Fn(Context) -> F + Send + Sync + 'static,
    F: Future<Output = anyhow::Result<Response>> + Send + 'static,
{
    fn call(&self, context: Context) -> Answer<'_> {
        Box::pin(self(context))
    }
}

/// One request and what surrounds it.
pub struct Context {
    /// The request; its body has been read.
    pub request: Request,
    /// The route that it took.
    pub route: Arc<Route>,
    /// What the path's parameters are.
    pub path: PathParameters,
    /// The client's address: the socket's, or what [trusted proxies](crate::http::Proxies) tell of it. IPv4 is IPv4, also
    /// where a socket of IPv6 was asked. None over a UNIX socket, unless a proxy tells.
    pub peer: Option<IpAddr>,
    /// What the token says that the request came with, if the endpoint is [guarded](crate::auth::Guard).
    pub claims: Option<Claims>,
    /// Names the request in logs, in problems and in the answer's `X-Request-Id`.
    pub request_id: RequestId,
    /// The executor's share of the application.
    pub service: Arc<Service>,
    /// Sentry's, if the request has one.
    pub trace: Option<Transaction>,
}

/// A method and a path template, and what they lead to.
#[derive(Debug)]
pub struct Route {
    /// The method.
    pub method: Method,
    /// The path with its parameters' names: `/markets/{market_id}`.
    pub template: String,
    /// The endpoint's name in logs, metrics and Sentry: an SQL statement's own, else as the route reads.
    pub endpoint: Arc<str>,
    /// For it to answer, in place of the server's own limit.
    pub timeout: Option<Duration>,
    label: Label,
    metrics: OnceLock<RouteMetrics>,
}

impl Route {
    /// A route to an endpoint of this name.
    pub fn new(
        method: Method,
        template: impl Into<String>,
        endpoint: impl Into<Arc<str>>,
    ) -> Route {
        let endpoint = endpoint.into();
        Route {
            method,
            template: template.into(),
            label: Label::new(&endpoint),
            endpoint,
            timeout: None,
            metrics: OnceLock::new(),
        }
    }

    /// The same with a limit of its own for the endpoint to answer.
    pub fn within(self, timeout: Option<Duration>) -> Route {
        Route { timeout, ..self }
    }

    /// What the stall monitor calls the endpoint's work.
    pub fn label(&self) -> Label {
        self.label
    }

    /// Has its requests counted here, from the first on: it counts in one place for as long as it lives.
    pub fn count_in(&self, metrics: &Metrics) {
        let route = || metrics.route(&self.template, &self.endpoint);
        self.metrics.get_or_init(route);
    }

    /// What is counted of it.
    pub fn metrics(&self) -> &RouteMetrics {
        let unread = || Metrics::unread().route(&self.template, &self.endpoint);
        self.metrics.get_or_init(unread)
    }
}

/// `GET /markets/{market_id}`: what Sentry calls a transaction.
impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.template)
    }
}

impl Context {
    /// Does blocking work on a thread that is there for it, and gives what it comes to: what takes longer than a millisecond
    /// or so, computes or waits without `await`, would hold up every other request of this executor.
    ///
    /// When the request is given up, the work goes on to its end; nobody waits for it. A panic of the work is one of the
    /// endpoint.
    ///
    /// ```
    /// use peppercorn::{Context, Response, StatusCode};
    ///
    /// /// Held up like this, the loop answers nobody: the stall monitor names `GET /report` after 50 ms.
    /// async fn blocking(_: Context) -> anyhow::Result<Response> {
    ///     std::thread::sleep(std::time::Duration::from_millis(200));
    ///     Ok(Response::new(StatusCode::Ok))
    /// }
    ///
    /// /// The cure.
    /// async fn unblocked(context: Context) -> anyhow::Result<Response> {
    ///     context
    ///         .unblock(|| std::thread::sleep(std::time::Duration::from_millis(200)))
    ///         .await;
    ///     Ok(Response::new(StatusCode::Ok))
    /// }
    /// ```
    pub async fn unblock<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> T {
        smol::unblock(work).await
    }

    /// A step of the request in Sentry's trace of it, if it is traced: an operation, such as `db.query`, and what it is
    /// about. It lasts until it is dropped.
    pub fn span(&self, operation: &str, what: &str) -> Span {
        let transaction = self.trace.as_ref();
        Span(transaction.map(|transaction| transaction.start_child(operation, what)))
    }
}

/// A step of a request; it ends when this is dropped.
pub struct Span(Option<sentry_core::Span>);

impl Drop for Span {
    fn drop(&mut self) {
        if let Some(span) = self.0.take() {
            span.finish();
        }
    }
}

/// What all requests of one executor share.
pub struct Service {
    /// The database.
    pub database: Database,
    /// Whether the server is on its way out.
    pub drain: Drain,
    /// Where failures are reported to, beside the log.
    pub sentry: Option<Sentry>,
    /// What has been counted, by all processes of the service.
    pub expose: Expose,
}

/// Connections for reading and for writing. A pool is absent where no endpoint needs it. Whoever drops it closes them.
pub struct Database {
    /// Connections with `default_transaction_read_only=on`: GET and HEAD.
    pub read: Option<Pool>,
    /// All other methods.
    pub write: Option<Pool>,
}

impl Database {
    /// The pools there are.
    pub fn pools(&self) -> impl Iterator<Item = &Pool> {
        self.read.iter().chain(&self.write)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        self.pools().for_each(Pool::close);
    }
}

/// The values of a path's parameters, percent-decoded.
#[derive(Debug, Default)]
pub struct PathParameters {
    names: Arc<[String]>,
    values: Vec<String>,
}

impl PathParameters {
    /// Values in the order of the names.
    pub fn new(names: Arc<[String]>, values: Vec<String>) -> PathParameters {
        PathParameters { names, values }
    }

    /// The value of `{name}`.
    pub fn get(&self, name: &str) -> Option<&str> {
        let index = self.names.iter().position(|have| have == name)?;
        self.values.get(index).map(String::as_str)
    }

    /// Whether the route has parameters at all.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }
}

/// Names a request: the client's own `X-Request-Id` where it is fit to be logged, else 16 random hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(Arc<str>);

/// The longest id that is taken over from a client.
const REQUEST_ID_BYTES: usize = 128;

impl RequestId {
    /// The header that carries it.
    pub const HEADER: &str = "X-Request-Id";

    /// The id of a request that came with this header, or without.
    pub fn new(header: Option<&str>) -> RequestId {
        let fit = |byte: u8| byte.is_ascii_alphanumeric() || b"_.:-".contains(&byte);
        match header {
            Some(id) if !id.is_empty() && id.len() <= REQUEST_ID_BYTES && id.bytes().all(fit) => {
                RequestId(id.into())
            }
            _ => RequestId::random(),
        }
    }

    fn random() -> RequestId {
        let number = fastrand::u64(..);
        let digits: [u8; 16] = std::array::from_fn(|index| {
            let nibble = number >> (60 - 4 * index) & 0xf;
            b"0123456789abcdef"[nibble as usize]
        });
        // Not through a formatter: it costs ten times as much, and a second allocation.
        RequestId(std::str::from_utf8(&digits).unwrap_or_default().into())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The same text, for who keeps it.
    pub fn shared(&self) -> Arc<str> {
        self.0.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_ids_are_taken_over_only_if_fit_for_a_log() {
        assert_eq!(RequestId::new(Some("a-1.b:c_D")).as_str(), "a-1.b:c_D");
        for unfit in ["", "a b", "a\"b", "é", &"x".repeat(129)] {
            let id = RequestId::new(Some(unfit));
            assert!(id.as_str().len() == 16 && id.as_str() != unfit);
        }
        assert_ne!(RequestId::new(None), RequestId::new(None));
    }
}
