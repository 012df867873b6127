//! A route, and what its path's parameters are in one request.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::http::Method;
use crate::metrics::{Metrics, RouteMetrics};
use crate::runtime::stalls::Label;

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
