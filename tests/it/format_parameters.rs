//! Parameters wherever they are read: arrays by repeated keys, forms, fields of the head.

use serde_json::json;

use crate::api_service::{Service, errors, problem, serve};

const SCHEMA: &str = "
    create type mood as enum ('sad', 'ok', 'so, so');
    create domain small as int check (value < 100);
    create domain smalls as small[];
";

const ENDPOINTS: &str = "
-- name: ints$
-- http: GET /ints
-- :v int[] default '{7}' check 1..100
select :v;

-- name: texts$
-- http: GET /texts
-- :v text[] default null check ~ '^[^!]*$' max 20
select :v;

-- name: moods$
-- http: GET /moods
-- :v mood[]
select :v;

-- name: smalls$
-- http: GET /smalls
-- :v smalls
select :v;

-- name: filter
-- http: GET /filter
-- :id int[] default null
-- :q text default ''
select n from generate_series(1, 9) as n where (:id is null or n = any (:id)) and n::text like '%' || :q || '%';

-- name: form^
-- http: POST /form
-- :name text max 10
-- :tags text[] default null check in ('a', 'b c', 'd&e')
-- :n int default 1
-- :yes bool default false
-- :doc jsonb default null
-- :mood mood default 'ok'
select :name as name, :tags as tags, :n as n, :yes as yes, :doc as doc, :mood as mood;

-- name: places^
-- http: PUT /places/{id}
-- :id int in path
-- :dry_run bool in query default false
-- :key text in header Idempotency-Key default null max 8
-- :lang text in header accept-language default 'en'
-- :many int[] in header X-Many default '{}'
-- :body_text text in body
select :id as id, :dry_run as dry_run, :key as key, :lang as lang, :many as many, :body_text as text;

-- name: delete-with-body$
-- http: DELETE /bodies
-- :reason text in body default 'none'
-- :id int
select :id || ': ' || :reason;

-- name: header-required$
-- http: GET /header
-- :n int in header X-N check 1..9
select :n;
";

fn service(name: &str) -> Service {
    serve(name, SCHEMA, ENDPOINTS)
}

const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");

#[test]
fn a_key_of_an_array_may_be_repeated() {
    let service = service("format_parameters_arrays");
    for (target, want) in [
        ("/ints?v=1", json!([1])),
        ("/ints?v=1&v=100&v=1", json!([1, 100, 1])),
        ("/ints?v=%201%20", json!([1])),
        ("/ints", json!([7])),
        ("/texts", json!(null)),
        ("/texts?v=", json!([""])),
        ("/texts?v&v=", json!(["", ""])),
        (
            "/texts?v=a%2Cb&v=%7Bc%7D&v=%22d%22&v=e%5C&v=NULL&v=%C3%A9+%E2%82%AC",
            json!(["a,b", "{c}", "\"d\"", "e\\", "NULL", "é €"]),
        ),
        ("/moods?v=so,+so&v=ok", json!(["so, so", "ok"])),
        ("/smalls?v=1&v=2", json!([1, 2])),
        ("/filter?id=3&q=&id=5&id=12", json!([{"n": 3}, {"n": 5}])),
    ] {
        let answer = service.get(target);
        assert_eq!((answer.status, answer.json()), (200, want), "{target}");
    }
    // As many as fit in a line.
    let many: Vec<String> = (0..2000).map(|n| format!("v={}", n % 100 + 1)).collect();
    let answer = service.get(&format!("/ints?{}", many.join("&")));
    assert_eq!(answer.json().as_array().unwrap().len(), 2000);
}

