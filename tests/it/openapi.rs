//! The document of an API: as it was agreed, the same whoever is asked for it, and compared with one that was.

use std::path::Path;

use peppercorn::openapi::Operation;
use peppercorn::sql;
use peppercorn::{App, Context, Handler, Method, Response, StatusCode};
use serde_json::{Value, json};

use crate::harness::{
    Database, Embedded, Ended, Folder, Server, api, block_on, clock, database, golden, peppercorn,
    run,
};

/// The example that the README begins with.
fn example() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/exchange"))
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

/// A database with the example's schema.
fn exchange(name: &str) -> Database {
    let database = database(name);
    database.run(&read(&example().join("schema.sql")));
    database
}

#[track_caller]
fn openapi(directory: &Path, database: &Database, options: &[&str]) -> Ended {
    run(peppercorn()
        .arg("openapi")
        .arg(directory)
        .args(options)
        .env("DATABASE_URL", database.url()))
}

#[track_caller]
fn document(directory: &Path, database: &Database) -> String {
    let ended = openapi(directory, database, &[]);
    assert_eq!((ended.code, &*ended.stderr), (Some(0), ""), "{ended:?}");
    ended.stdout
}

#[test]
fn the_example_s_document_is_as_it_was_agreed_and_served_like_that() {
    let database = exchange("openapi_example");
    let document = document(example(), &database);
    golden("exchange.json", &document);
    for options in [&[][..], &["--workers", "2"], &["--no-docs"]] {
        let server = Server::start(example(), &database, options).ready();
        let answer = server.get("/openapi.json");
        assert_eq!((answer.status, &answer.body), (200, &document));
    }
}

/// Files are read in the order of their paths, which is not what an API is about.
#[test]
fn the_same_endpoints_are_the_same_document_whatever_their_files_are_called() {
    let database = exchange("openapi_order");
    let agreed = document(example(), &database);
    assert_eq!(document(example(), &database), agreed);
    let files = ["events.sql", "markets.sql", "orders.sql", "trades.sql"];
    let texts = files.map(|file| read(&example().join(file)));
    for names in [
        ["z.sql", "y.sql", "x.sql", "w.sql"],
        ["deep/b.sql", "c.sql", "deep/deeper/a.sql", "1.sql"],
    ] {
        let folder = Folder::new();
        for (name, text) in names.iter().zip(&texts) {
            // The document is called like the directory.
            folder.write(&format!("exchange/{name}"), text);
        }
        assert_eq!(document(&folder.path().join("exchange"), &database), agreed);
    }
    let folder = Folder::new();
    folder.write("exchange/all.sql", &texts.join("\n"));
    let document = document(&folder.path().join("exchange"), &database);
    assert_eq!(document, agreed);
}

const BOOKS: &str = "-- name: list-books
-- http: GET /books
-- :author text default null max 80 -- part of the name
-- :limit int default 20 check 1..100
select id, title from books where :author is null or title = :author limit :limit;

-- name: add-book<!
-- http: POST /books
-- :title text
insert into books (title) values (:title) returning id, title;
";

