//! Row-level security by what a token says: each tenant sees and writes its own rows, on connections that are everybody's.

use serde_json::json;

use crate::api_service::{Service, guarded, problem};
use crate::harness::{Database, Tenants, database};

/// `cargo bench --bench tenants` asks far more.
#[test]
fn tenants_never_meet_on_connections_that_they_share() {
    for (name, connections) in [("auth_rows_one", "1"), ("auth_rows_four", "4")] {
        let tenants = Tenants::serve(database(name), &format!("{name}_login"), connections);
        let seen = tenants.ask(8, 3000);
        assert!(
            seen.mixed_up.is_empty(),
            "{} mixed up, as {}",
            seen.mixed_up.len(),
            seen.mixed_up[0]
        );
        assert_eq!(
            seen.answered + seen.given_up + seen.refused,
            3000,
            "{seen:?}"
        );
        assert!(seen.given_up > 30 && seen.answered > 2700, "{seen:?}");
        assert_eq!(tenants.written_by_others(), 0);
    }
}

/// What stands in the README between these words, as files and as a schema.
fn example(begin: &str) -> String {
    let readme = include_str!("../../README.md");
    let (_, section) = readme.split_once("## Who may ask").unwrap();
    let mut blocks = section.split("```sql\n").skip(1);
    let block = blocks.find(|block| block.starts_with(begin)).unwrap();
    block.split("```").next().unwrap().to_owned()
}

#[test]
fn the_example_of_the_readme_keeps_tenants_apart() {
    let database = database("auth_rows_readme");
    database
        .run("create role auth_rows_owner login; grant create on schema public to auth_rows_owner");
    let schema = example("create table note");
    database.run(&format!("set role auth_rows_owner; {schema}; reset role"));
    let anna = r#"{"tenant":"a","sub":"anna","scope":"notes:write"}"#;
    let ben = r#"{"tenant":"b","sub":"ben","scope":"notes:write"}"#;
    let service = served(database, "auth_rows_owner", &example("-- name: list-notes"));
    for (id, claims) in [(1, anna), (2, ben), (3, anna)] {
        let answer = service.ask_as(claims, r#"POST /notes {"said":"it"}"#);
        assert_eq!((answer.status, answer.json()), (201, json!({"id": id})));
    }
    let note = |id: u32, author: &str| json!({"id": id, "author": author, "said": "it"});
    let notes = |claims: &str| service.ask_as(claims, "GET /notes").json();
    assert_eq!(notes(anna), json!([note(1, "anna"), note(3, "anna")]));
    assert_eq!(notes(ben), json!([note(2, "ben")]));
    assert_eq!(notes(r#"{"sub":"anna"}"#), json!([]));
    let no_tenant = r#"{"sub":"anna","scope":"notes:write"}"#;
    let refused = service.ask_as(no_tenant, r#"POST /notes {"said":"it"}"#);
    assert_eq!(problem(&refused, 403)["code"], "42501");
    let unscoped = r#"{"tenant":"a","sub":"anna"}"#;
    problem(
        &service.ask_as(unscoped, r#"POST /notes {"said":"it"}"#),
        403,
    );
}

const ENDPOINTS: &str = "
-- name: notes$
-- http: GET /notes
select string_agg(said, ' and ' order by said) from note;

-- name: anybodys$
-- http: GET /anybodys
-- auth: public
select string_agg(said, ' and ' order by said) from note;

-- name: add!
-- http: POST /notes
insert into note values (:tenant, 'new');

-- name: give!
-- http: PATCH /notes
update note set tenant = :to;
";

const ANNA: &str = r#"{"tenant":"anna"}"#;

/// A note of each of two tenants, in a table of the role `owner` that a policy guards.
fn notes(name: &str, tenant: &str, force: bool) -> Database {
    let database = database(name);
    database.run(&format!(
        "create role {name}_owner login; create role {name}_other login; create role {name}_bypass login bypassrls;
         create table note (tenant text, said text);
         insert into note values ('anna', 'hers'), ('ben', 'his');
         alter table note enable row level security;
         create policy own on note using (tenant = ({tenant}));
         alter table note owner to {name}_owner;
         grant all on note to public"
    ));
    if force {
        database.run("alter table note force row level security");
    }
    database
}

const TENANT: &str = "nullif(current_setting('request.jwt.claims', true), '')::json ->> 'tenant'";

/// A server that logs in as this role, with one connection for reading and one for writing.
#[track_caller]
fn served(database: Database, role: &str, endpoints: &str) -> Service {
    let url = database.url_as(role);
    guarded(database, &url, endpoints, &["--db-connections", "1"])
}

#[test]
fn policies_are_for_whoever_does_not_bypass_them() {
    let (own, all) = ("\"hers\"", "\"hers and his\"");
    for (who, force, sees) in [
        ("other", false, own),
        ("other", true, own),
        ("owner", false, all),
        ("owner", true, own),
        ("bypass", true, all),
        ("superuser", true, all),
    ] {
        let name = format!("auth_rows_{who}_{force}");
        let database = notes(&name, TENANT, force);
        let role = match who {
            "superuser" => database.ask("select current_user").unwrap(),
            who => format!("{name}_{who}"),
        };
        let service = served(database, &role, ENDPOINTS);
        let answer = service.ask_as(ANNA, "GET /notes");
        assert_eq!((answer.status, answer.body.as_str()), (200, sees), "{role}");
    }
}

/// `using` without a `with check` is for what is written, too.
#[test]
fn nobody_writes_for_another() {
    let service = served(
        notes("auth_rows_write", TENANT, true),
        "auth_rows_write_owner",
        ENDPOINTS,
    );
    for request in [
        r#"POST /notes {"tenant":"ben"}"#,
        r#"PATCH /notes {"to":"ben"}"#,
    ] {
        let answer = service.ask_as(ANNA, request);
        assert_eq!(problem(&answer, 403)["code"], "42501", "{request}");
    }
    assert_eq!(
        service
            .ask_as(ANNA, r#"POST /notes {"tenant":"anna"}"#)
            .status,
        204
    );
    assert_eq!(service.ask_as(ANNA, "GET /notes").body, "\"hers and new\"");
    let all = "select string_agg(tenant || ' ' || said, ', ' order by tenant, said) from note";
    assert_eq!(
        service.database.ask(all).unwrap(),
        "anna hers, anna new, ben his"
    );
}

#[test]
fn what_was_told_once_is_empty_and_no_longer_null() {
    let bare = "current_setting('request.jwt.claims', true)::json ->> 'tenant'";
    for (name, tenant, after) in [
        ("auth_rows_empty", TENANT, 200),
        ("auth_rows_bare", bare, 400),
    ] {
        let service = served(
            notes(name, tenant, true),
            &format!("{name}_other"),
            ENDPOINTS,
        );
        let ask = || service.get("/anybodys");
        assert_eq!((ask().status, &*ask().body), (200, "null"));
        assert_eq!(service.ask_as(ANNA, "GET /notes").body, "\"hers\"");
        let answer = ask();
        assert_eq!(answer.status, after, "{answer:?}");
        match after {
            200 => assert_eq!(answer.body, "null"),
            _ => assert_eq!(problem(&answer, 400)["code"], "22P02"),
        }
    }
}
