//! `returns`: statuses, media types, values as they are.

use crate::api_service::{Service, problem, serve};
use crate::harness::Answer;

const SCHEMA: &str = "
    create table picture (id int primary key, bytes bytea, page text);
    insert into picture values
      (1, decode(array_to_string(array(select lpad(to_hex(n), 2, '0') from generate_series(0, 255) as n), ''), 'hex'),
       '<p>é € 😀 \"quoted\" \\ ' || chr(10) || chr(13) || chr(9) || '</p>'),
      (2, '', ''),
      (3, null, null);
    create domain image as bytea;
    create type mood as enum ('sad', 'ok');
";

const ENDPOINTS: &str = "
-- name: picture$
-- http: GET /pictures/{id}
-- returns: image/png
-- cache: max-age=1
select bytes, 'p' || id as _etag from picture where id = :id;

-- name: picture-of-domain$
-- http: GET /images/{id}
-- returns: IMAGE/X-Own.type+1
select bytes::image from picture where id = :id;

-- name: page$
-- http: GET /pages/{id}
-- returns: text/html
select page from picture where id = :id;

-- name: make-page$
-- http: POST /pages
-- returns: 202 text/plain
-- :mood mood
select :mood, '/pages/1' as _location;

-- name: number$
-- http: GET /number
-- returns: text/plain
select 1.50::numeric;

-- name: list$
-- http: GET /list
-- returns: text/plain
select array['a \"b\"', null, 'c,d'];

-- name: time$
-- http: GET /time
-- returns: text/plain
select timestamptz '2018-07-24 00:19:00+00';

-- name: document$
-- http: GET /document
-- returns: application/xml
select xmlelement(name a, 'é');

-- name: own-csv$
-- http: GET /own-csv
-- returns: text/csv
select string_agg(n || ';\"x\"', chr(10) order by n) from generate_series(1, 3) as n;

-- name: own-lines$
-- http: GET /own-lines
-- returns: application/x-ndjson
select '{}' || chr(10) || '[]';

-- name: place$
-- http: GET /place
-- returns: application/geo+json
select json_build_object('type', 'Point', 'coordinates', json_build_array(1, 2.50));

-- name: place-null$
-- http: GET /place-null
-- returns: application/geo+json
select null::json;

-- name: text-as-json$
-- http: GET /text-as-json
-- returns: application/json
select 'a \"text\"';

-- name: places
-- http: GET /places
-- returns: application/vnd.places+json
select n from generate_series(1, 2) as n;

-- name: row-as-json^
-- http: GET /row
-- returns: application/hal+json
select 1 as n;

-- name: add<!
-- http: POST /pictures
-- returns: 200
insert into picture values (:id) returning id;

-- name: accept<!
-- http: POST /pictures/later
-- returns: 202 application/vnd.picture+json
insert into picture values (:id) returning id;

-- name: remove!
-- http: DELETE /pictures/{id}
-- returns: 202
delete from picture where id = :id;

-- name: moved^
-- http: GET /moved
-- returns: 303
select 'x' as x, '/row' as _location;

-- name: created-list
-- http: POST /list
-- returns: 201
select 1 as n;

-- name: often^
-- http: GET /often
-- returns: 202
select :status::int as _status, 1 as n;
";

fn service(name: &str) -> Service {
    serve(name, SCHEMA, ENDPOINTS)
}

