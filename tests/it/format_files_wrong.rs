//! Files that cannot be served: where what is wrong with them is found, and what would help.

use std::fs;

use crate::format_files::{check, has, named, told, write_all};
use crate::harness::{Database, Folder, database};

/// Names and texts.
type Files<'a> = &'a [(&'a str, &'a str)];

/// That these files are refused with these findings, in this order.
#[track_caller]
fn refused(database: &Database, files: Files<'_>, findings: &[&str]) {
    let folder = Folder::new();
    write_all(&folder, files);
    let ended = check(&folder, database);
    let found: Vec<&str> = ended.stderr.lines().collect();
    assert_eq!(
        (ended.code, found.as_slice()),
        (Some(65), findings),
        "{files:?}"
    );
}

#[test]
fn names_of_files_that_are_no_routes_are_told() {
    let database = database("format_files_wrong");
    const NO_ENDPOINT: &str = "no endpoint in this file";
    const BEGINS: &str = "    hint: an endpoint begins with a line `-- name: list-markets`, followed by `-- http: GET /markets`; \
                          or the name of its file says so: markets.get.sql";
    const OTHERWISE: &str = "    hint: name the file otherwise, or give its endpoints names and routes: `-- name: get-market`, \
                             `-- http: GET /markets/{market_id}`";
    const ROUTE: &str =
        "    hint: add a line such as `-- http: GET /markets/{market_id}` below the name";
    let one = "select 1 as one";
    for (name, finding, hint) in [
        ("books.fetch.sql", NO_ENDPOINT, BEGINS),
        ("books.head.sql", NO_ENDPOINT, BEGINS),
        ("books-get.sql", NO_ENDPOINT, BEGINS),
        ("get.sql", NO_ENDPOINT, BEGINS),
        ("books.get.more.sql", NO_ENDPOINT, BEGINS),
        (
            "my books.get.sql",
            "the name of this file says GET /my books: the character ' ' cannot stand in a path; templates are written decoded",
            OTHERWISE,
        ),
        (
            "büch.get.sql",
            "the name of this file says GET /büch: the character 'ü' cannot stand in a path; templates are written decoded",
            OTHERWISE,
        ),
        (
            "100%.put.sql",
            "the name of this file says PUT /100%: the character '%' cannot stand in a path; templates are written decoded",
            OTHERWISE,
        ),
        (
            "{id.get.sql",
            "the name of this file says GET /{id: {id is not a parameter: write {name} as a whole segment, letters, digits and _",
            OTHERWISE,
        ),
        (
            "book-{id}.get.sql",
            "the name of this file says GET /book-{id}: book-{id} is not a parameter: write {name} as a whole segment, letters, digits and _",
            OTHERWISE,
        ),
        (
            "{a}/{a}.get.sql",
            "the name of this file says GET /{a}/{a}: the parameter a stands twice",
            OTHERWISE,
        ),
        (
            "{}.get.sql",
            "the name of this file says GET /{}: {} is not a parameter: write {name} as a whole segment, letters, digits and _",
            OTHERWISE,
        ),
        (
            "x y/index.get.sql",
            "the name of this file says GET /x y: the character ' ' cannot stand in a path; templates are written decoded",
            OTHERWISE,
        ),
    ] {
        refused(
            &database,
            &[(name, one)],
            &[&format!("{name}:1:1: {finding}"), hint],
        );
    }
    // Where a file's endpoints have routes of their own its name may be what it likes.
    let own = named("own");
    let without = "-- name: without\nselect 1 as one";
    for name in ["my books.get.sql", "{id.get.sql", "books.fetch.sql"] {
        let folder = Folder::with(&[(name, &own)]);
        has(&folder, &database, 1);
    }
    refused(
        &database,
        &[("{id.get.sql", without)],
        &[
            "{id.get.sql:1:1: the name of this file says GET /{id: {id is not a parameter: write {name} as a whole segment, letters, digits and _",
            OTHERWISE,
        ],
    );
    refused(
        &database,
        &[("b.fetch.sql", without)],
        &["b.fetch.sql:1:10: without has no route", ROUTE],
    );
}

