//! Answers that do not come from an endpoint of the user's: the probes, and what went wrong.

use std::time::Duration;

use futures_lite::{StreamExt, stream};
use http_types::StatusCode;
use sentry_core::types::Uuid;

use crate::capture;
use crate::endpoint::{Context, RequestId};
use crate::error::Problem;
use crate::http::{BodyStream, Refusal, Response};
use crate::metrics::Scrape;
use crate::metrics::text::CONTENT_TYPE;
use crate::pg::Pool;
use crate::runtime;

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

pub(super) fn problem_response(
    problem: &Problem,
    request_id: &RequestId,
    event_id: Option<Uuid>,
) -> Response {
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
///
/// Where reads go to a server of their own, one of the two is enough: whoever balances load would else have nobody left to
/// ask while one is away, for all instances ask the same two. What cannot be answered then is a 503 of its own.
pub(super) async fn readyz(context: Context) -> anyhow::Result<Response> {
    let service = &context.service;
    let database = &service.database;
    let away: Vec<&Pool> = database.pools().filter(|pool| !pool.is_ready()).collect();
    let is_known = |pool: &&Pool| pool.outage().is_some();
    let enough = database.reads_elsewhere
        && away.len() < database.pools().count()
        && away.iter().all(is_known);
    let reason = match away.first() {
        Some(pool) if !enough => match is_known(pool) {
            true => "the database is not available",
            false => "connecting to the database",
        },
        _ if service.drain.is_leaving() => "the server is stopping",
        away => {
            let body = away.map_or("ready".to_owned(), |pool| {
                let purpose = pool.purpose();
                format!("ready, and the database for {purpose} is not available")
            });
            return Ok(Response::new(StatusCode::Ok)
                .with_header("Content-Type", "text/plain; charset=utf-8")
                .with_body(body));
        }
    };
    Err(Problem::unavailable(reason, Duration::from_secs(1)).into())
}

/// Bytes of the metrics that are sent at once.
const PIECE_BYTES: usize = 32 * 1024;

/// What has been counted, and what is now.
pub(super) async fn metrics(context: Context) -> anyhow::Result<Response> {
    let mut scrape = Scrape::new((context.service.expose)());
    let (first, goes_on) = next_piece(&mut scrape).await;
    let response = Response::new(StatusCode::Ok).with_header("Content-Type", CONTENT_TYPE);
    if !goes_on {
        return Ok(response.with_body(first));
    }
    let rest = stream::unfold(Some(scrape), |scrape| async {
        let mut scrape = scrape?;
        let (piece, goes_on) = next_piece(&mut scrape).await;
        Some((Ok(piece), goes_on.then_some(scrape)))
    });
    Ok(response.with_body(BodyStream::new(stream::once(Ok(first)).chain(rest))))
}

/// What comes next, and whether that is not all. Others have their turn meanwhile: a service may have thousands of routes.
async fn next_piece(scrape: &mut Scrape) -> (Vec<u8>, bool) {
    let mut piece = Vec::new();
    loop {
        let goes_on = scrape.advance(&mut piece);
        if !goes_on || piece.len() >= PIECE_BYTES {
            return (piece, goes_on);
        }
        runtime::yield_now().await;
    }
}
