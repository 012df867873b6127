//! Columns that leave the body: what they say of the answer goes into its head.

use anyhow::{anyhow, bail};
use http_types::StatusCode;
use tokio_postgres::Row;

use crate::http::{EntityTag, HeaderValue};

/// Columns of a single row that leave the body.
const OF_A_ROW: [&str; 3] = ["_status", "_location", ETAG];
/// The column that says how many rows there are on all pages of a list.
pub(in crate::sql) const TOTAL: &str = "_total";
/// The column that says which version of a thing this is.
pub(in crate::sql) const ETAG: &str = "_etag";

/// Whether a column of this name leaves the body.
pub(in crate::sql) fn is_special(column: &str) -> bool {
    column.starts_with('_') && (OF_A_ROW.contains(&column) || column == TOTAL)
}

/// Whether a column of this name says something that belongs to a single row.
pub(in crate::sql) fn is_of_a_row(column: &str) -> bool {
    OF_A_ROW.contains(&column)
}

/// What the special columns said.
#[derive(Debug, Default)]
pub(super) struct Special {
    pub(super) status: Option<StatusCode>,
    pub(super) location: Option<HeaderValue>,
    pub(super) etag: Option<EntityTag<'static>>,
    pub(super) total: Option<i64>,
}

impl Special {
    /// Takes the special column of this name.
    pub(super) fn take(&mut self, name: &str, row: &Row, index: usize) -> anyhow::Result<()> {
        match name {
            "_status" => {
                let code: Option<i32> = row
                    .try_get(index)
                    .map_err(|_| anyhow!("_status must be an int"))?;
                self.status = code.map(status).transpose()?;
            }
            "_location" => {
                let text: Option<String> = row
                    .try_get(index)
                    .map_err(|_| anyhow!("_location must be text"))?;
                self.location = text.map(location).transpose()?;
            }
            ETAG => {
                let text: Option<String> = row
                    .try_get(index)
                    .map_err(|_| anyhow!("{ETAG} must be text"))?;
                self.etag = text.as_deref().map(entity_tag).transpose()?;
            }
            _ => {
                self.total = row
                    .try_get(index)
                    .map_err(|_| anyhow!("{TOTAL} must be a bigint, as count(*) is"))?;
            }
        }
        Ok(())
    }
}

fn status(code: i32) -> anyhow::Result<StatusCode> {
    let status = u16::try_from(code)
        .ok()
        .and_then(|code| StatusCode::try_from(code).ok());
    match status {
        None => bail!("_status is not a status of HTTP"),
        Some(status) if status.is_informational() => bail!("_status cannot be 1xx"),
        Some(status) => Ok(status),
    }
}

fn location(text: String) -> anyhow::Result<HeaderValue> {
    HeaderValue::new(text).ok_or_else(|| anyhow!("_location has a control character"))
}

/// A tag in quotes as it is, and any other text in them.
pub(super) fn entity_tag(text: &str) -> anyhow::Result<EntityTag<'static>> {
    EntityTag::parse(text)
        .or_else(|| EntityTag::strong(text))
        .ok_or_else(|| anyhow!("{ETAG} has a character that an entity tag cannot have"))
}
