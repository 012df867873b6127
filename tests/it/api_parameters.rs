//! Parameters in the path and the query: where they are found, what they may be, what is said when they are not.

use serde_json::json;

use crate::api_service::{errors, problem, serve};

const SCHEMA: &str = "create type side as enum ('buy', 'sell')";

const ENDPOINTS: &str = "
-- name: search^
-- http: GET /search/{market}
-- :market int check 1..
-- :limit  int default 20 check 1..100       -- how many
-- :side   side default null
-- :kind   text default 'all' check in ('all', 'it''s, x') max 8
-- :code   text default '' check ~ '^[A-Z]*$'
-- :price  float8 default null check -1.5..1.5
-- :most   int default null check ..9
-- :flag   boolean default false
select :market as market, :limit as \"limit\", :side as side, :kind as kind, :code as code, :price as price,
    :most as most, :flag as flag;
-- name: required^
-- http: GET /required
-- :b int
select :a::text as a, :b as b;
-- name: inferred^
-- http: GET /inferred
select 1 + :i as i, now() < :t as past, 'x' || :s as s, :s is null as no, array[1.5, :n] as n;
-- name: twice^
-- http: GET /twice
-- :a int
select :a as one, :a + 1 as two, :'a' + 2 as three, :'a'::text as four;
-- name: list^
-- http: GET /list
-- :ids  int[]  default '{}'
-- :tags text[] default null
select :ids as ids, :tags as tags;
-- name: json^
-- http: GET /json
select :j::json as j, :b::jsonb as b;
-- name: none$
-- http: GET /none
select 1;
-- name: remove^
-- http: DELETE /things/{id}
-- :force boolean default false
select :id::int as id, :force as force;
-- name: untouched^
-- http: GET /untouched
-- :a int
select ':a' as string, E'it\\'s :a' as escaped, U&':a\\0041' as unicode, 'it''s :a' as doubled, $$:a$$ as dollar,
    $tag$ $$ :a $tag$ as tagged, 1 as \"q:a\", /* :a /* :b */ :c */ :a::text as cast -- :a
    , (array[10,20,30])[1:2] as slice, (array[10,20,30])[:a] as item, (array[10,20,30])[:a:3] as rest,
    make_date(year := :a, month := 2, day := 3) as named, '{\":a\": 1}'::jsonb ? ':a' as operator;
";

#[test]
fn a_parameter_that_is_left_out_has_its_default() {
    let service = serve("api_parameters_default", SCHEMA, ENDPOINTS);
    assert_eq!(
        service.get("/search/7").body,
        r#"{"market":7,"limit":20,"side":null,"kind":"all","code":"","price":null,"most":null,"flag":false}"#
    );
    let all = "/search/7?limit=100&side=sell&kind=it's,+x&code=AB&price=-1.5&most=9&flag=on";
    assert_eq!(
        service.get(all).body,
        r#"{"market":7,"limit":100,"side":"sell","kind":"it's, x","code":"AB","price":-1.5,"most":9,"flag":true}"#
    );
}

#[test]
fn every_check_refuses_with_its_own_message() {
    let service = serve("api_parameters_checks", SCHEMA, ENDPOINTS);
    let expected = [
        ("/search/0", "path market: is less than 1"),
        ("/search/1?limit=0", "query limit: is not between 1 and 100"),
        (
            "/search/1?limit=101",
            "query limit: is not between 1 and 100",
        ),
        ("/search/1?most=10", "query most: is more than 9"),
        (
            "/search/1?price=1.51",
            "query price: is not between -1.5 and 1.5",
        ),
        (
            "/search/1?price=NaN",
            "query price: is not between -1.5 and 1.5",
        ),
        (
            "/search/1?price=inf",
            "query price: is not between -1.5 and 1.5",
        ),
        (
            "/search/1?kind=some",
            "query kind: is not one of all, it's, x",
        ),
        ("/search/1?code=aB", "query code: does not match ^[A-Z]*$"),
        (
            "/search/1?side=hold",
            "query side: invalid input value for enum side: \"hold\"",
        ),
        (
            "/search/1?flag=maybe",
            "query flag: invalid input syntax for type boolean: \"maybe\"",
        ),
        (
            "/search/x",
            "path market: invalid input syntax for type integer: \"x\"",
        ),
    ];
    for (target, want) in expected {
        assert_eq!(errors(&service.get(target)), [want], "{target}");
    }
}

/// What PostgreSQL reads as a number and others do not must not slip past a check.
#[test]
fn a_number_in_an_unusual_form_does_not_evade_its_check() {
    let service = serve("api_parameters_forms", SCHEMA, ENDPOINTS);
    for text in [
        "0x10",
        "0X1p4",
        "+9",
        "9e0",
        "%209",
        "infinity",
        "-Infinity",
    ] {
        let answer = service.get(&format!("/search/1?price={text}"));
        assert_eq!(answer.status, 400, "{text}: {answer:?}");
    }
    for text in ["1.5e0", "%20+1", "-.5", "1."] {
        let answer = service.get(&format!("/search/1?price={text}"));
        assert_eq!(answer.status, 200, "{text}: {answer:?}");
    }
}

#[test]
fn every_mistake_of_a_request_is_told_at_once() {
    let service = serve("api_parameters_mistakes", SCHEMA, ENDPOINTS);
    let answer = service.get("/search/0?limit=0&sid=buy&code=a&zzzzzz=1&flag=true&flag=true");
    assert_eq!(
        errors(&answer),
        [
            "query sid: is not known; did you mean side?",
            "query zzzzzz: is not known",
            "query flag: is given twice",
            "path market: is less than 1",
            "query limit: is not between 1 and 100",
            "query code: does not match ^[A-Z]*$",
        ]
    );
    let members = problem(&answer, 400);
    assert_eq!(members["detail"], "6 parameters are not valid");
    assert!(!members.contains_key("code"));
}

