//! The application: routes and what they lead to. [`App::respond`] is the whole request on one screen.

mod answers;
mod cors;
mod draft;
mod routes;
mod sql;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use http_types::Method;

use crate::auth::Verifier;
use crate::capture::{Capture, untraced};
use crate::endpoint::{Context, Database, Endpoint, RequestId, Route, Service};
use crate::http::{Head, Request, Response};
use crate::metrics::Metrics;
use crate::openapi::{self, Operation, ui};
use crate::pg::connect::READ_ONLY;
use crate::pg::{Config, Keeper, Options, Pool, Query};
use crate::router::Template;
use crate::runtime::Clock;

use answers::{explain, metrics, named, ping, readyz};
use routes::{Audience, Entry, Routes};

pub use answers::{pong, refused, timed_out};
pub use cors::{Caller, Cors, Origin, Preflight};
pub use routes::{Conflict, Entrance, Routed};

/// The path of the health probe that asks nobody: the process answers.
pub const PING: &str = "/ping";
/// The path of the readiness probe: the database answers, and the server is not on its way out.
pub const READYZ: &str = "/readyz";
/// The path of what is measured, in Prometheus' text format.
pub const METRICS: &str = "/metrics";

/// Routes and what they lead to; shared by all executors of a worker.
pub struct App {
    routes: Routes,
    read: Arc<[Query]>,
    write: Arc<[Query]>,
    /// What routes do, for the reader of the API.
    operations: Vec<(Method, Template, Operation)>,
    /// Whose tokens SQL endpoints ask for; `None`: nobody is asked.
    verifier: Option<Verifier>,
}

impl Default for App {
    fn default() -> App {
        App::new()
    }
}

impl App {
    /// An application that answers `/ping`, `/readyz` and `/metrics`.
    pub fn new() -> App {
        let none: Arc<[Query]> = Arc::new([]);
        let mut app = App {
            routes: Routes::new(),
            read: none.clone(),
            write: none,
            operations: Vec::new(),
            verifier: None,
        };
        for (path, audience, endpoint) in [
            (PING, Audience::All, untraced(ping)),
            (READYZ, Audience::Operators, untraced(readyz)),
            (METRICS, Audience::Operators, untraced(metrics)),
        ] {
            // The first routes there are: nothing to conflict with.
            app.own(path, audience, endpoint)
                .unwrap_or_else(|error| unreachable!("{path}: {error}"));
        }
        app
    }

    /// Adds a route of the program's own, to be answered by GET.
    fn own(
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
    pub fn split(mut self) -> App {
        self.routes.split();
        self
    }

    /// Adds the OpenAPI [document](ui::DOCUMENT) of the API and, with `page`, the [page](ui::PAGE) that shows it, which a
    /// program without the feature `docs` does not have. Both are for operators. Where these have an entrance of their own
    /// the page sends no requests, for the API is not there.
    ///
    /// # Errors
    /// A route that is taken.
    pub fn document(mut self, document: Vec<u8>, page: bool) -> anyhow::Result<App> {
        let document = untraced(ui::document(document));
        self.own(ui::DOCUMENT, Audience::Operators, document)?;
        let pages = [
            (Audience::OperatorsHere, true),
            (Audience::OperatorsApart, false),
        ];
        for (audience, sends) in pages.into_iter().filter(|_| page) {
            for (path, endpoint) in ui::page(sends) {
                self.own(path, audience, endpoint)?;
            }
        }
        Ok(self)
    }

    /// Adds a Rust endpoint under a method and a path such as `/hello/{name}`.
    ///
    /// # Errors
    /// A path that is not a template; a route that is taken.
    pub fn route(
        mut self,
        method: Method,
        path: &str,
        endpoint: impl Endpoint,
    ) -> anyhow::Result<App> {
        let template = parsed(method, path)?;
        let route = own_route(method, &template);
        self.routes.insert(
            &template,
            Entry {
                place: route.to_string(),
                route,
                audience: Audience::Clients,
                endpoint: captured(endpoint),
            },
        )?;
        Ok(self)
    }

    /// Has the requests of every route counted here; it is done once, before the first.
    pub fn count_in(&self, metrics: &Metrics) {
        self.routes.all().for_each(|route| route.count_in(metrics));
    }

    /// Adds a Rust endpoint as [`App::route`] does, and what it does to the document.
    ///
    /// ```
    /// use peppercorn::openapi::Operation;
    /// use peppercorn::{App, Context, Method, Response, StatusCode};
    /// use serde_json::json;
    ///
    /// async fn hello(context: Context) -> anyhow::Result<Response> {
    ///     let name = context.path.get("name").unwrap_or_default();
    ///     Ok(Response::new(StatusCode::Ok).with_body(format!("hello, {name}\n")))
    /// }
    ///
    /// # fn main() -> anyhow::Result<()> {
    /// let greeting = Operation::new("hello").summary("Greet somebody.").answer(
    ///     StatusCode::Ok,
    ///     "A greeting.",
    ///     "text/plain",
    ///     json!({"type": "string"}),
    /// );
    /// let app = App::new().described(Method::Get, "/hello/{name}", greeting, hello)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`App::route`].
    pub fn described(
        self,
        method: Method,
        path: &str,
        operation: Operation,
        endpoint: impl Endpoint,
    ) -> anyhow::Result<App> {
        let template = parsed(method, path)?;
        let mut app = self.route(method, path, endpoint)?;
        app.operations.push((method, template, operation));
        Ok(app)
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
            let mut config = config.clone();
            if read_only {
                let options = config.get_options().unwrap_or("").to_owned();
                config.options(format!("{options} {READ_ONLY}").trim());
            }
            let options = Options {
                purpose: if read_only { "reading" } else { "writing" },
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

fn parsed(method: Method, path: &str) -> anyhow::Result<Template> {
    Template::parse(path).map_err(|error| anyhow::anyhow!("{method} {path}: {error}"))
}

fn captured(endpoint: impl Endpoint) -> Box<dyn Endpoint> {
    Box::new(Capture::new(endpoint))
}

/// A route whose endpoint has no other name.
fn own_route(method: Method, template: &Template) -> Arc<Route> {
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
