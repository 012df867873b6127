//! What files say of tokens: findings where there is no key, and the API's description.

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::harness::{
    Database, Ended, Folder, SECRET, Server, database, peppercorn, poll, run, write_key,
};

/// `command` on a folder with this file, and with a key if it is to have one; its directory is left out of what it says.
#[track_caller]
fn told(command: &str, text: &str, has_key: bool, database: &Database) -> Ended {
    let folder = Folder::with(&[("a.sql", text)]);
    let mut program = peppercorn();
    program
        .arg(command)
        .arg(folder.path())
        .env("DATABASE_URL", database.url());
    if has_key {
        program.args(["--jwt-key", &write_key(&folder, SECRET)]);
    }
    let mut ended = run(&mut program);
    let directory = format!("{}/", folder.path().display());
    ended.stderr = ended.stderr.replace(&directory, "");
    ended
}

const NO_KEY: &str = "name the file of the key that tokens are signed with in --jwt-key";

const SCHEMA: &str = "create table note (id int, owner uuid)";

/// To serve these would be to serve them to anybody.
#[test]
fn what_asks_something_of_tokens_is_not_served_without_a_key() {
    let database = database("auth_files_key");
    database.run(SCHEMA);
    let no_key = "and there is no key to verify tokens with";
    for (text, place) in [
        (
            "-- name: a\n-- http: GET /a\n-- An endpoint.\n-- auth: scope read write\nselect 1 as one;\n",
            "a.sql:4:10: a scope is asked for",
        ),
        (
            "-- name: a\n-- http: GET /a\n-- An endpoint.\n-- :user uuid in claim sub\nselect :user as one;\n",
            "a.sql:4:5: :user is the claim sub",
        ),
        (
            "-- name: a*!\n-- http: POST /a\n-- :to uuid in claim 'https://x/y' default null\n\
             insert into note values (:id, :to);\n",
            "a.sql:3:5: :to is the claim https://x/y",
        ),
    ] {
        for command in ["check", "serve", "openapi"] {
            let ended = told(command, text, false, &database);
            assert_eq!(ended.code, Some(65), "{command}: {ended:?}");
            assert_eq!(ended.stdout, "", "{command}");
            let finding = format!("{place}, {no_key}\n    hint: {NO_KEY}\n");
            assert_eq!(ended.stderr, finding, "{command}");
        }
        let ended = told("check", text, true, &database);
        assert_eq!(ended.code, Some(0), "{ended:?}");
    }
    // All of them at once, beside what else is wrong.
    let text = "-- name: a\n-- http: GET /a\n-- auth: scope read\n-- :x int in claim x\nselect :x as x;\n\
                -- name: b\n-- http: GET /b\n-- :y int in claim y\nselect :y as y, nothing;\n";
    let ended = told("check", text, false, &database);
    let places = ["a.sql:3:10: a scope", "a.sql:4:5: :x", "a.sql:9:17: column"];
    let found = ended.stderr.lines();
    let found: Vec<&str> = found.filter(|line| line.starts_with("a.sql")).collect();
    assert_eq!(found.len(), places.len(), "{ended:?}");
    let mut pairs = found.iter().zip(places);
    assert!(
        pairs.all(|(found, place)| found.starts_with(place)),
        "{ended:?}"
    );
}

/// With a key and without.
#[test]
fn a_public_endpoint_has_no_claims() {
    let database = database("auth_files_public");
    let public =
        |more: &str| format!("-- name: a\n-- http: GET /a\n-- One.\n-- auth: public\n{more}");
    let text = public("-- :user int in claim sub\nselect :user as user;\n");
    for has_key in [false, true] {
        let ended = told("check", &text, has_key, &database);
        let finding = "a.sql:5:5: :user is a claim, and who may ask without a token has none\n    \
                       hint: leave out `-- auth: public`\n";
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(65), finding));
        let ended = told("check", &public("select 1 as one;\n"), has_key, &database);
        assert_eq!(ended.code, Some(0), "{ended:?}");
    }
}

