//! HUP to a worker that serves alone: the new files answer on the connections that are open, or the old ones go on.

use std::io::Read;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::harness::{
    Connection, Database, Folder, PATIENCE, Server, block_on, database, peppercorn, poll, run,
};

/// A server, and what may be changed under it.
struct Home {
    folder: Folder,
    database: Database,
}

impl Home {
    fn new(name: &str) -> Home {
        let home = Home {
            folder: Folder::new(),
            database: database(name),
        };
        home.database.run("create table note (n int)");
        home.write("old");
        home
    }

    /// Files that say `version`, at `/version` and by the route `/VERSION`.
    fn write(&self, version: &str) {
        let text = format!(
            "-- name: version$\n-- http: GET /version\nselect '{version}';\n\n\
             -- name: own$\n-- http: GET /{version}\nselect '{version}';\n\n\
             -- name: wait$\n-- http: GET /wait\n\
             select '{version}' from pg_advisory_xact_lock_shared(1);\n\n\
             -- name: many\n-- http: GET /many\n\
             select n, repeat('x', 100) as {version} from generate_series(1, :n::int) as n;\n\n\
             -- name: note$\n-- http: GET /note\nselect count(*) from note;\n\n\
             -- name: write!\n-- http: POST /note\ninsert into note values (1);\n"
        );
        self.folder.write("api.sql", &text);
    }

    /// A request under way on a connection of its own, until [`Home::go_on`].
    fn waiting(&self, server: &Server) -> Connection {
        self.database.run("select pg_advisory_lock(1)");
        let mut connection = server.connect();
        connection.send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
        self.settled("wait_event = 'advisory'", 1);
        connection
    }

    fn go_on(&self) {
        self.database.run("select pg_advisory_unlock_all()");
    }

    fn serve(&self, options: &[&str]) -> Server {
        Server::start(self.folder.path(), &self.database, options).ready()
    }

    /// How many connections to the database there are for which this holds.
    fn backends(&self, condition: &str) -> u64 {
        let sql = format!(
            "select count(*) from pg_stat_activity where datname = current_database()
             and pid <> pg_backend_pid() and backend_type = 'client backend' and {condition}"
        );
        self.database.ask(&sql).unwrap().parse().unwrap()
    }

    /// Waits until there are so many for which this holds.
    #[track_caller]
    fn settled(&self, condition: &str, count: u64) {
        poll("the connections to the database", || {
            (self.backends(condition) == count).then_some(())
        });
    }
}

/// Waits until the log says this so often.
#[track_caller]
fn says(server: &Server, words: &str, times: usize) {
    let begin = Instant::now();
    poll(words, || {
        let log = server.log();
        // Before the poll gives up without a word about it.
        assert!(
            begin.elapsed() + Duration::from_secs(1) < PATIENCE,
            "no {words:?}: {log}"
        );
        (log.matches(words).count() == times).then_some(())
    });
}

/// HUP, and this generation serves.
#[track_caller]
fn reload(server: &Server, generation: u64) {
    server.signal(Signal::HUP);
    says(
        server,
        &format!("reloaded: generation {generation} serves"),
        1,
    );
}

/// HUP, and it is refused for this reason, the first in this test.
#[track_caller]
fn refused(server: &Server, reason: &str) {
    server.signal(Signal::HUP);
    let line = format!("not reloaded, generation 1 goes on: {reason}");
    says(server, &line, 1);
}

/// Which files answer.
fn version(connection: &mut Connection) -> String {
    let answer = connection.request("GET", "/version", &[], "");
    answer.body.trim_matches('"').to_owned()
}

fn status(connection: &mut Connection, target: &str) -> u16 {
    connection.request("GET", target, &[], "").status
}

#[test]
fn routes_come_and_go_on_the_connection_that_is_open() {
    let home = Home::new("swap_routes");
    for layout in [
        &["--threads", "1"][..],
        &["--threads", "2", "--executor", "local"],
        &["--threads", "2", "--executor", "shared"],
    ] {
        home.write("old");
        let server = home.serve(layout);
        // Dealt to all executors.
        let mut connections: Vec<_> = (0..16).map(|_| server.connect()).collect();
        for connection in &mut connections {
            assert_eq!(status(connection, "/old"), 200);
            assert_eq!(status(connection, "/new"), 404);
        }
        home.write("new");
        reload(&server, 2);
        for connection in &mut connections {
            assert_eq!(status(connection, "/old"), 404);
            assert_eq!(status(connection, "/new"), 200);
            assert_eq!(status(connection, "/readyz"), 200);
        }
        let told = run(peppercorn().args(["status", "--json", &server.pid().to_string()]));
        let told: serde_json::Value = serde_json::from_str(&told.stdout).unwrap();
        assert_eq!(told[0]["generation"], 2, "{told}");
        assert_eq!(told[0]["workers"][0]["generation"], 2, "{told}");
        drop(connections);
        let (status, log) = server.stop();
        assert_eq!(status.code(), Some(0), "{log}");
    }
}

