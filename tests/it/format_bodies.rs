//! `:body`: the whole body as one parameter.

use serde_json::json;

use crate::api_service::{Service, errors, problem, serve, serve_with};

const SCHEMA: &str = "create table kept (name text primary key, bytes bytea, kind text)";

const ENDPOINTS: &str = "
-- name: keep<!
-- http: PUT /files/{name}
-- :body bytea
-- :kind text in header Content-Type default 'none'
insert into kept values (:name, :body, :kind)
on conflict (name) do update set bytes = excluded.bytes
returning length(bytes) as length, kind;

-- name: kept$
-- http: GET /files/{name}
-- returns: application/octet-stream
select bytes from kept where name = :name;

-- name: text$
-- http: POST /text
-- :body text max 12
select :body;

-- name: texts^
-- http: POST /texts
-- :body text default 'nothing'
-- :note text default null
-- Two statements, and the body in both.
select length(:body);
select :body as body, upper(:body) as upper, :note as note;

-- name: json$
-- http: POST /json
-- :body json
select :body;

-- name: jsonb^
-- http: POST /jsonb
-- :body jsonb default null
select :body as whole, :body ->> 'name' as name, jsonb_typeof(:body) as kind;

-- name: ints$
-- http: POST /ints
-- :body int[] check 1..10
select :body;

-- name: number$
-- http: POST /number
-- :body numeric check 0..
select :body;

-- name: flag$
-- http: PATCH /flag
-- :body bool
select :body;

-- name: day$
-- http: POST /day
-- :body date
select :body;

-- name: body-in-query$
-- http: GET /query
select :body::int;

-- name: body-declared-in-query^
-- http: POST /query
-- :body int in query
select :body as body, :other::int as other;
";

fn service(name: &str) -> Service {
    serve(name, SCHEMA, ENDPOINTS)
}

#[test]
fn bytes_are_kept_as_they_are() {
    let service = serve_with(
        "format_bodies_bytes",
        SCHEMA,
        ENDPOINTS,
        &["--max-body", "1MiB"],
    );
    let mut connection = service.connect();
    let all: Vec<u8> = (0..=255).collect();
    let large: Vec<u8> = all.iter().copied().cycle().take(1024 * 1024).collect();
    for bytes in [&all, &large] {
        connection.send(format!(
            "PUT /files/a%2Fb HTTP/1.1\r\nHost: a\r\nContent-Type: image/png\r\nContent-Length: {}\r\n\r\n",
            bytes.len()
        ));
        connection.send(bytes);
        let answer = connection.answer_to("PUT");
        assert_eq!(
            answer.json(),
            json!({"length": bytes.len(), "kind": "image/png"})
        );
        connection.send("GET /files/a%2Fb HTTP/1.1\r\nHost: a\r\n\r\n");
        let (answer, back) = connection.bytes_to("GET");
        assert_eq!(answer.status, 200);
        assert!(back == *bytes);
    }
    // Whatever it looks like.
    for (name, body) in [("hex", "\\x00ff"), ("json", "{\"a\": 1}"), ("null", "null")] {
        let answer = service.ask(&format!("PUT /files/{name} {body}"));
        assert_eq!(answer.json()["length"], body.len());
        assert_eq!(service.get(&format!("/files/{name}")).body, body);
    }
    let png = [("Content-Type", "image/png"), ("Content-Length", "0")];
    let answer = service.ask_with("PUT /files/x", &png);
    assert_eq!(answer.json()["length"], 0);
    assert_eq!(
        errors(&service.ask("PUT /files/x")),
        ["body body: is missing"]
    );
}

#[test]
fn text_is_taken_as_it_is() {
    let service = service("format_bodies_text");
    for body in [
        "a \"b\" \\ c",
        "é € 😀",
        "{\"a\": 1}",
        "'; drop",
        " \r\n\t ",
    ] {
        for kind in [
            "text/plain",
            "application/json",
            "application/x-www-form-urlencoded",
            "a/b",
        ] {
            let mut connection = service.connect();
            let answer = connection.request("POST", "/text", &[("Content-Type", kind)], body);
            assert_eq!((answer.status, answer.json()), (200, json!(body)), "{kind}");
        }
    }
    let answer = service.ask("POST /text more than twelve");
    assert_eq!(errors(&answer), ["body body: has more than 12 characters"]);
    for (bytes, detail) in [
        (&b"a\xff"[..], "the body is not UTF-8"),
        (
            b"a\0",
            "body parameter body: contains the character NUL, which PostgreSQL cannot store",
        ),
    ] {
        let mut connection = service.connect();
        connection.send("POST /text HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n");
        connection.send(bytes);
        assert_eq!(
            problem(&connection.answer_to("POST"), 400)["detail"],
            detail
        );
    }
    // An empty text is one where it is said to be.
    let plain = [("Content-Type", "text/plain"), ("Content-Length", "0")];
    let answer = service.ask_with("POST /text", &plain);
    assert_eq!((answer.status, answer.json()), (200, json!("")));
    // Beside it others are in the query; nothing is nothing.
    let answer = service.ask("POST /texts?note=n abc");
    assert_eq!(
        answer.json(),
        json!({"body": "abc", "upper": "ABC", "note": "n"})
    );
    let answer = service.ask("POST /texts");
    assert_eq!(
        answer.json(),
        json!({"body": "nothing", "upper": "NOTHING", "note": null})
    );
    assert_eq!(
        errors(&service.ask("POST /texts?nte=1 abc")),
        ["query nte: is not known; did you mean note?"]
    );
}

