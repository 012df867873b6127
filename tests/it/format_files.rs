//! Files: their names as routes, and which of them are read.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;

use crate::harness::{Answer, Database, Ended, Folder, Server, database, peppercorn, run};

/// One endpoint with a name.
pub fn named(name: &str) -> String {
    format!("-- name: {name}\n-- http: GET /{name}\nselect '{name}' as name;\n")
}

pub fn write_all(folder: &Folder, files: &[(&str, &str)]) {
    files
        .iter()
        .for_each(|(name, text)| folder.write(name, text));
}

/// `METHOD /target {json}`, the body being optional.
#[track_caller]
fn ask(server: &Server, request: &str) -> Answer {
    let (method, rest) = request.split_once(' ').unwrap();
    let (target, body) = rest.split_once(' ').unwrap_or((rest, ""));
    server.send(method, target, body)
}

/// `peppercorn check` of a folder; the folder's own name is left out of what it says.
#[track_caller]
pub fn check(folder: &Folder, database: &Database) -> Ended {
    let mut ended = run(peppercorn()
        .arg("check")
        .arg(folder.path())
        .env("DATABASE_URL", database.url()));
    let directory = format!("{}/", folder.path().display());
    ended.stderr = ended.stderr.replace(&directory, "");
    ended
}

/// That the folder has so many endpoints.
#[track_caller]
pub fn has(folder: &Folder, database: &Database, endpoints: usize) {
    let ended = check(folder, database);
    let begin = match endpoints {
        1 => "1 endpoint, ".to_owned(),
        several => format!("{several} endpoints, "),
    };
    assert!(
        ended.code == Some(0) && ended.stdout.starts_with(&begin),
        "{ended:?}"
    );
}

/// The lines of what is found; it is something.
#[track_caller]
pub fn told(files: &[(&str, &str)], database: &Database) -> Vec<String> {
    let folder = Folder::new();
    write_all(&folder, files);
    let ended = check(&folder, database);
    assert_eq!(ended.code, Some(65), "{files:?}\n{ended:?}");
    ended.stderr.lines().map(str::to_owned).collect()
}

#[test]
fn the_name_of_a_file_is_a_route() {
    let database = database("format_files_routes");
    let folder = Folder::new();
    write_all(
        &folder,
        &[
            ("index.get.sql", "select 'top' as at"),
            ("books.get.sql", "select 'books' as at"),
            ("books.post.sql", "select 'post ' || :title as at"),
            ("books/{id}.get.sql", "select 'book ' || :id::int as at"),
            (
                "books/{id}.put.sql",
                "select 'put ' || :id::int || :title as at",
            ),
            ("books/{id}.patch.sql", "select 'patch ' || :id::int as at"),
            (
                "books/{id}.delete.sql",
                "select 'delete ' || :id::int as at",
            ),
            ("books/new.get.sql", "select 'new' as at"),
            (
                "books/{id}/pages/{page}.get.sql",
                "select :id || ' ' || :page as at",
            ),
            ("shelves/index.get.sql", "select 'shelves' as at"),
            ("shelves/index.post.sql", "select 'post shelves' as at"),
            ("{room}/index.get.sql", "select 'room ' || :room as at"),
            (
                "{room}/books/index.get.sql",
                "select 'books of ' || :room as at",
            ),
            ("v1.2/a.b.get.sql", "select 'points' as at"),
            ("Large.GET.sql", "select 'large' as at"),
            ("a-b_c~d@e.get.sql", "select 'signs' as at"),
        ],
    );
    let server = Server::start(folder.path(), &database, &[]).ready();
    for (request, at) in [
        ("GET /", "top"),
        ("GET /books", "books"),
        ("POST /books {\"title\":\"x\"}", "post x"),
        ("GET /books/7", "book 7"),
        ("PUT /books/7 {\"title\":\"x\"}", "put 7x"),
        ("PATCH /books/7", "patch 7"),
        ("DELETE /books/7", "delete 7"),
        ("GET /books/new", "new"),
        ("GET /books/7/pages/9", "7 9"),
        ("GET /shelves", "shelves"),
        ("POST /shelves", "post shelves"),
        ("GET /cellar", "room cellar"),
        ("GET /cellar/books", "books of cellar"),
        ("GET /v1.2/a.b", "points"),
        ("GET /Large", "large"),
        ("GET /a-b_c~d@e", "signs"),
    ] {
        let answer = ask(&server, request);
        let body = format!("[{{\"at\":\"{at}\"}}]");
        assert_eq!((answer.status, answer.body), (200, body), "{request}");
    }
    for (request, status) in [
        ("DELETE /books", 405),
        ("GET /index", 200), // a room
        ("GET /books/index", 400),
        ("GET /large/x/y", 404),
        ("GET /v1.2", 200),      // a room
        ("GET /books.get", 200), // a room
        ("POST /books.get.sql", 405),
    ] {
        assert_eq!(ask(&server, request).status, status, "{request}");
    }
}

