//! Definitions against a database: declared types are looked up, every statement is prepared, and what is wrong becomes
//! a finding at its place in the file.

use std::collections::HashMap;
use std::sync::Arc;

use http_types::Method;
use tokio_postgres::Client;
use tokio_postgres::error::{DbError, ErrorPosition};
use tokio_postgres::types::{Kind, Type};

use super::answer::Shape;
use super::bind::Binder;
use super::endpoint::SqlEndpoint;
use super::file::{Definition, Operator};
use super::finding::{Finding, Findings};
use super::parameter::Declaration;
use crate::pg::connect::{self, Opened};
use crate::pg::{Config, PrepareError, Prepared, Query};
use crate::router::Template;
use crate::runtime::{Clock, join_all};

/// Statements prepared in one go while checking.
const BATCH: usize = 64;

/// A folder that the database has agreed to.
pub struct Checked {
    /// What answers where.
    pub routes: Vec<SqlRoute>,
    /// What connections for reading prepare.
    pub read: Arc<[Query]>,
    /// What connections for writing prepare.
    pub write: Arc<[Query]>,
}

/// One route of an SQL file.
pub struct SqlRoute {
    /// The method.
    pub method: Method,
    /// The path.
    pub template: Template,
    /// The endpoint's name.
    pub name: String,
    /// `file:line:column`, for whoever conflicts with it.
    pub place: String,
    /// What answers.
    pub endpoint: SqlEndpoint,
}

/// Prepares every statement, on one connection of its own.
///
/// # Errors
/// [`Findings`] for what the database does not agree to; a database that cannot be reached.
pub async fn check(
    definitions: Vec<Definition>,
    config: &Config,
    clock: &Clock,
) -> anyhow::Result<Checked> {
    let Opened { client, driver, .. } = connect::connect(config, clock).await?;
    let checking = async { check_all(&client, definitions).await };
    futures_lite::future::or(checking, async {
        driver.await?;
        anyhow::bail!("the database closed the connection while the files were checked")
    })
    .await
}

async fn check_all(client: &Client, definitions: Vec<Definition>) -> anyhow::Result<Checked> {
    let mut findings = Vec::new();
    let types = look_up_types(client, &definitions).await?;
    let mut plans = Vec::new();
    for definition in definitions {
        match plan(definition, &types) {
            Ok(plan) => plans.push(plan),
            Err(found) => findings.extend(found),
        }
    }
    let mut prepared = Vec::new();
    for batch in plans.chunks(BATCH) {
        let batch = batch
            .iter()
            .map(|plan| Prepared::prepare(client, &plan.query))
            .collect();
        prepared.extend(join_all(batch).await);
    }
    let (mut read, mut write, mut routes) = (Vec::new(), Vec::new(), Vec::new());
    for (plan, prepared) in plans.into_iter().zip(prepared) {
        let result = prepared.map_err(|error| refused(&plan, &error));
        match result.and_then(|prepared| Ok((shape(&plan, &prepared)?, prepared))) {
            Ok((shape, prepared)) => {
                let queries = if plan.definition.reads() {
                    &mut read
                } else {
                    &mut write
                };
                routes.push(route(&plan, shape, &prepared, queries.len()));
                queries.push(plan.query);
            }
            Err(finding) => findings.push(finding),
        }
    }
    match findings.is_empty() {
        true => Ok(Checked {
            routes,
            read: read.into(),
            write: write.into(),
        }),
        false => Err(Findings(findings).into()),
    }
}

/// A definition on its way to be prepared.
struct Plan {
    definition: Definition,
    /// In the order of the statement's numbers.
    declarations: Vec<Declaration>,
    query: Query,
}

/// The declared types by name. One query for all; only if that fails, one each, to learn which is wrong.
async fn look_up_types(
    client: &Client,
    definitions: &[Definition],
) -> anyhow::Result<HashMap<String, Type>> {
    let mut names: Vec<&str> = definitions
        .iter()
        .flat_map(|definition| &definition.declarations)
        .filter_map(|declaration| declaration.type_name.as_deref())
        .collect();
    names.sort_unstable();
    names.dedup();
    const ALL: &str = "select name, to_regtype(name)::oid from unnest($1::text[]) as name";
    let mut types = HashMap::new();
    let mut note = |rows: Vec<tokio_postgres::Row>| -> anyhow::Result<()> {
        for row in rows {
            if let (name, Some(oid)) = (
                row.try_get::<_, String>(0)?,
                row.try_get::<_, Option<u32>>(1)?,
            ) {
                // Only the OID is sent; PostgreSQL describes the type when it prepares the statement.
                let ty = Type::from_oid(oid)
                    .unwrap_or_else(|| Type::new(name.clone(), oid, Kind::Simple, String::new()));
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
                note(
                    client
                        .query(ALL, &[&[name].as_slice()])
                        .await
                        .unwrap_or_default(),
                )?;
            }
        }
        Err(error) => return Err(error.into()),
    }
    Ok(types)
}

