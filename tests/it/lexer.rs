//! Where the parameters of a statement are, by PostgreSQL's own judgement: what is sent in place of a statement with
//! names is prepared on a real server beside the same written by hand, and has the same parameters and columns.

mod corpus;

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

use peppercorn::sql::finding::Source;
use peppercorn::sql::{self, Files, Statement};
use tokio_postgres::Client;
use tokio_postgres::error::ErrorPosition;

use corpus::Case;

use crate::harness::{Database, Folder, block_on, database, peppercorn, run};

const SCHEMA: &str = include_str!("cases/lexer/schema.sql");
const PIECES: &str = include_str!("cases/lexer/pieces.txt");
const REFUSED: &str = include_str!("cases/lexer/refused.sql");

/// Statements that PostgreSQL takes; those of the last file write.
const TAKEN: [(&str, &str); 10] = [
    ("strings", include_str!("cases/lexer/strings.sql")),
    ("dollars", include_str!("cases/lexer/dollars.sql")),
    ("comments", include_str!("cases/lexer/comments.sql")),
    ("colons", include_str!("cases/lexer/colons.sql")),
    ("names", include_str!("cases/lexer/names.sql")),
    ("numbers", include_str!("cases/lexer/numbers.sql")),
    ("operators", include_str!("cases/lexer/operators.sql")),
    ("clauses", include_str!("cases/lexer/clauses.sql")),
    ("ends", include_str!("cases/lexer/ends.sql")),
    ("writes", include_str!("cases/lexer/writes.sql")),
];

/// Statements made of pieces at random.
const MADE: usize = 300;

fn filled(name: &str) -> Database {
    let database = database(name);
    database.run(SCHEMA);
    database
}

/// The cases that the server is new enough for.
fn cases(database: &Database, file: &str, corpus: &str) -> Vec<Case> {
    let version = database.ask("show server_version_num").unwrap();
    let version: u32 = version.parse().unwrap();
    let mut cases = corpus::read(file, corpus);
    cases.retain(|case| case.since * 10_000 <= version);
    cases
}

/// What PostgreSQL gets for a text.
fn rewritten(text: &str) -> Result<String, String> {
    let source = Arc::new(Source::new("a.sql", text));
    match Statement::parse_all(&source, 0..text.len()).as_deref() {
        Ok([one]) => Ok(one.sql.clone()),
        Ok(more) => Err(format!("{} statements", more.len())),
        Err(finding) => Err(finding.to_string()),
    }
}

/// What PostgreSQL says of a statement: the types of its parameters; names and types of its columns.
fn said(client: &Client, sql: &str) -> Result<String, String> {
    let prepared = block_on(client.prepare(sql)).map_err(|error| match error.as_db_error() {
        Some(error) => format!("{error} at {:?}", error.position()),
        None => error.to_string(),
    })?;
    let parameters: Vec<u32> = prepared.params().iter().map(|ty| ty.oid()).collect();
    let columns = prepared.columns().iter();
    let columns: Vec<_> = columns
        .map(|column| (column.name(), column.type_().oid()))
        .collect();
    Ok(format!("{parameters:?} {columns:?}"))
}

/// Why a statement is not, to PostgreSQL, what is written by hand.
fn difference(client: &Client, text: &str, by_hand: &str) -> Option<String> {
    let hand = match said(client, by_hand) {
        Ok(hand) => hand,
        Err(error) => return Some(format!("by hand it is refused: {error}")),
    };
    match rewritten(text).and_then(|sql| Ok((said(client, &sql)?, sql))) {
        Ok((ours, _)) if ours == hand => None,
        Ok((ours, sql)) => Some(format!("{sql:?} is {ours}, by hand {hand}")),
        Err(error) => Some(error),
    }
}

#[track_caller]
fn assert_none(differences: &[String]) {
    let count = differences.len();
    assert!(count == 0, "{count} differ:\n{}", differences.join("\n"));
}

/// In each way that a file may come: as it is, with the line ends of Windows and of old Macs, among comments.
#[test]
fn a_statement_is_what_it_is_by_hand() {
    let database = filled("lexer_taken");
    let mut titles = HashSet::new();
    let mut differences = Vec::new();
    for (file, corpus) in TAKEN {
        for case in cases(&database, file, corpus) {
            let changes: [fn(&str) -> String; 4] = [
                str::to_owned,
                |text| text.replace('\n', "\r\n"),
                |text| text.replace('\n', "\r"),
                |text| format!("/* :no ' */ -- :no \"\r\n{text}\n-- :no $$"),
            ];
            for change in changes {
                let (text, by_hand) = (change(&case.text), change(&case.by_hand));
                let difference = difference(database.client(), &text, &by_hand);
                differences
                    .extend(difference.map(|why| format!("{}: {text:?}: {why}", case.title)));
            }
            assert!(
                titles.insert(case.title.clone()),
                "{} stands twice",
                case.title
            );
            assert!(
                case.by_hand.contains('$'),
                "{} has no parameter",
                case.title
            );
        }
    }
    assert_none(&differences);
    assert!(titles.len() > 200);
}

