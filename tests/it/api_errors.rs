//! The error table: every SQLSTATE that one request alone can cause, provoked in PostgreSQL, as its client sees it.

use serde_json::Value;

use crate::api_service::{Service, errors, problem, serve};

const SCHEMA: &str = r#"
    create type side as enum ('buy', 'sell');
    create domain even as int constraint is_even check (value % 2 = 0);
    create table market (id int primary key, name text not null, code varchar(3),
        price int constraint price_is_positive check (price > 0), constraint name_is_taken unique (name));
    create table quote (id int primary key, market_id int constraint has_market references market);
    create table booking (during int4range, constraint no_overlap exclude using gist (during with &&));
    create table secret (x int);
    create table doomed (x int);
    insert into market values (1, 'one'), (2, 'two');
    insert into quote values (1, 1);
    insert into booking values ('[1,10)');
    do $$ begin create role api_guest; exception when duplicate_object or unique_violation then null; end $$;
    create function look() returns int language sql security definer as 'select x from secret';
    alter function look() owner to api_guest;
    create function store() returns int language sql as 'insert into secret values (1) returning x';
    create function lock() returns int language sql as 'select id from market where id = 1 for update';
    create function raise(code text) returns int language plpgsql as
        $$ begin raise 'sold out' using errcode = code, detail = 'two are left', hint = 'ask later'; end $$;
    create function strict_none() returns int language plpgsql as
        $$ declare r int; begin select id into strict r from market where id = 0; return r; end $$;
    create function strict_two() returns int language plpgsql as
        $$ declare r int; begin select id into strict r from market; return r; end $$;
    create function spill() returns bigint language sql set temp_file_limit = '64kB' set work_mem = '64kB'
        as 'select count(*) from (select i from generate_series(1, 100000) as i order by i desc) as s';
"#;

const ENDPOINTS: &str = "
-- name: int$
-- http: GET /int
select :x::int;
-- name: date$
-- http: GET /date
select :x::date;
-- name: uuid$
-- http: GET /uuid
select :x::uuid;
-- name: side$
-- http: GET /side
select :x::side;
-- name: json$
-- http: GET /json
select :x::json;
-- name: numeric$
-- http: GET /numeric
select :x::numeric::numeric(3, 1);
-- name: cast$
-- http: GET /cast
-- :x text
-- :y text default 'y'
select :x::int + length(:y);
-- name: ratio$
-- http: GET /ratio
select 1 / :x::int;
-- name: pattern$
-- http: GET /pattern
select 'a' ~ :x::text;
-- name: even$
-- http: GET /even
-- :x even
select :x;
-- name: add<!
-- http: POST /markets
-- :name  text default null
-- :price int  default null
-- :code  text default null
insert into market (id, name, price, code) values (:id, :name, :price, :code) returning id;
-- name: remove!
-- http: DELETE /markets/{id}
delete from market where id = :id;
-- name: quote!
-- http: POST /quotes
insert into quote values (:id, :market);
-- name: book!
-- http: POST /bookings
insert into booking values (:during);
-- name: document$
-- http: POST /document
select :x::jsonb;
-- name: look$
-- http: GET /look
select look();
-- name: store$
-- http: GET /store
select store();
-- name: lock$
-- http: GET /lock
select lock();
-- name: raise$
-- http: GET /raise
select raise(:code);
-- name: strict-none$
-- http: GET /strict-none
select strict_none();
-- name: strict-two$
-- http: GET /strict-two
select strict_two();
-- name: spill$
-- http: GET /spill
select spill();
-- name: internal$
-- http: GET /internal
select array_in('{1}'::cstring, 0, -1)::text;
-- name: doomed
-- http: GET /doomed
select x from doomed;
-- name: none^
-- http: GET /none
select id from market where id = 0;
-- name: none-value$
-- http: GET /none-value
select id from market where id = 0;
-- name: none-written<!
-- http: PATCH /markets/{id}
update market set name = name where id = :id returning id;
-- name: many^
-- http: GET /many
select id from market;
";

fn service(name: &str) -> Service {
    serve(name, SCHEMA, ENDPOINTS)
}

