//! Claims as parameters: what a token says, by name and by type.

use serde_json::{Value, json};

use crate::api_service::{Service, errors, problem, serve_guarded};
use crate::harness::Answer;

const SCHEMA: &str = "
    create type colour as enum ('red', 'green');
    create domain short as text check (length(value) < 5);
    create table note (id int primary key, owner uuid not null);
";

const ENDPOINTS: &str = "
-- name: claims^
-- http: GET /claims
-- :user_id uuid in claim sub
-- :org int in claim org.id
-- :app text in claim 'https://x/y' default 'none'
-- :nick text in claim nick default null max 5
-- :limit int in claim limit default 7 check 1..10
select :user_id as user_id, :org as org, :app as app, :nick as nick, :limit as limit, :said::text as said;

-- name: types^
-- http: POST /types
-- :whole jsonb in claim org default null
-- :roles text[] in claim roles default null
-- :days date[] in claim days default null
-- :level numeric in claim level default null check 0..9.5
-- :grown bool in claim grown default null
-- :colour colour in claim colour default null
-- :short short in claim short default null
-- :raw bytea in claim raw default null
select :whole as whole, :roles as roles, :days as days, :level as level, :grown as grown, :colour as colour,
       :short as short, :raw as raw;

-- name: add<!
-- http: POST /notes
-- :owner uuid in claim sub
insert into note values (:id, :owner) returning id;

-- name: add-all*!
-- http: PUT /notes
-- :owner uuid in claim sub
insert into note values (:id, :owner);

-- name: move!
-- http: PATCH /notes/{id}
-- :owner uuid in claim sub
select 1 from note where owner = :owner;
update note set id = :to where id = :id and owner = :owner;

-- name: delete!
-- http: DELETE /notes/{id}
-- :owner uuid in claim sub
delete from note where id = :id and owner = :owner;
";

const JANE: &str = "6f1a43b2-7c0e-4ba5-8c0d-1d1f6bb6c001";

fn service(name: &str) -> Service {
    serve_guarded(name, SCHEMA, ENDPOINTS, &[])
}

fn jane() -> String {
    json!({ "sub": JANE }).to_string()
}

/// The claims that `/claims` needs, with these in place of them or beside them.
fn claims(others: Value) -> String {
    let mut claims = json!({ "sub": JANE, "org": { "id": 5 } });
    let all = claims.as_object_mut().unwrap();
    all.extend(others.as_object().unwrap().clone());
    claims.to_string()
}

#[test]
fn claims_are_parameters() {
    let service = service("auth_sql_claims");
    let ask = |others: Value| service.ask_as(&claims(others), "GET /claims?said=x");
    let answered = |others: Value, expected: Value| {
        let answer = ask(others);
        let mut whole = json!({
            "user_id": JANE, "org": 5, "app": "none", "nick": null, "limit": 7, "said": "x"
        });
        let members = whole.as_object_mut().unwrap();
        members.extend(expected.as_object().unwrap().clone());
        assert_eq!((answer.status, answer.json()), (200, whole));
    };
    answered(json!({}), json!({}));
    answered(json!({"org": {"id": "6"}}), json!({"org": 6}));
    answered(json!({"org": {}, "org.id": 6}), json!({"org": 6}));
    answered(json!({"https://x/y": "shop"}), json!({"app": "shop"}));
    answered(json!({"https://x/y": 1.50}), json!({"app": "1.5"}));
    answered(json!({"https://x/y": ""}), json!({"app": ""}));
    answered(
        json!({"nick": "é'\"--", "limit": 10}),
        json!({"nick": "é'\"--", "limit": 10}),
    );
    // As if they were not there.
    answered(json!({"nick": null, "limit": null}), json!({}));
}

