//! The invariants of the room for texts of every kind; `tests/fuzz` goes on where these end.

use proptest::prelude::*;
use proptest::sample::select;

use super::invariants;
use super::statement::Statement;
use crate::mutate::{Input, config, dictionary, disorder, mutated, usual};

/// Pieces of SQL and of header comments, whole and broken.
fn pieces() -> Vec<Vec<u8>> {
    dictionary(include_str!("../../tests/dictionaries/sql.dict"))
}

/// Expressions, each with the parameters in it.
const EXPRESSIONS: &[(&str, &[&str])] = &[
    (":a", &["a"]),
    (":'b_1'", &["b_1"]),
    ("(:c)::int", &["c"]),
    ("f(:a, d := :D)", &["a", "D"]),
    ("r[1:3] + r[ :i]", &["i"]),
    ("x->>:'k'", &["k"]),
    ("'it''s :n'", &[]),
    ("e'\\':n'\n'\\':n'", &[]),
    ("U&'\\0061:n' || N':n'", &[]),
    ("$$ :n $$ || $x$ $$ :n $x$", &[]),
    ("\"a\"\":n\"", &[]),
    ("U&\":n\"", &[]),
    ("/* :n /* :n */ ' */ 1.5e3", &[]),
    ("-- :n '\n x::int", &[]),
    ("a$b", &[]),
];

/// A statement, and its parameters in order.
fn statement() -> impl Strategy<Value = (String, Vec<&'static str>)> + Clone {
    let gap = usual(" ", &["\n", " -- c\n", "/* :c */", "\r\n\t", "--\r"]);
    let list = prop::collection::vec((select(EXPRESSIONS), gap), 1..6);
    let before = usual("", &["-- before\n", "/* :a */ "]);
    let end = usual("", &[";", " ;\n", "; -- end\n"]);
    (before, list, end).prop_map(|(before, list, end)| {
        let mut names = Vec::new();
        let mut text = before + "select";
        for ((expression, parameters), gap) in list {
            for name in parameters {
                if !names.contains(name) {
                    names.push(name);
                }
            }
            text += &format!("{gap}{expression},");
        }
        (text.trim_end_matches(',').to_owned() + &end, names)
    })
}

#[rustfmt::skip]
fn block() -> impl Strategy<Value = String> + Clone {
    let name = usual("-- name: list-x\n", &[
        "-- name: x(a, b)^\n", "--name : y_1 <!\n", "-- name: z*!\n", "-- name: 1\n", "\t-- name: t $\r\n",
    ]);
    let route = usual("-- http: GET /x\n", &[
        "-- http: GET /x/{a}\n", "-- http: POST /{a}/{b}\n", "", "-- http: FETCH /\n", "-- http: DELETE /x//\n",
    ]);
    let line = usual("-- text\n", &[
        "--\n", "\n", "-- :a int default 20 check 1..100 -- how many\n", "-- :b_1 text default null\n",
        "-- :b text default 'x' check in ('x', 'y''z')\n", "-- :c text check ~ '^[a-z]{2,3}$' max 80\n",
        "-- :d numeric(10, 2) check ..1.5\n", "-- :é int\n", "-- :i int default 0 check 1..2\n", "-- cache: x\n",
    ]);
    let lines = prop::collection::vec(line, 0..3).prop_map(|lines| lines.concat());
    (name, route, lines, statement()).prop_map(|(name, route, lines, (statement, _))| {
        format!("{name}{route}{lines}{statement}\n\n")
    })
}

fn file() -> impl Strategy<Value = Vec<u8>> + Clone {
    let before = usual("", &["-- A file.\n\n", "\n", "select 1;\n"]);
    let blocks = prop::collection::vec(block(), 0..3).prop_map(|blocks| blocks.concat());
    (before, blocks).prop_map(|(before, blocks)| (before + &blocks).into_bytes())
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

proptest! {
    #![proptest_config(config(4000))]

    #[test]
    fn lexer(Input(bytes) in prop_oneof![
        mutated(statement().prop_map(|(text, _)| text.into_bytes()), pieces()),
        disorder(pieces()),
    ]) {
        invariants::lexer(&text(&bytes));
    }

    #[test]
    fn header(Input(bytes) in prop_oneof![2 => mutated(file(), pieces()), 1 => disorder(pieces())]) {
        invariants::header(&text(&bytes));
    }

    #[test]
    fn parameters_are_found_where_they_were_put((text, names) in statement()) {
        let source = invariants::source(&text);
        let statements = Statement::parse_all(&source, 0..text.len()).expect("valid");
        let found: Vec<_> = statements[0].parameters.iter().map(|(name, _)| name.as_str()).collect();
        prop_assert_eq!(found, names);
    }
}

/// Nothing repeated costs more than its length: a search that begins anew for every piece would.
#[test]
fn work_is_linear() {
    const SIZE: usize = 6000;
    for piece in pieces() {
        let repeated = text(&piece.repeat(SIZE / piece.len()));
        invariants::lexer(&repeated);
        invariants::header(&repeated);
        invariants::header(&format!("-- name: x\n-- http: POST /x\n{repeated}"));
        invariants::header(&format!("-- name: x\n-- http: POST /x\nselect {repeated}"));
    }
}
