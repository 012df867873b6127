//! Values that try to be SQL: whatever a request has for a parameter, in whichever place and of whichever type, PostgreSQL
//! runs the statements of the files and no others, and a text comes back as it was sent.

mod payloads;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::json;

use crate::api_service::{Service, guarded};
use crate::harness::{Answer, Connection, Database, bearer, block_on, counting_database};

use payloads::payload;

/// Types of parameters, and a value that each takes.
const TYPES: [(&str, &str); 18] = [
    ("text", "a text"),
    ("int", "1"),
    ("bigint", "1"),
    ("numeric", "1.5"),
    ("bool", "true"),
    ("uuid", "6f1a43b2-7c0e-4ba5-8c0d-1d1f6bb6c001"),
    ("date", "2018-07-24"),
    ("timestamptz", "2018-07-24 00:19:00+00"),
    ("interval", "1 day"),
    ("json", "{\"a\": 1}"),
    ("jsonb", "[1]"),
    ("bytea", "YWI="),
    ("text[]", "{a,b}"),
    ("int[]", "{1,2}"),
    ("colour", "red"),
    ("short", "abc"),
    ("inet", "127.0.0.1"),
    ("float8", "1e3"),
];

/// Where a request has them.
const PLACES: [&str; 6] = ["path", "query", "body", "form", "header", "claim"];

const SCHEMA: &str = "
    create type colour as enum ('red', 'green');
    create domain short as text check (length(value) < 200);
    create table treasure (id int primary key, gold int not null);
    insert into treasure select n, 100 * n from generate_series(1, 3) as n;
    create table place (path text, query text, body text, form text, header text, claim text);
    insert into place values ('it', 'it', 'it', 'it', 'it', 'it');
    create view untouched as select md5(string_agg(line, ',' order by line)) as digest from (
      select treasure::text as line from treasure
      union all select place::text from place
      union all select relname || relacl::text from pg_class where relnamespace = 'public'::regnamespace
      union all select relname from pg_class where relnamespace = 'public'::regnamespace
      union all select proname from pg_proc where pronamespace = 'public'::regnamespace
      union all select rolname || rolsuper || rolcanlogin from pg_roles
      union all select setconfig::text from pg_db_role_setting
    ) as lines;
";

/// The role that the service logs in as: one that could do all that is tried.
const ROLE: &str = "injected";

/// An endpoint for a type in a place.
struct Endpoint {
    ty: &'static str,
    valid: &'static str,
    place: &'static str,
    /// Answers of success so far.
    answered: AtomicU64,
}

fn endpoints() -> Vec<Endpoint> {
    let pairs = TYPES.iter().flat_map(|ty| PLACES.map(|place| (ty, place)));
    let endpoint = |((ty, valid), place): (&(&'static str, &'static str), _)| Endpoint {
        ty,
        // There an array has a value for each time that it is given.
        valid: match (*ty, place) {
            ("int[]", "query" | "form") => "1",
            _ => valid,
        },
        place,
        answered: AtomicU64::new(0),
    };
    pairs.map(endpoint).collect()
}

impl Endpoint {
    fn path(&self) -> String {
        format!("/{}/{}", self.ty.replace("[]", "-list"), self.place)
    }

    fn name(&self) -> String {
        self.path()[1..].replace('/', "-")
    }

    /// A statement that PostgreSQL counts by itself, for the parameter's type and the column; the table's other name tells
    /// which it is. It runs where writing is allowed.
    fn file(&self) -> String {
        let Endpoint { ty, place, .. } = self;
        let place_of_it = match *place {
            "form" => "body".to_owned(),
            "header" => "header X-Value".to_owned(),
            "claim" => "claim value".to_owned(),
            place => place.to_owned(),
        };
        let segment = if *place == "path" { "/{value}" } else { "" };
        let (path, name) = (self.path(), self.name());
        format!(
            "-- name: {name}^\n-- http: POST {path}{segment}\n-- :value {ty} in {place_of_it}\n\
             select :value as value from place as \"{name}\" where {place} = 'it';\n\n"
        )
    }

