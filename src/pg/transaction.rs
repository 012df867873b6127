//! Several statements as one: what surrounds a call's own query, on a connection that it has to itself.
//!
//! One that only reads is sent in one go and answered in order: a single round trip. One that writes takes three. It has
//! begun before anything else is sent, since what runs outside of a transaction that did not begin could not be undone;
//! and it is committed once its rows have been looked at: what is wrong with them undoes it.

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::anyhow;
use futures_lite::{StreamExt, future};
use tokio_postgres::RowStream;

use super::connection::{Collect, Connection, Failure, collect_rows, name_request};
use super::parameter::Parameter;
use super::prepared::{Call, Prepared};
use crate::error::Problem;

/// What surrounds a call's query.
pub struct Transaction {
    /// What begins it: `begin isolation level serializable`.
    pub begin: Arc<str>,
    /// Whether nothing is lost if it is committed whatever comes of its rows.
    pub reads: bool,
    /// What runs first, and is none of the steps.
    pub preface: Option<Step>,
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

/// How a transaction begins that does not write.
const READ_ONLY: &str = " read only";

impl Transaction {
    /// Around one query, to keep it from writing.
    pub(super) fn that_reads() -> Transaction {
        Transaction {
            begin: format!("begin{READ_ONLY}").into(),
            reads: true,
            preface: None,
            before: Vec::new(),
            condition: None,
            batch: None,
        }
    }
}

impl fmt::Debug for Transaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transaction")
            .field("begin", &self.begin)
            .field("preface", &self.preface.is_some())
            .field("before", &self.before.len())
            .field("batch", &self.batch.as_ref().map(Vec::len))
            .finish_non_exhaustive()
    }
}

/// Queries of a batch that are under way at once: enough to keep PostgreSQL busy, few enough to hold their answers.
const WINDOW: usize = 64;

/// Whether nobody waits for a transaction any more. Cancelling reaches what has been sent: nothing else may be sent then.
#[derive(Clone, Debug)]
pub(super) struct GivenUp(Option<Arc<AtomicBool>>);

impl GivenUp {
    /// Of a call that somebody waits for; of one that is no transaction it is not asked.
    pub(super) fn not_yet(call: &Call) -> GivenUp {
        GivenUp(call.transaction.is_some().then(Arc::default))
    }

    /// Whether it is of a transaction.
    pub(super) fn is_transaction(&self) -> bool {
        self.0.is_some()
    }

    /// Nobody does.
    pub(super) fn set(&self) {
        if let Some(given_up) = &self.0 {
            given_up.store(true, Ordering::Release);
        }
    }

    /// That somebody does.
    fn check(&self) -> Result<(), Failure> {
        let given_up = self.0.as_ref();
        match given_up.is_some_and(|given_up| given_up.load(Ordering::Acquire)) {
            true => Err(Failure::Refused(Problem::internal(anyhow!(
                "nobody waits for the transaction any more"
            )))),
            false => Ok(()),
        }
    }
}

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
type Commit<'a> = Sent<'a, Result<(), tokio_postgres::Error>>;

/// A call that is a transaction, with its statements as a connection has prepared them.
struct Work<'a> {
    connection: &'a Connection,
    begin: Arc<str>,
    steps: Vec<(Part, Arc<Prepared>, &'a [Parameter])>,
    prepared: Arc<Prepared>,
    call: &'a Call,
    transaction: &'a Transaction,
    given_up: &'a GivenUp,
}

impl Connection {
    /// As [`Connection::attempt`], with what surrounds the query.
    pub(super) async fn attempt_transaction<C: Collect>(
        &self,
        call: &Call,
        transaction: &Transaction,
        given_up: &GivenUp,
        collect: &mut C,
    ) -> Result<u64, Failure> {
        let preface = transaction.preface.iter().map(|step| (Part::Preface, step));
        let steps = transaction.before.iter().enumerate();
        let steps = steps.map(|(index, step)| (Part::Step(index), step));
        let steps = preface
            .chain(steps)
            .map(|(part, step)| Ok((part, self.usable(step.query)?, &*step.parameters)));
        let mut begin = transaction.begin.clone();
        if self.purpose().says_that_it_reads() && !begin.ends_with(READ_ONLY) {
            begin = format!("{begin}{READ_ONLY}").into();
        }
        if let Some(name) = &self.purpose().name {
            let naming = name_request(name, &call.request_id);
            begin = format!("{begin}; {naming}").into();
        }
        let work = Work {
            connection: self,
            begin,
            steps: steps.collect::<Result<_, Failure>>()?,
            prepared: self.usable(call.query)?,
            call,
            transaction,
            given_up,
        };
        let open = Open(Some(self));
        let mut commit = None;
        let worked = work.run(collect, &mut commit).await;
        let client = self.client();
        let ended = match (commit, &worked) {
            // What has failed before it makes it a rollback.
            (Some(commit), _) => commit.done().await,
            (None, Ok(_)) => client.batch_execute("commit").await,
            (None, Err(_)) => client.batch_execute("rollback").await,
        };
        let Err(error) = ended else {
            open.ended();
            return worked;
        };
        // Refused, by a deferred constraint for example, it has ended the transaction; cancelled, it may not have.
        if error.as_db_error().is_some() && client.batch_execute("rollback").await.is_ok() {
            open.ended();
        }
        Err(worked.err().unwrap_or(error.into()))
    }