/// The same through the file format: each is an endpoint, of GET unless it writes, with nothing to be said against it.
#[test]
fn a_statement_is_the_same_in_a_file() {
    let database = filled("lexer_files");
    let folder = Folder::new();
    let mut expected = Vec::new();
    for (file, corpus) in TAKEN {
        let method = if file == "writes" { "POST" } else { "GET" };
        for case in cases(&database, file, corpus) {
            // Of a file, comments above the statement are the header.
            if !case.text.trim_start().starts_with("--") {
                let name = format!("{file}-{}", expected.len());
                let text = format!(
                    "-- name: {name}\n-- http: {method} /{name}\n{}\n",
                    case.text
                );
                folder.write(&format!("{name}.sql"), &text);
                expected.push((name, rewritten(&case.text).expect("a statement")));
            }
        }
    }
    let files = Files::read(folder.path()).unwrap();
    let defined = sql::define(files).unwrap_or_else(|findings| panic!("{findings:#}"));
    let mut found: Vec<_> = defined
        .definitions
        .into_iter()
        .map(|definition| (definition.name, definition.statements[0].sql.clone()))
        .collect();
    found.sort();
    expected.sort();
    assert!(found == expected, "{found:#?}");
}

/// What ends one token begins the next: pieces in any order, with anything between that may stand between tokens.
#[test]
fn pieces_in_any_order_are_what_they_are_by_hand() {
    const GAPS: [&str; 8] = [
        "",
        " ",
        "\n",
        "\r\n\t",
        "\x0c",
        "/* :no ' $$ */",
        "-- :no \"\n",
        "--\r",
    ];
    let database = filled("lexer_pieces");
    let pieces = corpus::pieces(PIECES);
    let seed = match std::env::var("LEXER_SEED") {
        Ok(seed) => seed.parse().expect("LEXER_SEED is a number"),
        Err(_) => fastrand::u64(..1 << 32),
    };
    let mut random = fastrand::Rng::with_seed(seed);
    let mut differences = Vec::new();
    for _ in 0..MADE {
        let (mut text, mut template) = (String::from("select "), String::from("select "));
        for number in 0..random.usize(1..8) {
            let comma = if number == 0 { "" } else { "," };
            let gap = GAPS[random.usize(..GAPS.len())];
            let (named, by_hand) = &pieces[random.usize(..pieces.len())];
            text.push_str(&format!("{gap}{comma}{gap}{named}"));
            template.push_str(&format!("{gap}{comma}{gap}{by_hand}"));
        }
        let by_hand = corpus::numbered(&template);
        let difference = difference(database.client(), &text, &by_hand);
        differences.extend(difference.map(|why| format!("LEXER_SEED={seed}: {text:?}: {why}")));
    }
    assert_none(&differences);
}

/// Each in a file of its own, below two lines of header; `check` finds all of them at once.
#[test]
fn what_postgresql_refuses_is_found_where_it_is() {
    let database = filled("lexer_refused");
    let cases = cases(&database, "refused", REFUSED);
    let folder = Folder::new();
    for (number, case) in cases.iter().enumerate() {
        let header = format!("-- name: n{number}\n-- http: GET /{number}\n");
        folder.write(&format!("{number}.sql"), &(header + &case.text));
    }
    let ended = run(peppercorn()
        .arg("check")
        .arg(folder.path())
        .env("DATABASE_URL", database.url()));
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(65), ""));
    let directory = format!("{}/", folder.path().display());
    let found: Vec<_> = ended
        .stderr
        .lines()
        .filter_map(|line| line.strip_prefix(&directory)?.split_once(".sql:"))
        .collect();
    let mut differences = Vec::new();
    for (number, case) in cases.iter().enumerate() {
        let (line, rest) = case.found.split_once(':').unwrap();
        let expected = format!("{}:{rest}", line.parse::<usize>().unwrap() + 2);
        let found: Vec<&str> = found
            .iter()
            .filter(|(file, found)| *file == number.to_string() && !found.contains(": warning: "))
            .map(|(_, found)| *found)
            .collect();
        if found != [expected.as_str()] {
            differences.push(format!("{}: {found:?} is not {expected:?}", case.title));
        }
        differences.extend(elsewhere(database.client(), case));
    }
    assert_none(&differences);
}

/// What PostgreSQL itself says of a text that has no end stands where the corpus says.
fn elsewhere(client: &Client, case: &Case) -> Option<String> {
    if !case.found.ends_with("begins here has no end") || case.text.contains(":") {
        return None;
    }
    let error = block_on(client.prepare(&case.text)).unwrap_err();
    let error = error.as_db_error().unwrap();
    let Some(ErrorPosition::Original(position)) = error.position() else {
        panic!("{}: {error:?}", case.title);
    };
    let at = case.text.char_indices().nth(*position as usize - 1);
    let place = Source::new(PathBuf::new(), case.text.as_str());
    let place = place.place(at.map_or(case.text.len(), |(at, _)| at));
    let (_, expected) = (place.split_once(':')).unwrap();
    let told = error.message().starts_with("unterminated ") && case.found.starts_with(expected);
    (!told).then(|| format!("{}: PostgreSQL says {error} at {place}", case.title))
}

/// Backslashes in `'…'` are characters, as standard SQL has it, also where a database is set to what was before 9.1.
#[test]
fn strings_are_read_as_here_whatever_the_database_is_set_to() {
    let database = filled("lexer_strings");
    database.run("alter database lexer_strings set standard_conforming_strings = off");
    let client = database.another_client();
    for text in [
        r"select '\' || :x, '\' || :y",
        r"select '\:y', :x::int, '\''\'",
    ] {
        let sql = rewritten(text).unwrap();
        assert!(
            said(&client, &sql).is_ok(),
            "{text}: {:?}",
            said(&client, &sql)
        );
    }
}
