//! The endpoint that an SQL file's statements are.

use std::sync::Arc;
use std::time::Duration;

use http_types::Method;

use super::answer::{Asked, Conditions, ETAG, Shape, unknown};
use super::bind::{Binder, Bound};
use super::bulkhead::{Bulkhead, Turn};
use super::described::Described;
use super::file::rules::LIMIT;
use super::file::{Definition, Operator};
use super::parameter::Place;
use crate::endpoint::{Answer, Context, Endpoint};
use crate::error::Problem;
use crate::http::Response;
use crate::pg::{self, Call, Parameter, Part, Pool, Step, Transaction};

/// Before a transaction is begun again for the first time; doubles each time.
const RETRY_FIRST: Duration = Duration::from_millis(5);
/// The longest pause before that.
const RETRY_LAST: Duration = Duration::from_millis(200);

/// Binds a request's parameters, runs the statements, answers with the last one's result.
pub struct SqlEndpoint {
    /// The statements' numbers in their pool; the last one makes the answer.
    queries: Vec<usize>,
    /// Of the pool for reading.
    reads: bool,
    binder: Binder,
    shape: Arc<Shape>,
    /// What begins its transaction, if it is one.
    begin: Option<Arc<str>>,
    /// The number of the query that tells its transaction the token's claims, if there is one.
    claims: Option<usize>,
    retries: u32,
    versions: Versions,
    bulkhead: Option<Bulkhead>,
}

/// Who knows which version of a thing there is before it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Versions {
    /// Nothing is written; the answer may tell.
    Read,
    /// The first row of this statement.
    Step(usize),
    /// A parameter has what the request says of it: the statements see to it.
    Own,
    /// Nobody.
    Unknown,
}

impl SqlEndpoint {
    pub(super) fn new(
        definition: &Definition,
        described: &Described,
        queries: Vec<usize>,
        binder: Binder,
        shape: Shape,
    ) -> SqlEndpoint {
        let directives = &definition.directives;
        let transaction = directives.transaction.as_ref().map(|said| &said.what);
        let is_more =
            transaction.is_some_and(|what| what.isolation.is_some() || what.read_only.is_some());
        let is_one = queries.len() > 1 || definition.operator == Operator::Bulk || is_more;
        let begin = transaction.map_or("begin".to_owned(), |transaction| transaction.begin());
        let concurrency = directives.concurrency.as_ref();
        SqlEndpoint {
            queries,
            reads: definition.reads(),
            binder,
            shape: Arc::new(shape),
            begin: is_one.then(|| begin.into()),
            claims: None,
            retries: transaction.map_or(0, |transaction| transaction.retries),
            versions: Versions::of(definition, described),
            bulkhead: concurrency.map(|said| Bulkhead::new(said.what)),
        }
    }

    /// Has this query of the pool tell the statements what the request's token says. That lasts for a transaction: it is
    /// one from now on.
    pub(super) fn tells_claims(mut self, query: Option<usize>) -> SqlEndpoint {
        self.claims = query;
        if query.is_some() {
            self.begin.get_or_insert_with(|| "begin".into());
        }
        self
    }

    /// Whether it is told which version there is before it writes.
    pub(super) fn guards(&self) -> bool {
        matches!(self.versions, Versions::Step(_))
    }

    async fn answer(&self, context: Context) -> anyhow::Result<Response> {
        let bound = self.binder.bind(&context)?;
        let limit = self.binder.text(&bound, LIMIT);
        let asked = self.shape.asked(&context.request, limit);
        let database = &context.service.database;
        let pool = match self.reads {
            true => &database.read,
            false => &database.write,
        };
        let pool = pool
            .as_ref()
            .ok_or_else(|| Problem::internal(anyhow::anyhow!("no pool for this endpoint")))?;
        let turn = match &self.bulkhead {
            Some(bulkhead) => bulkhead.enter(pool.clock()).await?,
            None => None,
        };
        let Some(call) = self.call(&context, &bound)? else {
            // An empty list: nothing to do.
            return Ok(self.shape.nothing_done());
        };
        let _span = context.span("db.query", pool.statement(call.query));
        let mut left = self.retries;
        loop {
            // Each of the two futures is small enough for the allocator's fast path (1 KiB); both in one would not be.
            let ran = Box::pin(self.run(pool, &call, &asked, &turn)).await;
            let problem = match ran {
                Ok(answered) => return Ok(answered),
                Err(problem) => self.blame(problem, &bound),
            };
            if left == 0 || !matches!(problem.code(), Some("40001" | "40P01")) {
                return Err(problem.into());
            }
            let pause = RETRY_FIRST * 2_u32.saturating_pow(self.retries - left);
            pool.clock()
                .sleep(pause.min(RETRY_LAST).mul_f64(0.5 + fastrand::f64() / 2.0))
                .await;
            left -= 1;
        }
    }

