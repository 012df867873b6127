//! A statement as one connection has prepared it, and how its rows become JSON.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use tokio_postgres::types::{Kind, Type};
use tokio_postgres::{Client, Row, RowStream};

use super::parameter::Parameter;
use super::placement::Wanted;
use super::transaction::Transaction;
use super::values::{Encoder, Raw, csv};
use crate::json;

/// A statement to prepare on every connection of a pool.
#[derive(Clone, Debug)]
pub struct Query {
    /// The endpoint's name, for whoever reads what is measured.
    pub name: String,
    /// With `$1`, `$2`, … for parameters.
    pub sql: String,
    /// One per parameter.
    pub parameters: Vec<ParameterType>,
}

/// What a parameter is said to be when its statement is prepared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ParameterType {
    /// Nothing: PostgreSQL infers it.
    Inferred,
    /// A type that every PostgreSQL has.
    Known(Type),
    /// A type of this database, looked up on each connection.
    Named(String),
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
    /// What surrounds the query; alone it is committed by itself.
    pub transaction: Option<Arc<Transaction>>,
}

impl Call {
    /// What it asks of a pool.
    pub(super) fn wanted(&self) -> Wanted {
        Wanted {
            query: self.query,
            alone: self.transaction.is_some(),
        }
    }

    /// The numbers of all queries that it runs.
    pub(super) fn queries(&self) -> impl Iterator<Item = usize> {
        let transaction = self.transaction.iter();
        let before = transaction
            .flat_map(|transaction| transaction.preface.iter().chain(&transaction.before));
        before.map(|step| step.query).chain([self.query])
    }
}

/// A [`Query`] on one connection.
pub struct Prepared {
    statement: tokio_postgres::Statement,
    columns: Vec<Column>,
    /// What is sent each time, where the server's side does not keep statements.
    unnamed: Option<String>,
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
    /// There is no type of this name.
    Type(String),
}

impl Prepared {
    /// Has PostgreSQL parse `query`, and finds an encoder for each of its columns.
    ///
    /// # Errors
    /// See [`PrepareError`].
    pub async fn prepare(client: &Client, query: &Query) -> Result<Prepared, PrepareError> {
        let types = query.types(client).await?;
        let statement = client.prepare_typed(&query.sql, &types).await;
        Prepared::of(statement.map_err(PrepareError::Postgres)?, None)
    }

    /// A statement that was prepared to be described, and is sent as a whole each time.
    pub(super) fn unnamed(
        statement: tokio_postgres::Statement,
        query: &Query,
    ) -> Result<Prepared, PrepareError> {
        Prepared::of(statement, Some(query.sql.clone()))
    }

    fn of(
        statement: tokio_postgres::Statement,
        unnamed: Option<String>,
    ) -> Result<Prepared, PrepareError> {
        Ok(Prepared {
            columns: columns(statement.columns())?,
            statement,
            unnamed,
        })
    }

    /// Sends the statement with these parameters.
    pub(super) async fn query(
        &self,
        client: &Client,
        parameters: &[Parameter],
    ) -> Result<RowStream, tokio_postgres::Error> {
        match &self.unnamed {
            None => client.query_raw(&self.statement, parameters).await,
            Some(sql) => {
                let types = self.statement.params().iter().cloned();
                let parameters = parameters.iter().zip(types);
                client.query_typed_raw(sql, parameters).await
            }
        }
    }

    /// How to write rows like this one, if it is not as it was prepared: where the statement is parsed each time, a table
    /// that has changed changes what comes of it.
    pub(super) fn of_changed(&self, row: &Row) -> Result<Option<Box<Prepared>>, PrepareError> {
        let types = |columns: &[tokio_postgres::Column]| -> Vec<u32> {
            columns.iter().map(|column| column.type_().oid()).collect()
        };
        if self.unnamed.is_none() || types(row.columns()) == types(self.statement.columns()) {
            return Ok(None);
        }
        // Boxed: queries do not carry room for it.
        Ok(Some(Box::new(Prepared {
            statement: self.statement.clone(),
            columns: columns(row.columns())?,
            unnamed: self.unnamed.clone(),
        })))
    }

    /// The result's columns; none for a statement without a result.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// What PostgreSQL says of the statement.
    pub fn statement(&self) -> &tokio_postgres::Statement {
        &self.statement
    }
}

