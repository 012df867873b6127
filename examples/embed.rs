//! Rust handlers beside SQL files: what `peppercorn serve` does, as a program of your own.
//!
//! ```console
//! $ cargo run --example embed                        # the handlers alone: no database is needed
//! $ cargo run --example embed -- examples/exchange   # beside the SQL files of a folder
//! $ curl localhost:8080/hello/world
//! hello, world
//! $ curl localhost:8080/echo --data-binary @README.md
//! ```
//!
//! It takes the options of `peppercorn serve`, such as `--bind 127.0.0.1:8000`, and reads the same environment.

use std::env;
use std::iter;

use peppercorn::cli::{self, Parsed};
use peppercorn::config::Serve;
use peppercorn::observe::Logger;
use peppercorn::pg::{self, Cluster};
use peppercorn::process::Worker;
use peppercorn::runtime::Clock;
use peppercorn::{App, Context, Method, Problem, Response, StatusCode};

fn main() -> anyhow::Result<()> {
    // Events go through the `log` crate, so any logger will do; this is the binary's own.
    let _farewell = Logger::install(false);

    let words = iter::once("serve".into()).chain(env::args_os().skip(1));
    let args = match cli::parse(words).map_err(anyhow::Error::msg)? {
        Parsed::Run(args) => args,
        Parsed::Print(help) => {
            print!("{help}");
            return Ok(());
        }
    };
    let config = Serve::resolve(&args, &|name| env::var(name).ok())?;

    let clock = Clock::start()?;
    // From here on clients can connect. They are answered when the worker runs.
    let worker = Worker::bind(&config, &clock)?;
    if args.operand.is_none() {
        worker.run(handlers()?, &pg::Config::new())?;
        return Ok(());
    }

    // The database that the environment names, or a private one: the first thing started, the last stopped.
    let (database, cluster) = config.database.open(&config.directory, &clock)?;
    // HUP has it made again, from the files that are there then.
    let make = async move || {
        let app = handlers()?.authenticate(config.auth.verifier()?);
        let app = app.sql_dir(&config.directory, &database, &clock);
        Ok((app.await?, database.clone()))
    };
    let (app, database) = smol::block_on(make())?;
    worker.reload_with(make).run(app, &database)?;
    cluster.map_or(Ok(()), Cluster::stop)
}

fn handlers() -> anyhow::Result<App> {
    App::new()
        .route(Method::Get, "/hello/{name}", hello)?
        .route(Method::Post, "/echo", echo)
}

/// `GET /hello/{name}`: the values of a path's parameters come decoded.
async fn hello(context: Context) -> anyhow::Result<Response> {
    let name = context.path.get("name").unwrap_or_default();
    if name.chars().count() > 80 {
        // The client is told a `Problem`. Any other error is a 500 to it, and its cause is in the log.
        return Err(
            Problem::new(StatusCode::BadRequest, "a name has 80 characters at most").into(),
        );
    }
    Ok(Response::new(StatusCode::Ok)
        .with_header("Content-Type", "text/plain; charset=utf-8")
        .with_body(format!("hello, {name}\n")))
}

/// `POST /echo`: the body has arrived when a handler is called, decoded from its chunks and no larger than `--max-body`.
async fn echo(context: Context) -> anyhow::Result<Response> {
    Ok(Response::new(StatusCode::Ok)
        .with_header("Content-Type", "application/octet-stream")
        .with_body(context.request.into_body()))
}
