//! The route of an endpoint: `-- http: GET /markets/{market_id}`, or a file's own name, `markets/{market_id}.get.sql`.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use http_types::Method;

use crate::router::Template;
use crate::sql::finding::{Finding, Source};

/// A method and a path, and where they stand.
#[derive(Clone)]
pub(super) struct Route {
    pub(super) method: Method,
    pub(super) template: Template,
    pub(super) at: usize,
}

/// `GET /markets/{market_id}`.
pub(super) fn parse_route(source: &Arc<Source>, range: Range<usize>) -> Result<Route, Finding> {
    let text = source.text[range.clone()].trim();
    let wrong = |message: String| {
        Finding::new(source, range.start, message)
            .with_hint("a route is a method and a path: GET /markets/{market_id}")
    };
    let (method, path) = text
        .split_once(char::is_whitespace)
        .ok_or_else(|| wrong(format!("{text:?} is not a route")))?;
    let method = match method {
        "GET" => Method::Get,
        "POST" => Method::Post,
        "PUT" => Method::Put,
        "PATCH" => Method::Patch,
        "DELETE" => Method::Delete,
        "HEAD" | "OPTIONS" => {
            return Err(wrong(format!(
                "{method} is answered for every route; declare GET, POST, …"
            )));
        }
        _ => {
            return Err(wrong(format!(
                "{method} is not one of GET, POST, PUT, PATCH, DELETE"
            )));
        }
    };
    let path = path.trim();
    let template = Template::parse(path).map_err(|error| wrong(format!("{path}: {error}")))?;
    Ok(Route {
        method,
        template,
        at: range.start,
    })
}

/// What a file's name says its route is: `books.get.sql` is GET /books, `books/{id}.put.sql` is PUT /books/{id}, and
/// `index.get.sql` is GET of the directory itself. `None` for a name that says nothing.
pub(super) fn of_file(source: &Arc<Source>) -> Option<Result<Route, Finding>> {
    let path = source.inside();
    let (stem, method) = path.file_stem()?.to_str()?.rsplit_once('.')?;
    let methods = [
        Method::Get,
        Method::Post,
        Method::Put,
        Method::Patch,
        Method::Delete,
    ];
    let method = methods
        .into_iter()
        .find(|known| known.as_ref().eq_ignore_ascii_case(method))?;
    let text = path_of(path.parent().unwrap_or(Path::new("")), stem);
    let route = Template::parse(&text).map(|template| Route {
        method,
        template,
        at: 0,
    });
    Some(route.map_err(|error| {
        Finding::new(
            source,
            0,
            format!("the name of this file says {method} {text}: {error}"),
        )
        .with_hint(
            "name the file otherwise, or give its endpoints names and routes: `-- name: get-market`, `-- http: GET /markets/{market_id}`",
        )
    }))
}

/// `books`, `{id}` → `/books/{id}`.
fn path_of(directory: &Path, stem: &str) -> String {
    let above = directory
        .components()
        .map(|part| part.as_os_str().to_string_lossy());
    let own = (stem != "index").then(|| stem.into());
    let parts: Vec<_> = above.chain(own).collect();
    format!("/{}", parts.join("/"))
}

/// What an endpoint is called that its file gives no name: `get-books-id`.
pub(super) fn name_of(route: &Route) -> String {
    let words = route
        .template
        .as_str()
        .split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let words = words.filter(|word| !word.is_empty()).map(str::to_owned);
    let method = route.method.as_ref().to_ascii_lowercase();
    std::iter::once(method)
        .chain(words)
        .collect::<Vec<_>>()
        .join("-")
}
