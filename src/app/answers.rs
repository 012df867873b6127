//! Answers that do not come from an endpoint of the user's: the probes, and what went wrong.

use std::time::Duration;

use http_types::StatusCode;
use sentry_core::types::Uuid;

use crate::capture;
use crate::endpoint::{Context, RequestId};
use crate::error::Problem;
use crate::http::{Refusal, Response};

/// The client's version of an error.
pub(super) fn explain(error: &anyhow::Error, request_id: &RequestId) -> Response {
    let event_id = capture::event_id(error);
    match capture::problem(error) {
        Some(problem) => problem_response(problem, request_id, event_id),
        // What happened has been reported by the endpoint's wrapper.
        None => {
            let problem = Problem::internal(anyhow::anyhow!("unexpected"));
            problem_response(&problem, request_id, event_id)
        }
    }
}

fn problem_response(problem: &Problem, request_id: &RequestId, event_id: Option<Uuid>) -> Response {
    let event_id = event_id.map(|id| id.simple().to_string());
    let response = Response::new(problem.status())
        .with_header("Content-Type", "application/problem+json")
        .with_body(problem.body(request_id.as_str(), event_id.as_deref()));
    let headers = problem.headers().iter();
    named(
        headers.fold(response, |response, (name, value)| {
            response.with_header(name, value.clone())
        }),
        request_id,
    )
}

/// With the request's id, and no other: it is what the log and the problem's body call the request.
pub(super) fn named(mut response: Response, request_id: &RequestId) -> Response {
    response.set_header(RequestId::HEADER, request_id.as_str().to_owned());
    response
}

/// The answer to a request that took longer than `limit`; whatever it was doing is given up.
pub fn timed_out(request_id: &RequestId, limit: Duration) -> Response {
    let detail = format!("the request took longer than {} s", limit.as_secs_f64());
    let problem = Problem::new(StatusCode::GatewayTimeout, detail);
    problem_response(&problem, request_id, None)
}

/// The answer to what is not a request.
pub fn refused(refusal: Refusal, request_id: &RequestId) -> Response {
    let problem = Problem::new(refusal.status(), refusal.to_string());
    problem_response(&problem, request_id, None)
}

/// `pong`.
pub(super) async fn ping(_: Context) -> anyhow::Result<Response> {
    Ok(pong())
}

/// What [`PING`](super::PING) answers.
pub fn pong() -> Response {
    Response::new(StatusCode::Ok)
        .with_header("Content-Type", "text/plain; charset=utf-8")
        .with_body(&b"pong"[..])
}

/// 200 while requests can be answered; 503 with the reason otherwise.
pub(super) async fn readyz(context: Context) -> anyhow::Result<Response> {
    let service = &context.service;
    let away = service.database.pools().find(|pool| !pool.is_ready());
    let reason = match away {
        Some(pool) => pool.outage().map_or(
            "connecting to the database",
            |_| "the database is not available",
        ),
        None if service.drain.is_draining() => "the server is stopping",
        None => {
            return Ok(Response::new(StatusCode::Ok)
                .with_header("Content-Type", "text/plain; charset=utf-8")
                .with_body(&b"ready"[..]));
        }
    };
    Err(Problem::unavailable(reason, Duration::from_secs(1)).into())
}
