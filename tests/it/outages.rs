//! A database that goes away, in a way that it tells or in silence: requests are refused until it is back, and none of those
//! that it has answered is lost or somebody else's.

use std::process::Command;
use std::time::Duration;

use crate::api_service::problem;
use crate::harness::{
    Chaos, Folder, Perishable, QUESTIONS, Server, WITNESSED, WITNESSED_TABLES, Witnesses, database,
    peppercorn, poll,
};

fn command(folder: &Folder, url: &str) -> Command {
    let mut command = peppercorn();
    command.env("DATABASE_URL", url);
    // The longest that an attempt to connect may take, in seconds.
    command.env("PGCONNECT_TIMEOUT", "2");
    command.arg("serve").arg(folder.path());
    command
}

fn witnesses(server: &Server) -> Witnesses {
    Witnesses::start(server.address(), 6, QUESTIONS, Duration::from_millis(5))
}

#[track_caller]
fn await_away(server: &Server) {
    // Each of the two kinds of connections finds out by itself.
    let away = |method, target, body| {
        let answer = server.send(method, target, body);
        answer.status == 503 && answer.body.contains("the database is not available")
    };
    poll("the server to know that its database is away", || {
        (away("GET", "/echo/1", "") && away("POST", "/fresh", "{\"id\":1}")).then_some(())
    });
    assert_eq!(server.get("/readyz").status, 503);
}

#[test]
fn a_restart_of_the_database_is_survived() {
    let postgres = Perishable::start();
    let database = postgres.database();
    database.run(WITNESSED_TABLES);
    let folder = Folder::with(&[("api.sql", WITNESSED)]);
    let server = Server::spawn(command(&folder, &database.url())).ready();
    let clients = witnesses(&server);
    for _ in 0..2 {
        clients.go_on(30);
        postgres.kill();
        await_away(&server);
        let answer = server.get("/echo/1");
        // Who had waited for a connection in vain would be told that the server is busy.
        let detail = problem(&answer, 503)["detail"].clone();
        assert_eq!(detail, "the database is not available");
        assert!(answer.header("retry-after").is_some(), "{answer:?}");
        postgres.revive();
    }
    clients.go_on(30);
    let (told, _) = clients.stop();
    told.true_in(&postgres.database());
}

/// Requests may take ten minutes: it is not their end that tells.
#[test]
fn a_database_that_is_stopped_is_known_to_be_away_until_it_goes_on() {
    let postgres = Perishable::start();
    let database = postgres.database();
    database.run(WITNESSED_TABLES);
    let folder = Folder::with(&[("api.sql", WITNESSED)]);
    let mut command = command(&folder, &database.url());
    command.args(["--timeout", "10m"]);
    let server = Server::spawn(command).ready();
    let clients = witnesses(&server);
    clients.go_on(30);
    postgres.halt();
    await_away(&server);
    postgres.go_on();
    clients.go_on(30);
    let (told, _) = clients.stop();
    told.true_in(&database);
}

#[test]
fn a_database_that_swallows_what_it_is_sent_is_known_to_be_away() {
    let database = database("outages_swallow");
    database.run(WITNESSED_TABLES);
    let folder = Folder::with(&[("api.sql", WITNESSED)]);
    let way = Chaos::to(&database, 0);
    let mut command = command(&folder, way.url());
    command.args(["--timeout", "10m"]);
    let server = Server::spawn(command).ready();
    let clients = witnesses(&server);
    let acts: [fn(&Chaos); 2] = [Chaos::reset_links, Chaos::silence_links];
    for act in acts {
        clients.go_on(30);
        // Whoever connects is not answered either.
        way.silence(true);
        act(&way);
        await_away(&server);
        way.silence(false);
    }
    clients.go_on(30);
    let (told, _) = clients.stop();
    told.true_in(&database);
}

/// As behind a router that has forgotten them: PostgreSQL is there for everybody else.
#[test]
fn connections_on_which_nothing_arrives_any_more_are_replaced() {
    let database = database("outages_lost");
    database.run(WITNESSED_TABLES);
    let folder = Folder::with(&[("api.sql", WITNESSED)]);
    let way = Chaos::to(&database, 0);
    let mut command = command(&folder, way.url());
    command.args(["--timeout", "1s"]);
    let server = Server::spawn(command).ready();
    let clients = witnesses(&server);
    clients.go_on(30);
    way.silence_links();
    clients.go_on(30);
    let (told, _) = clients.stop();
    told.true_in(&database);
    let late = told.refused().count();
    assert!(late > 0, "nobody noticed");
}