    /// What PostgreSQL is asked; nothing for an empty list.
    fn call(&self, context: &Context, bound: &Bound) -> Result<Option<Call>, Problem> {
        let condition = match self.versions {
            Versions::Read | Versions::Own => None,
            Versions::Step(step) => {
                let conditions = Conditions::of_writing(&context.request)?;
                (!conditions.is_empty()).then(|| conditions.guard(step))
            }
            Versions::Unknown if Conditions::of_writing(&context.request)?.is_empty() => None,
            Versions::Unknown => return Err(unknown()),
        };
        let mut objects = bound.objects.iter().cloned();
        let is_list = bound.statements.is_empty();
        let parameters = match bound.statements.last() {
            Some(last) => last.clone(),
            None => match objects.next() {
                Some(first) => first,
                None => return Ok(None),
            },
        };
        let [before @ .., query] = self.queries.as_slice() else {
            return Ok(None);
        };
        let claims = self.claims.map(|query| {
            let claims = context.claims.as_ref().map(|claims| claims.json().into());
            Step {
                query,
                parameters: Arc::new([Parameter(claims)]),
            }
        });
        let steps = before.iter().zip(&bound.statements);
        let steps = steps.map(|(query, parameters)| Step {
            query: *query,
            parameters: parameters.clone(),
        });
        let transaction = self.begin.as_ref().map(|begin| {
            Arc::new(Transaction {
                begin: begin.clone(),
                reads: self.reads,
                preface: claims,
                before: steps.collect(),
                condition,
                batch: is_list.then(|| objects.collect()),
            })
        });
        Ok(Some(Call {
            query: *query,
            parameters,
            request_id: context.request_id.shared(),
            transaction,
        }))
    }

    async fn run(
        &self,
        pool: &Pool,
        call: &Call,
        asked: &Asked<'_>,
        turn: &Turn,
    ) -> Result<Response, Problem> {
        let shape = &self.shape;
        if shape.may_stream() {
            let ran = pool.run_large(call, |outlet| shape.collector(asked, turn, Some(outlet)));
            return shape.answer_list(ran.await?, asked);
        }
        let ran = pool.run(call, || shape.collector(asked, turn, None)).await;
        shape.answer(ran?, asked)
    }

    /// Names the parameter whose text PostgreSQL could not read.
    fn blame(&self, problem: Problem, bound: &Bound) -> Problem {
        let cause = problem.cause();
        let db = cause
            .and_then(|cause| cause.downcast_ref::<tokio_postgres::Error>())
            .and_then(tokio_postgres::Error::as_db_error);
        let Some(db) = db.filter(|db| {
            ["22", "54"]
                .iter()
                .any(|class| db.code().code().starts_with(class))
        }) else {
            return problem;
        };
        let last = self.queries.len().saturating_sub(1);
        let (statement, object) = match cause.and_then(|cause| cause.downcast_ref()) {
            Some(Part::Preface) => return problem,
            Some(Part::Step(step)) => (*step, None),
            Some(Part::Element(index)) => (last, Some(*index)),
            None => (last, None),
        };
        let parameters = match object {
            Some(index) => bound.objects.get(index),
            None => bound.statements.get(statement),
        };
        let parameters: &[Parameter] = parameters.map_or(&[], |all| all);
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
        let invalid =
            number.and_then(|number| self.binder.blame(statement, number, object, pg::words(db)));
        match invalid {
            Some(invalid) => problem.with_invalid(vec![invalid]),
            None => problem,
        }
    }
}

impl Versions {
    fn of(definition: &Definition, described: &Described) -> Versions {
        if definition.method == Method::Get {
            return Versions::Read;
        }
        let is_condition = |place: &Option<Place>| match place {
            Some(Place::Header(name)) => ["if-match", "if-none-match"]
                .iter()
                .any(|condition| name.eq_ignore_ascii_case(condition)),
            _ => false,
        };
        let mut declarations = definition.declarations.iter();
        if declarations.any(|declaration| is_condition(&declaration.place)) {
            return Versions::Own;
        }
        let [before @ .., _] = described.statements.as_slice() else {
            return Versions::Unknown;
        };
        let tells = before
            .iter()
            .position(|statement| statement.columns.iter().any(|column| column.name == ETAG));
        tells.map_or(Versions::Unknown, Versions::Step)
    }
}

impl Endpoint for SqlEndpoint {
    fn call(&self, context: Context) -> Answer<'_> {
        Box::pin(self.answer(context))
    }
}
