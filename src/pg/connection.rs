//! One open connection of a pool: its prepared statements, and how a query runs on it.

use std::future::poll_fn;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use futures_lite::{StreamExt, future};
use http_types::StatusCode;
use tokio_postgres::error::SqlState;
use tokio_postgres::{CancelToken, Client, Row, RowStream};

use super::again::Again;
use super::connect::Origin;
use super::error;
use super::prepared::{Call, PrepareError, Prepared, Query};
use super::preparing::Session;
use super::transaction::{GivenUp, Part, Transaction};
use crate::error::Problem;
use crate::lock::lock;

/// How often a query's statements are prepared anew: tables may change again before it has run.
const PREPARE_TRIES: u32 = 3;

/// When a client should try again that met a connection about to be replaced.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// A statement as this connection has prepared it, or why it could not.
type Slot = Mutex<Result<Arc<Prepared>, Arc<PrepareError>>>;

/// An open connection with every statement of its pool prepared.
pub struct Connection {
    client: Client,
    origin: Origin,
    queries: Arc<[Query]>,
    purpose: Purpose,
    /// What surrounds a query by itself that must be kept from writing.
    around: Option<Transaction>,
    /// Parallel to `queries`. Locked for as long as it takes to clone an `Arc`.
    prepared: Box<[Slot]>,
}

/// What a connection is for, and whose its session is.
pub(super) struct Purpose {
    pub(super) session: Session,
    /// Whether it is meant for what writes.
    pub(super) writes: bool,
    /// What the program is called at PostgreSQL's end, if its requests are called something there: each query's is named
    /// behind it in `application_name` while it runs.
    pub(super) name: Option<String>,
}

impl Purpose {
    /// Whether each transaction has to say that it does not write, for the session cannot.
    pub(super) fn says_that_it_reads(&self) -> bool {
        self.session == Session::Lent && !self.writes
    }
}

/// Takes a result row by row, as it arrives.
pub trait Collect: Send + 'static {
    /// One more row. An error ends the collection; the rest of the result is read and thrown away.
    fn row(&mut self, prepared: &Prepared, row: Row) -> anyhow::Result<()>;

    /// Waits until another row may come, after each of them. As long as it does, PostgreSQL waits as well, and every
    /// query behind this one on its connection. Whoever ends the wait polls the query again; nobody is woken.
    fn poll_ready(&mut self) -> Poll<anyhow::Result<()>> {
        Poll::Ready(Ok(()))
    }

    /// That was the last row; so many were affected. A problem with that undoes what can be undone: a transaction.
    fn end(&mut self, affected: u64) -> Result<(), Problem> {
        let _ = affected;
        Ok(())
    }
}

/// A query that PostgreSQL has completed.
pub struct Done<C> {
    /// What took the rows.
    pub collected: C,
    /// Rows inserted, changed, deleted or selected.
    pub affected: u64,
}

impl Connection {
    /// Prepares all `queries`, pipelined: the whole set costs a few round trips. The connection's driver must be
    /// polled meanwhile.
    ///
    /// # Errors
    /// The connection's; what is wrong with a statement is kept until somebody needs that.
    pub(super) async fn prepare(
        client: Client,
        origin: Origin,
        queries: Arc<[Query]>,
        purpose: Purpose,
    ) -> Result<Connection, tokio_postgres::Error> {
        let session = purpose.session;
        let preparing = session.prepare(&client, &*queries);
        let prepared = session.apart(&client, preparing).await?;
        let slot = |result: Result<_, _>| Mutex::new(result.map(Arc::new).map_err(Arc::new));
        Ok(Connection {
            prepared: prepared.into_iter().map(slot).collect(),
            client,
            origin,
            queries,
            around: purpose.says_that_it_reads().then(Transaction::that_reads),
            purpose,
        })
    }

    /// The statement as prepared here.
    ///
    /// # Errors
    /// What kept it from being prepared.
    pub fn prepared(&self, query: usize) -> Result<Arc<Prepared>, Arc<PrepareError>> {
        lock(&self.prepared[query]).clone()
    }

    /// Whether it has ended: nothing that is asked now would be sent.
    pub fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// The server it was made to.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Identifies the backend to PostgreSQL, to cancel what it runs.
    pub fn cancel_token(&self) -> CancelToken {
        self.client.cancel_token()
    }

    /// A round trip: everything sent before it has been dealt with.
    pub async fn settle(&self) -> Result<(), tokio_postgres::Error> {
        self.client.check_connection().await
    }

    /// Breaks the connection off; its driver notices at once.
    pub fn kill(&self) {
        self.origin.kill();
    }