/// Asks, expects a problem, and shows it as `STATUS CODE CONSTRAINT DETAIL`, with `…` for what is not there.
#[track_caller]
fn outcome(service: &Service, request: &str, status: u16) -> String {
    let answer = service.ask(request);
    let members = problem(&answer, status);
    let text = |name: &str| members.get(name).and_then(Value::as_str).unwrap_or("…");
    let retry = if answer.header("retry-after").is_some() {
        "; retry"
    } else {
        ""
    };
    format!(
        "{} {}: {}{retry}",
        text("code"),
        text("constraint"),
        text("detail")
    )
}

#[track_caller]
fn check(name: &str, expected: &[(&str, u16, &str)]) {
    let service = service(name);
    for (request, status, want) in expected {
        assert_eq!(outcome(&service, request, *status), *want, "{request}");
    }
}

#[test]
fn values_that_postgresql_cannot_read_are_400_and_name_the_parameter() {
    let service = service("api_errors_values");
    let expected = [
        (
            "/int?x=abc",
            "22P02",
            "invalid input syntax for type integer: \"abc\"",
        ),
        (
            "/int?x=",
            "22P02",
            "invalid input syntax for type integer: \"\"",
        ),
        (
            "/int?x=9999999999",
            "22003",
            "value \"9999999999\" is out of range for type integer",
        ),
        (
            "/date?x=soon",
            "22007",
            "invalid input syntax for type date: \"soon\"",
        ),
        (
            "/date?x=2024-13-01",
            "22008",
            "date/time field value out of range: \"2024-13-01\"",
        ),
        (
            "/uuid?x=1-2",
            "22P02",
            "invalid input syntax for type uuid: \"1-2\"",
        ),
        (
            "/side?x=hold",
            "22P02",
            "invalid input value for enum side: \"hold\"",
        ),
        ("/json?x=%7B", "22P02", "invalid input syntax for type json"),
        (
            "/numeric?x=1e999999",
            "22003",
            "value overflows numeric format",
        ),
        (
            "/cast?x=abc",
            "22P02",
            "invalid input syntax for type integer: \"abc\"",
        ),
    ];
    for (target, code, message) in expected {
        let answer = service.get(target);
        let members = problem(&answer, 400);
        assert_eq!(members["code"], code, "{answer:?}");
        assert_eq!(members["detail"], message, "{answer:?}");
        assert_eq!(errors(&answer), [format!("query x: {message}")]);
    }
}

#[test]
fn data_that_does_not_compute_is_400() {
    check(
        "api_errors_data",
        &[
            ("GET /ratio?x=0", 400, "22012 …: division by zero"),
            (
                "GET /numeric?x=123.45",
                400,
                "22003 …: numeric field overflow",
            ),
            (
                "GET /pattern?x=(",
                400,
                "2201B …: invalid regular expression: parentheses () not balanced",
            ),
            (
                "POST /markets {\"id\":9,\"name\":\"nine\",\"code\":\"long\"}",
                400,
                "22001 …: value too long for type character varying(3)",
            ),
            (
                "POST /document {\"x\":\"\\u0000\"}",
                400,
                "22P05 …: unsupported Unicode escape sequence",
            ),
        ],
    );
}

#[test]
fn a_constraint_that_is_violated_is_named() {
    check(
        "api_errors_constraints",
        &[
            (
                "POST /markets {\"id\":9,\"name\":\"one\"}",
                409,
                "23505 name_is_taken: Key (name)=(one) already exists",
            ),
            (
                "POST /quotes {\"id\":2,\"market\":9}",
                409,
                "23503 has_market: Key (market_id)=(9) is not present",
            ),
            (
                "DELETE /markets/1",
                409,
                "23503 has_market: Key (id)=(1) is still referenced",
            ),
            (
                "POST /bookings {\"during\":\"[5,7)\"}",
                409,
                "23P01 no_overlap: Key (during)=([5,7)) conflicts with existing key (during)=([1,10))",
            ),
            (
                "POST /markets {\"id\":9}",
                422,
                "23502 …: name must not be null",
            ),
            (
                "POST /markets {\"id\":9,\"name\":\"nine\",\"price\":0}",
                422,
                "23514 price_is_positive: a value violates the check price_is_positive",
            ),
            (
                "GET /even?x=3",
                422,
                "23514 is_even: a value violates the check is_even",
            ),
        ],
    );
}