/// The names of the routes' operations in the document, in order.
#[track_caller]
fn names(folder: &Folder, database: &Database) -> Vec<String> {
    let ended = run(peppercorn()
        .arg("openapi")
        .arg(folder.path())
        .env("DATABASE_URL", database.url()));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let document: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    let paths = document["paths"].as_object().unwrap().iter();
    let mut names: Vec<String> = paths
        .flat_map(|(path, item)| {
            let operations = item.as_object().unwrap().iter();
            operations.filter_map(move |(method, operation)| {
                let name = operation["operationId"].as_str()?;
                Some(format!("{method} {path}: {name}"))
            })
        })
        .collect();
    names.sort();
    names
}

#[test]
fn an_endpoint_without_a_name_is_called_by_its_route() {
    let database = database("format_files_names");
    let folder = Folder::new();
    write_all(
        &folder,
        &[
            ("index.get.sql", "select 1 as one"),
            (
                "books.get.sql",
                "-- All of them.\n-- :n int default 1\nselect :n as n;\n",
            ),
            ("books/{id}/pages.post.sql", "select :id as id"),
            ("a_b/c.d-e.delete.sql", "select 1 as one"),
            // With a route of its own the name of the file is but a name.
            (
                "other.get.sql",
                "-- http: PUT /elsewhere/{id}\nselect :id as id",
            ),
            ("named.get.sql", "-- name: own-name^\nselect 1 as one"),
            (
                "several.get.sql",
                "\n-- Nothing but comments above.\n\n-- name: several$\nselect 1;\n-- name: added\n-- http: POST /several\nselect :x as x",
            ),
            ("plain.sql", &named("plain")),
        ],
    );
    assert_eq!(
        names(&folder, &database),
        [
            "delete /a_b/c.d-e: delete-a_b-c-d-e",
            "get /: get",
            "get /books: get-books",
            "get /named: own-name",
            "get /plain: plain",
            "get /several: several",
            "post /books/{id}/pages: post-books-id-pages",
            "post /several: added",
            "put /elsewhere/{id}: get-other",
        ]
    );
    let server = Server::start(folder.path(), &database, &[]).ready();
    for (request, body) in [
        ("GET /books?n=5", "[{\"n\":5}]"),
        ("GET /named", "{\"one\":1}"),
        ("GET /several", "1"),
        ("POST /several {\"x\":\"y\"}", "[{\"x\":\"y\"}]"),
        ("PUT /elsewhere/x", "[{\"id\":\"x\"}]"),
    ] {
        assert_eq!(ask(&server, request).body, body, "{request}");
    }
}

#[test]
fn which_files_are_read_is_told_by_their_names() {
    let database = database("format_files_read");
    let folder = Folder::new();
    let broken = "-- name: broken\nselect '";
    write_all(
        &folder,
        &[
            ("a.sql", &named("a")),
            ("deep/er/b.sql", &(named("b") + "\n" + &named("c"))),
            ("folder.sql/d.sql", &named("d")),
            ("deep/schema.sql", &named("e")),
            ("with spaces and ümlauts.sql", &named("f")),
            // All others.
            ("schema.sql", broken),
            (".hidden.sql", broken),
            (".get.sql", broken),
            (".git/config.sql", broken),
            ("deep/.er/a.sql", broken),
            ("a.SQL", broken),
            ("a.sql.bak", broken),
            ("a.sql~", broken),
            ("#a.sql#", broken),
            ("sql", broken),
            ("notes.txt", broken),
            ("empty/notes.md", broken),
        ],
    );
    has(&folder, &database, 6);
    let odd = std::ffi::OsStr::from_bytes(b"\xff.sql");
    fs::write(folder.path().join(odd), named("g")).unwrap();
    has(&folder, &database, 7);
}

