//! Which web pages may read answers: the CORS protocol, as a browser would see it.

use std::time::Duration;

use peppercorn::app::{Cors, Origin};
use peppercorn::http::{BodyStream, Limits};
use peppercorn::server::{self, Address, Entrance, Settings};
use peppercorn::{App, Context, Problem, Response, StatusCode};

use crate::api_service::{problem, serve_with};
use crate::harness::{Answer, Connection, Embedded, Server, api, embed, peppercorn, run};

const APP: &str = "https://app.example";
const EXPOSED: &str =
    "ETag, Link, Location, Retry-After, WWW-Authenticate, X-Request-Id, X-Total-Count";

/// What a browser is told beside the answer itself, by name.
fn told(answer: &Answer) -> Vec<(&str, &str)> {
    let headers = answer.headers.iter();
    let mut told: Vec<(&str, &str)> = headers
        .filter(|(name, _)| name.starts_with("access-control-") || name == "vary")
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    told.sort_unstable();
    told
}

/// What a page of this origin is told with any answer, where origins are listed.
fn may_read(origin: &str) -> [(&str, &str); 3] {
    [
        ("access-control-allow-origin", origin),
        ("access-control-expose-headers", EXPOSED),
        ("vary", "Origin"),
    ]
}

const MAY_NOT: [(&str, &str); 1] = [("vary", "Origin")];

/// Asks as a page of this origin.
#[track_caller]
fn ask(server: &Embedded, origin: &str, method: &str, path: &str) -> Answer {
    let origin = [("Origin", origin)];
    Connection::open(server.address()).request(method, path, &origin, "")
}

/// A browser's question whether a page of this origin may send such a request.
#[track_caller]
fn preflight(
    connection: &mut Connection,
    origin: &str,
    path: &str,
    method: &str,
    headers: &str,
) -> Answer {
    let fields = [
        ("Origin", origin),
        ("Access-Control-Request-Method", method),
        ("Access-Control-Request-Headers", headers),
    ];
    connection.request("OPTIONS", path, &fields, "")
}

fn app() -> App {
    let ok = async |_: Context| Ok(Response::new(StatusCode::Ok).with_body("ok"));
    let varied = async |_: Context| {
        let ok = Response::new(StatusCode::Ok).with_header("Vary", "Accept");
        Ok(ok.with_header("Vary", "accept-encoding, origin"))
    };
    let unauthorized = async |_: Context| {
        let problem = Problem::new(StatusCode::Unauthorized, "no token");
        Err(problem.with_header("WWW-Authenticate", "Bearer").into())
    };
    let busy = async |_: Context| Err(Problem::unavailable("busy", Duration::from_secs(1)).into());
    let fail = async |_: Context| Err(anyhow::anyhow!("on purpose"));
    let hang = async |_: Context| std::future::pending().await;
    let stream = async |_: Context| {
        let pieces = futures_lite::stream::iter([Ok(b"a".to_vec()), Ok(b"b".to_vec())]);
        Ok(Response::new(StatusCode::Ok).with_body(BodyStream::new(pieces)))
    };
    App::new()
        .get("/things", ok)
        .post("/things", ok)
        .patch("/things/{id}", ok)
        .get("/varied", varied)
        .get("/unauthorized", unauthorized)
        .get("/busy", busy)
        .get("/fail", fail)
        .get("/hang", hang)
        .get("/stream", stream)
}

/// Serves with these origins, and little patience.
fn serve(origins: &[&str]) -> Embedded {
    let anywhere = Address::Tcp("127.0.0.1:0".into());
    let listeners = server::bind(&anywhere, Entrance::Public, 1, false).unwrap();
    Embedded::serve_on(api(app()), vec![listeners], settings(origins), false)
}

fn settings(origins: &[&str]) -> Settings {
    let origins = origins.iter().map(|origin| origin.parse::<Origin>());
    Settings {
        cors: Cors::of(origins.collect::<Result<_, _>>().unwrap()),
        request: Duration::from_millis(100),
        body: Duration::from_millis(100),
        limits: Limits {
            body: 8,
            ..Limits::default()
        },
        ..Settings::default()
    }
}

