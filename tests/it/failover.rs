//! A primary and a standby: where requests go, and what becomes of them when one of the two is gone or the other takes over.

use std::collections::HashSet;

use crate::harness::{Database, Folder, Hammer, Manner, Node, Pair, Server, peppercorn, poll};

const API: &[(&str, &str)] = &[(
    "api.sql",
    "-- name: where$\n-- http: GET /standby\nselect pg_is_in_recovery();\n\n\
     -- name: keep!\n-- http: POST /kept\ninsert into kept values (:id);\n\n\
     -- name: keep-two!\n-- http: POST /kept-twice\ninsert into kept values (:id); insert into kept values (0 - :id);\n",
)];
const TABLES: &str = "create table kept (id bigint)";
const WRITE: &str = "target_session_attrs=read-write";

fn serve(folder: &Folder, pair: &Pair, reads: &str) -> Server {
    let mut command = peppercorn();
    command
        .env("DATABASE_URL", pair.url(WRITE))
        .env("PEPPERCORN_READ_DATABASE_URL", pair.url(reads))
        .arg("serve")
        .arg(folder.path());
    Server::spawn(command).ready()
}

fn insertion(id: u64) -> String {
    let body = format!("{{\"id\":{id}}}");
    let length = body.len();
    // Every other one is a transaction of two statements.
    let path = if id.is_multiple_of(2) {
        "/kept"
    } else {
        "/kept-twice"
    };
    format!("POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n{body}")
}

fn kept(database: &Database) -> HashSet<i64> {
    let ids = database.ask("select string_agg(id::text, ' ') from kept");
    let ids = ids.unwrap_or_default();
    ids.split_whitespace()
        .map(|id| id.parse().unwrap())
        .collect()
}

/// Writes go on at the standby that takes over from a primary that `ends`, and nothing is lost that was acknowledged.
fn writes_follow(name: &str, ends: impl Fn(&Node)) -> (Server, Pair) {
    let pair = Pair::start(name, TABLES);
    let folder = Folder::with(API);
    let server = serve(&folder, &pair, "target_session_attrs=prefer-standby");
    assert_eq!(server.get("/standby").body, "true");
    let manner = Manner {
        clients: 4,
        connecting: false,
        pause: std::time::Duration::from_millis(1),
    };
    let clients = Hammer::start(server.address(), manner, insertion);
    clients.goes_on(100);
    ends(&pair.primary);
    let away = "the database for writing is not available";
    server.says(
        away.split(" is ")
            .next()
            .unwrap_or(away)
            .trim_start_matches("the "),
    );
    // Reads do not notice.
    let ready = server.get("/readyz");
    assert_eq!(
        (ready.status, &*ready.body),
        (200, &*format!("ready, and {away}"))
    );
    assert_eq!(server.get("/standby").body, "true");
    pair.standby.promote();
    clients.goes_on(100);
    let seen = clients.stop();
    assert_eq!(server.get("/readyz").body, "ready");
    // It stays where it is: that is no standby any more, and was only preferred.
    assert_eq!(server.get("/standby").body, "false");
    let there = kept(&pair.standby.database);
    let missing: Vec<_> = (seen.answered.iter())
        .filter(|id| !there.contains(&(**id as i64)))
        .collect();
    assert!(missing.is_empty(), "lost: {missing:?}");
    for failure in &seen.failures {
        assert!(failure.what.starts_with("503 "), "{failure:?}");
    }
    (server, pair)
}

#[test]
fn writes_go_on_at_the_standby_that_takes_over_from_a_primary_that_crashed() {
    writes_follow("failover_crash", Node::crash);
}

#[test]
fn a_primary_that_has_become_read_only_is_left_for_the_new_one() {
    let (_server, pair) = writes_follow("failover_fence", |primary| {
        primary.fence();
    });
    let (old, new) = (kept(&pair.primary.database), kept(&pair.standby.database));
    assert!(new.len() > old.len() && old.is_subset(&new));
}

#[test]
fn reads_go_to_the_primary_while_there_is_no_standby_if_one_is_only_preferred() {
    let pair = Pair::start("failover_reads", TABLES);
    let folder = Folder::with(API);
    let preferring = serve(&folder, &pair, "target_session_attrs=prefer-standby");
    let insisting = serve(&folder, &pair, "target_session_attrs=standby");
    for server in [&preferring, &insisting] {
        assert_eq!(server.get("/standby").body, "true");
    }
    pair.primary
        .database
        .run("alter system reset synchronous_standby_names");
    pair.primary.database.run("select pg_reload_conf()");
    pair.standby.crash();
    poll("reads at the primary", || {
        let answer = preferring.get("/standby");
        (answer.status == 200).then(|| assert_eq!(answer.body, "false"))
    });
    let away = "ready, and the database for reading is not available";
    poll("the standby to be missed", || {
        (insisting.get("/readyz").body == away).then_some(())
    });
    assert_eq!(insisting.get("/standby").status, 503);
    assert_eq!(insisting.send("POST", "/kept", "{\"id\":1}").status, 204);
    // Where neither answers nothing can be done.
    pair.primary.crash();
    for server in [&preferring, &insisting] {
        poll("the primary to be missed", || {
            (server.get("/readyz").status == 503).then_some(())
        });
    }
}

#[test]
fn statements_are_prepared_where_they_will_run() {
    let (main, other) = (
        crate::harness::database("failover_main"),
        crate::harness::database("failover_other"),
    );
    main.run(TABLES);
    other.run("create table elsewhere (id int)");
    let api = "-- name: read\n-- http: GET /read\nselect id from elsewhere;\n\n\
               -- name: keep!\n-- http: POST /kept\ninsert into kept values (:id);\n";
    let folder = Folder::with(&[("api.sql", api)]);
    let check = |read: &str| {
        let mut command = peppercorn();
        command
            .env("DATABASE_URL", main.url())
            .env("PEPPERCORN_READ_DATABASE_URL", read)
            .arg("check")
            .arg(folder.path());
        crate::harness::run(&mut command)
    };
    assert_eq!(check(&other.url()).code, Some(0));
    let wrong = check(&main.url());
    assert!(
        wrong.code == Some(65)
            && wrong
                .stderr
                .contains("relation \"elsewhere\" does not exist"),
        "{wrong:?}"
    );
}
