//! Through PgBouncer in transaction mode, as Debian has it: no session keeps anything, and everything works all the same.

use std::process::Command;

use crate::harness::{
    Database, Folder, Hammer, Manner, PgBouncer, Server, database, peppercorn, poll, run, shipped,
};

const API: &[(&str, &str)] = &[(
    "api.sql",
    "-- name: item^\n-- http: GET /items/{id}\n-- :id int\nselect id, mood, tags, price from item where id = :id;\n\n\
     -- name: items\n-- http: GET /items\nselect * from item order by id;\n\n\
     -- name: many\n-- http: GET /many\nselect n, repeat('x', 100) as text from generate_series(1, 3000) as n;\n\n\
     -- name: add<!\n-- http: POST /items\n-- :mood mood\ninsert into item (mood, price) values (:mood, 1.50) returning id, mood;\n\n\
     -- name: move^\n-- http: POST /moves\n-- tx: serializable retry 3\n\
     update item set price = price + 1 where id = :id;\nselect id, price from item where id = :id;\n\n\
     -- name: sneak$\n-- http: GET /sneak\nselect sneak();\n\n\
     -- name: left$\n-- http: GET /left\nselect count(*) from pg_prepared_statements;\n\n\
     -- name: sleep$\n-- http: GET /sleep\nselect 'slept' from pg_sleep(:seconds);\n",
)];
const TABLES: &str = "
create type mood as enum ('sad', 'glad');
create domain tag as text check (value <> '');
create table item (id int generated always as identity primary key, mood mood, tags tag[], price numeric);
insert into item (mood, tags, price) select 'glad', array['a', 'b'], n from generate_series(1, 50) as n;
create function sneak() returns int language sql volatile as 'delete from item returning 1';
";
/// Fewer connections to PostgreSQL than there are clients' to PgBouncer: they get each other's.
const FEW: &[(&str, &str)] = &[
    ("default_pool_size = 16", "default_pool_size = 2"),
    ("reserve_pool_size = 4", "reserve_pool_size = 0"),
];

fn filled(name: &str) -> Database {
    let database = database(name);
    database.run(TABLES);
    database
}

fn command(folder: &Folder, url: &str, words: &[&str]) -> Command {
    let mut command = peppercorn();
    command
        .env("DATABASE_URL", url)
        .args(words)
        .arg(folder.path());
    command
}

/// A service with `--db-pooler`.
fn serve(folder: &Folder, pooler: &PgBouncer) -> Server {
    Server::spawn(command(folder, &pooler.url(), &["serve", "--db-pooler"])).ready()
}

