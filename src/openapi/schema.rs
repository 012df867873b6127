//! PostgreSQL's types as JSON Schema (2020-12, as OpenAPI 3.1 has it).

use crate::json::tree::Node;
use crate::sql::parameter::{Check, Declaration};
use crate::sql::types::{DataType, Form, JsonKind};

/// Which way values go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    /// From the client.
    In,
    /// To the client.
    Out,
}

/// The schema of a type's values. What comes out of an array or a composite may be null inside: PostgreSQL does not say.
pub(super) fn schema(data_type: &DataType, direction: Direction) -> Node {
    let kind = |kind: &str| Node::object().with("type", kind);
    match &data_type.form {
        Form::Simple => simple(&data_type.name, direction),
        Form::Enum(labels) => kind("string").with("enum", Node::texts(labels.clone())),
        Form::Array(element) => {
            let items = schema(element, direction);
            let items = match direction {
                Direction::In => items,
                Direction::Out => nullable(items),
            };
            kind("array").with("items", items)
        }
        // Written in PostgreSQL's own form, `(a,b)`.
        Form::Composite(_) if direction == Direction::In => kind("string"),
        Form::Composite(fields) => {
            let properties = fields
                .iter()
                .map(|(name, data_type)| (name.clone(), nullable(schema(data_type, direction))));
            let names = fields.iter().map(|(name, _)| name.clone());
            kind("object")
                .with("properties", Node::Object(properties.collect()))
                .with("required", Node::texts(names))
        }
        Form::Domain(base) => schema(base, direction),
    }
}

/// What goes in has its range, so that a client learns of it before PostgreSQL refuses.
fn simple(name: &str, direction: Direction) -> Node {
    let kind = |kind: &str| Node::object().with("type", kind);
    let number = |format: &str, low: &str, high: &str| {
        let kind = match format.starts_with("int") {
            true => kind("integer"),
            false => kind("number"),
        };
        let kind = kind.with("format", format);
        match direction {
            Direction::Out => kind,
            Direction::In => kind
                .with("minimum", Node::Number(low.to_owned()))
                .with("maximum", Node::Number(high.to_owned())),
        }
    };
    let text = |format: &str| kind("string").with("format", format);
    match name {
        "bool" => kind("boolean"),
        "int2" => number("int16", "-32768", "32767"),
        "int4" => number("int32", "-2147483648", "2147483647"),
        "int8" => number("int64", "-9223372036854775808", "9223372036854775807"),
        "float4" => number("float", "-3.4028235e38", "3.4028235e38"),
        "float8" => kind("number").with("format", "double"),
        "numeric" => kind("number"),
        // Null is a value only where the file says so.
        "json" | "jsonb" => match direction {
            Direction::In => Node::object().with("not", kind("null")),
            Direction::Out => Node::object(),
        },
        "uuid" => text("uuid"),
        "date" => text("date"),
        // Those of RFC 3339 have an offset; these have none (OpenAPI's format registry).
        "time" => text("time-local"),
        "timestamp" => text("date-time-local"),
        "timestamptz" => text("date-time"),
        "bytea" => text("byte").with("contentEncoding", "base64"),
        "void" => kind("null"),
        "text" | "varchar" | "bpchar" | "name" | "citext" | "unknown" => kind("string"),
        // What others have no name for has PostgreSQL's: `inet`, `int4range`. An interval may be negative or have
        // fractions, which a `duration` has not (RFC 3339, appendix A).
        own => text(own),
    }
}

/// The same, or null.
pub(super) fn nullable(schema: Node) -> Node {
    let Node::Object(members) = schema else {
        return schema;
    };
    let members = members.into_iter().filter(|(name, _)| name != "not");
    let members = members.map(|(name, value)| {
        let value = match (name.as_str(), value) {
            ("type", Node::Text(kind)) if kind != "null" => Node::texts([kind.as_str(), "null"]),
            ("enum", Node::List(mut values)) => {
                values.push(Node::Null);
                Node::List(values)
            }
            (_, value) => value,
        };
        (name, value)
    });
    Node::Object(members.collect())
}

/// The schema of a parameter: its type, what the file asks of it, its default. `nulls`: whether it is in JSON, where an
/// element of a list may be null.
pub(super) fn parameter(declaration: &Declaration, data_type: &DataType, nulls: bool) -> Node {
    let whole = schema(data_type, Direction::In);
    let whole = match data_type.element() {
        // What is asked is asked of each element.
        Some(element) => {
            let items = checked(schema(element, Direction::In), declaration, element);
            let items = match nulls {
                true => nullable(items),
                false => items,
            };
            replaced(whole, "items", items)
        }
        None => checked(whole, declaration, data_type),
    };
    match &declaration.default {
        Some(Some(default)) => whole.with_some("default", literal(default, data_type)),
        _ => whole,
    }
}

