//! Parameters in a JSON body: each value reaches PostgreSQL as the client wrote it, or is refused by name.

use crate::api_service::{errors, problem, serve};

const SCHEMA: &str = "
    create type side as enum ('buy', 'sell');
    create type pair as (x int, y text);
    create domain amount as numeric check (value >= 0);
    create domain pages as int[];
";

const ENDPOINTS: &str = "
-- name: text$
-- http: POST /text
select :v::text;
-- name: text-required^
-- http: PUT /things/{id}
-- :note text default null max 5
select :id::int as id, :name::text as name, :note as note;
-- name: numeric$
-- http: POST /numeric
select :v::numeric;
-- name: int8$
-- http: POST /int8
select :v::int8;
-- name: float8$
-- http: POST /float8
select :v::float8;
-- name: amount$
-- http: POST /amount
-- :v amount
select :v;
-- name: bool$
-- http: POST /bool
select :v::bool;
-- name: date$
-- http: POST /date
select :v::date;
-- name: side$
-- http: POST /side
select :v::side;
-- name: json$
-- http: POST /json
select :v::json;
-- name: jsonb$
-- http: POST /jsonb
-- :v jsonb default null
select :v;
-- name: pair$
-- http: POST /pair
select :v::pair;
-- name: ints$
-- http: POST /ints
select :v::int[];
-- name: pages$
-- http: POST /pages
-- :v pages
select :v;
-- name: texts$
-- http: POST /texts
select :v::text[];
-- name: jsons$
-- http: POST /jsons
select :v::jsonb[];
-- name: nothing$
-- http: POST /nothing
select 1;
";

/// Posts `{"v": VALUE}` and compares the one value that comes back, text for text.
#[track_caller]
fn check(name: &str, expected: &[(&str, &str, &str)]) {
    let service = serve(name, SCHEMA, ENDPOINTS);
    for (path, value, want) in expected {
        let answer = service.post(path, &format!("{{\"v\": {value}}}"));
        assert_eq!(answer.status, 200, "{path} {value}: {answer:?}");
        assert_eq!(answer.body, *want, "{path} {value}");
    }
}

/// Posts `{"v": VALUE}` and compares what is said of `v`.
#[track_caller]
fn check_refused(name: &str, expected: &[(&str, &str, &str)]) {
    let service = serve(name, SCHEMA, ENDPOINTS);
    for (path, value, want) in expected {
        let answer = service.post(path, &format!("{{\"v\": {value}}}"));
        assert_eq!(
            errors(&answer),
            [format!("body v: {want}")],
            "{path} {value}"
        );
    }
}

#[test]
fn numbers_keep_all_their_digits() {
    check(
        "api_bodies_numbers",
        &[
            (
                "/numeric",
                "123456789012345678901234567890.123456789",
                "123456789012345678901234567890.123456789",
            ),
            ("/numeric", "-0.00", "0.00"),
            ("/numeric", "1.10", "1.10"),
            ("/numeric", "1e3", "1000"),
            ("/numeric", "\"12.50\"", "12.50"),
            ("/amount", "0.10", "0.10"),
            ("/int8", "9007199254740993", "9007199254740993"),
            ("/int8", "-9223372036854775808", "-9223372036854775808"),
            ("/float8", "0.1", "0.1"),
            ("/float8", "\"NaN\"", "\"NaN\""),
        ],
    );
}