fn columns(columns: &[tokio_postgres::Column]) -> Result<Vec<Column>, PrepareError> {
    let column = |column: &tokio_postgres::Column| {
        let encoder = Encoder::of(column.type_()).map_err(|unsupported| {
            PrepareError::Column(format!("column {}: {unsupported}", column.name()))
        })?;
        let name = unmarked(column.name()).0.to_owned();
        let mut key = Vec::with_capacity(name.len() + 3);
        json::string(&name, &mut key);
        key.push(b':');
        Ok(Column { name, key, encoder })
    };
    columns.iter().map(column).collect()
}

/// A column's name without the mark that says whether it may be null, and what the mark says: `"price!"` is not,
/// `"price?"` may be.
pub fn unmarked(name: &str) -> (&str, Option<bool>) {
    // What PostgreSQL calls an expression without a name.
    if name == "?column?" {
        return (name, None);
    }
    match (name.strip_suffix('!'), name.strip_suffix('?')) {
        (Some(name), _) if !name.is_empty() => (name, Some(false)),
        (_, Some(name)) if !name.is_empty() => (name, Some(true)),
        _ => (name, None),
    }
}

impl Query {
    /// What its parameters are on this connection.
    pub(super) async fn types(&self, client: &Client) -> Result<Vec<Type>, PrepareError> {
        let mut types = Vec::with_capacity(self.parameters.len());
        for parameter in &self.parameters {
            types.push(match parameter {
                ParameterType::Inferred => Type::UNKNOWN,
                ParameterType::Known(ty) => ty.clone(),
                ParameterType::Named(name) => look_up(client, name).await?,
            });
        }
        Ok(types)
    }
}

/// A type of this database by its name.
async fn look_up(client: &Client, name: &str) -> Result<Type, PrepareError> {
    const LOOK_UP: &str = "select to_regtype($1)::oid";
    let row = client.query_typed(LOOK_UP, &[(&name, Type::TEXT)]).await;
    let row = row.map_err(PrepareError::Postgres)?;
    let oid: Option<u32> = row.first().and_then(|row| row.get(0));
    let missing = || PrepareError::Type(format!("the type {name} does not exist"));
    // Only the OID is sent; PostgreSQL describes the type when it prepares the statement.
    let named = |oid| Type::new(name.to_owned(), oid, Kind::Simple, String::new());
    oid.map(named).ok_or_else(missing)
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

    /// Appends the value as a field of CSV: nothing for a null.
    ///
    /// # Errors
    /// As [`Column::write_member`].
    pub fn write_csv(&self, row: &Row, index: usize, out: &mut Vec<u8>) -> anyhow::Result<()> {
        if let Some(text) = self.text(row, index)? {
            csv::field(&text, out);
        }
        Ok(())
    }

    /// The value as text: that of a JSON string, else the JSON. None for a null.
    ///
    /// # Errors
    /// As [`Column::write_member`].
    pub fn text(&self, row: &Row, index: usize) -> anyhow::Result<Option<String>> {
        let raw: Option<Raw<'_>> = row.try_get(index)?;
        let Some(raw) = raw else {
            return Ok(None);
        };
        let mut json = Vec::new();
        self.encoder.write(raw.0, &mut json)?;
        Ok(Some(csv::text_of(&json)))
    }

    /// Appends the value as it is: the bytes of a bytea, a text's UTF-8, any other value's text. False for a null.
    ///
    /// # Errors
    /// As [`Column::write_member`].
    pub fn write_raw(&self, row: &Row, index: usize, out: &mut Vec<u8>) -> anyhow::Result<bool> {
        let raw: Option<Raw<'_>> = row.try_get(index)?;
        match raw {
            None => return Ok(false),
            Some(raw) if self.encoder.is_bytea() => out.extend_from_slice(raw.0),
            Some(_) => {
                let text = self.text(row, index)?;
                out.extend_from_slice(text.unwrap_or_default().as_bytes());
            }
        }
        Ok(true)
    }
}

impl fmt::Display for PrepareError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PrepareError::Postgres(error) => match error.as_db_error() {
                Some(db) => f.write_str(db.message()),
                None => error.fmt(f),
            },
            PrepareError::Column(message) | PrepareError::Type(message) => f.write_str(message),
        }
    }
}

impl StdError for PrepareError {}
