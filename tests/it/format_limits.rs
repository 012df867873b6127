//! What else a header says: how long an endpoint has, what a good answer is, who may keep it, what readers are told.

use std::io::Read;

use serde_json::{Value, json};

use crate::api_service::{Service, problem, serve_with};
use crate::harness::{Folder, database, peppercorn, run};

const SCHEMA: &str = "create table note (n int)";

const ENDPOINTS: &str = "
-- name: quick$
-- http: GET /quick
-- timeout: 200ms
select 'quick' from pg_sleep(60);

-- name: quick-write!
-- http: POST /quick
-- timeout: 0.2s
insert into note select 1 from pg_sleep(60);

-- name: own$
-- http: GET /own
select 'own' from pg_sleep(60);

-- name: patient$
-- http: GET /patient
-- timeout: 1m
select 'patient' from pg_sleep(1.5);

-- name: patient-write<!
-- http: POST /patient
-- timeout: 1h
insert into note select 2 from pg_sleep(1.5) returning n;

-- name: begun
-- http: GET /begun
-- timeout: 1m
select n, repeat('x', 1000) as text, case n when 1000 then pg_sleep(1.5)::text end as slept from generate_series(1, 2000) as n;

-- name: stalls
-- http: GET /stalls
select n, repeat('x', 1000) as text, case n when 1000 then pg_sleep(60)::text end as slept from generate_series(1, 2000) as n;

-- name: kept
-- http: GET /kept
-- cache: public, max-age=60, stale-while-revalidate=30
select n, repeat('x', 1000) as text, 1 / n as quotient from generate_series(:from::int, :n) as n;

-- name: kept-one^
-- http: GET /kept/{n}
-- cache: no-store
select n, 'v1' as _etag, case n when 2 then 202 end as _status from generate_series(1, 2) as n where n = :n;

-- name: not-kept$
-- http: GET /not-kept
select 1;
";

fn service(name: &str) -> Service {
    serve_with(name, SCHEMA, ENDPOINTS, &["--timeout", "1s"])
}

#[test]
fn an_endpoint_has_its_own_time_and_others_the_servers() {
    let service = service("limits_timeout");
    for (request, seconds) in [
        ("GET /quick", "0.2"),
        ("POST /quick", "0.2"),
        ("GET /own", "1"),
        ("GET /quick", "0.2"),
    ] {
        let detail = problem(&service.ask(request), 504)["detail"].clone();
        assert_eq!(detail, format!("the request took longer than {seconds} s"));
        // It would run for a minute: it has been cancelled.
        service.await_idle();
    }
    let head = service.connect().request("HEAD", "/quick", &[], "");
    assert_eq!(head.status, 504);
    // Longer than the server's own is as good as shorter.
    assert_eq!(service.get("/patient").body, "\"patient\"");
    assert_eq!(service.post("/patient", "").body, "{\"n\":2}");
    let notes = service
        .database
        .ask("select string_agg(n::text, ' ') from note");
    assert_eq!(notes.as_deref(), Some("2"));
}

/// Of an answer that is streamed the time is for each piece.
#[test]
fn a_stream_goes_on_for_as_long_as_its_pieces_come_in_time() {
    let service = service("limits_stream");
    let answer = service.get("/begun");
    assert_eq!(answer.header("transfer-encoding"), Some("chunked"));
    let rows = answer.json();
    let rows = rows.as_array().unwrap();
    assert_eq!((rows.len(), &rows[999]["slept"]), (2000, &json!("")));
    let mut connection = service.connect();
    connection.send("GET /stalls HTTP/1.1\r\nHost: a\r\n\r\n");
    let mut all = Vec::new();
    let end = connection.stream.read_to_end(&mut all);
    assert!(
        end.is_err() && all.starts_with(b"HTTP/1.1 200 OK\r\n"),
        "{end:?}"
    );
    service.await_idle();
    let log = service.server.log();
    assert!(log.contains("nothing more of it came within 1 s"), "{log}");
}

#[test]
fn who_may_keep_an_answer_is_said_of_success_alone() {
    let service = service("limits_cache");
    let public = Some("public, max-age=60, stale-while-revalidate=30");
    for (request, status, cache) in [
        ("GET /kept?from=1&n=1", 200, public),
        ("HEAD /kept?from=1&n=1", 200, public),
        // An empty list, and one that is streamed.
        ("GET /kept?from=1&n=0", 200, public),
        ("GET /kept?from=1&n=1000", 200, public),
        ("GET /kept/1", 200, Some("no-store")),
        ("GET /kept/2", 202, Some("no-store")),
        // Nobody is to keep what went wrong.
        ("GET /kept?from=0&n=1", 400, None),
        ("GET /kept?from=1&n=x", 400, None),
        ("GET /kept/3", 404, None),
        ("POST /kept/3", 405, None),
        ("GET /not-kept", 200, None),
    ] {
        let (method, target) = request.split_once(' ').unwrap();
        let answer = service.connect().request(method, target, &[], "");
        let got = (answer.status, answer.header("cache-control"));
        assert_eq!(got, (status, cache), "{request}");
    }
    let same = [("If-None-Match", "\"v1\"")];
    let answer = service.ask_with("GET /kept/1", &same);
    let got = (answer.status, answer.header("cache-control"));
    assert_eq!(got, (304, Some("no-store")));
}

/// What the document says of the endpoints of a folder, by their names.
#[track_caller]
fn document(name: &str, endpoints: &str) -> Vec<(String, Value)> {
    let (database, folder) = (database(name), Folder::with(&[("api.sql", endpoints)]));
    let ended = run(peppercorn()
        .arg("openapi")
        .arg(folder.path())
        .env("DATABASE_URL", database.url()));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let document: Value = serde_json::from_str(&ended.stdout).unwrap();
    let paths = document["paths"].as_object().unwrap().values();
    let operations = paths.filter_map(|item| {
        let operation = item.get("get").or(item.get("post"))?;
        Some((
            operation["operationId"].as_str()?.to_owned(),
            operation.clone(),
        ))
    });
    operations.collect()
}

#[test]
fn what_readers_are_told_is_in_the_document() {
    let endpoints = "
-- name: a
-- http: GET /shop/a
-- A list.
-- It is long.
-- deprecated: since 2.0, use /shop/b
--tags:books,  the public ,é
select 1 as n;
-- name: b
-- http: GET /shop/b
-- deprecated :
select 1 as n;
-- name: c
-- http: GET /shop/c
-- deprecated without a colon is text
select 1 as n;
-- name: d
-- deprecated:  why\t\r
-- http: POST /d
-- returns: 202
select 1 as n;
";
    let said = document("limits_document", endpoints);
    let expected = [
        (
            "a",
            json!(true),
            json!(["books", "the public", "é"]),
            "It is long.\n\nDeprecated: since 2.0, use /shop/b",
        ),
        ("b", json!(true), json!(["shop"]), ""),
        ("c", json!(null), json!(["shop"]), ""),
        ("d", json!(true), json!(["d"]), "Deprecated: why"),
    ];
    assert_eq!(said.len(), expected.len());
    for (name, deprecated, tags, description) in expected {
        let (_, operation) = said.iter().find(|(said, _)| said == name).unwrap();
        assert_eq!(operation["deprecated"], deprecated, "{name}");
        assert_eq!(operation["tags"], tags, "{name}");
        let text = operation["description"].as_str().unwrap_or_default();
        assert_eq!(text, description, "{name}");
    }
}
