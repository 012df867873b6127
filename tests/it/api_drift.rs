//! A schema that changes under a running server: what still makes sense is answered at the next request.

use crate::api_service::{Service, problem, serve, serve_with};
use crate::harness;

const SCHEMA: &str = "
    create type mood as enum ('sad', 'ok');
    create type pair as (x int, y text);
    create table item (id int primary key, a int);
    create table person (id int primary key, mood mood, pair pair);
    insert into item values (1, 10);
    insert into person values (1, 'ok', (1, 'one'));
";

const ENDPOINTS: &str = "
-- name: all
-- http: GET /all
select * from item;
-- name: one^
-- http: GET /items/{id}
select a from item where id = :id;
-- name: put<!
-- http: PUT /items/{id}
insert into item (id, a) values (:id, :a) returning *;
-- name: person^
-- http: GET /person
select * from person;
-- name: write-person<!
-- http: PUT /person
update person set mood = :mood returning mood;
-- name: whole^
-- http: GET /whole
select item from item;
-- name: forget!
-- http: POST /forget
deallocate all;
-- name: discard!
-- http: POST /discard
discard all;
-- name: forget-reading!
-- http: GET /forget
deallocate all;
-- name: sleep$
-- http: GET /sleep
select pg_sleep(0.05)::text;
";

/// Asks as often as any connection needs to have been used, and expects this each time.
#[track_caller]
fn always(service: &Service, request: &str, status: u16, body: &str) {
    for _ in 0..6 {
        let answer = service.ask(request);
        assert_eq!(
            (answer.status, answer.body.as_str()),
            (status, body),
            "{request}"
        );
    }
}