#[test]
fn strings_keep_every_character() {
    check(
        "api_bodies_strings",
        &[
            ("/text", r#""""#, r#""""#),
            ("/text", r#""a \"b\" \\ \/ c""#, r#""a \"b\" \\ / c""#),
            ("/text", r#""\u0041\u00e9\u20ac""#, "\"Aé€\""),
            ("/text", r#""\ud83d\ude00 😀""#, "\"😀 😀\""),
            (
                "/text",
                r#""\r\n\t\b\f\u001f\u007f""#,
                "\"\\r\\n\\t\\b\\f\\u001f\u{7f}\"",
            ),
            (
                "/text",
                r#""'; drop table x; --""#,
                r#""'; drop table x; --""#,
            ),
            ("/text", r#""$1 :v {} NULL""#, r#""$1 :v {} NULL""#),
            ("/date", r#""2024-02-29""#, r#""2024-02-29""#),
            ("/side", r#""sell""#, r#""sell""#),
            ("/pair", r#""(1,\"a b\")""#, r#"{"x":1,"y":"a b"}"#),
            ("/bool", "true", "true"),
            ("/bool", "\"off\"", "false"),
        ],
    );
}

#[test]
fn json_is_taken_as_it_stands() {
    check(
        "api_bodies_json",
        &[
            (
                "/json",
                r#"{"b":  1.0, "a": [ ]}"#,
                r#"{"b":  1.0, "a": [ ]}"#,
            ),
            ("/json", "[1, \"x\", null]", "[1, \"x\", null]"),
            ("/json", "\"te\\u0078t\"", "\"te\\u0078t\""),
            ("/json", "1.50", "1.50"),
            ("/json", "false", "false"),
            (
                "/jsonb",
                r#"{"b": 1.0, "a": "é"}"#,
                r#"{"a": "é", "b": 1.0}"#,
            ),
            ("/jsonb", "\"12\"", "\"12\""),
            ("/jsonb", "12", "12"),
            ("/jsonb", "null", "null"),
        ],
    );
}

#[test]
fn lists_become_arrays() {
    check(
        "api_bodies_lists",
        &[
            ("/ints", "[]", "[]"),
            ("/ints", "[1, null, -3]", "[1,null,-3]"),
            ("/ints", "[[1, 2], [3, 4]]", "[[1,2],[3,4]]"),
            ("/ints", "[[[[[[7]]]]]]", "[[[[[[7]]]]]]"),
            ("/ints", "[\"5\"]", "[5]"),
            ("/ints", "\"{6,7}\"", "[6,7]"),
            ("/pages", "[1, 2]", "[1,2]"),
            (
                "/texts",
                r#"["a\"b", "c\\d", "NULL", null, "", " e ", "{f,g}", "h\ni", "é😀"]"#,
                r#"["a\"b","c\\d","NULL",null,""," e ","{f,g}","h\ni","é😀"]"#,
            ),
            (
                "/jsons",
                r#"[{"a": [1]}, "b", 2, null]"#,
                r#"[{"a": [1]},"b",2,null]"#,
            ),
        ],
    );
}

#[test]
fn a_value_of_the_wrong_kind_is_refused() {
    check_refused(
        "api_bodies_kinds",
        &[
            ("/text", "1", "must be a string"),
            ("/text", "{}", "must be a string"),
            ("/date", "20240229", "must be a string"),
            ("/pair", "{\"x\": 1}", "must be a string"),
            ("/numeric", "true", "must be a number"),
            ("/amount", "[1]", "must be a number"),
            ("/bool", "1", "must be true or false"),
            ("/ints", "1", "must be a list"),
            ("/ints", "{\"0\": 1}", "must be a list"),
            ("/ints", "[{}]", "must be a list of numbers"),
            ("/ints", "[1, [true]]", "must be a list of numbers"),
            ("/texts", "[\"a\", 1.50]", "must be a list of strings"),
            ("/texts", "[false]", "must be a list of strings"),
            ("/text", "null", "must not be null"),
            ("/json", "null", "must not be null"),
            (
                "/text",
                "\"\\u0000\"",
                "contains the character NUL, which PostgreSQL cannot store",
            ),
            (
                "/texts",
                "[\"\\u0000\"]",
                "contains the character NUL, which PostgreSQL cannot store",
            ),
            ("/text", "\"\\ud800\"", "is not a valid string"),
            ("/texts", "[\"\\udc00\"]", "is not a valid string"),
            (
                "/int8",
                "1.5",
                "invalid input syntax for type bigint: \"1.5\"",
            ),
            (
                "/ints",
                "[1, \"x\"]",
                "invalid input syntax for type integer: \"x\"",
            ),
            (
                "/side",
                "\"hold\"",
                "invalid input value for enum side: \"hold\"",
            ),
        ],
    );
}

/// A list as deep as the body is long would be a stack as deep.
#[test]
fn a_list_deeper_than_any_array_is_refused() {
    let service = serve("api_bodies_deep", SCHEMA, ENDPOINTS);
    for depth in [7, 200, 100_000] {
        let list = format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        let answer = service.post("/ints", &format!("{{\"v\": {list}}}"));
        assert_eq!(
            errors(&answer),
            ["body v: must be a list of at most 6 dimensions"],
            "{depth}"
        );
    }
}

#[test]
fn properties_are_checked_and_told_all_at_once() {
    let service = serve("api_bodies_properties", SCHEMA, ENDPOINTS);
    let answer = service.ask(r#"PUT /things/7 {"name": "a", "note": null}"#);
    assert_eq!(answer.body, r#"{"id":7,"name":"a","note":null}"#);
    let expected: [(&str, &[&str]); 6] = [
        ("PUT /things/7", &["body name: is missing"]),
        ("PUT /things/7 {}", &["body name: is missing"]),
        (
            r#"PUT /things/7 {"nam": 1, "note": "123456", "n\u0061me": 5}"#,
            &[
                "body nam: is not known; did you mean name?",
                "body name: must be a string",
                "body note: has more than 5 characters",
            ],
        ),
        (
            r#"PUT /things/7 {"name":"a","name":"b"}"#,
            &["body name: is given twice"],
        ),
        (
            r#"PUT /things/7?name=a {"name":"a"}"#,
            &["query name: is not read here; parameters are properties of the JSON body"],
        ),
        (
            r#"POST /nothing {"x":1}"#,
            &["body x: is not known; there are no parameters here"],
        ),
    ];
    for (request, want) in expected {
        assert_eq!(errors(&service.ask(request)), want, "{request}");
    }
}

#[test]
fn a_body_that_is_no_json_object_is_400() {
    let service = serve("api_bodies_malformed", SCHEMA, ENDPOINTS);
    for body in [
        "{",
        "{\"v\":\"a\"",
        "{\"v\":\"a\"} x",
        "{\"v\":\"a\",}",
        "{'v':'a'}",
        "{\"v\":nul}",
        "{\"v\":01}",
        "{\"v\":\"a\nb\"}",
    ] {
        let members = problem(&service.post("/text", body), 400);
        let detail = members["detail"].as_str().unwrap();
        assert!(
            detail.starts_with("the body is not valid JSON: "),
            "{body}: {detail}"
        );
    }
    for body in ["[]", "1", "\"v\"", "null", " "] {
        let members = problem(&service.post("/text", body), 400);
        assert_eq!(
            members["detail"],
            "the body must be a JSON object, such as {\"name\": \"value\"}"
        );
    }
    let mut connection = service.connect();
    connection
        .send(b"POST /text HTTP/1.1\r\nHost: test\r\nContent-Length: 9\r\n\r\n{\"v\":\"\xff\"}");
    let members = problem(&connection.answer_to("POST"), 400);
    assert_eq!(members["detail"], "the body is not UTF-8");
}

#[test]
fn a_body_of_another_media_type_is_415() {
    let service = serve("api_bodies_media", SCHEMA, ENDPOINTS);
    let ask = |content_type: &str| {
        let headers = [("Content-Type", content_type)];
        service
            .connect()
            .request("POST", "/text", &headers, "{\"v\":\"a\"}")
    };
    for refused in [
        "text/plain",
        "multipart/form-data",
        "application/xml",
        "json",
    ] {
        let members = problem(&ask(refused), 415);
        assert_eq!(
            members["detail"],
            format!("{refused} is not read here; send application/json")
        );
    }
    for read in [
        "application/json; charset=utf-8",
        "APPLICATION/JSON",
        "application/merge-patch+json",
    ] {
        assert_eq!(ask(read).body, "\"a\"", "{read}");
    }
    let bare = service
        .connect()
        .request("POST", "/text", &[], "{\"v\":\"a\"}");
    assert_eq!(bare.body, "\"a\"");
}

/// PostgreSQL's own limits, met while it reads a value: the client's doing, not a failure of ours.
#[test]
fn a_value_too_deep_for_postgresql_is_400() {
    let service = serve("api_bodies_stack", SCHEMA, ENDPOINTS);
    let deep = format!("{}{}", "[".repeat(400_000), "]".repeat(400_000));
    let braces = format!("\"{}1{}\"", "{".repeat(7), "}".repeat(7));
    for (path, value, code) in [("/json", &deep, "54001"), ("/ints", &braces, "54000")] {
        let answer = service.post(path, &format!("{{\"v\": {value}}}"));
        let told = errors(&answer);
        assert_eq!(problem(&answer, 400)["code"], code);
        assert!(
            told.len() == 1 && told[0].starts_with("body v: "),
            "{told:?}"
        );
    }
}
