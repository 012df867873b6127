//! A route, and what its path's parameters are in one request.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::http::Method;
use crate::metrics::{Metrics, RouteMetrics};
use crate::runtime::stalls::Label;

/// A method and a path template, and what they lead to.
///
/// ```
/// use std::sync::Arc;
///
/// use peppercorn::{Answer, Context, Endpoint, Method};
///
/// /// Around every endpoint: says which orders have come in by which route.
/// struct Logged(Arc<dyn Endpoint>);
///
/// impl Endpoint for Logged {
///     fn call(&self, context: Context) -> Answer<'_> {
///         if context.route.method == Method::Post && context.route.template.starts_with("/orders") {
///             log::info!("an order: {}", context.route);
///         }
///         self.0.call(context)
///     }
/// }
/// ```
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
    #[doc(hidden)]
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
    #[doc(hidden)]
    pub fn within(self, timeout: Option<Duration>) -> Route {
        Route { timeout, ..self }
    }

    /// What the stall monitor calls the endpoint's work.
    #[doc(hidden)]
    pub fn label(&self) -> Label {
        self.label
    }

    /// Has its requests counted here, from the first on: it counts in one place for as long as it lives.
    #[doc(hidden)]
    pub fn count_in(&self, metrics: &Metrics) {
        let route = || metrics.route(&self.template, &self.endpoint);
        self.metrics.get_or_init(route);
    }

    /// What is counted of it.
    #[doc(hidden)]
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

/// The values of a path's parameters, percent-decoded.
///
/// ```
/// use peppercorn::{App, Context, Response};
///
/// async fn order(context: Context) -> anyhow::Result<Response> {
///     let (market, order) = (context.path.get("market_id"), context.path.get("order_id"));
///     Ok(Response::text(format!("{order:?} of {market:?}\n")))
/// }
///
/// let app = App::new().get("/markets/{market_id}/orders/{order_id}", order);
/// # assert!(app.api(None).is_ok());
/// ```
#[derive(Debug, Default)]
pub struct PathParameters {
    names: Arc<[String]>,
    values: Vec<String>,
}

impl PathParameters {
    /// Values in the order of the names.
    #[doc(hidden)]
    pub fn new(names: Arc<[String]>, values: Vec<String>) -> PathParameters {
        PathParameters { names, values }
    }

    /// The value of `{name}`.
    ///
    /// ```
    /// use peppercorn::{Context, Problem, StatusCode};
    ///
    /// fn market(context: &Context) -> Result<u32, Problem> {
    ///     let id = context.path.get("market_id").and_then(|id| id.parse().ok());
    ///     id.ok_or_else(|| Problem::new(StatusCode::NotFound, "there is no such market"))
    /// }
    /// ```
    pub fn get(&self, name: &str) -> Option<&str> {
        let index = self.names.iter().position(|have| have == name)?;
        self.values.get(index).map(String::as_str)
    }

    /// Whether the route has parameters at all.
    ///
    /// ```
    /// # fn example(context: &peppercorn::Context) {
    /// // `/markets` is the list, `/markets/{market_id}` one of them.
    /// let is_list = context.path.is_empty();
    /// # }
    /// ```
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }
}