#[test]
fn links_are_followed_but_not_in_circles() {
    let database = database("format_files_links");
    let elsewhere = Folder::new();
    write_all(
        &elsewhere,
        &[
            ("a.sql", &named("a")),
            ("more/b.sql", &named("b")),
            ("c.get.txt", "select 'c' as name"),
        ],
    );
    let folder = Folder::new();
    folder.write("deep/d.sql", &named("d"));
    let link = |to: &str, name: &str| symlink(to, folder.path().join(name)).unwrap();
    let at = |name: &str| elsewhere.path().join(name).display().to_string();
    link(&at("a.sql"), "linked.sql");
    link(&at("more"), "more");
    // It is the name of the link that says what a file is.
    link(
        &at("c.get.txt"),
        "linked/c.get.sql".trim_start_matches("linked/"),
    );
    has(&folder, &database, 4);
    // A volume of Kubernetes: the files are in a hidden directory, and a hidden link to that is exchanged for another.
    folder.write("volume/..2026_11_29/e.sql", &named("e"));
    link("..2026_11_29", "volume/..data");
    link("..data/e.sql", "volume/e.sql");
    has(&folder, &database, 5);
    // A link to where it is, and two that lead to each other: all that is there has been read.
    link(".", "itself");
    link("..", "deep/above");
    fs::create_dir_all(folder.path().join("left")).unwrap();
    fs::create_dir_all(folder.path().join("right")).unwrap();
    link("../right", "left/right");
    link("../left", "right/left");
    has(&folder, &database, 5);
    let server = Server::start(folder.path(), &database, &[]).ready();
    for name in ["a", "b", "c", "d", "e"] {
        assert_eq!(
            server.get(&format!("/{name}")).body,
            format!("[{{\"name\":\"{name}\"}}]")
        );
    }
    // Twice by two ways is twice.
    link("deep", "again");
    let ended = check(&folder, &database);
    let found = "deep/d.sql:1:10: the name d is taken by again/d.sql:1:10\n";
    assert!(
        ended.code == Some(65) && ended.stderr.contains(found),
        "{ended:?}"
    );
    fs::remove_file(folder.path().join("again")).unwrap();
    // One that leads nowhere is not left out in silence.
    link("nowhere.sql", "gone.sql");
    let ended = check(&folder, &database);
    assert_eq!(ended.code, Some(66), "{ended:?}");
    assert!(
        ended
            .stderr
            .starts_with("peppercorn: cannot read gone.sql: No such file"),
        "{ended:?}"
    );
}

#[test]
fn byte_order_marks_and_line_ends_change_no_place() {
    let database = database("format_files_marks");
    let text = "-- All of them.\n-- :n int default 1\n\nselect :n as n,\n  nosuch;\n";
    for (name, text) in [
        ("plain", text.to_owned()),
        ("marked", format!("\u{feff}{text}")),
        ("windows", text.replace('\n', "\r\n")),
        ("both", format!("\u{feff}{}", text.replace('\n', "\r\n"))),
    ] {
        let file = format!("{name}.get.sql");
        let found = told(&[(&file, &text)], &database);
        assert_eq!(
            found[0],
            format!("{file}:5:3: column \"nosuch\" does not exist")
        );
        let folder = Folder::with(&[(&file, &text.replace("nosuch", "'\u{feff}\r\n' as x"))]);
        let server = Server::start(folder.path(), &database, &[]).ready();
        let body = server.get(&format!("/{name}?n=2")).body;
        assert_eq!(body, "[{\"n\":2,\"x\":\"\u{feff}\\r\\n\"}]");
    }
}