#[test]
fn nothing_is_said_unless_origins_are_given() {
    let server = serve(&[]);
    assert_eq!(told(&ask(&server, APP, "GET", "/things")), []);
    let mut connection = Connection::open(server.address());
    let answer = preflight(&mut connection, APP, "/things", "POST", "x-a");
    assert_eq!((answer.status, told(&answer)), (204, vec![]));
    assert_eq!(answer.header("allow"), Some("GET, HEAD, OPTIONS, POST"));
}

#[test]
fn a_preflight_is_told_what_may_be_sent() {
    let server = serve(&[APP]);
    let mut connection = Connection::open(server.address());
    for (path, methods) in [
        ("/things", "GET, HEAD, OPTIONS, POST"),
        ("/things/7?x=1", "OPTIONS, PATCH"),
        ("/ping", "GET, HEAD, OPTIONS"),
    ] {
        // Whether the method is one of them is for the browser to see.
        let answer = preflight(&mut connection, APP, path, "DELETE", "content-type,x-a");
        assert_eq!((answer.status, answer.body.as_str()), (204, ""));
        let headers = "Authorization, Content-Type, If-Match, If-None-Match, X-Request-Id, x-a";
        let expected = [
            ("access-control-allow-headers", headers),
            ("access-control-allow-methods", methods),
            ("access-control-allow-origin", APP),
            ("access-control-max-age", "7200"),
            (
                "vary",
                "Origin, Access-Control-Request-Method, Access-Control-Request-Headers",
            ),
        ];
        assert_eq!(told(&answer), expected, "{path}");
    }
    // There is nothing to allow.
    let nowhere = preflight(&mut connection, APP, "/nowhere", "GET", "");
    assert_eq!(
        (nowhere.status, told(&nowhere)),
        (404, may_read(APP).into())
    );
    // It asks for nothing.
    let plain = ask(&server, APP, "OPTIONS", "/things");
    assert_eq!((plain.status, told(&plain)), (204, may_read(APP).into()));
}

#[test]
fn strangers_are_answered_and_told_nothing() {
    let server = serve(&[APP, "http://localhost:5173", "https://b.example:8443"]);
    for stranger in [
        "null",
        "",
        "*",
        "https://app.example.evil.example",
        "https://evil-app.example",
        "https://evil.app.example",
        "https://app.exampl",
        "https://app.example:444",
        "https://app.example:443",
        "https://app.example/",
        "https://app.example, https://b.example:8443",
        "http://app.example",
        "https://App.example",
        "HTTPS://app.example",
        "app.example",
        "https://b.example",
        "https://b.example:84430",
        "http://localhost",
        "http://localhost:51730",
    ] {
        let answer = ask(&server, stranger, "GET", "/things");
        assert_eq!((answer.status, answer.body.as_str()), (200, "ok"));
        assert_eq!(told(&answer), MAY_NOT, "{stranger}");
        let mut connection = Connection::open(server.address());
        let answer = preflight(&mut connection, stranger, "/things", "POST", "x-a");
        assert_eq!((answer.status, told(&answer)), (204, MAY_NOT.into()));
        assert_eq!(answer.header("allow"), Some("GET, HEAD, OPTIONS, POST"));
    }
    let two = [("Origin", APP), ("Origin", APP)];
    let answer = Connection::open(server.address()).request("GET", "/things", &two, "");
    assert_eq!(told(&answer), MAY_NOT);
}

#[test]
fn each_of_several_origins_is_told_its_own_name() {
    let server = serve(&["HTTPS://App.Example:443", "http://localhost:5173"]);
    let request = |origin: &str| format!("GET /things HTTP/1.1\r\nHost: a\r\n{origin}\r\n");
    let mut connection = Connection::open(server.address());
    // On one connection, sent at once.
    connection.send(
        request("Origin: https://app.example\r\n")
            + &request("")
            + &request("origin: http://localhost:5173\r\n")
            + &request("Origin: https://evil.example\r\n"),
    );
    let mut next = || connection.answer_to("GET");
    assert_eq!(told(&next()), may_read(APP));
    assert_eq!(told(&next()), MAY_NOT);
    assert_eq!(told(&next()), may_read("http://localhost:5173"));
    assert_eq!(told(&next()), MAY_NOT);
}

