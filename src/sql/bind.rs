//! From a request to a statement's parameters: found where they belong, checked, as text for PostgreSQL.
//!
//! Everything that is wrong is collected first, so that a client learns of all its mistakes at once.

use std::borrow::Cow;
use std::sync::Arc;

use http_types::{Method, StatusCode};
use tokio_postgres::types::{Kind, Type};

use super::body::{self, JsonValue};
use super::parameter::Declaration;
use crate::endpoint::Context;
use crate::error::{Invalid, Problem};
use crate::http::Request;
use crate::pg::Parameter;

/// Where a parameter's value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// A segment of the path.
    Path,
    /// A key of the query.
    Query,
    /// A property of the JSON object in the body.
    Body,
}

impl Place {
    /// As problems name it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Place::Path => "path",
            Place::Query => "query",
            Place::Body => "body",
        }
    }

    /// Where a parameter of a route is read that is not in its path.
    pub(super) fn of(method: Method) -> Place {
        match method {
            Method::Get | Method::Head | Method::Delete => Place::Query,
            _ => Place::Body,
        }
    }
}

/// How JSON values become text for a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// Strings only.
    Text,
    /// Numbers, or strings.
    Number,
    /// `true` and `false`, or strings.
    Boolean,
    /// Anything, as it stands.
    Json,
    /// Lists, or strings with PostgreSQL's own `{…}`.
    Array {
        /// Of json or jsonb: each element as it stands.
        of_json: bool,
    },
}

/// One parameter of a statement.
#[derive(Debug)]
struct Slot {
    declaration: Declaration,
    place: Place,
    form: Form,
}

/// A statement's parameters, in the order of their numbers.
#[derive(Debug)]
pub(super) struct Binder {
    slots: Vec<Slot>,
    /// Where all but path parameters are.
    place: Place,
}

/// What has been found for the slots so far.
struct Found<'a> {
    values: Vec<Option<Given<'a>>>,
    invalid: Vec<Invalid>,
}

/// A value the client gave; `None` is JSON's null.
type Given<'a> = Option<Cow<'a, str>>;

impl Binder {
    /// For parameters with the types PostgreSQL gave them; those in `path` are read there.
    pub(super) fn new(
        method: Method,
        path: &[&str],
        parameters: Vec<(Declaration, Type)>,
    ) -> Binder {
        let place = Place::of(method);
        let slots = parameters.into_iter().map(|(declaration, ty)| Slot {
            place: if path.contains(&declaration.name.as_str()) {
                Place::Path
            } else {
                place
            },
            form: form(&ty),
            declaration,
        });
        Binder {
            slots: slots.collect(),
            place,
        }
    }

    /// The parameters' values for one request.
    ///
    /// # Errors
    /// 400 with everything that is wrong; 415 for a body that is not JSON.
    pub(super) fn bind(&self, context: &Context) -> Result<Arc<[Parameter]>, Problem> {
        let mut found = Found {
            values: vec![None; self.slots.len()],
            invalid: Vec::new(),
        };
        for (slot, value) in self.slots.iter().zip(&mut found.values) {
            if slot.place == Place::Path {
                *value = context
                    .path
                    .get(&slot.declaration.name)
                    .map(|value| Some(Cow::Borrowed(value)));
            }
        }
        self.read_query(&context.request, &mut found);
        if self.place == Place::Body {
            self.read_body(&context.request, &mut found)?;
        }
        let Found {
            values,
            mut invalid,
        } = found;
        let parameters = self
            .slots
            .iter()
            .zip(values)
            .map(|(slot, value)| {
                slot.settle(value).unwrap_or_else(|message| {
                    // What is unknown or misplaced has been said already.
                    if !invalid.iter().any(|one| one.name == slot.declaration.name) {
                        invalid.push(slot.invalid(message));
                    }
                    Parameter(None)
                })
            })
            .collect();
        match invalid.is_empty() {
            true => Ok(parameters),
            false => Err(Problem::invalid(invalid)),
        }
    }

    fn read_query<'a>(&self, request: &'a Request, found: &mut Found<'a>) {
        for (key, value) in query_pairs(request.query().unwrap_or("")) {
            let (Some(key), Some(value)) = (key, value) else {
                found.invalid.push(Invalid {
                    place: "query",
                    name: "query".into(),
                    message: "is not UTF-8 when decoded".into(),
                });
                continue;
            };
            match self.place {
                Place::Query => self.take(&key, Some(value), found),
                _ => found.invalid.push(Invalid {
                    place: "query",
                    name: key.into_owned(),
                    message: "is not read here; parameters are properties of the JSON body".into(),
                }),
            }
        }
    }

    fn read_body<'a>(&self, request: &'a Request, found: &mut Found<'a>) -> Result<(), Problem> {
        let bytes = request.body();
        if bytes.is_empty() {
            return Ok(());
        }
        let content_type = request.header("content-type").unwrap_or("application/json");
        if !body::is_json(content_type) {
            let detail = format!("{content_type} is not read here; send application/json");
            return Err(Problem::new(StatusCode::UnsupportedMediaType, detail));
        }
        for (name, value) in body::properties(bytes)? {
            let slot = self
                .slots
                .iter()
                .find(|slot| slot.place == Place::Body && slot.declaration.name == name);
            match slot.map(|slot| slot.form.text(value)) {
                Some(Ok(text)) => self.take(&name, text, found),
                // Said by `take`.
                None => self.take(&name, None, found),
                Some(Err(message)) => {
                    found.invalid.push(Invalid {
                        place: "body",
                        name: name.into_owned(),
                        message,
                    });
                }
            }
        }
        Ok(())
    }

    /// Notes a value that the client gave in the query or the body.
    fn take<'a>(&self, name: &str, value: Given<'a>, found: &mut Found<'a>) {
        let slot = self
            .slots
            .iter()
            .position(|slot| slot.place == self.place && slot.declaration.name == name);
        let message = match slot.map(|slot| &mut found.values[slot]) {
            Some(empty @ None) => {
                *empty = Some(value);
                return;
            }
            Some(Some(_)) => "is given twice".to_owned(),
            None => self.unknown(name),
        };
        found.invalid.push(Invalid {
            place: self.place.name(),
            name: name.into(),
            message,
        });
    }

    /// A mistyped optional filter must not return everything.
    fn unknown(&self, name: &str) -> String {
        let known = self.slots.iter().filter(|slot| slot.place == self.place);
        let nearest = known.min_by_key(|slot| distance(&slot.declaration.name, name));
        match nearest {
            Some(slot) if distance(&slot.declaration.name, name) <= name.len().div_ceil(2) => {
                format!("is not known; did you mean {}?", slot.declaration.name)
            }
            Some(_) => "is not known".to_owned(),
            None => "is not known; there are no parameters here".to_owned(),
        }
    }

    /// The parameter that PostgreSQL's error is about.
    pub(super) fn blame(&self, number: usize, message: String) -> Option<Invalid> {
        Some(self.slots.get(number.checked_sub(1)?)?.invalid(message))
    }
}

