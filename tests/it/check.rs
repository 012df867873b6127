//! What a reviewer is told of a folder: what is wrong and what is doubtful, to a person, to a program, to GitHub.

use crate::harness::{Database, Ended, Folder, block_on, database, golden, peppercorn, run};

const SCHEMA: &str = "
    create table books (id int generated always as identity, slug text not null, title text, stock int not null);
    create sequence numbers;
    insert into books (slug, stock) values ('a', 1);
";

/// `check` on these files; their directory is left out of what it says.
#[track_caller]
fn check(files: &[(&str, &str)], database: &Database, options: &[&str]) -> Ended {
    let folder = Folder::with(files);
    let mut ended = run(peppercorn()
        .arg("check")
        .arg(folder.path())
        .args(options)
        .env("DATABASE_URL", database.url()));
    let directory = format!("{}/", folder.path().display());
    for text in [&mut ended.stdout, &mut ended.stderr] {
        *text = text.replace(&directory, "");
    }
    ended
}

/// What is wrong in several files, and what is doubtful beside it.
const WRONG: &[(&str, &str)] = &[
    (
        "books.sql",
        "-- name: list-books
-- http: GET /books
-- List books, 100% of them.
select id, ttle from books;

-- name: get-book^
-- http: GET /books/{id}
select id, title from books where id = :id;

-- name: add-book<!
-- http: POST /books
-- Add a book.
-- :title text max
insert into books (slug, title, stock) values (:title, :title, 1) returning id;
",
    ),
    (
        "stock, new/take.sql",
        "-- name: take-book^
-- http: POST /books/{id}/take
-- Take one.
update books set stock = stock - 1 where id = :id::int;
select 'é' as é, stoc from books where id = :id;
",
    ),
];

/// What can be served, and a reviewer would ask about.
const DOUBTFUL: &[(&str, &str)] = &[(
    "books.sql",
    "-- name: list-books
-- http: GET /books
-- timeuot: 2s
select id from books;

-- name: get-book^
-- http: GET /books/{id}
-- One book.
select title from books where id = :id;
",
)];

const RIGHT: &[(&str, &str)] = &[(
    "books.sql",
    "-- name: list-books\n-- http: GET /books\n-- List books.\nselect id from books;\n",
)];

#[test]
fn everybody_is_told_in_their_own_words() {
    let database = database("check_formats");
    database.run(SCHEMA);
    let mut told = String::new();
    for (name, files) in [("wrong", WRONG), ("doubtful", DOUBTFUL), ("right", RIGHT)] {
        for format in ["text", "json", "github"] {
            let Ended {
                code,
                stdout,
                stderr,
            } = check(files, &database, &["--format", format]);
            let code = code.unwrap();
            told.push_str(&format!(
                "$ peppercorn check {name} --format {format}\n[stdout]\n{stdout}[stderr]\n{stderr}[{code}]\n\n"
            ));
        }
    }
    golden("check.txt", &told);
    let usual = check(WRONG, &database, &[]);
    assert_eq!((usual.code, &*usual.stdout), (Some(65), ""));
    assert!(told.contains(&format!("[stderr]\n{}[65]", usual.stderr)));
    let unknown = check(RIGHT, &database, &["--format", "xml"]);
    assert_eq!((unknown.code, &*unknown.stdout), (Some(78), ""));
    assert!(unknown.stderr.contains("--format: "), "{unknown:?}");
}

/// That `a.sql` with this text can be served, with this one warning, whose hint contains `hint`; and that `mended` leaves
/// nothing to ask.
#[track_caller]
fn doubted(database: &Database, text: &str, warning: &str, hint: &str, mended: (&str, &str)) {
    let ended = check(&[("a.sql", text)], database, &[]);
    assert_eq!(ended.code, Some(0), "{text}\n{ended:?}");
    let (found, hinted) = ended
        .stderr
        .trim_end()
        .split_once("\n    hint: ")
        .unwrap_or((&*ended.stderr, ""));
    assert_eq!(found.trim_end(), warning, "{text}");
    assert!(hinted.contains(hint), "{text}\n{hint:?} in {hinted:?}");
    assert!(ended.stdout.ends_with("1 warning\n"), "{ended:?}");
    let right = text.replace(mended.0, mended.1);
    assert_ne!(right, text);
    let ended = check(&[("a.sql", &right)], database, &[]);
    assert_eq!((ended.code, &*ended.stderr), (Some(0), ""), "{right}");
    assert!(ended.stdout.ends_with(", nothing wrong\n"), "{ended:?}");
}

