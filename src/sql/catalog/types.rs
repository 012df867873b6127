//! Declared types by name.

use std::collections::HashMap;

use tokio_postgres::types::Type;
use tokio_postgres::{Client, Row};

use super::at_parameter;
use crate::pg::ParameterType;
use crate::sql::file::Definition;
use crate::sql::finding::Finding;

/// What there is of each declared type.
pub(super) type Types = HashMap<String, ParameterType>;

/// The declared types by name. One query for all; only if that fails, one each, to learn which is wrong.
pub(super) async fn look_up(client: &Client, definitions: &[&Definition]) -> anyhow::Result<Types> {
    let mut names: Vec<&str> = definitions
        .iter()
        .flat_map(|definition| &definition.declarations)
        .filter_map(|declaration| declaration.type_name.as_deref())
        .collect();
    names.sort_unstable();
    names.dedup();
    const ALL: &str = "select name, to_regtype(name)::oid from unnest($1::text[]) as name";
    let mut types = Types::new();
    let mut note = |rows: Vec<Row>| -> anyhow::Result<()> {
        for row in rows {
            let oid: Option<u32> = row.try_get(1)?;
            if let (name, Some(oid)) = (row.try_get::<_, String>(0)?, oid) {
                // Those that every PostgreSQL has are known by their numbers.
                let known = Type::from_oid(oid).map(ParameterType::Known);
                let ty = known.unwrap_or_else(|| ParameterType::Named(name.clone()));
                types.insert(name, ty);
            }
        }
        Ok(())
    };
    match client.query(ALL, &[&names]).await {
        Ok(rows) => note(rows)?,
        // A name that does not even parse as a type is an error before PostgreSQL 16, not a NULL.
        Err(error) if error.as_db_error().is_some() => {
            for name in names {
                let rows = client.query(ALL, &[&[name].as_slice()]).await;
                note(rows.unwrap_or_default())?;
            }
        }
        Err(error) => return Err(error.into()),
    }
    Ok(types)
}

/// The declared parameters of a definition and their types.
///
/// # Errors
/// A finding for each type that does not exist.
pub(super) fn resolve(
    definition: &Definition,
    types: &Types,
) -> Result<Vec<(String, ParameterType)>, Vec<Finding>> {
    let mut findings = Vec::new();
    let mut resolved = Vec::new();
    for declaration in &definition.declarations {
        let Some(type_name) = &declaration.type_name else {
            continue;
        };
        match types.get(type_name) {
            Some(ty) => resolved.push((declaration.name.clone(), ty.clone())),
            None => {
                let name = &declaration.name;
                let message = format!("the type {type_name} of :{name} does not exist");
                let finding = at_parameter(definition, name, message);
                findings.push(finding.with_hint("name a PostgreSQL type: int, text, date, …"));
            }
        }
    }
    match findings.is_empty() {
        true => Ok(resolved),
        false => Err(findings),
    }
}
