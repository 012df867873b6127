//! What a program serves: [`App`] says it, [`Api`] answers requests.
//!
//! | module | what it is |
//! |---|---|
//! | `handler` | a Rust handler and its route |
//! | `api` | routes and what they lead to, agreed with a database; the whole request on one screen |
//! | `sql`, `own` | endpoints of SQL files; the program's own queries |
//! | `draft` | what answers in place of an endpoint that cannot be served |
//! | `routes` | which routes there are, and where they are answered |
//! | `answers` | answers of the program's own, and problems as answers |
//! | `cors` | which web pages may read answers |

mod answers;
mod api;
mod cors;
mod draft;
mod handler;
mod own;
mod routes;
mod sql;

use std::panic::Location;
use std::path::PathBuf;
use std::sync::Arc;

use http_types::Method;

use crate::auth::Verifier;
use crate::endpoint::Endpoint;
use crate::sql::{FileSource, OwnQuery};

pub use answers::{pong, refused, timed_out};
pub use api::{Api, METRICS, PING, Pools, READYZ};
pub use cors::{Caller, Cors, Origin, Preflight};
pub use handler::{Handler, Unasked};
pub use routes::{Conflict, Entrance, Routed};

/// Something around an endpoint.
type Wrapper = Arc<dyn Fn(Arc<dyn Endpoint>) -> Arc<dyn Endpoint> + Send + Sync>;

/// What a program serves: handlers, SQL files, and what they ask of the database. It is only said here; it is done by
/// [`main`](crate::main) or [`serve`](App::serve), which also say what is wrong with it.
///
/// ```no_run
/// use std::process::ExitCode;
///
/// use peppercorn::{App, Context, Response};
///
/// async fn hello(context: Context) -> anyhow::Result<Response> {
///     let name = context.path.get("name").unwrap_or_default();
///     Ok(Response::text(format!("hello, {name}\n")))
/// }
///
/// fn main() -> ExitCode {
///     peppercorn::main(App::new().sql_dir("sql").get("/hello/{name}", hello))
/// }
/// ```
#[derive(Clone, Default)]
#[must_use = "nothing is served before `peppercorn::main` or `serve`"]
pub struct App {
    title: Option<String>,
    handlers: Vec<Handler>,
    wrappers: Vec<Wrapper>,
    queries: Vec<OwnQuery>,
    files: FileSource,
}

impl App {
    /// One that answers `/ping`, `/readyz` and `/metrics`.
    ///
    /// ```
    /// use peppercorn::{App, Response};
    ///
    /// let app = App::new().get("/books", |_| async { Ok(Response::json("[]")) });
    /// # assert!(app.api(None).is_ok());
    /// ```
    pub fn new() -> App {
        App::default()
    }

    /// What the API is called in its OpenAPI document: the name of the folder of SQL files if nobody says.
    ///
    /// ```
    /// use peppercorn::App;
    ///
    /// let app = App::new().title("Book shop").sql_dir("sql");
    /// ```
    pub fn title(mut self, title: impl Into<String>) -> App {
        self.title = Some(title.into());
        self
    }

    /// Answers GET, and HEAD, at a path such as `/hello/{name}`.
    ///
    /// # Panics
    /// When the path is none, as [`Handler::new`].
    ///
    /// ```
    /// use peppercorn::{App, Context, Response};
    ///
    /// async fn book(context: Context) -> anyhow::Result<Response> {
    ///     let isbn = context.path.get("isbn").unwrap_or_default();
    ///     Ok(Response::text(format!("the book {isbn}\n")))
    /// }
    ///
    /// let app = App::new().get("/books/{isbn}", book);
    /// # assert!(app.api(None).is_ok());
    /// ```
    #[track_caller]
    pub fn get(self, path: &str, endpoint: impl Endpoint) -> App {
        self.handler(Handler::new(Method::Get, path, endpoint))
    }

    /// Answers POST at a path.
    ///
    /// # Panics
    /// As [`App::get`].
    ///
    /// ```
    /// use peppercorn::{App, Context, Response, StatusCode};
    ///
    /// async fn order(context: Context) -> anyhow::Result<Response> {
    ///     let order: serde_json::Value = context.json()?;
    ///     let id = context.query("add-order").bind("book", &order["book"]).row().await?;
    ///     let id: Option<i32> = id.map(|row| row.try_get("id")).transpose()?;
    ///     let location = format!("/orders/{}", id.unwrap_or_default());
    ///     Ok(Response::new(StatusCode::Created).with_header("Location", location))
    /// }
    ///
    /// let app = App::new()
    ///     .write_query("add-order", "insert into orders (book) values (:book) returning id")
    ///     .post("/orders", order);
    /// # assert!(app.api(None).is_ok());
    /// ```
    #[track_caller]
    pub fn post(self, path: &str, endpoint: impl Endpoint) -> App {
        self.handler(Handler::new(Method::Post, path, endpoint))
    }

