//! Transactions that nobody waits for any more, and those that fail: their connection is as before.

use std::thread;
use std::time::{Duration, Instant};

use crate::api_service::{Service, problem, serve_with};
use crate::harness::{Connection, poll};

const SCHEMA: &str = "
    create table account (id int primary key, balance int not null check (balance >= 0));
    insert into account select n, 1000 from generate_series(1, 10) as n;
    create table slow (n int);
    create function sleeps() returns trigger language plpgsql as
      $$ begin perform pg_sleep(new.n); return null; end $$;
    create constraint trigger sleeps after insert on slow deferrable initially deferred
      for each row execute function sleeps();
";

const ENDPOINTS: &str = "
-- name: transfer!
-- http: POST /transfers
update account set balance = balance - :amount where id = :from;
update account set balance = balance + :amount where id = :to;

-- name: transfer-checked<!
-- http: PUT /transfers
-- tx: repeatable read, retry 100
select sum(balance) from account;
update account set balance = balance - :amount where id = :from;
update account set balance = balance + :amount where id = :to::int returning balance;

-- name: total$
-- http: GET /total
select sum(balance) from account;

-- name: totals^
-- http: GET /totals
-- tx: repeatable read
select sum(balance) from account;
select sum(balance) as total, count(*) as accounts from account;

-- name: empty*!
-- http: POST /emptied
update account set balance = balance - :amount where id = :id;

-- name: one$
-- http: GET /one
select 1;

-- name: first-sleeps$
-- http: POST /first-sleeps
update account set balance = 0 where id = 1 and pg_sleep(:seconds) is not null;
select 1;

-- name: second-sleeps$
-- http: POST /second-sleeps
update account set balance = 0 where id = 1;
select pg_sleep(:seconds);
select 1;

-- name: last-sleeps<!
-- http: POST /last-sleeps
update account set balance = 0 where id = 1;
update account set balance = 0 where id = 2 and pg_sleep(:seconds) is not null returning id;

-- name: list-sleeps*!
-- http: POST /list-sleeps
update account set balance = 0 where id = :id and pg_sleep(:seconds) is not null;

-- name: commit-sleeps!
-- http: POST /commit-sleeps
update account set balance = 0 where id = 1;
insert into slow values (:seconds);

-- name: late$
-- http: GET /late
-- timeout: 200ms
select 'late' from pg_sleep(60);

-- name: late-transaction$
-- http: GET /late-transaction
-- timeout: 200ms
select 1;
select 'late' from pg_sleep(60);

-- name: late-post!
-- http: POST /late
-- timeout: 200ms
update account set balance = 0 where id = 1 and pg_sleep(60) is not null;

-- name: late-post-transaction!
-- http: POST /late-transaction
-- timeout: 200ms
update account set balance = 0 where id = 1;
update account set balance = 0 where id = 2 and pg_sleep(60) is not null;
";

/// A sum that no transfer changes, and no part of one leaves alone.
const TOTAL: &str = "10000";

fn service(name: &str, connections: &str) -> Service {
    let options = ["--db-connections", connections];
    serve_with(name, SCHEMA, ENDPOINTS, &options)
}

/// That nothing has been written, and both kinds of connections are as before.
#[track_caller]
fn as_before(service: &Service) {
    service.await_idle();
    for _ in 0..3 {
        assert_eq!(service.get("/total").body, TOTAL);
        let nothing = r#"{"from":1,"to":2,"amount":0}"#;
        assert_eq!(service.post("/transfers", nothing).status, 204);
    }
    service.await_idle();
}

/// Waits until a backend sleeps, and nothing else.
#[track_caller]
fn await_sleep(service: &Service) {
    const SLEEPS: &str = "select 1 from pg_stat_activity
        where datname = current_database() and wait_event = 'PgSleep'";
    poll("a backend to sleep", || service.database.ask(SLEEPS));
}

#[test]
fn what_takes_too_long_is_504_and_stopped_in_postgresql() {
    let service = service("format_given_up_late", "1");
    for request in [
        "GET /late",
        "GET /late-transaction",
        "POST /late",
        "POST /late-transaction",
    ] {
        let begin = Instant::now();
        let answer = service.ask(request);
        let detail = problem(&answer, 504)["detail"].clone();
        assert_eq!(detail, "the request took longer than 0.2 s", "{request}");
        // The query would take a minute.
        service.await_idle();
        assert!(begin.elapsed() < Duration::from_secs(30), "{request}");
    }
    as_before(&service);
}

