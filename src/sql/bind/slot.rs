//! One parameter: from what a client gave to what PostgreSQL gets.

use std::borrow::Cow;

use super::json::{self, JsonValue};
use crate::error::Invalid;
use crate::pg::Parameter;
use crate::sql::parameter::{Declaration, Place};
use crate::sql::types::{DataType, JsonKind};

/// A parameter of an endpoint.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) declaration: Declaration,
    pub(super) place: Place,
    pub(super) data_type: DataType,
    json: JsonKind,
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

impl Slot {
    pub(super) fn new(declaration: Declaration, place: Place, data_type: DataType) -> Slot {
        Slot {
            declaration,
            place,
            json: data_type.json(),
            data_type,
        }
    }

    pub(super) fn invalid(&self, message: String) -> Invalid {
        Invalid {
            place: self.place.name(),
            name: match &self.place {
                Place::Header(name) => name.clone(),
                _ => self.declaration.name.clone(),
            },
            message,
        }
    }

    /// The value for PostgreSQL: given, or the default.
    pub(super) fn settle(&self, given: Option<Given<'_>>) -> Result<Parameter, String> {
        let text = match (given, &self.declaration.default) {
            (Some(Given::Text(text)), _) => {
                self.check(&text)?;
                text
            }
            (Some(Given::Elements(elements)), _) => {
                let mut literal = json::Literal::new();
                for element in &elements {
                    self.check(element)?;
                    literal.push(element);
                }
                literal.end().into()
            }
            (Some(Given::List(raw)), _) => {
                let of_json = self
                    .data_type
                    .element()
                    .is_some_and(|element| element.json() == JsonKind::Any);
                json::array(raw, of_json, &|text| self.check(text))?.into()
            }
            // null is a value only where the file says so.
            (Some(Given::Null), Some(None)) | (None, Some(None)) => return Ok(Parameter(None)),
            (Some(Given::Null), _) => return Err("must not be null".into()),
            (None, Some(Some(default))) => default.as_str().into(),
            (None, None) => return Err("is missing".into()),
        };
        Ok(Parameter(Some(text.into())))
    }

    /// What the file asks of a value, or of each element of an array.
    fn check(&self, text: &str) -> Result<(), String> {
        if text.contains('\0') {
            return Err("contains the character NUL, which PostgreSQL cannot store".into());
        }
        self.declaration.violation(text).map_or(Ok(()), Err)
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
