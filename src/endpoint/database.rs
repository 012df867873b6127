//! The connections that endpoints have, and the program's own queries on them.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::{anyhow, bail};
use tokio_postgres::Row;

use super::RequestId;
use crate::pg::{Call, Collect, Done, Parameter, Pool, Prepared, Step, Transaction};

/// What the rows of a query may come to, in bytes: they are held.
const MOST_BYTES: usize = 64 * 1024 * 1024;

/// Connections for reading and for writing, and what the program itself asks on them. A pool is absent where nobody needs
/// it. Whoever drops it closes them.
///
/// ```
/// use peppercorn::{Context, Database, Response};
///
/// async fn title(database: &Database, isbn: &str) -> anyhow::Result<Option<String>> {
///     let row = database.query("title").bind("isbn", isbn).row().await?;
///     Ok(row.map(|row| row.try_get("title")).transpose()?)
/// }
///
/// async fn book(context: Context) -> anyhow::Result<Response> {
///     let isbn = context.path.get("isbn").unwrap_or_default();
///     let title = title(&context.service.database, isbn).await?;
///     Ok(Response::text(title.unwrap_or_default()))
/// }
/// ```
pub struct Database {
    /// Connections with `default_transaction_read_only=on`: GET and HEAD.
    #[doc(hidden)]
    pub read: Option<Pool>,
    /// All other methods.
    #[doc(hidden)]
    pub write: Option<Pool>,
    /// Whether the two lead to different servers: one may be away while the other answers.
    #[doc(hidden)]
    pub reads_elsewhere: bool,
    /// The program's own.
    pub(crate) queries: Arc<Queries>,
}

/// The program's own queries by their names.
pub type Queries = HashMap<Arc<str>, Declared>;

/// A query of the program's own, as its pool has it.
#[derive(Debug)]
pub struct Declared {
    /// Whether it is one of the pool for reading.
    pub(crate) reads: bool,
    /// Its statements: the number in the pool, and the names of the parameters.
    pub(crate) statements: Vec<(usize, Vec<String>)>,
}

impl Database {
    /// For endpoints that ask none.
    #[doc(hidden)]
    pub fn none() -> Database {
        Database {
            read: None,
            write: None,
            reads_elsewhere: false,
            queries: Arc::default(),
        }
    }

    /// The pools there are.
    #[doc(hidden)]
    pub fn pools(&self) -> impl Iterator<Item = &Pool> {
        self.read.iter().chain(&self.write)
    }

    /// One of the program's own queries, for nobody's request; see [`Context::query`](super::Context::query).
    ///
    /// ```
    /// # async fn example(database: &peppercorn::Database) -> anyhow::Result<()> {
    /// let closed = database.query("close-markets").execute().await?;
    /// log::info!("{closed} markets are closed");
    /// # Ok(())
    /// # }
    /// ```
    pub fn query(&self, name: &str) -> NamedQuery<'_> {
        NamedQuery {
            found: self.queries.get(name).ok_or_else(|| name.to_owned()),
            database: self,
            request_id: Arc::from(""),
            values: Vec::new(),
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        self.pools().for_each(Pool::close);
    }
}

/// A query of the program's own that is about to be run; see [`Context::query`](super::Context::query).
///
/// # Errors
/// A name that no query has; a parameter without a value, or a value without a parameter: these are mistakes of the program.
/// What PostgreSQL refuses, and that it is away, is a [`Problem`](crate::Problem): a handler that passes it on answers as
/// an SQL file would, with a 409 for a key that is taken, a 503 where there is no database.
///
/// ```
/// use peppercorn::{App, Context, Response};
///
/// let app = App::new()
///     .read_query("stock", "select quantity from stock where isbn = :isbn")
///     .get("/stock/{isbn}", stock);
///
/// async fn stock(context: Context) -> anyhow::Result<Response> {
///     let isbn = context.path.get("isbn");
///     let row = context.query("stock").bind("isbn", isbn).row().await?;
///     let quantity: i32 = row.map_or(Ok(0), |row| row.try_get("quantity"))?;
///     Ok(Response::json(quantity.to_string()))
/// }
/// # assert!(app.api(None).is_ok());
/// ```
#[must_use = "it is run by `rows`, `row` or `execute`"]
pub struct NamedQuery<'a> {
    database: &'a Database,
    /// The name, where there is none.
    found: Result<&'a Declared, String>,
    request_id: Arc<str>,
    values: Vec<(String, Parameter)>,
}