#[test]
fn what_is_missing_or_unknown_is_named() {
    let service = serve("api_parameters_missing", SCHEMA, ENDPOINTS);
    let expected: [(&str, &[&str]); 6] = [
        ("/required", &["query a: is missing", "query b: is missing"]),
        ("/required?b=1", &["query a: is missing"]),
        (
            "/required?a=&b=",
            &["query b: invalid input syntax for type integer: \"\""],
        ),
        (
            "/required?A=1&b=1",
            &[
                "query A: is not known; did you mean a?",
                "query a: is missing",
            ],
        ),
        (
            "/none?x=1",
            &["query x: is not known; there are no parameters here"],
        ),
        ("/search/1?market=2", &["query market: is not known"]),
    ];
    for (target, want) in expected {
        assert_eq!(errors(&service.get(target)), want, "{target}");
    }
    assert_eq!(service.get("/required?a=&b=1").body, r#"{"a":"","b":1}"#);
    assert_eq!(service.get("/none?").status, 200);
}

#[test]
fn a_query_is_decoded_as_a_form() {
    let service = serve("api_parameters_decoded", SCHEMA, ENDPOINTS);
    let expected = [
        ("a+b", "a b"),
        ("a%2Bb", "a+b"),
        ("%26%3D%25", "&=%"),
        ("a=b", "a=b"),
        ("%E2%82%AC%F0%9F%98%80", "€😀"),
        ("%0D%0A", "\r\n"),
        ("'%22%5C", "'\"\\"),
        ("?/:@;", "?/:@;"),
    ];
    for (text, want) in expected {
        let answer = service.get(&format!("/required?&b=1&&%61={text}&"));
        assert_eq!(answer.status, 200, "{text}: {answer:?}");
        assert_eq!(answer.json()["a"], want, "{text}");
    }
}

#[test]
fn what_postgresql_cannot_hold_is_400() {
    let service = serve("api_parameters_bytes", SCHEMA, ENDPOINTS);
    let nul = "contains the character NUL, which PostgreSQL cannot store";
    assert_eq!(
        errors(&service.get("/required?b=1&a=x%00y")),
        [format!("query a: {nul}")]
    );
    assert_eq!(
        errors(&service.get("/search/%00")),
        [format!("path market: {nul}")]
    );
    let answer = service.get("/required?b=1&a=%FF");
    assert!(
        errors(&answer).contains(&"query query: is not UTF-8 when decoded".to_owned()),
        "{answer:?}"
    );
}

#[test]
fn types_that_are_not_declared_are_inferred() {
    let service = serve("api_parameters_inferred", SCHEMA, ENDPOINTS);
    let answer = service.get("/inferred?i=41&t=2000-01-01&s=y&n=2.50");
    assert_eq!(
        answer.body,
        r#"{"i":42,"past":false,"s":"xy","no":false,"n":[1.5,2.50]}"#
    );
    let wrong = service.get("/inferred?i=4.1&t=2000-01-01&s=y&n=1");
    assert_eq!(
        errors(&wrong),
        ["query i: invalid input syntax for type integer: \"4.1\""]
    );
}

#[test]
fn one_name_is_one_parameter_however_often_and_however_quoted() {
    let service = serve("api_parameters_twice", SCHEMA, ENDPOINTS);
    assert_eq!(
        service.get("/twice?a=1").body,
        r#"{"one":1,"two":2,"three":3,"four":"1"}"#
    );
    assert_eq!(
        errors(&service.get("/twice?a=1&a=1")),
        ["query a: is given twice"]
    );
}

#[test]
fn arrays_in_a_query_are_repeated_keys() {
    let service = serve("api_parameters_arrays", SCHEMA, ENDPOINTS);
    assert_eq!(service.get("/list").body, r#"{"ids":[],"tags":null}"#);
    let answer = service.get("/list?ids=1&tags=a,b&ids=3&tags=c&tags=&tags=%7B%22%5C%7D");
    assert_eq!(
        answer.body,
        r#"{"ids":[1,3],"tags":["a,b","c","","{\"\\}"]}"#
    );
    let wrong = service.get("/list?ids=1&ids=1,2");
    assert_eq!(
        errors(&wrong),
        ["query ids: invalid input syntax for type integer: \"1,2\""]
    );
}

#[test]
fn json_in_a_query_is_json_text() {
    let service = serve("api_parameters_json", SCHEMA, ENDPOINTS);
    let answer = service.get("/json?j=%7B%22a%22:+1.0%7D&b=%5B1,null%5D");
    assert_eq!(answer.body, r#"{"j":{"a": 1.0},"b":[1, null]}"#);
}

#[test]
fn delete_reads_path_and_query() {
    let service = serve("api_parameters_delete", SCHEMA, ENDPOINTS);
    let answer = service.ask("DELETE /things/7?force=true");
    assert_eq!(answer.json(), json!({"id": 7, "force": true}));
    let wrong = service.ask("DELETE /things/7?forced=true");
    assert_eq!(
        errors(&wrong),
        ["query forced: is not known; did you mean force?"]
    );
}

#[test]
fn what_only_looks_like_a_parameter_is_left_alone() {
    let service = serve("api_parameters_untouched", SCHEMA, ENDPOINTS);
    assert_eq!(
        service.get("/untouched?a=2").json(),
        json!({"string": ":a", "escaped": "it's :a", "unicode": ":aA", "doubled": "it's :a", "dollar": ":a",
            "tagged": " $$ :a ", "q:a": 1, "cast": "2", "slice": [10, 20], "item": 20, "rest": [20, 30],
            "named": "0002-02-03", "operator": true})
    );
}