/// What can be said of a definition with the types known: every parameter has a declaration and a place.
fn plan(definition: Definition, types: &HashMap<String, Type>) -> Result<Plan, Vec<Finding>> {
    let mut findings = Vec::new();
    let used = &definition.statement.parameters;
    for declaration in &definition.declarations {
        if !used.iter().any(|(name, _)| *name == declaration.name) {
            let message = format!(
                "the parameter {} is declared but the statement does not use it",
                declaration.name
            );
            findings.push(definition.finding(message));
        }
    }
    for name in definition.template.parameters() {
        if !used.iter().any(|(used, _)| used == name) {
            let message = format!("the path has {{{name}}} but the statement does not use :{name}");
            findings.push(Finding::new(
                &definition.source,
                definition.route_at,
                message,
            ));
        }
    }
    if let Some(listed) = &definition.listed {
        let unlisted = used
            .iter()
            .map(|(name, _)| name)
            .find(|name| !listed.contains(name));
        let unused = listed
            .iter()
            .find(|listed| !used.iter().any(|(name, _)| name == *listed));
        let mismatch = unlisted.map(|name| format!("the list behind the name leaves out :{name}"));
        let mismatch = mismatch.or(unused.map(|name| {
            format!("the list behind the name has {name}, which the statement does not use")
        }));
        findings.extend(mismatch.map(|message| definition.finding(message)));
    }
    let mut declarations = Vec::new();
    let mut parameters = Vec::new();
    for (name, at) in used {
        let declaration = definition
            .declarations
            .iter()
            .find(|declaration| declaration.name == *name);
        let declaration = declaration
            .cloned()
            .unwrap_or_else(|| Declaration::undeclared(name));
        parameters.push(match &declaration.type_name {
            None => Type::UNKNOWN,
            Some(type_name) => types.get(type_name).cloned().unwrap_or_else(|| {
                let message = format!("the type {type_name} of :{name} does not exist");
                findings.push(
                    Finding::new(&definition.source, *at, message)
                        .with_hint("name a PostgreSQL type: int, text, date, …"),
                );
                Type::UNKNOWN
            }),
        });
        if declaration.default.is_some()
            && definition.template.parameters().any(|path| path == name)
        {
            let message =
                format!(":{name} is part of the path and always given: it cannot have a default");
            findings.push(Finding::new(&definition.source, *at, message));
        }
        declarations.push(declaration);
    }
    let query = Query {
        name: definition.name.clone(),
        sql: definition.statement.sql.clone(),
        parameters,
    };
    match findings.is_empty() {
        true => Ok(Plan {
            definition,
            declarations,
            query,
        }),
        false => Err(findings),
    }
}

/// A statement that does not prepare, as a finding.
fn refused(plan: &Plan, error: &PrepareError) -> Finding {
    let definition = &plan.definition;
    let db = match error {
        PrepareError::Postgres(error) => error.as_db_error(),
        PrepareError::Column(_) => None,
    };
    let Some(db) = db else {
        return definition.finding(format!("{}: {error}", definition.name));
    };
    let at = match db.position() {
        Some(ErrorPosition::Original(position)) => definition.statement.position_in_file(*position),
        _ => definition.at,
    };
    let finding = Finding::new(&definition.source, at, db.message());
    match hint(plan, db) {
        Some(hint) => finding.with_hint(hint),
        None => finding,
    }
}

fn hint(plan: &Plan, db: &DbError) -> Option<String> {
    if !matches!(db.code().code(), "42P08" | "42P18") {
        return db.hint().map(str::to_owned);
    }
    // "could not determine data type of parameter $1"
    let number: Option<usize> = db
        .message()
        .rsplit_once('$')
        .and_then(|(_, number)| number.parse().ok());
    let name = number.and_then(|number| plan.declarations.get(number.checked_sub(1)?));
    let name = name.map_or("name", |declaration| declaration.name.as_str());
    Some(format!(
        "declare its type in a line below the route, such as `-- :{name} text default null`"
    ))
}

/// Whether the statement's result can be what the operator says.
fn shape(plan: &Plan, prepared: &Prepared) -> Result<Shape, Finding> {
    let definition = &plan.definition;
    let columns = prepared.columns().len();
    let name = &definition.name;
    let wrong = |message: String, hint: &str| Err(definition.finding(message).with_hint(hint));
    match definition.operator {
        Operator::Affected if columns > 0 => wrong(
            format!("{name}! has a result, but ! answers without a body"),
            "write <! to answer with the row",
        ),
        Operator::Affected => Ok(Shape::new(definition)),
        _ if columns == 0 => wrong(
            format!("{name} has no result to answer with"),
            "write ! behind the name to answer 204, or add `returning`",
        ),
        Operator::Value if columns > 1 => wrong(
            format!("{name}$ has {columns} columns, but $ answers with one value"),
            "write ^ to answer with the row",
        ),
        Operator::Rows
            if prepared
                .columns()
                .iter()
                .any(|column| super::answer::is_special(column.name())) =>
        {
            wrong(
                format!("{name} is a list: _status and _location belong to one row"),
                "write ^ or <! behind the name",
            )
        }
        _ => Ok(Shape::new(definition)),
    }
}

fn route(plan: &Plan, shape: Shape, prepared: &Prepared, query: usize) -> SqlRoute {
    let definition = &plan.definition;
    let path: Vec<&str> = definition.template.parameters().collect();
    let parameters = plan
        .declarations
        .iter()
        .cloned()
        .zip(prepared.parameters().iter().cloned());
    let binder = Binder::new(definition.method, &path, parameters.collect());
    SqlRoute {
        method: definition.method,
        template: definition.template.clone(),
        name: definition.name.clone(),
        place: definition.source.place(definition.route_at),
        endpoint: SqlEndpoint::new(query, definition.reads(), binder, shape),
    }
}

impl Declaration {
    /// What stands for a parameter that the header says nothing of: required, its type inferred.
    fn undeclared(name: &str) -> Declaration {
        Declaration {
            name: name.into(),
            type_name: None,
            default: None,
            checks: Vec::new(),
            text: String::new(),
        }
    }
}
