//! An SQL endpoint as an operation: what it takes, and exactly what it can answer.

use http_types::Method;

use super::body;
use super::document::BEARER;
use super::operation::{ANY_SUCCESS, Operation};
use super::problems::Kind;
use super::schema;
use crate::json::tree::Node;
use crate::sql::SqlRoute;
use crate::sql::file::{Auth, Definition, Operator};
use crate::sql::interface::{Interface, Taken, TakenBody};
use crate::sql::parameter::Place;
use crate::sql::types::{DataType, Form, JsonKind};

/// `secured`: whether a key says who may ask.
pub(super) fn operation(route: &SqlRoute, secured: bool) -> Operation {
    let definition = &route.definition;
    let interface = route.interface();
    let directives = &definition.directives;
    let mut operation = Operation::new(definition.name.as_str())
        .summary(definition.summary.as_str())
        .description(text(definition));
    for tag in directives.tags.iter().flat_map(|said| &said.what) {
        operation = operation.tag(tag.as_str());
    }
    if directives.deprecated.is_some() {
        operation = operation.deprecated();
    }
    for taken in &interface.parameters {
        if let Some(parameter) = parameter(taken) {
            operation = operation.with_parameter(parameter);
        }
    }
    if interface.guards || interface.has_etag && definition.method == Method::Get {
        for condition in ["If-Match", "If-None-Match"] {
            operation = operation.with_parameter(entity_tags(condition));
        }
    }
    let answers_secured = secured && interface.auth != Some(&Auth::Public);
    let operation = operation
        .with_body(body::request(&interface))
        .with_problems(problems(definition, &interface, answers_secured))
        .with_security(secured.then(|| security(interface.auth)));
    answers(definition, &interface)
        .into_iter()
        .fold(operation, |operation, (status, answer)| {
            operation.with_answer(status, answer)
        })
}

/// The description, and why it is deprecated if the file says.
fn text(definition: &Definition) -> String {
    let deprecated = definition.directives.deprecated.as_ref();
    let why = deprecated.map_or("", |said| said.what.as_str());
    match (definition.description.as_str(), why) {
        (text, "") => text.to_owned(),
        ("", why) => format!("Deprecated: {why}"),
        (text, why) => format!("{text}\n\nDeprecated: {why}"),
    }
}

/// A parameter that is not in the body; none for what the token says.
fn parameter(taken: &Taken) -> Option<Node> {
    let declaration = &taken.declaration;
    let (name, place) = match &taken.place {
        Place::Path => (&declaration.name, "path"),
        Place::Query => (&declaration.name, "query"),
        Place::Header(name) => (name, "header"),
        Place::Body | Place::Claim(_) => return None,
    };
    let required = declaration.default.is_none();
    let node = Node::object()
        .with("name", name.as_str())
        .with("in", place)
        .with_text("description", &declaration.text)
        .with_some("required", required.then_some(true));
    let schema = schema::parameter(declaration, &taken.data_type, false);
    Some(match taken.data_type.json() {
        // A schema alone would be of the text as it stands.
        JsonKind::Any => {
            let media = Node::object().with("schema", schema);
            node.with("content", Node::object().with(body::JSON, media))
        }
        _ => node.with("schema", schema),
    })
}

fn entity_tags(name: &str) -> Node {
    let text = match name {
        "If-Match" => "Only if it is this version.",
        _ => "Only if it is not this version.",
    };
    Node::object()
        .with("name", name)
        .with("in", "header")
        .with("description", text)
        .with("schema", Node::object().with("type", "string"))
}

/// Who may ask: everybody, or whoever has a token with these scopes.
fn security(auth: Option<&Auth>) -> Node {
    match auth {
        Some(Auth::Public) => Node::List(Vec::new()),
        Some(Auth::Scopes(scopes)) => requirement(scopes),
        None => requirement(&[]),
    }
}

/// A token with these scopes.
pub(super) fn requirement(scopes: &[String]) -> Node {
    let scopes = Node::texts(scopes.iter().cloned());
    Node::List(vec![Node::object().with(BEARER, scopes)])
}

/// Answers of success.
fn answers(definition: &Definition, interface: &Interface<'_>) -> Vec<(u16, Node)> {
    let returns = definition
        .directives
        .returns
        .as_ref()
        .map(|said| &said.what);
    let media_type = returns.and_then(|returns| returns.media_type.as_deref());
    let creates = definition.method == Method::Post && definition.operator == Operator::Returning;
    let usual = match (
        returns.and_then(|returns| returns.status),
        definition.operator,
    ) {
        (Some(status), _) => status as u16,
        (None, Operator::Affected) => 204,
        (None, _) if creates => 201,
        (None, _) => 200,
    };
    let statuses = match (interface.has_status, interface.statuses) {
        (false, _) => vec![usual],
        (true, Some(statuses)) => statuses.to_vec(),
        (true, None) => vec![ANY_SUCCESS],
    };
    let content = body::answer(definition.operator, media_type, interface);
    let headers = body::headers(interface);
    let good = statuses.into_iter().map(|status| {
        let has_body = !matches!(status, 204 | 205 | 304);
        let answer = Node::object()
            .with("description", body::description(status))
            .with_some("headers", headers.clone())
            .with_some("content", content.clone().filter(|_| has_body));
        (status, answer)
    });
    let mut answers: Vec<(u16, Node)> = good.collect();
    if interface.has_etag && definition.method == Method::Get {
        let unchanged = "The client has this version already.";
        answers.push((304, Node::object().with("description", unchanged)));
    }
    answers
}

/// What can go wrong.
fn problems(definition: &Definition, interface: &Interface<'_>, secured: bool) -> Vec<Kind> {
    let writes = !definition.reads();
    let has_body = interface.body != TakenBody::None;
    let in_domain = interface
        .parameters
        .iter()
        .any(|taken| is_domain(&taken.data_type));
    let conditional = interface.guards || interface.has_etag && definition.method == Method::Get;
    let possible = [
        (Kind::BadRequest, true),
        (Kind::Unauthorized, secured),
        (Kind::Forbidden, secured),
        (Kind::NotFound, may_be_missing(definition)),
        (Kind::Conflict, writes),
        (Kind::PreconditionFailed, conditional),
        (Kind::ContentTooLarge, has_body),
        (Kind::UnsupportedMediaType, has_body),
        (Kind::UnprocessableContent, writes || in_domain),
        (Kind::InternalServerError, true),
        (Kind::ServiceUnavailable, true),
        (Kind::GatewayTimeout, true),
    ];
    let possible = possible.into_iter().filter(|(_, possible)| *possible);
    possible.map(|(kind, _)| kind).collect()
}

fn is_domain(data_type: &DataType) -> bool {
    match &data_type.form {
        Form::Domain(_) => true,
        Form::Array(element) => is_domain(element),
        _ => false,
    }
}

/// Whether there may be no row to answer with.
fn may_be_missing(definition: &Definition) -> bool {
    let names_a_thing = definition.template.parameters().next().is_some();
    match definition.operator {
        Operator::Rows | Operator::Bulk => false,
        Operator::Affected => names_a_thing,
        Operator::Row | Operator::Value => true,
        Operator::Returning => !definition.always_writes_a_row(),
    }
}