    /// What talks to PostgreSQL.
    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// What it is for.
    pub(super) fn purpose(&self) -> &Purpose {
        &self.purpose
    }

    /// Runs one call and gives its rows to `collect`.
    ///
    /// Once polled, it must be polled to its end: rows that nobody takes hold up the whole connection. That comes sooner
    /// for a transaction that is `given_up`. If nothing is put behind it, as it is `alone`, what has to be prepared again is.
    ///
    /// # Errors
    /// PostgreSQL's error; a statement that could not be prepared; a lost connection; what `collect` reports.
    pub(super) async fn run<C: Collect>(
        self: Arc<Self>,
        call: Call,
        alone: bool,
        given_up: GivenUp,
        mut collect: C,
    ) -> Result<Done<C>, Problem> {
        let mut prepared = 0;
        loop {
            let transaction = call.transaction.as_deref().or(self.around.as_ref());
            let attempted = match transaction {
                None => self.attempt(&call, &mut collect).await,
                // On the heap: queries on their own do not carry room for it.
                Some(transaction) => {
                    let attempt =
                        self.attempt_transaction(&call, transaction, &given_up, &mut collect);
                    Box::pin(attempt).await
                }
            };
            match attempted {
                Ok(affected) => {
                    return Ok(Done {
                        collected: collect,
                        affected,
                    });
                }
                // The error came before any row: nothing of the statement was done.
                Err(failure) if failure.asks_to_prepare(prepared) => {
                    if !alone {
                        return Err(Problem::internal(Again::Alone));
                    }
                    prepared += 1;
                    Box::pin(self.prepare_again(&call, &failure)).await;
                }
                Err(failure) => return Err(self.problem(failure)),
            }
        }
    }

    async fn attempt<C: Collect>(&self, call: &Call, collect: &mut C) -> Result<u64, Failure> {
        let prepared = self.usable(call.query)?;
        // On the heap for as long as it takes to be sent: with room for it in the query's own future, that one would be
        // too large for the allocator's fast path (1 KiB).
        let querying = Box::pin(prepared.query(&self.client, &call.parameters));
        let rows = match &self.purpose.name {
            None => querying.await?,
            Some(name) => {
                // Sent in one go, answered in order: it costs no round trip.
                let naming = name_request(name, &call.request_id);
                let naming = self.client.batch_execute(&naming);
                let (named, rows) = future::zip(naming, querying).await;
                named?;
                rows?
            }
        };
        let affected = collect_rows(&prepared, rows, collect).await?;
        collect.end(affected).map_err(Failure::Refused)?;
        Ok(affected)
    }

    /// A statement that can be run here.
    pub(super) fn usable(&self, query: usize) -> Result<Arc<Prepared>, Failure> {
        self.prepared(query).map_err(Failure::NotPrepared)
    }

    /// Prepares anew what a call needs.
    async fn prepare_again(&self, call: &Call, failure: &Failure) {
        if let Failure::Postgres(error) | Failure::Within(_, error) = failure
            && error.code() == Some(&SqlState::FEATURE_NOT_SUPPORTED)
        {
            // Types may have changed with the tables: an enum's new label. Not so where statements were forgotten: those
            // that look types up are among them, and tokio-postgres would not know.
            self.client.clear_type_cache();
        }
        let queries: Vec<usize> = call.queries().collect();
        let session = self.purpose.session;
        let preparing = session.prepare(
            &self.client,
            queries.iter().map(|query| &self.queries[*query]),
        );
        // Where the connection has ended, the next attempt says so.
        let prepared = session.apart(&self.client, preparing).await;
        for (query, prepared) in queries.iter().zip(prepared.into_iter().flatten()) {
            *lock(&self.prepared[*query]) = prepared.map(Arc::new).map_err(Arc::new);
        }
    }

    fn problem(&self, failure: Failure) -> Problem {
        match failure {
            Failure::Postgres(error) | Failure::Within(_, error)
                if self.purpose.writes
                    && error.code() == Some(&SqlState::READ_ONLY_SQL_TRANSACTION) =>
            {
                // It was the primary once, or is on its way out: another connection looks for the one that is now. Nothing
                // of the statement was done.
                self.kill();
                unavailable(anyhow::anyhow!(error).context("the server has become read-only"))
            }
            Failure::Postgres(error) => error::problem(error),
            Failure::Within(part, error) => error::problem_within(part, error),
            Failure::Collect(error) => Problem::internal(error),
            Failure::Refused(problem) => problem,
            Failure::NotPrepared(error) => not_prepared(error),
        }
    }
}