#[test]
fn bytes_are_answered_as_they_are() {
    let service = service("format_media_bytes");
    let all: Vec<u8> = (0..=255).collect();
    let mut connection = service.connect();
    for (target, bytes, content_type) in [
        ("/pictures/1", all.as_slice(), "image/png"),
        ("/images/1", &all, "image/x-own.type+1"),
        ("/pictures/2", &[], "image/png"),
    ] {
        connection.send(format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n"));
        let (answer, body) = connection.bytes_to("GET");
        assert_eq!((answer.status, body.as_slice()), (200, bytes), "{target}");
        assert_eq!(answer.header("content-type"), Some(content_type));
        let head = connection.request("HEAD", target, &[], "");
        assert_eq!(
            head.header("content-length"),
            Some(bytes.len().to_string().as_str())
        );
        assert_eq!(head.header("content-type"), Some(content_type));
    }
    // A null is no picture, and neither is one of another number.
    for target in ["/pictures/3", "/pictures/4", "/images/3", "/pages/3"] {
        problem(&service.get(target), 404);
    }
    let answer = service.get("/pictures/1?x=1");
    problem(&answer, 400);
    let seen = [("If-None-Match", "\"p1\"")];
    let answer = service.ask_with("GET /pictures/1", &seen);
    assert_eq!(
        (answer.status, answer.header("cache-control")),
        (304, Some("max-age=1"))
    );
}

/// That a path answers with this body and type.
#[track_caller]
fn is(service: &Service, target: &str, body: &str, content_type: &str) -> Answer {
    let answer = service.get(target);
    let got = (answer.status, answer.body.as_str());
    assert_eq!(got, (200, body), "{target}");
    let got = answer.header("content-type");
    assert_eq!(got, Some(content_type), "{target}");
    answer
}

#[test]
fn text_is_answered_as_it_is_and_said_to_be_utf8() {
    let service = service("format_media_text");
    for (target, body, content_type) in [
        (
            "/pages/1",
            "<p>é € 😀 \"quoted\" \\ \n\r\t</p>",
            "text/html; charset=utf-8",
        ),
        ("/pages/2", "", "text/html; charset=utf-8"),
        ("/number", "1.50", "text/plain; charset=utf-8"),
        (
            "/list",
            r#"["a \"b\"",null,"c,d"]"#,
            "text/plain; charset=utf-8",
        ),
        (
            "/time",
            "2018-07-24T00:19:00+00:00",
            "text/plain; charset=utf-8",
        ),
        ("/document", "<a>é</a>", "application/xml"),
        (
            "/own-csv",
            "1;\"x\"\n2;\"x\"\n3;\"x\"",
            "text/csv; charset=utf-8",
        ),
        ("/own-lines", "{}\n[]", "application/x-ndjson"),
    ] {
        let answer = is(&service, target, body, content_type);
        // There is nothing to choose from.
        assert_eq!(answer.header("vary"), None, "{target}");
        let answer = service.ask_with(&format!("GET {target}"), &[("Accept", "text/csv")]);
        assert_eq!(answer.body, body, "{target}");
    }
    let answer = service.post("/pages", r#"{"mood":"ok"}"#);
    assert_eq!((answer.status, answer.body.as_str()), (202, "ok"));
    assert_eq!(answer.header("location"), Some("/pages/1"));
}

#[test]
fn json_may_have_a_name_of_its_own() {
    let service = service("format_media_json");
    for (target, body, content_type) in [
        (
            "/place",
            r#"{"type" : "Point", "coordinates" : [1, 2.50]}"#,
            "application/geo+json",
        ),
        ("/place-null", "null", "application/geo+json"),
        ("/text-as-json", r#""a \"text\"""#, "application/json"),
        (
            "/places",
            r#"[{"n":1},{"n":2}]"#,
            "application/vnd.places+json",
        ),
        ("/row", r#"{"n":1}"#, "application/hal+json"),
    ] {
        is(&service, target, body, content_type);
    }
    // The file says what the list is: there is nothing to choose from.
    let answer = service.ask_with("GET /places", &[("Accept", "text/csv")]);
    assert_eq!(answer.body, r#"[{"n":1},{"n":2}]"#);
    assert_eq!(answer.header("vary"), None);
}

#[test]
fn a_good_answer_has_the_status_that_the_file_says() {
    let service = service("format_media_status");
    for (request, status, body, content_type) in [
        (
            r#"POST /pictures {"id":8}"#,
            200,
            r#"{"id":8}"#,
            Some("application/json"),
        ),
        (
            r#"POST /pictures/later {"id":9}"#,
            202,
            r#"{"id":9}"#,
            Some("application/vnd.picture+json"),
        ),
        ("DELETE /pictures/9", 202, "", None),
        ("POST /list", 201, r#"[{"n":1}]"#, Some("application/json")),
        ("GET /moved", 303, r#"{"x":"x"}"#, Some("application/json")),
        // A row knows better than the file.
        (
            "GET /often?status=203",
            203,
            r#"{"n":1}"#,
            Some("application/json"),
        ),
    ] {
        let answer = service.ask(request);
        assert_eq!(
            (answer.status, answer.body.as_str()),
            (status, body),
            "{request}"
        );
        assert_eq!(answer.header("content-type"), content_type, "{request}");
    }
    assert_eq!(service.get("/moved").header("location"), Some("/row"));
    // Others have their own.
    problem(&service.ask("DELETE /pictures/9"), 404);
    problem(&service.post("/pictures", r#"{"id":8}"#), 409);
}
