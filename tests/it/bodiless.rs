//! Answers that end with their head, whatever the endpoint has put behind it: a byte of a body there would be read as
//! the beginning of the next answer (RFC 9112 section 6.3).

use std::net::SocketAddr;

use peppercorn::{App, Context, Problem, Response, StatusCode};

use crate::api_service;
use crate::harness::{Answer, Embedded, converse};

/// A client's way to speak: its version, and what it says about the connection.
const CLIENTS: [(&str, &str, bool); 4] = [
    ("1.1", "", true),
    ("1.1", "Connection: close\r\n", false),
    ("1.0", "", false),
    ("1.0", "Connection: keep-alive\r\n", true),
];

/// Every status there is a name for.
fn statuses() -> impl Iterator<Item = u16> {
    (100..600).filter(|code| StatusCode::try_from(*code).is_ok())
}

/// Asks for `target` and, behind it in the same segment, for the health probe. Checks that the probe's answer is where
/// it must be, or that there is none where the connection has ended; the answer to `target`.
#[track_caller]
fn ask(address: SocketAddr, method: &str, target: &str, client: (&str, &str, bool)) -> Answer {
    let (version, connection, persists) = client;
    let requests = format!(
        "{method} {target} HTTP/{version}\r\nHost: a\r\n{connection}\r\n\
         GET /ping HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    );
    let methods = [method, "GET"];
    let mut answers = converse(address, &methods, requests.as_bytes()).flawless();
    let asked = format!("{method} {target} {client:?}: {answers:?}");
    assert_eq!(answers.len(), 1 + usize::from(persists), "{asked}");
    if persists {
        let probe = answers.pop().unwrap();
        assert_eq!(
            (probe.status, probe.body.as_str()),
            (200, "pong"),
            "{asked}"
        );
    }
    let answer = answers.remove(0);
    let said = match client {
        ("1.1", "", _) => None,
        ("1.0", _, true) => Some("keep-alive"),
        _ => Some("close"),
    };
    assert_eq!(answer.header("connection"), said, "{asked}");
    answer
}

/// Checks how an answer with a body of `length` bytes is framed where it may have none.
#[track_caller]
fn assert_framed(answer: &Answer, method: &str, length: usize) {
    let length = match answer.status {
        204 | 304 => None,
        205 => Some(0),
        _ => Some(length),
    };
    let said = answer.header("content-length").map(str::parse);
    assert_eq!(said, length.map(Ok), "{answer:?}");
    let body = match method {
        "HEAD" => 0,
        _ => length.unwrap_or(0),
    };
    assert_eq!(answer.body.len(), body, "{answer:?}");
}

#[test]
fn of_a_handler_under_every_status() {
    const BODY: &str = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    async fn answer(context: Context) -> anyhow::Result<Response> {
        let code: u16 = context.path.get("code").unwrap_or_default().parse()?;
        let status = StatusCode::try_from(code).map_err(http_types::Error::into_inner)?;
        Ok(Response::new(status)
            .with_header("Content-Type", "text/plain")
            .with_header("Allow", "GET") // which a 405 must say
            .with_body(BODY))
    }
    let server = Embedded::serve(App::new().get("/{code}", answer));
    for code in statuses() {
        for (method, client) in ["GET", "HEAD"]
            .iter()
            .flat_map(|m| CLIENTS.map(|c| (*m, c)))
        {
            let answer = ask(server.address(), method, &format!("/{code}"), client);
            if code < 200 {
                assert_eq!(answer.status, 500, "{code} is no final answer");
                continue;
            }
            assert_eq!(answer.status, code);
            assert_framed(&answer, method, BODY.len());
        }
    }
}

/// A problem is an answer as well, and its status a handler's choice.
#[test]
fn of_a_problem_under_every_status() {
    async fn answer(context: Context) -> anyhow::Result<Response> {
        let code: u16 = context.path.get("code").unwrap_or_default().parse()?;
        let status = StatusCode::try_from(code).map_err(http_types::Error::into_inner)?;
        let problem = Problem::new(status, "as the path says");
        Err(problem.with_header("Allow", "GET").into())
    }
    let server = Embedded::serve(App::new().get("/{code}", answer));
    for code in statuses() {
        for client in CLIENTS {
            let answer = ask(server.address(), "GET", &format!("/{code}"), client);
            assert_eq!(answer.status, if code < 200 { 500 } else { code });
            assert_eq!(answer.body.is_empty(), matches!(code, 204 | 205 | 304));
        }
    }
}

#[test]
fn of_sql() {
    let service = api_service::serve(
        "bodiless",
        "create table item (id int)",
        "-- name: says^\n-- http: GET /says\nselect 'told' as said, :status::int as _status;\n\n\
         -- name: clear!\n-- http: DELETE /items\ndelete from item;\n",
    );
    let address = service.server.address();
    let length = r#"{"said":"told"}"#.len();
    for client in CLIENTS {
        for status in [200, 201, 204, 205, 301, 304, 404, 503] {
            let target = format!("/says?status={status}");
            for method in ["GET", "HEAD"] {
                let answer = ask(address, method, &target, client);
                assert_eq!(answer.status, status);
                assert_framed(&answer, method, length);
            }
        }
        for status in [100, 101, 103] {
            let answer = ask(address, "GET", &format!("/says?status={status}"), client);
            assert_eq!(answer.status, 500);
        }
        let cleared = ask(address, "DELETE", "/items", client);
        assert_eq!(cleared.status, 204);
        assert_framed(&cleared, "DELETE", 0);
        let allowed = ask(address, "OPTIONS", "/items", client);
        assert_eq!(
            (allowed.status, allowed.header("allow")),
            (204, Some("DELETE, OPTIONS"))
        );
        assert_eq!(ask(address, "HEAD", "/items", client).status, 405);
        assert_eq!(ask(address, "HEAD", "/none", client).status, 404);
    }
}
