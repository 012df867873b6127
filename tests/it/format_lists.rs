//! Lists as the client would have them: JSON, CSV, NDJSON.

use std::io::Read;

use crate::api_service::{Service, problem, serve};
use crate::harness::Folder;

const SCHEMA: &str = r#"
    create type pair as (x int, y text);
    create table odd (
      id int primary key, text text, number numeric, flag bool, at timestamptz, bytes bytea,
      list text[], document jsonb, pair pair
    );
    insert into odd values
      (1, 'plain', 1.50, true, '2018-07-24 00:19:00+00', '\x00ff', '{a,NULL,"b c"}', '{"a": [1, "x"]}', '(1,"y, z")'),
      (2, '', 0, false, null, '', '{}', '"text"', null),
      (3, null, null, null, null, null, null, null, null),
      (4, 'a,b', -1, true, 'infinity', null, '{"say \"x\"",","}', 'null', null),
      (5, 'say "x"', 'NaN', null, null, null, null, '1.0', null),
      (6, E'line\nline\r\nline', 1e20, null, null, null, null, '[]', null),
      (7, E' space\t; \\ ''é € 😀', 0.000001, null, null, null, null, null, null);
"#;

const ENDPOINTS: &str = "
-- name: odd
-- http: GET /odd
-- :from int default 1
select * from odd where id >= :from order by id;

-- name: names
-- http: GET /names
select id as \"a,b\", text as \"say \"\"x\"\"\", count(*) over () as _total, number as \"n!\"
from odd where id = :id order by id;

-- name: texts
-- http: GET /texts
-- returns: text/csv
select text from odd order by id;

-- name: lines
-- http: POST /lines
-- returns: 201 application/x-ndjson
insert into odd (id, text) select n, 'new' from generate_series(101, 100 + :n::int) as n returning id, text;

-- name: one^
-- http: GET /odd/{id}
select id, text from odd where id = :id;

-- name: many
-- http: GET /many
select n, repeat('x', 100) || ',' as text, count(*) over () as _total from generate_series(1, :n::int) as n;

-- name: failing
-- http: GET /failing
select n, 1 / (n - 50000) as quotient, repeat('x', 100) as text from generate_series(1, 100000) as n;
";

fn service(name: &str) -> Service {
    serve(name, SCHEMA, ENDPOINTS)
}

const CSV: (&str, &str) = ("Accept", "text/csv");
const NDJSON: (&str, &str) = ("Accept", "application/x-ndjson");

#[test]
fn csv_is_what_spreadsheets_and_copy_read() {
    let service = service("format_lists_csv");
    let answer = service.ask_with("GET /odd", &[CSV]);
    let want = [
        "id,text,number,flag,at,bytes,list,document,pair",
        r#"1,plain,1.50,true,2018-07-24T00:19:00+00:00,AP8=,"[""a"",null,""b c""]","{""a"": [1, ""x""]}","{""x"":1,""y"":""y, z""}""#,
        r#"2,"",0,false,,"",[],text,"#,
        "3,,,,,,,,",
        r#"4,"a,b",-1,true,infinity,,"[""say \""x\"""","",""]",null,"#,
        r#"5,"say ""x""",NaN,,,,,1.0,"#,
        "6,\"line\nline\r\nline\",100000000000000000000,,,,,[],",
        "7, space\t; \\ 'é € 😀,0.000001,,,,,,",
        "",
    ];
    assert_eq!(answer.body, want.join("\r\n"));
    assert_eq!(
        answer.header("content-type"),
        Some("text/csv; charset=utf-8")
    );
    assert_eq!(answer.header("vary"), Some("Accept"));
    // What PostgreSQL reads of it is what there was, and whether there was any.
    let folder = Folder::with(&[("texts.csv", &service.get("/texts").body)]);
    service.database.run(&format!(
        "create table back (n int generated always as identity, text text);
         copy back (text) from '{}/texts.csv' (format csv, header)",
        folder.path().display()
    ));
    let same = "select count(*) from back join odd on n = id where back.text is not distinct from odd.text";
    assert_eq!(service.database.ask(same).as_deref(), Some("7"));
}

#[test]
fn names_of_columns_are_in_the_first_line_even_of_an_empty_list() {
    let service = service("format_lists_names");
    let header = "\"a,b\",\"say \"\"x\"\"\",n";
    let answer = service.ask_with("GET /names?id=1", &[CSV]);
    assert_eq!(answer.body, format!("{header}\r\n1,plain,1.50\r\n"));
    assert_eq!(answer.header("x-total-count"), Some("1"));
    let answer = service.ask_with("GET /names?id=9", &[CSV]);
    assert_eq!((answer.status, answer.body), (200, format!("{header}\r\n")));
    let answer = service.ask_with("GET /names?id=9", &[NDJSON]);
    assert_eq!((answer.status, answer.body.as_str()), (200, ""));
    assert_eq!(answer.header("content-type"), Some("application/x-ndjson"));
    assert_eq!(service.get("/names?id=9").body, "[]");
}