#[test]
fn what_is_wrong_with_an_element_is_said_of_its_parameter() {
    let service = service("format_parameters_elements");
    for (target, want) in [
        ("/ints?v=1&v=101", "v: is not between 1 and 100"),
        (
            "/ints?v=1&v=x",
            "v: invalid input syntax for type integer: \"x\"",
        ),
        ("/ints?v={1,2}", "v: is not between 1 and 100"),
        (
            "/ints?v=1&v=",
            "v: invalid input syntax for type integer: \"\"",
        ),
        ("/texts?v=a&v=b!", "v: does not match ^[^!]*$"),
        (
            "/texts?v=a&v=123456789012345678901",
            "v: has more than 20 characters",
        ),
        (
            "/texts?v=a&v=%00",
            "v: contains the character NUL, which PostgreSQL cannot store",
        ),
        (
            "/moods?v=ok&v=bad",
            "v: invalid input value for enum mood: \"bad\"",
        ),
        ("/moods", "v: is missing"),
        ("/filter?q=1&q=2", "q: is given twice"),
        ("/filter?ids=1", "ids: is not known; did you mean id?"),
        ("/texts?v=%ff", "query: is not UTF-8 when decoded"),
    ] {
        let answer = service.get(target);
        assert_eq!(errors(&answer), [format!("query {want}")], "{target}");
    }
    // A domain speaks for itself: its check is PostgreSQL's, which names it and no parameter.
    let problem = problem(&service.get("/smalls?v=1&v=100"), 422);
    assert_eq!(problem["constraint"], "small_check");
}

#[test]
fn a_form_is_read_like_an_object() {
    let service = service("format_parameters_forms");
    let post = |body: &str| service.ask_with(&format!("POST /form {body}"), &[FORM]);
    for (body, want) in [
        (
            "name=x",
            json!({"name": "x", "tags": null, "n": 1, "yes": false, "doc": null, "mood": "ok"}),
        ),
        (
            "name=a+b%2Bc&tags=b+c&n=-5&tags=d%26e&yes=on&doc=%7B%22a%22%3A+1%7D&mood=so%2C+so",
            json!({"name": "a b+c", "tags": ["b c", "d&e"], "n": -5, "yes": true, "doc": {"a": 1}, "mood": "so, so"}),
        ),
        (
            "&name=%C3%A9%F0%9F%98%80&&tags=a&",
            json!({"name": "é😀", "tags": ["a"], "n": 1, "yes": false, "doc": null, "mood": "ok"}),
        ),
        (
            "name=",
            json!({"name": "", "tags": null, "n": 1, "yes": false, "doc": null, "mood": "ok"}),
        ),
    ] {
        let answer = post(body);
        assert_eq!((answer.status, answer.json()), (200, want), "{body}");
    }
    for (body, want) in [
        (
            "nmae=x",
            &["nmae: is not known; did you mean name?", "name: is missing"][..],
        ),
        (
            "name=12345678901&tags=a&tags=x",
            &[
                "name: has more than 10 characters",
                "tags: is not one of a, b c, d&e",
            ],
        ),
        ("name=x&name=y", &["name: is given twice"]),
        (
            "name=x&n=",
            &["n: invalid input syntax for type integer: \"\""],
        ),
        (
            "name=x&doc=%7B",
            &["doc: invalid input syntax for type json"],
        ),
        ("name=x&mood=%ff", &["body: is not UTF-8 when decoded"]),
    ] {
        let want: Vec<String> = want.iter().map(|one| format!("body {one}")).collect();
        assert_eq!(errors(&post(body)), want, "{body}");
    }
    // Bytes that are not UTF-8, not even encoded.
    let mut connection = service.connect();
    connection.send("POST /form HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n");
    connection.send(format!("{}: {}\r\n\r\n", FORM.0, FORM.1));
    connection.send(b"name=\xff");
    let problem = problem(&connection.answer_to("POST"), 400);
    assert_eq!(problem["detail"], "the body is not UTF-8");
    let fields = [(
        "content-type",
        "Application/X-WWW-Form-Urlencoded; charset=UTF-8",
    )];
    assert_eq!(service.ask_with("POST /form name=x", &fields).status, 200);
}

