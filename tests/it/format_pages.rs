//! `page: keyset`: the last row of a full page says where the next one begins.

use serde_json::{Value, json};

use crate::api_service::{Service, serve};
use crate::harness::Answer;

/// Books by title and time, both of which repeat; titles have all that a link must not have as it is.
const SCHEMA: &str = r#"
    create table book (
      id int generated always as identity primary key,
      title text not null,
      at timestamptz,
      price numeric
    );
    insert into book (title, at, price)
    select (array['a&b=c#d', 'plus + and %2B', 'é € 😀', 'quote " <>;,', '', ' / ? \ ', 'a&b=c#d'])[1 + n % 7],
           timestamptz '2018-07-24 00:19:00.123456+00' + n / 5 * interval '1.000001 second',
           n / 10.0
    from generate_series(1, 57) as n;
"#;

const ENDPOINTS: &str = "
-- name: by-id
-- http: GET /by-id
-- :before int default null
-- :limit int default 10 check 1..100
-- page: keyset id -> before
select id from book where :before is null or id < :before order by id desc limit :limit;

-- name: by-title
-- http: GET /by-title
-- :after text default null
-- :after_id int default null
-- :limit int default 10
-- page: keyset title -> after, id -> :after_id
select title, id from book
where :after is null or (title, id) > (:after, :after_id)
order by title, id limit :limit;

-- name: by-time
-- http: GET /shops/{shop}/by-time
-- :at timestamptz default null
-- :id int default null
-- :limit int default 10
-- page: keyset at -> at, id -> id
select at, id, :shop as shop from book
where :at is null or (at, id) > (:at, :id) order by at, id limit :limit;

-- name: some
-- http: GET /some
-- :titles text[] default null
-- :prices numeric[] default null
-- :after int default 0
-- :limit int
-- page: keyset id -> after
select id, title from book
where id > :after and (:titles is null or title = any (:titles)) and (:prices is null or price = any (:prices))
order by id limit :limit;

-- name: unlimited
-- http: GET /unlimited
-- :after int default 0
-- :limit int default null
-- page: keyset id -> after
select id from book where id > :after order by id limit :limit;

-- name: nulls
-- http: GET /nulls
-- :after timestamptz default null
-- :limit int default 2
-- page: keyset at -> after
select id, at from (values (1, now()), (2, null)) as v (id, at) where :after is null or at > :after limit :limit;

-- name: marked
-- http: GET /marked
-- :after int default 0
-- :limit int default 3
-- page: keyset id -> after
select id as \"id!\", count(*) over () as _total from book where id > :after order by id limit :limit;
";

fn service(name: &str) -> Service {
    serve(name, SCHEMA, ENDPOINTS)
}

/// Where the next page is.
#[track_caller]
fn next(answer: &Answer) -> Option<&str> {
    let link = answer.header("link")?;
    let target = link
        .strip_prefix('<')
        .and_then(|rest| rest.strip_suffix(">; rel=\"next\""));
    Some(target.unwrap_or_else(|| panic!("{link}")))
}

/// All pages from this one on, put together, and how many they were.
#[track_caller]
fn walk(service: &Service, target: &str) -> (Vec<Value>, usize) {
    let mut connection = service.connect();
    let (mut rows, mut pages, mut target) = (Vec::new(), 0, target.to_owned());
    loop {
        let answer = connection.request("GET", &target, &[], "");
        assert_eq!(answer.status, 200, "{target}: {answer:?}");
        rows.extend(answer.json().as_array().unwrap().iter().cloned());
        pages += 1;
        match next(&answer) {
            Some(next) => target = next.to_owned(),
            None => return (rows, pages),
        }
    }
}

/// That the pages of each of these sizes are the whole list.
#[track_caller]
fn all_there(service: &Service, target: &str, whole: usize) {
    let separator = if target.contains('?') { '&' } else { '?' };
    let sized = |limit: usize| format!("{target}{separator}limit={limit}");
    let (all, pages) = walk(service, &sized(100));
    assert_eq!((all.len(), pages), (whole, 1), "{target}");
    for limit in [1, 2, 5, 19, whole - 1, whole] {
        let (rows, pages) = walk(service, &sized(limit));
        assert_eq!(rows, all, "{target} by {limit}");
        // A last page that is full does not know that it is the last.
        assert_eq!(pages, whole / limit + 1, "{target} by {limit}");
    }
}

