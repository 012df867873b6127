//! What SQL is told of a token: `current_setting('request.jwt.claims', true)`, in whatever kind of transaction, and in no
//! other.

use std::thread;

use serde_json::json;

use crate::api_service::{Service, guarded, problem, serve_guarded};
use crate::harness::{Answer, bearer, poll};

const SCHEMA: &str = "
    create function told() returns text language sql as $$ select current_setting('request.jwt.claims', true) $$;
    create function broken() returns text language plpgsql as
      $$ begin raise exception 'it broke' using errcode = 'XX001'; end $$;
    create table log (id int, said text default told(), unique (id) deferrable initially deferred);
    create table counter (n int not null);
    insert into counter values (0);
    create table book (id int primary key, title text, said text default told());
    insert into book values (1, 'Emma', 'nobody');
";

const ENDPOINTS: &str = "
-- name: one$
-- http: GET /one
select told();

-- name: several$
-- http: GET /several
select 1;
set local work_mem = '1MB';
select told();

-- name: repeatable$
-- http: GET /repeatable
-- tx: repeatable read
select told();

-- name: list
-- http: GET /list
select n, told() as said from generate_series(1, :n::int) as n;

-- name: write$
-- http: POST /one
select told();

-- name: read-only$
-- http: POST /read-only
-- tx: read only
select told();

-- name: returning<!
-- http: POST /returning
insert into log (id) values (:id) returning said;

-- name: steps<!
-- http: POST /steps
insert into log (id) values (:id);
insert into log (id) values (:id + 1);
select (select said from log where id = :id), told() as now;

-- name: bulk*!
-- http: PUT /bulk
insert into log (id) values (:id);

-- name: add^
-- http: POST /add
-- tx: serializable retry 100
select n from counter;
update counter set n = n + 1;
select n, told() as said from counter;

-- name: book^
-- http: GET /books/{id}
select title, told() as said, md5(title) as _etag from book where id = :id;

-- name: put-book<!
-- http: PUT /books/{id}
select 1;
select md5(title) as _etag from book where id = :id for update;
update book set title = :title, said = told() where id = :id returning said;

-- name: fails$
-- http: GET /fails
select told();
select 1 / :by::int;
select told();

-- name: broken$
-- http: GET /broken
select told();
select broken();
select told();

-- name: fails-late!
-- http: POST /fails-late
insert into log (id) values (:id), (:id);

-- name: no-row^
-- http: POST /no-row
update book set title = title where id = 9 returning told() as said;

-- name: sleeps$
-- http: GET /sleeps
-- timeout: 200ms
select told() from pg_sleep(60);

-- name: sleeps-writing$
-- http: POST /sleeps
-- timeout: 200ms
select told() from pg_sleep(60);

-- name: waits$
-- http: GET /waits
select told() from pg_sleep(60);

-- name: waits-writing$
-- http: POST /waits
select told() from pg_sleep(60);

-- name: bare^
-- http: GET /bare
-- auth: public
select coalesce(told(), 'never told') as said, pg_backend_pid() as backend;

-- name: bare-writing^
-- http: POST /bare
-- auth: public
select coalesce(told(), 'never told') as said, pg_backend_pid() as backend;

-- name: bare-transaction^
-- http: PUT /bare
-- auth: public
select 1;
select coalesce(told(), 'never told') as said, pg_backend_pid() as backend;
";

/// All that a JSON text can have in it; as it was signed, not as somebody writes it anew.
const CLAIMS: &str =
    r#"{ "sub":"it's \"jane\" \\ \u00e9 é 😀",  "n": 1.10, "list": [1, {}], "empty": "" }"#;

/// One connection for reading, and one for writing.
fn service(name: &str) -> Service {
    serve_guarded(name, SCHEMA, ENDPOINTS, &["--db-connections", "1"])
}

/// What an endpoint says that the claims are.
#[track_caller]
fn said(answer: &Answer) -> String {
    assert!(answer.status < 300, "{answer:?}");
    let said = answer.json();
    let said = if said.is_object() {
        said["said"].clone()
    } else {
        said
    };
    said.as_str()
        .unwrap_or_else(|| panic!("{answer:?}"))
        .to_owned()
}