#[test]
fn a_reload_without_a_key_does_not_open_what_asks_for_a_token() {
    let database = database("auth_files_reload");
    let one = "-- name: one$\n-- http: GET /one\nselect 1;\n";
    let folder = Folder::with(&[("a.sql", one)]);
    let server = Server::start(folder.path(), &database, &[]).ready();
    let two = "-- name: two$\n-- http: GET /two\n-- auth: scope two\nselect 2;\n";
    folder.write("b.sql", two);
    server.signal(Signal::HUP);
    let finding = "b.sql:3:10: a scope is asked for, and there is no key";
    poll("a refusal", || server.log().contains(finding).then_some(()));
    assert_eq!(server.get("/two").status, 404);
    assert_eq!(server.get("/one").body, "1");
}

#[test]
fn what_a_cache_would_give_away_is_doubtful() {
    let database = database("auth_files_cache");
    for (auth, cache, has_key, is_doubtful) in [
        ("", "public, max-age=60", true, true),
        ("-- auth: scope a\n", "max-age=60, public", true, true),
        ("-- auth: public\n", "public, max-age=60", true, false),
        ("", "private, max-age=60", true, false),
        ("", "public, max-age=60", false, false),
    ] {
        let text = format!(
            "-- name: a\n-- http: GET /a\n-- One.\n{auth}-- cache: {cache}\nselect 1 as one;\n"
        );
        let ended = told("check", &text, has_key, &database);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let warning = "warning: a public cache would give this answer to who has no token";
        assert_eq!(
            ended.stderr.contains(warning),
            is_doubtful,
            "{text}{ended:?}"
        );
    }
}

const API: &str = "
-- name: any
-- http: GET /any
select 1 as one;
-- name: open
-- http: GET /open
-- auth: public
select 1 as one;
-- name: scoped!
-- http: DELETE /scoped
-- auth: scope a b:c
delete from note;
-- name: mine<!
-- http: POST /mine
-- :owner uuid in claim sub
insert into note values (:id, :owner) returning id;
-- name: mine-only!
-- http: PUT /mine
-- :owner uuid in claim sub
-- :more text in claim more default null
delete from note where owner = :owner and :more is null;
";

#[test]
fn the_document_says_who_may_ask() {
    let database = database("auth_files_openapi");
    database.run(SCHEMA);
    let ended = told("openapi", API, true, &database);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let document: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(
        document["components"]["securitySchemes"],
        json!({"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}})
    );
    assert_eq!(document.get("security"), None);
    for (path, method, security) in [
        ("/any", "get", json!([{"bearer": []}])),
        ("/open", "get", json!([])),
        ("/scoped", "delete", json!([{"bearer": ["a", "b:c"]}])),
        ("/mine", "post", json!([{"bearer": []}])),
        ("/mine", "put", json!([{"bearer": []}])),
    ] {
        let operation = &document["paths"][path][method];
        assert_eq!(operation["security"], security, "{method} {path}");
        for (status, name) in [("401", "Unauthorized"), ("403", "Forbidden")] {
            let reference = json!({"$ref": format!("#/components/responses/{name}")});
            let told = operation["responses"].get(status);
            let expected = (path != "/open").then_some(&reference);
            assert_eq!(told, expected, "{method} {path}: {status}");
            let response = &document["components"]["responses"][name];
            assert!(response["headers"]["WWW-Authenticate"].is_object());
        }
        // What the token says is nothing that a client fills in.
        assert_eq!(operation.get("parameters"), None, "{method} {path}");
    }
    let names = |method: &str| {
        let content = &document["paths"]["/mine"][method]["requestBody"]["content"];
        let properties = &content["application/json"]["schema"]["properties"];
        let properties = properties.as_object().cloned().unwrap_or_default();
        properties.into_iter().map(|(name, _)| name).collect()
    };
    let (post, put): (Vec<String>, Vec<String>) = (names("post"), names("put"));
    assert_eq!((post, put), (vec!["id".to_owned()], vec![]));
}

#[test]
fn without_a_key_the_document_has_nothing_of_tokens() {
    let database = database("auth_files_no_key");
    let text = "-- name: any\n-- http: GET /any\nselect 1 as one;\n\
                -- name: open\n-- http: GET /open\n-- auth: public\nselect 1 as one;\n";
    let ended = told("openapi", text, false, &database);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    for word in [
        "security",
        "bearer",
        "\"401\"",
        "\"403\"",
        "Unauthorized",
        "Forbidden",
    ] {
        assert!(!ended.stdout.contains(word), "{word}: {}", ended.stdout);
    }
}