#[test]
fn a_claim_has_the_type_that_is_declared() {
    let service = service("auth_sql_types");
    let nothing = || {
        json!({
            "whole": null, "roles": null, "days": null, "level": null, "grown": null, "colour": null,
            "short": null, "raw": null
        })
    };
    for (claims, expected) in [
        ("{}", json!({})),
        (
            r#"{"org":{"id":[1,"a"]}}"#,
            json!({"whole": {"id": [1, "a"]}}),
        ),
        (r#"{"org":"text"}"#, json!({"whole": "text"})),
        (r#"{"org":7}"#, json!({"whole": 7})),
        (
            r#"{"roles":["a","b,c","{}","\"",null,"null"]}"#,
            json!({"roles": ["a", "b,c", "{}", "\"", null, "null"]}),
        ),
        (r#"{"roles":[]}"#, json!({"roles": []})),
        (r#"{"roles":"{a,b}"}"#, json!({"roles": ["a", "b"]})),
        (
            r#"{"days":["2018-07-24"]}"#,
            json!({"days": ["2018-07-24"]}),
        ),
        (r#"{"level":9.50}"#, json!({"level": 9.5})),
        (r#"{"level":"0"}"#, json!({"level": 0})),
        (r#"{"grown":true}"#, json!({"grown": true})),
        (r#"{"colour":"green"}"#, json!({"colour": "green"})),
        (r#"{"short":"abcd"}"#, json!({"short": "abcd"})),
        (r#"{"raw":"YWI="}"#, json!({"raw": "YWI="})),
    ] {
        let mut whole = nothing();
        let members = whole.as_object_mut().unwrap();
        members.extend(expected.as_object().unwrap().clone());
        let answer = service.ask_as(claims, "POST /types {}");
        assert_eq!((answer.status, answer.json()), (200, whole), "{claims}");
    }
    for (claims, wrong) in [
        (
            r#"{"roles":"a"}"#,
            "claim roles: malformed array literal: \"a\"",
        ),
        (
            r#"{"roles":{"a":1}}"#,
            "claim roles: malformed array literal: \"{\"a\":1}\"",
        ),
        (
            r#"{"roles":[{"a":1}]}"#,
            "claim roles: must be a list of strings",
        ),
        (
            r#"{"days":["x"]}"#,
            "claim days: invalid input syntax for type date: \"x\"",
        ),
        (r#"{"level":9.51}"#, "claim level: is not between 0 and 9.5"),
        (
            r#"{"level":"high"}"#,
            "claim level: invalid input syntax for type numeric: \"high\"",
        ),
        (
            r#"{"grown":"perhaps"}"#,
            "claim grown: invalid input syntax for type boolean: \"perhaps\"",
        ),
        (
            r#"{"colour":"blue"}"#,
            "claim colour: invalid input value for enum colour: \"blue\"",
        ),
        (r#"{"raw":"?"}"#, "claim raw: is not base64"),
    ] {
        let answer = service.ask_as(claims, "POST /types {}");
        assert_eq!(errors(&answer), [wrong], "{claims}");
    }
    problem(
        &service.ask_as(r#"{"short":"abcde"}"#, "POST /types {}"),
        422,
    );
}

/// No other request would do, only another token.
#[test]
fn a_claim_that_is_missing_is_forbidden_and_named() {
    let service = service("auth_sql_missing");
    let forbidden = |answer: &Answer, claim: &str| {
        let problem = problem(answer, 403);
        assert_eq!(problem["detail"], format!("the token has no claim {claim}"));
        assert_eq!(problem.get("errors"), None);
    };
    let get = "GET /claims?said=x";
    for (claims, claim) in [
        ("{}".to_owned(), "sub"),
        (jane(), "org.id"),
        (claims(json!({"org": 5})), "org.id"),
        (claims(json!({"org": {"id": null}})), "org.id"),
        (claims(json!({"org": {"ID": 5}})), "org.id"),
    ] {
        forbidden(&service.ask_as(&claims, get), claim);
    }
    // Before what is wrong with the request, and whatever it says.
    for request in [
        "GET /claims?nonsense=1",
        r#"POST /notes {"id":1,"owner":"x"}"#,
        r#"PUT /notes [{"id":1}]"#,
        "PUT /notes {",
        "DELETE /notes/x",
        r#"PATCH /notes/1 {"to":2}"#,
    ] {
        forbidden(&service.ask_as("{}", request), "sub");
    }
    let notes = service.database.ask("select count(*) from note");
    assert_eq!(notes.as_deref(), Some("0"));
}

#[test]
fn a_claim_that_is_wrong_is_named_as_the_token_calls_it() {
    let service = service("auth_sql_wrong");
    for (others, wrong) in [
        (
            json!({"sub": "jane"}),
            "claim sub: invalid input syntax for type uuid: \"jane\"",
        ),
        (
            json!({"org": {"id": "x"}}),
            "claim org.id: invalid input syntax for type integer: \"x\"",
        ),
        (
            json!({"org": {"id": 1.5}}),
            "claim org.id: invalid input syntax for type integer: \"1.5\"",
        ),
        (json!({"limit": 11}), "claim limit: is not between 1 and 10"),
        (
            json!({"nick": "abcdef"}),
            "claim nick: has more than 5 characters",
        ),
    ] {
        let answer = service.ask_as(&claims(others), "GET /claims?said=x");
        assert_eq!(errors(&answer), [wrong]);
    }
    // Together with all else that is wrong.
    let answer = service.ask_as(
        &claims(json!({"limit": 0, "nick": "abcdef"})),
        "GET /claims",
    );
    assert_eq!(errors(&answer).len(), 3, "{answer:?}");
    // In whichever statement it is, and in none of the list's objects.
    let sub = "claim sub: invalid input syntax for type uuid: \"jane\"";
    for request in [
        r#"POST /notes {"id":1}"#,
        r#"PUT /notes [{"id":1},{"id":2}]"#,
        r#"PATCH /notes/1 {"to":2}"#,
        "DELETE /notes/1",
    ] {
        assert_eq!(errors(&service.ask_as(r#"{"sub":"jane"}"#, request)), [sub]);
    }
    assert_eq!(
        errors(&service.ask_as(&jane(), r#"PATCH /notes/1 {"to":"x"}"#)),
        ["body to: invalid input syntax for type integer: \"x\""]
    );
}
