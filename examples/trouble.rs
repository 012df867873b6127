//! Handlers that fail, panic and block, and what is said of them.
//!
//! ```console
//! $ cargo run --example trouble -- serve &
//! $ curl localhost:8080/fail
//! {"type":"about:blank","title":"Internal Server Error","status":500,…,"request_id":"7a1e…"}
//! error: GET /fail failed: cannot read the report: no such file (request 7a1e…)
//! $ curl localhost:8080/panic
//! error: GET /panic panicked at examples/trouble.rs:66:5: there is no report number 7 (request 03bc…)
//! $ curl localhost:8080/block
//! error: GET /block holds up the thread main, for 0.062 s so far: it waits in …nanosleep… < trouble::block…
//! warning: GET /block held up its thread for 0.2 s: nothing else was answered there meanwhile
//! $ curl localhost:8080/unblock      # takes as long, and holds up nobody
//! $ curl localhost:8080/detach
//! error: the thread smol-1 panicked at examples/trouble.rs:83:25: nobody waits for this
//! ```
//!
//! With `SENTRY_DSN` set, Sentry is told too, with stacks; the client learns what Sentry calls it, `event_id`.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use peppercorn::{App, Context, Response, StatusCode};

/// What the slow handlers take.
const SLOW: Duration = Duration::from_millis(200);

fn main() -> ExitCode {
    let app = App::new()
        .get("/fail", fail)
        .get("/panic", panic)
        .get("/block", block)
        .get("/unblock", unblock)
        .get("/detach", detach);
    peppercorn::main(app)
}

/// `GET /fail`: the client is told that something went wrong, the log and Sentry what.
async fn fail(_: Context) -> anyhow::Result<Response> {
    Err(anyhow::anyhow!("no such file")).context("cannot read the report")
}

/// `GET /panic`: no more than an error of one request.
async fn panic(_: Context) -> anyhow::Result<Response> {
    panic!("there is no report number {}", 7);
}

/// `GET /block`: what waits without `await`, or computes for long, holds up every other request of its thread.
async fn block(_: Context) -> anyhow::Result<Response> {
    std::thread::sleep(SLOW);
    Ok(Response::new(StatusCode::NoContent))
}

/// `GET /unblock`: the cure.
async fn unblock(context: Context) -> anyhow::Result<Response> {
    context.unblock(|| std::thread::sleep(SLOW)).await;
    Ok(Response::new(StatusCode::NoContent))
}

/// `GET /detach`: a task that nobody waits for. Its panic is no request's, and is not lost either.
async fn detach(_: Context) -> anyhow::Result<Response> {
    smol::spawn(async { panic!("nobody waits for this") }).detach();
    Ok(Response::new(StatusCode::Accepted))
}
