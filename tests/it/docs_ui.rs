//! The page at `/docs` in a browser.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;

use peppercorn::app::Api;
use peppercorn::{App, Context, Response, StatusCode};

use crate::harness::{Browser, Embedded, Server, api, database, poll};

const DOCUMENT: &str = r##"{
    "openapi": "3.1.0",
    "info": {"title": "Shop", "version": "1"},
    "servers": [{"url": "."}],
    "paths": {"/hello/{name}": {"get": {
        "summary": "Greets somebody.",
        "description": "With **emphasis**.",
        "operationId": "hello",
        "parameters": [{"name": "name", "in": "path", "required": true,
            "schema": {"type": "string", "default": "world"}}],
        "responses": {"200": {"description": "A greeting.", "content": {"application/json": {
            "schema": {"$ref": "#/components/schemas/Greeting"}}}}}
    }}, "/dot": {"get": {
        "operationId": "dot",
        "responses": {"200": {"description": "A dot.", "content": {"image/gif": {}}}}
    }}},
    "components": {"schemas": {"Greeting": {"type": "object", "required": ["hello"],
        "properties": {"hello": {"type": ["string", "null"]}}}}}
}"##;

async fn hello(context: Context) -> anyhow::Result<Response> {
    let name = context.path.get("name").unwrap_or_default();
    let json = serde_json::json!({ "hello": name }).to_string();
    Ok(Response::new(StatusCode::Ok).with_json(json))
}

async fn dot(_: Context) -> anyhow::Result<Response> {
    const GIF: &[u8] =
        b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;";
    let response = Response::new(StatusCode::Ok).with_header("Content-Type", "image/gif");
    Ok(response.with_body(GIF))
}

fn with_docs() -> Api {
    let app = App::new().get("/hello/{name}", hello).get("/dot", dot);
    api(app).document(DOCUMENT.into(), true).unwrap()
}

/// Answers GETs below `/some/where` with what `server` answers to them without that.
fn below_some_where(server: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let forward = move |mut client: TcpStream| -> std::io::Result<()> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            client.read_exact(&mut byte)?;
            head.push(byte[0]);
        }
        let head = String::from_utf8(head).unwrap();
        let stripped = head.replacen("GET /some/where/", "GET /", 1);
        assert_ne!(stripped, head);
        let stripped = stripped.replace("Connection: keep-alive", "Connection: close");
        let mut upstream = TcpStream::connect(server)?;
        upstream.write_all(stripped.as_bytes())?;
        std::io::copy(&mut upstream, &mut client)?;
        Ok(())
    };
    std::thread::spawn(move || {
        for client in listener.incoming() {
            std::thread::spawn(move || forward(client.unwrap()));
        }
    });
    address
}

/// Sends a request of an operation, by its tag and id, with the values that the page suggests: the selector of what it
/// shows then, the status first.
#[track_caller]
fn try_out(browser: &mut Browser, operation: &str) -> String {
    let operation = format!("#operations-{operation}");
    for button in [".opblock-summary-control", ".try-out__btn", ".execute"] {
        browser.click(&format!("{operation} {button}"));
    }
    format!("{operation} .live-responses-table .response")
}

#[track_caller]
fn nothing_was_refused_nor_sought_outside(browser: &Browser, base: &str) {
    assert_eq!(browser.complaints(), [""; 0]);
    let requested = browser.requested();
    let elsewhere = requested.iter().find(|url| !url.starts_with(base));
    assert_eq!(elsewhere, None);
}

#[test]
fn requests_are_tried_out_with_nothing_refused_and_no_other_host_asked() {
    let server = Embedded::serve_api(with_docs());
    let base = format!("http://{}/some/where", below_some_where(server.address()));

    let mut browser = Browser::open(&format!("{base}/docs/"));
    assert_eq!(browser.await_text(".opblock-summary-path"), "/hello/{name}");
    assert_eq!(browser.evaluate("location.href"), format!("{base}/docs"));
    let shown = try_out(&mut browser, "default-hello");
    let status = browser.await_text(&format!("{shown} .response-col_status"));
    assert!(status.starts_with("200"), "{status}");
    let body = browser.await_text(&format!("{shown} code"));
    assert!(body.contains("\"hello\": \"world\""), "{body}");

    let image = format!("{} img", try_out(&mut browser, "default-dot"));
    browser.await_text(&image);
    let width = format!("document.querySelector({image:?}).naturalWidth");
    poll("the dot", || (browser.evaluate(&width) == 1).then_some(()));

    nothing_was_refused_nor_sought_outside(&browser, &base);
    let requested = browser.requested();
    for path in ["/openapi.json", "/hello/world", "/dot"] {
        let url = format!("{base}{path}");
        assert!(requested.contains(&&*url), "{url}: {requested:?}");
    }
}

/// The API is not there.
#[test]
fn nothing_is_tried_out_where_operators_are_apart() {
    let (_server, admin) = Embedded::serve_split(with_docs());
    let base = format!("http://{admin}");
    let mut browser = Browser::open(&format!("{base}/docs"));
    browser.click(".opblock-summary-control");
    browser.await_text(".opblock-body .parameters");
    assert_eq!(browser.texts(".try-out"), [""; 0]);
    nothing_was_refused_nor_sought_outside(&browser, &base);
}

#[test]
fn the_example_is_listed_and_tried_out() {
    let directory = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/exchange"));
    let database = database("docs_ui_example");
    database.run(&std::fs::read_to_string(directory.join("schema.sql")).unwrap());
    let server = Server::start(directory, &database, &[]).ready();
    let document = server.get("/openapi.json").json();
    let paths = document["paths"].as_object().unwrap().values();
    let operations = paths.flat_map(|path| path.as_object().unwrap().values());
    let mut expected: Vec<String> = operations
        .map(|operation| {
            let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
            let (tag, id) = (text(&operation["tags"][0]), text(&operation["operationId"]));
            format!("operations-{tag}-{id}")
        })
        .collect();
    expected.sort_unstable();

    let base = format!("http://{}", server.address());
    let mut browser = Browser::open(&format!("{base}/docs"));
    const LISTED: &str = "[...document.querySelectorAll('.opblock')].map(block => block.id).sort()";
    poll("all operations", || {
        (browser.evaluate(LISTED) == serde_json::json!(expected)).then_some(())
    });
    let shown = try_out(&mut browser, "events-list-events");
    let status = browser.await_text(&format!("{shown} .response-col_status"));
    assert!(status.starts_with("200"), "{status}");
    let body = browser.await_text(&format!("{shown} code"));
    assert!(body.contains("\"name\": \"Arsenal v Liverpool\""), "{body}");
    nothing_was_refused_nor_sought_outside(&browser, &base);
    let asked = browser.requested();
    let list = asked
        .iter()
        .find(|url| url.starts_with(&format!("{base}/events")));
    assert_eq!(list, Some(&&*format!("{base}/events?limit=20")));
}