    /// A request with this value; its body is a list where that is another way to write it.
    fn request(&self, value: &str, as_list: bool) -> String {
        let encoded = || {
            value
                .bytes()
                .map(|byte| format!("%{byte:02X}"))
                .collect::<String>()
        };
        let (mut target, mut body) = (self.path(), String::new());
        let mut fields = "Content-Type: application/json\r\n".to_owned();
        let mut claims = json!({});
        match self.place {
            "path" => target.push_str(&format!("/{}", encoded())),
            "query" => target.push_str(&format!("?value={}", encoded())),
            "body" if as_list => body = json!({ "value": [value] }).to_string(),
            "body" => body = json!({ "value": value }).to_string(),
            "form" => {
                fields = "Content-Type: application/x-www-form-urlencoded\r\n".to_owned();
                body = format!("value={}", encoded());
            }
            "header" => fields.push_str(&format!("X-Value: {value}\r\n")),
            _ if as_list => claims = json!({ "value": [value] }),
            _ => claims = json!({ "value": value }),
        }
        format!(
            "POST {target} HTTP/1.1\r\nHost: a\r\nAuthorization: {}\r\n{fields}Content-Length: {}\r\n\r\n{body}",
            bearer(&claims.to_string()),
            body.len()
        )
    }

    /// Whether a value of it is one where a list of values could be.
    fn is_element(&self, as_list: bool) -> bool {
        let listed = as_list && ["body", "claim"].contains(&self.place);
        self.ty.ends_with("[]") && (listed || ["query", "form"].contains(&self.place))
    }

    /// That the answer to this value is what it may be.
    #[track_caller]
    fn check(&self, value: &str, as_list: bool, answer: &Answer) {
        let Endpoint { ty, place, .. } = self;
        let what = || {
            let begin: String = value.chars().take(100).collect();
            format!(
                "{ty} in {place}: {begin:?}: {} {:.300}",
                answer.status, answer.body
            )
        };
        if answer.status == 200 {
            self.answered.fetch_add(1, Ordering::Relaxed);
            let answered = &answer.json()["value"];
            let is_json = ty.starts_with("json") && ["body", "claim"].contains(place);
            if *ty == "text" || is_json && !as_list {
                // White space around a header's value is not part of it.
                let sent = if *place == "header" {
                    value.trim_matches([' ', '\t'])
                } else {
                    value
                };
                assert!(answered.as_str() == Some(sent), "{}", what());
            } else if is_json || *ty == "text[]" && self.is_element(as_list) {
                assert!(*answered == json!([value]), "{}", what());
            }
            return;
        }
        let expected = match (*ty, *place) {
            // A token with a NUL is none.
            (_, "claim") if value.contains('\0') => 401,
            ("short", _) if value.chars().count() >= 200 && !is_refused(place, value) => 422,
            _ => 400,
        };
        assert_eq!(answer.status, expected, "{}", what());
        // Texts are taken as they are, but for what PostgreSQL's have not.
        let is_text = *ty == "text" || (*ty == "text[]" && self.is_element(as_list));
        assert!(!is_text || is_refused(place, value), "{}", what());
    }
}

/// What is no value anywhere is NUL, and in a header whatever would end it.
fn is_refused(place: &str, value: &str) -> bool {
    let in_header = |c: char| c.is_ascii_control() && c != '\t';
    value.contains('\0') || place == "header" && value.contains(in_header)
}

/// Requests that are sent in one go.
const BATCH: usize = 32;
/// Connections.
const CLIENTS: usize = 4;

/// Asks each endpoint for the payloads of the numbers that `wanted` picks of `numbers`.
fn storm(
    service: &Service,
    endpoints: &[Endpoint],
    numbers: u64,
    wanted: impl Fn(u64, usize) -> bool + Sync,
) {
    let next = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                let mut client = Client::new(service);
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= numbers {
                        return client.settle();
                    }
                    for (index, endpoint) in endpoints.iter().enumerate() {
                        if wanted(number, index) {
                            let value = payload(number, endpoint.valid);
                            let may_be_list =
                                endpoint.ty.ends_with("[]") || endpoint.ty.starts_with("json");
                            client.ask(endpoint, value, may_be_list && number % 2 == 1);
                        }
                    }
                }
            });
        }
    });
}

/// One connection, and what it has asked for.
struct Client<'a> {
    service: &'a Service,
    connection: Connection,
    requests: String,
    open: Vec<(&'a Endpoint, String, bool)>,
}

