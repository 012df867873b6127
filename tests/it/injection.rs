//! Header values that try to end their line: whatever SQL or a handler puts into a header, an answer keeps its own lines
//! and the next answer its own beginning (RUSTSEC-2024-0009, RFC 9110 section 5.5).

use peppercorn::{App, Context, Problem, Response, StatusCode};
use serde_json::json;

use crate::api_service;
use crate::harness::{Answer, Embedded, converse};

/// What could end a line, for somebody.
const BREAKS: [&str; 20] = [
    "\r\n",
    "\n",
    "\r",
    "\n\r",
    "\r\r\n",
    "\r\n\r\n",
    "\n\n",
    "\0",
    "\r\0\n",
    "\u{b}",
    "\u{c}",
    "\u{1b}",
    "\u{7f}",
    "\u{8}",
    // Line ends of Unicode, and letters that become CR and LF where somebody keeps the low byte only.
    "\u{85}",
    "\u{2028}",
    "\u{10d}\u{10a}",
    "\u{560d}\u{560a}",
    // Nobody is to decode these.
    "%0d%0a",
    "\\r\\n",
];

/// What would stand on the line that was won.
const GAINS: [&str; 5] = [
    "Set-Cookie: a=b",
    "Content-Length: 0",
    "Transfer-Encoding: chunked",
    "\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n",
    " folded",
];

/// Every break before every gain: at the beginning, inside, at the end, twice, and alone.
pub fn payloads() -> Vec<String> {
    let mut payloads = Vec::new();
    for end in BREAKS {
        for gain in GAINS {
            payloads.extend([
                format!("{end}{gain}"),
                format!("/x{end}{gain}"),
                format!("/x{end}{gain}{end}"),
                format!("/x{end}{end}{gain}"),
                format!("/x {end} {gain}"),
            ]);
        }
        payloads.push(end.to_owned());
        payloads.push(format!("/x{end}"));
    }
    assert!(payloads.len() > 500);
    payloads
}

/// A value as it may be sent: RFC 9110 section 5.5 puts a space where a control character is.
pub fn cleaned(payload: &str) -> String {
    let clean = |c: char| if is_control(c) { ' ' } else { c };
    let text: String = payload.chars().map(clean).collect();
    text.trim_matches([' ', '\t']).to_owned()
}

pub fn is_control(c: char) -> bool {
    c.is_ascii_control() && c != '\t'
}

/// POSTs each payload, all of them on one connection at once, and checks that there is an answer to each, with no field
/// that was not meant to be there.
#[track_caller]
fn post_all(
    address: std::net::SocketAddr,
    path: &str,
    body: impl Fn(&str) -> String,
) -> Vec<(String, Answer)> {
    const MEANT: [&str; 7] = [
        "connection",
        "content-length",
        "content-type",
        "date",
        "location",
        "x-request-id",
        "x-value",
    ];
    let payloads = payloads();
    let mut requests = Vec::new();
    for (number, payload) in payloads.iter().enumerate() {
        let connection = match number + 1 == payloads.len() {
            true => "close",
            false => "keep-alive",
        };
        let body = body(payload);
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: a\r\nX-Request-Id: {number}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\nConnection: {connection}\r\n\r\n",
            body.len()
        );
        requests.extend([head.as_bytes(), body.as_bytes()].concat());
    }
    let answers = converse(address, &[], &requests).flawless();
    assert_eq!(answers.len(), payloads.len());
    for (number, answer) in answers.iter().enumerate() {
        // The answer to this request: none was split in two, or swallowed.
        assert_eq!(answer.header("x-request-id"), Some(&*number.to_string()));
        let unmeant = answer
            .headers
            .iter()
            .find(|(name, _)| !MEANT.contains(&name.as_str()));
        assert_eq!(unmeant, None, "{:?}", payloads[number]);
    }
    payloads.into_iter().zip(answers).collect()
}

#[test]
fn a_location_of_sql_is_sent_as_it_is_or_not_at_all() {
    let service = api_service::serve(
        "injection_sql",
        "",
        "-- name: move^\n-- http: POST /move\n-- :to text\nselect 'moved' as said, :to as _location;\n",
    );
    let body = |payload: &str| json!({ "to": payload }).to_string();
    for (payload, answer) in post_all(service.server.address(), "/move", body) {
        // PostgreSQL's text has no NUL.
        let status = match payload.contains(is_control) {
            true if payload.contains('\0') => 400,
            true => 500,
            false => 200,
        };
        assert_eq!(answer.status, status, "{payload:?}: {answer:?}");
        let location = (status == 200).then(|| cleaned(&payload));
        assert_eq!(answer.header("location"), location.as_deref());
    }
}