#[test]
fn json_is_taken_as_it_stands() {
    let service = service("format_bodies_json");
    for body in [
        r#"{"b":  1.0, "a": [ ]}"#,
        "[1, null]",
        "\"te\\u0078t\"",
        "1.50",
        "false",
    ] {
        let answer = service.post("/json", body);
        assert_eq!((answer.status, answer.body.as_str()), (200, body));
    }
    let answer = service.post("/jsonb", r#"{"name": "x", "n": 1.10}"#);
    assert_eq!(
        answer.body,
        r#"{"whole":{"n": 1.10, "name": "x"},"name":"x","kind":"object"}"#
    );
    // null is a value where the file says so.
    for body in ["", "null"] {
        let answer = service.post("/jsonb", body);
        assert_eq!(answer.body, r#"{"whole":null,"name":null,"kind":null}"#);
    }
    assert_eq!(
        errors(&service.post("/json", "null")),
        ["body body: must not be null"]
    );
    assert_eq!(
        errors(&service.post("/json", "")),
        ["body body: is missing"]
    );
    for body in ["{", "{} x", "nul", "{'a':1}", "a=1", "[1,]"] {
        let problem = problem(&service.post("/json", body), 400);
        let detail = problem["detail"].as_str().unwrap();
        assert!(
            detail.starts_with("the body is not valid JSON: "),
            "{detail}"
        );
    }
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "application/octet-stream",
    ] {
        for target in ["/json", "/jsonb", "/ints", "/number"] {
            let answer = service.ask_with(&format!("POST {target} 1"), &[("Content-Type", kind)]);
            let problem = problem(&answer, 415);
            assert_eq!(
                problem["detail"],
                format!("{kind} is not read here; send application/json")
            );
        }
    }
    let fields = [("Content-Type", "application/geo+json; charset=utf-8")];
    assert_eq!(service.ask_with("POST /json {}", &fields).status, 200);
}

#[test]
fn other_values_are_json_too() {
    let service = service("format_bodies_values");
    for (request, want) in [
        ("POST /ints [1, 2, null, 10]", "[1,2,null,10]"),
        ("POST /ints []", "[]"),
        ("POST /number 1.50", "1.50"),
        ("POST /number 0", "0"),
        ("PATCH /flag true", "true"),
        ("POST /day 2018-07-24", "\"2018-07-24\""),
    ] {
        let answer = service.ask(request);
        assert_eq!(
            (answer.status, answer.body.as_str()),
            (200, want),
            "{request}"
        );
    }
    for (request, want) in [
        ("POST /ints [1, 11]", "is not between 1 and 10"),
        ("POST /ints {}", "must be a list"),
        ("POST /ints 1", "must be a list"),
        ("POST /ints [{}]", "must be a list of numbers"),
        (
            "POST /ints [\"x\"]",
            "invalid input syntax for type integer: \"x\"",
        ),
        ("POST /number -0.1", "is less than 0"),
        ("POST /number true", "must be a number"),
        ("PATCH /flag 1", "must be true or false"),
        (
            "POST /day tomorow",
            "invalid input syntax for type date: \"tomorow\"",
        ),
    ] {
        assert_eq!(
            errors(&service.ask(request)),
            [format!("body body: {want}")],
            "{request}"
        );
    }
}

#[test]
fn where_it_is_not_the_body_it_is_like_any_other() {
    let service = service("format_bodies_not");
    assert_eq!(service.get("/query?body=5").body, "5");
    let answer = service.ask(r#"POST /query?body=5 {"other":6}"#);
    assert_eq!(answer.body, r#"{"body":5,"other":6}"#);
}