fn checked(mut schema: Node, declaration: &Declaration, data_type: &DataType) -> Node {
    for check in &declaration.checks {
        schema = match check {
            Check::Between(low, high) => {
                let bound = |schema, name, bound: &Option<String>| match bound {
                    Some(bound) => replaced(schema, name, Node::Number(number(bound))),
                    None => schema,
                };
                let schema = bound(schema, "minimum", low);
                bound(schema, "maximum", high)
            }
            Check::Matches(regex) if is_ecmascript(regex.as_str()) => {
                replaced(schema, "pattern", regex.as_str().into())
            }
            Check::Matches(_) => schema,
            Check::OneOf(values) => {
                let values = values.iter();
                let values = values.map(|value| literal(value, data_type).unwrap_or(Node::Null));
                replaced(schema, "enum", Node::List(values.collect()))
            }
            Check::MaxLength(length) => replaced(schema, "maxLength", (*length).into()),
        };
    }
    schema
}

/// With this member in place of one of its name.
fn replaced(schema: Node, name: &str, value: Node) -> Node {
    match schema {
        Node::Object(mut members) => {
            match members.iter_mut().find(|(have, _)| have == name) {
                Some((_, have)) => *have = value,
                None => members.push((name.to_owned(), value)),
            }
            Node::Object(members)
        }
        other => other,
    }
}

/// A value of a file as JSON; none for what has no plain form.
fn literal(text: &str, data_type: &DataType) -> Option<Node> {
    match data_type.json() {
        JsonKind::Number => is_number(text).then(|| Node::Number(number(text))),
        JsonKind::Boolean => match text.to_ascii_lowercase().as_str() {
            "true" | "t" | "yes" | "on" | "1" => Some(Node::Boolean(true)),
            "false" | "f" | "no" | "off" | "0" => Some(Node::Boolean(false)),
            _ => None,
        },
        JsonKind::String => Some(text.into()),
        JsonKind::Any => serde_json::from_str(text)
            .ok()
            .map(|value: serde_json::Value| (&value).into()),
        JsonKind::Array if text == "{}" => Some(Node::List(Vec::new())),
        JsonKind::Array | JsonKind::Object => None,
    }
}

fn is_number(text: &str) -> bool {
    text.parse::<f64>().is_ok_and(f64::is_finite)
}

/// A number as JSON writes it: `.5` and `+1` are none there.
fn number(text: &str) -> String {
    match serde_json::from_str::<serde_json::Number>(text) {
        Ok(_) => text.to_owned(),
        Err(_) => text
            .parse::<f64>()
            .map_or("0".to_owned(), |number| number.to_string()),
    }
}

/// Whether a regular expression means the same in JSON Schema, which has ECMAScript's: no flags, no classes in classes.
fn is_ecmascript(pattern: &str) -> bool {
    !["(?", "[[", "&&", "\\A", "\\z", "\\Z", "\\h", "\\H"]
        .iter()
        .any(|own| pattern.contains(own))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(node: &Node) -> String {
        let value: serde_json::Value = serde_json::from_slice(&node.pretty()).unwrap();
        value.to_string()
    }

    fn array(element: &str) -> DataType {
        DataType {
            name: format!("_{element}"),
            form: Form::Array(Box::new(DataType::simple(element))),
        }
    }

    #[test]
    fn checks_become_keywords() {
        for (declaration, data_type, expected) in [
            (
                "x int default 20 check 1..100",
                DataType::simple("int4"),
                r#"{"default":20,"format":"int32","maximum":100,"minimum":1,"type":"integer"}"#,
            ),
            (
                "x numeric check .5..",
                DataType::simple("numeric"),
                r#"{"minimum":0.5,"type":"number"}"#,
            ),
            (
                "x text default 'b' check in ('a', 'b') max 3",
                DataType::simple("text"),
                r#"{"default":"b","enum":["a","b"],"maxLength":3,"type":"string"}"#,
            ),
            (
                "x int[] check in ('1', '2')",
                array("int4"),
                r#"{"items":{"enum":[1,2],"format":"int32","maximum":2147483647,"minimum":-2147483648,"type":"integer"},"type":"array"}"#,
            ),
            (
                "x text check ~ '^[a-z]+$' default null",
                DataType::simple("text"),
                r#"{"pattern":"^[a-z]+$","type":"string"}"#,
            ),
            (
                "x text check ~ '(?i)^[a-z]+$'",
                DataType::simple("text"),
                r#"{"type":"string"}"#,
            ),
            (
                "x bool default true",
                DataType::simple("bool"),
                r#"{"default":true,"type":"boolean"}"#,
            ),
        ] {
            let declaration = Declaration::parse(declaration).unwrap();
            assert_eq!(shown(&parameter(&declaration, &data_type, false)), expected);
        }
    }

    #[test]
    fn null_is_one_more_type_and_one_more_label() {
        let side = DataType {
            name: "side".into(),
            form: Form::Enum(vec!["buy".into(), "sell".into()]),
        };
        let schema = nullable(schema(&side, Direction::Out));
        assert_eq!(
            shown(&schema),
            r#"{"enum":["buy","sell",null],"type":["string","null"]}"#
        );
        assert!(nullable(Node::object()).is_empty());
        let texts = super::schema(&array("text"), Direction::Out);
        assert_eq!(
            shown(&texts),
            r#"{"items":{"type":["string","null"]},"type":"array"}"#
        );
    }
}