#[test]
fn a_new_column_is_answered_at_the_next_request() {
    let service = serve("api_drift_column", SCHEMA, ENDPOINTS);
    always(&service, "GET /all", 200, r#"[{"id":1,"a":10}]"#);
    service
        .database
        .run("alter table item add column b text default 'new'");
    always(&service, "GET /all", 200, r#"[{"id":1,"a":10,"b":"new"}]"#);
    assert_eq!(
        service.ask(r#"PUT /items/2 {"a":20}"#).body,
        r#"{"id":2,"a":20,"b":"new"}"#
    );
    assert_eq!(
        service.database.ask("select count(*) from item").as_deref(),
        Some("2")
    );
    service
        .database
        .run("alter table item drop column b; delete from item where id = 2");
    always(&service, "GET /all", 200, r#"[{"id":1,"a":10}]"#);
}

#[test]
fn a_columns_new_type_is_answered_at_the_next_request() {
    let service = serve("api_drift_type", SCHEMA, ENDPOINTS);
    always(&service, "GET /items/1", 200, r#"{"a":10}"#);
    service
        .database
        .run("alter table item alter column a type numeric(10, 2)");
    always(&service, "GET /items/1", 200, r#"{"a":10.00}"#);
    service
        .database
        .run("alter table item alter column a type text using 'ten'");
    always(&service, "GET /items/1", 200, r#"{"a":"ten"}"#);
}

/// Many at once on few connections: each of those in flight meets the change.
#[test]
fn requests_in_flight_on_one_connection_all_survive_the_change() {
    let service = serve("api_drift_flight", SCHEMA, ENDPOINTS);
    let mut connections: Vec<_> = (0..16).map(|_| service.connect()).collect();
    for _ in 0..3 {
        service.database.run("alter table item rename to old; create table item as select *, 'n' as n from old; drop table old");
        service
            .database
            .run("alter table item drop column n; alter table item add column if not exists b int");
        for connection in &mut connections {
            connection.send("GET /all HTTP/1.1\r\nHost: test\r\n\r\n");
        }
        for connection in &mut connections {
            let answer = connection.answer_to("GET");
            assert_eq!(
                (answer.status, answer.body.as_str()),
                (200, r#"[{"id":1,"a":10,"b":null}]"#)
            );
        }
        service.database.run("alter table item drop column b");
    }
}

#[test]
fn a_new_label_of_an_enum_is_read_and_written() {
    let service = serve("api_drift_enum", SCHEMA, ENDPOINTS);
    assert_eq!(service.ask(r#"PUT /person {"mood":"happy"}"#).status, 400);
    service.database.run("alter type mood add value 'happy'");
    always(
        &service,
        r#"PUT /person {"mood":"happy"}"#,
        200,
        r#"{"mood":"happy"}"#,
    );
    assert_eq!(service.get("/person").json()["mood"], "happy");
}

#[test]
fn a_table_that_is_gone_is_500_until_it_is_back() {
    let service = serve("api_drift_gone", SCHEMA, ENDPOINTS);
    always(&service, "GET /all", 200, r#"[{"id":1,"a":10}]"#);
    service.database.run("alter table item rename to elsewhere");
    for _ in 0..6 {
        assert_eq!(problem(&service.get("/all"), 500)["code"], "42P01");
    }
    // Others do not suffer.
    always(
        &service,
        "GET /person",
        200,
        r#"{"id":1,"mood":"ok","pair":{"x":1,"y":"one"}}"#,
    );
    service.database.run("alter table elsewhere rename to item");
    always(&service, "GET /all", 200, r#"[{"id":1,"a":10}]"#);
}

/// A migration that meets a restart of the database: what could not be prepared then can be now.
#[test]
fn a_connection_opened_while_a_table_was_gone_serves_it_when_it_is_back() {
    let service = serve("api_drift_reopened", SCHEMA, ENDPOINTS);
    service.database.run("alter table item rename to elsewhere");
    reconnect(&service);
    assert_eq!(problem(&service.get("/all"), 500)["code"], "42P01");
    service.database.run("alter table elsewhere rename to item");
    always(&service, "GET /all", 200, r#"[{"id":1,"a":10}]"#);
}

/// Ends all of the server's connections and waits for others.
#[track_caller]
fn reconnect(service: &Service) {
    const OTHERS: &str = "from pg_stat_activity where datname = current_database()
        and backend_type = 'client backend' and pid <> pg_backend_pid()";
    let ask = |sql: &str| {
        service
            .database
            .ask(&format!("{sql} {OTHERS}"))
            .unwrap_or_default()
    };
    // Two for reading and two for writing.
    harness::poll("the first connections", || {
        (ask("select count(*) >= 4") == "t").then_some(())
    });
    let old = ask("select max(backend_start)");
    ask("select count(pg_terminate_backend(pid))");
    let renewed =
        format!("select count(*) filter (where backend_start <= '{old}') = 0 and count(*) >= 4");
    harness::poll("new connections", || (ask(&renewed) == "t").then_some(()));
    harness::poll("the server to be ready", || {
        (service.get("/person").status == 200).then_some(())
    });
}

#[test]
fn a_statement_that_forgets_all_statements_is_survived() {
    let service = serve("api_drift_forget", SCHEMA, ENDPOINTS);
    let person = r#"{"id":1,"mood":"ok","pair":{"x":1,"y":"one"}}"#;
    for forget in ["GET /forget", "POST /forget", "POST /discard"] {
        for _ in 0..4 {
            assert_eq!(service.ask(forget).status, 204, "{forget}");
        }
        always(&service, "GET /all", 200, r#"[{"id":1,"a":10}]"#);
        // Types of the user's own are asked for with statements of their own.
        always(&service, "GET /person", 200, person);
        always(
            &service,
            r#"PUT /person {"mood":"ok"}"#,
            200,
            r#"{"mood":"ok"}"#,
        );
        assert_eq!(service.get("/readyz").status, 200);
    }
}

/// What tokio-postgres looks types up with is forgotten as well, and it does not notice: the connection is replaced, and who
/// has met it is answered on another.
#[test]
fn a_connection_that_cannot_learn_types_any_more_is_replaced() {
    let service = serve("api_drift_types", SCHEMA, ENDPOINTS);
    for _ in 0..4 {
        assert_eq!(service.ask("GET /forget").status, 204);
    }
    assert_eq!(service.get("/person").status, 200);
    service
        .database
        .run("alter table person add column note text");
    let person = r#"{"id":1,"mood":"ok","pair":{"x":1,"y":"one"},"note":null}"#;
    always(&service, "GET /person", 200, person);
}

/// What waits for its second attempt meanwhile would be undone with the transaction that has been sent behind it.
#[test]
fn a_statement_that_is_prepared_again_is_not_inside_of_the_transaction_behind_it() {
    const ENDPOINTS: &str = "
-- name: wait$
-- http: POST /waits
select 'waited' from pg_sleep(:seconds::float8);
-- name: add<!
-- http: POST /items
insert into item values (:id) returning *;
-- name: fail!
-- http: POST /failures
insert into item values (0);
insert into item values (1 / :id::int);
";
    let schema = "create table item (id int)";
    let options = ["--db-connections", "1"];
    let service = serve_with("api_drift_behind", schema, ENDPOINTS, &options);
    let mut connections = [service.connect(), service.connect(), service.connect()];
    let mut ask = |round: u32, seconds: f64| {
        // The second and the third are placed behind the first, which is not known to take long.
        for (connection, request) in connections.iter_mut().zip([
            format!("waits {{\"seconds\":{seconds}}}"),
            format!("items {{\"id\":{round}}}"),
            "failures {\"id\":0}".to_owned(),
        ]) {
            let (path, body) = request.split_once(' ').unwrap();
            let length = body.len();
            connection.send(format!(
                "POST /{path} HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n{body}"
            ));
        }
        for (connection, status) in connections.iter_mut().zip([200, 201, 400]) {
            assert_eq!(connection.answer_to("POST").status, status);
        }
    };
    for round in 1..=10 {
        let change = format!("alter table item add column b{round} int");
        service.database.run(&change);
        (0..3).for_each(|_| ask(round, 0.0));
        service.database.run(&change.replace(" b", " c"));
        ask(round, 0.05);
    }
    let rows = "select string_agg(n::text, ' ') from
        (select count(*) as n from item group by id order by id) as counts";
    let rows = service.database.ask(rows).unwrap();
    assert_eq!(rows, ["4"; 10].join(" "));
}
