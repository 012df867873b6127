//! Tokens and SQL endpoints: who is let in, and who says so.

use serde_json::json;

use crate::api_service::{Service, errors, problem, serve_guarded};
use crate::harness::bearer;

const SCHEMA: &str = "
    create table note (id int primary key, owner uuid not null, said text);
";

const ENDPOINTS: &str = "
-- name: notes
-- http: GET /notes
select id, said from note order by id;

-- name: note^
-- http: GET /notes/{id}
select said from note where id = :id;

-- name: add-note<!
-- http: POST /notes
-- :owner uuid in claim sub
insert into note values (:id, :owner, :said) returning id, owner;

-- name: add-notes*!
-- http: PUT /notes
-- :owner uuid in claim sub
-- :said text default 'bulk'
insert into note values (:id, :owner, :said);

-- name: move!
-- http: PATCH /notes/{id}
-- :owner uuid in claim sub
select 1 from note where owner = :owner;
update note set id = :to where id = :id and owner = :owner;

-- name: delete-note!
-- http: DELETE /notes/{id}
-- :owner uuid in claim sub
delete from note where id = :id and owner = :owner;

-- name: count$
-- http: GET /count
-- auth: public
select count(*) from note;

-- name: clear!
-- http: DELETE /notes
-- auth: public
delete from note;

-- name: one-scope$
-- http: GET /scopes/one
-- auth: scope notes:read
select 1;

-- name: two-scopes!
-- http: POST /scopes/two
-- auth: scope notes:read notes:write
delete from note where id = :id;

";

const JANE: &str = "6f1a43b2-7c0e-4ba5-8c0d-1d1f6bb6c001";

fn service(name: &str) -> Service {
    serve_guarded(name, SCHEMA, ENDPOINTS, &[])
}

fn jane() -> String {
    json!({ "sub": JANE }).to_string()
}

#[test]
fn each_endpoint_asks_for_a_token_unless_it_is_public() {
    let service = service("auth_sql_door");
    let requests = [
        (r#"POST /notes {"id":1,"said":"a"}"#, 201),
        (r#"PUT /notes [{"id":2},{"id":3}]"#, 200),
        (r#"PATCH /notes/3 {"to":4}"#, 204),
        ("GET /notes", 200),
        ("HEAD /notes", 200),
        ("GET /notes/1", 200),
        ("GET /notes/9", 404),
        ("DELETE /notes/2", 204),
    ];
    for (request, status) in requests {
        let refused = service.ask(request);
        assert_eq!(refused.status, 401, "{request}");
        assert_eq!(refused.header("www-authenticate"), Some("Bearer"));
        let answer = service.ask_as(&jane(), request);
        assert_eq!(answer.status, status, "{request}: {answer:?}");
        assert_eq!(answer.header("www-authenticate"), None);
    }
    assert_eq!(
        service.ask_as(&jane(), "GET /notes").json(),
        json!([{"id": 1, "said": "a"}, {"id": 4, "said": "bulk"}])
    );
    // Who asks a public one shows no token, or any: nobody looks.
    let shown = ["Bearer x", "Basic amFuZTpzZWNyZXQ=", &bearer(&jane())];
    for value in shown {
        let answer = service.ask_with("GET /count", &[("Authorization", value)]);
        assert_eq!((answer.status, answer.body.as_str()), (200, "2"), "{value}");
    }
    assert_eq!(service.get("/count").body, "2");
    assert_eq!(service.ask("DELETE /notes").status, 204);
    assert_eq!(service.get("/count").body, "0");
    // What there is, and how it may be asked for, is no secret: a preflight has no token.
    assert_eq!(service.get("/nothing").status, 404);
    assert_eq!(service.ask("PATCH /notes").status, 405);
    assert_eq!(service.ask("OPTIONS /notes").status, 204);
}

#[test]
fn all_scopes_of_an_endpoint_are_needed() {
    let service = service("auth_sql_scopes");
    let (one, two) = ("GET /scopes/one", r#"POST /scopes/two {"id":1}"#);
    for (claims, lets_in) in [
        (r#"{"scope":"notes:read"}"#, [true, false]),
        (r#"{"scope":"notes:write"}"#, [false, false]),
        (r#"{"scope":"notes:write x notes:read"}"#, [true, true]),
        (r#"{"scp":["notes:write","notes:read"]}"#, [true, true]),
        (r#"{"scope":"notes:reads notes:write"}"#, [false, false]),
        (r#"{"sub":"notes:read notes:write"}"#, [false, false]),
    ] {
        let needed = ["notes:read", "notes:read notes:write"];
        for ((request, let_in), needed) in [one, two].into_iter().zip(lets_in).zip(needed) {
            let answer = service.ask_as(claims, request);
            if let_in {
                assert!(answer.status < 300, "{claims}: {answer:?}");
                continue;
            }
            let detail = &problem(&answer, 403)["detail"];
            assert_eq!(*detail, format!("the token must have the scope {needed}"));
            let challenge = format!("Bearer error=\"insufficient_scope\", scope=\"{needed}\"");
            let told = answer.header("www-authenticate");
            assert_eq!(told, Some(&*challenge), "{claims}");
        }
    }
    // Before anything else is looked at.
    assert_eq!(service.ask("POST /scopes/two {").status, 401);
    assert_eq!(service.ask_as("{}", "POST /scopes/two {").status, 403);
}

#[test]
fn a_claim_is_read_from_the_token_and_nowhere_else() {
    let service = service("auth_sql_elsewhere");
    let token = bearer(&jane());
    let unknown = |request: &str, expected: &str| {
        let answer = service.ask_as(&jane(), request);
        let errors = errors(&answer);
        assert!(errors[0].starts_with(expected), "{request}: {errors:?}");
    };
    let other = "00000000-0000-0000-0000-000000000000";
    for name in ["owner", "sub"] {
        unknown(
            &format!(r#"POST /notes {{"id":1,"said":"a","{name}":"{other}"}}"#),
            &format!("body {name}: is not known"),
        );
        unknown(
            &format!(r#"POST /notes?{name}={other} {{"id":1,"said":"a"}}"#),
            &format!("query {name}: is not known"),
        );
        unknown(
            &format!(r#"PUT /notes [{{"id":1,"{name}":"{other}"}}]"#),
            &format!("body [0].{name}: is not known"),
        );
        unknown(
            &format!("DELETE /notes/1?{name}={other}"),
            &format!("query {name}: is not known"),
        );
    }
    let form = format!("id=1&said=a&owner={other}");
    let fields = [
        ("Authorization", &*token),
        ("Content-Type", "application/x-www-form-urlencoded"),
    ];
    let answer = service.ask_with(&format!("POST /notes {form}"), &fields);
    assert!(errors(&answer)[0].starts_with("body owner: is not known"));
    // Headers of such names are nothing to it.
    let fields = [
        ("Authorization", &*token),
        ("Content-Type", "application/json"),
        ("owner", other),
        ("sub", other),
        ("X-Claim-Sub", other),
        ("request.jwt.claims", "{}"),
    ];
    let answer = service.ask_with(r#"POST /notes {"id":1,"said":"a"}"#, &fields);
    assert_eq!(
        (answer.status, answer.json()),
        (201, json!({"id": 1, "owner": JANE}))
    );
}
