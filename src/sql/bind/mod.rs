//! From a request to its statements' parameters: found where they belong, checked, as text for PostgreSQL.
//!
//! Everything that is wrong is collected first, so that a client learns of all its mistakes at once.

mod body;
mod json;
mod nearest;
mod number;
mod slot;

use std::borrow::Cow;
use std::sync::Arc;

use http_types::StatusCode;

use super::described::Described;
use super::file::{Definition, Operator};
use super::parameter::{Declaration, Place};
use super::types::{DataType, JsonKind};
use crate::endpoint::Context;
use crate::error::{Invalid, Problem};
use crate::http::Request;
use crate::pg::Parameter;
use crate::router::pairs;

use slot::{Given, Slot};

pub(super) use nearest::distance;
use nearest::nearest;

/// The parameter that is the whole body, where the body is no object of parameters.
pub(super) const BODY: &str = "body";

/// What is wrong with a request is listed up to so many things: a body of many bad ones must not be answered with a much
/// larger one.
const MOST_INVALID: usize = 100;

/// An endpoint's parameters: what its statements use, once each.
#[derive(Debug)]
pub(super) struct Binder {
    slots: Vec<Slot>,
    /// For each statement, the slots of its parameters in the order of their numbers.
    statements: Vec<Vec<usize>>,
    body: Body,
}

/// What a request's body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Body {
    /// Nothing: it is not looked at.
    None,
    /// An object of parameters.
    Object,
    /// A list of those.
    List,
    /// One parameter, in this slot.
    Whole(usize),
}

/// The parameters of one request.
pub(super) struct Bound {
    /// For each statement.
    pub(super) statements: Vec<Arc<[Parameter]>>,
    /// Of a list in the body, the last statement's parameters for each object; none where the body is no list.
    pub(super) objects: Vec<Arc<[Parameter]>>,
}

/// What has been found for the slots so far.
struct Found<'a> {
    values: Vec<Option<Given<'a>>>,
    invalid: Vec<Invalid>,
}

impl Found<'_> {
    /// Notes what is wrong, unless that is enough already.
    fn blame(&mut self, invalid: impl FnOnce() -> Invalid) {
        if self.invalid.len() < MOST_INVALID {
            self.invalid.push(invalid());
        }
    }
}

/// Where an endpoint's parameter is read.
pub(super) fn place(definition: &Definition, name: &str) -> Place {
    let declared = definition
        .declaration(name)
        .and_then(|declaration| declaration.place.clone());
    let in_path = || definition.template.parameters().any(|path| path == name);
    match declared {
        Some(place) => place,
        None if in_path() => Place::Path,
        // Beside a body that is one parameter others have no room in it.
        None if whole_body(definition) && name != BODY => Place::Query,
        None => Place::of(definition.method),
    }
}

/// What a definition says of a parameter, or nothing but its name.
pub(super) fn declaration(definition: &Definition, name: &str) -> Declaration {
    let declaration = definition.declaration(name).cloned();
    declaration.unwrap_or_else(|| Declaration {
        name: name.to_owned(),
        ..Declaration::default()
    })
}

/// What a request's body is.
pub(super) fn body(definition: &Definition) -> Body {
    let used = definition.used();
    let in_body = |name: &str| place(definition, name) == Place::Body;
    match used.iter().position(|(name, _)| *name == BODY) {
        Some(slot) if whole_body(definition) => Body::Whole(slot),
        _ if definition.operator == Operator::Bulk => Body::List,
        _ if used.iter().any(|(name, _)| in_body(name)) => Body::Object,
        // One that nothing is read from may be an empty object.
        _ if Place::of(definition.method) == Place::Body => Body::Object,
        _ => Body::None,
    }
}

/// Whether the body is one parameter.
pub(super) fn whole_body(definition: &Definition) -> bool {
    let declared = definition
        .declaration(BODY)
        .and_then(|declaration| declaration.place.as_ref());
    let is_read = declared.is_none_or(|place| *place == Place::Body);
    Place::of(definition.method) == Place::Body
        && definition.operator != Operator::Bulk
        && is_read
        && !definition.template.parameters().any(|path| path == BODY)
        && definition.used().iter().any(|(name, _)| *name == BODY)
}

