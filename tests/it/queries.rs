//! Which request a query belongs to: in our log if it is slow, at PostgreSQL's end if that is asked for.

use crate::harness::{Database, Folder, Server, database, poll};

const API: &str = "
-- name: sleep$
-- http: GET /sleep
-- :seconds float8
select 'slept' from pg_sleep(:seconds);

-- name: who$
-- http: GET /who
select current_setting('application_name');

-- name: broken$
-- http: GET /broken
select 1 / (select count(*) from no_rows);
";

fn serve(name: &str, options: &[&str]) -> (Database, Folder, Server) {
    let database = database(name);
    database.run("create table no_rows (id int)");
    let folder = Folder::with(&[("api.sql", API)]);
    let server = Server::start(folder.path(), &database, options).ready();
    (database, folder, server)
}

#[test]
fn a_slow_query_is_in_the_log_with_its_request() {
    let (_database, _folder, server) = serve("queries_slow", &["--slow-query", "200ms"]);
    let fields = [("X-Request-Id", "slow-one")];
    let mut client = server.connect();
    assert_eq!(
        client
            .request("GET", "/sleep?seconds=0.25", &fields, "")
            .status,
        200
    );
    server.says("sleep: a query took 0.25");
    server.says("(request slow-one)");
    assert_eq!(client.request("GET", "/who", &[], "").status, 200);
    assert!(!server.log().contains("who:"), "{}", server.log());
}

#[test]
fn no_query_is_slow_where_none_is_to_be() {
    let (_database, _folder, server) = serve("queries_never_slow", &["--slow-query", "0s"]);
    assert_eq!(server.get("/sleep?seconds=1.1").status, 200);
    let (_, log) = server.stop();
    assert!(!log.contains("a query took"), "{log}");
}

/// Many requests share a connection, and each query has the name of its own.
#[test]
fn postgresql_is_told_each_request_s_id() {
    let options = ["--db-request-id", "--db-connections", "1"];
    let (database, _folder, server) = serve("queries_named", &options);
    let address = server.address();
    let clients: Vec<_> = (0..8)
        .map(|client| {
            std::thread::spawn(move || {
                let mut connection = crate::harness::Connection::open(address);
                for request in 0..50 {
                    let id = format!("request-{client}-{request}");
                    let fields = [("X-Request-Id", id.as_str())];
                    // A query that fails in between changes nothing.
                    let target = if request % 7 == 3 { "/broken" } else { "/who" };
                    let answer = connection.request("GET", target, &fields, "");
                    match target {
                        "/who" => assert_eq!(answer.body, format!("\"peppercorn {id}\"")),
                        _ => assert_eq!(answer.status, 400, "{answer:?}"),
                    }
                }
            })
        })
        .collect();
    clients
        .into_iter()
        .for_each(|client| client.join().unwrap());
    // Of one that is too long the end is kept, which tells requests apart.
    let long = format!("{}-the-end", "x".repeat(100));
    let fields = [("X-Request-Id", long.as_str())];
    let answer = server.connect().request("GET", "/who", &fields, "");
    assert!(answer.body.ends_with("xxx-the-end\""), "{answer:?}");
    assert_eq!(answer.body.len(), 63 + 2);
    // Whoever looks at what PostgreSQL does finds the request.
    let mut connection = server.connect();
    connection.send("GET /sleep?seconds=60 HTTP/1.1\r\nHost: a\r\nX-Request-Id: look-here\r\n\r\n");
    poll("the query to be seen", || {
        let name = "select application_name from pg_stat_activity
            where state = 'active' and query like '%pg_sleep%' and pid <> pg_backend_pid()";
        (database.ask(name).as_deref() == Some("peppercorn look-here")).then_some(())
    });
}

#[test]
fn postgresql_is_told_nothing_by_default() {
    let (_database, _folder, server) = serve("queries_unnamed", &[]);
    assert_eq!(server.get("/who").body, "\"peppercorn\"");
}
