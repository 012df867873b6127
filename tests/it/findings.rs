//! Files that are wrong: the start stops with 65, `file:line:column`, what is wrong and what would help.

use crate::harness::{Database, Ended, Folder, database, peppercorn, run};

/// `command` on these files; their directory is left out of what it says.
#[track_caller]
fn told(command: &str, files: &[(&str, &str)], database: &Database) -> Ended {
    let folder = Folder::with(files);
    let mut ended = run(peppercorn()
        .arg(command)
        .arg(folder.path())
        .env("DATABASE_URL", database.url()));
    let directory = format!("{}/", folder.path().display());
    ended.stderr = ended.stderr.replace(&directory, "");
    ended
}

/// That `a.sql` with this text is refused with this finding, whose hint contains `hint`; "" is none.
#[track_caller]
fn refused(text: &str, database: &Database, finding: &str, hint: &str) {
    let ended = told("check", &[("a.sql", text)], database);
    assert_eq!(ended.code, Some(65), "{text}\n{ended:?}");
    assert_eq!(ended.stdout, "", "{text}");
    let (found, hinted) = match ended.stderr.split_once("\n    hint: ") {
        Some((found, hinted)) => (found, hinted),
        None => (ended.stderr.trim_end(), ""),
    };
    assert_eq!(found, finding, "{text}");
    assert!(
        hinted.contains(hint) && hinted.is_empty() == hint.is_empty(),
        "{text}\n{hint:?} in {hinted:?}"
    );
}

#[test]
fn what_the_files_alone_show_is_found_where_it_is() {
    let database = database("findings_files");
    for (text, finding, hint) in [
        (
            "select 1;\n",
            "a.sql:1:1: no endpoint in this file",
            "-- name: ",
        ),
        (
            "-- name: a\nselect 1;\n",
            "a.sql:1:10: a has no route",
            "-- http: GET",
        ),
        (
            "-- name: a%\n-- http: GET /a\nselect 1;\n",
            "a.sql:1:10: % is not an operator",
            "^ for one row",
        ),
        (
            "-- name: a*!\n-- http: POST /a\nselect 1;\n",
            "a.sql:1:10: a*! has a result, but *! answers with how many rows were affected",
            "returning",
        ),
        (
            "-- name: a\n-- http: GET /a\nselect 'x;\n",
            "a.sql:3:8: the string that begins here has no end",
            "",
        ),
        (
            "-- name: a\n-- http: GET /a\nselect 'é', \"x;\n",
            "a.sql:3:13: the quoted name that begins here has no end",
            "",
        ),
        (
            "-- name: a\n-- http: GET /a\nselect $x$ $$;\n",
            "a.sql:3:8: the dollar-quoted string that begins here has no end",
            "",
        ),
        (
            "-- name: a\n-- http: GET /a\nselect 1 /* /* */;\n",
            "a.sql:3:10: the comment that begins here has no end",
            "",
        ),
        (
            "-- name: a\n-- http: GET /a\nselect 1; commit; select 2;\n",
            "a.sql:3:11: commit: the statements of an endpoint are one transaction already",
            "leave it out",
        ),
        (
            "-- name: a\n-- http: GET /a\n  DELETE from t;\n",
            "a.sql:3:3: DELETE under GET: it runs on a read-only connection",
            "POST",
        ),
        (
            "-- name: a\n-- http: GET /a\n-- :x int default\nselect :x;\n",
            "a.sql:3:11: default needs a value; null makes the parameter optional",
            "",
        ),
        (
            "-- name: a\r\n-- http: GET /a\r\nselect 1; set work_mem = 1;\r\n",
            "a.sql:3:11: this setting would stay on a connection that others use",
            "set local",
        ),
    ] {
        refused(text, &database, finding, hint);
    }
}