    /// Answers PUT at a path.
    ///
    /// # Panics
    /// As [`App::get`].
    ///
    /// ```
    /// use peppercorn::{App, Context, Response, StatusCode};
    ///
    /// async fn set_price(context: Context) -> anyhow::Result<Response> {
    ///     let isbn = context.path.get("isbn");
    ///     let price: f64 = context.json()?;
    ///     context.query("set-price").bind("isbn", isbn).bind("price", price).execute().await?;
    ///     Ok(Response::new(StatusCode::NoContent))
    /// }
    ///
    /// let app = App::new()
    ///     .write_query("set-price", "update books set price = :price where isbn = :isbn")
    ///     .put("/books/{isbn}/price", set_price);
    /// # assert!(app.api(None).is_ok());
    /// ```
    #[track_caller]
    pub fn put(self, path: &str, endpoint: impl Endpoint) -> App {
        self.handler(Handler::new(Method::Put, path, endpoint))
    }

    /// Answers PATCH at a path.
    ///
    /// # Panics
    /// As [`App::get`].
    ///
    /// ```
    /// use peppercorn::{App, Context, Problem, Response, StatusCode};
    ///
    /// async fn amend(context: Context) -> anyhow::Result<Response> {
    ///     let change: serde_json::Value = context.json()?;
    ///     match change["quantity"].as_u64() {
    ///         Some(quantity) => Ok(Response::text(format!("{quantity} it is\n"))),
    ///         None => Err(Problem::new(StatusCode::BadRequest, "only the quantity can be changed").into()),
    ///     }
    /// }
    ///
    /// let app = App::new().patch("/orders/{order_id}", amend);
    /// # assert!(app.api(None).is_ok());
    /// ```
    #[track_caller]
    pub fn patch(self, path: &str, endpoint: impl Endpoint) -> App {
        self.handler(Handler::new(Method::Patch, path, endpoint))
    }

    /// Answers DELETE at a path.
    ///
    /// # Panics
    /// As [`App::get`].
    ///
    /// ```
    /// use peppercorn::{App, Context, Problem, Response, StatusCode};
    ///
    /// async fn cancel(context: Context) -> anyhow::Result<Response> {
    ///     let id = context.path.get("order_id");
    ///     match context.query("cancel-order").bind("id", id).execute().await? {
    ///         0 => Err(Problem::new(StatusCode::NotFound, "there is no such order").into()),
    ///         _ => Ok(Response::new(StatusCode::NoContent)),
    ///     }
    /// }
    ///
    /// let app = App::new()
    ///     .write_query("cancel-order", "delete from orders where id = :id")
    ///     .delete("/orders/{order_id}", cancel);
    /// # assert!(app.api(None).is_ok());
    /// ```
    #[track_caller]
    pub fn delete(self, path: &str, endpoint: impl Endpoint) -> App {
        self.handler(Handler::new(Method::Delete, path, endpoint))
    }

    /// Answers by a handler of which there is more to say than its route.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use peppercorn::{App, Handler, Method, Response};
    ///
    /// let odds = Handler::new(Method::Get, "/odds", |_| async { Ok(Response::json("{}")) });
    /// let app = App::new().handler(odds.within(Duration::from_secs(2)));
    /// # assert!(app.api(None).is_ok());
    /// ```
    pub fn handler(mut self, handler: Handler) -> App {
        self.handlers.push(handler);
        self
    }