#[test]
fn files_that_contradict_others_or_themselves_are_told() {
    let database = database("format_files_conflicts");
    database.run("create table note (id int)");
    const OWN: &str = "    hint: give it one of its own: `-- name: list-markets`";
    const ALIKE: &str = "    hint: name the parameters of one path alike";
    const ABOVE: &str = "    hint: write a line `-- name: list-markets` above it";
    const INSTEAD: &str = "    hint: answer POST, PUT, PATCH or DELETE instead";
    const RETURNING: &str = "    hint: write ! behind the name to answer 204, or add `returning`";
    const ROUTE: &str = "    hint: a route is a method and a path: GET /markets/{market_id}";
    let id = "select :id::int as id";
    let one = "select 1 as one";
    let cases: [(Files<'_>, &[&str]); 11] = [
        // A route by name and one that is written.
        (
            &[
                ("a.sql", "-- name: a\n-- http: GET /books\nselect 1 as one"),
                ("books.get.sql", one),
            ],
            &["books.get.sql:1:1: GET /books is answered by a.sql:2:10 already"],
        ),
        (
            &[
                ("books.get.sql", one),
                ("books/index.get.sql", "\n-- Why.\nselect 1 as one"),
            ],
            &[
                "books.get.sql:1:1: the name get-books is taken by books/index.get.sql:1:1",
                OWN,
                "books.get.sql:1:1: GET /books is answered by books/index.get.sql:1:1 already",
            ],
        ),
        (
            &[
                ("books/{id}.get.sql", id),
                ("books/{key}.put.sql", "select :key as key"),
            ],
            &[
                "books/{key}.put.sql:1:1: /books/{key} is the same path as /books/{id} with other names",
                ALIKE,
            ],
        ),
        // Other routes by the same name.
        (
            &[("a-b.get.sql", one), ("a/b.get.sql", one)],
            &[
                "a-b.get.sql:1:1: the name get-a-b is taken by a/b.get.sql:1:1",
                OWN,
            ],
        ),
        (
            &[
                ("a.sql", "-- name: get-b\n-- http: GET /a\nselect 1 as one"),
                ("b.get.sql", one),
            ],
            &["b.get.sql:1:1: the name get-b is taken by a.sql:1:10", OWN],
        ),
        // Two that both have the file's route, and one above those with names.
        (
            &[(
                "a.get.sql",
                "-- name: one\nselect 1 as one;\n-- name: two\nselect 2 as two",
            )],
            &["a.get.sql:3:10: GET /a is answered by a.get.sql:1:10 already"],
        ),
        (
            &[(
                "a.get.sql",
                "-- All.\nselect 1 as one;\n-- name: two\nselect 2 as two",
            )],
            &[
                "a.get.sql:2:1: this stands above the first name, and belongs to no endpoint",
                ABOVE,
            ],
        ),
        // A file whose text is not what its name says.
        (
            &[("a/{id}.get.sql", one)],
            &["a/{id}.get.sql:1:1: the path has {id} but the statement does not use :id"],
        ),
        (
            &[("a.get.sql", "\n  delete from note")],
            &[
                "a.get.sql:2:3: delete under GET: it runs on a read-only connection",
                INSTEAD,
            ],
        ),
        (
            &[("a.post.sql", "insert into note values (1)")],
            &[
                "a.post.sql:1:1: post-a has no result to answer with",
                RETURNING,
            ],
        ),
        (
            &[("a.get.sql", "-- http: FETCH /a\nselect 1 as one")],
            &[
                "a.get.sql:1:10: FETCH is not one of GET, POST, PUT, PATCH, DELETE",
                ROUTE,
            ],
        ),
    ];
    for (files, findings) in cases {
        refused(&database, files, findings);
    }
}

#[test]
fn files_with_nothing_in_them_are_told() {
    let database = database("format_files_empty");
    const BELOW: &str = "no statement below this header";
    for (name, text, place) in [
        ("a.get.sql", "", "1:1"),
        ("a.get.sql", " \n\t\n", "3:1"),
        ("a.get.sql", "\u{feff}", "1:1"),
        ("a.get.sql", "-- Only a comment.\n", "2:1"),
        ("a.get.sql", "/* Only a comment. */\n", "1:1"),
        ("a.sql", "-- name: a\n-- http: GET /a\n", "3:1"),
    ] {
        let found = told(&[(name, text)], &database);
        assert_eq!(found, [format!("{name}:{place}: {BELOW}")], "{text:?}");
    }
    for text in ["", "\u{feff}", "\n", "-- Only a comment.\n", "select 1;\n"] {
        let found = told(&[("a.sql", text)], &database);
        assert_eq!(found[0], "a.sql:1:1: no endpoint in this file", "{text:?}");
    }
    let semicolon = told(&[("a.get.sql", ";")], &database);
    assert_eq!(semicolon, ["a.get.sql:1:1: nothing before this ;"]);
    // Nothing at all is another matter: somebody has named the wrong folder.
    for files in [
        &[][..],
        &[
            ("schema.sql", "select 1;"),
            (".a.sql", "select 1;"),
            ("a.SQL", "select 1;"),
        ],
    ] {
        let folder = Folder::new();
        write_all(&folder, files);
        let ended = check(&folder, &database);
        assert_eq!(ended.code, Some(66), "{ended:?}");
        assert!(
            ended.stderr.starts_with("peppercorn: no SQL file in "),
            "{ended:?}"
        );
    }
}

#[test]
fn files_in_other_encodings_are_found_where_they_are() {
    let database = database("format_files_encodings");
    let folder = Folder::new();
    folder.write("good.sql", &named("good"));
    let write = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
    write(
        "latin.sql",
        b"-- name: a\n-- http: GET /a\n-- \xc3\xa9: caf\xe9\nselect 1;\n",
    );
    write("utf16.get.sql", b"\xff\xfes\0e\0l\0e\0c\0t\0");
    write("cut.sql", b"-- name: b\n-- http: GET /b\nselect '\xe6\x97");
    write("surrogate.sql", b"-- \xed\xa0\xbd\n");
    let ended = check(&folder, &database);
    const HINT: &str = "    hint: save the file as UTF-8";
    let found: Vec<&str> = ended.stderr.lines().collect();
    assert_eq!(
        (ended.code, found.as_slice()),
        (
            Some(65),
            &[
                "cut.sql:3:9: the byte 0xe6 is not UTF-8",
                HINT,
                "latin.sql:3:10: the byte 0xe9 is not UTF-8",
                HINT,
                "surrogate.sql:1:4: the byte 0xed is not UTF-8",
                HINT,
                "utf16.get.sql:1:1: the byte 0xff is not UTF-8",
                HINT,
            ][..]
        )
    );
}