/// Gives a result's rows to `collect`: how many rows were affected.
pub(super) async fn collect_rows<C: Collect>(
    prepared: &Prepared,
    rows: RowStream,
    collect: &mut C,
) -> Result<u64, Failure> {
    let mut rows = std::pin::pin!(rows);
    let mut failure = None;
    let mut changed = None;
    let mut is_first = true;
    while let Some(row) = rows.next().await {
        let row = row?;
        if std::mem::replace(&mut is_first, false) {
            match prepared.of_changed(&row) {
                Ok(columns) => changed = columns,
                Err(error) => failure = Some(error.into()),
            }
        }
        if failure.is_none() {
            failure = collect
                .row(changed.as_deref().unwrap_or(prepared), row)
                .err();
        }
        if failure.is_none() {
            failure = poll_fn(|_| collect.poll_ready()).await.err();
        }
    }
    match failure {
        Some(error) => Err(Failure::Collect(error)),
        None => Ok(rows.rows_affected().unwrap_or(0)),
    }
}

/// Why an attempt came to nothing.
pub(super) enum Failure {
    Postgres(tokio_postgres::Error),
    /// The same, of a part of a transaction.
    Within(Part, tokio_postgres::Error),
    Collect(anyhow::Error),
    NotPrepared(Arc<PrepareError>),
    /// The transaction's condition does not hold, or its result is not what the answer is made of.
    Refused(Problem),
}

impl Failure {
    /// The same, where it is known in which part of a transaction it was.
    pub(super) fn within(part: Part, failure: Failure) -> Failure {
        match failure {
            Failure::Postgres(error) => Failure::Within(part, error),
            other => other,
        }
    }

    /// Whether preparing the statements anew may help, which has been done so often: what was missing when the connection was
    /// opened may be there by now, and what was there may have changed.
    fn asks_to_prepare(&self, done: u32) -> bool {
        match self {
            Failure::Postgres(error) | Failure::Within(_, error) => {
                done < PREPARE_TRIES && is_stale(error)
            }
            Failure::NotPrepared(_) => done == 0,
            Failure::Collect(_) | Failure::Refused(_) => false,
        }
    }
}

impl From<tokio_postgres::Error> for Failure {
    fn from(error: tokio_postgres::Error) -> Failure {
        Failure::Postgres(error)
    }
}

/// Whether the server forgot the statement (`DISCARD ALL`, a pooler) or may not run its old plan after DDL.
fn is_stale(error: &tokio_postgres::Error) -> bool {
    let Some(db) = error.as_db_error() else {
        return false;
    };
    match db.code().code() {
        "26000" => true,
        // 0A000 is any "not supported": only this routine's is about a cached plan.
        "0A000" => db.routine() == Some("RevalidateCachedQuery"),
        _ => false,
    }
}

/// PostgreSQL's own limit, in bytes; it cuts off what is longer.
const MOST_NAME_BYTES: usize = 63;

/// `set application_name to 'peppercorn 1b2c3d'`. Of a name that is too long the end is kept: that is the request's.
pub(super) fn name_request(program: &str, request_id: &str) -> String {
    let name = format!("{program} {request_id}");
    let start = name.len().saturating_sub(MOST_NAME_BYTES);
    let start = (start..=name.len()).find(|start| name.is_char_boundary(*start));
    let name = &name[start.unwrap_or(0)..];
    format!("set application_name to '{}'", name.replace('\'', "''"))
}

/// Whether the server has forgotten the statements that tokio-postgres looks types up with, and holds on to: nothing
/// but another connection helps.
fn is_forgetful(error: &PrepareError) -> bool {
    matches!(error, PrepareError::Postgres(error)
        if error.code() == Some(&SqlState::INVALID_SQL_STATEMENT_NAME))
}

fn unavailable(cause: anyhow::Error) -> Problem {
    Problem::unavailable("the database is not available", RETRY_AFTER).because(cause)
}

/// At start every statement was prepared: the schema has changed since, or the connection is not what it was.
fn not_prepared(error: Arc<PrepareError>) -> Problem {
    // Without a report from the server the connection itself failed; nothing of the statement was done.
    let lost = matches!(&*error, PrepareError::Postgres(error) if error.as_db_error().is_none());
    if lost || is_forgetful(&error) {
        return unavailable(Again::Elsewhere(error).into());
    }
    let code = match &*error {
        PrepareError::Postgres(error) => error.code().map(|code| code.code().to_owned()),
        PrepareError::Column(_) | PrepareError::Type(_) => None,
    };
    let problem = Problem::new(
        StatusCode::InternalServerError,
        "the server failed to answer this request",
    );
    let problem = match code {
        Some(code) => problem.with_code(code),
        None => problem,
    };
    problem.because(anyhow::anyhow!("the statement no longer prepares: {error}"))
}
