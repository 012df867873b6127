//! What a request says of the version that its client knows: `If-Match` and `If-None-Match` (RFC 9110 §13).

use http_types::StatusCode;

use super::special::{ETAG, entity_tag};
use crate::error::Problem;
use crate::http::{EntityTag, EntityTags, Malformed, Request};
use crate::pg::Condition;

/// The request's conditions.
#[derive(Debug)]
pub(in crate::sql) struct Conditions {
    is: Option<EntityTags<'static>>,
    is_not: Option<EntityTags<'static>>,
}

impl Conditions {
    /// Those of a request that reads. What is neither `*` nor a list of tags is none: who reads loses nothing by that.
    pub(in crate::sql) fn of_reading(request: &Request) -> Conditions {
        let tags = |name: &'static str| tags(request, name).unwrap_or_default();
        Conditions {
            is: tags("If-Match"),
            is_not: tags("If-None-Match"),
        }
    }

    /// Those of a request that writes.
    ///
    /// # Errors
    /// 412 for what is neither `*` nor a list of tags: whether it holds cannot be told.
    pub(in crate::sql) fn of_writing(request: &Request) -> Result<Conditions, Problem> {
        let tags = |name: &'static str| {
            let wrong =
                |error| Problem::new(StatusCode::PreconditionFailed, format!("{name} {error}"));
            tags(request, name).map_err(wrong)
        };
        Ok(Conditions {
            is: tags("If-Match")?,
            is_not: tags("If-None-Match")?,
        })
    }

    /// Whether there are none.
    pub(in crate::sql) fn is_empty(&self) -> bool {
        self.is.is_none() && self.is_not.is_none()
    }

    /// Whether a client that reads `current` has it already, which is 304.
    ///
    /// # Errors
    /// 412 where it asked for another version.
    pub(super) fn has_seen(&self, current: &EntityTag<'_>) -> Result<bool, Problem> {
        match &self.is {
            Some(tags) if !tags.matches_strongly(current) => Err(changed()),
            _ => Ok(self
                .is_not
                .as_ref()
                .is_some_and(|tags| tags.matches_weakly(current))),
        }
    }

    /// What must hold before something is written: of the current version, which a step's row says, or of there being
    /// none.
    pub(in crate::sql) fn guard(self, step: usize) -> Condition {
        let holds = move |current: Option<&str>| {
            let current = current
                .map(entity_tag)
                .transpose()
                .map_err(Problem::internal)?;
            let is = self.is.as_ref();
            let is_not = self.is_not.as_ref();
            let holds = match &current {
                Some(current) => {
                    is.is_none_or(|tags| tags.matches_strongly(current))
                        && is_not.is_none_or(|tags| !tags.matches_weakly(current))
                }
                None => is.is_none(),
            };
            holds.then_some(()).ok_or_else(changed)
        };
        Condition {
            step,
            column: ETAG,
            holds: Box::new(holds),
        }
    }
}

fn tags(request: &Request, name: &str) -> Result<Option<EntityTags<'static>>, Malformed> {
    let tags = EntityTags::parse(request.head().header_lines(name));
    tags.map(|tags| tags.map(EntityTags::into_owned))
}

fn changed() -> Problem {
    let detail = "the resource is not the version that the request asks for; read it again";
    Problem::new(StatusCode::PreconditionFailed, detail)
}

/// What a client is told that sets a condition where nothing says which version there is: to go on would be to ignore it.
pub(in crate::sql) fn unknown() -> Problem {
    let detail = "this endpoint knows no versions, so whether If-Match or If-None-Match holds cannot be told";
    Problem::new(StatusCode::PreconditionFailed, detail)
}