/// That nothing of a token is left on the connections; what their processes are.
#[track_caller]
fn bare(service: &Service) -> [String; 2] {
    let bare = |request: &str| {
        let answer = service.ask(request);
        let told = said(&answer);
        assert!(told.is_empty() || told == "never told", "{request}: {told}");
        answer.json()["backend"].to_string()
    };
    let [reading, writing, same] = ["GET /bare", "POST /bare", "PUT /bare"].map(bare);
    assert_eq!(writing, same);
    [reading, writing]
}

#[test]
fn every_kind_of_transaction_is_told() {
    let service = service("auth_settings_kinds");
    let backends = bare(&service);
    assert_eq!(said(&service.get("/bare")), "never told");
    for request in [
        "GET /one",
        "GET /several",
        "GET /repeatable",
        "POST /one {}",
        "POST /read-only {}",
        r#"POST /returning {"id":1}"#,
        r#"POST /steps {"id":2}"#,
        "POST /add {}",
        "GET /books/1",
    ] {
        let answer = service.ask_as(CLAIMS, request);
        assert_eq!(said(&answer), CLAIMS, "{request}");
        // The same connections as before: nothing was told to others.
        assert_eq!(bare(&service), backends, "{request}");
    }
    // To who is told nothing more, it is empty, and not null: PostgreSQL knows the name by now.
    assert_eq!(said(&service.get("/bare")), "");
    let answer = service.ask_as(CLAIMS, r#"PUT /bulk [{"id":10},{"id":11},{"id":12}]"#);
    assert_eq!(answer.json(), json!({"affected": 3}));
    let said = "select count(distinct said) || min(said) from log";
    assert_eq!(service.database.ask(said), Some(format!("1{CLAIMS}")));
    assert_eq!(bare(&service), backends);
}

#[test]
fn every_row_of_a_list_is_told() {
    let service = serve_guarded(
        "auth_settings_lists",
        SCHEMA,
        ENDPOINTS,
        &["--db-connections", "2"],
    );
    let token = bearer(CLAIMS);
    // The last one is sent while it is made.
    for n in [0, 1, 1000, 20_000] {
        let target = format!("GET /list?n={n}");
        let answer = service.ask_with(&target, &[("Authorization", &token)]);
        assert_eq!(answer.header("transfer-encoding").is_some(), n == 20_000);
        let rows = answer.json();
        let rows = rows.as_array().unwrap();
        assert_eq!(rows.len(), n);
        assert!(rows.iter().all(|row| row["said"] == CLAIMS));
        let csv = [("Authorization", &*token), ("Accept", "text/csv")];
        let lines = service.ask_with(&target, &csv).body;
        assert_eq!(
            lines.matches("it's \"\"jane").count(),
            0,
            "JSON has escapes"
        );
        assert_eq!(lines.matches(r#"it's \""jane\"""#).count(), n);
        // Whichever of the connections it was.
        (0..4).for_each(|_| drop(bare(&service)));
    }
}

/// Each attempt is a transaction of its own.
#[test]
fn who_begins_again_is_told_again() {
    let service = serve_guarded("auth_settings_retry", SCHEMA, ENDPOINTS, &[]);
    let conflicts = || {
        let sql = "select xact_rollback from pg_stat_database where datname = current_database()";
        service.database.ask(sql).unwrap().parse::<u64>().unwrap()
    };
    let before = conflicts();
    thread::scope(|scope| {
        for client in 0..4 {
            let service = &service;
            scope.spawn(move || {
                let claims = json!({ "client": client }).to_string();
                for _ in 0..25 {
                    assert_eq!(said(&service.ask_as(&claims, "POST /add {}")), claims);
                }
            });
        }
    });
    assert_eq!(
        service.database.ask("select n from counter").unwrap(),
        "100"
    );
    poll("a conflict in the statistics", || {
        (conflicts() > before).then_some(())
    });
}

/// The claims go before the statements, and change nothing of which one tells the version.
#[test]
fn conditions_are_about_the_same_statement() {
    let service = service("auth_settings_versions");
    let token = bearer(CLAIMS);
    let put = |condition: Option<(&str, &str)>| {
        let mut fields = vec![("Authorization", &*token)];
        fields.extend(condition);
        service.ask_with(r#"PUT /books/1 {"title":"Emma"}"#, &fields)
    };
    let answer = service.ask_as(CLAIMS, "GET /books/1");
    let etag = answer.header("etag").unwrap();
    let titles = |said: &str| {
        let sql = "select title || ' ' || said from book";
        assert_eq!(service.database.ask(sql), Some(format!("Emma {said}")));
        service.database.run("update book set said = 'nobody'");
    };
    for other in ["\"other\"", "\"1\"", &format!("W/{etag}")] {
        problem(&put(Some(("If-Match", other))), 412);
        titles("nobody");
    }
    for condition in [
        None,
        Some(("If-Match", etag)),
        Some(("If-Match", "*")),
        Some(("If-None-Match", "\"other\"")),
    ] {
        let answer = put(condition);
        assert_eq!(said(&answer), CLAIMS, "{condition:?}");
        titles(CLAIMS);
    }
    problem(&put(Some(("If-None-Match", etag))), 412);
    problem(&put(Some(("If-None-Match", "*"))), 412);
    titles("nobody");
    let seen = [("Authorization", &*token), ("If-None-Match", etag)];
    assert_eq!(service.ask_with("GET /books/1", &seen).status, 304);
    bare(&service);
}

#[test]
fn what_fails_leaves_nothing_behind() {
    let service = service("auth_settings_fails");
    let backends = bare(&service);
    for (request, status) in [
        ("GET /fails?by=0", 400),
        ("GET /fails?by=x", 400),
        // It is refused when it is committed.
        (r#"POST /fails-late {"id":1}"#, 409),
        (r#"POST /returning {"id":"x"}"#, 400),
        (r#"PUT /bulk [{"id":1},{"id":"x"}]"#, 400),
        ("POST /no-row {}", 404),
        ("GET /sleeps", 504),
        ("POST /sleeps {}", 504),
    ] {
        problem(&service.ask_as(CLAIMS, request), status);
        bare(&service);
    }
    // Who goes away has it cancelled.
    let token = bearer(CLAIMS);
    for method in ["GET", "POST"] {
        let mut connection = service.connect();
        connection.send(format!(
            "{method} /waits HTTP/1.1\r\nHost: a\r\nAuthorization: {token}\r\n\r\n"
        ));
        let asleep = "select 1 from pg_stat_activity
            where datname = current_database() and state = 'active' and wait_event = 'PgSleep'";
        poll("the query to run", || service.database.ask(asleep));
        connection.reset();
        service.await_idle();
        bare(&service);
    }
    // The connections are as good as new, or are new.
    assert_eq!(said(&service.ask_as(CLAIMS, "GET /one")), CLAIMS);
    assert_eq!(bare(&service).len(), backends.len());
    assert_eq!(
        service.database.ask("select count(*) from log").unwrap(),
        "0"
    );
}

/// In the log statements are counted as in the file.
#[test]
fn the_statement_that_fails_is_the_one_in_the_file() {
    let service = service("auth_settings_log");
    problem(&service.ask_as(CLAIMS, "GET /broken"), 500);
    let log = poll("the log", || {
        let log = service.server.log();
        log.contains("broken failed").then_some(log)
    });
    assert!(
        log.contains(": statement 2: ") && log.contains("it broke"),
        "{log}"
    );
    assert!(!log.contains("jane"), "{log}");
}

/// What cannot be told is no parameter's fault.
#[test]
fn claims_that_the_database_has_no_letters_for_are_refused() {
    let database = crate::harness::database("auth_settings_letters");
    database
        .run("create database auth_settings_latin encoding LATIN1 locale 'C' template template0");
    let url = database.url().replace("settings_letters", "settings_latin");
    let echo = "-- name: echo$\n-- http: GET /echo\n-- :text text\nselect :text;\n";
    let service = guarded(database, &url, echo, &[]);
    assert_eq!(
        service
            .ask_as(r#"{"name":"Zoë"}"#, "GET /echo?text=a")
            .status,
        200
    );
    for text in ["a", "%E6%97%A5"] {
        let answer = service.ask_as(r#"{"name":"日"}"#, &format!("GET /echo?text={text}"));
        let problem = problem(&answer, 400);
        assert_eq!(
            (&problem["code"], problem.get("errors")),
            (&json!("22P05"), None)
        );
    }
}