#[test]
fn what_goes_wrong_can_be_read_as_well() {
    let server = serve(&[APP]);
    for (method, path, status) in [
        ("GET", "/nowhere", 404),
        ("DELETE", "/things", 405),
        ("PATCH", "/things/%ff", 400),
        ("GET", "/unauthorized", 401),
        ("GET", "/busy", 503),
        ("GET", "/fail", 500),
        ("GET", "/hang", 504),
    ] {
        let answer = ask(&server, APP, method, path);
        assert_eq!(answer.status, status, "{path}");
        assert_eq!(told(&answer), may_read(APP), "{path}");
    }
    // Refused when no more than the head was read.
    for (length, status) in [(9, 413), (8, 408)] {
        let mut connection = Connection::open(server.address());
        connection.send(format!(
            "POST /things HTTP/1.1\r\nHost: a\r\nOrigin: {APP}\r\nContent-Length: {length}\r\n\r\n"
        ));
        let answer = connection.answer_to("POST");
        assert_eq!(
            (answer.status, told(&answer)),
            (status, may_read(APP).into())
        );
        assert!(connection.is_closed());
    }
    // Whose page has sent what is no request, nobody knows.
    let mut connection = Connection::open(server.address());
    connection.send(format!("GET /things HTTP/1.1\r\nOrigin: {APP}\r\n\r\n"));
    let answer = connection.answer_to("GET");
    assert_eq!((answer.status, told(&answer)), (400, vec![]));
}

#[test]
fn every_kind_of_answer_can_be_read() {
    let server = serve(&[APP]);
    for (method, path, body) in [
        ("HEAD", "/things", ""),
        ("POST", "/things", "ok"),
        ("GET", "/stream", "ab"),
    ] {
        let answer = ask(&server, APP, method, path);
        assert_eq!((answer.status, answer.body.as_str()), (200, body));
        assert_eq!(told(&answer), may_read(APP), "{method} {path}");
    }
    // What else the answer varies by stays as the endpoint says it.
    for (origin, rest) in [(APP, &may_read(APP)[..2]), ("null", &[])] {
        let vary = [("vary", "Accept"), ("vary", "accept-encoding, origin")];
        let answer = ask(&server, origin, "GET", "/varied");
        assert_eq!(told(&answer), [rest, &vary].concat());
    }
}

#[test]
fn all_origins_are_told_the_same() {
    let server = serve(&["*"]);
    let expected = [
        ("access-control-allow-origin", "*"),
        ("access-control-expose-headers", EXPOSED),
    ];
    for origin in ["null", APP, "https://evil.example"] {
        assert_eq!(told(&ask(&server, origin, "GET", "/things")), expected);
        assert_eq!(told(&ask(&server, origin, "GET", "/hang")), expected);
    }
    // So a cache may give anybody what it has from anybody.
    let mut connection = Connection::open(server.address());
    let unnamed = connection.request("GET", "/things", &[], "");
    assert_eq!(told(&unnamed), expected);
    let answer = preflight(&mut connection, "null", "/things", "POST", "authorization");
    let told = told(&answer);
    assert_eq!((answer.status, told.len()), (204, 5));
    assert!(
        told.contains(&("access-control-allow-origin", "*")),
        "{told:?}"
    );
}