#[test]
fn what_the_sql_raises_has_the_status_it_asks_for() {
    let words = "sold out; two are left; ask later";
    let hidden = "the server failed to answer this request";
    let expected = [
        ("P0001", 400, format!("P0001 …: {words}")),
        ("P0002", 404, format!("P0002 …: {words}")),
        ("PT402", 402, format!("PT402 …: {words}")),
        ("PT404", 404, format!("PT404 …: {words}")),
        ("PT503", 503, format!("PT503 …: {words}; retry")),
        // No status of an error.
        ("PT200", 500, format!("PT200 …: {words}")),
        ("P0004", 500, format!("P0004 …: {hidden}")),
        ("XX001", 500, format!("XX001 …: {hidden}")),
        (
            "53300",
            503,
            "53300 …: the database is not available; retry".into(),
        ),
        (
            "08006",
            503,
            "08006 …: the database is not available; retry".into(),
        ),
        (
            "57P03",
            503,
            "57P03 …: the database is not available; retry".into(),
        ),
    ];
    let service = service("api_errors_raised");
    for (code, status, want) in expected {
        let request = format!("GET /raise?code={code}");
        assert_eq!(outcome(&service, &request, status), want);
    }
}

#[test]
fn failures_of_the_sql_are_500_without_a_word_about_it() {
    let service = service("api_errors_failures");
    service.database.run("drop table doomed");
    let hidden = "the server failed to answer this request";
    let expected = [
        ("GET /store", "25006"),
        ("GET /lock", "25006"),
        ("GET /internal", "XX000"),
        ("GET /doomed", "42P01"),
        ("GET /strict-two", "P0003"),
        ("GET /many", "…"),
    ];
    for (request, code) in expected {
        let want = format!("{code} …: {hidden}");
        assert_eq!(outcome(&service, request, 500), want, "{request}");
    }
    assert_eq!(service.database.ask("select x from secret"), None);
}

#[test]
fn a_failure_is_in_the_log_with_its_cause_and_a_clients_mistake_is_not() {
    let service = service("api_errors_log");
    problem(&service.get("/int?x=abc"), 400);
    let failed = service
        .connect()
        .request("GET", "/store", &[("X-Request-Id", "find-me")], "");
    assert_eq!(problem(&failed, 500)["request_id"], "find-me");
    let (_, log) = service.server.stop();
    let about: Vec<&str> = log
        .lines()
        .filter(|line| line.contains("find-me"))
        .collect();
    assert_eq!(about.len(), 1, "{log}");
    assert!(about[0].contains("read-only transaction"), "{log}");
    assert!(about[0].contains("store"), "{log}");
    assert!(!log.contains("integer"), "{log}");
}

#[test]
fn limits_and_rights_of_the_database_are_told_apart() {
    check(
        "api_errors_rights",
        &[
            ("GET /look", 403, "42501 …: permission denied"),
            (
                "GET /spill",
                503,
                "53400 …: the database is not available; retry",
            ),
        ],
    );
}

#[test]
fn nothing_there_is_404() {
    let nothing = "… …: there is no such thing here";
    check(
        "api_errors_nothing",
        &[
            ("GET /none", 404, nothing),
            ("GET /none-value", 404, nothing),
            ("DELETE /markets/9", 404, nothing),
            ("PATCH /markets/9 {}", 404, nothing),
            ("GET /strict-none", 404, "P0002 …: query returned no rows"),
        ],
    );
}

#[test]
fn one_error_leaves_the_connection_and_its_neighbours_alone() {
    let service = service("api_errors_neighbours");
    let mut connection = service.connect();
    for _ in 0..3 {
        problem(&connection.request("GET", "/store", &[], ""), 500);
        let answer = connection.request("GET", "/int?x=7", &[], "");
        assert_eq!((answer.status, answer.body.as_str()), (200, "7"));
    }
}
