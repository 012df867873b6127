//! JSON in request bodies: an object's properties, each with its own text, so that a number's digits reach PostgreSQL
//! as the client wrote them.

use std::borrow::Cow;

use http_types::StatusCode;
use serde_json::value::RawValue;

use crate::error::Problem;
use crate::json::object;
use crate::pg::Literal;
use crate::sql::types::JsonKind;

/// A JSON value by kind, with its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum JsonValue<'a> {
    Null,
    Boolean(&'a str),
    Number(&'a str),
    /// With quotes and escapes.
    String(&'a str),
    Array(&'a str),
    Object(&'a str),
}

impl<'a> JsonValue<'a> {
    fn of(text: &'a str) -> JsonValue<'a> {
        match text.as_bytes().first() {
            Some(b'n') => JsonValue::Null,
            Some(b't' | b'f') => JsonValue::Boolean(text),
            Some(b'"') => JsonValue::String(text),
            Some(b'[') => JsonValue::Array(text),
            Some(b'{') => JsonValue::Object(text),
            _ => JsonValue::Number(text),
        }
    }

    /// The value as it stands.
    pub(super) fn raw(self) -> &'a str {
        match self {
            JsonValue::Null => "null",
            JsonValue::Boolean(raw)
            | JsonValue::Number(raw)
            | JsonValue::String(raw)
            | JsonValue::Array(raw)
            | JsonValue::Object(raw) => raw,
        }
    }
}

/// A media type without its parameters.
pub(super) fn essence(content_type: &str) -> String {
    let essence = content_type.split(';').next().unwrap_or("");
    essence.trim().to_ascii_lowercase()
}

/// Whether a media type is JSON: `application/json` or `…+json`, whatever its parameters.
pub(super) fn is_json(content_type: &str) -> bool {
    let essence = essence(content_type);
    essence == "application/json"
        || (essence.starts_with("application/") && essence.ends_with("+json"))
}

/// An object's properties, in order.
pub(super) type Object<'a> = Vec<(Cow<'a, str>, JsonValue<'a>)>;

/// What is wrong with a body that should be a list and is not.
pub(super) const NO_LIST: &str =
    "the body must be a list of JSON objects, such as [{\"name\": \"value\"}]";

/// The properties of the object that a body is.
pub(super) fn properties(text: &str) -> Result<Object<'_>, Problem> {
    if !text.trim_start().starts_with('{') {
        return Err(bad(
            "the body must be a JSON object, such as {\"name\": \"value\"}",
        ));
    }
    object(text).map_err(invalid)
}

/// The objects of the list that a body is.
pub(super) fn objects(text: &str) -> Result<Vec<Object<'_>>, Problem> {
    if !text.trim_start().starts_with('[') {
        return Err(bad(NO_LIST));
    }
    let elements: Vec<&RawValue> = serde_json::from_str(text).map_err(invalid)?;
    let objects = elements.into_iter().enumerate();
    objects
        .map(|(index, element)| match JsonValue::of(element.get()) {
            JsonValue::Object(raw) => object(raw).map_err(invalid),
            _ => Err(bad(format!("element {index} of the list is no object"))),
        })
        .collect()
}

/// The value that a body is.
pub(super) fn value(text: &str) -> Result<JsonValue<'_>, Problem> {
    let raw: &RawValue = serde_json::from_str(text).map_err(invalid)?;
    Ok(JsonValue::of(raw.get()))
}

fn object(text: &str) -> Result<Object<'_>, serde_json::Error> {
    let members = object::Object::parse(text)?.into_members();
    Ok(members
        .map(|(name, raw)| (name, JsonValue::of(raw)))
        .collect())
}

fn bad(detail: impl Into<String>) -> Problem {
    Problem::new(StatusCode::BadRequest, detail)
}

fn invalid(error: serde_json::Error) -> Problem {
    bad(format!("the body is not valid JSON: {error}"))
}

/// The text of a JSON string.
pub(super) fn string(raw: &str) -> Result<Cow<'_, str>, String> {
    object::string(raw).ok_or_else(|| "is not a valid string".to_owned())
}

/// PostgreSQL's `MAXDIM`. It bounds the recursion: a body of brackets must not become a stack of its length.
const MAX_DIMENSIONS: usize = 6;

/// What each element of a list becomes, as text.
type Convert<'c> = &'c dyn for<'a> Fn(&'a str) -> Result<Cow<'a, str>, String>;

/// A JSON list as PostgreSQL's array literal: `[1, "a b", null, [2]]` → `{1,"a b",NULL,{2}}`. Its elements are of the kind
/// that values of their own would have to be.
pub(super) fn array(raw: &str, kind: JsonKind, convert: Convert<'_>) -> Result<String, String> {
    dimensions(raw, kind, convert, MAX_DIMENSIONS)
}

