//! Bodies: what an endpoint takes, and what it answers with.

use http_types::StatusCode;

use super::schema::{self, Direction};
use crate::json::tree::Node;
use crate::sql::file::Operator;
use crate::sql::interface::{Interface, Taken, TakenBody};
use crate::sql::parameter::Place;
use crate::sql::types::JsonKind;

pub(super) const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

/// What is read from a body, if anything is.
pub(super) fn request(interface: &Interface<'_>) -> Option<Node> {
    let taken: Vec<&Taken> = interface
        .parameters
        .iter()
        .filter(|taken| taken.place == Place::Body)
        .collect();
    let required = taken
        .iter()
        .any(|taken| taken.declaration.default.is_none());
    let media = |schema: Node| Node::object().with("schema", schema);
    let content = match interface.body {
        TakenBody::None => return None,
        TakenBody::Object if taken.is_empty() => return None,
        TakenBody::Object => {
            let content = Node::object().with(JSON, media(object(&taken, true)));
            // A form has texts, and lists of them.
            let in_form = |taken: &&Taken| {
                let whole = taken.data_type.json();
                let one = taken
                    .data_type
                    .element()
                    .map_or(whole, |element| element.json());
                !matches!(one, JsonKind::Any | JsonKind::Array | JsonKind::Object)
            };
            match taken.iter().all(in_form) {
                true => content.with(FORM, media(object(&taken, false))),
                false => content,
            }
        }
        TakenBody::List => {
            let list = Node::object()
                .with("type", "array")
                .with("items", object(&taken, true));
            Node::object().with(JSON, media(list))
        }
        TakenBody::Whole => {
            let taken = taken.first()?;
            let schema = schema::parameter(&taken.declaration, &taken.data_type, true);
            match taken.data_type.json() {
                JsonKind::String | JsonKind::Object if taken.data_type.is("bytea") => {
                    Node::object().with("application/octet-stream", Node::object())
                }
                JsonKind::String | JsonKind::Object => {
                    Node::object().with("text/plain", media(schema))
                }
                _ => Node::object().with(JSON, media(schema)),
            }
        }
    };
    let required = required || interface.body == TakenBody::List;
    Some(
        Node::object()
            .with("content", content)
            .with_some("required", required.then_some(true)),
    )
}

/// An object of parameters. In a form there are no nulls.
fn object(taken: &[&Taken], nulls: bool) -> Node {
    let properties = taken.iter().map(|taken| {
        let schema = schema::parameter(&taken.declaration, &taken.data_type, nulls);
        let schema = match nulls && taken.declaration.default == Some(None) {
            true => schema::nullable(schema),
            false => schema,
        };
        let schema = schema.with_text("description", &taken.declaration.text);
        (taken.declaration.name.clone(), schema)
    });
    let required = taken
        .iter()
        .filter(|taken| taken.declaration.default.is_none());
    let required: Vec<&str> = required
        .map(|taken| taken.declaration.name.as_str())
        .collect();
    Node::object()
        .with("type", "object")
        .with("properties", Node::Object(properties.collect()))
        .with_some(
            "required",
            (!required.is_empty()).then(|| Node::texts(required)),
        )
        .with("additionalProperties", false)
}

/// What a good answer has in its body, by media type; nothing if it has none.
pub(super) fn answer(
    operator: Operator,
    media_type: Option<&str>,
    interface: &Interface<'_>,
) -> Option<Node> {
    let media = |schema: Node| Node::object().with("schema", schema);
    let only = |schema: Node| Some(Node::object().with(media_type.unwrap_or(JSON), media(schema)));
    match operator {
        Operator::Affected => None,
        Operator::Bulk => {
            let affected = Node::object()
                .with("type", "integer")
                .with("minimum", 0_u32)
                .with("description", "How many rows were affected.");
            only(
                Node::object()
                    .with("type", "object")
                    .with("properties", Node::object().with("affected", affected))
                    .with("required", Node::texts(["affected"])),
            )
        }
        Operator::Rows => {
            let list = Node::object()
                .with("type", "array")
                .with("items", row(interface));
            let text = || media(Node::object().with("type", "string"));
            match (media_type, interface.media_types) {
                (None, [usual, others @ ..]) => {
                    let content = Node::object().with(usual, media(list));
                    let with = |content: Node, other: &&str| content.with(other, text());
                    Some(others.iter().fold(content, with))
                }
                (Some(text_type @ ("text/csv" | "application/x-ndjson")), _) => {
                    Some(Node::object().with(text_type, text()))
                }
                _ => only(list),
            }
        }
        Operator::Row | Operator::Returning => only(row(interface)),
        Operator::Value => {
            let column = interface.columns.first()?;
            match media_type {
                // Bytes: no schema says more.
                Some(other) if !is_json(other) && column.data_type.is("bytea") => {
                    Some(Node::object().with(other, Node::object()))
                }
                Some(other) if !is_json(other) => {
                    let text = Node::object().with("type", "string");
                    Some(Node::object().with(other, media(text)))
                }
                _ => only(value(interface)),
            }
        }
    }
}

fn is_json(media_type: &str) -> bool {
    media_type == JSON || media_type.ends_with("+json")
}

/// One row as an object: every column is there.
fn row(interface: &Interface<'_>) -> Node {
    let columns = interface.columns.iter();
    let properties = columns.clone().map(|column| {
        let schema = column_schema(column);
        (column.name.clone(), schema)
    });
    let names = columns.map(|column| column.name.as_str());
    Node::object()
        .with("type", "object")
        .with("properties", Node::Object(properties.collect()))
        .with("required", Node::texts(names))
}

fn value(interface: &Interface<'_>) -> Node {
    let columns = interface.columns.first();
    columns.map_or(Node::object(), |column| column_schema(column))
}

fn column_schema(column: &crate::sql::described::DescribedColumn) -> Node {
    let schema = schema::schema(&column.data_type, Direction::Out);
    let schema = schema.with_some("maxLength", column.max_length);
    let schema = match column.nullable {
        true => schema::nullable(schema),
        false => schema,
    };
    schema.with_text("description", column.comment.as_deref().unwrap_or_default())
}

/// Fields that a good answer has.
pub(super) fn headers(interface: &Interface<'_>) -> Option<Node> {
    let header = |text: &str, kind: &str| {
        Node::object()
            .with("description", text)
            .with("schema", Node::object().with("type", kind))
    };
    let fields = [
        (
            "Location",
            interface.has_location,
            header("Where it is.", "string"),
        ),
        (
            "ETag",
            interface.has_etag,
            header("Which version it is.", "string"),
        ),
        (
            "X-Total-Count",
            interface.has_total,
            header("How many there are on all pages.", "integer"),
        ),
        (
            "Link",
            interface.has_pages,
            header(
                "The next page, if this one is full (rel=\"next\").",
                "string",
            ),
        ),
    ];
    let fields = fields.into_iter().filter(|(_, has, _)| *has);
    let headers = Node::Object(
        fields
            .map(|(name, _, header)| (name.to_owned(), header))
            .collect(),
    );
    (!headers.is_empty()).then_some(headers)
}

/// What a status of success says.
pub(super) fn description(status: u16) -> String {
    match StatusCode::try_from(status) {
        Ok(status) => status.canonical_reason().to_owned(),
        Err(_) => "As the endpoint says.".to_owned(),
    }
}
