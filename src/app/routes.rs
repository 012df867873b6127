//! Which routes there are, and where they are answered.

use std::sync::Arc;

use http_types::{Method, StatusCode};

use crate::endpoint::{Endpoint, PathParameters, Route};
use crate::error::{Invalid, Problem};
use crate::http::{Request, Response};
use crate::router::{Match, Router, Template, percent_decode};

/// Where a request came in: which of the application's routes there are for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entrance {
    /// For clients.
    Public,
    /// For operators: the probes and the docs, and nothing of the API.
    Admin,
}

/// For whom a route is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Audience {
    /// Clients.
    Clients,
    /// Operators. Clients share it as long as there is no entrance for operators.
    Operators,
    /// Operators, where they share an entrance with clients.
    OperatorsHere,
    /// Operators, where they have an entrance of their own.
    OperatorsApart,
    /// Both, at any entrance.
    All,
}

/// A route and what it leads to.
pub(super) struct Entry {
    pub(super) route: Arc<Route>,
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
    entries: Vec<Arc<Entry>>,
    /// The value of `Allow`.
    allow: String,
}

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
    pub(super) fn insert(&mut self, template: &Template, entry: Entry) -> Result<(), Conflict> {
        let entry = Arc::new(entry);
        if !matches!(entry.audience, Audience::Clients | Audience::OperatorsHere) {
            insert(&mut self.admin, template, &entry)?;
        }
        if entry.audience != Audience::OperatorsApart {
            insert(&mut self.public, template, &entry)?;
            self.count += 1;
        }
        Ok(())
    }

    /// Every route; those for both entrances come twice.
    pub(super) fn all(&self) -> impl Iterator<Item = &Route> {
        let resources = self.public.iter().chain(self.admin.iter());
        let entries = resources.flat_map(|(_, resource)| &resource.entries);
        entries.map(|entry| &*entry.route)
    }

    /// Takes the routes for operators away from the clients' entrance.
    pub(super) fn split(&mut self) {
        let mut public = Router::new();
        for (template, resource) in self.public.iter() {
            for entry in &resource.entries {
                if matches!(entry.audience, Audience::Clients | Audience::All) {
                    add(public.entry(template, Resource::default).1, template, entry);
                }
            }
        }
        self.public = public;
    }

    /// Where a request leads to.
    pub(super) fn find(&self, entrance: Entrance, request: &Request) -> Routed<'_> {
        let method = request.method();
        if method == Method::Options && request.path() == "*" {
            return Routed::nowhere(Ok(Response::new(StatusCode::NoContent)));
        }
        let router = match entrance {
            Entrance::Public => &self.public,
            Entrance::Admin => &self.admin,
        };
        let Some(found) = router.find(request.path()) else {
            let detail = format!("there is nothing at {}", request.path());
            return Routed::nowhere(Err(Problem::new(StatusCode::NotFound, detail).into()));
        };
        let wanted = match method {
            Method::Head => Method::Get,
            method => method,
        };
        let mut entries = found.value.entries.iter();
        match entries.find(|entry| entry.route.method == wanted) {
            Some(entry) => Routed {
                route: Some(&entry.route),
                outcome: match path_parameters(&found) {
                    Ok(path) => Ok((entry, path)),
                    Err(problem) => Err(Box::new(Err(problem.into()))),
                },
            },
            None => Routed::nowhere(not_allowed(method, &found.value.allow)),
        }
    }
}

/// Where a request leads to.
pub struct Routed<'a> {
    route: Option<&'a Arc<Route>>,
    /// What answers it and its path's parameters, or the answer where no endpoint is asked.
    pub(super) outcome: Result<(&'a Entry, PathParameters), Box<anyhow::Result<Response>>>,
}

impl<'a> Routed<'a> {
    fn nowhere(answer: anyhow::Result<Response>) -> Routed<'a> {
        Routed {
            route: None,
            outcome: Err(Box::new(answer)),
        }
    }

    /// The route, if there is one.
    pub fn route(&self) -> Option<&'a Arc<Route>> {
        self.route
    }
}

fn insert(
    router: &mut Router<Resource>,
    template: &Template,
    entry: &Arc<Entry>,
) -> Result<(), Conflict> {
    let (first, resource) = router.entry(template, Resource::default);
    if first.as_str() != template.as_str() {
        return Err(Conflict(format!(
            "{}: {} is the same path as {} with other names",
            entry.place,
            template.as_str(),
            first.as_str()
        )));
    }
    let mut entries = resource.entries.iter();
    if let Some(taken) = entries.find(|taken| taken.route.method == entry.route.method) {
        // Whichever came first, it is the user's that can go elsewhere.
        let (wants, has) = match entry.audience {
            Audience::Clients => (entry, taken),
            _ => (taken, entry),
        };
        return Err(Conflict(format!(
            "{}: {} is answered by {} already",
            wants.place, wants.route, has.place
        )));
    }
    add(resource, template, entry);
    Ok(())
}

fn add(resource: &mut Resource, template: &Template, entry: &Arc<Entry>) {
    resource.parameters = template.parameters().map(str::to_owned).collect();
    resource.entries.push(entry.clone());
    resource.allow = allow(&resource.entries);
}

/// What `Allow` says: HEAD comes with GET, OPTIONS always.
fn allow(entries: &[Arc<Entry>]) -> String {
    let methods = entries.iter().map(|entry| entry.route.method.as_ref());
    let mut methods: Vec<&str> = methods.collect();
    if methods.contains(&"GET") {
        methods.push("HEAD");
    }
    methods.push("OPTIONS");
    methods.sort_unstable();
    methods.join(", ")
}

/// The answer for a method that a path does not know.
fn not_allowed(method: Method, allow: &str) -> anyhow::Result<Response> {
    if method == Method::Options {
        let response = Response::new(StatusCode::NoContent);
        return Ok(response.with_header("Allow", allow.to_owned()));
    }
    let detail = format!("{method} is not answered here, only {allow}");
    let problem = Problem::new(StatusCode::MethodNotAllowed, detail);
    Err(problem.with_header("Allow", allow.to_owned()).into())
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