#[test]
fn a_request_under_way_finishes_as_it_began() {
    let home = Home::new("swap_under_way");
    let server = home.serve(&[]);
    home.settled("true", 4);
    let mut waiting = home.waiting(&server);
    // Far more than the buffers of both sockets hold: it is on its way until it is read.
    let mut streamed = server.connect();
    streamed.send("GET /many?n=500000 HTTP/1.1\r\nHost: a\r\n\r\n");
    let mut begin = [0; 15];
    streamed.stream.read_exact(&mut begin).unwrap();
    home.settled("state = 'active'", 2);
    home.write("new");
    reload(&server, 2);
    assert_eq!(version(&mut server.connect()), "new");
    home.go_on();
    assert_eq!(waiting.answer_to("GET").body, "\"old\"");
    assert_eq!(status(&mut waiting, "/new"), 200);
    let (mut rest, mut chunk) = (Vec::new(), vec![0; 1024 * 1024]);
    while !rest.ends_with(b"\r\n0\r\n\r\n") {
        let read = streamed.stream.read(&mut chunk).unwrap();
        assert!(read > 0, "cut off after {} bytes", rest.len());
        rest.extend_from_slice(&chunk[..read]);
    }
    let rows = String::from_utf8(rest)
        .unwrap()
        .matches("\"old\":\"")
        .count();
    // A row may be split by the size of a chunk.
    assert!(rows > 499_000, "{rows}");
    assert_eq!(status(&mut streamed, "/new"), 200);
    home.settled("true", 4);
}

#[test]
fn a_query_that_nobody_waits_for_any_more_is_cancelled_on_the_old_connections_too() {
    let home = Home::new("swap_abandoned");
    let server = home.serve(&[]);
    let waiting = home.waiting(&server);
    reload(&server, 2);
    // Zero linger sends RST.
    rustix::net::sockopt::set_socket_linger(&waiting.stream, Some(Duration::ZERO)).unwrap();
    drop(waiting);
    home.settled("wait_event = 'advisory'", 0);
    home.settled("true", 4);
}

#[test]
fn clients_that_never_rest_see_nothing_but_new_answers() {
    let home = Home::new("swap_load");
    let server = home.serve(&["--threads", "2", "--executor", "local"]);
    // Both seats have their database.
    server.settled(1);
    let (over, answered) = (AtomicBool::new(false), AtomicU64::new(0));
    let hammer = |target: &str, method: &str, expected: &[&str]| {
        let mut connection = server.connect();
        while !over.load(Ordering::Relaxed) {
            let answer = connection.request(method, target, &[], "");
            assert!(matches!(answer.status, 200 | 204), "{answer:?}");
            assert_ne!(answer.header("connection"), Some("close"));
            assert!(expected.contains(&answer.body.as_str()), "{answer:?}");
            answered.fetch_add(1, Ordering::Relaxed);
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| hammer("/version", "GET", &["\"old\"", "\"new\""]));
            scope.spawn(|| hammer("/note", "POST", &[""]));
        }
        scope.spawn(|| hammer("/ping", "GET", &["pong"]));
        scope.spawn(|| hammer("/readyz", "GET", &["ready"]));
        // A failure here must not leave the others at it.
        struct Over<'a>(&'a AtomicBool);
        impl Drop for Over<'_> {
            fn drop(&mut self) {
                self.0.store(true, Ordering::Relaxed);
            }
        }
        let _over = Over(&over);
        for generation in 2..12 {
            home.write(if generation % 2 == 0 { "new" } else { "old" });
            reload(&server, generation);
            let (now, before) = (&answered, answered.load(Ordering::Relaxed));
            poll("further answers", || {
                (now.load(Ordering::Relaxed) > before + 200).then_some(())
            });
        }
    });
    assert!(!server.log().contains("failed"), "{}", server.log());
    assert_eq!(version(&mut server.connect()), "old");
}

#[test]
fn what_cannot_be_served_is_refused_and_the_old_goes_on() {
    let home = Home::new("swap_refused");
    let server = home.serve(&[]);
    let mut connection = server.connect();
    let path = home.folder.path().join("api.sql").display().to_string();
    for (text, reason) in [
        ("select 1", ":1:1: no endpoint in this file"),
        (
            "-- name: a\n-- http: GET /a\nselect nothing from note",
            ":3:8: column \"nothing\" does not exist",
        ),
        (
            "-- name: a\n-- http: GET /ping\nselect 1",
            ":2:10: GET /ping is answered by peppercorn itself already",
        ),
    ] {
        home.folder.write("api.sql", text);
        refused(&server, &format!("{path}{reason}"));
        assert_eq!(version(&mut connection), "old");
    }
    std::fs::remove_file(&path).unwrap();
    refused(&server, "no SQL file in ");
    home.write("new");
    let admin = database("swap_refused_admin");
    admin.run("alter database swap_refused allow_connections false");
    refused(&server, "cannot connect to PostgreSQL at ");
    assert!(
        server
            .log()
            .contains("is not currently accepting connections")
    );
    assert_eq!(version(&mut connection), "old");
    admin.run("alter database swap_refused allow_connections true");
    assert_eq!(status(&mut connection, "/readyz"), 200);
    reload(&server, 2);
    assert_eq!(version(&mut connection), "new");
    home.settled("true", 4);
}

