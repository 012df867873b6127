//! The application: routes and what they lead to. [`App::respond`] is the whole request on one screen.

mod answers;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use anyhow::bail;
use http_types::{Method, StatusCode};
use tokio_postgres::Config;

use crate::capture::Capture;
use crate::endpoint::{Context, Database, Endpoint, PathParameters, RequestId, Service};
use crate::error::Problem;
use crate::http::{Head, Request, Response};
use crate::pg::connect::READ_ONLY;
use crate::pg::{Keeper, Options, Pool, Query};
use crate::router::{Match, Router, Template, percent_decode};
use crate::runtime::Clock;
use crate::sql::{self, Definition};

use answers::{explain, named, ping, readyz};
pub use answers::{pong, refused, timed_out};

/// The path of the health probe that asks nobody: the process answers.
pub const PING: &str = "/ping";
/// The path of the readiness probe: the database answers, and the server is not on its way out.
pub const READYZ: &str = "/readyz";

/// Routes and what they lead to; shared by all executors of a worker.
pub struct App {
    router: Router<Resource>,
    routes: usize,
    read: Arc<[Query]>,
    write: Arc<[Query]>,
}

/// What one path answers.
#[derive(Default)]
struct Resource {
    parameters: Arc<[String]>,
    routes: Vec<Route>,
    /// The value of `Allow`.
    allow: String,
}

/// One method of a path.
struct Route {
    method: Method,
    /// Where it was declared, for whoever conflicts with it.
    place: String,
    endpoint: Box<dyn Endpoint>,
}

/// A route that is taken: who wants it, and who has it.
#[derive(Debug)]
pub struct Conflict(String);

impl std::fmt::Display for Conflict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Conflict {}

impl Default for App {
    fn default() -> App {
        App::new()
    }
}

impl App {
    /// An application that answers `/ping` and `/readyz`.
    pub fn new() -> App {
        let none: Arc<[Query]> = Arc::new([]);
        let mut app = App {
            router: Router::new(),
            routes: 0,
            read: none.clone(),
            write: none,
        };
        for (path, endpoint) in [
            (PING, Box::new(ping) as Box<dyn Endpoint>),
            (READYZ, Box::new(readyz)),
        ] {
            // The first routes of an empty router: nothing to conflict with, nothing wrong with the templates.
            let template =
                Template::parse(path).unwrap_or_else(|error| unreachable!("{path}: {error}"));
            let route = Route {
                method: Method::Get,
                place: "peppercorn itself".into(),
                endpoint,
            };
            app.insert(&template, route)
                .unwrap_or_else(|error| unreachable!("{path}: {error}"));
        }
        app
    }

    /// Adds every endpoint of the SQL files below `directory`, after the database of `config` has agreed to them.
    ///
    /// # Errors
    /// See [`sql::read`] and [`App::sql`].
    pub async fn sql_dir(
        self,
        directory: &Path,
        config: &Config,
        clock: &Clock,
    ) -> anyhow::Result<App> {
        self.sql(sql::read(directory)?, config, clock).await
    }

    /// Adds endpoints read from SQL files, after the database of `config` has agreed to them.
    ///
    /// # Errors
    /// See [`sql::check`]; a route that is taken.
    pub async fn sql(
        mut self,
        files: Vec<Definition>,
        config: &Config,
        clock: &Clock,
    ) -> anyhow::Result<App> {
        if !(self.read.is_empty() && self.write.is_empty()) {
            bail!("a second folder of SQL files: an application has one");
        }
        let checked = sql::check(files, config, clock).await?;
        for route in checked.routes {
            let endpoint = Box::new(Capture::new(route.name, route.endpoint));
            let place = route.place;
            self.insert(
                &route.template,
                Route {
                    method: route.method,
                    place,
                    endpoint,
                },
            )?;
        }
        (self.read, self.write) = (checked.read, checked.write);
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
        let name = format!("{method} {path}");
        let template = Template::parse(path).map_err(|error| anyhow::anyhow!("{name}: {error}"))?;
        let endpoint = Box::new(Capture::new(name.clone(), endpoint));
        self.insert(
            &template,
            Route {
                method,
                place: name,
                endpoint,
            },
        )?;
        Ok(self)
    }

    /// How many routes there are.
    pub fn routes(&self) -> usize {
        self.routes
    }

