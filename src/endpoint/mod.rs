//! What a route leads to, and what it is given: everything a request needs is passed to its endpoint, nothing is global.

mod database;
mod request_id;
mod route;
mod service;

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
use crate::router::pairs;

pub use database::{Database, Declared, NamedQuery, Queries};
pub use request_id::RequestId;
pub use route::{PathParameters, Route};
pub use service::Service;

/// A future that an endpoint answers with.
///
/// ```
/// use peppercorn::{Answer, App, Context, Endpoint, Response};
///
/// /// Says the same to everybody.
/// struct Notice(String);
///
/// impl Endpoint for Notice {
///     fn call(&self, _: Context) -> Answer<'_> {
///         Box::pin(async { Ok(Response::text(self.0.clone())) })
///     }
/// }
///
/// let app = App::new().get("/notice", Notice("closed on Sundays\n".into()));
/// # assert!(app.api(None).is_ok());
/// ```
pub type Answer<'a> = Pin<Box<dyn Future<Output = anyhow::Result<Response>> + Send + 'a>>;

/// Answers requests: an SQL file's statement, a Rust handler, or a wrapper around another endpoint.
///
/// An error that is (or wraps) a [`Problem`](crate::Problem) becomes that answer; any other becomes a 500 whose cause
/// is reported and not shown.
///
/// ```
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicBool, Ordering};
///
/// use peppercorn::{Answer, App, Context, Endpoint, Problem, StatusCode};
///
/// /// Lets nobody through while the shop is closed.
/// struct Shop {
///     inner: Arc<dyn Endpoint>,
///     closed: Arc<AtomicBool>,
/// }
///
/// impl Endpoint for Shop {
///     fn call(&self, context: Context) -> Answer<'_> {
///         match self.closed.load(Ordering::Relaxed) {
///             false => self.inner.call(context),
///             true => Box::pin(async { Err(Problem::new(StatusCode::NotFound, "the shop is closed").into()) }),
///         }
///     }
/// }
///
/// let closed = Arc::new(AtomicBool::new(false));
/// let app = App::new().wrap(move |inner| Shop { inner, closed: closed.clone() });
/// # assert!(app.api(None).is_ok());
/// ```
pub trait Endpoint: Send + Sync + 'static {
    /// Answers one request. When the client goes away, the future is dropped at its next `await`.
    ///
    /// ```
    /// use std::sync::Arc;
    ///
    /// use peppercorn::{Answer, Context, Endpoint};
    ///
    /// struct Uncached(Arc<dyn Endpoint>);
    ///
    /// impl Endpoint for Uncached {
    ///     fn call(&self, context: Context) -> Answer<'_> {
    ///         Box::pin(async move {
    ///             let mut response = self.0.call(context).await?;
    ///             response.set_header("Cache-Control", "no-store");
    ///             Ok(response)
    ///         })
    ///     }
    /// }
    /// ```
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
///
/// ```
/// use peppercorn::{Context, Problem, Response, StatusCode};
///
/// async fn book(context: Context) -> anyhow::Result<Response> {
///     let isbn = context.path.get("isbn").unwrap_or_default();
///     let currency = context.query_parameter("currency")?.unwrap_or("EUR".into());
///     let query = context.query("price").bind("isbn", isbn).bind("currency", currency);
///     let Some(row) = query.row().await? else {
///         return Err(Problem::new(StatusCode::NotFound, "there is no such book").into());
///     };
///     let price: f64 = row.try_get("price")?;
///     Ok(Response::json(price.to_string()))
/// }
/// ```
#[non_exhaustive]
pub struct Context {
    /// The request; its body has been read.
    ///
    /// ```
    /// # fn example(context: peppercorn::Context) {
    /// let is_form = context.request.content_type() == Some("application/x-www-form-urlencoded");
    /// let body: Vec<u8> = context.request.into_body();
    /// # }
    /// ```
    pub request: Request,
    /// The route that it took.
    ///
    /// ```
    /// # fn example(context: &peppercorn::Context) {
    /// log::info!("{} is answered by {}", context.route, context.route.endpoint);
    /// # }
    /// ```
    pub route: Arc<Route>,
    /// What the path's parameters are.
    ///
    /// ```
    /// # fn example(context: &peppercorn::Context) -> anyhow::Result<()> {
    /// // Of the route `/markets/{market_id}/orders`.
    /// let market: i64 = context.path.get("market_id").unwrap_or_default().parse()?;
    /// # Ok(())
    /// # }
    /// ```
    pub path: PathParameters,
    /// The client's address: the socket's, or what the proxies tell of it that `--forwarded-allow-ips` names. IPv4 is IPv4, also
    /// where a socket of IPv6 was asked. None over a UNIX socket, unless a proxy tells.
    ///
    /// ```
    /// # fn example(context: &peppercorn::Context) {
    /// let is_local = context.peer.is_some_and(|address| address.is_loopback());
    /// # }
    /// ```
    pub peer: Option<IpAddr>,
    /// What the token says that the request came with, if the endpoint is [guarded](crate::auth::Guard).
    ///
    /// ```
    /// # fn example(context: &peppercorn::Context) {
    /// let customer = context.claims.as_ref().and_then(|claims| claims.text("sub"));
    /// # }
    /// ```
    pub claims: Option<Claims>,
    /// Names the request in logs, in problems and in the answer's `X-Request-Id`.
    ///
    /// ```
    /// # fn example(context: &peppercorn::Context) {
    /// log::warn!("request {}: the bookmaker is late", context.request_id.as_str());
    /// # }
    /// ```
    pub request_id: RequestId,
    /// The executor's share of the application.
    ///
    /// ```
    /// # fn example(context: &peppercorn::Context) {
    /// let client = context.service.client.clone();
    /// # }
    /// ```
    pub service: Arc<Service>,
    /// Sentry's, if the request has one.
    #[doc(hidden)]
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
    ///
    /// ```
    /// use peppercorn::{Context, Response};
    ///
    /// async fn search(context: Context) -> anyhow::Result<Response> {
    ///     let author = context.query_parameter("author")?;
    ///     Ok(match author {
    ///         Some(author) => Response::text(format!("books by {author}\n")),
    ///         None => Response::text("all books\n"),
    ///     })
    /// }
    /// ```
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
    ///
    /// ```
    /// use std::collections::BTreeMap;
    ///
    /// use peppercorn::{Context, Response};
    ///
    /// /// `{"9780141184340": 2}`: how many of which book.
    /// async fn order(context: Context) -> anyhow::Result<Response> {
    ///     let basket: BTreeMap<String, u32> = context.json()?;
    ///     let books: u32 = basket.values().sum();
    ///     Ok(Response::text(format!("{books} books\n")))
    /// }
    /// ```
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
    ///
    /// ```
    /// use peppercorn::{Context, Response};
    ///
    /// async fn odds(context: Context) -> anyhow::Result<Response> {
    ///     let span = context.span("price", "all markets");
    ///     let odds = context.unblock(|| [0.25, 0.5].map(|chance| 1.0 / chance)).await;
    ///     drop(span);
    ///     Ok(Response::json(format!("{odds:?}")))
    /// }
    /// ```
    pub fn span(&self, operation: &str, what: &str) -> Span {
        let transaction = self.trace.as_ref();
        Span(transaction.map(|transaction| transaction.start_child(operation, what)))
    }
}

/// A step of a request; it ends when this is dropped.
///
/// ```
/// use peppercorn::Context;
///
/// async fn stock(context: &Context, isbn: &str) -> anyhow::Result<u64> {
///     let _span = context.span("http.client", "the publisher's stock");
///     let url = format!("https://publisher.example.com/{isbn}/stock");
///     context.client().get(&url).send().await?.json()
/// }
/// ```
pub struct Span(Option<sentry_core::Span>);

impl Drop for Span {
    fn drop(&mut self) {
        if let Some(span) = self.0.take() {
            span.finish();
        }
    }
}
