//! What surrounds an endpoint: limits, the request's id, pipelining, read-only connections.

use std::time::Duration;

use crate::api_service::{problem, serve, serve_with};

const ENDPOINTS: &str = "
-- name: size$
-- http: POST /size
select length(:text::text);
-- name: echo$
-- http: GET /echo/{n}
select :n::int;
-- name: slow-echo$
-- http: GET /slow-echo/{n}
select :n::int from (select pg_sleep(0.02)) as slept;
-- name: read-only$
-- http: GET /read-only
select current_setting('transaction_read_only');
-- name: read-write$
-- http: POST /read-only
select current_setting('transaction_read_only');
-- name: put-read-write$
-- http: PUT /read-only
select current_setting('transaction_read_only');
-- name: patch-read-write$
-- http: PATCH /read-only
select current_setting('transaction_read_only');
-- name: delete-read-write$
-- http: DELETE /read-only
select current_setting('transaction_read_only');
-- name: many
-- http: GET /many
select n, repeat('x', 100) as text from generate_series(1, :n::int) as n;
-- name: note!
-- http: PUT /notes
-- :n int
insert into note values (:n);
-- name: notes
-- http: GET /notes
select n from note order by place;
";

const SCHEMA: &str = "create table note (n int, place int generated always as identity)";

#[test]
fn a_body_over_the_limit_is_413_from_its_head_alone() {
    let service = serve_with(
        "api_limits_body",
        SCHEMA,
        ENDPOINTS,
        &["--max-body", "1KiB"],
    );
    let body = |length: usize| format!("{{\"text\":\"{}\"}}", "x".repeat(length - 11));
    assert_eq!(service.post("/size", &body(1024)).body, "1013");
    let mut connection = service.connect();
    connection.send("POST /size HTTP/1.1\r\nHost: test\r\nContent-Length: 1025\r\n\r\n");
    let answer = connection.answer_to("POST");
    problem(&answer, 413);
    assert_eq!(answer.header("connection"), Some("close"));
    assert!(connection.is_closed());
    // Nor does a body that does not say how long it will be.
    let mut connection = service.connect();
    connection
        .send("POST /size HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n401\r\n");
    connection.send(body(1025) + "\r\n0\r\n\r\n");
    problem(&connection.answer_to("POST"), 413);
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let service = serve("api_limits_pipeline", SCHEMA, ENDPOINTS);
    let mut connection = service.connect();
    let plain =
        |method: &str, target: &str| format!("{method} {target} HTTP/1.1\r\nHost: test\r\n\r\n");
    let requests = [
        ("GET", plain("GET", "/slow-echo/1"), 200, "1"),
        ("GET", plain("GET", "/echo/2"), 200, "2"),
        ("POST", "POST /size HTTP/1.1\r\nHost: test\r\nContent-Length: 14\r\n\r\n{\"text\":\"abc\"}".into(), 200, "3"),
        ("GET", plain("GET", "/ping"), 200, "pong"),
        ("HEAD", plain("HEAD", "/echo/5"), 200, ""),
        ("GET", plain("GET", "/nowhere"), 404, ""),
        ("GET", plain("GET", "/echo/x"), 400, ""),
        ("POST", "POST /size HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{\"t\r\n9\r\next\":\"a\"}\r\n0\r\n\r\n".into(), 200, "1"),
        ("OPTIONS", plain("OPTIONS", "/echo/9"), 204, ""),
        ("GET", plain("GET", "/slow-echo/10"), 200, "10"),
    ];
    connection.send(
        requests
            .iter()
            .map(|(_, text, ..)| text.as_str())
            .collect::<String>(),
    );
    for (method, text, status, body) in &requests {
        let answer = connection.answer_to(method);
        assert_eq!(answer.status, *status, "{text}: {answer:?}");
        match status {
            400.. => drop(problem(&answer, *status)),
            _ => assert_eq!(answer.body, *body, "{text}"),
        }
    }
}

/// One after the other, not all at once: the second may depend on the first.
#[test]
fn pipelined_writes_happen_in_order() {
    let service = serve("api_limits_writes", SCHEMA, ENDPOINTS);
    let mut connection = service.connect();
    let mut requests = String::new();
    for n in 0..10 {
        requests +=
            &format!("PUT /notes HTTP/1.1\r\nHost: test\r\nContent-Length: 7\r\n\r\n{{\"n\":{n}}}");
    }
    connection.send(requests);
    for _ in 0..10 {
        assert_eq!(connection.answer_to("PUT").status, 204);
    }
    let want: Vec<String> = (0..10).map(|n| format!("{{\"n\":{n}}}")).collect();
    assert_eq!(service.get("/notes").body, format!("[{}]", want.join(",")));
}

#[test]
fn a_result_larger_than_any_buffer_arrives_whole() {
    let service = serve("api_limits_result", SCHEMA, ENDPOINTS);
    let answer = service.get("/many?n=20000");
    let rows = answer.json();
    let rows = rows.as_array().unwrap();
    assert_eq!(rows.len(), 20_000);
    assert!(
        rows.iter()
            .enumerate()
            .all(|(index, row)| row["n"] == index + 1)
    );
}

#[test]
fn a_requests_id_is_taken_over_if_it_is_fit_for_a_log() {
    let service = serve("api_limits_id", SCHEMA, ENDPOINTS);
    let long = "x".repeat(129);
    let mut connection = service.connect();
    let mut id_for = |target: &str, id: &str| {
        let answer = connection.request("GET", target, &[("X-Request-Id", id)], "");
        let have = answer.header("x-request-id").unwrap().to_owned();
        if answer.status >= 400 {
            assert_eq!(answer.json()["request_id"], have);
        }
        have
    };
    for target in ["/echo/1", "/echo/x", "/nowhere"] {
        for fit in ["a", "7b0f-1.c:d_E", &long[1..]] {
            assert_eq!(id_for(target, fit), fit, "{target}");
        }
        for unfit in ["a b", "\"", "<script>", "é", &long] {
            let id = id_for(target, unfit);
            assert!(id != unfit && id.len() == 16, "{target}: {id}");
        }
    }
    assert_ne!(id_for("/echo/1", "!"), id_for("/echo/1", "!"));
}

#[test]
fn only_get_and_head_run_on_read_only_connections() {
    let service = serve("api_limits_read_only", SCHEMA, ENDPOINTS);
    for (method, want) in [
        ("GET", "on"),
        ("POST", "off"),
        ("PUT", "off"),
        ("PATCH", "off"),
        ("DELETE", "off"),
    ] {
        // Every connection of the pool, not only the first.
        for _ in 0..4 {
            let answer = service.ask(&format!("{method} /read-only"));
            assert_eq!(answer.json(), want, "{method}");
        }
    }
    let mut connection = service.connect();
    let head = connection.request("HEAD", "/read-only", &[], "");
    // As long as "on" in its quotes.
    assert_eq!(head.header("content-length"), Some("4"));
}

#[test]
fn a_slow_endpoint_within_the_timeout_is_waited_for() {
    let service = serve_with("api_limits_slow", SCHEMA, ENDPOINTS, &["--timeout", "30s"]);
    let mut connection = service.connect();
    let patience = Some(Duration::from_secs(25));
    connection.stream.set_read_timeout(patience).unwrap();
    assert_eq!(connection.request("GET", "/slow-echo/7", &[], "").body, "7");
}
