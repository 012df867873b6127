//! The OpenAPI document at its path, and what else is taken for it.

use std::net::SocketAddr;

use peppercorn::app::Api;
use peppercorn::app::Conflict;
use peppercorn::{App, Context, Response, StatusCode};

use crate::harness::{Answer, Connection, Embedded, api};

const DOCUMENT: &str = r#"{"openapi":"3.1.0","info":{"title":"Shop","version":"1"},"paths":{}}"#;

/// What is the program's own then.
const PATHS: &[&str] = match cfg!(feature = "docs") {
    true => &["/openapi.json", "/docs", "/docs/", "/docs/init.js"],
    false => &["/openapi.json"],
};

pub fn with_docs(page: bool) -> Api {
    api(App::new()).document(DOCUMENT.into(), page).unwrap()
}

async fn theirs(_: Context) -> anyhow::Result<Response> {
    Ok(Response::new(StatusCode::Ok).with_body("theirs"))
}

#[track_caller]
pub fn ask(address: SocketAddr, method: &str, target: &str, headers: &[(&str, &str)]) -> Answer {
    Connection::open(address).request(method, target, headers, "")
}

#[track_caller]
pub fn get(address: SocketAddr, target: &str) -> Answer {
    ask(address, "GET", target, &[])
}

#[test]
fn the_document_is_sent_to_whom_has_it_not() {
    let server = Embedded::serve_api(with_docs(false));
    let address = server.address();
    let whole = get(address, "/openapi.json");
    assert_eq!((whole.status, whole.body.as_str()), (200, DOCUMENT));
    let fields = |answer: &Answer| {
        [
            "content-type",
            "cache-control",
            "x-content-type-options",
            "content-length",
        ]
        .map(|name| answer.header(name).map(str::to_owned))
    };
    let expected = ["application/json", "no-cache", "nosniff", "68"];
    assert_eq!(fields(&whole), expected.map(|value| Some(value.to_owned())));
    let tag = whole.header("etag").unwrap();
    let head = ask(address, "HEAD", "/openapi.json", &[]);
    assert_eq!((head.status, fields(&head)), (200, fields(&whole)));

    let seen = format!("\"other\", W/{tag}");
    for (name, value, status) in [
        ("If-None-Match", tag, 304),
        ("If-None-Match", &seen, 304),
        ("If-None-Match", "*", 304),
        ("If-None-Match", "\"other\"", 200),
        ("If-None-Match", "not a tag", 200),
        ("If-Match", tag, 200),
        ("If-Match", "*", 200),
        ("If-Match", &seen, 412),
    ] {
        for method in ["GET", "HEAD"] {
            let answer = ask(address, method, "/openapi.json", &[(name, value)]);
            assert_eq!(answer.status, status, "{method} {name}: {value}");
            if status != 412 {
                assert_eq!(answer.header("etag"), Some(tag));
                assert_eq!(answer.header("cache-control"), Some("no-cache"));
            }
            if status == 304 {
                assert_eq!((answer.header("content-type"), &*answer.body), (None, ""));
            }
        }
    }
    let post = ask(address, "POST", "/openapi.json", &[]);
    assert_eq!(post.status, 405);
    assert_eq!(get(address, "/docs").status, 404);

    let another = api(App::new()).document(b"{}".to_vec(), false).unwrap();
    let another = Embedded::serve_api(another);
    let answer = ask(
        another.address(),
        "GET",
        "/openapi.json",
        &[("If-None-Match", tag)],
    );
    assert_eq!((answer.status, answer.body.as_str()), (200, "{}"));
}

#[test]
fn a_route_that_is_taken_is_told_with_both_that_want_it() {
    let own = |app| api(app).document(DOCUMENT.into(), true);
    for path in PATHS.iter().filter(|path| !path.ends_with('/')) {
        let error = own(App::new().get(path, theirs)).err().unwrap();
        assert!(error.is::<Conflict>());
        let error = error.to_string();
        assert!(error.starts_with("tests/it/docs.rs:"), "{error}");
        let expected = format!(": GET {path} is answered by peppercorn itself already");
        assert!(error.ends_with(&expected), "{error}");
        assert!(own(App::new().post(path, theirs)).is_ok());
    }
    let beside = App::new()
        .get("/docs/{page}", theirs)
        .get("/{name}", theirs);
    let beside = own(beside).unwrap();
    let server = Embedded::serve_api(beside);
    assert_eq!(get(server.address(), "/docs/guide").body, "theirs");
    assert_eq!(get(server.address(), "/other").body, "theirs");
    assert_eq!(get(server.address(), "/openapi.json").body, DOCUMENT);
    let page = get(server.address(), "/docs").body;
    assert_eq!(page != "theirs", cfg!(feature = "docs"), "{page}");
}

#[test]
fn operators_with_an_entrance_of_their_own_have_it_there() {
    let (server, admin) = Embedded::serve_split(with_docs(true));
    for path in PATHS {
        assert_eq!(get(server.address(), path).status, 404, "{path}");
        let head = ask(admin, "HEAD", path, &[]);
        assert!([200, 308].contains(&head.status), "{path}: {head:?}");
    }
}
