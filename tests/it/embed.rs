//! A program with endpoints of its own: `examples/embed.rs`, a process of its own behind real sockets.

use std::path::Path;

use rustix::process::Signal;
use serde_json::json;

#[cfg(feature = "tls")]
use crate::harness::Heard;
use crate::harness::{
    Database, FakeSentry, Reply, Server, answer, database, exchange_program, poll, run,
};

const SCHEMA: &str = include_str!("../../examples/exchange/schema.sql");

fn exchange(name: &str) -> Database {
    let database = database(name);
    database.run(SCHEMA);
    database
}

fn serve(database: &Database, options: &[&str]) -> Server {
    let mut command = exchange_program();
    command.env("DATABASE_URL", database.url()).args(options);
    Server::spawn(command)
}

#[test]
fn sql_files_are_part_of_the_program() {
    let database = exchange("embed_files");
    let server = serve(&database, &[]);
    let events = server.get("/events?limit=1");
    assert_eq!(
        (events.status, events.json()[0]["id"].as_i64()),
        (200, Some(1))
    );
    let document = server.get("/openapi.json").json();
    assert_eq!(document["info"]["title"], "Exchange");
    let paths = document["paths"].as_object().unwrap();
    assert!(paths.contains_key("/contracts/{contract_id}/trades"));
    assert!(paths.contains_key("/events/{event_id}/outlook"));

    let checked = run(exchange_program_without_serve(&database, "check").arg("--format=json"));
    assert_eq!(
        (checked.code, checked.stdout.trim()),
        (Some(0), "[]"),
        "{checked:?}"
    );
    let document = run(&mut exchange_program_without_serve(&database, "openapi"));
    assert_eq!(document.stdout, server.get("/openapi.json").body);
    let refused = run(exchange_program_without_serve(&database, "check").arg("--lock"));
    assert_eq!(refused.code, Some(78), "{refused:?}");
    assert!(
        refused
            .stderr
            .contains("--lock is for files in a directory"),
        "{refused:?}"
    );
}

/// The first one.
fn reload(server: &Server) {
    server.signal(Signal::HUP);
    poll("a reload", || {
        server
            .log()
            .contains("reloaded: generation 2 serves")
            .then_some(())
    });
}

/// The same program with another command.
fn exchange_program_without_serve(database: &Database, word: &str) -> std::process::Command {
    let mut command = crate::harness::undisturbed(Path::new(exchange_program().get_program()));
    command.arg(word).env("DATABASE_URL", database.url());
    command
}

