//! Versions: `_etag`, 304 for who has it already, 412 for who knows another.

use std::thread;

use crate::api_service::{Service, problem, serve};
use crate::harness::Answer;

const SCHEMA: &str = "
    create table book (id int primary key, title text not null, version int not null default 1);
    insert into book values (1, 'Emma'), (2, 'Persuasion');
    create table counter (id int primary key, n int not null);
    insert into counter values (1, 0);
";

const ENDPOINTS: &str = "
-- name: book^
-- http: GET /books/{id}
-- cache: private, max-age=60
select id, title, 'v' || version as _etag from book where id = :id;

-- name: put-book<!
-- http: PUT /books/{id}
select 'v' || version as _etag from book where id = :id for update;
insert into book (id, title) values (:id, :title)
on conflict (id) do update set title = excluded.title, version = book.version + 1
returning id, title, 'v' || version as _etag, case when xmax = 0 then 201 else 200 end as _status;

-- name: delete-book!
-- http: DELETE /books/{id}
select 'v' || version as _etag from book where id = :id for update;
delete from book where id = :id;

-- name: rename-book<!
-- http: PATCH /books/{id}
update book set title = :title, version = version + 1 where id = :id returning id, 'v' || version as _etag;

-- name: own-book<!
-- http: PUT /own/{id}
-- :expected text in header If-Match default null
update book set title = :title, version = version + 1
where id = :id and (:expected is null or :expected = '\"v' || version || '\"')
returning id, 'v' || version as _etag;

-- name: put-large<!
-- http: PUT /large/{id}
-- What the second reads is more than is held; the third is not sent where the first says no.
select 'v' || version as _etag from book where id = :id for update;
select n, repeat('x', 1000) from generate_series(1, 5000) as n;
update book set title = :title, version = version + 1 where id = :id returning title;

-- name: put-late<!
-- http: PUT /late/{id}
-- The version is not in the first statement.
update book set title = title || '!' where id = :id;
select 'v' || version as _etag from book where id = :id for update;
update book set title = :title where id = :id returning title;

-- name: counter^
-- http: GET /counters/{id}
select n, xmin::text as _etag from counter where id = :id;

-- name: put-counter<!
-- http: PUT /counters/{id}
select xmin::text as _etag from counter where id = :id for update;
update counter set n = :n where id = :id returning n, xmin::text as _etag;

-- name: says^
-- http: GET /says
-- :status int default null
-- :tag text default null
select 'it' as said, :tag as _etag, :status as _status;

-- name: value$
-- http: GET /value
-- returns: text/plain
select 'a text' as value, 'a' as _etag;

-- name: add*!
-- http: POST /books
insert into book (id, title) values (:id, :title);
";

fn service(name: &str) -> Service {
    serve(name, SCHEMA, ENDPOINTS)
}

const BEFORE: &str = "1 Emma v1, 2 Persuasion v1";

fn books(service: &Service) -> String {
    let sql =
        "select string_agg(id || ' ' || title || ' v' || version, ', ' order by id) from book";
    service.database.ask(sql).unwrap()
}

fn etag(answer: &Answer) -> &str {
    answer.header("etag").expect("an ETag")
}

