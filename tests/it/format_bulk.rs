//! `*!`: a list of objects in the body, all of them written or none.

use serde_json::json;

use crate::api_service::{Service, errors, problem, serve, serve_with};

const SCHEMA: &str = "
    create table book (
      id int primary key,
      shop int not null,
      title text not null,
      price numeric check (price >= 0)
    );
";

const ENDPOINTS: &str = "
-- name: add*!
-- http: POST /shops/{shop}/books
-- :title text max 20
-- :price numeric default null check ..1000
insert into book (id, shop, title, price) values (:id, :shop, :title, :price);
-- name: put*!
-- http: PUT /books
-- returns: 202
-- :shop int in header X-Shop default 7
-- :note text in query default ''
insert into book (id, shop, title) values (:id, :shop, :note || :title)
on conflict (id) do update set title = excluded.title;
-- name: raise*!
-- http: PATCH /prices
update book set price = coalesce(price, 0) + :by::int where shop = :shop;
-- name: touch*!
-- http: POST /touches
update book set title = title;
-- name: books
-- http: GET /books
select id, shop, title, price from book order by id;
-- name: ids$
-- http: GET /ids
select array_agg(id order by id) from book;
";

/// With the books 1 and 2 in shop 1.
fn service(name: &str) -> Service {
    let rows = "insert into book values (1, 1, 'one', 1.50), (2, 1, 'two', null)";
    serve(name, &format!("{SCHEMA}; {rows}"), ENDPOINTS)
}

/// That nothing has changed.
#[track_caller]
fn untouched(service: &Service) {
    assert_eq!(service.get("/ids").body, "[1,2]");
}

