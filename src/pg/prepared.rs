//! A statement as one connection has prepared it, and how its rows become JSON.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use bytes::BytesMut;
use tokio_postgres::types::{Format, IsNull, ToSql, Type};
use tokio_postgres::{Client, Row};

use super::values::{Encoder, Raw};
use crate::json;

/// A statement to prepare on every connection of a pool.
#[derive(Clone, Debug)]
pub struct Query {
    /// The endpoint's name, for whoever reads what is measured.
    pub name: String,
    /// With `$1`, `$2`, … for parameters.
    pub sql: String,
    /// One per parameter; [`Type::UNKNOWN`] leaves the type to PostgreSQL.
    pub parameters: Vec<Type>,
}

/// A query to run, for a request.
#[derive(Clone, Debug)]
pub struct Call {
    /// Its number in the pool.
    pub query: usize,
    /// One per parameter of the statement.
    pub parameters: Arc<[Parameter]>,
    /// What the request is called in logs, here and at PostgreSQL's end.
    pub request_id: Arc<str>,
}

/// A [`Query`] on one connection.
pub struct Prepared {
    pub(super) statement: tokio_postgres::Statement,
    columns: Vec<Column>,
}

/// One column of a result.
pub struct Column {
    name: String,
    /// The name as a JSON string and the colon after it.
    key: Vec<u8>,
    encoder: Encoder,
}

/// Why a statement cannot be served from a connection.
#[derive(Debug)]
pub enum PrepareError {
    /// PostgreSQL refuses it, or the connection failed.
    Postgres(tokio_postgres::Error),
    /// A column's type has no JSON form here; the text says what helps.
    Column(String),
}

impl Prepared {
    /// Has PostgreSQL parse `query`, and finds an encoder for each of its columns.
    ///
    /// # Errors
    /// See [`PrepareError`].
    pub async fn prepare(client: &Client, query: &Query) -> Result<Prepared, PrepareError> {
        let statement = (client.prepare_typed(&query.sql, &query.parameters).await)
            .map_err(PrepareError::Postgres)?;
        let columns = (statement.columns().iter())
            .map(|column| {
                let encoder = Encoder::of(column.type_()).map_err(|unsupported| {
                    PrepareError::Column(format!("column {}: {unsupported}", column.name()))
                })?;
                let mut key = Vec::with_capacity(column.name().len() + 3);
                json::string(column.name(), &mut key);
                key.push(b':');
                let name = column.name().to_owned();
                Ok(Column { name, key, encoder })
            })
            .collect::<Result<_, _>>()?;
        Ok(Prepared { statement, columns })
    }

    /// The result's columns; none for a statement without a result.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The types PostgreSQL gave the parameters.
    pub fn parameters(&self) -> &[Type] {
        self.statement.params()
    }
}

impl Column {
    /// The column's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Appends `"name":` and the value.
    ///
    /// # Errors
    /// When the bytes do not have the type's shape: a server that is not PostgreSQL, or a bug of ours.
    pub fn write_member(&self, row: &Row, index: usize, out: &mut Vec<u8>) -> anyhow::Result<()> {
        out.extend_from_slice(&self.key);
        self.write_value(row, index, out)
    }

    /// Appends the value alone.
    ///
    /// # Errors
    /// As [`Column::write_member`].
    pub fn write_value(&self, row: &Row, index: usize, out: &mut Vec<u8>) -> anyhow::Result<()> {
        let raw: Option<Raw<'_>> = row.try_get(index)?;
        self.encoder.write_nullable(raw.map(|raw| raw.0), out)?;
        Ok(())
    }
}

impl fmt::Display for PrepareError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PrepareError::Postgres(error) => match error.as_db_error() {
                Some(db) => f.write_str(db.message()),
                None => error.fmt(f),
            },
            PrepareError::Column(message) => f.write_str(message),
        }
    }
}

impl StdError for PrepareError {}

/// A parameter in PostgreSQL's text format: whatever the type's input function reads. `None` is NULL.
#[derive(Clone, PartialEq, Eq)]
pub struct Parameter(pub Option<Box<str>>);

/// Never shows the value: tokio-postgres logs parameters at debug level, and they are the client's own data.
impl fmt::Debug for Parameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "…" } else { "null" })
    }
}

impl ToSql for Parameter {
    fn to_sql(
        &self,
        _: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn StdError + Sync + Send>> {
        let Some(text) = &self.0 else {
            return Ok(IsNull::Yes);
        };
        out.extend_from_slice(text.as_bytes());
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn encode_format(&self, _: &Type) -> Format {
        Format::Text
    }

    fn to_sql_checked(
        &self,
        ty: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn StdError + Sync + Send>> {
        self.to_sql(ty, out)
    }
}
