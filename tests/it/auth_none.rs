//! A program that was built without tokens: what asks for them is refused, not served to anybody.

use crate::harness::{Folder, database, peppercorn, run};

#[test]
fn a_program_without_tokens_takes_no_key_and_serves_nothing_that_asks_for_one() {
    let database = database("auth_none");
    let folder = Folder::with(&[
        ("a.sql", "-- name: a$\n-- http: GET /a\nselect 1;\n"),
        ("jwt-key", "a secret that the tests and the server share"),
    ]);
    let key = folder.path().join("jwt-key");
    for command in ["check", "serve", "openapi"] {
        let refused = |variable: &str, expected: &str| {
            let mut program = peppercorn();
            program.arg(command).arg(folder.path());
            program.env("DATABASE_URL", database.url());
            program.env(
                variable,
                if variable == "PEPPERCORN_JWT_KEY" {
                    &key
                } else {
                    folder.path()
                },
            );
            let ended = run(&mut program);
            let expected = format!(
                "peppercorn: the {expected} {}: this program was built without tokens (its feature `auth`)\n",
                key.display()
            );
            assert_eq!(
                (ended.code, ended.stderr),
                (Some(78), expected),
                "{command}"
            );
        };
        refused("PEPPERCORN_JWT_KEY", "key");
        refused("CREDENTIALS_DIRECTORY", "credential");
    }
    folder.write(
        "b.sql",
        "-- name: b$\n-- http: GET /b\n-- auth: scope b\nselect 1;\n",
    );
    folder.write(
        "c.sql",
        "-- name: c$\n-- http: GET /c\n-- :c text in claim c\nselect :c;\n",
    );
    for command in ["check", "serve", "openapi"] {
        let mut program = peppercorn();
        program.arg(command).arg(folder.path());
        let ended = run(program.env("DATABASE_URL", database.url()));
        assert_eq!(ended.code, Some(65), "{command}: {ended:?}");
        for finding in [
            "b.sql:3:10: a scope is asked for",
            "c.sql:3:5: :c is the claim c",
        ] {
            assert!(ended.stderr.contains(finding), "{command}: {ended:?}");
        }
    }
}
