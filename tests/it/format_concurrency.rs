//! `concurrency`: so many of an endpoint's requests run at a time, others wait for a second, and no place is lost.

use std::io::Read;
use std::time::{Duration, Instant};

use crate::api_service::{Service, problem, serve_with};
use crate::harness::{Answer, Connection, poll};

/// Requests wait in PostgreSQL for a lock of this number, which a test holds.
const HOLD: &str = "select pg_advisory_lock(1)";
const RELEASE: &str = "select pg_advisory_unlock(1)";

const SCHEMA: &str = "
    create table account (id int primary key, balance int check (balance >= 0));
    insert into account values (1, 1), (2, 2);
    -- Waits for the lock, however often it is cancelled.
    create function stubborn() returns int language plpgsql as $$
      begin
        loop
          begin
            perform pg_advisory_xact_lock_shared(1);
            return 1;
          exception when query_canceled then null;
          end;
        end loop;
      end $$;
";

/// Those that are counted while they wait are transactions: they have connections to themselves.
const ENDPOINTS: &str = "
-- name: two$
-- http: GET /two
-- concurrency: 2
-- tx: read committed
select 'two' from pg_advisory_xact_lock_shared(1);

-- name: one$
-- http: GET /one
-- concurrency: 1
-- tx: read committed
select 'one' from pg_advisory_xact_lock_shared(1);

-- name: write-one<!
-- http: POST /one
-- concurrency: 1
-- :id int
select pg_advisory_xact_lock_shared(1);
update account set balance = 0 where id = :id returning id;

-- name: impatient$
-- http: GET /impatient
-- concurrency: 1
-- timeout: 200ms
select 'impatient' from pg_advisory_xact_lock_shared(1);

-- name: stubborn$
-- http: GET /stubborn
-- concurrency: 1
-- timeout: 200ms
select stubborn();

-- name: free$
-- http: GET /free
select 'free';

-- name: fails^
-- http: GET /fails/{way}
-- concurrency: 1
-- timeout: 1s
-- :way text
-- :n int default 1
select 1 / :n as quotient from generate_series(1, case :way when 'two' then 2 when 'none' then 0 else 1 end) as n
where case :way when 'cast' then :way::int when 'slow' then length(pg_sleep(60)::text) else 1 end is not null;

-- name: fails-writing*!
-- http: POST /fails
-- concurrency: 1
update account set balance = balance - :amount where id = :id;

-- name: many
-- http: GET /many
-- concurrency: 1
select n, repeat('x', 100) as text, 1 / (n - :at::int) as quotient from generate_series(1, :n::int) as n;
";

fn service(name: &str) -> Service {
    serve_with(name, SCHEMA, ENDPOINTS, &["--db-connections", "8"])
}

/// How many queries that call the lock, or the function that waits for it, are under way.
fn under_way(service: &Service) -> usize {
    let count = service.database.ask(
        "select count(*) from pg_stat_activity where datname = current_database() and state = 'active'
         and pid <> pg_backend_pid() and wait_event = 'advisory'",
    );
    count.unwrap().parse().unwrap()
}

#[track_caller]
fn await_under_way(service: &Service, count: usize) {
    poll("queries to wait for the lock", || {
        (under_way(service) == count).then_some(())
    });
}

