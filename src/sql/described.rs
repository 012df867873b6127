//! What a database says of an endpoint's statements: types of parameters and columns, and what may be null.

use super::nullable::Reading;
use super::types::DataType;
use crate::pg::ParameterType;

/// All that a database says of one endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Described {
    /// Of its statements, in order; at least one.
    pub statements: Vec<DescribedStatement>,
}

/// All that a database says of one statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DescribedStatement {
    /// Of its parameters, in the order of their numbers.
    pub parameters: Vec<DescribedParameter>,
    /// Of its result, in order; none if it has no result.
    pub columns: Vec<DescribedColumn>,
    /// What `_status` may be, if the statement's text tells.
    pub statuses: Option<Vec<u16>>,
}

/// A parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DescribedParameter {
    /// What it is.
    pub data_type: DataType,
    /// What PostgreSQL is told that it is.
    pub told: ParameterType,
}

/// A column of a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DescribedColumn {
    /// Its name, without a mark.
    pub name: String,
    /// What it is.
    pub data_type: DataType,
    /// The most characters that it has, if its type says so: `varchar(80)`.
    pub max_length: Option<u32>,
    /// Whether it may be null.
    pub nullable: bool,
    /// What the catalog says of it (`comment on column`).
    pub comment: Option<String>,
}

impl DescribedStatement {
    /// The same with what the text of the statement says of its status.
    pub(super) fn with_statuses(mut self, sql: &str) -> DescribedStatement {
        let mut columns = self.columns.iter();
        if let Some(column) = columns.position(|column| column.name == "_status") {
            self.statuses = Reading::new(sql, self.columns.len()).literals(column);
        }
        self
    }
}

impl Described {
    /// Of the statement that makes the answer.
    pub fn last(&self) -> &DescribedStatement {
        // There is at least one; none would be a file without a statement.
        self.statements.last().unwrap_or(&NOTHING)
    }
}

static NOTHING: DescribedStatement = DescribedStatement {
    parameters: Vec::new(),
    columns: Vec::new(),
    statuses: None,
};