impl Binder {
    /// For the parameters of a definition, with the types that the database gave them.
    pub(super) fn new(definition: &Definition, described: &Described) -> Binder {
        let used = definition.used();
        let slots: Vec<Slot> = used
            .iter()
            .map(|(name, _)| {
                let data_type = data_type(definition, described, name);
                let declaration = declaration(definition, name);
                Slot::new(declaration, place(definition, name), data_type)
            })
            .collect();
        let number = |name: &str| used.iter().position(|(used, _)| *used == name);
        let statements = definition.statements.iter();
        let statements = statements
            .map(|statement| {
                let names = statement.parameters.iter();
                names.filter_map(|(name, _)| number(name)).collect()
            })
            .collect();
        Binder {
            slots,
            statements,
            body: body(definition),
        }
    }

    /// The parameters' values for one request.
    ///
    /// # Errors
    /// 400 with everything that is wrong; 415 for a body of another kind; 403 for a token without a claim.
    pub(super) fn bind(&self, context: &Context) -> Result<Bound, Problem> {
        let request = &context.request;
        let mut found = Found {
            values: vec![None; self.slots.len()],
            invalid: Vec::new(),
        };
        for (slot, value) in self.slots.iter().zip(&mut found.values) {
            match &slot.place {
                Place::Path => {
                    let given = context.path.get(&slot.declaration.name);
                    *value = given.map(|text| Given::Text(Cow::Borrowed(text)));
                }
                Place::Header(name) => match field(request, name) {
                    Ok(given) => *value = given.map(Given::Text),
                    Err(message) => found.invalid.push(slot.invalid(message)),
                },
                Place::Claim(path) => {
                    let claims = context.claims.as_ref();
                    let claim = claims.and_then(|claims| claims.value(path));
                    *value = claim.map(|claim| slot.claimed(claim));
                    if value.is_none() && slot.declaration.default.is_none() {
                        // No other request would do, only another token.
                        let detail = format!("the token has no claim {path}");
                        return Err(Problem::new(StatusCode::Forbidden, detail));
                    }
                }
                Place::Query | Place::Body => {}
            }
        }
        self.read_query(request, &mut found);
        match self.body {
            Body::None => {}
            Body::Object => self.read_object(request, &mut found)?,
            Body::Whole(slot) => self.read_whole(request, slot, &mut found)?,
            Body::List => return self.bind_list(request, found),
        }
        let values = self.settle(found, |_| true).map_err(Problem::invalid)?;
        Ok(Bound {
            statements: self.deal(values),
            objects: Vec::new(),
        })
    }

    /// What each statement gets.
    fn deal(&self, values: Vec<Parameter>) -> Vec<Arc<[Parameter]>> {
        match self.statements.as_slice() {
            // Its parameters are all there are, in their order.
            [_] => vec![values.into()],
            several => several
                .iter()
                .map(|slots| slots.iter().map(|slot| values[*slot].clone()).collect())
                .collect(),
        }
    }

    /// The values of those slots that are `wanted`, given or by default; of the others, nothing.
    ///
    /// # Errors
    /// All that is wrong.
    fn settle(
        &self,
        found: Found<'_>,
        wanted: impl Fn(&Slot) -> bool,
    ) -> Result<Vec<Parameter>, Vec<Invalid>> {
        let Found {
            values,
            mut invalid,
        } = found;
        let mut parameters = Vec::with_capacity(values.len());
        for (slot, value) in self.slots.iter().zip(values) {
            let settled = match wanted(slot) {
                true => slot.settle(value),
                false => Ok(Parameter(None)),
            };
            parameters.push(settled.unwrap_or_else(|message| {
                // What is unknown, misplaced or unreadable has been said already.
                if !invalid.iter().any(|one| one.name == slot.name()) {
                    invalid.push(slot.invalid(message));
                }
                Parameter(None)
            }));
        }
        match invalid.is_empty() {
            true => Ok(parameters),
            false => Err(invalid),
        }
    }