#[test]
fn what_is_doubtful_is_asked_about_where_it_is() {
    let database = database("check_doubts");
    database.run(SCHEMA);
    for (text, warning, hint, mended) in [
        (
            "-- name: a\n-- http: GET /a\nselect 1 as one;\n",
            "a.sql:1:10: warning: nothing says what a does",
            "the first is the summary",
            ("select", "-- Answer with one.\nselect"),
        ),
        (
            "-- name: a^\n-- http: GET /a/{id}\n-- é\nselect 'é', id from books where id = :id;\n",
            "a.sql:4:38: warning: the parameter id is not declared",
            "PostgreSQL takes it for int4: -- :id int4",
            ("-- é", "-- é\n-- :id int4"),
        ),
        (
            "-- name: a\n-- http: GET /a\n-- Answer.\n--   cahce : max-age=1\nselect 1 as one;\n",
            "a.sql:4:6: warning: `-- cahce:` says nothing here",
            "did you mean `-- cache:`?",
            ("cahce", "cache"),
        ),
        (
            "-- name: a\n-- http: GET /a\n-- Answer.\n-- Deprecated: use b\nselect 1 as one;\n",
            "a.sql:4:4: warning: `-- Deprecated:` says nothing here",
            "did you mean `-- deprecated:`?",
            ("Deprecated", "deprecated"),
        ),
        (
            "-- name: a\n-- http: GET /a\n-- Answer.\n-- tag: numbers\nselect 1 as one;\n",
            "a.sql:4:4: warning: `-- tag:` says nothing here",
            "did you mean `-- tags:`?",
            ("tag:", "The tag of it:"),
        ),
        (
            "-- name: a\n-- http: GET /a\n-- Answer.\n-- depricate: use b\nselect 1 as one;\n",
            "a.sql:4:4: warning: `-- depricate:` says nothing here",
            "did you mean `-- deprecated:`?",
            ("depricate", "deprecated"),
        ),
        (
            "-- name: a\n-- http: GET /a\n-- List.\n-- page: keyset title -> after, id -> after_id\n-- :after text default ''\n\
             -- :after_id int default 0\n-- :limit int default 9\n\
             select id, title from books where (title, id) > (:after, :after_id) order by title, id limit :limit;\n",
            "a.sql:4:10: warning: title may be null: a page that ends with a null has no next one",
            "or select it as \"title!\"",
            ("select id, title", "select id, title as \"title!\""),
        ),
        (
            "-- name: a^\n-- http: GET /books/{slug}\n-- One.\n-- :slug text\nselect id from books where slug = :slug;\n\
             -- name: b\n-- http: GET /books/new\n-- Those that are new.\nselect id from books;\n",
            "a.sql:7:10: warning: GET /books/new is answered here and not by a: slug is never \"new\" there",
            "",
            ("slug text", "slug uuid"),
        ),
    ] {
        // A slug is text in the table.
        let text = &text.replace("slug = :slug", "slug = :slug::text");
        doubted(&database, text, warning, hint, mended);
    }
}

/// A word before a colon is a sentence as often as not.
#[test]
fn sentences_are_not_asked_about() {
    let database = database("check_sentences");
    for word in [
        "Name",
        "Date",
        "Rate",
        "Note",
        "To",
        "Example",
        "Takes",
        "Type",
        "404",
        "Price and page",
    ] {
        let text = format!(
            "-- name: a\n-- http: GET /a\n-- Answer.\n-- {word}: as it is\nselect 1 as one;\n"
        );
        let ended = check(&[("a.sql", &text)], &database, &[]);
        assert_eq!((ended.code, &*ended.stderr), (Some(0), ""), "{text}");
    }
}

#[test]
fn paths_of_another_method_or_type_take_nothing_away() {
    let database = database("check_shadows");
    database.run(SCHEMA);
    for (first, second) in [
        ("GET /books/{id}", "POST /books/new"),
        ("GET /books/{id}", "GET /books/{id}/new"),
        ("GET /books/{id}/title", "GET /books/new"),
    ] {
        let parameter = |route: &str| match route.contains("{id}") {
            true => "-- :id text\nselect id from books where slug = :id;\n",
            false => "select id from books;\n",
        };
        let endpoint = |name: &str, route: &str| {
            format!(
                "-- name: {name}\n-- http: {route}\n-- What it does.\n{}",
                parameter(route)
            )
        };
        let text = endpoint("a", first) + &endpoint("b", second);
        let ended = check(&[("a.sql", &text)], &database, &[]);
        assert_eq!((ended.code, &*ended.stderr), (Some(0), ""), "{text}");
    }
}

