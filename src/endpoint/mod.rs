//! What a route leads to, and what it is given: everything a request needs is passed to its endpoint, nothing is global.

mod database;
mod request_id;
mod route;

use std::borrow::Cow;
use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;

use http_types::StatusCode;
use sentry_core::Transaction;

use crate::claims::Claims;
use crate::client::Client;
use crate::error::{Invalid, Problem};
use crate::http::{Request, Response};
use crate::metrics::{Expose, Sources};
use crate::router::pairs;
use crate::runtime::{Clock, Drain};
use crate::sentry::Sentry;

pub use database::{Database, Declared, NamedQuery, Queries};
pub use request_id::RequestId;
pub use route::{PathParameters, Route};

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

/// So is one whose type is not known, such as what [`App::wrap`](crate::App::wrap) is given.
impl Endpoint for Arc<dyn Endpoint> {
    fn call(&self, context: Context) -> Answer<'_> {
        (**self).call(context)
    }
}

/// One request and what surrounds it.
#[non_exhaustive]
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

    /// One of the program's own queries, which [`App::read_query`](crate::App::read_query) and
    /// [`App::write_query`](crate::App::write_query) have named.
    ///
    /// ```
    /// use peppercorn::{Context, Problem, Response, StatusCode};
    ///
    /// async fn greet(context: Context) -> anyhow::Result<Response> {
    ///     let code = context.path.get("code").unwrap_or_default();
    ///     let row = context.query("greeting").bind("code", code).row().await?;
    ///     let Some(row) = row else {
    ///         return Err(Problem::new(StatusCode::NotFound, "nobody speaks that").into());
    ///     };
    ///     let greeting: String = row.try_get("greeting")?;
    ///     Ok(Response::new(StatusCode::Ok).with_body(greeting))
    /// }
    /// ```
    pub fn query(&self, name: &str) -> NamedQuery<'_> {
        let query = self.service.database.query(name);
        query.for_request(&self.request_id)
    }

    /// The value of this key in the URL's query, decoded: the first, if there are several.
    ///
    /// # Errors
    /// It is not UTF-8: a 400, for the client.
    pub fn query_parameter(&self, name: &str) -> Result<Option<Cow<'_, str>>, Problem> {
        let mut pairs = pairs(self.request.query().unwrap_or(""));
        let found = pairs.find(|(key, _)| key.as_deref() == Some(name));
        let Some((_, value)) = found else {
            return Ok(None);
        };
        let not_text = || {
            Problem::invalid(vec![Invalid {
                place: "query",
                name: name.to_owned(),
                message: "is not UTF-8 when decoded".into(),
            }])
        };
        value.map(Some).ok_or_else(not_text)
    }

    /// The request's body, read as JSON.
    ///
    /// # Errors
    /// It is none, or not of this shape: a 400, for the client.
    pub fn json<T: serde::de::DeserializeOwned>(&self) -> Result<T, Problem> {
        serde_json::from_slice(self.request.body())
            .map_err(|error| Problem::new(StatusCode::BadRequest, format!("the body: {error}")))
    }

    /// Asks other servers over HTTP.
    ///
    /// ```
    /// use peppercorn::{Context, Response, StatusCode};
    ///
    /// async fn rates(context: Context) -> anyhow::Result<Response> {
    ///     let rates = context.client().get("https://rates.example.com/eur").send().await?;
    ///     Ok(Response::new(StatusCode::Ok).with_body(rates.body))
    /// }
    /// ```
    pub fn client(&self) -> &Client {
        &self.service.client
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

impl Service {
    /// One that reports to nobody but the log, and is counted nowhere.
    pub fn new(database: Database, clock: &Clock, drain: Drain) -> Service {
        Service {
            database,
            client: Client::new(clock),
            drain,
            sentry: None,
            expose: Arc::new(Sources::default),
        }
    }
}

/// What all requests of one executor share.
#[non_exhaustive]
pub struct Service {
    /// The database.
    pub database: Database,
    /// What other servers are asked with.
    pub client: Client,
    /// Whether the server is on its way out.
    pub drain: Drain,
    /// Where failures are reported to, beside the log.
    pub sentry: Option<Sentry>,
    /// What has been counted, by all processes of the service.
    pub expose: Expose,
}