    fn read_query<'a>(&self, request: &'a Request, found: &mut Found<'a>) {
        for (key, value) in pairs(request.query().unwrap_or("")) {
            match (key, value) {
                (Some(key), Some(value)) => self.take(&Place::Query, &key, value, found),
                _ => found.blame(|| Invalid {
                    place: "query",
                    name: "query".into(),
                    message: "is not UTF-8 when decoded".into(),
                }),
            }
        }
    }

    /// Notes a value that the client gave as text, in the query or in a form. An array has one for each time.
    fn take<'a>(&self, place: &Place, name: &str, value: Cow<'a, str>, found: &mut Found<'a>) {
        match self.slot(place, name) {
            Some(slot) if self.slots[slot].data_type.json() == JsonKind::Array => {
                match &mut found.values[slot] {
                    Some(Given::Elements(elements)) => elements.push(value),
                    empty => *empty = Some(Given::Elements(vec![value])),
                }
            }
            slot => self.note(place, name, slot, Given::Text(value), found),
        }
    }

    /// Notes a value for `slot`, if it is the first.
    fn note<'a>(
        &self,
        place: &Place,
        name: &str,
        slot: Option<usize>,
        value: Given<'a>,
        found: &mut Found<'a>,
    ) {
        if let Some(empty @ None) = slot.map(|slot| &mut found.values[slot]) {
            *empty = Some(value);
            return;
        }
        found.blame(|| Invalid {
            place: place.name(),
            name: name.into(),
            message: match slot {
                Some(_) => "is given twice".to_owned(),
                None => self.unknown(place, name),
            },
        });
    }

    fn slot(&self, place: &Place, name: &str) -> Option<usize> {
        self.slots
            .iter()
            .position(|slot| slot.place == *place && slot.declaration.name == name)
    }

    /// A mistyped optional filter must not return everything.
    fn unknown(&self, place: &Place, name: &str) -> String {
        let in_body = matches!(self.body, Body::Object | Body::List);
        if *place == Place::Query && in_body && self.slot(&Place::Body, name).is_some() {
            return "is not read here; parameters are properties of the JSON body".to_owned();
        }
        let known = || self.slots.iter().filter(|slot| slot.place == *place);
        match nearest(name, known().map(|slot| slot.declaration.name.as_str())) {
            Some(nearest) => format!("is not known; did you mean {nearest}?"),
            None if known().next().is_some() => "is not known".to_owned(),
            None => "is not known; there are no parameters here".to_owned(),
        }
    }

    /// What a parameter of the last statement is.
    pub(super) fn text<'b>(&self, bound: &'b Bound, name: &str) -> Option<&'b str> {
        let slots = self.statements.last()?.iter();
        let mut slots = slots.map(|slot| &self.slots[*slot].declaration.name);
        let number = slots.position(|slot| slot == name)?;
        bound.statements.last()?.get(number)?.0.as_deref()
    }

    /// The parameter that PostgreSQL's error is about, by its number in one of the statements; of one of the objects, if
    /// there is a list of them.
    pub(super) fn blame(
        &self,
        statement: usize,
        number: usize,
        object: Option<usize>,
        message: String,
    ) -> Option<Invalid> {
        let numbers = self.statements.get(statement)?;
        let slot = &self.slots[*numbers.get(number.checked_sub(1)?)?];
        let mut invalid = slot.invalid(message);
        if let (Some(index), Place::Body) = (object, &slot.place) {
            invalid.name.insert_str(0, &body::of_object(index));
        }
        Some(invalid)
    }
}

/// What the database says that a parameter is, in the first of the statements that use it.
pub(super) fn data_type(definition: &Definition, described: &Described, name: &str) -> DataType {
    let statements = definition.statements.iter().zip(&described.statements);
    let mut types = statements.filter_map(|(statement, described)| {
        let number = statement
            .parameters
            .iter()
            .position(|(used, _)| used == name)?;
        Some(described.parameters.get(number)?.data_type.clone())
    });
    types.next().unwrap_or_else(|| DataType::simple("text"))
}

/// A field of the request's head; several lines of it are one list (RFC 9110 §5.3).
fn field<'a>(request: &'a Request, name: &str) -> Result<Option<Cow<'a, str>>, String> {
    let head = request.head();
    let mut lines = head.header_lines(name);
    let utf8 = |line: &'a [u8]| std::str::from_utf8(line).map_err(|_| "is not UTF-8".to_owned());
    let Some(first) = lines.next() else {
        return Ok(None);
    };
    let mut all = Cow::Borrowed(utf8(first)?);
    for line in lines {
        let all = all.to_mut();
        all.push_str(", ");
        all.push_str(utf8(line)?);
    }
    Ok(Some(all))
}
