//! Errors that take two: requests that run into another session, a limit of time, the end of their connection.

use std::thread;

use tokio_postgres::Client;

use crate::api_service::{problem, serve, serve_with};
use crate::harness::{self, Answer, block_on};

const SCHEMA: &str = "
    create table account (id int primary key, balance int not null, owner text
        constraint one_each unique deferrable initially deferred);
    insert into account values (1, 10, 'ann'), (2, 20, 'bob');
    -- Locks the second account, waits until somebody waits for that, then wants the first.
    create function second_then_first() returns int language plpgsql as $$
        begin
            update account set balance = 0 where id = 2;
            for attempt in 1..6000 loop
                exit when exists (select from pg_locks where not granted);
                perform pg_sleep(0.005);
            end loop;
            update account set balance = 0 where id = 1;
            return 1;
        end $$;
    create function add_total(new_id int) returns int language sql as
        'insert into account select new_id, sum(balance), new_id::text from account returning id';
    create function pass_gate() returns int language plpgsql as
        'begin perform pg_advisory_xact_lock(1); return 1; end';
";

const ENDPOINTS: &str = "
-- name: get-balance$
-- http: GET /accounts/{id}
select balance from account where id = :id;
-- name: set-balance<!
-- http: PUT /accounts/{id}
update account set balance = :balance where id = :id returning balance;
-- name: try-lock^
-- http: POST /accounts/{id}/lock
select balance from account where id = :id for update nowait;
-- name: open<!
-- http: POST /accounts
insert into account values (:id, 0, :owner) returning id;
-- name: second-then-first$
-- http: POST /second-then-first
select second_then_first();
-- name: add-total<!
-- http: POST /totals
select add_total(:id) as id, pass_gate() as gate;
-- name: sleep$
-- http: POST /sleep
select pg_sleep(60)::text;
-- name: sleep-reading$
-- http: GET /sleep
select pg_sleep(60)::text;
-- name: end$
-- http: POST /end
select pg_terminate_backend(pg_backend_pid());
-- name: end-reading$
-- http: GET /end
select pg_terminate_backend(pg_backend_pid());
";

fn run(client: &Client, sql: &str) {
    block_on(client.batch_execute(sql)).unwrap();
}

/// What a conflict between transactions is answered with.
#[track_caller]
fn is_to_be_tried_again(answer: &Answer, code: &str) {
    let members = problem(answer, 409);
    assert_eq!(members["code"], code);
    assert_eq!(
        members["detail"],
        "the request ran into another one; try again"
    );
    assert_eq!(answer.header("retry-after"), Some("1"));
}

#[test]
fn a_row_that_is_locked_is_409() {
    let service = serve("api_conflicts_lock", SCHEMA, ENDPOINTS);
    let other = service.database.another_client();
    run(&other, "begin; select from account where id = 1 for update");
    let answer = service.post("/accounts/1/lock", "");
    let members = problem(&answer, 409);
    assert_eq!(members["code"], "55P03");
    assert_eq!(members["detail"], "the row is locked by another request");
    assert_eq!(service.post("/accounts/2/lock", "").status, 200);
    run(&other, "rollback");
    assert_eq!(service.post("/accounts/1/lock", "").status, 200);
}

#[test]
fn an_update_behind_a_concurrent_one_is_409_when_isolated() {
    let repeatable = "alter database api_conflicts_update
        set default_transaction_isolation = 'repeatable read';";
    let schema = format!("{SCHEMA} {repeatable}");
    let service = serve("api_conflicts_update", &schema, ENDPOINTS);
    let other = service.database.another_client();
    run(
        &other,
        "begin; update account set balance = 11 where id = 1",
    );
    let answer = thread::scope(|scope| {
        let request = scope.spawn(|| service.ask("PUT /accounts/1 {\"balance\":12}"));
        service.await_blocked();
        run(&other, "commit");
        request.join().unwrap()
    });
    is_to_be_tried_again(&answer, "40001");
    assert_eq!(service.get("/accounts/1").body, "11");
    let again = service.ask("PUT /accounts/1 {\"balance\":12}");
    assert_eq!(
        (again.status, again.body.as_str()),
        (200, "{\"balance\":12}")
    );
}

