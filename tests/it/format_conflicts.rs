//! Transactions that run into each other: begun again where the file says so, else 409 with Retry-After.

use std::thread;

use serde_json::json;

use crate::api_service::{Service, problem, serve, serve_with};
use crate::harness::block_on;

const SCHEMA: &str = "
    create table counter (id int primary key, n int not null);
    insert into counter values (1, 0), (2, 0);
    create table doctor (name text primary key, on_call bool not null);
    insert into doctor values ('a', true), ('b', true);
    -- Numbers drawn from it are not given back when a transaction is undone.
    create sequence attempt;
    create function fails(times int, code text) returns int language plpgsql as $$
      declare number int := nextval('attempt');
      begin
        if number <= times then raise exception using errcode = code; end if;
        return number;
      end $$;
";

const ENDPOINTS: &str = "
-- name: add<!
-- http: POST /add
-- tx: serializable retry 100
select n from counter where id = 1;
update counter set n = n + 1 where id = 1 returning n;

-- name: add-once<!
-- http: POST /add-once
-- tx: serializable
select n from counter where id = 1;
update counter set n = n + 1 where id = 1 returning n;

-- name: add-one-statement!
-- http: POST /add-one-statement
-- tx: repeatable read, retry 100
update counter set n = n + 1 where id = 1;

-- name: add-both!
-- http: POST /add-both
-- :first int
-- tx: retry 100
update counter set n = n + 1 where id = :first;
-- Long enough for the other to take the other.
select pg_sleep(0.005);
update counter set n = n + 1 where id = 3 - :first;

-- name: leave^
-- http: POST /leave
-- tx: serializable retry 100
update doctor set on_call = false
where name = :name and (select count(*) from doctor where on_call) > 1;
select count(*) as on_call from doctor where on_call;

-- name: fails$
-- http: POST /fails
-- :times int
-- :code text default '40001'
-- tx: retry 3
select fails(:times, :code);

-- name: fails-in-transaction$
-- http: POST /fails-in-transaction
-- :times int
-- :code text default '40001'
-- tx: read committed, retry 3
update counter set n = n + 1;
select fails(:times, :code);

-- name: fails-many*!
-- http: POST /fails-many
-- :code text default '40001'
-- tx: retry 3
update counter set n = n + :by where fails(:times, :code) > 0 and id = 1;
";

fn service(name: &str) -> Service {
    serve(name, SCHEMA, ENDPOINTS)
}

fn counted(service: &Service) -> String {
    let sql = "select string_agg(n::text, ' ' order by id) from counter";
    service.database.ask(sql).unwrap()
}

/// `clients` at once, each with `times` requests on one connection, all of which are answered well.
fn all_succeed(
    service: &Service,
    clients: usize,
    times: usize,
    request: impl Fn(usize) -> String + Sync,
) {
    thread::scope(|scope| {
        for client in 0..clients {
            let request = &request;
            scope.spawn(move || {
                for _ in 0..times {
                    let answer = service.ask(&request(client));
                    assert!((200..300).contains(&answer.status), "{answer:?}");
                }
            });
        }
    });
}

#[test]
fn writers_that_try_again_lose_nothing() {
    let options = ["--db-connections", "4"];
    let service = serve_with("format_conflicts_add", SCHEMA, ENDPOINTS, &options);
    all_succeed(&service, 4, 15, |_| "POST /add".into());
    assert_eq!(counted(&service), "60 0");
    all_succeed(&service, 4, 15, |_| "POST /add-one-statement".into());
    assert_eq!(counted(&service), "120 0");
    service.await_idle();
}

#[test]
fn deadlocks_are_begun_again() {
    // PostgreSQL looks for them after a second of waiting; that is too long for a test.
    let schema = format!(
        "{SCHEMA}; alter database format_conflicts_deadlock set deadlock_timeout to '10ms'"
    );
    let options = ["--db-connections", "4"];
    let service = serve_with("format_conflicts_deadlock", &schema, ENDPOINTS, &options);
    all_succeed(&service, 4, 15, |client| {
        format!("POST /add-both {{\"first\":{}}}", 1 + client % 2)
    });
    assert_eq!(counted(&service), "60 60");
    service.await_idle();
}

/// Each sees two on call, and may go; both must not.
#[test]
fn what_no_order_of_them_would_do_is_not_done() {
    let service = service("format_conflicts_skew");
    for _ in 0..10 {
        service.database.run("update doctor set on_call = true");
        thread::scope(|scope| {
            for name in ["a", "b"] {
                let service = &service;
                scope.spawn(move || {
                    let answer = service.post("/leave", &format!("{{\"name\":\"{name}\"}}"));
                    assert_eq!(answer.json(), json!({"on_call": 1}));
                });
            }
        });
    }
}

#[test]
fn a_conflict_is_409_where_the_file_does_not_say_to_try_again() {
    let service = service("format_conflicts_once");
    let other = service.database.another_client();
    block_on(other.batch_execute("begin; update counter set n = 10 where id = 1")).unwrap();
    let mut connection = service.connect();
    connection.send("POST /add-once HTTP/1.1\r\nHost: a\r\n\r\n");
    service.await_blocked();
    block_on(other.batch_execute("commit")).unwrap();
    let answer = connection.answer_to("POST");
    let problem = problem(&answer, 409);
    assert_eq!(problem["code"], "40001");
    assert_eq!(
        problem["detail"],
        "the request ran into another one; try again"
    );
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert_eq!(counted(&service), "10 0");
    assert_eq!(service.post("/add-once", "").json(), json!({"n": 11}));
    service.await_idle();
}

#[test]
fn it_is_tried_again_as_often_as_the_file_says() {
    let service = service("format_conflicts_retry");
    let rewind = || service.database.run("alter sequence attempt restart");
    for (target, done) in [
        ("/fails", "0 0"),
        // Only what the last attempt did, once for each code.
        ("/fails-in-transaction", "2 2"),
    ] {
        for code in ["40001", "40P01"] {
            rewind();
            let body = |times: u32| format!("{{\"times\":{times},\"code\":\"{code}\"}}");
            assert_eq!(service.post(target, &body(3)).body, "4", "{target}");
            rewind();
            let answer = service.post(target, &body(4));
            assert_eq!(problem(&answer, 409)["code"], code, "{target}");
            assert_eq!(answer.header("retry-after"), Some("1"));
        }
        // What no other attempt would change is not tried again.
        rewind();
        let answer = service.post(target, r#"{"times":1,"code":"23514"}"#);
        assert_eq!(problem(&answer, 422)["code"], "23514", "{target}");
        let drawn = service.database.ask("select last_value from attempt");
        assert_eq!(drawn.as_deref(), Some("1"));
        assert_eq!(counted(&service), done);
    }
    // A whole list again, whichever of its objects it was.
    service.database.run("update counter set n = 0");
    rewind();
    let list = r#"[{"by":1,"times":0},{"by":10,"times":4},{"by":100,"times":0}]"#;
    assert_eq!(service.post("/fails-many", list).body, r#"{"affected":3}"#);
    assert_eq!(counted(&service), "111 0");
}
