//! What an endpoint takes and what it gives, for whoever describes it to its users.

use super::answer::{ETAG, TOTAL, is_special};
use super::bind::{self, Body};
use super::compose::SqlRoute;
use super::described::DescribedColumn;
use super::file::{Auth, Operator};
use super::parameter::{Declaration, Place};
use super::types::DataType;

/// What an endpoint takes and what it gives.
#[derive(Debug)]
pub struct Interface<'a> {
    /// Its parameters, in the order of the statements.
    pub parameters: Vec<Taken>,
    /// What its body is.
    pub body: TakenBody,
    /// The columns that are in the answer's body.
    pub columns: Vec<&'a DescribedColumn>,
    /// What the answer's status may be, where a column says it; nothing where it says any.
    pub statuses: Option<&'a [u16]>,
    /// Whether a column says the status.
    pub has_status: bool,
    /// Whether the answer has `Location`.
    pub has_location: bool,
    /// Whether the answer has `ETag`.
    pub has_etag: bool,
    /// Whether the answer has `X-Total-Count`.
    pub has_total: bool,
    /// Whether the answer has `Link`.
    pub has_pages: bool,
    /// Whether `If-Match` and `If-None-Match` are heeded before something is written.
    pub guards: bool,
    /// What the client may have a list as, the usual one first; nothing where it has no choice.
    pub media_types: &'static [&'static str],
    /// Who may ask.
    pub auth: Option<&'a Auth>,
}

/// A parameter that an endpoint takes.
#[derive(Debug)]
pub struct Taken {
    /// What the file says of it, or nothing but its name.
    pub declaration: Declaration,
    /// Where it is read.
    pub place: Place,
    /// What it is.
    pub data_type: DataType,
}

/// What an endpoint's body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TakenBody {
    /// There is none.
    None,
    /// An object of the parameters in it.
    Object,
    /// A list of those.
    List,
    /// One parameter as a whole.
    Whole,
}

impl SqlRoute {
    /// What it takes and gives.
    pub fn interface(&self) -> Interface<'_> {
        let SqlRoute {
            definition,
            described,
            endpoint,
        } = self;
        let parameters = definition.used().into_iter().map(|(name, _)| Taken {
            declaration: bind::declaration(definition, name),
            place: bind::place(definition, name),
            data_type: bind::data_type(definition, described, name),
        });
        let columns = &described.last().columns;
        let has = |name: &str| columns.iter().any(|column| column.name == name);
        let directives = &definition.directives;
        let chosen = directives
            .returns
            .as_ref()
            .is_some_and(|said| said.what.media_type.is_some());
        Interface {
            parameters: parameters.collect(),
            body: match bind::body(definition) {
                Body::None => TakenBody::None,
                Body::Object => TakenBody::Object,
                Body::List => TakenBody::List,
                Body::Whole(_) => TakenBody::Whole,
            },
            columns: columns
                .iter()
                .filter(|column| !is_special(&column.name))
                .collect(),
            statuses: described.last().statuses.as_deref(),
            has_status: has("_status"),
            has_location: has("_location"),
            has_etag: has(ETAG),
            has_total: has(TOTAL),
            has_pages: directives.page.is_some(),
            guards: endpoint.guards(),
            media_types: match definition.operator {
                Operator::Rows if !chosen => &super::answer::OF_A_LIST,
                _ => &[],
            },
            auth: directives.auth.as_ref().map(|said| &said.what),
        }
    }
}