/// The other transaction read before this one's row and wrote beside what this one had read: only the commit tells.
#[test]
fn a_serialization_failure_at_commit_is_409_and_not_201() {
    let serializable = "alter database api_conflicts_commit
        set default_transaction_isolation = serializable;";
    let schema = format!("{SCHEMA} {serializable}");
    let service = serve("api_conflicts_commit", &schema, ENDPOINTS);
    let gate = service.database.another_client();
    let other = service.database.another_client();
    run(&gate, "select pg_advisory_lock(1)");
    let answer = thread::scope(|scope| {
        let request = scope.spawn(|| service.post("/totals", "{\"id\":3}"));
        service.await_blocked();
        run(&other, "begin; select add_total(4); commit");
        run(&gate, "select pg_advisory_unlock(1)");
        request.join().unwrap()
    });
    is_to_be_tried_again(&answer, "40001");
    assert_eq!(service.get("/accounts/3").status, 404);
    assert_eq!(service.post("/totals", "{\"id\":3}").status, 201);
}

#[test]
fn a_deadlock_is_409_for_the_request_that_closed_it() {
    let service = serve("api_conflicts_deadlock", SCHEMA, ENDPOINTS);
    let other = service.database.another_client();
    // Who looks for a deadlock is its victim: only the request is to look.
    run(
        &other,
        "set deadlock_timeout = '1h'; begin; update account set balance = 1 where id = 1",
    );
    let answer = thread::scope(|scope| {
        let request = scope.spawn(|| service.post("/second-then-first", ""));
        const TAKEN: &str = "select 1 where not exists
            (select from account where id = 2 for update skip locked)";
        harness::poll("the second account to be locked", || {
            service.database.ask(TAKEN)
        });
        run(
            &other,
            "update account set balance = 1 where id = 2; commit",
        );
        request.join().unwrap()
    });
    is_to_be_tried_again(&answer, "40P01");
    assert_eq!(service.get("/accounts/2").body, "1");
}

/// The error follows the row: a 201 before the commit would be a lie.
#[test]
fn a_constraint_checked_at_commit_is_409_and_not_201() {
    let service = serve("api_conflicts_deferred", SCHEMA, ENDPOINTS);
    let answer = service.post("/accounts", "{\"id\":3,\"owner\":\"ann\"}");
    let members = problem(&answer, 409);
    assert_eq!(members["code"], "23505");
    assert_eq!(members["constraint"], "one_each");
    assert_eq!(service.get("/accounts/3").status, 404);
    assert_eq!(
        service
            .post("/accounts", "{\"id\":3,\"owner\":\"eve\"}")
            .status,
        201
    );
}

#[test]
fn a_statement_over_the_databases_own_timeout_is_504() {
    // Long enough for statements to be prepared on a busy machine.
    let limit = "alter database api_conflicts_timeout set statement_timeout = '1500ms';";
    let service = serve(
        "api_conflicts_timeout",
        &format!("{SCHEMA} {limit}"),
        ENDPOINTS,
    );
    let answer = service.post("/sleep", "");
    let members = problem(&answer, 504);
    assert_eq!(members["code"], "57014");
    assert_eq!(service.get("/accounts/1").status, 200);
}

#[test]
fn a_request_over_the_servers_timeout_is_504_and_its_query_ends() {
    let service = serve_with(
        "api_conflicts_late",
        SCHEMA,
        ENDPOINTS,
        &["--timeout", "1s"],
    );
    for method in ["GET", "POST"] {
        let mut connection = service.connect();
        let members = problem(&connection.request(method, "/sleep", &[], ""), 504);
        assert_eq!(members["detail"], "the request took longer than 1 s");
        // The connection is as good as before.
        assert_eq!(connection.request("GET", "/accounts/1", &[], "").body, "10");
    }
    const SLEEPING: &str = "select count(*) from pg_stat_activity
        where datname = current_database() and state = 'active' and query like '%pg_sleep(60)%'
            and pid <> pg_backend_pid()";
    harness::poll("the queries to end", || {
        (service.database.ask(SLEEPING).as_deref() == Some("0")).then_some(())
    });
}

#[test]
fn a_connection_lost_under_a_statement_is_503_and_another_takes_its_place() {
    let service = serve("api_conflicts_lost", SCHEMA, ENDPOINTS);
    for method in ["GET", "POST"] {
        // More often than there are connections.
        for _ in 0..5 {
            let answer = service.ask(&format!("{method} /end"));
            problem(&answer, 503);
            assert_eq!(answer.header("retry-after"), Some("1"));
        }
    }
    harness::poll("connections to come back", || {
        let answers = [
            service.get("/accounts/1"),
            service.ask("PUT /accounts/1 {\"balance\":3}"),
        ];
        answers
            .iter()
            .all(|answer| answer.status == 200)
            .then_some(())
    });
}
