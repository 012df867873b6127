//! Routes and what they lead to. [`Api::respond`] is the whole request on one screen.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use http_types::Method;

use crate::auth::{Guard, Verifier};
use crate::capture::{Capture, untraced};
use crate::endpoint::{Context, Database, Endpoint, Queries, RequestId, Route, Service};
use crate::http::{Head, Request, Response};
use crate::metrics::Metrics;
use crate::openapi::{self, Operation, ui};
use crate::pg::{Config, Keeper, Options, Pool, Query};
use crate::router::Template;
use crate::runtime::Clock;

use super::answers::{explain, metrics, named, ping, readyz};
use super::routes::{Audience, Entry, Routes};
use super::{Conflict, Entrance, Handler, Routed, Unasked, Wrapper};

/// The path of the health probe that asks nobody: the process answers.
pub const PING: &str = "/ping";
/// The path of the readiness probe: the database answers, and the server is not on its way out.
pub const READYZ: &str = "/readyz";
/// The path of what is measured, in Prometheus' text format.
pub const METRICS: &str = "/metrics";

/// Routes and what they lead to; shared by all executors of a worker.
pub struct Api {
    pub(super) routes: Routes,
    pub(super) read: Arc<[Query]>,
    pub(super) write: Arc<[Query]>,
    /// Those of them that are the program's own.
    pub(super) queries: Arc<Queries>,
    /// What routes do, for the reader of the API.
    pub(super) operations: Vec<(Method, Template, Operation)>,
    /// Whose tokens SQL endpoints ask for; `None`: nobody is asked.
    pub(super) verifier: Option<Verifier>,
    /// What is around every endpoint of clients, from the inside out.
    wrappers: Vec<Wrapper>,
}

impl Api {
    /// One that answers `/ping`, `/readyz` and `/metrics`, and asks for tokens that `verifier` takes, if there is one.
    pub(super) fn new(verifier: Option<Verifier>, wrappers: Vec<Wrapper>) -> Api {
        let none: Arc<[Query]> = Arc::new([]);
        let mut api = Api {
            routes: Routes::new(),
            read: none.clone(),
            write: none,
            queries: Arc::default(),
            operations: Vec::new(),
            verifier,
            wrappers,
        };
        for (path, audience, endpoint) in [
            (PING, Audience::All, untraced(ping)),
            (READYZ, Audience::Operators, untraced(readyz)),
            (METRICS, Audience::Operators, untraced(metrics)),
        ] {
            // The first routes there are: nothing to conflict with.
            api.probe(path, audience, endpoint)
                .unwrap_or_else(|error| unreachable!("{path}: {error}"));
        }
        api
    }

    /// Adds a route that every program has, to be answered by GET.
    fn probe(
        &mut self,
        path: &str,
        audience: Audience,
        endpoint: Box<dyn Endpoint>,
    ) -> Result<(), Conflict> {
        let template = Template::literal(path);
        let entry = Entry {
            route: own_route(Method::Get, &template),
            place: "peppercorn itself".into(),
            audience,
            endpoint,
        };
        self.routes.insert(&template, entry)
    }

    /// With an entrance for operators: what is meant for them, such as [`READYZ`] and [`METRICS`], is answered at
    /// [`Entrance::Admin`] only.
    pub fn split(mut self) -> Api {
        self.routes.split();
        self
    }

    /// Adds the OpenAPI [document](ui::DOCUMENT) of the API and, with `page`, the [page](ui::PAGE) that shows it, which a
    /// program without the feature `docs` does not have. Both are for operators. Where these have an entrance of their own
    /// the page sends no requests, for the API is not there.
    ///
    /// # Errors
    /// A route that is taken.
    pub fn document(mut self, document: Vec<u8>, page: bool) -> anyhow::Result<Api> {
        let document = untraced(ui::document(document));
        self.probe(ui::DOCUMENT, Audience::Operators, document)?;
        let pages = [
            (Audience::OperatorsHere, true),
            (Audience::OperatorsApart, false),
        ];
        for (audience, sends) in pages.into_iter().filter(|_| page) {
            for (path, endpoint) in ui::page(sends) {
                self.probe(path, audience, endpoint)?;
            }
        }
        Ok(self)
    }

    pub(super) fn handler(&mut self, handler: &Handler) -> anyhow::Result<()> {
        let endpoint = handler.endpoint.clone();
        let entry = Entry {
            place: handler.place.clone(),
            route: Arc::new(handler.route()),
            audience: Audience::Clients,
            endpoint: match (&handler.scopes, &self.verifier) {
                (None, _) => self.captured(endpoint),
                (Some(_), None) => return Err(Unasked(handler.place.clone()).into()),
                (Some(scopes), Some(verifier)) => {
                    self.captured(guarded(endpoint, verifier, scopes))
                }
            },
        };
        let operation = handler.operation.clone();
        let operation = operation.map(|operation| match &handler.scopes {
            Some(scopes) => operation.secured(scopes),
            None => operation,
        });
        Ok(self.add(&handler.template, entry, operation)?)
    }