/// [`array`] with `left` dimensions at most.
fn dimensions(
    raw: &str,
    kind: JsonKind,
    convert: Convert<'_>,
    left: usize,
) -> Result<String, String> {
    let Some(left) = left.checked_sub(1) else {
        return Err(format!(
            "must be a list of at most {MAX_DIMENSIONS} dimensions"
        ));
    };
    let elements: Vec<&RawValue> =
        serde_json::from_str(raw).map_err(|error| format!("is not a valid list: {error}"))?;
    let mut literal = Literal::new();
    for element in elements {
        match (kind, JsonValue::of(element.get())) {
            (_, JsonValue::Null) => literal.push_raw("NULL"),
            (JsonKind::Any, value) => literal.push(&convert(value.raw())?),
            (_, JsonValue::Array(inner)) => {
                literal.push_raw(&dimensions(inner, kind, convert, left)?);
            }
            (_, JsonValue::String(inner)) => literal.push(&convert(&string(inner)?)?),
            (JsonKind::Number, JsonValue::Number(raw))
            | (JsonKind::Boolean, JsonValue::Boolean(raw)) => literal.push(&convert(raw)?),
            (JsonKind::Number, _) => return Err("must be a list of numbers".into()),
            (JsonKind::Boolean, _) => return Err("must be a list of true and false".into()),
            _ => return Err("must be a list of strings".into()),
        }
    }
    Ok(literal.end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn properties_keep_their_text() {
        let body =
            r#" {"a": 1.10, "\u0062": "x\ny", "c": null, "d": [1], "e": {"f":  2}, "g": true} "#;
        let expected = [
            ("a", JsonValue::Number("1.10")),
            ("b", JsonValue::String(r#""x\ny""#)),
            ("c", JsonValue::Null),
            ("d", JsonValue::Array("[1]")),
            ("e", JsonValue::Object("{\"f\":  2}")),
            ("g", JsonValue::Boolean("true")),
        ];
        let properties = properties(body).unwrap();
        let properties: Vec<_> = properties
            .iter()
            .map(|(name, value)| (name.as_ref(), *value))
            .collect();
        assert_eq!(properties, expected);
        assert_eq!(string(r#""x\ny\u00e9""#).unwrap(), "x\nyé");
    }

    #[test]
    fn what_is_no_object_is_refused() {
        for body in [
            "",
            "[]",
            "1",
            "{",
            "{\"a\":}",
            "{} x",
            "{\"a\":1,}",
            "{'a':1}",
            "\u{feff}{}",
            "{\"a\":\"\\ud800\"}x",
        ] {
            assert_eq!(
                properties(body).unwrap_err().status(),
                StatusCode::BadRequest,
                "{body}"
            );
        }
        for body in ["", "{}", "[1]", "[{}", "[{}] x", "[{},]", "[{\"a\":}]"] {
            assert!(objects(body).is_err(), "{body}");
        }
        assert_eq!(objects(" [ {\"a\": 1}, {} ] ").unwrap().len(), 2);
    }

    #[test]
    fn lists_become_array_literals() {
        use JsonKind::{Any, Boolean, Number, String};
        let plain: Convert<'_> = &|text| Ok(text.into());
        for (kind, json, literal) in [
            (Number, "[]", "{}"),
            (Number, "[1, -2.5e3, null]", r#"{"1","-2.5e3",NULL}"#),
            (
                String,
                r#"["a\"b", "c\\d", "NULL", "", "\u00e9,{}"]"#,
                r#"{"a\"b","c\\d","NULL","","é,{}"}"#,
            ),
            (Number, "[[1,2],[3,\"4\"]]", r#"{{"1","2"},{"3","4"}}"#),
            (Boolean, "[true, false]", r#"{"true","false"}"#),
            (
                Any,
                r#"[{"a": 1}, "b", [2]]"#,
                r#"{"{\"a\": 1}","\"b\"","[2]"}"#,
            ),
        ] {
            assert_eq!(array(json, kind, plain).unwrap(), literal, "{json}");
        }
        for (kind, json) in [
            (Number, "[{}]"),
            (Number, "[1, true]"),
            (Boolean, "[[0]]"),
            (String, "[1]"),
            (String, "[false]"),
        ] {
            assert!(array(json, kind, plain).is_err(), "{json}");
        }
        let no_b: Convert<'_> = &|text| match text {
            "b" => Err("b".to_owned()),
            text => Ok(text.into()),
        };
        assert!(array(r#"["a", ["b"]]"#, String, no_b).is_err());
    }

    #[test]
    fn json_media_types() {
        for yes in [
            "application/json",
            "Application/JSON; charset=utf-8",
            "application/merge-patch+json",
        ] {
            assert!(is_json(yes));
        }
        for no in [
            "text/json",
            "application/x-www-form-urlencoded",
            "text/plain",
            "",
        ] {
            assert!(!is_json(no));
        }
    }
}