#[test]
fn what_postgresql_refuses_is_found_where_it_is() {
    let database = database("findings_database");
    database.run("create table books (id int, title text)");
    for (text, finding, hint) in [
        (
            "-- name: a\n-- http: GET /a\nselect * frm books;\n",
            "a.sql:3:10: syntax error at or near \"frm\"",
            "",
        ),
        // Multibyte characters and names longer and shorter than their numbers, on the line and above it.
        (
            "-- name: é\n-- http: GET /a\nselect 1;\n",
            "a.sql:1:10: \"é\" is not a name",
            "letters",
        ),
        (
            "-- name: a\n-- http: GET /a\nselect 'é日本😀', :a_long_name::text, :b::text,\n  'ü', :'b'::text, id, ttle from books;\n",
            "a.sql:4:24: column \"ttle\" does not exist",
            "Perhaps you meant to reference the column \"books.title\".",
        ),
        (
            "-- name: a\n-- http: GET /a\n\n-- text above, ü\nselect id from books where :b::int = 1 and :a_long_name::text = 'é' and\tnosuch;\n",
            "a.sql:5:73: column \"nosuch\" does not exist",
            "",
        ),
        (
            "-- name: a\r\n-- http: GET /a\r\nselect id\r\nfrom nosuch;\r\n",
            "a.sql:4:6: relation \"nosuch\" does not exist",
            "",
        ),
        (
            "-- name: ok\n-- http: GET /ok\nselect 1 as one;\n\n-- name: a\n-- http: GET /a\n-- all of it\n",
            "a.sql:8:1: no statement below this header",
            "",
        ),
        (
            "-- name: a\n-- http: GET /a\n-- :x nosuch\nselect :x;\n",
            "a.sql:4:8: the type nosuch of :x does not exist",
            "int, text, date",
        ),
        (
            "-- name: a\n-- http: GET /a\nselect id from books where :title is null or title = :title;\n",
            "a.sql:3:28: could not determine data type of parameter $1",
            "`-- :title text default null`",
        ),
        (
            "-- name: a\n-- http: GET /a\nselect id from books where id = :id and (:title is null or title = :title);\n",
            "a.sql:3:42: could not determine data type of parameter $2",
            "`-- :title text default null`",
        ),
        (
            "-- name: a\n-- http: GET /a\n-- :x int\nselect 1 as one;\n",
            "a.sql:3:5: the parameter x is declared but the statement does not use it",
            "",
        ),
        (
            "-- name: a\n-- http: GET /a/{id}\nselect 1 as one;\n",
            "a.sql:2:10: the path has {id} but the statement does not use :id",
            "",
        ),
        (
            "-- name: a\n-- http: GET /a/{id}\n-- :id int default 1\nselect :id as id;\n",
            "a.sql:3:5: :id is part of the path and always given: it cannot have a default",
            "",
        ),
        (
            "-- name: a^\n-- http: POST /a\ninsert into books values (1);\n",
            "a.sql:1:10: a has no result to answer with",
            "add `returning`",
        ),
        (
            "-- name: a!\n-- http: POST /a\ninsert into books values (1) returning id;\n",
            "a.sql:1:10: a! has a result, but ! answers without a body",
            "<!",
        ),
        (
            "-- name: a$\n-- http: GET /a\nselect id, title from books;\n",
            "a.sql:1:10: a$ has 2 columns, but $ answers with one value",
            "^",
        ),
        (
            "-- name: a\n-- http: GET /a\nselect point(1, 2) as place;\n",
            "a.sql:1:10: a: column place: type point has no JSON form here: cast it, as in `column::text`",
            "",
        ),
    ] {
        refused(text, &database, finding, hint);
    }
}

#[test]
fn a_byte_order_mark_hides_no_endpoint() {
    let text = "\u{feff}-- name: a\n-- http: GET /a\nselect 1 as one;\n-- name: b\n-- http: GET /b\nselect 1 as one;\n";
    let database = database("findings_bom");
    let ended = told("check", &[("a.sql", text)], &database);
    assert_eq!(ended.stdout, "2 endpoints, 2 warnings\n", "{ended:?}");
    let text = "\u{feff}-- name: a\n-- http: FETCH /a\nselect 1 as one;\n";
    let finding = "a.sql:2:10: FETCH is not one of GET, POST, PUT, PATCH, DELETE";
    refused(text, &database, finding, "GET /markets");
}

#[test]
fn what_stands_twice_names_both_places() {
    let database = database("findings_twice");
    let first = (
        "a.sql",
        "-- name: one\n-- http: GET /x/{id}\nselect :id::int as id;\n",
    );
    for (second, expected) in [
        (
            "-- name: two\n-- http: GET /x/{id}\nselect :id::int as id;\n",
            "b.sql:2:10: GET /x/{id} is answered by a.sql:2:10 already",
        ),
        (
            "-- name: one\n-- http: GET /y\nselect 1 as one;\n",
            "b.sql:1:10: the name one is taken by a.sql:1:10",
        ),
        (
            "-- name: two\n-- http: POST /x/{key}\nselect :key::int as id;\n",
            "b.sql:2:10: /x/{key} is the same path as /x/{id} with other names",
        ),
    ] {
        for command in ["check", "serve"] {
            let ended = told(command, &[first, ("b.sql", second)], &database);
            assert_eq!(ended.code, Some(65), "{ended:?}");
            assert_eq!(ended.stderr.lines().next(), Some(expected));
        }
    }
    // The probes' own paths are taken too.
    let text = "-- name: a\n-- http: GET /readyz\nselect 1 as one;\n";
    let ended = told("serve", &[("a.sql", text)], &database);
    assert_eq!(ended.code, Some(65), "{ended:?}");
    assert!(
        ended
            .stderr
            .starts_with("a.sql:2:10: GET /readyz is answered by peppercorn itself"),
        "{ended:?}"
    );
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let database = database("findings_all");
    let broken = "-- name: NAME\n-- http: GET /NAME\nselect 'x;\n";
    let files = [
        ("a.sql", &*broken.replace("NAME", "a")),
        ("deep/b.sql", &*broken.replace("NAME", "b")),
        (
            "deep/c.sql",
            "-- name: c\n-- http: GET /c\n-- :x int\nselect 1 as one;\n",
        ),
    ];
    let ended = told("check", &files, &database);
    let lines: Vec<&str> = ended.stderr.lines().collect();
    assert_eq!(
        lines,
        [
            "a.sql:3:8: the string that begins here has no end",
            "deep/b.sql:3:8: the string that begins here has no end",
            "deep/c.sql:3:5: the parameter x is declared but the statement does not use it",
        ]
    );

    let unknown = "-- name: NAME\n-- http: GET /NAME\nselect nosuch;\n";
    let files = [
        ("a.sql", &*unknown.replace("NAME", "a")),
        ("deep/b.sql", &*unknown.replace("NAME", "b")),
    ];
    let ended = told("serve", &files, &database);
    assert_eq!(ended.code, Some(65));
    let found = |line: &str| ended.stderr.lines().any(|have| have == line);
    assert!(
        found("a.sql:3:8: column \"nosuch\" does not exist")
            && found("deep/b.sql:3:8: column \"nosuch\" does not exist"),
        "{}",
        ended.stderr
    );
}