#[test]
fn who_has_it_already_is_told_so() {
    let service = service("format_versions_read");
    let answer = service.get("/books/1");
    assert_eq!((answer.status, etag(&answer)), (200, "\"v1\""));
    assert_eq!(answer.body, r#"{"id":1,"title":"Emma"}"#);
    assert_eq!(answer.header("cache-control"), Some("private, max-age=60"));
    for seen in [
        "\"v1\"",
        "W/\"v1\"",
        "*",
        "\"a\", W/\"v1\",\"b\"",
        "\"x\" , \"v1\"",
    ] {
        for method in ["GET", "HEAD"] {
            let answer =
                service.ask_with(&format!("{method} /books/1"), &[("If-None-Match", seen)]);
            assert_eq!((answer.status, answer.body.as_str()), (304, ""), "{seen}");
            assert_eq!(etag(&answer), "\"v1\"");
            assert_eq!(answer.header("cache-control"), Some("private, max-age=60"));
            assert_eq!(answer.header("content-type"), None);
        }
    }
    for other in ["\"v2\"", "\"V1\"", "W/\"v\"", "\"v1,\"", ""] {
        let answer = service.ask_with("GET /books/1", &[("If-None-Match", other)]);
        assert_eq!((answer.status, etag(&answer)), (200, "\"v1\""), "{other}");
    }
    // Two lines are one list.
    let lines = [("If-None-Match", "\"a\""), ("If-None-Match", "\"v1\"")];
    assert_eq!(service.ask_with("GET /books/1", &lines).status, 304);
    // The connection goes on behind an answer without a body.
    let mut connection = service.connect();
    for _ in 0..2 {
        let seen = [("If-None-Match", "*")];
        assert_eq!(connection.request("GET", "/books/1", &seen, "").status, 304);
        assert_eq!(connection.request("GET", "/books/2", &[], "").status, 200);
    }
    let answer = service.ask_with("GET /value", &[("If-None-Match", "\"a\"")]);
    assert_eq!(answer.status, 304);
}

#[test]
fn who_asks_for_another_version_is_refused() {
    let service = service("format_versions_if_match");
    for good in ["\"v1\"", "*", "\"a\", \"v1\""] {
        let answer = service.ask_with("GET /books/1", &[("If-Match", good)]);
        assert_eq!(answer.status, 200, "{good}");
    }
    // Strongly: a weak tag promises too little.
    for bad in ["\"v2\"", "W/\"v1\"", "\"a\", \"b\""] {
        for seen in [None, Some(("If-None-Match", "\"v1\""))] {
            let mut fields = vec![("If-Match", bad)];
            fields.extend(seen);
            problem(&service.ask_with("GET /books/1", &fields), 412);
        }
    }
    for field in ["If-Match", "If-None-Match"] {
        for malformed in ["v1", "\"v1", "*, \"v1\"", "\"a\" \"b\""] {
            // Who reads loses nothing by a condition that is none.
            let answer = service.ask_with("GET /books/1", &[(field, malformed)]);
            assert_eq!(answer.status, 200, "{field}: {malformed}");
            let answer = service.ask_with("DELETE /books/1", &[(field, malformed)]);
            let detail = problem(&answer, 412)["detail"].clone();
            let want =
                format!("{field} is neither * nor a list of entity tags, such as \"a\", W/\"b\"");
            assert_eq!(detail, want, "{malformed}");
        }
    }
    // Of nothing there is no version.
    problem(&service.ask_with("GET /books/9", &[("If-Match", "*")]), 404);
    problem(
        &service.ask_with("GET /books/9", &[("If-None-Match", "*")]),
        404,
    );
}

#[test]
fn a_tag_is_what_the_column_says_it_is() {
    let service = service("format_versions_tags");
    for (tag, want) in [
        ("a", Some("\"a\"")),
        ("%22a%22", Some("\"a\"")),
        ("W/%22a%22", Some("W/\"a\"")),
        ("", Some("\"\"")),
        ("a,b", Some("\"a,b\"")),
        ("%C3%A9", Some("\"é\"")),
    ] {
        let answer = service.get(&format!("/says?tag={tag}"));
        assert_eq!((answer.status, answer.header("etag")), (200, want), "{tag}");
    }
    assert_eq!(service.get("/says").header("etag"), None);
    for unfit in ["a%22b", "a%20b", "a%0Ab"] {
        problem(&service.get(&format!("/says?tag={unfit}")), 500);
    }
    // A weak tag is enough for who reads, and never for who writes.
    let weak = |field| service.ask_with("GET /says?tag=W/%22a%22", &[(field, "W/\"a\"")]);
    assert_eq!(weak("If-None-Match").status, 304);
    problem(&weak("If-Match"), 412);
    // What is no success is answered as it is (RFC 9110 §13.2.1).
    for (fields, status) in [
        (("If-None-Match", "\"a\""), 304),
        (("If-Match", "\"b\""), 412),
    ] {
        assert_eq!(
            service.ask_with("GET /says?tag=a", &[fields]).status,
            status
        );
        let answer = service.ask_with("GET /says?tag=a&status=404", &[fields]);
        assert_eq!(
            (answer.status, answer.body.as_str()),
            (404, r#"{"said":"it"}"#)
        );
    }
}

#[test]
fn what_has_changed_meanwhile_is_not_overwritten() {
    let service = service("format_versions_write");
    let put = |field: &str, tag: &str| {
        service.ask_with(r#"PUT /books/1 {"title":"Sanditon"}"#, &[(field, tag)])
    };
    let delete = |field: &str, tag: &str| service.ask_with("DELETE /books/1", &[(field, tag)]);
    for (field, tag) in [
        ("If-Match", "\"v2\""),
        ("If-Match", "W/\"v1\""),
        ("If-Match", "\"v0\", \"v2\""),
        ("If-Match", ""),
        ("If-None-Match", "*"),
        ("If-None-Match", "\"v1\""),
        ("If-None-Match", "W/\"v1\""),
    ] {
        for answer in [put(field, tag), delete(field, tag)] {
            let detail = problem(&answer, 412)["detail"].clone();
            assert_eq!(
                detail,
                "the resource is not the version that the request asks for; read it again"
            );
            assert_eq!(books(&service), BEFORE, "{field}: {tag}");
        }
    }
    for malformed in ["v1", "\"a\", *"] {
        problem(&put("If-Match", malformed), 412);
    }
    assert_eq!(books(&service), BEFORE);
    let answer = put("If-Match", "\"v0\", \"v1\"");
    assert_eq!((answer.status, etag(&answer)), (200, "\"v2\""));
    assert_eq!(put("If-None-Match", "\"v1\"").status, 200);
    assert_eq!(put("If-Match", "*").status, 200);
    assert_eq!(service.ask(r#"PUT /books/1 {"title":"Emma"}"#).status, 200);
    assert_eq!(books(&service), "1 Emma v5, 2 Persuasion v1");
    assert_eq!(delete("If-Match", "\"v5\"").status, 204);
    // Where there is nothing, no version of it is the one that was asked for.
    problem(&delete("If-Match", "\"v5\""), 412);
    problem(&put("If-Match", "*"), 412);
    problem(&service.ask("DELETE /books/1"), 404);
    assert_eq!(books(&service), "2 Persuasion v1");
    service.await_idle();
}

#[test]
fn what_is_there_is_not_created_again() {
    let service = service("format_versions_create");
    let create = |id: u32| {
        let request = format!("PUT /books/{id} {{\"title\":\"Sanditon\"}}");
        service.ask_with(&request, &[("If-None-Match", "*")])
    };
    problem(&create(1), 412);
    let answer = create(3);
    assert_eq!((answer.status, etag(&answer)), (201, "\"v1\""));
    problem(&create(3), 412);
    assert_eq!(books(&service), format!("{BEFORE}, 3 Sanditon v1"));
}

#[test]
fn a_condition_that_nobody_can_judge_does_not_hold() {
    let service = service("format_versions_unknown");
    for request in [
        r#"PATCH /books/1 {"title":"x"}"#,
        r#"POST /books [{"id":4,"title":"x"}]"#,
        "POST /books []",
    ] {
        for (field, tag) in [
            ("If-Match", "\"v1\""),
            ("If-Match", "*"),
            ("If-None-Match", "*"),
        ] {
            let answer = service.ask_with(request, &[(field, tag)]);
            let detail = problem(&answer, 412)["detail"].clone();
            assert_eq!(
                detail,
                "this endpoint knows no versions, so whether If-Match or If-None-Match holds cannot be told"
            );
        }
        problem(&service.ask_with(request, &[("If-Match", "v1")]), 412);
        assert_eq!(books(&service), BEFORE);
    }
    let answer = service.ask(r#"PATCH /books/1 {"title":"x"}"#);
    assert_eq!((answer.status, etag(&answer)), (200, "\"v2\""));
}

#[test]
fn a_parameter_leaves_the_condition_to_the_sql() {
    let service = service("format_versions_own");
    let put = |fields: &[(&str, &str)]| service.ask_with(r#"PUT /own/1 {"title":"x"}"#, fields);
    problem(&put(&[("If-Match", "\"v7\"")]), 404);
    assert_eq!(books(&service), BEFORE);
    assert_eq!(etag(&put(&[("If-Match", "\"v1\"")])), "\"v2\"");
    assert_eq!(etag(&put(&[])), "\"v3\"");
    // Also what is no tag at all, and the other condition.
    problem(&put(&[("If-Match", "v3")]), 404);
    assert_eq!(etag(&put(&[("If-None-Match", "*")])), "\"v4\"");
}

#[test]
fn what_other_statements_read_is_in_nobodys_way() {
    let service = service("format_versions_large");
    for _ in 0..3 {
        let request = r#"PUT /large/1 {"title":"x"}"#;
        problem(&service.ask_with(request, &[("If-Match", "\"v7\"")]), 412);
        assert_eq!(books(&service), BEFORE);
    }
    let request = r#"PUT /large/1 {"title":"Lady Susan"}"#;
    let answer = service.ask_with(request, &[("If-Match", "\"v1\"")]);
    assert_eq!(answer.body, r#"{"title":"Lady Susan"}"#);
    // Before a condition is known not to hold something may have been written: it is undone.
    let request = r#"PUT /late/1 {"title":"x"}"#;
    problem(&service.ask_with(request, &[("If-Match", "\"v1\"")]), 412);
    assert_eq!(books(&service), "1 Lady Susan v2, 2 Persuasion v1");
    service.await_idle();
}

/// Twenty clients that read, add one, and write what they have, unless it has changed.
#[test]
fn no_update_is_lost() {
    let service = service("format_versions_lost");
    let add = |service: &Service| {
        let mut connection = service.connect();
        for _ in 0..5 {
            loop {
                let read = connection.request("GET", "/counters/1", &[], "");
                let n = read.json()["n"].as_i64().unwrap();
                let body = format!("{{\"n\":{}}}", n + 1);
                let fields = [("If-Match", etag(&read))];
                let answer = connection.request("PUT", "/counters/1", &fields, &body);
                match answer.status {
                    200 => break,
                    // Of so many at once some wait in vain for a connection.
                    412 | 503 => {}
                    _ => panic!("{answer:?}"),
                }
            }
        }
    };
    thread::scope(|scope| {
        let service = &service;
        (0..20).for_each(|_| drop(scope.spawn(move || add(service))));
    });
    assert_eq!(service.get("/counters/1").body, r#"{"n":100}"#);
    service.await_idle();
}
