//! Definitions and what a database says of them, as endpoints.

use std::sync::Arc;

use tokio_postgres::types::Type;

use super::answer::{ETAG, Shape, TOTAL, is_of_a_row, is_special};
use super::bind::{self, Binder};
use super::described::{Described, DescribedColumn};
use super::endpoint::SqlEndpoint;
use super::file::{Auth, Definition, Operator, Said};
use super::finding::{Finding, Findings};
use super::parameter::Place;
use super::types::JsonKind;
use crate::pg::{ParameterType, Query};

/// A folder that a database has agreed to.
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
    /// What the file says.
    pub definition: Definition,
    /// What the database says.
    pub described: Described,
    /// What answers.
    pub endpoint: SqlEndpoint,
}

/// Makes endpoints of definitions and their descriptions, which are in the same order. `has_key`: whether tokens are
/// asked for.
///
/// # Errors
/// [`Findings`] where a result is not what an endpoint's header says, or where it says something of tokens and there is
/// no key.
pub fn compose(
    definitions: Vec<Definition>,
    described: Vec<Described>,
    has_key: bool,
) -> anyhow::Result<Checked> {
    let (mut read, mut write, mut routes) = (Vec::new(), Vec::new(), Vec::new());
    let mut findings = Vec::new();
    for (definition, described) in definitions.into_iter().zip(described) {
        let wrong = mismatches(&definition, &described, has_key);
        if !wrong.is_empty() {
            findings.extend(wrong);
            continue;
        }
        let queries = match definition.reads() {
            true => &mut read,
            false => &mut write,
        };
        let claims = (has_key && !definition.is_public()).then(|| claims_query(queries));
        let first = queries.len();
        queries.extend(queries_of(&definition, &described));
        let numbers = (first..queries.len()).collect();
        let binder = Binder::new(&definition, &described);
        let shape = Shape::new(&definition, &described);
        routes.push(SqlRoute {
            endpoint: SqlEndpoint::new(&definition, &described, numbers, binder, shape)
                .tells_claims(claims),
            definition,
            described,
        });
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

fn queries_of(definition: &Definition, described: &Described) -> impl Iterator<Item = Query> {
    let statements = definition.statements.iter().zip(&described.statements);
    statements.map(|(statement, described)| Query {
        name: definition.name.clone(),
        sql: statement.sql.clone(),
        parameters: (described.parameters.iter())
            .map(|parameter| parameter.told.clone())
            .collect(),
    })
}

/// What tells the statements behind it in a transaction whose token there is, as PostgREST does.
const CLAIMS: &str = "select set_config('request.jwt.claims', $1, true)";

/// The number of [`CLAIMS`] among a pool's queries, where it is once.
fn claims_query(queries: &mut Vec<Query>) -> usize {
    let known = queries.iter().position(|query| query.sql == CLAIMS);
    known.unwrap_or_else(|| {
        queries.push(Query {
            name: "request.jwt.claims".to_owned(),
            sql: CLAIMS.to_owned(),
            parameters: vec![ParameterType::Known(Type::TEXT)],
        });
        queries.len() - 1
    })
}

/// How the results are not what the header says, and what it says of tokens that nobody asks for.
pub(super) fn mismatches(
    definition: &Definition,
    described: &Described,
    has_key: bool,
) -> Vec<Finding> {
    let mut findings = parameters(definition, described);
    if !has_key {
        findings.extend(unasked(definition));
    }
    let others = [
        result(definition, described),
        special(definition, described),
        page(definition, described),
    ];
    findings.extend(others.into_iter().filter_map(Result::err));
    findings
}

/// What it says of tokens. To serve it without a key would be to serve it to anybody.
fn unasked(definition: &Definition) -> Vec<Finding> {
    let finding = |at, message| {
        Finding::new(&definition.source, at, message)
            .with_hint("name the file of the key that tokens are signed with in --jwt-key")
    };
    let auth = definition.directives.auth.as_ref();
    let scopes = auth.filter(|said| said.what != Auth::Public).map(|said| {
        let message = "a scope is asked for, and there is no key to verify tokens with";
        finding(said.at, message.to_owned())
    });
    let claims = definition.declarations.iter().filter_map(|declaration| {
        let Some(Place::Claim(claim)) = &declaration.place else {
            return None;
        };
        let message = format!(
            ":{} is the claim {claim}, and there is no key to verify tokens with",
            declaration.name
        );
        Some(finding(declaration.at, message))
    });
    scopes.into_iter().chain(claims).collect()
}

/// One parameter has one form in JSON, whichever statement uses it.
fn parameters(definition: &Definition, described: &Described) -> Vec<Finding> {
    let mut findings = Vec::new();
    let statements = definition.statements.iter().zip(&described.statements);
    for (statement, described_statement) in statements {
        let parameters = statement
            .parameters
            .iter()
            .zip(&described_statement.parameters);
        for ((name, at), parameter) in parameters {
            let first = bind::data_type(definition, described, name);
            if first.json() != parameter.data_type.json() {
                let message = format!(
                    "the parameter {name} is {} here, and {} before",
                    parameter.data_type.name, first.name
                );
                let finding = Finding::new(&definition.source, *at, message);
                let hint = format!("declare its type, such as `-- :{name} {}`", first.name);
                findings.push(finding.with_hint(hint));
            }
        }
    }
    findings
}

/// Whether the last statement's result can be what the operator says.
fn result(definition: &Definition, described: &Described) -> Result<(), Finding> {
    let columns = &described.last().columns;
    let name = &definition.name;
    let wrong = |message: String, hint: &str| Err(definition.finding(message).with_hint(hint));
    let in_body = columns.iter().filter(|column| !is_special(&column.name));
    match definition.operator {
        Operator::Affected if !columns.is_empty() => wrong(
            format!("{name}! has a result, but ! answers without a body"),
            "write <! to answer with the row",
        ),
        Operator::Bulk if !columns.is_empty() => wrong(
            format!("{name}*! has a result, but *! answers with how many rows were affected"),
            "leave out `returning`",
        ),
        Operator::Affected | Operator::Bulk => Ok(()),
        _ if columns.is_empty() => wrong(
            format!("{name} has no result to answer with"),
            "write ! behind the name to answer 204, or add `returning`",
        ),
        Operator::Value if in_body.clone().count() != 1 => wrong(
            format!(
                "{name}$ has {} columns, but $ answers with one value",
                in_body.count()
            ),
            "write ^ to answer with the row",
        ),
        _ => Ok(()),
    }
}

/// Whether columns that leave the body are where they can be, and of the type that they have to be.
fn special(definition: &Definition, described: &Described) -> Result<(), Finding> {
    let name = &definition.name;
    let wrong = |message: String, hint: &str| Err(definition.finding(message).with_hint(hint));
    for column in &described.last().columns {
        let of_a_row = is_of_a_row(&column.name);
        if of_a_row && definition.operator == Operator::Rows {
            return wrong(
                format!("{name} is a list: {} belongs to one row", column.name),
                "write ^ or <! behind the name",
            );
        }
        if column.name == TOTAL && definition.operator != Operator::Rows {
            return wrong(
                format!("{name} is one row: {TOTAL} belongs to a list"),
                "write no mark behind the name",
            );
        }
        let (right, wanted) = match column.name.as_str() {
            "_status" => (column.data_type.is("int4"), "int"),
            "_location" | ETAG => (column.data_type.is_text(), "text"),
            TOTAL => (column.data_type.is("int8"), "bigint"),
            _ => continue,
        };
        if !right {
            let hint = format!("cast it: …::{wanted} as {}", column.name);
            return wrong(
                format!("{} is {}", column.name, column.data_type.name),
                &hint,
            );
        }
    }
    Ok(())
}

/// Whether the columns that tell the next page are there, and can stand in a query.
fn page(definition: &Definition, described: &Described) -> Result<(), Finding> {
    let Some(Said { what, at }) = &definition.directives.page else {
        return Ok(());
    };
    let wrong = |message: String, hint: &str| {
        Err(Finding::new(&definition.source, *at, message).with_hint(hint))
    };
    for (name, _) in &what.0 {
        let columns = described.last().columns.iter();
        let mut columns = columns.filter(|column: &&DescribedColumn| column.name == *name);
        let Some(column) = columns.next() else {
            return wrong(format!("there is no column {name}"), "select it");
        };
        let kind = column.data_type.json();
        let is_plain = matches!(
            kind,
            JsonKind::String | JsonKind::Number | JsonKind::Boolean
        );
        if !is_plain || column.data_type.is("bytea") {
            return wrong(
                format!(
                    "{name} is {}, which has no place in a link",
                    column.data_type.name
                ),
                "order by a column of numbers, times or text",
            );
        }
    }
    Ok(())
}