#[test]
fn all_pages_are_the_whole_list() {
    let service = service("format_pages_walk");
    all_there(&service, "/by-id", 57);
    all_there(&service, "/by-title", 57);
    all_there(&service, "/shops/a%2Fb%20c/by-time", 57);
    all_there(&service, "/by-id?before=30", 29);
    let (rows, pages) = walk(&service, "/by-id");
    assert_eq!((rows.len(), pages), (57, 6));
    assert_eq!(rows[10], json!({"id": 47}));
}

#[test]
fn a_link_asks_for_the_rest_of_what_was_asked_for() {
    let service = service("format_pages_link");
    // What was asked for is as it was, however often; what says where the page begins is in its place.
    let query = "titles=a%26b%3Dc%23d&titles=%C3%A9+%E2%82%AC%20%F0%9F%98%80&limit=4";
    let answer = service.get(&format!("/some?after=3&{query}"));
    assert_eq!(
        next(&answer),
        Some(
            "/some?titles=a%26b%3Dc%23d&titles=%C3%A9%20%E2%82%AC%20%F0%9F%98%80&limit=4&after=13"
        )
    );
    let (rows, pages) = walk(&service, &format!("/some?{query}"));
    assert_eq!((rows.len(), pages), (24, 7));
    let wanted = ["a&b=c#d", "é € 😀"];
    assert!(
        rows.iter()
            .all(|row| wanted.contains(&row["title"].as_str().unwrap()))
    );
    let (rows, _) = walk(
        &service,
        "/some?limit=2&prices=0.1&prices=0.5&prices=1.5&prices=2.5&prices=9",
    );
    assert_eq!(rows.len(), 4);
    // A path is as it was sent.
    let answer = service.get("/shops/a%2fb%20c/by-time?limit=1");
    let link = next(&answer).unwrap();
    assert!(
        link.starts_with(
            "/shops/a%2fb%20c/by-time?limit=1&at=2018-07-24T00%3A19%3A00.123456%2B00%3A00&id=1"
        ),
        "{link}"
    );
    // HEAD is told the same.
    let mut connection = service.connect();
    let head = connection.request("HEAD", "/by-id?limit=3", &[], "");
    assert_eq!(next(&head), Some("/by-id?limit=3&before=55"));
    // Whatever the rows are made as.
    let csv = service.ask_with("GET /by-id?limit=2", &[("Accept", "text/csv")]);
    assert_eq!(
        (csv.body.as_str(), next(&csv)),
        ("id\r\n57\r\n56\r\n", Some("/by-id?limit=2&before=56"))
    );
}

#[test]
fn a_page_that_is_not_full_is_the_last() {
    let service = service("format_pages_last");
    for target in [
        "/by-id?limit=58",
        "/by-id?before=5",
        "/by-id?before=1",
        "/unlimited",
        "/some?limit=1&titles=nothing",
    ] {
        assert_eq!(next(&service.get(target)), None, "{target}");
    }
    assert_eq!(
        next(&service.get("/unlimited?limit=%2057")),
        Some("/unlimited?limit=%2057&after=57")
    );
    assert_eq!(next(&service.get("/unlimited?limit=0")), None);
    // What begins after a null is not known.
    let answer = service.get("/nulls");
    assert_eq!(
        (answer.json().as_array().unwrap().len(), next(&answer)),
        (2, None)
    );
    assert!(next(&service.get("/nulls?limit=1")).is_some());
}

#[test]
fn how_many_there_are_on_all_pages_is_in_the_head() {
    let service = service("format_pages_total");
    let answer = service.get("/marked");
    assert_eq!(answer.body, r#"[{"id":1},{"id":2},{"id":3}]"#);
    assert_eq!(answer.header("x-total-count"), Some("57"));
    assert_eq!(next(&answer), Some("/marked?after=3"));
    // Who has no row has not counted.
    assert_eq!(
        service.get("/marked?after=57").header("x-total-count"),
        None
    );
    let (rows, _) = walk(&service, "/marked?limit=20");
    assert_eq!(rows.len(), 57);
}