/// Each way a handler has to set a header.
#[test]
fn a_header_of_a_handler_is_cleaned_or_refused() {
    const NAME: &str = "X-Value";
    fn value(context: Context) -> anyhow::Result<String> {
        Ok(String::from_utf8(context.request.into_body())?)
    }
    async fn with(context: Context) -> anyhow::Result<Response> {
        Ok(Response::new(StatusCode::Ok).with_header(NAME, value(context)?))
    }
    async fn set(context: Context) -> anyhow::Result<Response> {
        let mut response = Response::new(StatusCode::Ok);
        response.set_header(NAME, value(context)?.as_str());
        Ok(response)
    }
    async fn problem(context: Context) -> anyhow::Result<Response> {
        let problem = Problem::new(StatusCode::Conflict, "is told so");
        Err(problem.with_header(NAME, value(context)?).into())
    }
    async fn tried(context: Context) -> anyhow::Result<Response> {
        Ok(Response::new(StatusCode::Ok).try_header(NAME, value(context)?)?)
    }
    let app = App::new()
        .post("/with", with)
        .post("/set", set)
        .post("/problem", problem)
        .post("/try", tried);
    let server = Embedded::serve(app);
    for (path, status) in [("/with", 200), ("/set", 200), ("/problem", 409)] {
        for (payload, answer) in post_all(server.address(), path, str::to_owned) {
            assert_eq!(answer.status, status, "{payload:?}");
            assert_eq!(
                answer.header("x-value"),
                Some(&*cleaned(&payload)),
                "{payload:?}"
            );
        }
    }
    for (payload, answer) in post_all(server.address(), "/try", str::to_owned) {
        let refused = payload.contains(is_control);
        assert_eq!(
            answer.status,
            if refused { 500 } else { 200 },
            "{payload:?}"
        );
        assert_eq!(answer.header("x-value").is_none(), refused, "{payload:?}");
    }
}

/// Names are the program's own, so a wrong one is a mistake in it: a panic, and this request's 500.
#[test]
fn a_name_that_is_none_or_frames_is_not_sent() {
    const NAMES: [&str; 8] = [
        "X-A\r\nSet-Cookie",
        "X-A:",
        "X A",
        "",
        "Content-Length",
        "transfer-encoding",
        "CONNECTION",
        "date",
    ];
    async fn name(context: Context) -> anyhow::Result<Response> {
        let number: usize = context.path.get("number").unwrap_or_default().parse()?;
        Ok(Response::new(StatusCode::Ok).with_header(NAMES[number], "0"))
    }
    let server = Embedded::serve(App::new().get("/{number}", name));
    for (number, name) in NAMES.iter().enumerate() {
        let request = format!("GET /{number} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        let answers = converse(server.address(), &["GET"], request.as_bytes()).flawless();
        assert_eq!(answers.len(), 1);
        assert_eq!(answers[0].status, 500, "{name:?}");
    }
}

/// A handler that hands on what another service answered may have that one's id among the headers.
#[test]
fn there_is_one_request_id_and_it_is_the_requests() {
    async fn answer(context: Context) -> anyhow::Result<Response> {
        match context.path.get("how") {
            Some("answer") => {
                Ok(Response::new(StatusCode::Ok).with_header("x-request-id", "another"))
            }
            _ => Err(Problem::new(StatusCode::Conflict, "is told so")
                .with_header("x-request-id", "another")
                .into()),
        }
    }
    let server = Embedded::serve(App::new().get("/{how}", answer));
    for how in ["answer", "problem"] {
        let request = format!(
            "GET /{how} HTTP/1.1\r\nHost: a\r\nX-Request-Id: mine\r\nConnection: close\r\n\r\n"
        );
        // Two lines would be a fault.
        let answers = converse(server.address(), &["GET"], request.as_bytes()).flawless();
        assert_eq!(answers[0].header("x-request-id"), Some("mine"));
    }
}