#[test]
fn services_share_sessions_and_leave_nothing_in_them() {
    let database = filled("pooler_shared");
    let pooler = PgBouncer::start("pgbouncer", &database, FEW);
    let folder = Folder::with(API);
    // Two processes choose the same names for their statements.
    let servers = [serve(&folder, &pooler), serve(&folder, &pooler)];
    let manner = Manner {
        clients: 2,
        connecting: false,
        pause: std::time::Duration::ZERO,
    };
    let text = |method: &str, path: &str, body: &str| {
        let length = body.len();
        format!("{method} {path} HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n{body}")
    };
    let requests = [
        text("GET", "/items/7", ""),
        text("GET", "/items", ""),
        text("POST", "/items", r#"{"mood":"sad"}"#),
        text("GET", "/many", ""),
        text("GET", "/items/9", ""),
    ];
    let clients = servers.each_ref().map(|server| {
        let requests = requests.clone();
        Hammer::start(server.address(), manner, move |number| {
            requests[number as usize % requests.len()].clone()
        })
    });
    clients.iter().for_each(|clients| clients.goes_on(60));
    clients
        .into_iter()
        .for_each(|clients| clients.stop().flawless(60));
    let [server, _] = &servers;
    assert_eq!(
        server.get("/items/7").body,
        r#"{"id":7,"mood":"glad","tags":["a","b"],"price":7}"#
    );
    assert_eq!(server.get("/left").body, "0");
    assert_eq!(
        server.send("POST", "/moves", r#"{"id":7}"#).json()["price"],
        8
    );
    assert_eq!(
        server.send("POST", "/items", r#"{"mood":"odd"}"#).status,
        400
    );
}

#[test]
fn a_get_does_not_write_and_a_write_may() {
    let database = filled("pooler_reads");
    let pooler = PgBouncer::start("pgbouncer", &database, FEW);
    let server = serve(&Folder::with(API), &pooler);
    for _ in 0..4 {
        let answer = server.get("/sneak");
        assert_eq!(
            (answer.status, answer.json()["code"].as_str()),
            (500, Some("25006"))
        );
        assert_eq!(
            server.send("POST", "/items", r#"{"mood":"sad"}"#).status,
            201
        );
    }
    assert_eq!(
        database.ask("select count(*) from item").as_deref(),
        Some("54")
    );
}

#[test]
fn tables_change_under_statements_that_are_not_kept() {
    let database = filled("pooler_changes");
    let pooler = PgBouncer::start("pgbouncer", &database, FEW);
    let server = serve(&Folder::with(API), &pooler);
    let price = || server.get("/items/3").json()["price"].clone();
    assert_eq!(price(), 3);
    database.run("alter table item alter price type text using 'about ' || price");
    assert_eq!(price(), "about 3");
    database.run("alter table item rename to things");
    assert_eq!(server.get("/items/3").status, 500);
    database.run("alter table things rename to item");
    assert_eq!(price(), "about 3");
}

#[test]
fn a_request_that_is_given_up_harms_nobody_who_gets_its_session() {
    let database = filled("pooler_gone");
    let pooler = PgBouncer::start("pgbouncer", &database, FEW);
    let server = serve(&Folder::with(API), &pooler);
    for _ in 0..5 {
        let mut gone: Vec<_> = (0..2).map(|_| server.connect()).collect();
        for connection in &mut gone {
            connection.send("GET /sleep?seconds=60 HTTP/1.1\r\nHost: a\r\n\r\n");
        }
        let asleep = "select count(*) from pg_stat_activity
            where datname = current_database() and state = 'active' and query like '%pg_sleep(%' and pid <> pg_backend_pid()";
        let awaited = |count: &str| {
            poll("sessions", || {
                (database.ask(asleep)? == count).then_some(())
            });
        };
        awaited("2");
        gone.drain(..).for_each(|connection| connection.reset());
        awaited("0");
        let answer = server.get("/items/7");
        assert_eq!(answer.status, 200, "{answer:?} {}", server.log());
        assert_eq!(
            server.send("POST", "/items", r#"{"mood":"sad"}"#).status,
            201
        );
    }
}

#[test]
fn a_pooler_that_nobody_has_told_of_is_found_out() {
    let database = filled("pooler_untold");
    let folder = Folder::with(API);
    // The option that keeps GETs from writing is refused, or taken for nothing.
    let ignoring = (
        ";ignore_startup_parameters = options",
        "ignore_startup_parameters = options",
    );
    for (more, expected) in [
        (FEW.to_vec(), "unsupported startup parameter: options"),
        (
            [FEW, &[ignoring]].concat(),
            "is there a pooler? (--db-pooler)",
        ),
    ] {
        let pooler = PgBouncer::start("pgbouncer", &database, &more);
        let server = Server::spawn(command(&folder, &pooler.url(), &["serve"]));
        server.says(expected);
        assert_eq!(server.get("/items/7").status, 503);
    }
}

#[test]
fn files_are_checked_through_a_pooler_too() {
    let database = filled("pooler_check");
    let pooler = PgBouncer::start("pgbouncer", &database, FEW);
    let wrong = "-- name: a\n-- http: GET /a\nselect prise from item;\n\n\
                 -- name: b\n-- http: GET /b\nselect mood from item;\n\n\
                 -- name: c\n-- http: GET /c\nselect id from thing;\n";
    let folder = Folder::with(&[("api.sql", wrong)]);
    let ended = run(&mut command(
        &folder,
        &pooler.url(),
        &["check", "--db-pooler"],
    ));
    assert_eq!(ended.code, Some(65), "{ended:?}");
    for expected in [
        "column \"prise\" does not exist",
        "relation \"thing\" does not exist",
    ] {
        assert!(ended.stderr.contains(expected), "{ended:?}");
    }
}

/// What a server asks of the settings that it is shipped with.
#[test]
fn what_is_shipped_names_settings_that_there_are() {
    let help = run(peppercorn().arg("--help")).stdout;
    for name in ["haproxy.cfg", "pgbouncer.ini", "kubernetes.yaml"] {
        let text = shipped(name, &[]);
        for (at, _) in text.match_indices("PEPPERCORN_") {
            let rest = &text[at + "PEPPERCORN_".len()..];
            let end = rest.find(|c: char| !c.is_ascii_uppercase() && c != '_');
            let variable = &rest[..end.unwrap_or(rest.len())];
            let option = format!("--{} ", variable.to_lowercase().replace('_', "-"));
            assert!(
                help.contains(&option) || help.contains(&format!("PEPPERCORN_{variable}")),
                "{name}: {variable}"
            );
        }
    }
}