#[test]
fn a_client_that_leaves_takes_the_transaction_with_it_whatever_it_does() {
    let service = service("format_given_up_left", "1");
    for (target, body) in [
        ("/first-sleeps", r#"{"seconds":60}"#),
        ("/second-sleeps", r#"{"seconds":60}"#),
        ("/last-sleeps", r#"{"seconds":60}"#),
        (
            "/list-sleeps",
            r#"[{"id":1,"seconds":0},{"id":2,"seconds":60},{"id":3,"seconds":60}]"#,
        ),
        ("/commit-sleeps", r#"{"seconds":60}"#),
    ] {
        let mut connection = service.connect();
        let length = body.len();
        connection.send(format!(
            "POST {target} HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n{body}"
        ));
        await_sleep(&service);
        connection.reset();
        service.await_idle();
        assert_eq!(
            service
                .database
                .ask("select sum(balance) from account")
                .as_deref(),
            Some(TOTAL),
            "{target}"
        );
    }
    as_before(&service);
}

/// Those behind a transaction on its connection wait for it, and for nothing else.
#[test]
fn others_are_not_inside_of_a_transaction() {
    let service = service("format_given_up_behind", "1");
    let mut slow = service.connect();
    let body = r#"{"seconds":0.3}"#;
    slow.send(format!(
        "POST /last-sleeps HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    ));
    await_sleep(&service);
    let mut others: Vec<Connection> = (0..8).map(|_| service.connect()).collect();
    for (index, other) in others.iter_mut().enumerate() {
        // Those that fail would undo the transaction, if they were inside of it.
        let amount = if index % 2 == 0 { 1 } else { 100_000 };
        let body = format!("{{\"from\":3,\"to\":4,\"amount\":{amount}}}");
        other.send(format!(
            "POST /transfers HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        ));
    }
    assert_eq!(slow.answer_to("POST").status, 201);
    for (index, other) in others.iter_mut().enumerate() {
        let status = if index % 2 == 0 { 204 } else { 422 };
        assert_eq!(other.answer_to("POST").status, status);
    }
    let balances = "select string_agg(balance::text, ' ' order by id) from account where id < 5";
    assert_eq!(
        service.database.ask(balances).as_deref(),
        Some("0 0 996 1004")
    );
    service.await_idle();
}

/// One of many clients: transfers, lists, reads, mistakes, and requests that are broken off.
fn client(service: &Service, seed: usize) {
    let mut connection = service.connect();
    for round in 0..40 {
        let from = 1 + (seed + round) % 10;
        let to = 1 + (seed * 3 + round * 7) % 10;
        let transfer = format!("{{\"from\":{from},\"to\":{to},\"amount\":1}}");
        let mut ask = |method: &str, target: &str, body: &str, statuses: &[u16]| {
            let answer = connection.request(method, target, &[], body);
            // Busy, or the victim of a deadlock: two that transfer to and fro may wait for each other.
            assert!(
                statuses.contains(&answer.status) || matches!(answer.status, 409 | 503),
                "{method} {target}: {answer:?}"
            );
            answer
        };
        match (seed + round) % 8 {
            0 => drop(ask("POST", "/transfers", &transfer, &[204])),
            1 => drop(ask("PUT", "/transfers", &transfer, &[200])),
            2 => {
                let answer = ask("GET", "/totals", "", &[200]);
                assert!(answer.status == 503 || answer.body == "{\"total\":10000,\"accounts\":10}");
            }
            3 => {
                let answer = ask("GET", "/total", "", &[200]);
                assert!(answer.status == 503 || answer.body == TOTAL);
            }
            // Too much; to an account that is not there; the last of a list.
            4 => drop(ask(
                "POST",
                "/transfers",
                &transfer.replace(":1}", ":100000}"),
                &[422],
            )),
            5 => drop(ask(
                "PUT",
                "/transfers",
                &transfer.replace("\"to\":", "\"to\":99"),
                &[404],
            )),
            6 => {
                let list =
                    format!("[{{\"id\":{from},\"amount\":1}},{{\"id\":{to},\"amount\":100000}}]");
                drop(ask("POST", "/emptied", &list, &[422]));
            }
            _ => {
                let mut gone = service.connect();
                let list = r#"[{"id":1,"seconds":0},{"id":2,"seconds":10}]"#;
                gone.send(format!(
                    "POST /list-sleeps HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{list}",
                    list.len()
                ));
                assert_eq!(connection.request("GET", "/ping", &[], "").body, "pong");
                gone.reset();
            }
        }
    }
}

#[track_caller]
fn under_load(name: &str, connections: &str) {
    let service = service(name, connections);
    thread::scope(|scope| {
        let service = &service;
        (0..8).for_each(|seed| drop(scope.spawn(move || client(service, seed))));
    });
    as_before(&service);
}

#[test]
fn nothing_is_left_of_a_transaction_on_the_only_connection() {
    under_load("format_given_up_one", "1");
}

#[test]
fn nothing_is_left_of_a_transaction_on_any_connection() {
    under_load("format_given_up_four", "4");
}
