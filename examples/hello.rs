//! The smallest program with handlers of its own: what `peppercorn serve` does, without a database.
//!
//! ```console
//! $ cargo run --example hello -- serve
//! $ curl localhost:8080/hello/world
//! hello, world
//! $ curl localhost:8080/echo --data-binary @README.md
//! ```
//!
//! It has all commands and options of `peppercorn`: `serve --workers 2`, `openapi`, `bench`. Named on the command line, a
//! folder of SQL files is served beside the handlers: `serve examples/exchange`. `embed.rs` shows the rest.

use std::process::ExitCode;

use peppercorn::{App, Context, Problem, Response, StatusCode};

fn main() -> ExitCode {
    peppercorn::main(App::new().get("/hello/{name}", hello).post("/echo", echo))
}

/// `GET /hello/{name}`: the values of a path's parameters come decoded.
async fn hello(context: Context) -> anyhow::Result<Response> {
    let name = context.path.get("name").unwrap_or_default();
    if name.chars().count() > 80 {
        // The client is told a `Problem`. Any other error is a 500 to it, and its cause is in the log.
        let detail = "a name has 80 characters at most";
        return Err(Problem::new(StatusCode::BadRequest, detail).into());
    }
    Ok(Response::text(format!("hello, {name}\n")))
}

/// `POST /echo`: the body has arrived when a handler is called, decoded from its chunks and no larger than `--max-body`.
async fn echo(context: Context) -> anyhow::Result<Response> {
    Ok(Response::new(StatusCode::Ok)
        .with_header("Content-Type", "application/octet-stream")
        .with_body(context.request.into_body()))
}
