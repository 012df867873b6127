//! What is read from a request's body.

use std::borrow::Cow;

use http_types::StatusCode;

use super::json::{self, JsonValue};
use super::{Binder, Bound, Found, Given, MOST_INVALID};
use crate::error::{Invalid, Problem};
use crate::http::Request;
use crate::router::pairs;
use crate::sql::parameter::Place;
use crate::sql::types::JsonKind;

/// Kinds of bodies that are read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Json,
    Form,
    Other,
}

const FORM: &str = "application/x-www-form-urlencoded";

fn kind(request: &Request) -> Kind {
    match request.header("content-type") {
        None => Kind::Json,
        Some(content_type) if json::is_json(content_type) => Kind::Json,
        Some(content_type) if json::essence(content_type) == FORM => Kind::Form,
        Some(_) => Kind::Other,
    }
}

/// The problem of a body that is not read here.
fn unsupported(request: &Request, wanted: &str) -> Problem {
    let content_type = request.header("content-type").unwrap_or_default();
    let detail = format!("{content_type} is not read here; send {wanted}");
    Problem::new(StatusCode::UnsupportedMediaType, detail)
}

impl Binder {
    /// The properties of a JSON object, or the pairs of a form.
    pub(super) fn read_object<'a>(
        &self,
        request: &'a Request,
        found: &mut Found<'a>,
    ) -> Result<(), Problem> {
        let bytes = request.body();
        match kind(request) {
            _ if bytes.is_empty() => Ok(()),
            Kind::Json => {
                self.take_properties(json::properties(text(bytes)?)?, found);
                Ok(())
            }
            Kind::Form => {
                for (key, value) in pairs(text(bytes)?) {
                    match (key, value) {
                        (Some(key), Some(value)) => self.take(&Place::Body, &key, value, found),
                        _ => found.blame(|| Invalid {
                            place: "body",
                            name: BODY_NAME.into(),
                            message: "is not UTF-8 when decoded".into(),
                        }),
                    }
                }
                Ok(())
            }
            Kind::Other => Err(unsupported(request, "application/json")),
        }
    }

    fn take_properties<'a>(
        &self,
        properties: Vec<(Cow<'a, str>, JsonValue<'a>)>,
        found: &mut Found<'a>,
    ) {
        for (name, value) in properties {
            let slot = self.slot(&Place::Body, &name);
            match slot.map(|slot| self.slots[slot].given(value)) {
                Some(Ok(given)) => self.note(&Place::Body, &name, slot, given, found),
                // Said by `note`.
                None => self.note(&Place::Body, &name, None, Given::Null, found),
                Some(Err(message)) => found.blame(|| Invalid {
                    place: "body",
                    name: name.into_owned(),
                    message,
                }),
            }
        }
    }

    /// The body as one parameter: JSON where that is its type, else as it is.
    pub(super) fn read_whole<'a>(
        &self,
        request: &'a Request,
        slot: usize,
        found: &mut Found<'a>,
    ) -> Result<(), Problem> {
        let bytes = request.body();
        let data_type = &self.slots[slot].data_type;
        let is_plain = matches!(data_type.json(), JsonKind::String | JsonKind::Object);
        // No bytes that are said to be something are an empty text or file; those that are no JSON are nothing.
        if bytes.is_empty() && (kind(request) == Kind::Json || !is_plain) {
            return Ok(());
        }
        let given = match kind(request) {
            _ if data_type.is("bytea") => Ok(hexadecimal(bytes)),
            _ if is_plain => Ok(Given::Text(text(bytes)?.into())),
            Kind::Json => self.slots[slot].given(json::value(text(bytes)?)?),
            _ => return Err(unsupported(request, "application/json")),
        };
        match given {
            Ok(given) => found.values[slot] = Some(given),
            Err(message) => found.invalid.push(self.slots[slot].invalid(message)),
        }
        Ok(())
    }

    /// A list of objects in the body, each with the statement's parameters; what is elsewhere is the same for all.
    pub(super) fn bind_list(&self, request: &Request, found: Found<'_>) -> Result<Bound, Problem> {
        if kind(request) != Kind::Json {
            return Err(unsupported(request, "application/json"));
        }
        let common = self
            .settle(found, |slot| slot.place != Place::Body)
            .map_err(Problem::invalid)?;
        let bytes = request.body();
        let objects = match bytes.is_empty() {
            true => return Err(Problem::new(StatusCode::BadRequest, json::NO_LIST)),
            false => json::objects(text(bytes)?)?,
        };
        let mut bound = Vec::with_capacity(objects.len());
        let mut invalid = Vec::new();
        for (index, properties) in objects.into_iter().enumerate() {
            let mut found = Found {
                values: vec![None; self.slots.len()],
                invalid: Vec::new(),
            };
            self.take_properties(properties, &mut found);
            match self.settle(found, |slot| slot.place == Place::Body) {
                Ok(own) => bound.push(
                    self.slots
                        .iter()
                        .zip(own.into_iter().zip(&common))
                        .map(|(slot, (own, common))| match slot.place {
                            Place::Body => own,
                            _ => common.clone(),
                        })
                        .collect(),
                ),
                Err(mut wrong) => {
                    let prefix = of_object(index);
                    wrong
                        .iter_mut()
                        .for_each(|one| one.name.insert_str(0, &prefix));
                    invalid.append(&mut wrong);
                }
            }
            if invalid.len() >= MOST_INVALID {
                invalid.truncate(MOST_INVALID);
                break;
            }
        }
        match invalid.is_empty() {
            true => Ok(Bound {
                statements: Vec::new(),
                objects: bound,
            }),
            false => Err(Problem::invalid(invalid)),
        }
    }
}

/// What stands before the name of what one object of a list has: `[2].`
pub(super) fn of_object(index: usize) -> String {
    format!("[{index}].")
}

/// What the body is called where it is to blame as a whole.
const BODY_NAME: &str = "body";

fn text(bytes: &[u8]) -> Result<&str, Problem> {
    std::str::from_utf8(bytes)
        .map_err(|_| Problem::new(StatusCode::BadRequest, "the body is not UTF-8"))
}

/// Bytes as PostgreSQL reads them for bytea.
fn hexadecimal<'a>(bytes: &[u8]) -> Given<'a> {
    let mut text = Vec::with_capacity(2 * bytes.len() + 2);
    text.extend_from_slice(b"\\x");
    crate::json::hex(bytes, &mut text);
    // Hexadecimal digits are UTF-8.
    Given::Text(String::from_utf8(text).unwrap_or_default().into())
}
