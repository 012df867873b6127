//! What else a header says, where it is wrong: each directive's values that are none, and where they are found.

use crate::format_files::{check, told};
use crate::harness::{Folder, database};

const TIME: &str = "write 250ms, 30s, 5m or 1h";
const COUNT: &str = "write how many requests run at a time: 4";
const RETURNS: &str = "write a status, a media type or both: 201, text/csv, 200 image/png";
const LIST: &str = "a list is JSON, text/csv or application/x-ndjson; write $ behind the name to answer with one value as it is";
const NO_BODY: &str = "write ! behind the name to answer without one";
const CACHE: &str = "write such as public, max-age=60";
const TAGS: &str = "write names with commas between";
const AUTH: &str = "write public, or scope and the scopes that a token must have";
const ONCE: &str = "an endpoint has one of each";

/// Lines of a header, the place in it, what is wrong there and what would help.
const WRONG: [(&str, &str, &str, &str); 42] = [
    ("-- timeout: 2", "3:13", "\"2\" is not a time", TIME),
    ("-- timeout:", "3:12", "\"\" is not a time", TIME),
    ("-- timeout: soon", "3:13", "\"soon\" is not a time", TIME),
    (
        "-- timeout: 0s",
        "3:13",
        "no request is answered in no time",
        TIME,
    ),
    (
        "-- timeout: 0.0000001ms",
        "3:13",
        "no request is answered in no time",
        TIME,
    ),
    ("-- timeout: -1s", "3:13", "\"-1s\" is not a time", TIME),
    ("-- timeout: 2 s", "3:13", "\"2 s\" is not a time", TIME),
    ("-- timeout: 2s 3s", "3:13", "\"2s 3s\" is not a time", TIME),
    (
        "-- timeout: 2s -- for the report",
        "3:13",
        "\"2s -- for the report\" is not a time",
        TIME,
    ),
    (
        "-- timeout: 99999999999999999999h",
        "3:13",
        "\"99999999999999999999h\" is not a time",
        TIME,
    ),
    ("-- timeout: ½s", "3:13", "\"½s\" is not a time", TIME),
    (
        "--\ttimeout  : \t soon  ",
        "3:17",
        "\"soon\" is not a time",
        TIME,
    ),
    (
        "-- ü: a line of text\r\n-- timeout: soon\r",
        "4:13",
        "\"soon\" is not a time",
        TIME,
    ),
    (
        "-- timeout: 1s\n-- timeout: 1s",
        "4:13",
        "a second `-- timeout:`",
        ONCE,
    ),
    (
        "-- concurrency: 0",
        "3:17",
        "\"0\" is not a number from 1 on",
        COUNT,
    ),
    (
        "-- concurrency:",
        "3:16",
        "\"\" is not a number from 1 on",
        COUNT,
    ),
    (
        "-- concurrency: -1",
        "3:17",
        "\"-1\" is not a number from 1 on",
        COUNT,
    ),
    (
        "-- concurrency: 1.5",
        "3:17",
        "\"1.5\" is not a number from 1 on",
        COUNT,
    ),
    (
        "-- concurrency: many",
        "3:17",
        "\"many\" is not a number from 1 on",
        COUNT,
    ),
    (
        "-- concurrency: 99999999999999999999",
        "3:17",
        "\"99999999999999999999\" is not a number from 1 on",
        COUNT,
    ),
    (
        "-- concurrency: 1\n-- concurrency: 2",
        "4:17",
        "a second `-- concurrency:`",
        ONCE,
    ),
    (
        "-- returns:",
        "3:12",
        "nothing is neither a status nor a media type",
        RETURNS,
    ),
    (
        "-- returns: 404",
        "3:13",
        "404 is not a status of success",
        RETURNS,
    ),
    (
        "-- returns: 99",
        "3:13",
        "99 is not a status of success",
        RETURNS,
    ),
    (
        "-- returns: 100",
        "3:13",
        "100 is not a status of success",
        RETURNS,
    ),
    (
        "-- returns: 70000",
        "3:13",
        "70000 is not a status of success",
        RETURNS,
    ),
    (
        "-- returns: 201 202",
        "3:13",
        "202 is a second status",
        RETURNS,
    ),
    (
        "-- returns: text/csv text/plain",
        "3:13",
        "text/plain is a second media type",
        RETURNS,
    ),
    (
        "-- returns: csv",
        "3:13",
        "csv is neither a status nor a media type",
        RETURNS,
    ),
    (
        "-- returns: text/",
        "3:13",
        "text/ is neither a status nor a media type",
        RETURNS,
    ),
    (
        "-- returns: text/csv; header=absent",
        "3:13",
        "text/csv; is neither a status nor a media type",
        RETURNS,
    ),
    (
        "-- returns: image/png",
        "3:13",
        "a is a list, which is not made as image/png",
        LIST,
    ),
    (
        "-- returns: 204",
        "3:13",
        "an answer of 204 has no body",
        NO_BODY,
    ),
    (
        "-- returns: 304",
        "3:13",
        "an answer of 304 has no body",
        NO_BODY,
    ),
    (
        "-- returns: 200\n-- returns: 201",
        "4:13",
        "a second `-- returns:`",
        ONCE,
    ),
    (
        "-- cache:",
        "3:10",
        "\"\" is not a value of Cache-Control",
        CACHE,
    ),
    (
        "-- cache: é",
        "3:11",
        "\"é\" is not a value of Cache-Control",
        CACHE,
    ),
    (
        "-- cache: a\tb",
        "3:11",
        "\"a\\tb\" is not a value of Cache-Control",
        CACHE,
    ),
    ("-- tags: a,,b", "3:10", "a tag without a name", TAGS),
    ("-- tags:", "3:9", "a tag without a name", TAGS),
    (
        "-- deprecated: a\n-- deprecated: b",
        "4:16",
        "a second `-- deprecated:`",
        ONCE,
    ),
    (
        "-- auth: everybody",
        "3:10",
        "\"everybody\" does not say who may ask",
        AUTH,
    ),
];

