//! Definitions against a database: declared types are looked up, every statement is prepared, and what is wrong becomes
//! a finding at its place in the file.

mod refused;
mod tables;
mod types;

use tokio_postgres::{Client, Statement};

use super::described::{Described, DescribedColumn, DescribedParameter, DescribedStatement};
use super::file::Definition;
use super::finding::{Finding, Findings};
use super::nullable::Reading;
use super::types::DataType;
use crate::pg::connect::{self, Opened};
use crate::pg::prepared::unmarked;
use crate::pg::preparing::Session;
use crate::pg::{Config, ParameterType, PrepareError, Query};
use crate::runtime::Clock;

use tables::Tables;

/// What the database of `config` says of every definition, in their order; on one connection of its own.
///
/// # Errors
/// [`Findings`] for what the database does not agree to; a database that cannot be reached.
pub async fn describe(
    definitions: &[Definition],
    config: &Config,
    clock: &Clock,
) -> anyhow::Result<Vec<Described>> {
    let mut described = Vec::with_capacity(definitions.len());
    let mut findings = Vec::new();
    for each in describe_each(definitions, config, clock).await? {
        match each {
            Ok(each) => described.push(each),
            Err(found) => findings.extend(found),
        }
    }
    match findings.is_empty() {
        true => Ok(described),
        false => Err(Findings(findings).into()),
    }
}

/// The same with what the database has against a definition in its place.
///
/// What only reads is asked of the server where it will run.
///
/// # Errors
/// A database that cannot be reached.
pub(super) async fn describe_each(
    definitions: &[Definition],
    config: &Config,
    clock: &Clock,
) -> anyhow::Result<Vec<Asked>> {
    let reads = |definition: &&Definition| config.reads_elsewhere() && definition.reads();
    let (reading, writing): (Vec<_>, Vec<_>) = definitions.iter().partition(reads);
    let mut written = asked(&writing, config, clock).await?.into_iter();
    let mut read = match config.reads_elsewhere() {
        true => asked(&reading, &config.for_reading(), clock).await?,
        false => Vec::new(),
    }
    .into_iter();
    let in_order = definitions
        .iter()
        .map(|definition| match reads(&definition) {
            true => read.next(),
            false => written.next(),
        });
    Ok(in_order.flatten().collect())
}

/// What a database says of one definition.
type Asked = Result<Described, Vec<Finding>>;

/// What one database says of definitions.
async fn asked(
    definitions: &[&Definition],
    config: &Config,
    clock: &Clock,
) -> anyhow::Result<Vec<Asked>> {
    let Opened { client, driver, .. } = connect::connect(config, clock).await?;
    let session = config.session();
    let describing = ask(&client, session, definitions);
    let describing = async { session.apart(&client, describing).await? };
    futures_lite::future::or(describing, async {
        driver.await?;
        anyhow::bail!("the database closed the connection while the files were checked")
    })
    .await
}

async fn ask(
    client: &Client,
    session: Session,
    definitions: &[&Definition],
) -> anyhow::Result<Vec<Asked>> {
    let types = types::look_up(client, definitions).await?;
    let mut results: Vec<Asked> = Vec::new();
    let mut plans = Vec::new();
    for (index, definition) in definitions.iter().enumerate() {
        results.push(types::resolve(definition, &types).map(|resolved| {
            plans.extend(queries(index, definition, &resolved));
            Described {
                statements: Vec::new(),
            }
        }));
    }
    let prepared = session
        .prepare(client, plans.iter().map(|plan| &plan.query))
        .await;
    let columns = prepared.iter().flatten();
    let columns = columns.flat_map(|prepared| prepared.statement().columns());
    let tables = Tables::of(client, columns).await?;
    for (plan, prepared) in plans.iter().zip(prepared) {
        let result = &mut results[plan.definition];
        match prepared {
            Ok(prepared) => {
                if let Ok(described) = result {
                    let statement = statement(&plan.query, prepared.statement(), &tables);
                    described.statements.push(statement);
                }
            }
            Err(PrepareError::Postgres(error)) if error.is_closed() => return Err(error.into()),
            Err(error) => {
                let definition = definitions[plan.definition];
                let finding = refused::finding(definition, plan.statement, &error);
                match result {
                    Ok(_) => *result = Err(vec![finding]),
                    Err(findings) => findings.push(finding),
                }
            }
        }
    }
    Ok(results)
}

/// A statement on its way to be prepared.
struct Plan {
    /// The number of its definition, and its own in that.
    definition: usize,
    statement: usize,
    query: Query,
}

fn queries<'a>(
    index: usize,
    definition: &'a Definition,
    types: &'a [(String, ParameterType)],
) -> impl Iterator<Item = Plan> + 'a {
    let statements = definition.statements.iter().enumerate();
    statements.map(move |(number, statement)| Plan {
        definition: index,
        statement: number,
        query: Query {
            name: definition.name.clone(),
            sql: statement.sql.clone(),
            parameters: (statement.parameters.iter())
                .map(|(name, _)| {
                    let declared = types.iter().find(|(declared, _)| declared == name);
                    declared.map_or(ParameterType::Inferred, |(_, ty)| ty.clone())
                })
                .collect(),
        },
    })
}

fn statement(query: &Query, prepared: &Statement, tables: &Tables) -> DescribedStatement {
    let parameters = prepared.params().iter().zip(&query.parameters);
    let reading = Reading::new(&query.sql, prepared.columns().len());
    let keeps_not_null = reading.keeps_not_null();
    let columns = prepared.columns().iter().enumerate();
    let described = DescribedStatement {
        statuses: None,
        parameters: parameters
            .map(|(ty, told)| DescribedParameter {
                data_type: DataType::of(ty),
                told: told.clone(),
            })
            .collect(),
        columns: columns
            .map(|(index, column)| {
                let (name, marked) = unmarked(column.name());
                let origin = tables.get(column);
                let not_null = reading.is_never_null(index)
                    || (keeps_not_null && origin.is_some_and(|origin| origin.not_null));
                DescribedColumn {
                    name: name.to_owned(),
                    data_type: DataType::of(column.type_()),
                    max_length: max_length(column),
                    nullable: marked.unwrap_or(!not_null),
                    comment: origin.and_then(|origin| origin.comment.clone()),
                }
            })
            .collect(),
    };
    described.with_statuses(&query.sql)
}

/// `varchar(80)` has its length in the type modifier, after the 4 bytes that once stood before every value.
fn max_length(column: &tokio_postgres::Column) -> Option<u32> {
    let has_length = matches!(column.type_().name(), "varchar" | "bpchar");
    let length = column.type_modifier().checked_sub(4)?;
    u32::try_from(length).ok().filter(|_| has_length)
}

/// A finding about a parameter, where it first stands in the statements.
fn at_parameter(definition: &Definition, name: &str, message: String) -> Finding {
    let used = definition.used();
    let at = used.iter().find(|(used, _)| *used == name);
    Finding::new(
        &definition.source,
        at.map_or(definition.at, |(_, at)| *at),
        message,
    )
}
