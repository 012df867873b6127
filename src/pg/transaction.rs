//! Several statements as one: what surrounds a call's own query, on a connection that it has to itself.
//!
//! Everything up to the query is sent in one go and answered in order, so a transaction that only reads costs one round
//! trip. One that writes is committed in another, once its rows have been looked at: what is wrong with them undoes it.

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use futures_lite::{StreamExt, future};
use tokio_postgres::RowStream;

use super::connection::{Collect, Connection, Failure, collect_rows, name_request};
use super::prepared::{Call, Parameter, Prepared};
use crate::error::Problem;

/// What surrounds a call's query.
pub struct Transaction {
    /// What begins it: `begin isolation level serializable`.
    pub begin: Arc<str>,
    /// Whether nothing is lost if it is committed whatever comes of its rows.
    pub reads: bool,
    /// What runs before the call's query, in order.
    pub before: Vec<Step>,
    /// What must hold for it to go on.
    pub condition: Option<Condition>,
    /// If the call's query is for the first object of a list: it runs again for each of these others, and rows are counted
    /// together.
    pub batch: Option<Vec<Arc<[Parameter]>>>,
}

/// A query whose rows nobody wants.
pub struct Step {
    /// Its number in the pool.
    pub query: usize,
    /// One per parameter of the statement.
    pub parameters: Arc<[Parameter]>,
}

/// What a step's first row must say.
pub struct Condition {
    /// Which of the steps.
    pub step: usize,
    /// Which of its columns, a text.
    pub column: &'static str,
    /// Judges it: `None` is no row, or a null.
    #[allow(clippy::type_complexity, reason = "it is what it says")]
    pub holds: Box<dyn Fn(Option<&str>) -> Result<(), Problem> + Send + Sync>,
}

impl fmt::Debug for Transaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transaction")
            .field("begin", &self.begin)
            .field("before", &self.before.len())
            .field("batch", &self.batch.as_ref().map(Vec::len))
            .finish_non_exhaustive()
    }
}

/// Queries of a batch that are under way at once: enough to keep PostgreSQL busy, few enough to hold their answers.
const WINDOW: usize = 64;

/// A future whose messages are on their way: it has been polled once.
struct Sent<'a, T> {
    future: Pin<Box<dyn Future<Output = T> + Send + 'a>>,
    early: Option<T>,
}

/// Sends what `future` sends first.
async fn send<'a, T>(future: impl Future<Output = T> + Send + 'a) -> Sent<'a, T> {
    let mut future: Pin<Box<dyn Future<Output = T> + Send + 'a>> = Box::pin(future);
    let early = future::poll_once(future.as_mut()).await;
    Sent { future, early }
}

impl<T> Sent<'_, T> {
    /// What comes of it.
    async fn done(self) -> T {
        match self.early {
            Some(done) => done,
            None => self.future.await,
        }
    }
}

/// A transaction that has begun; dropped before its end, it takes the connection with it: the next query there would be
/// inside of it.
struct Open<'a>(Option<&'a Connection>);

impl Open<'_> {
    fn ended(mut self) {
        self.0 = None;
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        if let Some(connection) = self.0 {
            connection.kill();
        }
    }
}

type Rows<'a> = Sent<'a, Result<RowStream, tokio_postgres::Error>>;

