//! What becomes of a result: the operator behind the name, and the columns that leave the body.

use serde_json::json;

use crate::api_service::{Service, problem, serve};

const SCHEMA: &str = "create table item (id int primary key, name text not null, price numeric)";

const ENDPOINTS: &str = "
-- name: list
-- http: GET /items
-- :from int default 0
select id, name from item where id >= :from order by id;
-- name: get^
-- http: GET /items/{id}
select * from item where id = :id;
-- name: name$
-- http: GET /items/{id}/name
select name from item where id = :id;
-- name: price$
-- http: GET /items/{id}/price
select price from item where id = :id;
-- name: document$
-- http: GET /document
select jsonb_build_object('a', 1);
-- name: add<!
-- http: POST /items
insert into item values (:id, :name) returning id, '/items/' || id as _location;
-- name: put<!
-- http: PUT /items/{id}
update item set name = :name where id = :id returning name;
-- name: patch<!
-- http: PATCH /items/{id}
-- :price numeric default null
update item set price = :price where id = :id returning price;
-- name: upsert<!
-- http: PUT /items/{id}/whole
insert into item values (:id, :name) on conflict (id) do update set name = excluded.name
returning name, case when xmax = 0 then 201 else 200 end as _status;
-- name: remove!
-- http: DELETE /items/{id}
delete from item where id = :id;
-- name: remove-returning<!
-- http: DELETE /items/{id}/row
delete from item where id = :id returning id;
-- name: clear!
-- http: DELETE /items
delete from item where id >= :from;
-- name: rename-all<!
-- http: POST /renamings
update item set name = :name returning id;
-- name: says^
-- http: POST /says
-- :status   int  default null
-- :location text default null
select 'told' as said, :status as _status, :location as _location;
-- name: reads^
-- http: GET /reads
select :status::int as _status;
";

fn service(name: &str) -> Service {
    serve(
        name,
        &format!("{SCHEMA}; insert into item values (1, 'one', 1.50), (2, 'two', null)"),
        ENDPOINTS,
    )
}