impl Slot {
    fn invalid(&self, message: String) -> Invalid {
        Invalid {
            place: self.place.name(),
            name: self.declaration.name.clone(),
            message,
        }
    }

    /// The value for PostgreSQL: given, or the default.
    fn settle(&self, given: Option<Given<'_>>) -> Result<Parameter, String> {
        let value = match (given, &self.declaration.default) {
            (Some(Some(value)), _) => value,
            // null is a value only where the file says so.
            (Some(None), Some(None)) | (None, Some(None)) => return Ok(Parameter(None)),
            (Some(None), _) => return Err("must not be null".into()),
            (None, Some(Some(default))) => return Ok(Parameter(Some(default.as_str().into()))),
            (None, None) => return Err("is missing".into()),
        };
        if value.contains('\0') {
            return Err("contains the character NUL, which PostgreSQL cannot store".into());
        }
        match self.declaration.violation(&value) {
            Some(violation) => Err(violation),
            None => Ok(Parameter(Some(value.into()))),
        }
    }
}

impl Form {
    /// A JSON value as text for PostgreSQL; `None` is null.
    fn text<'a>(self, value: JsonValue<'a>) -> Result<Given<'a>, String> {
        let expected = match (self, value) {
            (_, JsonValue::Null) => return Ok(None),
            (Form::Json, value) => return Ok(Some(value.raw().into())),
            (_, JsonValue::String(raw)) => return Ok(Some(body::string(raw)?)),
            (Form::Number, JsonValue::Number(raw)) => return Ok(Some(raw.into())),
            (Form::Boolean, JsonValue::Boolean(raw)) => return Ok(Some(raw.into())),
            (Form::Array { of_json }, JsonValue::Array(raw)) => {
                return Ok(Some(body::array(raw, of_json)?.into()));
            }
            (Form::Text, _) => "a string",
            (Form::Number, _) => "a number",
            (Form::Boolean, _) => "true or false",
            (Form::Array { .. }, _) => "a list",
        };
        Err(format!("must be {expected}"))
    }
}

fn form(ty: &Type) -> Form {
    match ty.kind() {
        Kind::Domain(base) => return form(base),
        Kind::Array(element) => {
            return Form::Array {
                of_json: form(element) == Form::Json,
            };
        }
        _ => {}
    }
    match *ty {
        Type::JSON | Type::JSONB => Form::Json,
        Type::BOOL => Form::Boolean,
        Type::INT2
        | Type::INT4
        | Type::INT8
        | Type::FLOAT4
        | Type::FLOAT8
        | Type::NUMERIC
        | Type::OID => Form::Number,
        _ => Form::Text,
    }
}

/// The pairs of `a=1&b=2`, decoded (WHATWG URL, application/x-www-form-urlencoded); `None` for what is not UTF-8.
fn query_pairs(query: &str) -> impl Iterator<Item = (Option<Cow<'_, str>>, Option<Cow<'_, str>>)> {
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (form_decode(key), form_decode(value))
        })
}

fn form_decode(text: &str) -> Option<Cow<'_, str>> {
    match text.contains('+') {
        false => crate::router::percent_decode(text),
        true => crate::router::percent_decode(&text.replace('+', " "))
            .map(|text| Cow::Owned(text.into_owned())),
    }
}

/// How many letters to change, add or remove to make `b` of `a` (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.chars().enumerate() {
            let change = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = change.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[row.len() - 1]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn query_pairs_are_decoded() {
        let pairs: Vec<_> = query_pairs("a=1+2&b=%26%2B&&c&d=%ff").collect();
        let text = |text: &'static str| Some(Cow::Borrowed(text));
        assert_eq!(
            pairs,
            [
                (text("a"), text("1 2")),
                (text("b"), text("&+")),
                (text("c"), text("")),
                (text("d"), None)
            ]
        );
    }

    #[test]
    fn distance_counts_letters() {
        let expected = [
            ("", "abc", 3),
            ("limit", "limti", 2),
            ("side", "side", 0),
            ("kitten", "sitting", 3),
        ];
        for (a, b, want) in expected {
            assert_eq!(distance(a, b), want, "{a} {b}");
        }
    }
}
