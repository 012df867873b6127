//! An application beside others in one process: served on an executor that is there already.

use std::future::Future;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use anyhow::bail;

use super::serve::build;
use super::{needs_database, variable};
use crate::app::App;
use crate::cli::{Args, Command};
use crate::config::{DatabaseSource, Serve};
use crate::endpoint::{Database, RequestId, Service};
use crate::http::{Request, Response};
use crate::process::{Place, Worker};
use crate::runtime::{Clock, Drain, Layout};
use crate::server::{Entrance, Listener};
use crate::sql;

impl App {
    /// Answers one request here and now, without sockets, SQL files and a database: for tests of handlers.
    ///
    /// # Errors
    /// As [`App::serve`], and what the system refuses. What the handler raises is an answer.
    ///
    /// ```
    /// use peppercorn::{App, Context, Method, Request, Response, StatusCode};
    ///
    /// async fn hello(context: Context) -> anyhow::Result<Response> {
    ///     let name = context.path.get("name").unwrap_or_default();
    ///     Ok(Response::text(format!("hello, {name}")))
    /// }
    ///
    /// # fn main() -> anyhow::Result<()> {
    /// let app = App::new().get("/hello/{name}", hello);
    /// let ask = |target| smol::block_on(app.respond(Request::new(Method::Get, target)));
    /// assert_eq!(ask("/hello/world")?.body().as_bytes(), b"hello, world");
    /// assert_eq!(ask("/nowhere")?.status(), StatusCode::NotFound);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn respond(&self, request: Request) -> anyhow::Result<Response> {
        let (api, clock) = (self.api(None)?, Clock::start()?);
        let service = Service::new(Database::none(), &clock, Drain::new(&clock));
        let routed = api.route_of(Entrance::Public, &request);
        let id = RequestId::new(request.header(RequestId::HEADER));
        Ok(api
            .respond(routed, request, id, None, &Arc::new(service))
            .await)
    }

    /// Serves on `listener`, a TCP or UNIX socket of std, until `shutdown` is done; then finishes the requests in flight. It
    /// runs on whichever executor polls it, smol's or another's, as one task.
    ///
    /// Settings are those of the environment, `PEPPERCORN_…`, except for what concerns addresses, workers and threads. So is
    /// the database: with SQL in the application `DATABASE_URL`, or one of the `PG…` variables, must be there. Nothing is done
    /// about signals and logging: these are the program's.
    ///
    /// # Errors
    /// A setting that cannot be; SQL files that are wrong, a route that is taken, no database to check them against; a
    /// socket that does not listen; what the system refuses.
    ///
    /// ```
    /// use std::net::TcpListener;
    ///
    /// use peppercorn::{App, Context, Response};
    ///
    /// async fn hello(_: Context) -> anyhow::Result<Response> {
    ///     Ok(Response::text("hello\n"))
    /// }
    ///
    /// # fn main() -> anyhow::Result<()> {
    /// let listener = TcpListener::bind("127.0.0.1:0")?;
    /// let url = format!("http://{}/hello", listener.local_addr()?);
    /// let (stop, stopped) = smol::channel::bounded::<()>(1);
    /// let serving = App::new().get("/hello", hello).serve(listener, async move {
    ///     let _closed = stopped.recv().await;
    /// });
    /// let asking = async {
    ///     let client = peppercorn::client::Client::start()?;
    ///     let answer = client.get(&url).send().await;
    ///     stop.close();
    ///     anyhow::Ok(answer?.text()?.to_owned())
    /// };
    /// let (served, answer) = smol::block_on(futures_lite::future::zip(serving, asking));
    /// served?;
    /// assert_eq!(answer?, "hello\n");
    /// # Ok(())
    /// # }
    /// ```
    pub async fn serve(
        self,
        listener: impl Into<OwnedFd>,
        shutdown: impl Future<Output = ()>,
    ) -> anyhow::Result<()> {
        let args = Args {
            command: Command::Serve,
            operand: None,
            options: Vec::new(),
        };
        let mut config = Serve::resolve(&args, &variable, self.files())?;
        // One task: nothing is to be spread.
        config.layout = Layout::default();
        config.reload = false;
        let folder = sql::define(config.files.read()?)?;
        let settings = match &config.database {
            DatabaseSource::Private(_) if needs_database(&self, &config.files) => {
                bail!("there is no database: set DATABASE_URL")
            }
            database => database.running(),
        };
        let verifier = config.auth.verifier()?;
        let listener = Listener::adopt(listener.into(), Entrance::Public)?;
        let clock = Clock::start()?;
        let worker = Worker::new(&config, Place::listening(listener)?, &clock)?;
        let api = build(&self, &config, Some(folder), verifier, &settings, &clock).await?;
        worker.serve_until(api, &settings, shutdown).await?;
        Ok(())
    }
}