#[test]
fn rows_are_a_list_even_if_there_are_none() {
    let service = service("api_answers_rows");
    let two = r#"[{"id":1,"name":"one"},{"id":2,"name":"two"}]"#;
    let expected = [
        ("/items", two),
        ("/items?from=2", r#"[{"id":2,"name":"two"}]"#),
        ("/items?from=3", "[]"),
    ];
    for (target, body) in expected {
        let answer = service.get(target);
        assert_eq!((answer.status, answer.body.as_str()), (200, body));
        assert_eq!(answer.header("content-type"), Some("application/json"));
    }
}

#[test]
fn one_row_is_an_object_and_one_value_is_itself() {
    let service = service("api_answers_one");
    let expected = [
        ("/items/1", r#"{"id":1,"name":"one","price":1.50}"#),
        ("/items/1/name", r#""one""#),
        ("/items/1/price", "1.50"),
        ("/items/2/price", "null"),
        ("/document", r#"{"a": 1}"#),
    ];
    for (target, body) in expected {
        let answer = service.get(target);
        assert_eq!((answer.status, answer.body.as_str()), (200, body));
        assert_eq!(answer.header("content-type"), Some("application/json"));
    }
}

#[test]
fn what_is_written_is_201_for_post_and_200_for_the_others() {
    let service = service("api_answers_written");
    let expected = [
        (r#"POST /items {"id":3,"name":"three"}"#, 201, r#"{"id":3}"#),
        (r#"PUT /items/3 {"name":"drei"}"#, 200, r#"{"name":"drei"}"#),
        (r#"PATCH /items/3 {"price":3.0}"#, 200, r#"{"price":3.0}"#),
        ("DELETE /items/3/row", 200, r#"{"id":3}"#),
    ];
    for (request, status, body) in expected {
        let answer = service.ask(request);
        assert_eq!((answer.status, answer.body.as_str()), (status, body));
    }
    for request in [r#"PUT /items/3 {"name":"x"}"#, "DELETE /items/3/row"] {
        problem(&service.ask(request), 404);
    }
}

#[test]
fn affected_rows_are_204_and_none_are_404_where_the_path_names_a_thing() {
    let service = service("api_answers_affected");
    let gone = service.ask("DELETE /items/1");
    assert_eq!((gone.status, gone.body.as_str()), (204, ""));
    assert_eq!(gone.header("content-length"), None);
    assert_eq!(gone.header("content-type"), None);
    problem(&service.ask("DELETE /items/1"), 404);
    // Whatever there was, it is not there now.
    for _ in 0..2 {
        assert_eq!(service.ask("DELETE /items?from=0").status, 204);
    }
    assert_eq!(service.get("/items").body, "[]");
}

#[test]
fn several_rows_where_one_is_answered_are_500() {
    let service = service("api_answers_several");
    problem(&service.post("/renamings", r#"{"name":"x"}"#), 500);
    let (_, log) = service.server.stop();
    assert!(
        log.contains("2 rows where the endpoint answers with one"),
        "{log}"
    );
}

#[test]
fn a_row_may_choose_its_status() {
    let service = service("api_answers_status");
    let request = r#"PUT /items/3/whole {"name":"three"}"#;
    for status in [201, 200] {
        let answer = service.ask(request);
        assert_eq!(answer.status, status);
        assert_eq!(answer.json(), json!({"name": "three"}));
    }
    for status in [200, 202, 299, 409, 503] {
        // 299 has no name in the vocabulary of statuses.
        let want = if status == 299 { 500 } else { status };
        let answer = service.post("/says", &format!("{{\"status\":{status}}}"));
        assert_eq!(answer.status, want, "{status}");
        assert!(
            want == 500 || answer.body == r#"{"said":"told"}"#,
            "{answer:?}"
        );
    }
    let usual = service.post("/says", "{}");
    assert_eq!(
        (usual.status, usual.body.as_str()),
        (200, r#"{"said":"told"}"#)
    );
    for status in [-1, 0, 42, 100, 101, 1000, 65736] {
        problem(
            &service.post("/says", &format!("{{\"status\":{status}}}")),
            500,
        );
    }
}

/// A body after them would be read as the next answer.
#[test]
fn a_status_without_content_has_none() {
    let service = service("api_answers_content");
    let mut connection = service.connect();
    for status in [204, 304, 205] {
        let target = format!("/reads?status={status}");
        let answer = connection.request("GET", &target, &[], "");
        assert_eq!((answer.status, answer.body.as_str()), (status, ""));
        let next = connection.request("GET", "/items/1/price", &[], "");
        assert_eq!((next.status, next.body.as_str()), (200, "1.50"));
    }
}

#[test]
fn a_location_becomes_a_header() {
    let service = service("api_answers_location");
    let answer = service.post("/items", r#"{"id":3,"name":"three"}"#);
    assert_eq!(answer.header("location"), Some("/items/3"));
    assert_eq!(answer.body, r#"{"id":3}"#);
    assert_eq!(service.get("/items/3").status, 200);
    assert_eq!(service.post("/says", "{}").header("location"), None);
    let moved = service.post("/says", r#"{"status":303,"location":"/items/1?a=b#c"}"#);
    assert_eq!(moved.status, 303);
    assert_eq!(moved.header("location"), Some("/items/1?a=b#c"));
}

#[test]
fn a_location_never_becomes_two_headers() {
    let service = service("api_answers_injection");
    for escape in ["\\r\\n", "\\n", "\\r", "\\u0001", "\\u007f"] {
        let body = format!("{{\"location\":\"/x{escape}Set-Cookie: a=b{escape}{escape}<html>\"}}");
        let answer = service.post("/says", &body);
        problem(&answer, 500);
        assert_eq!(answer.header("location"), None);
        assert_eq!(answer.header("set-cookie"), None);
    }
}
