//! `--reload`: files are read again when somebody saves them, and one that is wrong says so where it would be.

use serde_json::Value;

use crate::harness::{Connection, Database, Folder, Server, database, peppercorn, poll, run};

const BOOKS: &str = "-- name: books$\n-- http: GET /books\nselect count(*) from book;\n";

/// Each wrong in its own way; the last of them is answered by `books.sql`.
const WRONG: &[(&str, &str)] = &[
    (
        "authors.sql",
        "-- name: authors\n-- http: GET /authors\nselect nam from author <b>;\n",
    ),
    (
        "deep/er/titles.sql",
        "-- name: titles\n-- http: GET /titles/{id}\n-- timeout: soon\nselect title from book where id = :id;\n",
    ),
    (
        "ping.sql",
        "-- name: my-ping$\n-- http: GET /ping\nselect 1;\n",
    ),
    (
        "twice.sql",
        "-- name: books-again$\n-- http: GET /books\nselect 1;\n",
    ),
];

struct Desk {
    folder: Folder,
    server: Server,
    /// What browsers and programs keep open.
    connection: Connection,
}

impl Desk {
    fn new(name: &str, files: &[(&str, &str)]) -> (Desk, Database) {
        Desk::below(name, files, "")
    }

    /// Of the files in a directory of the folder.
    fn below(name: &str, files: &[(&str, &str)], directory: &str) -> (Desk, Database) {
        let database = database(name);
        database.run("create table book (id int, title text)");
        let folder = Folder::with(files);
        let server =
            Server::start(&folder.path().join(directory), &database, &["--reload"]).ready();
        let connection = server.connect();
        let desk = Desk {
            folder,
            server,
            connection,
        };
        (desk, database)
    }

    fn status(&mut self, target: &str) -> u16 {
        self.connection.request("GET", target, &[], "").status
    }

    /// Polls until the path answers with this status.
    #[track_caller]
    fn becomes(&mut self, target: &str, status: u16) {
        let what = format!("{status} from {target}; the log is\n{}", self.server.log());
        poll(&what, || (self.status(target) == status).then_some(()));
    }

    #[track_caller]
    fn says(&self, words: &str) {
        poll(words, || self.server.log().contains(words).then_some(()));
    }
}