#[test]
fn a_database_without_room_for_the_new_connections_keeps_the_old_ones() {
    let home = Home::new("swap_room");
    let limit = |count: i32| {
        home.database
            .run(&format!("alter role swap_room connection limit {count}"));
    };
    home.database.run("drop role if exists swap_room");
    home.database.run("create role swap_room login");
    home.database
        .run("grant select, insert on note to swap_room");
    // One more is enough to check the files, and not for two pools.
    limit(5);
    let mut command = peppercorn();
    let url = home.database.url();
    let (_, place) = url.split_once('@').unwrap();
    command
        .env("DATABASE_URL", format!("postgres://swap_room@{place}"))
        .arg("serve")
        .arg(home.folder.path());
    let server = Server::spawn(command).ready();
    home.settled("true", 4);
    home.write("new");
    refused(&server, "its database cannot be used: ");
    assert!(server.log().contains("too many connections for role"));
    assert_eq!(version(&mut server.connect()), "old");
    assert_eq!(server.get("/readyz").status, 200);
    home.settled("true", 4);
    limit(-1);
    reload(&server, 2);
    assert_eq!(version(&mut server.connect()), "new");
    home.settled("true", 4);
}

#[test]
fn nothing_is_left_of_twenty_reloads() {
    let home = Home::new("swap_leaks");
    let server = home.serve(&["--threads", "2", "--executor", "local"]);
    let descriptors = || {
        let open = std::fs::read_dir(format!("/proc/{}/fd", server.pid()));
        open.unwrap().count()
    };
    let mut connection = server.connect();
    let mut generation = 1;
    let mut reload_and_settle = || {
        generation += 1;
        home.write(if generation % 2 == 0 { "new" } else { "old" });
        reload(&server, generation);
        assert_eq!(status(&mut connection, "/version"), 200);
        home.settled("true", 8);
    };
    // What is set up once is there after a few.
    (0..5).for_each(|_| reload_and_settle());
    let (before, memory) = (descriptors(), server.account("RssAnon"));
    (0..20).for_each(|_| reload_and_settle());
    poll("as many descriptors as before", || {
        (descriptors() == before).then_some(())
    });
    let grown = server.account("RssAnon").saturating_sub(memory);
    assert!(grown < 1024, "{grown} KiB more than {memory}");
}

/// Statements that read a table are not prepared while this client has it locked; what is prepared goes on.
fn lock(client: &tokio_postgres::Client, sql: &str) {
    block_on(client.batch_execute(sql)).unwrap();
}

#[test]
fn signals_during_a_reload_are_one_more_and_requests_go_on_meanwhile() {
    let home = Home::new("swap_again");
    let server = home.serve(&[]);
    let mut connection = server.connect();
    let another = home.database.another_client();
    lock(&another, "begin; lock table note");
    server.signal(Signal::HUP);
    home.settled("wait_event = 'relation'", 1);
    for _ in 0..5 {
        server.signal(Signal::HUP);
        assert_eq!(status(&mut connection, "/version"), 200);
        assert_eq!(status(&mut connection, "/readyz"), 200);
    }
    home.write("new");
    lock(&another, "commit");
    says(&server, "reloaded: generation 3 serves", 1);
    assert_eq!(status(&mut connection, "/new"), 200);
    reload(&server, 4);
    says(&server, "reloading: ", 3);
}

#[test]
fn a_drain_ends_a_reload() {
    let home = Home::new("swap_drain");
    for signals in [
        &[Signal::TERM][..],
        &[Signal::TERM, Signal::QUIT],
        &[Signal::INT],
    ] {
        let server = home.serve(&[]);
        let mut waiting = home.waiting(&server);
        let another = home.database.another_client();
        lock(&another, "begin; lock table note");
        server.signal(Signal::HUP);
        home.settled("wait_event = 'relation'", 1);
        for signal in signals {
            server.signal(*signal);
        }
        if signals == [Signal::TERM] {
            let line = "not reloaded, generation 1 goes on: the server is stopping";
            says(&server, line, 1);
            home.go_on();
            assert_eq!(waiting.answer_to("GET").body, "\"old\"");
            drop(waiting);
        }
        let (status, log) = server.wait();
        assert_eq!(status.code(), Some(0), "{log}");
        assert!(log.ends_with("stopped\n"), "{log}");
        lock(&another, "commit");
        drop(another);
        home.go_on();
        home.settled("true", 0);
    }
}