    async fn send<'a>(&'a self, prepared: &'a Prepared, parameters: &'a [Parameter]) -> Rows<'a> {
        send(prepared.query(self.client(), parameters)).await
    }
}

impl<'a> Work<'a> {
    /// All of it but its end, which is `commit` if that has been sent already. When it returns, rows that nobody takes are
    /// no longer waited for: they would hold up what is sent behind them.
    async fn run<C: Collect>(
        &'a self,
        collect: &mut C,
        commit: &mut Option<Commit<'a>>,
    ) -> Result<u64, Failure> {
        let Work {
            connection,
            prepared,
            transaction,
            ..
        } = self;
        let condition = transaction.condition.as_ref();
        let at_once = transaction.reads && condition.is_none();
        let mut begun = Some(send(connection.client().batch_execute(&self.begin)).await);
        if !at_once && let Some(begun) = begun.take() {
            begun.done().await?;
            self.given_up.check()?;
        }
        let mut sent = VecDeque::new();
        for (_, prepared, parameters) in &self.steps {
            sent.push_back(connection.send(prepared, parameters).await);
        }
        // Not sent while it is open whether it may run.
        let own = match condition {
            None => Some(connection.send(prepared, &self.call.parameters).await),
            Some(_) => None,
        };
        if at_once {
            *commit = Some(send(connection.client().batch_execute("commit")).await);
        }
        if let Some(begun) = begun {
            begun.done().await?;
        }
        for (part, prepared, _) in &self.steps {
            let Some(rows) = sent.pop_front() else { break };
            let condition = condition.filter(|condition| Part::Step(condition.step) == *part);
            let stepped = async { step(prepared, rows.done().await?, condition).await };
            let of_step = |failure| Failure::within(*part, failure);
            stepped.await.map_err(of_step)?;
        }
        let own = match own {
            Some(own) => own,
            None => {
                self.given_up.check()?;
                connection.send(prepared, &self.call.parameters).await
            }
        };
        let collected = async { collect_rows(prepared, own.done().await?, collect).await };
        let affected = match &transaction.batch {
            None => collected.await?,
            Some(rest) => {
                let of_first = |failure| Failure::within(Part::Element(0), failure);
                collected.await.map_err(of_first)? + self.rest(rest).await?
            }
        };
        collect.end(affected).map_err(Failure::Refused)?;
        self.given_up.check()?;
        Ok(affected)
    }

    /// The rest of a batch; each query is sent before the answer to the one before has been read.
    async fn rest(&self, rest: &[Arc<[Parameter]>]) -> Result<u64, Failure> {
        let mut affected = 0;
        let mut under_way: VecDeque<(usize, Rows<'_>)> = VecDeque::new();
        let mut left = rest.iter().enumerate();
        loop {
            while under_way.len() < WINDOW
                && let Some((index, parameters)) = left.next()
            {
                self.given_up.check()?;
                under_way.push_back((
                    index + 1,
                    self.connection.send(&self.prepared, parameters).await,
                ));
            }
            let Some((index, rows)) = under_way.pop_front() else {
                return Ok(affected);
            };
            let done = async { drain(rows.done().await?).await };
            let of_element = |error| Failure::Within(Part::Element(index), error);
            affected += done.await.map_err(of_element)?;
        }
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
    // After its end a result is not asked for more.
    while first.is_some() && rows.try_next().await?.is_some() {}
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
    /// What runs before the steps.
    Preface,
    /// The step of this number.
    Step(usize),
    /// The object of this number in a list.
    Element(usize),
}

/// As the log has it: statements count from 1, as they are in their file.
impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Part::Preface => f.write_str("what comes before the statements"),
            Part::Step(index) => write!(f, "statement {}", index + 1),
            Part::Element(index) => write!(f, "object {index} of the list"),
        }
    }
}
