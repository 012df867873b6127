//! Lists too large to be held: sent while they arrive, as fast as they are taken.

use std::io::Read;

use crate::api_service::{Service, serve, serve_with};
use crate::harness::{Connection, poll};

const ENDPOINTS: &str = "
-- name: many
-- http: GET /many
select n, repeat('x', 100) as text from generate_series(1, :n::int) as n;
-- name: failing
-- http: GET /failing
select n, repeat('x', 100) as text, 1 / (n - :at::int) as quotient from generate_series(1, 1000000) as n;
-- name: written
-- http: POST /written
insert into note select n from generate_series(1, :n::int) as n returning n, repeat('x', 100) as text;
-- name: echo$
-- http: GET /echo/{n}
select :n::int;
-- name: slow$
-- http: GET /slow
select 'slow' from pg_sleep(0.1);
";

const SCHEMA: &str = "create table note (n int)";

/// Far more than the buffers of both sockets hold, so that whoever sends it notices that it is not taken.
const LARGE: &str = "GET /many?n=1000000 HTTP/1.1\r\nHost: a\r\n\r\n";

/// A client that asks for a large list and takes no more than its beginning.
fn slow_reader(service: &Service) -> Connection {
    let mut connection = service.connect();
    connection.send(LARGE);
    let mut begin = [0; 15];
    connection.stream.read_exact(&mut begin).unwrap();
    assert_eq!(&begin, b"HTTP/1.1 200 OK");
    connection
}

/// How many connections to the test's database do something.
fn busy_backends(service: &Service) -> String {
    let sql = "select count(*) from pg_stat_activity
        where datname = current_database() and state = 'active' and pid <> pg_backend_pid()";
    service.database.ask(sql).unwrap()
}

#[test]
fn a_million_rows_take_little_memory() {
    // On a busy machine something may stall, and a debug build has much to read before it can name where.
    let options = ["--stall-threshold", "0s"];
    let service = serve_with("streams_memory", SCHEMA, ENDPOINTS, &options);
    // Anonymous memory, in KiB.
    let memory = || service.server.account("RssAnon");
    let before = memory();
    let mut connection = service.connect();
    connection.send(LARGE.replace("Host: a", "Host: a\r\nConnection: close"));
    let (mut rows, mut most) = (0, 0);
    let mut chunk = vec![0; 1024 * 1024];
    loop {
        match connection.stream.read(&mut chunk).unwrap() {
            0 => break,
            read => rows += chunk[..read].iter().filter(|byte| **byte == b'{').count(),
        }
        most = memory().max(most);
    }
    assert_eq!(rows, 1_000_000);
    assert!(
        most - before < 8 * 1024,
        "grew from {before} to {most} KiB for 120 MB of answer"
    );
}

#[test]
fn a_stream_is_framed_for_its_client() {
    let service = serve("streams_framing", SCHEMA, ENDPOINTS);
    let mut connection = service.connect();
    for n in [0, 1, 2, 2000, 2500, 30_000] {
        let answer = connection.request("GET", &format!("/many?n={n}"), &[], "");
        let rows = answer.json();
        let numbers = rows.as_array().unwrap().iter().map(|row| &row["n"]);
        assert!(numbers.eq((1..=n).collect::<Vec<_>>().iter()), "{n} rows");
        // From some size on its length is not known when it begins.
        assert_eq!(answer.header("content-length").is_none(), n > 2000, "{n}");
    }
    // What is pipelined behind it is answered behind it.
    connection.send(
        "GET /many?n=30000 HTTP/1.1\r\nHost: a\r\n\r\nGET /echo/7 HTTP/1.1\r\nHost: a\r\n\r\n",
    );
    assert_eq!(
        connection.answer_to("GET").json().as_array().unwrap().len(),
        30_000
    );
    assert_eq!(connection.answer_to("GET").body, "7");
    // HEAD is told the same and sent none of it.
    let answer = connection.request("HEAD", "/many?n=30000", &[], "");
    assert_eq!(answer.header("transfer-encoding"), Some("chunked"));
    assert_eq!(connection.request("GET", "/echo/8", &[], "").body, "8");
    // HTTP/1.0 knows no chunks: the end of the connection is the end of the list.
    let mut old = service.connect();
    old.send("GET /many?n=30000 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    let mut all = String::new();
    old.stream.read_to_string(&mut all).unwrap();
    let (head, body) = all.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("\r\nConnection: close") && !head.contains("Transfer-Encoding"));
    let rows: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(rows.as_array().unwrap().len(), 30_000);
}