    /// Adds a route of clients, and what it does.
    pub(super) fn add(
        &mut self,
        template: &Template,
        entry: Entry,
        operation: Option<Operation>,
    ) -> Result<(), Conflict> {
        let method = entry.route.method;
        self.routes.insert(template, entry)?;
        let described = operation.map(|operation| (method, template.clone(), operation));
        self.operations.extend(described);
        Ok(())
    }

    /// An endpoint of clients, with all that is around it.
    pub(super) fn captured(&self, endpoint: impl Endpoint) -> Box<dyn Endpoint> {
        if self.wrappers.is_empty() {
            return Box::new(Capture::new(endpoint));
        }
        let inner: Arc<dyn Endpoint> = Arc::new(endpoint);
        let wrapped = self.wrappers.iter().fold(inner, |inner, wrap| wrap(inner));
        Box::new(Capture::new(wrapped))
    }

    /// Has the requests of every route counted here; it is done once, before the first.
    pub fn count_in(&self, metrics: &Metrics) {
        self.routes.all().for_each(|route| route.count_in(metrics));
    }

    /// The OpenAPI document of the routes that are described, under this title.
    pub fn openapi(&self, title: &str) -> Vec<u8> {
        let operations = self.operations.iter();
        let operations =
            operations.map(|(method, template, operation)| (*method, template, operation));
        openapi::document(title, operations.collect())
    }

    /// How many routes there are.
    pub fn routes(&self) -> usize {
        self.routes.count()
    }

    /// The pools for this application's statements, and their keepers, for one executor; what they do is counted in
    /// `metrics`.
    pub fn database(
        &self,
        config: &Config,
        pools: Pools,
        metrics: &Metrics,
        clock: &Clock,
    ) -> (Database, Vec<Keeper>) {
        let mut keepers = Vec::new();
        let mut pool = |queries: &Arc<[Query]>, read_only: bool| {
            let (purpose, config) = match read_only {
                true => ("reading", config.for_reading()),
                false => ("writing", config.clone()),
            };
            let options = Options {
                purpose,
                config,
                min: pools.connections.min(MIN_CONNECTIONS),
                max: pools.connections,
                slow: pools.slow_query,
                names_requests: pools.names_requests,
                metrics: metrics.clone(),
            };
            let (pool, keeper) = Pool::new(options, queries.clone(), clock.clone());
            keepers.push(keeper);
            pool
        };
        let database = Database {
            read: (!self.read.is_empty()).then(|| pool(&self.read, true)),
            write: (!self.write.is_empty()).then(|| pool(&self.write, false)),
            reads_elsewhere: config.reads_elsewhere(),
            queries: self.queries.clone(),
        };
        (database, keepers)
    }

    /// Whether this is the health probe, which is answered without ado.
    pub fn is_ping(head: &Head<'_>) -> bool {
        head.method() == Method::Get && head.has_path(PING) && !head.has_body()
    }

    /// Where a request leads to that came in at this entrance.
    pub fn route_of(&self, entrance: Entrance, request: &Request) -> Routed<'_> {
        self.routes.find(entrance, request)
    }

    /// Answers one request: its endpoint, and what went wrong as a problem the client may see.
    pub async fn respond(
        &self,
        routed: Routed<'_>,
        request: Request,
        request_id: RequestId,
        peer: Option<IpAddr>,
        service: &Arc<Service>,
    ) -> Response {
        let answered = match routed.outcome {
            Ok((entry, path)) => {
                let context = Context {
                    request,
                    route: entry.route.clone(),
                    path,
                    peer,
                    claims: None,
                    request_id: request_id.clone(),
                    service: service.clone(),
                    trace: None,
                };
                entry.endpoint.call(context).await
            }
            Err(answer) => *answer,
        };
        match answered {
            Ok(response) => named(response, &request_id),
            Err(error) => explain(&error, &request_id),
        }
    }
}

/// An endpoint that asks for a token with these scopes.
pub(super) fn guarded<E: Endpoint>(
    endpoint: E,
    verifier: &Verifier,
    scopes: &[String],
) -> Guard<E> {
    let guard = Guard::new(endpoint, verifier.clone());
    scopes.iter().cloned().fold(guard, Guard::scope)
}

/// A route whose endpoint has no other name.
pub(super) fn own_route(method: Method, template: &Template) -> Arc<Route> {
    let template = template.as_str();
    Arc::new(Route::new(method, template, format!("{method} {template}")))
}

/// How the pools of an executor are.
#[derive(Clone, Copy, Debug)]
pub struct Pools {
    /// Connections at most, for reading, and again for writing.
    pub connections: usize,
    /// Queries that take so long are in the log; zero: none is.
    pub slow_query: Duration,
    /// Whether PostgreSQL is told what each request is called.
    pub names_requests: bool,
}

/// Connections kept open per pool. Measured in DESIGN section 7: two are enough while queries are cheap.
const MIN_CONNECTIONS: usize = 2;