impl Connection {
    /// As [`Connection::attempt`], with what surrounds the query.
    pub(super) async fn attempt_transaction<C: Collect>(
        &self,
        call: &Call,
        transaction: &Transaction,
        collect: &mut C,
    ) -> Result<u64, Failure> {
        let steps = transaction.before.iter();
        let steps = steps.map(|step| Ok((self.usable(step.query)?, &step.parameters)));
        let steps: Vec<_> = steps.collect::<Result<_, Failure>>()?;
        let prepared = self.usable(call.query)?;
        let naming = match self.name() {
            Some(name) => {
                let naming = name_request(name, &call.request_id);
                Some(send(async move { self.client().batch_execute(&naming).await }).await)
            }
            None => None,
        };
        let open = Open(Some(self));
        let begun = send(self.client().batch_execute(&transaction.begin)).await;
        let mut sent = VecDeque::new();
        for (prepared, parameters) in &steps {
            sent.push_back(self.send(prepared, parameters).await);
        }
        // Sent at once where nothing is decided before.
        let own = match transaction.condition {
            None => Some(self.send(&prepared, &call.parameters).await),
            Some(_) => None,
        };
        let commit_early = transaction.reads && own.is_some();
        let commit = match commit_early {
            true => Some(send(self.client().batch_execute("commit")).await),
            false => None,
        };
        let worked = async {
            if let Some(naming) = naming {
                naming.done().await?;
            }
            begun.done().await?;
            for (index, (prepared, _)) in steps.iter().enumerate() {
                let rows = sent.pop_front().map(Sent::done);
                let Some(rows) = rows else { break };
                let condition = transaction.condition.as_ref();
                let condition = condition.filter(|condition| condition.step == index);
                let of_step = |failure| Failure::within(Part::Step(index), failure);
                let stepped = async { step(prepared, rows.await?, condition).await };
                stepped.await.map_err(of_step)?;
            }
            let own = match own {
                Some(own) => own,
                None => self.send(&prepared, &call.parameters).await,
            };
            let collected = async { collect_rows(&prepared, own.done().await?, collect).await };
            let affected = match &transaction.batch {
                None => collected.await?,
                Some(rest) => {
                    let of_first = |failure| Failure::within(Part::Element(0), failure);
                    collected.await.map_err(of_first)? + self.batch(&prepared, rest).await?
                }
            };
            collect.end(affected).map_err(Failure::Refused)?;
            Ok(affected)
        };
        let worked: Result<u64, Failure> = worked.await;
        // Rows that nobody takes would hold up what is sent behind them.
        drop(sent);
        let ended = match (commit, &worked) {
            // What has failed before it makes it a rollback.
            (Some(commit), _) => commit.done().await,
            (None, Ok(_)) => self.client().batch_execute("commit").await,
            (None, Err(_)) => self.client().batch_execute("rollback").await,
        };
        match (worked, ended) {
            (Ok(affected), Ok(())) => {
                open.ended();
                Ok(affected)
            }
            (Err(failure), Ok(())) => {
                open.ended();
                Err(failure)
            }
            // A commit that PostgreSQL refuses, by a deferred constraint for example, has ended it.
            (Ok(_), Err(error)) if error.as_db_error().is_some() => {
                open.ended();
                Err(error.into())
            }
            (Ok(_), Err(error)) => Err(error.into()),
            (Err(failure), Err(_)) => Err(failure),
        }
    }

    /// The rest of a batch; each query is sent before the answer to the one before has been read.
    async fn batch(&self, prepared: &Prepared, rest: &[Arc<[Parameter]>]) -> Result<u64, Failure> {
        let mut affected = 0;
        let mut under_way: VecDeque<(usize, Rows<'_>)> = VecDeque::new();
        let mut left = rest.iter().enumerate();
        loop {
            while under_way.len() < WINDOW
                && let Some((index, parameters)) = left.next()
            {
                under_way.push_back((index + 1, self.send(prepared, parameters).await));
            }
            let Some((index, rows)) = under_way.pop_front() else {
                return Ok(affected);
            };
            let done = async { drain(rows.done().await?).await };
            let of_element = |error| Failure::Within(Part::Element(index), error);
            affected += done.await.map_err(of_element)?;
        }
    }

    async fn send<'a>(&'a self, prepared: &'a Prepared, parameters: &'a [Parameter]) -> Rows<'a> {
        send(self.client().query_raw(&prepared.statement, parameters)).await
    }
}

/// Takes a step's rows, and judges the first of them if it is to be.
async fn step(
    prepared: &Prepared,
    rows: RowStream,
    condition: Option<&Condition>,
) -> Result<(), Failure> {
    let Some(condition) = condition else {
        drain(rows).await?;
        return Ok(());
    };
    let mut rows = std::pin::pin!(rows);
    let first = rows.try_next().await?;
    let columns = prepared.columns();
    let column = columns
        .iter()
        .position(|column| column.name() == condition.column);
    let value: Option<String> = match (&first, column) {
        (Some(row), Some(column)) => row.try_get(column)?,
        _ => None,
    };
    // Not to be asked again after its end.
    let mut more = first.is_some();
    while more {
        more = rows.try_next().await?.is_some();
    }
    (condition.holds)(value.as_deref()).map_err(Failure::Refused)
}

/// Reads a result to its end: how many rows were affected.
async fn drain(rows: RowStream) -> Result<u64, tokio_postgres::Error> {
    let mut rows = std::pin::pin!(rows);
    while rows.try_next().await?.is_some() {}
    Ok(rows.rows_affected().unwrap_or(0))
}

/// A part of a transaction, where what failed is not all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The step of this number.
    Step(usize),
    /// The object of this number in a list.
    Element(usize),
}

/// As the log has it: statements count from 1.
impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Part::Step(index) => write!(f, "statement {}", index + 1),
            Part::Element(index) => write!(f, "object {index} of the list"),
        }
    }
}
