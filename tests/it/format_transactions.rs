//! Several statements: one transaction, of which the last one is the answer.

use serde_json::json;

use crate::api_service::{Service, errors, problem, serve, serve_with};
use crate::harness::block_on;

const SCHEMA: &str = "
    create table account (id int primary key, balance int not null check (balance >= 0));
    create table entry (
      n int generated always as identity,
      account int not null references account deferrable initially deferred,
      amount int not null,
      code text unique deferrable initially deferred
    );
    create table log (said text);
    create function no_seven() returns trigger language plpgsql as
      $$ begin if new.said = '7' then raise sqlstate 'PT418' using message = 'no seven'; end if; return null; end $$;
    create constraint trigger no_seven after insert on log deferrable initially deferred
      for each row execute function no_seven();
    create function note(said text) returns text language sql as 'insert into log values (said) returning said';
    insert into account values (1, 100), (2, 0);
";

const ENDPOINTS: &str = "
-- name: transfer<!
-- http: POST /transfers
-- :to int
-- :amount int check 1..
-- Statements have numbers of their own for the parameters that they share.
update account set balance = balance - :amount where id = :from::int;
-- The semicolon in this comment; ends nothing
insert into entry (account, amount) values (:to, :amount), (:from, -:amount);
update account set balance = balance + :amount where id = :to
returning id, balance, '/accounts/' || id as _location;

-- name: enter!
-- http: POST /entries
-- :code text default null
insert into log values ('entered');
insert into entry (account, amount, code) values (:account, :amount, :code);

-- name: log!
-- http: POST /log
select 1;
insert into log values (:said);

-- name: rename!
-- http: PUT /accounts/{id}
-- :id int
insert into log values ('renamed ' || :id::text);
update account set id = :to where id = :id;

-- name: balance$
-- http: GET /accounts/{id}
select count(*) from entry;
select balance from account where id = :id;

-- name: answers
-- http: GET /answers
select 1 as no, 'of no interest' as why;
select n, 'x' as text from generate_series(1, :n::int) as n;

-- name: two<!
-- http: POST /two
insert into log values ('two');
insert into log values ('a'), ('b') returning said;

-- name: wrong-status<!
-- http: POST /wrong-status
insert into log values ('wrong');
insert into log values ('status') returning :status::int as _status, :location::text as _location;

-- name: names
-- http: GET /names
select :a::int;
select :b::int as b, :a::int as a, :c::int as c;

-- name: settings^
-- http: GET /settings
set local timezone to 'Asia/Tokyo';
select current_setting('timezone') as zone, current_setting('transaction_read_only') as read_only,
       current_setting('transaction_isolation') as isolation;

-- name: settings-later$
-- http: GET /settings-later
select current_setting('timezone');

-- name: writes-in-secret$
-- http: GET /writes-in-secret
select count(*) from log;
select note('secret');

-- name: counts
-- http: GET /counts
-- tx: repeatable read
select count(*) from log;
select pg_advisory_xact_lock_shared(1);
select count(*) from log;

-- name: counts-now
-- http: GET /counts-now
select count(*) from log;
select pg_advisory_xact_lock_shared(1);
select count(*) from log;

-- name: where-post^
-- http: POST /where
-- tx: read only
select current_setting('default_transaction_read_only') as by_default, current_setting('transaction_read_only') as here;

-- name: where-put^
-- http: PUT /where
-- tx: read write, serializable
select current_setting('default_transaction_read_only') as by_default, current_setting('transaction_read_only') as here,
       current_setting('transaction_isolation') as isolation;

-- name: reads-many
-- http: POST /reads-many
-- tx: read only
select said from log order by said;
";

fn service(name: &str) -> Service {
    serve(name, SCHEMA, ENDPOINTS)
}

/// The balances, and how many rows the other tables have.
fn state(service: &Service) -> String {
    let sql = "select string_agg(id || ':' || balance, ' ' order by id)
        || ' entries ' || (select count(*) from entry) || ' log ' || (select count(*) from log) from account";
    service.database.ask(sql).unwrap()
}

const BEFORE: &str = "1:100 2:0 entries 0 log 0";