impl NamedQuery<'_> {
    /// Gives the parameter `:name` a value: text, numbers, `bool`, JSON, lists of these, or `None` for null. It travels as
    /// text, which PostgreSQL reads as the type that the statement has the parameter of. What else there is, such as a
    /// time, is given as the text that PostgreSQL reads.
    ///
    /// ```
    /// # async fn example(context: &peppercorn::Context) -> anyhow::Result<()> {
    /// let row = context
    ///     .query("add-order") // values (:books, :price, :note, :placed_at)
    ///     .bind("books", vec!["9780141184340", "9780141187761"])
    ///     .bind("price", 12.5)
    ///     .bind("note", None::<&str>)
    ///     .bind("placed_at", "2018-07-24 16:30+02")
    ///     .row()
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn bind(mut self, name: &str, value: impl Into<Parameter>) -> Self {
        self.values.push((name.to_owned(), value.into()));
        self
    }

    /// Runs it: its rows, which are 64 MiB at most.
    ///
    /// # Errors
    /// See [`NamedQuery`].
    ///
    /// ```
    /// use peppercorn::{Context, Response};
    ///
    /// async fn titles(context: Context) -> anyhow::Result<Response> {
    ///     let author = context.path.get("author");
    ///     let rows = context.query("titles").bind("author", author).rows().await?;
    ///     let titles: Result<Vec<&str>, _> = rows.iter().map(|row| row.try_get("title")).collect();
    ///     Ok(Response::text(titles?.join("\n")))
    /// }
    /// ```
    pub async fn rows(self) -> anyhow::Result<Vec<Row>> {
        let done = self.run(usize::MAX).await?;
        Ok(done.collected.rows)
    }

    /// Runs it: its first row, if there is one.
    ///
    /// # Errors
    /// See [`NamedQuery`].
    ///
    /// ```
    /// use peppercorn::{Context, Problem, Response, StatusCode};
    ///
    /// async fn title(context: Context) -> anyhow::Result<Response> {
    ///     let row = context.query("title").bind("isbn", context.path.get("isbn")).row().await?;
    ///     let row = row.ok_or_else(|| Problem::new(StatusCode::NotFound, "there is no such book"))?;
    ///     Ok(Response::text(row.try_get::<_, String>("title")?))
    /// }
    /// ```
    pub async fn row(self) -> anyhow::Result<Option<Row>> {
        let mut done = self.run(1).await?;
        Ok(done.collected.rows.pop())
    }

    /// Runs it: how many rows were inserted, changed, deleted or selected.
    ///
    /// # Errors
    /// See [`NamedQuery`].
    ///
    /// ```
    /// use peppercorn::{Context, Response};
    ///
    /// async fn cancel_all(context: Context) -> anyhow::Result<Response> {
    ///     let market = context.path.get("market_id");
    ///     let cancelled = context.query("cancel-orders").bind("market", market).execute().await?;
    ///     Ok(Response::text(format!("{cancelled} orders are cancelled\n")))
    /// }
    /// ```
    pub async fn execute(self) -> anyhow::Result<u64> {
        Ok(self.run(0).await?.affected)
    }

    pub(super) fn for_request(self, id: &RequestId) -> Self {
        let request_id = id.shared();
        NamedQuery { request_id, ..self }
    }

    async fn run(self, most: usize) -> anyhow::Result<Done<Held>> {
        let (declared, call) = self.call()?;
        let pool = match declared.reads {
            true => &self.database.read,
            false => &self.database.write,
        };
        let pool = pool.as_ref().ok_or_else(|| anyhow!("there is no pool"))?;
        let held = || Held {
            rows: Vec::new(),
            most,
            bytes: 0,
        };
        Ok(pool.run(&call, held).await?)
    }

    fn call(&self) -> anyhow::Result<(&Declared, Call)> {
        let declared = match &self.found {
            Ok(declared) => *declared,
            Err(name) => bail!("there is no query {name}"),
        };
        for (given, _) in &self.values {
            let mut names = declared.statements.iter().flat_map(|(_, names)| names);
            if !names.any(|name| name == given) {
                bail!("the query has no parameter {given}");
            }
        }
        let mut steps = Vec::with_capacity(declared.statements.len());
        for (query, names) in &declared.statements {
            let values = names.iter().map(|name| self.value(name));
            steps.push(Step {
                query: *query,
                parameters: values.collect::<anyhow::Result<_>>()?,
            });
        }
        let last = steps.pop();
        let last = last.ok_or_else(|| anyhow!("the query has no statement"))?;
        let transaction = (!steps.is_empty()).then(|| {
            Arc::new(Transaction {
                begin: "begin".into(),
                reads: declared.reads,
                preface: None,
                before: steps,
                condition: None,
                batch: None,
            })
        });
        let call = Call {
            query: last.query,
            parameters: last.parameters,
            request_id: self.request_id.clone(),
            transaction,
        };
        Ok((declared, call))
    }

    fn value(&self, name: &str) -> anyhow::Result<Parameter> {
        let given = self.values.iter().rfind(|(given, _)| given == name);
        let given = given.map(|(_, value)| value.clone());
        given.ok_or_else(|| anyhow!("the query's parameter {name} has no value"))
    }
}

/// Rows as they came, up to so many.
struct Held {
    rows: Vec<Row>,
    most: usize,
    bytes: usize,
}

impl Collect for Held {
    fn row(&mut self, _: &Prepared, row: Row) -> anyhow::Result<()> {
        if self.rows.len() < self.most {
            self.bytes += row.raw_size_bytes();
            if self.bytes > MOST_BYTES {
                bail!("the result is larger than {MOST_BYTES} bytes");
            }
            self.rows.push(row);
        }
        Ok(())
    }
}
