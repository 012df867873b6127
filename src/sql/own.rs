//! Queries that a Rust program has of its own, beside its SQL files: named parameters, checked against the database at the
//! start, and prepared on every connection.

use std::sync::Arc;

use http_types::Method;

use super::catalog::describe;
use super::file::{Definition, Directives, Operator};
use super::finding::{Finding, Source};
use super::statement::Statement;
use crate::pg::{Config, ParameterType, Query};
use crate::router::Template;
use crate::runtime::Clock;

/// A query of a program's own.
#[derive(Clone, Debug)]
pub struct OwnQuery {
    /// As the catalog looks at it; of its route nothing counts.
    definition: Definition,
}

impl OwnQuery {
    /// The query of this name. `place`: where it stands in the program, for who reads what is wrong with it.
    ///
    /// # Errors
    /// A text that is no statement.
    pub fn new(name: &str, sql: &str, reads: bool, place: &str) -> Result<OwnQuery, Finding> {
        let source = Arc::new(Source::new(format!("{place}: {name}"), sql));
        let statements = Statement::parse_all(&source, 0..sql.len())?;
        let method = match reads {
            true => Method::Get,
            false => Method::Post,
        };
        Ok(OwnQuery {
            definition: Definition {
                name: name.to_owned(),
                listed: None,
                operator: Operator::Rows,
                method,
                template: Template::literal("/"),
                summary: String::new(),
                description: String::new(),
                text: Vec::new(),
                declarations: Vec::new(),
                directives: Directives::default(),
                statements,
                source,
                at: 0,
                route_at: 0,
            },
        })
    }

    /// What the program calls it.
    pub fn name(&self) -> &str {
        &self.definition.name
    }

    /// Whether it only reads.
    pub fn reads(&self) -> bool {
        self.definition.reads()
    }

    /// Its statements for a pool, each with the names of its parameters. PostgreSQL infers what types they have.
    pub fn statements(&self) -> impl Iterator<Item = (Query, Vec<String>)> {
        self.definition.statements.iter().map(|statement| {
            let names = statement.parameters.iter().map(|(name, _)| name.clone());
            let query = Query {
                name: self.name().to_owned(),
                sql: statement.sql.clone(),
                parameters: vec![ParameterType::Inferred; statement.parameters.len()],
            };
            (query, names.collect())
        })
    }
}

/// Has the database of `config` look at `queries`.
///
/// # Errors
/// [`Findings`](super::Findings) for what it does not agree to; a database that cannot be reached.
pub async fn check_own(queries: &[OwnQuery], config: &Config, clock: &Clock) -> anyhow::Result<()> {
    if queries.is_empty() {
        return Ok(());
    }
    let definitions = queries.iter().map(|query| query.definition.clone());
    let definitions: Vec<Definition> = definitions.collect();
    describe(&definitions, config, clock).await?;
    Ok(())
}