#[test]
fn what_has_changed_is_told_by_its_place() {
    let database = database("openapi_against");
    database.run("create table books (id int generated always as identity, title text not null)");
    let folder = Folder::with(&[("api/books.sql", BOOKS)]);
    let directory = folder.path().join("api");
    let before = folder.path().join("before.json");
    let agreed = document(&directory, &database);
    std::fs::write(&before, &agreed).unwrap();
    let against = || {
        openapi(
            &directory,
            &database,
            &["--against", before.to_str().unwrap()],
        )
    };

    let same = against();
    assert_eq!((same.code, &*same.stdout, &*same.stderr), (Some(0), "", ""));
    // White space and the order of members say nothing.
    let value: Value = serde_json::from_str(&agreed).unwrap();
    std::fs::write(&before, value.to_string()).unwrap();
    let same = against();
    assert_eq!((same.code, &*same.stdout, &*same.stderr), (Some(0), "", ""));

    const LIST: &str = "paths./books.get";
    const ROW: &str = "paths./books.get.responses.200.content.application/json.schema.items";
    for (from, to, lines) in [
        (
            "id, title from",
            "id, upper(title) as title, 1 as pages from",
            vec![
                format!("{ROW}.properties.title.type: [\"string\",\"null\"], was \"string\""),
                format!("{ROW}.properties.pages: is new"),
                format!("{ROW}.required: [\"id\",\"title\",\"pages\"], was [\"id\",\"title\"]"),
            ],
        ),
        (
            "check 1..100",
            "check 1..50",
            vec![format!(
                "{LIST}.parameters.limit.schema.maximum: 50, was 100"
            )],
        ),
        (
            "author",
            "name",
            vec![
                format!("{LIST}.parameters.author: is gone"),
                format!("{LIST}.parameters.name: is new"),
            ],
        ),
        (
            "text default null max",
            "text max",
            vec![format!("{LIST}.parameters.author.required: is new")],
        ),
        (
            "POST /books",
            "POST /novels",
            vec![
                "paths./books.post: is gone".into(),
                "paths./novels: is new".into(),
            ],
        ),
        (
            "-- name: add-book<!\n-- http: POST",
            "-- name: add-book<!\n-- returns: 200\n-- http: POST",
            vec![
                "paths./books.post.responses.201: is gone".into(),
                "paths./books.post.responses.200: is new".into(),
            ],
        ),
    ] {
        let text = BOOKS.replace(from, to);
        assert_ne!(text, BOOKS);
        folder.write("api/books.sql", &text);
        let differs = against();
        assert_eq!(differs.code, Some(1), "{differs:?}");
        let told: Vec<&str> = differs.stdout.lines().collect();
        assert_eq!(told, lines, "{from} → {to}");
        let words = format!(
            "peppercorn: the API is not what {} says\n",
            before.display()
        );
        assert_eq!(differs.stderr, words);
    }

    folder.write("api/books.sql", BOOKS);
    database.run("alter table books alter title type varchar(80), alter id type bigint");
    let told = against().stdout;
    let line = |line: &str| told.lines().any(|told| told.ends_with(line));
    assert!(
        line(".id.format: \"int64\", was \"int32\"") && line(".title.maxLength: is new"),
        "{told}"
    );
}

#[test]
fn what_cannot_be_compared_is_said() {
    let database = database("openapi_no_file");
    let folder = Folder::with(&[
        (
            "api/a.sql",
            "-- name: a\n-- http: GET /a\nselect 1 as one;\n",
        ),
        ("text.json", "openapi: 3.1.0\n"),
    ]);
    let directory = folder.path().join("api");
    for (name, code, reason) in [
        (
            "nowhere.json",
            66,
            "cannot read {}: No such file or directory",
        ),
        (".", 66, "cannot read {}: Is a directory"),
        ("text.json", 65, "{} is not JSON: expected"),
    ] {
        let path = folder.path().join(name).display().to_string();
        let ended = openapi(&directory, &database, &["--against", &path]);
        assert_eq!((ended.code, &*ended.stdout), (Some(code), ""), "{ended:?}");
        let expected = format!("peppercorn: {}", reason.replace("{}", &path));
        assert!(ended.stderr.starts_with(&expected), "{ended:?}");
    }
}

#[test]
fn a_handler_that_is_described_is_in_the_same_document() {
    let hello = async |_: Context| Ok(Response::new(StatusCode::Ok).with_body("hello, x\n"));
    let handlers = |app: App| {
        let greeting = Operation::new("hello")
            .summary("Greet somebody.")
            .tag("people")
            .answer(
                StatusCode::Ok,
                "A greeting.",
                "text/plain",
                json!({"type": "string"}),
            );
        let path = "/events/{event_id}/hello/{name}";
        app.handler(Handler::new(Method::Get, path, hello).described(greeting))
            .get("/events/untold", hello)
    };
    let database = exchange("openapi_handler");
    let folder = sql::read(example()).unwrap();
    let (config, clock) = (database.config(), clock());
    let both = api(handlers(App::new())).sql(folder, &config, &clock);
    let both = block_on(both).unwrap().openapi("exchange");
    let mut value: Value = serde_json::from_slice(&both).unwrap();
    let handler = value["paths"]
        .as_object_mut()
        .unwrap()
        .remove("/events/{event_id}/hello/{name}");
    let parameter = |name: &str| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}});
    let expected = json!({"get": {
        "operationId": "hello",
        "summary": "Greet somebody.",
        "tags": ["people"],
        "parameters": [parameter("event_id"), parameter("name")],
        "responses": {"200": {"description": "A greeting.", "content": {
            "text/plain": {"schema": {"type": "string"}}
        }}},
    }});
    assert_eq!(handler, Some(expected));
    let alone: Value = serde_json::from_str(&document(example(), &database)).unwrap();
    assert_eq!(value, alone);

    let api = api(handlers(App::new()));
    let text = api.openapi("exchange");
    let server = Embedded::serve_api(api.document(text.clone(), false).unwrap());
    let answer = crate::docs::get(server.address(), "/openapi.json");
    assert_eq!(answer.body.as_bytes(), text);
    let answer = crate::docs::get(server.address(), "/events/1/hello/x");
    assert_eq!(answer.body, "hello, x\n");
}