#[test]
fn queries_of_its_own_answer_as_sql_files_do() {
    let database = exchange("embed_queries");
    let server = serve(&database, &[]);
    let outlook = server.get("/events/1/outlook");
    assert_eq!(
        outlook.json(),
        json!({"event": "Arsenal v Liverpool", "markets": 3})
    );
    assert_eq!(server.get("/events/999/outlook").status, 404);
    let not_a_number = server.get("/events/x/outlook");
    assert_eq!(
        (not_a_number.status, &not_a_number.json()["code"]),
        (400, &json!("22P02"))
    );

    let fixture = r#"{"name": "Rouen v Amiens"}"#;
    let created = server.send("POST", "/fixtures", fixture);
    assert_eq!(created.status, 201);
    let event = server.get(created.header("location").unwrap());
    assert_eq!(event.json()["name"], "Rouen v Amiens");
    let again = server.send("POST", "/fixtures", fixture);
    assert_eq!(
        (again.status, &again.json()["code"]),
        (409, &json!("23505"))
    );
    for (body, status) in [
        (r#"{"name": "x", "sport": "chess"}"#, 422),
        (r#"{"sport": "tennis"}"#, 422),
        ("{", 400),
    ] {
        assert_eq!(
            server.send("POST", "/fixtures", body).status,
            status,
            "{body}"
        );
    }
}

#[test]
fn something_is_around_every_endpoint_and_what_handlers_share_is_theirs() {
    let database = exchange("embed_wrap");
    let server = serve(&database, &["--threads", "2"]);
    let name = |path| server.get(path).header("x-endpoint").map(str::to_owned);
    assert_eq!(name("/events?limit=1").as_deref(), Some("list-events"));
    assert_eq!(name("/asked").as_deref(), Some("GET /asked"));
    assert_eq!(name("/ping"), None);
    assert_eq!(server.get("/asked").body, "2\n");
    // It lives on in the next generation.
    reload(&server);
    assert_eq!(server.get("/asked").body, "3\n");
    assert_eq!(server.get("/digest/abc").body.len(), 17);
}

#[test]
fn it_has_workers_and_a_supervisor_like_any_other() {
    let database = exchange("embed_workers");
    let server = serve(&database, &["--workers", "2"]).ready();
    assert_eq!(server.get("/events/1/outlook").status, 200);
    reload(&server);
    assert_eq!(server.get("/events/1").status, 200);
    let (status, log) = server.stop();
    assert_eq!(status.code(), Some(0), "{log}");
}

#[test]
fn other_servers_are_asked_and_may_fail() {
    let forecast = FakeSentry::start(|_, heard| match heard.head.starts_with("GET /good") {
        true => answer("200 OK", "", r#"{"rain": 0.5}"#),
        false => Reply::Last(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{".to_vec()),
    });
    let database = exchange("embed_client");
    let server = serve(&database, &[]);
    let ask = |path: &str| {
        server.get(&format!(
            "/events/1/outlook?forecast=http%3A//{}{path}",
            forecast.address()
        ))
    };
    assert_eq!(ask("/good").json()["forecast"], json!({"rain": 0.5}));
    let failed = ask("/bad");
    assert_eq!(failed.status, 500);
    assert!(!failed.body.contains("ended early"), "{}", failed.body);
    let reason = "no forecast: GET http://127.0.0.1/bad: the answer ended early";
    poll("the reason", || server.log().contains(reason).then_some(()));
}

#[cfg(feature = "tls")]
#[test]
fn over_tls_they_are_who_the_system_vouches_for() {
    use crate::sentry_proxies::{certificates, wrap};
    let certificates = certificates();
    let serve_tls = |name| {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let script = |_: usize, _: &Heard| answer("200 OK", "", r#"{"rain": 1}"#);
        FakeSentry::start_with(listener, script, wrap(&certificates, name))
    };
    let (forecast, stranger) = (serve_tls("server"), serve_tls("stranger"));
    let database = exchange("embed_tls");
    let mut command = exchange_program();
    command
        .env("DATABASE_URL", database.url())
        .env("SSL_CERT_FILE", certificates.path("ca.crt"))
        .env_remove("SSL_CERT_DIR");
    let server = Server::spawn(command);
    let ask = |host: &str, other: &FakeSentry| {
        let place = format!("https%3A//{host}%3A{}/", other.address().port());
        server.get(&format!("/events/1/outlook?forecast={place}"))
    };
    for _ in 0..2 {
        assert_eq!(ask("localhost", &forecast).json()["forecast"]["rain"], 1);
    }
    let connections = forecast.heard().iter().map(|heard| heard.connection).max();
    assert_eq!(connections, Some(0), "the connection is kept");
    for (host, other) in [("localhost", &stranger), ("127.0.0.1", &forecast)] {
        assert_eq!(ask(host, other).status, 500);
        let reason = format!("GET https://{host}/: no TLS with {host}: ");
        poll("the reason", || {
            server.log().contains(&reason).then_some(())
        });
    }
    assert!(stranger.heard().is_empty());
}

#[test]
fn a_query_that_is_wrong_stops_the_start() {
    let database = database("embed_wrong");
    let without_columns =
        SCHEMA.replace("starts_at timestamptz not null", "starts_at date not null");
    let checked = |schema: &str| {
        database.run("drop schema public cascade; create schema public;");
        database.run(schema);
        run(&mut exchange_program_without_serve(&database, "check"))
    };
    assert_eq!(checked(&without_columns).code, Some(0));
    let renamed = format!("{SCHEMA}; alter table events rename sport to discipline;");
    let ended = checked(&renamed);
    assert_eq!(ended.code, Some(65), "{ended:?}");
    let first = ended.stderr.lines().next().unwrap();
    assert!(first.starts_with("examples/embed.rs:"), "{first}");
    assert!(first.contains(": add-event:"), "{first}");
    assert!(
        first.ends_with("column \"sport\" of relation \"events\" does not exist"),
        "{first}"
    );
}