#[cfg(feature = "auth")]
#[test]
fn a_public_cache_is_asked_about_where_tokens_are() {
    let database = database("check_cache");
    let keys = Folder::new();
    let key = crate::harness::write_key(&keys, crate::harness::SECRET);
    let text =
        "-- name: a\n-- http: GET /a\n-- Answer.\n-- cache: public, max-age=60\nselect 1 as one;\n";
    let with_key = |text: &str| check(&[("a.sql", text)], &database, &["--jwt-key", &key]);
    let ended = with_key(text);
    assert_eq!(
        (ended.code, &*ended.stdout),
        (Some(0), "1 endpoint, 1 warning\n")
    );
    let warning = "a.sql:4:11: warning: a public cache would give this answer to who has no token\n    \
                   hint: write private, or no-store\n";
    assert_eq!(ended.stderr, warning);
    for right in [
        text.replace("public", "private"),
        text.replace("-- cache", "-- auth: public\n-- cache"),
    ] {
        assert_eq!(with_key(&right).stderr, "", "{right}");
    }
    assert_eq!(check(&[("a.sql", text)], &database, &[]).stderr, "");
}

#[test]
fn what_writes_under_get_is_refused_as_postgresql_refuses_it() {
    let database = database("check_reading");
    database.run(SCHEMA);
    let refused_by_postgresql = |sql: &str| {
        let script = format!("begin read only; {sql}");
        let error = block_on(database.client().batch_execute(&script)).err();
        database.run("rollback");
        error.map(|error| error.code().expect("PostgreSQL's error").code().to_owned())
    };
    for (sql, at, word) in [
        (
            "insert into books (slug, stock) values ('b', 1) returning id",
            1,
            "insert",
        ),
        (
            "with gone as (delete from books returning id) select id from gone",
            15,
            "delete",
        ),
        (
            "with one as (select 1 as id) update books set stock = 0 from one where books.id = one.id returning books.id",
            30,
            "update",
        ),
        (
            "create temporary table x (id int); select 1 as id",
            1,
            "create",
        ),
        ("select id from books for update", 22, "for update"),
        (
            "select id from books where substring(slug for 3) = 'a' for no key update skip locked",
            56,
            "for no key update",
        ),
        (
            "select id from (select id from books for share) as locked",
            38,
            "for share",
        ),
        (
            "select id from books FOR KEY SHARE of books",
            22,
            "FOR KEY SHARE",
        ),
        ("select nextval('numbers') as id", 8, "nextval"),
        (
            "select id, pg_catalog.setval('numbers', 1) from books",
            23,
            "setval",
        ),
    ] {
        assert_eq!(
            refused_by_postgresql(sql).as_deref(),
            Some("25006"),
            "{sql}"
        );
        let text = format!("-- name: a\n-- http: GET /a\n-- Answer.\n{sql};\n");
        let ended = check(&[("a.sql", &text)], &database, &[]);
        let expected = format!(
            "a.sql:4:{at}: {word} under GET: it runs on a read-only connection\n    \
             hint: answer POST, PUT, PATCH or DELETE instead\n"
        );
        assert_eq!((ended.code, ended.stderr), (Some(65), expected), "{sql}");
        let text = format!("-- name: a\n-- http: POST /a\n-- Answer.\n-- tx: read only\n{sql};\n");
        let ended = check(&[("a.sql", &text)], &database, &[]);
        let expected = format!("a.sql:5:{at}: {word} in a transaction that is read only\n");
        assert!(ended.stderr.starts_with(&expected), "{ended:?}");
    }
    for sql in [
        "select substring(slug for stock) as share, overlay(slug placing 'x' from 1 for 2) as update from books",
        "select max(update) as delete from (select stock as update from books) as insert",
        "select last_value as nextval from numbers",
    ] {
        assert_eq!(refused_by_postgresql(sql), None, "{sql}");
        let text = format!("-- name: a\n-- http: GET /a\n-- Answer.\n{sql};\n");
        let ended = check(&[("a.sql", &text)], &database, &[]);
        assert_eq!((ended.code, &*ended.stderr), (Some(0), ""), "{sql}");
    }
}

#[test]
fn each_statement_that_does_not_prepare_is_told_with_what_would_help() {
    let database = database("check_prepare");
    database.run(SCHEMA);
    let text = "-- name: a^\n-- http: POST /a\n-- Answer.\n-- :id int\n-- :n text\n\
                update books set stok = 'é', title = :n where id = :id;\n\
                select :n, titel from books\n where id = :id;\n\
                -- name: b\n-- http: GET /b\n-- Answer.\nselect nosuch(1);\n";
    let ended = check(&[("a.sql", text)], &database, &[]);
    let expected = "a.sql:6:18: column \"stok\" of relation \"books\" does not exist
a.sql:7:12: column \"titel\" does not exist
    hint: Perhaps you meant to reference the column \"books.title\".
a.sql:12:8: function nosuch(integer) does not exist
    hint: No function matches the given name and argument types. You might need to add explicit type casts.
";
    assert_eq!((ended.code, &*ended.stderr), (Some(65), expected));
}
