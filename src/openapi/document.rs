//! Operations as a document.

use std::collections::BTreeSet;

use http_types::Method;

use super::operation::Operation;
use super::problems::{self, Kind};
use crate::json::tree::Node;
use crate::router::Template;

/// The order of a path's methods.
const METHODS: [Method; 5] = [
    Method::Get,
    Method::Post,
    Method::Put,
    Method::Patch,
    Method::Delete,
];

/// The name of the only security scheme.
pub(super) const BEARER: &str = "bearer";

/// An operation and its route.
pub type Described<'a> = (Method, &'a Template, &'a Operation);

/// The document of these operations, in the order of their paths: the same operations give the same bytes.
pub fn document(title: &str, mut operations: Vec<Described<'_>>) -> Vec<u8> {
    let rank = |method: Method| METHODS.iter().position(|known| *known == method);
    operations.sort_unstable_by_key(|(method, template, _)| {
        (template.as_str().to_owned(), rank(*method))
    });
    let mut paths: Vec<(String, Node)> = Vec::new();
    let mut kinds: BTreeSet<Kind> = BTreeSet::new();
    for (method, template, operation) in &operations {
        kinds.extend(operation.problems());
        let node = operation.node(*method, template);
        let name = method.as_ref().to_ascii_lowercase();
        match paths.last_mut() {
            Some((path, item)) if path == template.as_str() => {
                let before = std::mem::replace(item, Node::Null);
                *item = before.with(&name, node);
            }
            _ => paths.push((
                template.as_str().to_owned(),
                Node::object().with(&name, node),
            )),
        }
    }
    let secured = operations
        .iter()
        .any(|(_, _, operation)| operation.is_secured());
    let schemes = secured.then(|| {
        let bearer = Node::object()
            .with("type", "http")
            .with("scheme", "bearer")
            .with("bearerFormat", "JWT");
        Node::object().with(BEARER, bearer)
    });
    let components = Node::object()
        .with(
            "schemas",
            Node::object().with("Problem", problems::schema()),
        )
        .with("responses", problems::responses(kinds))
        .with_some("securitySchemes", schemes);
    Node::object()
        .with("openapi", "3.1.0")
        .with(
            "info",
            Node::object().with("title", title).with("version", VERSION),
        )
        // Where the document is, so that a prefix that a proxy takes away is before the paths as well.
        .with("servers", vec![Node::object().with("url", ".")])
        .with("paths", Node::Object(paths))
        .with("components", components)
        .pretty()
}

/// Of the API: OpenAPI wants one, and the files have none.
const VERSION: &str = "1";