/// Sends a GET, whose answer is read later.
fn send(service: &Service, target: &str) -> Connection {
    let mut connection = service.connect();
    connection.send(format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n"));
    connection
}

/// That a request was refused because others of its endpoint run.
#[track_caller]
fn assert_busy(connection: &mut Connection, count: usize) {
    let answer = connection.answer_to("GET");
    let detail = format!("this endpoint is busy: {count} of its requests run at a time");
    assert_eq!(problem(&answer, 503)["detail"], detail);
    assert_eq!(answer.header("retry-after"), Some("1"));
}

#[test]
fn so_many_run_and_no_more() {
    let service = service("concurrency_many");
    service.database.run(HOLD);
    let mut first = [send(&service, "/two"), send(&service, "/two")];
    await_under_way(&service, 2);
    let mut more: Vec<Connection> = (0..6).map(|_| send(&service, "/two")).collect();
    // There is room in the database, and others are as free as ever.
    let mut another = send(&service, "/one");
    await_under_way(&service, 3);
    assert_eq!(service.get("/free").body, "\"free\"");
    for connection in &mut more {
        assert_busy(connection, 2);
        assert_eq!(under_way(&service), 3);
    }
    service.database.run(RELEASE);
    for connection in &mut first {
        assert_eq!(connection.answer_to("GET").body, "\"two\"");
    }
    assert_eq!(another.answer_to("GET").body, "\"one\"");
    // Those that were refused may come again.
    for connection in &mut more {
        connection.send("GET /two HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(connection.answer_to("GET").body, "\"two\"");
    }
}

/// Tries until a request whose place got free in time was not refused: it waits for a second, and the machine may be slower.
#[track_caller]
fn in_time(mut answered: impl FnMut() -> Answer) {
    for _ in 0..10 {
        let answer = answered();
        if answer.status != 503 {
            assert_eq!(answer.body, "\"one\"");
            return;
        }
    }
    panic!("always refused");
}

#[test]
fn others_wait_for_their_turn() {
    let service = service("concurrency_turns");
    in_time(|| {
        service.database.run(HOLD);
        let mut first = send(&service, "/one");
        await_under_way(&service, 1);
        let mut second = send(&service, "/one");
        // It is in line when the server has read what came after it.
        assert_eq!(service.get("/free").body, "\"free\"");
        service.database.run(RELEASE);
        assert_eq!(first.answer_to("GET").body, "\"one\"");
        second.answer_to("GET")
    });
}

/// A write of the same path has places of its own.
#[test]
fn every_endpoint_has_its_own_places() {
    let service = service("concurrency_own");
    service.database.run(HOLD);
    let mut read = send(&service, "/one");
    await_under_way(&service, 1);
    let mut write = service.connect();
    write.send("POST /one HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\n{\"id\":1}");
    await_under_way(&service, 2);
    service.database.run(RELEASE);
    assert_eq!(read.answer_to("GET").body, "\"one\"");
    assert_eq!(write.answer_to("POST").body, "{\"id\":1}");
}

#[test]
fn who_gives_up_waiting_leaves_the_line() {
    let service = service("concurrency_line");
    in_time(|| {
        service.database.run(HOLD);
        let mut first = send(&service, "/one");
        await_under_way(&service, 1);
        let left: Vec<Connection> = (0..3).map(|_| send(&service, "/one")).collect();
        assert_eq!(service.get("/free").body, "\"free\"");
        left.into_iter().for_each(Connection::reset);
        let mut last = send(&service, "/one");
        assert_eq!(service.get("/free").body, "\"free\"");
        service.database.run(RELEASE);
        assert_eq!(first.answer_to("GET").body, "\"one\"");
        last.answer_to("GET")
    });
    assert_eq!(service.get("/one").body, "\"one\"");
}

/// The line is part of what an endpoint has time for.
#[test]
fn who_waits_too_long_for_the_endpoint_leaves_the_line_too() {
    let service = service("concurrency_late");
    service.database.run(HOLD);
    let mut requests = [send(&service, "/impatient"), send(&service, "/impatient")];
    for request in &mut requests {
        let detail = problem(&request.answer_to("GET"), 504)["detail"].clone();
        assert_eq!(detail, "the request took longer than 0.2 s");
    }
    service.await_idle();
    service.database.run(RELEASE);
    assert_eq!(service.get("/impatient").body, "\"impatient\"");
}

#[test]
fn a_client_that_leaves_gives_its_place_back() {
    let service = service("concurrency_gone");
    service.database.run(HOLD);
    for _ in 0..3 {
        let first = send(&service, "/one");
        await_under_way(&service, 1);
        first.reset();
        // Its query is cancelled.
        service.await_idle();
    }
    service.database.run(RELEASE);
    assert_eq!(service.get("/one").body, "\"one\"");
}

/// A query that goes on after its request has been given up is one of those that run at a time.
#[test]
fn a_place_is_free_when_its_query_has_ended_and_not_before() {
    let service = service("concurrency_stubborn");
    for _ in 0..20 {
        service.database.run(HOLD);
        let begin = Instant::now();
        for _ in 0..3 {
            problem(&service.get("/stubborn"), 504);
        }
        let running = under_way(&service);
        // What is not to be cancelled for 2 s loses its connection, and runs on where nobody sees it.
        let told = begin.elapsed() < Duration::from_millis(1500);
        service.database.run(RELEASE);
        service.await_idle();
        // None, if the moment was that of a cancel: it did not wait, or has been met where nothing catches it.
        if told && running > 0 {
            assert_eq!(running, 1);
            assert_eq!(service.get("/stubborn").body, "1");
            return;
        }
    }
    panic!("the machine is too busy to tell");
}

#[test]
fn failures_give_their_places_back() {
    let service = service("concurrency_failures");
    for (request, status) in [
        ("GET /fails/none", 404),
        ("GET /fails/two", 500),
        ("GET /fails/one?n=0", 400),
        ("GET /fails/cast", 400),
        ("GET /fails/one?n=x", 400),
        ("GET /fails/one?nn=1", 400),
        ("GET /fails/slow", 504),
        (
            "POST /fails [{\"id\":1,\"amount\":1},{\"id\":2,\"amount\":3}]",
            422,
        ),
        ("POST /fails [{\"id\":1}]", 400),
        ("POST /fails []", 200),
    ] {
        // More often than there are places.
        for _ in 0..3 {
            assert_eq!(service.ask(request).status, status, "{request}");
        }
        assert_eq!(
            service.get("/fails/one").body,
            "{\"quotient\":1}",
            "{request}"
        );
        let nothing = service.post("/fails", "[{\"id\":1,\"amount\":0}]");
        assert_eq!(nothing.body, "{\"affected\":1}", "{request}");
    }
}

#[test]
fn a_stream_has_its_place_to_its_end() {
    let service = service("concurrency_streams");
    const LARGE: &str = "/many?n=1000000&at=0";
    let small = |service: &Service| service.get("/many?n=1&at=0").status;
    for ends in ["whole", "left", "failed", "unread"] {
        match ends {
            "whole" => {
                let rows = service.get("/many?n=20000&at=0").json();
                assert_eq!(rows.as_array().unwrap().len(), 20_000);
            }
            "left" => {
                let mut reader = send(&service, LARGE);
                let mut begin = [0; 15];
                reader.stream.read_exact(&mut begin).unwrap();
                assert_eq!(&begin, b"HTTP/1.1 200 OK");
                // While it is read, however slowly, nobody else has the place.
                assert_busy(&mut send(&service, "/many?n=1&at=0"), 1);
                reader.reset();
                service.await_idle();
            }
            "failed" => {
                let mut reader = send(&service, "/many?n=1000000&at=50000");
                let mut all = Vec::new();
                assert!(reader.stream.read_to_end(&mut all).is_err() && !all.is_empty());
            }
            _ => {
                let answer = service.connect().request("HEAD", LARGE, &[], "");
                assert_eq!(answer.status, 200);
                service.await_idle();
            }
        }
        assert_eq!(small(&service), 200, "{ends}");
    }
}