    /// Puts something around every endpoint, of handlers and of SQL files: what is put there last is outermost. What it
    /// raises is reported like what an endpoint raises. Whether a request has the token that its endpoint asks for is found
    /// out inside of it.
    ///
    /// ```
    /// use std::sync::Arc;
    ///
    /// use peppercorn::{Answer, App, Context, Endpoint};
    ///
    /// /// Says in every answer how long it took.
    /// struct Timed(Arc<dyn Endpoint>);
    ///
    /// impl Endpoint for Timed {
    ///     fn call(&self, context: Context) -> Answer<'_> {
    ///         Box::pin(async move {
    ///             let start = std::time::Instant::now();
    ///             let response = self.0.call(context).await?;
    ///             let took = format!("app;dur={}", start.elapsed().as_millis());
    ///             Ok(response.with_header("Server-Timing", took))
    ///         })
    ///     }
    /// }
    ///
    /// let app = App::new().wrap(Timed);
    /// ```
    pub fn wrap<E: Endpoint>(
        mut self,
        wrapper: impl Fn(Arc<dyn Endpoint>) -> E + Send + Sync + 'static,
    ) -> App {
        self.wrappers
            .push(Arc::new(move |inner| Arc::new(wrapper(inner))));
        self
    }

    /// Serves the SQL files below this directory. A directory that is named on the command line takes its place.
    ///
    /// ```no_run
    /// use std::process::ExitCode;
    ///
    /// use peppercorn::App;
    ///
    /// /// What `peppercorn serve books` does; `shop serve elsewhere` serves another folder.
    /// fn main() -> ExitCode {
    ///     peppercorn::main(App::new().sql_dir("books"))
    /// }
    /// ```
    pub fn sql_dir(mut self, directory: impl Into<PathBuf>) -> App {
        self.files = FileSource::Below(directory.into());
        self
    }

    /// Serves SQL files that are part of the program; [`include_sql!`](crate::include_sql) makes the list, of paths and
    /// texts. `schema.sql` among them fills a new private PostgreSQL.
    ///
    /// ```standalone_crate
    /// use peppercorn::{App, include_sql};
    ///
    /// let app = App::new().sql_files(include_sql!["../../examples/exchange/trades.sql"]);
    /// ```
    pub fn sql_files(mut self, files: &[(&str, &str)]) -> App {
        self.files = FileSource::compiled(files);
        self
    }

    /// Names a query of the program's own that only reads, for [`Context::query`](crate::Context::query). Parameters are
    /// named as in SQL files, `:code`. It is prepared on every connection, and checked against the database at the start.
    /// Several statements with `;` between them are one transaction; the last one's rows are the result.
    ///
    /// It runs on connections with `default_transaction_read_only`, which can be a replica's.
    ///
    /// # Panics
    /// When the text is no statement: a string without an end, say. A name that is taken.
    ///
    /// ```
    /// use peppercorn::App;
    ///
    /// let app = App::new().read_query("greeting", "select greeting from language where code = :code");
    /// ```
    #[track_caller]
    pub fn read_query(self, name: &str, sql: &str) -> App {
        self.query(name, sql, true)
    }

    /// The same for a query that writes.
    ///
    /// # Panics
    /// As [`App::read_query`].
    ///
    /// ```
    /// use peppercorn::App;
    ///
    /// let app = App::new().write_query(
    ///     "settle",
    ///     "update markets set settled_at = now() where id = :market;
    ///      delete from orders where market_id = :market returning id",
    /// );
    /// ```
    #[track_caller]
    pub fn write_query(self, name: &str, sql: &str) -> App {
        self.query(name, sql, false)
    }

    #[track_caller]
    fn query(mut self, name: &str, sql: &str, reads: bool) -> App {
        let place = Location::caller().to_string();
        assert!(
            self.queries.iter().all(|query| query.name() != name),
            "the query {name} is there twice"
        );
        match OwnQuery::new(name, sql, reads, &place) {
            Ok(query) => self.queries.push(query),
            Err(finding) => panic!("{finding}"),
        }
        self
    }

    /// Where its SQL files are.
    pub(crate) fn files(&self) -> &FileSource {
        &self.files
    }

    /// What it asks for itself.
    pub(crate) fn queries(&self) -> &[OwnQuery] {
        &self.queries
    }

    /// What its API is called, whose files are these.
    pub(crate) fn title_for(&self, files: &FileSource) -> String {
        self.title.clone().unwrap_or_else(|| files.title())
    }

    /// What answers requests, without the SQL files so far. `verifier`: whose tokens are taken.
    ///
    /// # Errors
    /// A route that is taken; a handler that asks for a token where there is no key to verify it with.
    #[doc(hidden)]
    pub fn api(&self, verifier: Option<Verifier>) -> anyhow::Result<Api> {
        let mut api = Api::new(verifier, self.wrappers.clone());
        for handler in &self.handlers {
            api.handler(handler)?;
        }
        Ok(api)
    }
}