#[test]
fn ndjson_is_an_object_a_line() {
    let service = service("format_lists_ndjson");
    let answer = service.ask_with("GET /odd", &[NDJSON]);
    assert_eq!(answer.header("content-type"), Some("application/x-ndjson"));
    assert!(answer.body.ends_with("}\n"));
    let lines: Vec<serde_json::Value> = (answer.body.lines())
        .map(|line| serde_json::from_str(line).expect("an object"))
        .collect();
    assert_eq!(serde_json::Value::Array(lines), service.get("/odd").json());
    let answer = service.post("/lines", r#"{"n":2}"#);
    assert_eq!(
        (answer.status, answer.body.as_str()),
        (
            201,
            "{\"id\":101,\"text\":\"new\"}\n{\"id\":102,\"text\":\"new\"}\n"
        )
    );
}

#[test]
fn the_client_chooses_what_a_list_is_made_as() {
    let service = service("format_lists_accept");
    let json = "application/json";
    for (accept, want) in [
        (&["text/csv"][..], "text/csv; charset=utf-8"),
        (
            &["application/x-ndjson;q=0.9, text/csv;q=0.8, application/json;q=0.1"],
            "application/x-ndjson",
        ),
        (&["text/csv;q=0.2", "application/json;q=0.3"], json),
        (&["text/html,application/xhtml+xml,*/*;q=0.8"], json),
        (&["application/json;q=0, text/*"], "text/csv; charset=utf-8"),
        // There is nothing that it takes: JSON helps more than a refusal.
        (&["image/png"], json),
        (&[""], json),
        (&[], json),
    ] {
        let fields: Vec<_> = accept.iter().map(|value| ("Accept", *value)).collect();
        let answer = service.ask_with("GET /odd", &fields);
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("content-type"), Some(want), "{accept:?}");
        assert_eq!(answer.header("vary"), Some("Accept"), "{accept:?}");
    }
    // Not an object, nor what went wrong.
    let answer = service.ask_with("GET /odd/1", &[CSV]);
    assert_eq!(
        (answer.body.as_str(), answer.header("vary")),
        (r#"{"id":1,"text":"plain"}"#, None)
    );
    problem(&service.ask_with("GET /odd?from=x", &[CSV]), 400);
    // HEAD is told the same.
    let head = service.ask_with("HEAD /odd", &[CSV]);
    let get = service.ask_with("GET /odd", &[CSV]);
    for name in ["content-type", "content-length", "vary"] {
        assert_eq!(head.header(name), get.header(name), "{name}");
    }
}

/// Far more than is held at once.
#[test]
fn large_lists_are_sent_while_they_arrive() {
    let service = service("format_lists_large");
    let text = "x".repeat(100) + ",";
    let mut connection = service.connect();
    for (n, streamed) in [(1000, false), (30_000, true)] {
        let target = format!("/many?n={n}");
        let csv = connection.request("GET", &target, &[CSV], "");
        let rows = (1..=n).map(|n| format!("{n},\"{text}\"\r\n"));
        assert!(
            csv.body == "n,text\r\n".to_owned() + &rows.collect::<String>(),
            "{n}"
        );
        let lines = connection.request("GET", &target, &[NDJSON], "");
        let rows = (1..=n).map(|n| format!("{{\"n\":{n},\"text\":\"{text}\"}}\n"));
        assert!(lines.body == rows.collect::<String>(), "{n}");
        for answer in [csv, lines] {
            assert_eq!(answer.header("content-length").is_none(), streamed);
            assert_eq!(answer.header("x-total-count"), Some(n.to_string().as_str()));
            assert_eq!(answer.header("vary"), Some("Accept"));
        }
        let head = connection.request("HEAD", &target, &[CSV], "");
        assert_eq!(head.header("content-type"), Some("text/csv; charset=utf-8"));
        assert_eq!(head.header("transfer-encoding").is_some(), streamed);
    }
    // What fails under way must not look whole, which without a bracket at its end it could.
    for (name, value) in [CSV, NDJSON] {
        let mut connection = service.connect();
        connection.send(format!(
            "GET /failing HTTP/1.1\r\nHost: a\r\n{name}: {value}\r\n\r\n"
        ));
        let mut all = Vec::new();
        let end = connection.stream.read_to_end(&mut all);
        assert!(all.starts_with(b"HTTP/1.1 200 OK"));
        assert!(end.is_err() && !all.ends_with(b"0\r\n\r\n"), "{value}");
    }
}