impl<'a> Client<'a> {
    fn new(service: &'a Service) -> Client<'a> {
        Client {
            service,
            connection: service.connect(),
            requests: String::new(),
            open: Vec::new(),
        }
    }

    fn ask(&mut self, endpoint: &'a Endpoint, value: String, as_list: bool) {
        let request = endpoint.request(&value, as_list);
        if endpoint.place == "header" && is_refused("header", &value) {
            // What is no header ends the connection, and what is behind it.
            let mut connection = self.service.connect();
            connection.send(request);
            let answer = connection.answer_to("POST");
            return endpoint.check(&value, as_list, &answer);
        }
        self.requests.push_str(&request);
        self.open.push((endpoint, value, as_list));
        if self.open.len() == BATCH {
            self.settle();
        }
    }

    fn settle(&mut self) {
        self.connection.send(std::mem::take(&mut self.requests));
        for (endpoint, value, as_list) in std::mem::take(&mut self.open) {
            endpoint.check(&value, as_list, &self.connection.answer_to("POST"));
        }
    }
}

/// What PostgreSQL has run for the service: how often, by what it takes for one statement, and the statement.
fn statements(database: &Database) -> BTreeMap<i64, (i64, String)> {
    let sql = "select queryid, sum(calls)::bigint, min(query) from pg_stat_statements
        where userid = 'injected'::regrole and dbid = (select oid from pg_database where datname = current_database())
        group by queryid";
    let rows = block_on(database.client().query(sql, &[])).unwrap();
    let entry = |row: &tokio_postgres::Row| (row.get(0), (row.get(1), row.get(2)));
    rows.iter().map(entry).collect()
}

fn digest(database: &Database) -> String {
    database.ask("select digest from untouched").unwrap()
}

/// That `numbers` payloads, for those endpoints that `wanted` picks, are values and nothing else.
#[track_caller]
fn are_values(name: &str, numbers: u64, wanted: impl Fn(u64, usize) -> bool + Sync) {
    let database = counting_database(name);
    database.run(&format!(
        "create role {ROLE} superuser login; set role {ROLE}; {SCHEMA}; reset role"
    ));
    let url = database.url_as(ROLE);
    let endpoints = endpoints();
    let files: String = endpoints.iter().map(Endpoint::file).collect();
    let service = guarded(database, &url, &files, &[]);
    // Each is answered and, where that is possible, refused once: then all is known that the service itself has run.
    for endpoint in &endpoints {
        for (value, status) in [(endpoint.valid, 200), ("'", 400)] {
            let mut connection = service.connect();
            connection.send(endpoint.request(value, false));
            let answer = connection.answer_to("POST");
            assert!([200, status].contains(&answer.status), "{answer:?}");
            endpoint.check(value, false, &answer);
        }
    }
    let (before, known) = (digest(&service.database), statements(&service.database));
    storm(&service, &endpoints, numbers, wanted);
    assert_eq!(digest(&service.database), before);
    let run = statements(&service.database);
    let unknown = run.iter().find(|(id, _)| !known.contains_key(id));
    assert_eq!(unknown, None);
    let calls = |statement: &str| {
        let found = run.values().find(|(_, own)| own == statement);
        found.map_or(0, |(calls, _)| *calls)
    };
    assert_eq!(calls("begin"), calls("commit") + calls("rollback"));
    for endpoint in &endpoints {
        let name = format!("\"{}\"", endpoint.name());
        let mut own = run
            .values()
            .filter(|(_, statement)| statement.contains(&name));
        let calls = own.next().map(|(calls, _)| *calls as u64);
        assert_eq!(
            calls,
            Some(endpoint.answered.load(Ordering::Relaxed)),
            "{name}"
        );
        assert_eq!(own.next(), None, "{name}");
    }
}

const PAYLOADS: u64 = 10_000;

#[test]
fn the_payloads_differ() {
    let all: std::collections::HashSet<_> =
        (0..PAYLOADS).map(|number| payload(number, "1")).collect();
    assert_eq!(all.len() as u64, PAYLOADS);
}

#[test]
fn a_value_that_tries_to_be_sql_is_a_value() {
    let endpoints = (TYPES.len() * PLACES.len()) as u64;
    // In no step with what the payloads are made of: each endpoint has some of all.
    let scattered = |number: u64| number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
    are_values("injection_sql", PAYLOADS, |number, index| {
        scattered(number) % endpoints == index as u64
    });
}

/// Every payload for every endpoint, a million requests:
/// `cargo test --release --test it -- --ignored each_value_that_tries_to_be_sql`.
#[test]
#[ignore = "takes minutes"]
fn each_value_that_tries_to_be_sql_is_a_value_everywhere() {
    are_values("injection_sql_all", PAYLOADS, |_, _| true);
}
