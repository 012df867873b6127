//! What can be wrong with a type, at preparation, and with a value, at run time.

use std::fmt;
use tokio_postgres::types::Type;

/// A type that values cannot be written as JSON of; found when a statement is prepared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsupported {
    type_name: String,
    /// The column's type, where `type_name` is only a part of it.
    inside: Option<String>,
    why: &'static str,
}

impl Unsupported {
    pub(super) fn new(ty: &Type, why: &'static str) -> Unsupported {
        Unsupported {
            type_name: ty.to_string(),
            inside: None,
            why,
        }
    }

    pub(super) fn inside(self, outer: &Type) -> Unsupported {
        let outer = outer.to_string();
        Unsupported {
            inside: (outer != self.type_name).then_some(outer),
            ..self
        }
    }

    /// The type that is not supported, with its schema unless that is `public` or PostgreSQL's own.
    pub fn type_name(&self) -> &str {
        &self.type_name
    }
}

impl fmt::Display for Unsupported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "type {}", self.type_name)?;
        if let Some(outer) = &self.inside {
            write!(f, " (inside {outer})")?;
        }
        write!(f, " {}: cast it, as in `column::text`", self.why)
    }
}

impl std::error::Error for Unsupported {}

/// A value whose bytes do not have the shape of its type, and what is wrong with them.
///
/// PostgreSQL does not send such bytes: the type was altered after the statement was prepared, or
/// something else than PostgreSQL answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed(pub(super) &'static str);

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "malformed binary value from PostgreSQL: {}", self.0)
    }
}

impl std::error::Error for Malformed {}