#[test]
fn wrong_values_are_found_where_they_are() {
    let database = database("limits_wrong");
    let folder = Folder::new();
    let mut expected = Vec::new();
    for (number, (lines, place, finding, hint)) in WRONG.iter().enumerate() {
        let file = format!("{number:02}.sql");
        let header = format!("-- name: a\n-- http: GET /{number}\n{lines}\n");
        folder.write(&file, &(header + "select 1 as n;\n"));
        expected.push(format!("{file}:{place}: {finding}"));
        expected.push(format!("    hint: {hint}"));
    }
    let ended = check(&folder, &database);
    let found: Vec<&str> = ended.stderr.lines().collect();
    assert_eq!(
        (ended.code, found),
        (Some(65), expected.iter().map(String::as_str).collect())
    );
}

/// What an endpoint cannot have is told at its directive, and what is almost one is doubted.
#[test]
fn directives_that_say_nothing_here_are_told() {
    let database = database("limits_nothing");
    for (method, name, line, found, hint) in [
        (
            "POST",
            "a$",
            "-- cache: no-store",
            "a.sql:3:11: an answer to POST is not kept",
            "leave it out",
        ),
        (
            "POST",
            "a!",
            "-- returns: text/csv",
            "a.sql:3:13: a answers with no rows",
            "leave out the media type",
        ),
        (
            "GET",
            "a^",
            "-- returns: text/csv",
            "a.sql:3:13: a is an object, which is not made as text/csv",
            "write $ behind the name to answer with one value as it is",
        ),
    ] {
        let text = format!("-- name: {name}\n-- http: {method} /a\n{line}\nselect 1 as n;\n");
        let lines = told(&[("a.sql", &text)], &database);
        assert_eq!(lines, [found, &format!("    hint: {hint}")]);
    }
    for (line, meant) in [
        ("-- timeouts: 2s", "timeout"),
        ("-- Timeout: 2s", "timeout"),
        ("-- concurency: 2", "concurrency"),
        ("-- return: 201", "returns"),
        ("-- caches: no-store", "cache"),
        ("-- tag: a", "tags"),
        ("-- depreciated: a", "deprecated"),
    ] {
        let text = format!("-- name: a\n-- http: GET /a\n-- Text.\n{line}\nselect 1 as n;\n");
        let ended = check(&Folder::with(&[("a.sql", &text)]), &database);
        let word = line[3..].split_once(':').unwrap().0;
        let expected = format!(
            "a.sql:4:4: warning: `-- {word}:` says nothing here\n    \
             hint: did you mean `-- {meant}:`? Else write it as a sentence\n"
        );
        assert_eq!((ended.code, ended.stderr), (Some(0), expected), "{line}");
    }
}