#[test]
fn what_is_written_is_told_only_when_it_is_committed() {
    let service = serve("streams_written", SCHEMA, ENDPOINTS);
    let answer = service.post("/written", "{\"n\":5000}");
    assert_eq!(answer.json().as_array().unwrap().len(), 5000);
    assert!(answer.header("content-length").is_some());
}

#[test]
fn a_list_that_fails_under_way_does_not_look_whole() {
    let service = serve("streams_failing", SCHEMA, ENDPOINTS);
    // Before it has become a stream it is an ordinary problem.
    assert_eq!(service.get("/failing?at=1").status, 400);
    for version in ["1.1", "1.0"] {
        let mut connection = service.connect();
        connection.send(format!(
            "GET /failing?at=50000 HTTP/{version}\r\nHost: a\r\n\r\n"
        ));
        let mut all = Vec::new();
        let end = connection.stream.read_to_end(&mut all);
        assert!(all.starts_with(b"HTTP/1.1 200 OK"));
        assert!(
            end.is_err() && !all.ends_with(b"0\r\n\r\n"),
            "HTTP/{version}"
        );
    }
    poll("the log", || {
        service
            .server
            .log()
            .matches("failing failed")
            .nth(1)
            .map(drop)
    });
    assert!(service.server.log().contains("division by zero"));
    assert_eq!(service.get("/echo/1").body, "1");
}

#[test]
fn slow_readers_of_streams_hold_up_nobody() {
    let options = ["--db-connections", "3"];
    let service = serve_with("streams_slow", SCHEMA, ENDPOINTS, &options);
    let readers = [slow_reader(&service), slow_reader(&service)];
    // The last connection is for all.
    let refused = service.get("/many?n=1000000");
    assert_eq!(
        (refused.status, refused.header("retry-after")),
        (503, Some("1"))
    );
    for n in 0..100 {
        assert_eq!(service.get(&format!("/echo/{n}")).body, n.to_string());
    }
    drop(readers);
    // Its query is cancelled, and another may have the connection.
    poll("backends to be idle", || {
        (busy_backends(&service) == "0").then_some(())
    });
    assert_eq!(
        service
            .get("/many?n=100000")
            .json()
            .as_array()
            .unwrap()
            .len(),
        100_000
    );
}

/// What takes longer than most is not for the last connection, either; but to wait for readers could be to wait for ever.
#[test]
fn slow_readers_of_streams_do_not_keep_slow_queries_out() {
    let options = ["--db-connections", "3"];
    let service = serve_with("streams_slow_queries", SCHEMA, ENDPOINTS, &options);
    // Until it is known to be slow.
    for _ in 0..10 {
        assert_eq!(service.get("/slow").body, "\"slow\"");
    }
    let _readers = [slow_reader(&service), slow_reader(&service)];
    for n in 0..3 {
        assert_eq!(service.get("/slow").body, "\"slow\"");
        assert_eq!(service.get(&format!("/echo/{n}")).body, n.to_string());
    }
}

/// When the query is under way already and others wait behind it, it is begun again somewhere else.
#[test]
fn large_and_small_lists_do_not_mix() {
    let service = serve("streams_mixed", SCHEMA, ENDPOINTS);
    // On a machine with much else to do a second may be too little: then it is as the answer says, in a while.
    let answered = |connection: &mut Connection, target: &str| {
        poll("an answer", || {
            let answer = connection.request("GET", target, &[], "");
            (answer.status != 503).then_some(answer)
        })
    };
    let ask = |seed: usize| {
        let mut connection = service.connect();
        for round in 0..40 {
            let n = [3, 20_000, 5, 2500, 1][(seed + round) % 5];
            let rows = answered(&mut connection, &format!("/many?n={n}")).json();
            let rows = rows.as_array().unwrap();
            assert_eq!(rows.len(), n);
            assert!(
                rows.iter()
                    .enumerate()
                    .all(|(index, row)| row["n"] == index + 1)
            );
            assert_eq!(answered(&mut connection, "/echo/9").body, "9");
        }
    };
    std::thread::scope(|scope| {
        let ask = &ask;
        (0..8).for_each(|seed| drop(scope.spawn(move || ask(seed))));
    });
    poll("backends to be idle", || {
        (busy_backends(&service) == "0").then_some(())
    });
}