#[test]
fn the_last_statement_is_the_answer_and_all_have_been_done() {
    let service = service("format_tx_answer");
    let answer = service.post("/transfers", r#"{"from":1,"to":2,"amount":30}"#);
    assert_eq!(
        (answer.status, answer.body.as_str()),
        (201, r#"{"id":2,"balance":30}"#)
    );
    assert_eq!(answer.header("location"), Some("/accounts/2"));
    assert_eq!(state(&service), "1:70 2:30 entries 2 log 0");
    assert_eq!(service.get("/accounts/2").body, "30");
    assert_eq!(
        service.get("/answers?n=2").json(),
        json!([{"n": 1, "text": "x"}, {"n": 2, "text": "x"}])
    );
    assert_eq!(service.get("/answers?n=0").body, "[]");
    assert_eq!(service.post("/log", r#"{"said":"a"}"#).status, 204);
    assert_eq!(state(&service), "1:70 2:30 entries 2 log 1");
}

#[test]
fn an_error_in_any_statement_undoes_all() {
    let service = service("format_tx_undone");
    for (request, status, code) in [
        // In the first, in the second, in the last.
        (
            r#"POST /transfers {"from":1,"to":2,"amount":101}"#,
            422,
            "23514",
        ),
        (
            r#"POST /transfers {"from":1,"to":2,"amount":"x"}"#,
            400,
            "22P02",
        ),
        (r#"POST /entries {"account":1,"amount":null}"#, 400, ""),
        (r#"PUT /accounts/1 {"to":2}"#, 409, "23505"),
        // What is looked at only when it is committed.
        (r#"POST /entries {"account":9,"amount":1}"#, 409, "23503"),
        (r#"POST /log {"said":"7"}"#, 418, "PT418"),
    ] {
        let answer = service.ask(request);
        let problem = problem(&answer, status);
        let have = problem
            .get("code")
            .map_or("", |code| code.as_str().unwrap());
        assert_eq!(have, code, "{request}");
        assert_eq!(state(&service), BEFORE, "{request}");
    }
    let entry = r#"{"account":1,"amount":1,"code":"x"}"#;
    assert_eq!(service.post("/entries", entry).status, 204);
    let problem = problem(&service.post("/entries", entry), 409);
    assert_eq!(
        (&problem["code"], &problem["detail"]),
        (&json!("23505"), &json!("Key (code)=(x) already exists"))
    );
    assert_eq!(state(&service), "1:100 2:0 entries 1 log 1");
    service.await_idle();
}

#[test]
fn a_last_statement_without_a_row_is_404_and_undoes_all() {
    let service = service("format_tx_404");
    // There is no account 9 to pay; the payer has not paid.
    problem(
        &service.post("/transfers", r#"{"from":1,"to":9,"amount":5}"#),
        404,
    );
    problem(&service.ask(r#"PUT /accounts/9 {"to":3}"#), 404);
    problem(&service.get("/accounts/9"), 404);
    assert_eq!(state(&service), BEFORE);
    service.await_idle();
}

#[test]
fn an_answer_that_cannot_be_made_undoes_all() {
    let service = service("format_tx_answer_fails");
    for (target, body) in [
        ("/two", "{}"),
        ("/wrong-status", r#"{"status":1000,"location":"/"}"#),
        ("/wrong-status", r#"{"status":201,"location":"/a\r\nb"}"#),
    ] {
        problem(&service.post(target, body), 500);
        assert_eq!(state(&service), BEFORE, "{body}");
    }
    let good = service.post("/wrong-status", r#"{"status":202,"location":"/a"}"#);
    assert_eq!((good.status, good.header("location")), (202, Some("/a")));
    assert_eq!(state(&service), "1:100 2:0 entries 0 log 2");
}

#[test]
fn the_parameter_that_is_to_blame_is_named_whichever_statement_it_is_in() {
    let service = service("format_tx_blame");
    let bad = |name: &str| format!("query {name}: invalid input syntax for type integer: \"x\"");
    for (query, name) in [
        ("a=x&b=1&c=1", "a"),
        ("a=1&b=x&c=1", "b"),
        ("a=1&b=1&c=x", "c"),
        ("a=x&b=x&c=1", "a"),
    ] {
        let answer = service.get(&format!("/names?{query}"));
        assert_eq!(errors(&answer), [bad(name)], "{query}");
    }
    // It is the second one's `amount` that is `x` here, `$2`; the first one's `$2` is `from`.
    let answer = service.post("/transfers", r#"{"from":1,"to":"x","amount":1}"#);
    assert_eq!(
        errors(&answer),
        ["body to: invalid input syntax for type integer: \"x\""]
    );
    assert_eq!(state(&service), BEFORE);
}

#[test]
fn what_a_transaction_sets_ends_with_it() {
    let service = serve_with(
        "format_tx_settings",
        SCHEMA,
        ENDPOINTS,
        &["--db-connections", "1"],
    );
    let before = service.get("/settings-later").body;
    assert_ne!(before, "\"Asia/Tokyo\"");
    assert_eq!(
        service.get("/settings").json(),
        json!({"zone": "Asia/Tokyo", "read_only": "on", "isolation": "read committed"})
    );
    assert_eq!(service.get("/settings-later").body, before);
}

#[test]
fn a_get_writes_nothing_however_many_statements_it_has() {
    let service = service("format_tx_get_writes");
    let problem = problem(&service.get("/writes-in-secret"), 500);
    assert_eq!(problem["code"], "25006");
    assert_eq!(state(&service), BEFORE);
}

#[test]
fn a_snapshot_is_the_same_for_all_statements_if_the_file_says_so() {
    let service = service("format_tx_snapshot");
    for (target, sees) in [("/counts", 0), ("/counts-now", 1)] {
        service.database.run("truncate log");
        let other = service.database.another_client();
        block_on(other.batch_execute("select pg_advisory_lock(1)")).unwrap();
        let mut connection = service.connect();
        connection.send(format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n"));
        // It has counted, and waits before it counts again.
        let waits = "select 1 from pg_locks where locktype = 'advisory' and not granted";
        crate::harness::poll("the second statement", || service.database.ask(waits));
        // Committed before the lock is given back.
        block_on(other.batch_execute("insert into log values ('a')")).unwrap();
        block_on(other.batch_execute("select pg_advisory_unlock(1)")).unwrap();
        let answer = connection.answer_to("GET");
        assert_eq!(answer.json(), json!([{"count": sees}]), "{target}");
    }
}

#[test]
fn a_transaction_that_only_reads_runs_where_reading_is_done() {
    let service = service("format_tx_read_only");
    assert_eq!(
        service.ask("POST /where").json(),
        json!({"by_default": "on", "here": "on"})
    );
    assert_eq!(
        service.ask("PUT /where").json(),
        json!({"by_default": "off", "here": "off", "isolation": "serializable"})
    );
    service.database.run("insert into log values ('b'), ('a')");
    let answer = service.ask("POST /reads-many");
    assert_eq!(
        (answer.status, answer.json()),
        (200, json!([{"said": "a"}, {"said": "b"}]))
    );
}