#[test]
fn a_page_may_ping_and_a_probe_is_told_nothing() {
    for origin in [APP, "*"] {
        let server = serve(&[origin]);
        let mut connection = Connection::open(server.address());
        let probe = connection.request("GET", "/ping", &[], "");
        assert_eq!((probe.body.as_str(), told(&probe)), ("pong", vec![]));
        let page = connection.request("GET", "/ping", &[("Origin", APP)], "");
        assert_eq!(page.body, "pong");
        let told = told(&page);
        assert!(
            told.contains(&("access-control-allow-origin", origin)),
            "{told:?}"
        );
    }
    let server = serve(&[APP]);
    let stranger = ask(&server, "null", "GET", "/ping");
    assert_eq!(
        (stranger.body.as_str(), told(&stranger)),
        ("pong", MAY_NOT.into())
    );
}

#[test]
fn problems_of_the_database_can_be_read() {
    let endpoints = "
-- name: get-thing^
-- http: GET /things/{id}
select id from thing where id = :id;
-- name: add-thing!
-- http: POST /things
insert into thing values (:id::int);
";
    let schema = "create table thing (id int primary key)";
    let service = serve_with("cors_database", schema, endpoints, &["--cors-origin", APP]);
    let page = [("Origin", APP), ("Content-Type", "application/json")];
    let mut connection = service.connect();
    for (method, path, body, status) in [
        ("POST", "/things", "{\"id\":7}", 204),
        ("POST", "/things", "{\"id\":7}", 409),
        ("GET", "/things/7", "", 200),
        ("GET", "/things/8", "", 404),
        ("GET", "/things/x", "", 400),
        ("GET", "/things/7?x=1", "", 400),
    ] {
        let answer = connection.request(method, path, &page, body);
        assert_eq!(told(&answer), may_read(APP), "{method} {path}");
        match status {
            400.. => drop(problem(&answer, status)),
            _ => assert_eq!(answer.status, status, "{answer:?}"),
        }
    }
}

#[test]
fn operators_answers_are_for_no_page() {
    let options = ["--cors-origin", "*", "--admin-bind", "127.0.0.1:0"];
    let mut command = embed();
    command.args(options);
    let server = Server::spawn(command);
    let page = [("Origin", APP)];
    for path in ["/ping", "/readyz", "/metrics", "/nowhere"] {
        let mut connection = Connection::open(server.admin());
        let answer = connection.request("GET", path, &page, "");
        assert_eq!(told(&answer), [], "{path}");
        let answer = preflight(&mut connection, APP, path, "GET", "x-a");
        assert_eq!(told(&answer), [], "{path}");
    }
    let answer = server.connect().request("GET", "/hello/you", &page, "");
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
}

#[test]
fn origins_are_options_or_a_list_in_a_variable() {
    let localhost = "http://localhost:5173";
    let flags = || {
        let mut command = embed();
        command.args(["--cors-origin", APP, "--cors-origin", localhost]);
        command
    };
    let variable = || {
        let mut command = embed();
        let list = format!("{APP}, {localhost}");
        command.env("PEPPERCORN_CORS_ORIGIN", list);
        command
    };
    for command in [flags(), variable()] {
        let server = Server::spawn(command);
        for origin in [APP, localhost] {
            let page = [("Origin", origin)];
            let answer = server.connect().request("GET", "/hello/you", &page, "");
            assert_eq!(told(&answer), may_read(origin));
        }
    }
}

#[test]
fn what_is_no_origin_is_78() {
    for (typed, why) in [
        ("https://app.example/", "write scheme://host[:port]"),
        ("https://*.app.example", "there are no wildcards in it"),
        ("app.example", "write scheme://host[:port]"),
        ("null", "every sandboxed frame and local file has it"),
    ] {
        let flag = run(peppercorn().args(["serve", "--cors-origin", typed]));
        let listed = run(peppercorn()
            .arg("serve")
            .env("PEPPERCORN_CORS_ORIGIN", format!("{APP},{typed}")));
        for (ended, origin) in [(flag, "--cors-origin"), (listed, "PEPPERCORN_CORS_ORIGIN")] {
            let begin = format!("peppercorn: {origin}: {typed:?} is not an origin: {why}");
            assert_eq!(ended.code, Some(78), "{ended:?}");
            assert!(ended.stderr.starts_with(&begin), "{ended:?}");
        }
    }
}
