//! Which routes there are, and where they are answered.

use std::sync::Arc;

use http_types::{Method, StatusCode};

use crate::endpoint::{Endpoint, PathParameters};
use crate::error::{Invalid, Problem};
use crate::http::{Request, Response};
use crate::router::{Match, Router, Template, percent_decode};

/// Where a request came in: which of the application's routes there are for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entrance {
    /// For clients.
    Public,
    /// For operators: the probes, and nothing of the API.
    Admin,
}

/// For whom a route is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Audience {
    /// Clients.
    Clients,
    /// Operators. Clients share it as long as there is no entrance for operators.
    Operators,
    /// Both, at any entrance.
    All,
}

/// One method of a path.
pub(super) struct Route {
    pub(super) method: Method,
    /// Where it was declared, for whoever conflicts with it.
    pub(super) place: String,
    pub(super) audience: Audience,
    pub(super) endpoint: Box<dyn Endpoint>,
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

/// The routes of an application, by entrance.
pub(super) struct Routes {
    /// All routes; once [split](Routes::split), those for operators are gone from it.
    public: Router<Resource>,
    admin: Router<Resource>,
    count: usize,
}

/// What one path answers.
#[derive(Default)]
struct Resource {
    parameters: Arc<[String]>,
    routes: Vec<Arc<Route>>,
    /// The value of `Allow`.
    allow: String,
}

/// What is answered where no endpoint is asked.
type Instead = Box<anyhow::Result<Response>>;

impl Routes {
    pub(super) fn new() -> Routes {
        Routes {
            public: Router::new(),
            admin: Router::new(),
            count: 0,
        }
    }

    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Adds a route. One that is for operators is taken for clients too, split or not: an API that works with one
    /// entrance works with two.
    pub(super) fn insert(&mut self, template: &Template, route: Route) -> Result<(), Conflict> {
        let route = Arc::new(route);
        if route.audience != Audience::Clients {
            insert(&mut self.admin, template, &route)?;
        }
        insert(&mut self.public, template, &route)?;
        self.count += 1;
        Ok(())
    }

    /// Takes the routes for operators away from the clients' entrance.
    pub(super) fn split(&mut self) {
        let mut public = Router::new();
        for (template, resource) in self.public.iter() {
            for route in &resource.routes {
                if route.audience != Audience::Operators {
                    add(public.entry(template, Resource::default).1, template, route);
                }
            }
        }
        self.public = public;
    }

    /// The route of a request and its path's parameters, or the answer that there is none.
    pub(super) fn find(
        &self,
        entrance: Entrance,
        request: &Request,
    ) -> Result<(&Route, PathParameters), Instead> {
        let problem = |problem: Problem| Box::new(Err(problem.into()));
        let method = request.method();
        if method == Method::Options && request.path() == "*" {
            return Err(Box::new(Ok(Response::new(StatusCode::NoContent))));
        }
        let router = match entrance {
            Entrance::Public => &self.public,
            Entrance::Admin => &self.admin,
        };
        let Some(found) = router.find(request.path()) else {
            let detail = format!("there is nothing at {}", request.path());
            return Err(problem(Problem::new(StatusCode::NotFound, detail)));
        };
        let wanted = match method {
            Method::Head => Method::Get,
            method => method,
        };
        let routes = &found.value.routes;
        let Some(route) = routes.iter().find(|route| route.method == wanted) else {
            return Err(not_allowed(method, &found.value.allow));
        };
        let parameters = path_parameters(&found).map_err(problem)?;
        Ok((route, parameters))
    }
}

fn insert(
    router: &mut Router<Resource>,
    template: &Template,
    route: &Arc<Route>,
) -> Result<(), Conflict> {
    let (first, resource) = router.entry(template, Resource::default);
    if first.as_str() != template.as_str() {
        return Err(Conflict(format!(
            "{}: {} is the same path as {} with other names",
            route.place,
            template.as_str(),
            first.as_str()
        )));
    }
    let mut routes = resource.routes.iter();
    if let Some(taken) = routes.find(|taken| taken.method == route.method) {
        return Err(Conflict(format!(
            "{}: {} {} is answered by {} already",
            route.place,
            route.method,
            template.as_str(),
            taken.place
        )));
    }
    add(resource, template, route);
    Ok(())
}

fn add(resource: &mut Resource, template: &Template, route: &Arc<Route>) {
    resource.parameters = template.parameters().map(str::to_owned).collect();
    resource.routes.push(route.clone());
    resource.allow = allow(&resource.routes);
}

/// What `Allow` says: HEAD comes with GET, OPTIONS always.
fn allow(routes: &[Arc<Route>]) -> String {
    let mut methods: Vec<&str> = routes.iter().map(|route| route.method.as_ref()).collect();
    if methods.contains(&"GET") {
        methods.push("HEAD");
    }
    methods.push("OPTIONS");
    methods.sort_unstable();
    methods.join(", ")
}

/// The answer for a method that a path does not know.
fn not_allowed(method: Method, allow: &str) -> Instead {
    if method == Method::Options {
        let response = Response::new(StatusCode::NoContent);
        return Box::new(Ok(response.with_header("Allow", allow.to_owned())));
    }
    let detail = format!("{method} is not answered here, only {allow}");
    let problem = Problem::new(StatusCode::MethodNotAllowed, detail);
    Box::new(Err(problem.with_header("Allow", allow.to_owned()).into()))
}

fn path_parameters(found: &Match<'_, '_, Resource>) -> Result<PathParameters, Problem> {
    let values = found
        .parameters()
        .map(|(name, raw)| match percent_decode(raw) {
            Some(value) => Ok(value.into_owned()),
            None => Err(Problem::invalid(vec![Invalid {
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
