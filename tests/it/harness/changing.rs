//! Tables that change under statements that stay valid, and what makes connections forget their statements.

use super::witness::{Question, get, own, post, question};
use super::{Database, Server};

/// Endpoints that any of the [changes](change) leaves valid.
pub const API: &str = "
-- name: columns^
-- http: GET /columns/{id}
select :id::bigint as id, k, a from thing where k = 1;
-- name: all-columns^
-- http: GET /all-columns/{id}
select :id::bigint as id, * from thing where k = 1;
-- name: moods^
-- http: GET /moods/{id}
select :id::bigint as id, mood, pair from thing where k = 1;
-- name: snapshot^
-- http: GET /snapshots/{id}
-- tx: repeatable read
select * from thing;
select :id::bigint as id, k from thing where k = 1;
-- name: log<!
-- http: POST /log
insert into log (id, mood) values (:id, :mood) returning id;
-- name: log-both<!
-- http: POST /log-both
update thing set a = a + 1 where k = 2 returning *;
insert into log (id) values (:id) returning id;
-- name: forget!
-- http: GET /forget
deallocate all;
-- name: discard!
-- http: POST /discard
discard all;
";

pub const TABLES: &str = "
create type mood as enum ('sad', 'ok');
create type couple as (x int, y text);
create table thing (k int primary key, a int, mood mood, pair couple);
create table log (id bigint, mood mood);
insert into thing values (1, 10, 'ok', (1, 'one')), (2, 20, 'sad', (2, 'two'));
";

/// What is asked of them. A body that ends in `…` is the beginning of one.
pub const QUESTIONS: &[Question] = &[
    question(
        "columns",
        |id| get("columns", id),
        |id| (200, format!("{{\"id\":{id},\"k\":1,\"a\":10}}")),
    ),
    question(
        "log",
        |id| post("log", id, &format!("{{\"id\":{id},\"mood\":\"ok\"}}")),
        |id| (201, own(id)),
    ),
    question(
        "all-columns",
        |id| get("all-columns", id),
        |id| {
            (
                200,
                format!("{{\"id\":{id},\"k\":1,\"a\":10,\"mood\":\"ok\",…"),
            )
        },
    ),
    question(
        "moods",
        |id| get("moods", id),
        |id| {
            let pair = r#"{"x":1,"y":"one"}"#;
            (
                200,
                format!("{{\"id\":{id},\"mood\":\"ok\",\"pair\":{pair}}}"),
            )
        },
    ),
    question(
        "log-both",
        |id| post("log-both", id, &own(id)),
        |id| (201, own(id)),
    ),
    question(
        "snapshot",
        |id| get("snapshots", id),
        |id| (200, format!("{{\"id\":{id},\"k\":1}}")),
    ),
];

/// The tables' changes, in turn; `NEW` is a word that has not been there.
const CHANGES: &[&str] = &[
    "alter table thing add column b text default 'new'",
    "alter table thing alter column a type bigint",
    "alter table log add column b int",
    "alter type mood add value 'NEW'",
    "alter table thing drop column b",
    "alter table thing alter column a type int",
    "alter table log drop column b",
    "create index on thing (a); analyze thing",
    "alter table thing add column b mood default 'ok'; alter table thing drop column b",
];

/// The change of this number; every third has a connection of either kind forget its statements as well.
pub fn change(database: &Database, server: &Server, number: usize) {
    let change = CHANGES[number % CHANGES.len()];
    database.run(&change.replace("NEW", &format!("new {number}")));
    if number.is_multiple_of(3) {
        for request in ["GET /forget", "POST /discard"] {
            let (method, target) = request.split_once(' ').unwrap();
            server.send(method, target, "");
        }
    }
}