#[test]
fn other_bodies_are_not_read() {
    let service = service("format_parameters_415");
    for kind in [
        "text/plain",
        "multipart/form-data; boundary=x",
        "application/octet-stream",
        "json",
        "application/xml",
    ] {
        let answer = service.ask_with(r#"POST /form {"name":"x"}"#, &[("Content-Type", kind)]);
        let problem = problem(&answer, 415);
        assert_eq!(
            problem["detail"],
            format!("{kind} is not read here; send application/json")
        );
    }
    for kind in [
        "application/json; charset=utf-8",
        "application/merge-patch+json",
    ] {
        let answer = service.ask_with(r#"POST /form {"name":"x"}"#, &[("Content-Type", kind)]);
        assert_eq!(answer.status, 200, "{kind}");
    }
    // Nothing is of no kind.
    let answer = service.ask_with("POST /form", &[("Content-Type", "text/plain")]);
    assert_eq!(errors(&answer), ["body name: is missing"]);
}

#[test]
fn a_parameter_is_read_where_the_file_says() {
    let service = service("format_parameters_places");
    let fields = [
        ("Idempotency-Key", "k 1"),
        ("Accept-Language", "de"),
        ("Accept-Language", "fr;q=0.5"),
    ];
    let answer = service.ask_with(r#"PUT /places/5?dry_run=true {"body_text":"x"}"#, &fields);
    assert_eq!(
        answer.json(),
        json!({"id": 5, "dry_run": true, "key": "k 1", "lang": "de, fr;q=0.5", "many": [], "text": "x"})
    );
    let answer = service.ask(r#"PUT /places/5 {"body_text":"x"}"#);
    assert_eq!(
        answer.json(),
        json!({"id": 5, "dry_run": false, "key": null, "lang": "en", "many": [], "text": "x"})
    );
    assert_eq!(
        service.ask(r#"DELETE /bodies?id=1 {"reason":"old"}"#).body,
        "\"1: old\""
    );
    assert_eq!(service.ask("DELETE /bodies?id=1").body, "\"1: none\"");
    for (request, fields, want) in [
        // Nowhere else.
        (
            r#"PUT /places/5 {"body_text":"x","dry_run":true}"#,
            &[][..],
            "body dry_run: is not known",
        ),
        (
            r#"PUT /places/5?id=6 {"body_text":"x"}"#,
            &[],
            "query id: is not known",
        ),
        (
            r#"PUT /places/5?key=6 {"body_text":"x"}"#,
            &[],
            "query key: is not known",
        ),
        (
            r#"PUT /places/5?body_text=6 {"body_text":"x"}"#,
            &[],
            "query body_text: is not read here; parameters are properties of the JSON body",
        ),
        (
            r#"PUT /places/5 {"body_text":"x"}"#,
            &[("Idempotency-Key", "123456789")],
            "header Idempotency-Key: has more than 8 characters",
        ),
        (
            r#"PUT /places/5 {"body_text":"x"}"#,
            &[("X-Many", "{1,x}")],
            "header X-Many: invalid input syntax for type integer: \"x\"",
        ),
        (
            r#"PUT /places/x {"body_text":"x"}"#,
            &[],
            "path id: invalid input syntax for type integer: \"x\"",
        ),
        ("PUT /places/5 {}", &[], "body body_text: is missing"),
        ("GET /header", &[], "header X-N: is missing"),
        (
            "GET /header",
            &[("X-N", "")],
            "header X-N: invalid input syntax for type integer: \"\"",
        ),
        (
            "GET /header",
            &[("x-n", "10")],
            "header X-N: is not between 1 and 9",
        ),
        (
            "GET /header",
            &[("X-N", "1"), ("X-N", "2")],
            "header X-N: is not between 1 and 9",
        ),
    ] {
        let answer = service.ask_with(request, fields);
        assert_eq!(errors(&answer), [want], "{request} {fields:?}");
    }
    // Said once, though it is then missing as well.
    let mut connection = service.connect();
    connection.send(b"GET /header HTTP/1.1\r\nHost: a\r\nX-N: \xff\r\n\r\n");
    assert_eq!(
        errors(&connection.answer_to("GET")),
        ["header X-N: is not UTF-8"]
    );
}