    fn insert(&mut self, template: &Template, route: Route) -> Result<(), Conflict> {
        let (first, resource) = self.router.entry(template, Resource::default);
        if first.as_str() != template.as_str() {
            return Err(Conflict(format!(
                "{}: {} is the same path as {} with other names",
                route.place,
                template.as_str(),
                first.as_str()
            )));
        }
        if let Some(taken) = resource
            .routes
            .iter()
            .find(|taken| taken.method == route.method)
        {
            return Err(Conflict(format!(
                "{}: {} {} is answered by {} already",
                route.place,
                route.method,
                template.as_str(),
                taken.place
            )));
        }
        resource.parameters = template.parameters().map(str::to_owned).collect();
        resource.routes.push(route);
        resource.allow = allow(&resource.routes);
        self.routes += 1;
        Ok(())
    }

    /// The pools for this application's statements, and their keepers, for one executor. `connections` is the most
    /// that is opened for reading, and again for writing.
    pub fn database(
        &self,
        config: &Config,
        connections: usize,
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
                min: connections.min(MIN_CONNECTIONS),
                max: connections,
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

    /// Answers one request: route, endpoint, and what went wrong as a problem the client may see.
    pub async fn respond(
        &self,
        request: Request,
        request_id: RequestId,
        peer: Option<SocketAddr>,
        service: &Arc<Service>,
    ) -> Response {
        let answered = match self.find(&request) {
            Ok((route, path)) => {
                let (request_id, service) = (request_id.clone(), service.clone());
                route
                    .endpoint
                    .call(Context {
                        request,
                        path,
                        peer,
                        request_id,
                        service,
                    })
                    .await
            }
            Err(answer) => *answer,
        };
        match answered {
            Ok(response) => named(response, &request_id),
            Err(error) => explain(&error, &request_id),
        }
    }

    /// The route of a request, or the answer that there is none.
    fn find(
        &self,
        request: &Request,
    ) -> Result<(&Route, PathParameters), Box<anyhow::Result<Response>>> {
        let problem = |problem: Problem| Box::new(Err(problem.into()));
        let method = request.method();
        if method == Method::Options && request.path() == "*" {
            return Err(Box::new(Ok(Response::new(StatusCode::NoContent))));
        }
        let Some(found) = self.router.find(request.path()) else {
            let detail = format!("there is nothing at {}", request.path());
            return Err(problem(Problem::new(StatusCode::NotFound, detail)));
        };
        let wanted = if method == Method::Head {
            Method::Get
        } else {
            method
        };
        let Some(route) = found
            .value
            .routes
            .iter()
            .find(|route| route.method == wanted)
        else {
            let allow = found.value.allow.clone();
            return Err(match method {
                Method::Options => Box::new(Ok(
                    Response::new(StatusCode::NoContent).with_header("Allow", allow)
                )),
                _ => {
                    let detail = format!("{method} is not answered here, only {allow}");
                    problem(
                        Problem::new(StatusCode::MethodNotAllowed, detail)
                            .with_header("Allow", allow),
                    )
                }
            });
        };
        let parameters = path_parameters(&found).map_err(problem)?;
        Ok((route, parameters))
    }
}

/// Connections kept open per pool. Measured in DESIGN section 7: two are enough while queries are cheap.
const MIN_CONNECTIONS: usize = 2;

fn path_parameters(found: &Match<'_, '_, Resource>) -> Result<PathParameters, Problem> {
    let values = found
        .parameters()
        .map(|(name, raw)| match percent_decode(raw) {
            Some(value) => Ok(value.into_owned()),
            None => Err(Problem::invalid(vec![crate::error::Invalid {
                place: "path",
                name: name.to_owned(),
                message: "is not UTF-8 when decoded".into(),
            }])),
        });
    Ok(PathParameters::new(
        found.value.parameters.clone(),
        values.collect::<Result<_, _>>()?,
    ))
}

/// What `Allow` says: HEAD comes with GET, OPTIONS always.
fn allow(routes: &[Route]) -> String {
    let mut methods: Vec<&str> = routes.iter().map(|route| route.method.as_ref()).collect();
    if methods.contains(&"GET") {
        methods.push("HEAD");
    }
    methods.push("OPTIONS");
    methods.sort_unstable();
    methods.join(", ")
}
