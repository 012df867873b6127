//! The endpoint that an SQL file's statement is.

use super::answer::Shape;
use super::bind::Binder;
use crate::endpoint::{Answer, Context, Endpoint};
use crate::error::Problem;
use crate::http::Response;
use crate::pg::{Call, Parameter};

/// Binds a request's parameters, runs the statement, answers with its result.
pub struct SqlEndpoint {
    /// The statement's number in its pool.
    query: usize,
    reads: bool,
    binder: Binder,
    shape: Shape,
}

impl SqlEndpoint {
    pub(super) fn new(query: usize, reads: bool, binder: Binder, shape: Shape) -> SqlEndpoint {
        SqlEndpoint {
            query,
            reads,
            binder,
            shape,
        }
    }

    async fn answer(&self, context: Context) -> anyhow::Result<Response> {
        let parameters = self.binder.bind(&context)?;
        let database = &context.service.database;
        let pool = if self.reads {
            &database.read
        } else {
            &database.write
        };
        let pool = pool
            .as_ref()
            .ok_or_else(|| Problem::internal(anyhow::anyhow!("no pool for this endpoint")))?;
        let blame = |problem| self.blame(problem, &parameters);
        let _span = context.span("db.query", pool.statement(self.query));
        let shape = self.shape;
        let call = Call {
            query: self.query,
            parameters: parameters.clone(),
            request_id: context.request_id.shared(),
        };
        if shape.may_stream() {
            let collector = |outlet| shape.collector(Some(outlet));
            let ran = pool.run_large(&call, collector).await;
            return Ok(shape.answer_list(ran.map_err(blame)?)?);
        }
        let ran = pool.run(&call, shape.collector(None)).await;
        Ok(shape.answer(ran.map_err(blame)?)?)
    }

    /// Names the parameter whose text PostgreSQL could not read.
    fn blame(&self, problem: Problem, parameters: &[Parameter]) -> Problem {
        let db = problem
            .cause()
            .and_then(|cause| cause.downcast_ref::<tokio_postgres::Error>())
            .and_then(tokio_postgres::Error::as_db_error);
        let Some(db) = db.filter(|db| {
            ["22", "54"]
                .iter()
                .any(|class| db.code().code().starts_with(class))
        }) else {
            return problem;
        };
        // CONTEXT: unnamed portal parameter $1 = '...'
        let in_context = db.where_().and_then(|context| {
            let (_, number) = context.split_once("portal parameter $")?;
            number
                .split(|c: char| !c.is_ascii_digit())
                .next()?
                .parse()
                .ok()
        });
        // Older servers only quote the value: invalid input syntax for type integer: "abc"
        let by_value = || {
            let quoted = |one: &Parameter| {
                one.0
                    .as_ref()
                    .is_some_and(|text| db.message().ends_with(&format!(": \"{text}\"")))
            };
            let index = parameters.iter().position(quoted)?;
            Some(index + 1)
        };
        let number: Option<usize> = in_context.or_else(by_value);
        match number.and_then(|number| self.binder.blame(number, db.message().to_owned())) {
            Some(invalid) => problem.with_invalid(vec![invalid]),
            None => problem,
        }
    }
}

impl Endpoint for SqlEndpoint {
    fn call(&self, context: Context) -> Answer<'_> {
        Box::pin(self.answer(context))
    }
}