#[test]
fn what_is_wrong_says_so_in_its_place_and_the_others_go_on() {
    let files = [&[("books.sql", BOOKS)][..], WRONG].concat();
    let (mut desk, _database) = Desk::new("edits_wrong", &files);
    let root = desk.folder.path().display().to_string();
    for line in [
        "/authors.sql:3:24: syntax error at or near \"<\"",
        "/deep/er/titles.sql:3:13: \"soon\" is not a time",
        "/ping.sql:2:10: GET /ping is answered by peppercorn itself already",
        &format!("/twice.sql:2:10: GET /books is answered by {root}/books.sql:2:10 already"),
    ] {
        desk.says(&format!("error: {root}{line}"));
    }
    assert_eq!(desk.status("/books"), 200);
    assert_eq!(
        desk.connection.request("GET", "/ping", &[], "").body,
        "pong"
    );

    let answer = desk.connection.request("GET", "/titles/7", &[], "");
    assert_eq!(answer.status, 500);
    let ty = answer.header("content-type");
    assert_eq!(ty, Some("application/problem+json"));
    let problem: Value = answer.json();
    let detail = problem["detail"].as_str().unwrap();
    assert!(
        detail.starts_with(&format!(
            "{root}/deep/er/titles.sql:3:13: \"soon\" is not a time\n    hint: "
        )),
        "{detail}"
    );
    assert_eq!(
        answer.header("x-request-id"),
        problem["request_id"].as_str()
    );
    // A browser's.
    let accept = [("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")];
    let page = desk.connection.request("GET", "/authors", &accept, "");
    assert_eq!(page.status, 500);
    assert_eq!(
        page.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    for part in [
        "<h1>GET /authors cannot be served</h1>",
        "authors.sql:3:24: syntax error at or near &quot;&lt;&quot;",
        "<pre>select nam from author &lt;b&gt;;\n                       ^</pre>",
    ] {
        assert!(page.body.contains(part), "{part}: {}", page.body);
    }
    let document = desk.server.get("/openapi.json").json();
    let paths: Vec<&String> = document["paths"].as_object().unwrap().keys().collect();
    assert_eq!(paths, ["/books"]);
    // It is said where it is edited, and is no failure of the service.
    desk.server.get("/metrics");
    let log = desk.server.log();
    assert_eq!(log.matches("authors.sql").count(), 1, "{log}");
    assert!(!log.contains("failed"), "{log}");
}

#[test]
fn what_is_saved_is_served() {
    let (mut desk, database) = Desk::new("edits_saved", &[("books.sql", BOOKS)]);
    desk.becomes("/books", 200);
    desk.folder
        .write("books.sql", &BOOKS.replace("book;", "boook;"));
    desk.becomes("/books", 500);
    desk.says("books.sql:3:22: relation \"boook\" does not exist");
    desk.folder.write("books.sql", BOOKS);
    desk.becomes("/books", 200);

    // A directory that is new, and one in it.
    desk.folder.write("new/er/authors.sql", WRONG[0].1);
    desk.becomes("/authors", 500);
    assert_eq!(desk.status("/books"), 200);
    database.run("create table author (nam text)");
    // As many editors save: another file takes the name.
    let text = WRONG[0].1.replace(" <b>", "");
    desk.folder.write("new/er/authors.sql~", &text);
    let path = desk.folder.path().join("new/er/authors.sql");
    std::fs::rename(path.with_extension("sql~"), &path).unwrap();
    desk.becomes("/authors", 200);
    std::fs::remove_dir_all(desk.folder.path().join("new")).unwrap();
    desk.becomes("/authors", 404);

    // Nothing to serve is no reason to end.
    let books = desk.folder.path().join("books.sql");
    std::fs::rename(&books, books.with_extension("txt")).unwrap();
    poll("a refusal", || {
        let log = desk.server.log();
        log.contains("goes on: no SQL file in ").then_some(())
    });
    assert_eq!(desk.status("/books"), 200);
    let text = BOOKS.replace("/books", "/volumes");
    desk.folder.write("volumes.sql", &text);
    desk.becomes("/volumes", 200);
    assert_eq!(desk.status("/books"), 404);
    let (status, log) = desk.server.stop();
    assert_eq!(status.code(), Some(0), "{log}");
}

/// As when another branch is checked out.
#[test]
fn the_directory_may_be_away_for_a_moment() {
    let (mut desk, _database) = Desk::below("edits_away", &[("api/books.sql", BOOKS)], "api");
    let path = |name: &str| desk.folder.path().join(name);
    let (api, away) = (path("api"), path("away"));
    desk.becomes("/books", 200);
    std::fs::rename(&api, &away).unwrap();
    desk.folder
        .write("away/books.sql", &BOOKS.replace("/books", "/volumes"));
    std::fs::rename(&away, &api).unwrap();
    desk.becomes("/volumes", 200);
    std::fs::remove_dir_all(&api).unwrap();
    desk.folder.write("api/books.sql", BOOKS);
    desk.becomes("/books", 200);
    assert_eq!(desk.status("/volumes"), 404);
    desk.folder
        .write("api/books.sql", &BOOKS.replace("/books", "/last"));
    desk.becomes("/last", 200);
}

#[test]
fn it_is_for_one_worker() {
    let folder = Folder::with(&[("books.sql", BOOKS)]);
    for (options, expected) in [
        (
            &["--reload", "--workers", "2"][..],
            "--reload is for one worker",
        ),
        (&["--reload", "--supervise"], "--reload is for one worker"),
    ] {
        let mut command = peppercorn();
        let ended = run(command.arg("serve").arg(folder.path()).args(options));
        assert_eq!(ended.code, Some(78), "{ended:?}");
        assert!(ended.stderr.contains(expected), "{ended:?}");
    }
}
