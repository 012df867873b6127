//! JSON request bodies: an object's properties, each with its own text, so that a number's digits reach PostgreSQL
//! as the client wrote them.

use std::borrow::Cow;
use std::fmt;

use http_types::StatusCode;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::error::Problem;

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
    fn of(raw: &'a RawValue) -> JsonValue<'a> {
        let text = raw.get();
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

/// Whether a media type is JSON: `application/json` or `…+json`, whatever its parameters.
pub(super) fn is_json(content_type: &str) -> bool {
    let essence = content_type
        .split(';')
        .next()
        .unwrap_or("")
        .trim()
        .to_ascii_lowercase();
    essence == "application/json"
        || (essence.starts_with("application/") && essence.ends_with("+json"))
}

/// The properties of the object that a body is, in order.
pub(super) fn properties(body: &[u8]) -> Result<Vec<(Cow<'_, str>, JsonValue<'_>)>, Problem> {
    let bad = |message: String| Problem::new(StatusCode::BadRequest, message);
    let text = std::str::from_utf8(body).map_err(|_| bad("the body is not UTF-8".into()))?;
    if !text.trim_start().starts_with('{') {
        return Err(bad(
            "the body must be a JSON object, such as {\"name\": \"value\"}".into(),
        ));
    }
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let properties = deserializer
        .deserialize_map(Properties)
        .and_then(|properties| {
            deserializer.end()?;
            Ok(properties)
        });
    properties.map_err(|error| bad(format!("the body is not valid JSON: {error}")))
}

struct Properties;

impl<'de> Visitor<'de> for Properties {
    type Value = Vec<(Cow<'de, str>, JsonValue<'de>)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut properties = Vec::new();
        // Keys come raw as well: a borrowed `&str` would refuse escapes.
        while let Some((key, value)) = map.next_entry::<&RawValue, &RawValue>()? {
            let key = string(key.get()).map_err(serde::de::Error::custom)?;
            properties.push((key, JsonValue::of(value)));
        }
        Ok(properties)
    }
}

/// The text of a JSON string.
pub(super) fn string(raw: &str) -> Result<Cow<'_, str>, String> {
    match raw
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
    {
        Some(plain) if !plain.contains('\\') => Ok(Cow::Borrowed(plain)),
        _ => serde_json::from_str(raw)
            .map(Cow::Owned)
            .map_err(|_| "is not a valid string".to_owned()),
    }
}

/// PostgreSQL's `MAXDIM`. It bounds the recursion: a body of brackets must not become a stack of its length.
const MAX_DIMENSIONS: usize = 6;

/// A JSON list as PostgreSQL's array literal: `[1, "a b", null, [2]]` → `{1,"a b",NULL,{2}}`.
pub(super) fn array(raw: &str, of_json: bool) -> Result<String, String> {
    dimensions(raw, of_json, MAX_DIMENSIONS)
}

/// [`array`] with `left` dimensions at most.
fn dimensions(raw: &str, of_json: bool, left: usize) -> Result<String, String> {
    let Some(left) = left.checked_sub(1) else {
        return Err(format!(
            "must be a list of at most {MAX_DIMENSIONS} dimensions"
        ));
    };
    let elements: Vec<&RawValue> =
        serde_json::from_str(raw).map_err(|error| format!("is not a valid list: {error}"))?;
    let mut out = String::with_capacity(raw.len() + 2);
    out.push('{');
    for (index, element) in elements.into_iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        match JsonValue::of(element) {
            JsonValue::Null => out.push_str("NULL"),
            JsonValue::Array(inner) if !of_json => out.push_str(&dimensions(inner, of_json, left)?),
            JsonValue::Object(_) if !of_json => return Err("must be a list of plain values".into()),
            JsonValue::String(inner) if !of_json => quote(&string(inner)?, &mut out),
            plain => quote(plain.raw(), &mut out),
        }
    }
    out.push('}');
    Ok(out)
}

/// Quoted always: `NULL`, an empty string, commas and braces need it, and the rest may have it.
fn quote(text: &str, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        if matches!(character, '"' | '\\') {
            out.push('\\');
        }
        out.push(character);
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn properties_keep_their_text() {
        let body =
            br#" {"a": 1.10, "\u0062": "x\ny", "c": null, "d": [1], "e": {"f":  2}, "g": true} "#;
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
                properties(body.as_bytes()).unwrap_err().status(),
                StatusCode::BadRequest,
                "{body}"
            );
        }
        assert!(properties(b"{\"a\":\"\xff\"}").is_err());
    }

    #[test]
    fn lists_become_array_literals() {
        let expected = [
            ("[]", "{}"),
            ("[1, -2.5e3, null]", r#"{"1","-2.5e3",NULL}"#),
            (
                r#"["a\"b", "c\\d", "NULL", "", "\u00e9,{}"]"#,
                r#"{"a\"b","c\\d","NULL","","é,{}"}"#,
            ),
            ("[[1,2],[3,4]]", r#"{{"1","2"},{"3","4"}}"#),
        ];
        for (json, literal) in expected {
            assert_eq!(array(json, false).unwrap(), literal, "{json}");
        }
        assert_eq!(
            array(r#"[{"a": 1}, "b"]"#, true).unwrap(),
            r#"{"{\"a\": 1}","\"b\""}"#
        );
        assert!(array("[{}]", false).is_err());
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
