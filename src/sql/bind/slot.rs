//! One parameter: from what a client gave to what PostgreSQL gets.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::json::{self, JsonValue};
use super::number::integral;
use crate::error::Invalid;
use crate::json::object::string;
use crate::pg::{Literal, Parameter};
use crate::sql::parameter::{Declaration, Place};
use crate::sql::types::{DataType, JsonKind};

/// A parameter of an endpoint.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) declaration: Declaration,
    pub(super) place: Place,
    pub(super) data_type: DataType,
    json: JsonKind,
    kind: Kind,
}

/// What has another form in JSON than in PostgreSQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Integer,
    Bytes,
    Other,
}

/// A value that the client gave.
#[derive(Clone, Debug)]
pub(super) enum Given<'a> {
    /// JSON's null.
    Null,
    /// As text.
    Text(Cow<'a, str>),
    /// The elements of an array, as text.
    Elements(Vec<Cow<'a, str>>),
    /// A JSON list.
    List(&'a str),
}

impl Kind {
    fn of(data_type: &DataType) -> Kind {
        let is_integer = ["int2", "int4", "int8"]
            .iter()
            .any(|name| data_type.is(name));
        match data_type.is("bytea") {
            true => Kind::Bytes,
            false if is_integer => Kind::Integer,
            false => Kind::Other,
        }
    }
}

/// Base64, as answers have it, in PostgreSQL's own form; that one is taken as well.
fn bytes(text: &str) -> Result<Cow<'_, str>, String> {
    if text.starts_with("\\x") {
        return Ok(Cow::Borrowed(text));
    }
    let bytes = BASE64
        .decode(text)
        .map_err(|_| "is not base64".to_owned())?;
    let mut hex = b"\\x".to_vec();
    crate::json::hex(&bytes, &mut hex);
    // Hexadecimal digits are UTF-8.
    Ok(Cow::Owned(String::from_utf8(hex).unwrap_or_default()))
}

impl Slot {
    pub(super) fn new(declaration: Declaration, place: Place, data_type: DataType) -> Slot {
        Slot {
            declaration,
            place,
            json: data_type.json(),
            kind: Kind::of(data_type.element().unwrap_or(&data_type)),
            data_type,
        }
    }

    /// What a client calls it.
    pub(super) fn name(&self) -> &str {
        match &self.place {
            Place::Header(name) | Place::Claim(name) => name,
            _ => &self.declaration.name,
        }
    }

    pub(super) fn invalid(&self, message: String) -> Invalid {
        Invalid {
            place: self.place.name(),
            name: self.name().to_owned(),
            message,
        }
    }

    /// The value for PostgreSQL: given, or the default.
    pub(super) fn settle(&self, given: Option<Given<'_>>) -> Result<Parameter, String> {
        let text: Cow<'_, str> = match (given, &self.declaration.default) {
            (Some(Given::Text(text)), _) => self.converted(&text)?.into_owned().into(),
            (Some(Given::Elements(elements)), _) => {
                let mut literal = Literal::new();
                for element in &elements {
                    literal.push(&self.converted(element)?);
                }
                literal.end().into()
            }
            (Some(Given::List(raw)), _) => {
                let element = self.data_type.element();
                let kind = element.map_or(JsonKind::String, DataType::json);
                json::array(raw, kind, &|text| self.converted(text))?.into()
            }
            // null is a value only where the file says so.
            (Some(Given::Null), Some(None)) | (None, Some(None)) => return Ok(Parameter(None)),
            (Some(Given::Null), _) => return Err("must not be null".into()),
            (None, Some(Some(default))) => default.as_str().into(),
            (None, None) => return Err("is missing".into()),
        };
        Ok(Parameter(Some(text.into())))
    }

    /// A value, or each element of an array, as PostgreSQL gets it, if it is what the file asks for.
    fn converted<'a>(&self, text: &'a str) -> Result<Cow<'a, str>, String> {
        if text.contains('\0') {
            return Err("contains the character NUL, which PostgreSQL cannot store".into());
        }
        let text = match self.kind {
            Kind::Integer => integral(text),
            Kind::Bytes => bytes(text)?,
            Kind::Other => Cow::Borrowed(text),
        };
        match self.declaration.violation(&text) {
            Some(violation) => Err(violation),
            None => Ok(text),
        }
    }

    /// A claim's JSON as what the client gave. Issuers write `7` where others write `"7"`: as in a query, either will do.
    pub(super) fn claimed<'a>(&self, claim: &'a str) -> Given<'a> {
        match self.json {
            JsonKind::Any => Given::Text(claim.into()),
            JsonKind::Array if claim.starts_with('[') => Given::List(claim),
            _ => Given::Text(string(claim).unwrap_or(claim.into())),
        }
    }

    /// A JSON value as what the client gave.
    pub(super) fn given<'a>(&self, value: JsonValue<'a>) -> Result<Given<'a>, String> {
        let expected = match (self.json, value) {
            (_, JsonValue::Null) => return Ok(Given::Null),
            (JsonKind::Any, value) => return Ok(Given::Text(value.raw().into())),
            (_, JsonValue::String(raw)) => return Ok(Given::Text(json::string(raw)?)),
            (JsonKind::Number, JsonValue::Number(raw))
            | (JsonKind::Boolean, JsonValue::Boolean(raw)) => return Ok(Given::Text(raw.into())),
            (JsonKind::Array, JsonValue::Array(raw)) => return Ok(Given::List(raw)),
            (JsonKind::String | JsonKind::Object, _) => "a string",
            (JsonKind::Number, _) => "a number",
            (JsonKind::Boolean, _) => "true or false",
            (JsonKind::Array, _) => "a list",
        };
        Err(format!("must be {expected}"))
    }
}