#[test]
fn what_all_objects_affect_is_added_up() {
    let service = service("format_bulk_sum");
    let list =
        r#"[{"id":3,"title":"drei"},{"id":4,"title":"vier","price":4.00},{"id":5,"title":"fünf"}]"#;
    let answer = service.post("/shops/2/books", list);
    assert_eq!(
        (answer.status, answer.body.as_str()),
        (200, r#"{"affected":3}"#)
    );
    assert_eq!(answer.header("content-type"), Some("application/json"));
    // Two books, three books, none.
    let answer = service.ask(
        r#"PATCH /prices [{"shop":1,"by":1},{"by":2,"shop":2},{"shop":3,"by":1},{"shop":2,"by":1}]"#,
    );
    assert_eq!(answer.body, r#"{"affected":8}"#);
    let prices = |id: usize| service.get("/books").json()[id - 1]["price"].clone();
    assert_eq!(
        (prices(1), prices(2), prices(3), prices(4)),
        (json!(2.50), json!(1), json!(3), json!(7.00))
    );
    // None of the parameters is the object's: each runs the statement all the same.
    assert_eq!(
        service.post("/touches", "[{},{},{}]").body,
        r#"{"affected":15}"#
    );
}

#[test]
fn an_empty_list_is_nothing_to_do() {
    let service = service("format_bulk_empty");
    for list in ["[]", " [ ]\r\n"] {
        let answer = service.post("/shops/2/books", list);
        assert_eq!(
            (answer.status, answer.body.as_str()),
            (200, r#"{"affected":0}"#)
        );
    }
    // What is beside the list is looked at all the same.
    let answer = service.post("/shops/x/books?y=1", "[]");
    assert_eq!(
        errors(&answer),
        ["query y: is not known; there are no parameters here"]
    );
    untouched(&service);
}

#[test]
fn what_is_beside_the_list_is_the_same_for_all() {
    let service = service("format_bulk_shared");
    let list = r#"PUT /books?note=new%20 [{"id":2,"title":"zwei"},{"id":3,"title":"drei"}]"#;
    let answer = service.ask_with(list, &[("X-Shop", "9")]);
    assert_eq!(
        (answer.status, answer.body.as_str()),
        (202, r#"{"affected":2}"#)
    );
    let answer = service.ask(r#"PUT /books [{"id":4,"title":"vier"}]"#);
    assert_eq!(answer.body, r#"{"affected":1}"#);
    let rows = service.get("/books").json();
    assert_eq!(
        (&rows[1]["shop"], &rows[1]["title"]),
        (&json!(1), &json!("new zwei"))
    );
    assert_eq!(
        (&rows[2]["shop"], &rows[2]["title"]),
        (&json!(9), &json!("new drei"))
    );
    assert_eq!(
        (&rows[3]["shop"], &rows[3]["title"]),
        (&json!(7), &json!("vier"))
    );
    // What is wrong with them is said once; and nowhere else are they read.
    let list = r#"PUT /books?nte=x [{"id":5,"title":"a"},{"id":6,"title":"b"}]"#;
    assert_eq!(
        errors(&service.ask(list)),
        ["query nte: is not known; did you mean note?"]
    );
    let list = r#"PUT /books [{"id":5,"title":"a","shop":1}]"#;
    assert_eq!(errors(&service.ask(list)), ["body [0].shop: is not known"]);
}

#[test]
fn what_is_wrong_with_an_object_is_said_with_its_place() {
    let service = service("format_bulk_invalid");
    let bad = |list: &str| errors(&service.post("/shops/2/books", list));
    assert_eq!(
        bad(r#"[{"id":3,"title":"ok"},{"id":4,"title":"ok"},{"id":5,"title":7}]"#),
        ["body [2].title: must be a string"]
    );
    assert_eq!(
        bad(
            r#"[{"title":"no id"},{"id":null,"titel":"x"},{"id":5,"title":"a","id":6,"price":1000.5}]"#
        ),
        [
            "body [0].id: is missing",
            "body [1].titel: is not known; did you mean title?",
            "body [1].id: must not be null",
            "body [1].title: is missing",
            "body [2].id: is given twice",
            "body [2].price: is more than 1000"
        ]
    );
    assert_eq!(
        bad(r#"[{"id":3,"title":"more than twenty characters"}]"#),
        ["body [0].title: has more than 20 characters"]
    );
    // A long list of bad objects is not answered with a longer one.
    let many = vec!["{}"; 5000].join(",");
    assert_eq!(bad(&format!("[{many}]")).len(), 100);
    untouched(&service);
}

#[test]
fn what_is_no_list_of_objects_is_refused() {
    let service = service("format_bulk_no_list");
    for body in ["{}", "1", "\"[]\"", "null", ""] {
        let answer = service.post("/shops/2/books", body);
        let detail = problem(&answer, 400)["detail"].clone();
        assert_eq!(
            detail, "the body must be a list of JSON objects, such as [{\"name\": \"value\"}]",
            "{body}"
        );
    }
    for (body, element) in [
        ("[1]", 0),
        ("[[]]", 0),
        (r#"[{"id":3,"title":"a"},null]"#, 1),
        (r#"[{"id":3,"title":"a"},{"id":4,"title":"b"},"{}"]"#, 2),
    ] {
        let answer = service.post("/shops/2/books", body);
        let detail = problem(&answer, 400)["detail"].clone();
        assert_eq!(
            detail,
            format!("element {element} of the list is no object")
        );
    }
    for body in [
        "[{\"id\":3,\"title\":\"a\"}",
        "[{\"id\":3,\"title\":\"a\"}] x",
        "[{\"id\":3,\"title\":\"a\"},]",
        "[{\"id\":3,\"title\":\"a}]",
    ] {
        let answer = service.post("/shops/2/books", body);
        let detail = problem(&answer, 400)["detail"].clone();
        let begin = "the body is not valid JSON: ";
        assert!(detail.as_str().unwrap().starts_with(begin), "{detail}");
    }
    for kind in ["application/x-www-form-urlencoded", "text/csv"] {
        let list = r#"POST /shops/2/books [{"id":3,"title":"a"}]"#;
        let answer = service.ask_with(list, &[("Content-Type", kind)]);
        let detail = problem(&answer, 415)["detail"].clone();
        assert_eq!(
            detail,
            format!("{kind} is not read here; send application/json")
        );
    }
    untouched(&service);
}

#[test]
fn one_object_that_postgresql_refuses_undoes_all() {
    let service = service("format_bulk_undone");
    for (list, status, code, detail) in [
        (
            r#"[{"id":3,"title":"a"},{"id":4,"title":"b"},{"id":1,"title":"c"},{"id":5,"title":"d"}]"#,
            409,
            "23505",
            "object 2 of the list: Key (id)=(1) already exists",
        ),
        (
            r#"[{"id":2,"title":"a"},{"id":4,"title":"b"}]"#,
            409,
            "23505",
            "object 0 of the list: Key (id)=(2) already exists",
        ),
        (
            r#"[{"id":2,"title":"a"}]"#,
            409,
            "23505",
            "object 0 of the list: Key (id)=(2) already exists",
        ),
        (
            r#"[{"id":3,"title":"a"},{"id":4,"title":"b","price":-1}]"#,
            422,
            "23514",
            "object 1 of the list: a value violates the check book_price_check",
        ),
        (
            r#"[{"id":3,"title":"a"},{"id":"4x","title":"b"}]"#,
            400,
            "22P02",
            "object 1 of the list: invalid input syntax for type integer: \"4x\"",
        ),
        // The last of many: those before have been sent already.
        (
            &format!(
                "[{},{{\"id\":1,\"title\":\"last\"}}]",
                (10..510)
                    .map(|id| format!("{{\"id\":{id},\"title\":\"a\"}}"))
                    .collect::<Vec<_>>()
                    .join(",")
            ),
            409,
            "23505",
            "object 500 of the list: Key (id)=(1) already exists",
        ),
    ] {
        let answer = service.post("/shops/2/books", list);
        let problem = problem(&answer, status);
        assert_eq!(problem["code"], code, "{list}");
        assert_eq!(problem["detail"], detail, "{list}");
        untouched(&service);
    }
    // Which of its properties it was is said as well.
    let answer = service.post(
        "/shops/2/books",
        r#"[{"id":3,"title":"a"},{"id":"4x","title":"b"}]"#,
    );
    assert_eq!(
        errors(&answer),
        ["body [1].id: invalid input syntax for type integer: \"4x\""]
    );
    service.await_idle();
}

#[test]
fn a_list_of_many_thousands_is_one_request() {
    let options = ["--max-body", "2MiB"];
    let service = serve_with("format_bulk_many", SCHEMA, ENDPOINTS, &options);
    let objects = (1..=20_000).map(|id| format!("{{\"id\":{id},\"title\":\"{id}\"}}"));
    let list = objects.collect::<Vec<_>>().join(",");
    let answer = service.post("/shops/2/books", &format!("[{list}]"));
    assert_eq!(answer.body, r#"{"affected":20000}"#);
    let count = "select count(*) || ' ' || sum(title::int) from book where shop = 2";
    assert_eq!(
        service.database.ask(count).as_deref(),
        Some("20000 200010000")
    );
}

#[test]
fn a_list_whose_client_leaves_is_not_written() {
    let service = service("format_bulk_left");
    let locker = service.database.another_client();
    crate::harness::block_on(
        locker.batch_execute("begin; insert into book values (5, 1, 'mine', null)"),
    )
    .unwrap();
    // The third object waits to learn what becomes of that row.
    let list =
        r#"[{"id":3,"title":"a"},{"id":4,"title":"b"},{"id":5,"title":"c"},{"id":6,"title":"d"}]"#;
    let mut client = service.connect();
    client.send(format!(
        "POST /shops/2/books HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{list}",
        list.len()
    ));
    service.await_blocked();
    client.reset();
    let blocked = "select 1 from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'";
    crate::harness::poll("the query to be cancelled", || {
        service.database.ask(blocked).is_none().then_some(())
    });
    crate::harness::block_on(locker.batch_execute("rollback")).unwrap();
    service.await_idle();
    untouched(&service);
    assert_eq!(
        service.post("/shops/2/books", list).body,
        r#"{"affected":4}"#
    );
}
