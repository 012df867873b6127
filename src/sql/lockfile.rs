//! What a database has said of a folder, in a file beside it: `peppercorn.lock`.
//!
//! With it a service starts, and describes itself, while its database is away; and a migration that changes the API is a
//! difference in a file that is reviewed. It holds every statement as it was described: one that has changed since is
//! not in it.

use serde_json::Value;
use tokio_postgres::types::Type;

use super::described::{Described, DescribedColumn, DescribedParameter, DescribedStatement};
use super::file::Definition;
use super::types::{DataType, Form};
use crate::json::tree::Node;
use crate::pg::ParameterType;

/// What the file is called, at the top of the folder.
pub const NAME: &str = "peppercorn.lock";

/// The version of the format.
const VERSION: u32 = 1;

/// The file's text for these definitions and what the database says of them, in the same order.
pub fn write(definitions: &[Definition], described: &[Described]) -> Vec<u8> {
    let mut endpoints: Vec<(String, Node)> = definitions
        .iter()
        .zip(described)
        .map(|(definition, described)| {
            let statements = definition.statements.iter().zip(&described.statements);
            let statements = statements.map(|(statement, described)| {
                let names = statement.parameters.iter().zip(&described.parameters);
                let parameters =
                    names.map(|((name, _), parameter)| parameter_node(name, parameter));
                Node::object()
                    .with("sql", statement.sql.as_str())
                    .with("parameters", parameters.collect::<Vec<_>>())
                    .with(
                        "columns",
                        described
                            .columns
                            .iter()
                            .map(column_node)
                            .collect::<Vec<_>>(),
                    )
            });
            (definition.name.clone(), Node::List(statements.collect()))
        })
        .collect();
    endpoints.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
    Node::object()
        .with("version", VERSION)
        .with("endpoints", Node::Object(endpoints))
        .pretty()
}

/// What a file's text says of all endpoints.
pub(super) struct Lock(Value);

impl Lock {
    /// Reads the text.
    ///
    /// # Errors
    /// What is wrong with it as a whole.
    pub(super) fn read(text: &str) -> Result<Lock, String> {
        let lock: Value =
            serde_json::from_str(text).map_err(|error| format!("{NAME} is not JSON: {error}"))?;
        match lock["version"] == VERSION {
            true => Ok(Lock(lock)),
            false => Err(format!("{NAME} is of another version of peppercorn")),
        }
    }

    /// What it says of these definitions, in their order.
    ///
    /// # Errors
    /// Which of them is not in it as it is.
    pub(super) fn all(&self, definitions: &[Definition]) -> Result<Vec<Described>, String> {
        definitions
            .iter()
            .map(|definition| self.one(definition))
            .collect()
    }

    /// What it says of one.
    ///
    /// # Errors
    /// It is not in it as it is.
    pub(super) fn one(&self, definition: &Definition) -> Result<Described, String> {
        let outdated = || format!("{} is not in {NAME} as it is now", definition.name);
        let statements = self.0["endpoints"][&definition.name].as_array();
        let statements = statements.filter(|all| all.len() == definition.statements.len());
        let statements = definition
            .statements
            .iter()
            .zip(statements.ok_or_else(outdated)?);
        let statements = statements.map(|(statement, locked)| {
            let described = statement_of(locked)?;
            let is_same = locked["sql"] == statement.sql.as_str()
                && described.parameters.len() == statement.parameters.len();
            is_same.then(|| described.with_statuses(&statement.sql))
        });
        let statements: Option<_> = statements.collect();
        Ok(Described {
            statements: statements.ok_or_else(outdated)?,
        })
    }
}

fn parameter_node(name: &str, parameter: &DescribedParameter) -> Node {
    let told = match &parameter.told {
        ParameterType::Inferred => None,
        ParameterType::Known(ty) => Some(Node::from(ty.oid())),
        ParameterType::Named(name) => Some(Node::from(name.as_str())),
    };
    Node::object()
        .with("name", name)
        .with("type", type_node(&parameter.data_type))
        .with_some("told", told)
}

fn column_node(column: &DescribedColumn) -> Node {
    Node::object()
        .with("name", column.name.as_str())
        .with("type", type_node(&column.data_type))
        .with_some("max_length", column.max_length)
        .with_some("nullable", column.nullable.then_some(true))
        .with_some("comment", column.comment.as_deref())
}

/// `"int4"`, or an object with what is inside.
fn type_node(data_type: &DataType) -> Node {
    let named = Node::object().with("name", data_type.name.as_str());
    match &data_type.form {
        Form::Simple => data_type.name.as_str().into(),
        Form::Enum(labels) => named.with("enum", Node::texts(labels.iter().cloned())),
        Form::Array(element) => named.with("array", type_node(element)),
        Form::Domain(base) => named.with("domain", type_node(base)),
        Form::Composite(fields) => {
            let fields = fields.iter().map(|(name, data_type)| {
                Node::object()
                    .with("name", name.as_str())
                    .with("type", type_node(data_type))
            });
            named.with("composite", fields.collect::<Vec<_>>())
        }
    }
}

fn statement_of(locked: &Value) -> Option<DescribedStatement> {
    let parameters = locked["parameters"].as_array()?.iter();
    let columns = locked["columns"].as_array()?.iter();
    Some(DescribedStatement {
        parameters: parameters.map(parameter_of).collect::<Option<_>>()?,
        columns: columns.map(column_of).collect::<Option<_>>()?,
        statuses: None,
    })
}

fn parameter_of(locked: &Value) -> Option<DescribedParameter> {
    let told = match &locked["told"] {
        Value::Null => ParameterType::Inferred,
        Value::String(name) => ParameterType::Named(name.clone()),
        oid => ParameterType::Known(Type::from_oid(u32::try_from(oid.as_u64()?).ok()?)?),
    };
    Some(DescribedParameter {
        data_type: type_of(&locked["type"])?,
        told,
    })
}

fn column_of(locked: &Value) -> Option<DescribedColumn> {
    let max_length = locked["max_length"].as_u64();
    Some(DescribedColumn {
        name: locked["name"].as_str()?.to_owned(),
        data_type: type_of(&locked["type"])?,
        max_length: max_length.map(u32::try_from).transpose().ok()?,
        nullable: locked["nullable"] == true,
        comment: locked["comment"].as_str().map(str::to_owned),
    })
}

fn type_of(locked: &Value) -> Option<DataType> {
    if let Some(name) = locked.as_str() {
        return Some(DataType::simple(name));
    }
    let inside = |key: &str| Some(Box::new(type_of(locked.get(key)?)?));
    let list = |key: &str| locked.get(key).and_then(Value::as_array);
    let form = if let Some(labels) = list("enum") {
        let labels = labels.iter().map(|label| label.as_str().map(str::to_owned));
        Form::Enum(labels.collect::<Option<_>>()?)
    } else if let Some(fields) = list("composite") {
        let field =
            |field: &Value| Some((field["name"].as_str()?.to_owned(), type_of(&field["type"])?));
        Form::Composite(fields.iter().map(field).collect::<Option<_>>()?)
    } else if let Some(element) = inside("array") {
        Form::Array(element)
    } else {
        Form::Domain(inside("domain")?)
    };
    Some(DataType {
        name: locked["name"].as_str()?.to_owned(),
        form,
    })
}
