//! A folder of SQL files served on a database of its own, and what every problem it answers must be.

use serde_json::{Map, Value};

use crate::harness::{self, Answer, Connection, Database, Folder, Server};

/// Drops in this order: the server lets go of the database.
pub struct Service {
    pub server: Server,
    pub database: Database,
    _folder: Folder,
}

/// A server of one SQL file on a new database that has this schema.
#[track_caller]
pub fn serve(name: &str, schema: &str, endpoints: &str) -> Service {
    serve_with(name, schema, endpoints, &[])
}

/// The same with options of `serve`.
#[track_caller]
pub fn serve_with(name: &str, schema: &str, endpoints: &str, options: &[&str]) -> Service {
    let database = harness::database(name);
    database.run(schema);
    let folder = Folder::with(&[("api.sql", endpoints)]);
    let server = Server::start(folder.path(), &database, options).ready();
    Service {
        server,
        database,
        _folder: folder,
    }
}

/// The same with a key, so that SQL endpoints ask for tokens as [`bearer`](harness::bearer) makes them.
#[cfg(feature = "auth")]
#[track_caller]
pub fn serve_guarded(name: &str, schema: &str, endpoints: &str, options: &[&str]) -> Service {
    let database = harness::database(name);
    database.run(schema);
    let url = database.url();
    guarded(database, &url, endpoints, options)
}

/// The same on a database that is there, as the role in this URL.
#[cfg(feature = "auth")]
#[track_caller]
pub fn guarded(database: Database, url: &str, endpoints: &str, options: &[&str]) -> Service {
    let folder = Folder::with(&[("api.sql", endpoints)]);
    let mut command = harness::peppercorn();
    command
        .env("DATABASE_URL", url)
        .arg("serve")
        .arg(folder.path())
        .args(["--jwt-key", &harness::write_key(&folder, harness::SECRET)])
        .args(options);
    Service {
        server: Server::spawn(command).ready(),
        database,
        _folder: folder,
    }
}

impl Service {
    #[track_caller]
    pub fn get(&self, target: &str) -> Answer {
        self.server.get(target)
    }

    #[track_caller]
    pub fn post(&self, target: &str, body: &str) -> Answer {
        self.server.send("POST", target, body)
    }

    /// `METHOD /target {json}`, the body being optional.
    #[track_caller]
    pub fn ask(&self, request: &str) -> Answer {
        let (method, rest) = request.split_once(' ').expect("a method and a target");
        let (target, body) = rest.split_once(' ').unwrap_or((rest, ""));
        self.server.send(method, target, body)
    }

    /// The same with fields of the caller's choice; no type of content is said without it.
    #[track_caller]
    pub fn ask_with(&self, request: &str, fields: &[(&str, &str)]) -> Answer {
        let (method, rest) = request.split_once(' ').expect("a method and a target");
        let (target, body) = rest.split_once(' ').unwrap_or((rest, ""));
        self.connect().request(method, target, fields, body)
    }

    /// The same as whoever a token with these claims is for.
    #[cfg(feature = "auth")]
    #[track_caller]
    pub fn ask_as(&self, claims: &str, request: &str) -> Answer {
        let fields = [
            ("Authorization", &*harness::bearer(claims)),
            ("Content-Type", "application/json"),
        ];
        self.ask_with(request, &fields)
    }

    pub fn connect(&self) -> Connection {
        self.server.connect()
    }

    /// Waits until a query of the database waits for a lock: then it can not go on by itself.
    #[track_caller]
    pub fn await_blocked(&self) {
        const BLOCKED: &str = "select 1 from pg_stat_activity
            where datname = current_database() and wait_event_type = 'Lock'";
        harness::poll("a query to wait for a lock", || self.database.ask(BLOCKED));
    }

    /// Waits until no other connection of the database does anything, nor is inside a transaction.
    #[track_caller]
    pub fn await_idle(&self) {
        const BUSY: &str = "select string_agg(state || ': ' || query, '; ') from pg_stat_activity
            where datname = current_database() and backend_type = 'client backend'
            and pid <> pg_backend_pid() and state <> 'idle'";
        harness::poll("connections to be idle", || {
            self.database.ask(BUSY).is_none().then_some(())
        });
    }
}

/// What a client may read where the fault is not its own: nothing of the SQL, the tables, PostgreSQL's words.
const WORDS_OF_5XX: [&str; 9] = [
    "the server failed to answer this request",
    "the database is not available",
    "the connection to the database was lost while the request ran",
    "the query took longer than its limit",
    "the server is busy: no database connection got free in time",
    "the request took longer than 1 s",
    "the request took longer than 0.2 s",
    "this endpoint is busy: 1 of its requests run at a time",
    "this endpoint is busy: 2 of its requests run at a time",
];

/// The members of a problem of this status; checks what must hold for all of them.
#[track_caller]
pub fn problem(answer: &Answer, status: u16) -> Map<String, Value> {
    assert_eq!(answer.status, status, "{answer:?}");
    assert_eq!(
        answer.header("content-type"),
        Some("application/problem+json"),
        "{answer:?}"
    );
    let Value::Object(members) = answer.json() else {
        panic!("not an object: {answer:?}")
    };
    assert_eq!(members["type"], "about:blank", "{answer:?}");
    assert_eq!(members["status"], status, "{answer:?}");
    assert!(members["title"].is_string(), "{answer:?}");
    assert!(members["detail"].is_string(), "{answer:?}");
    let id = answer.header("x-request-id").expect("X-Request-Id");
    assert!(!id.is_empty());
    assert_eq!(members["request_id"], id, "{answer:?}");
    let retry = answer.header("retry-after").map(str::parse::<u32>);
    assert!(retry.is_none_or(|seconds| seconds.is_ok_and(|seconds| seconds > 0)));
    assert!(status != 503 || answer.header("retry-after").is_some());
    // What the SQL raises under a status of its own choice is meant for the client.
    let raised = members
        .get("code")
        .and_then(Value::as_str)
        .is_some_and(|code| code.starts_with("PT"));
    if status >= 500 && !raised {
        let detail = members["detail"].as_str().unwrap_or_default();
        assert!(WORDS_OF_5XX.contains(&detail), "{answer:?}");
        let known = ["type", "title", "status", "detail", "code", "request_id"];
        for name in members.keys() {
            assert!(known.contains(&name.as_str()), "{name}: {answer:?}");
        }
    }
    members
}

/// `in name: message` for each of a problem's errors.
#[track_caller]
pub fn errors(answer: &Answer) -> Vec<String> {
    let members = problem(answer, 400);
    let errors = members.get("errors").and_then(Value::as_array);
    errors
        .into_iter()
        .flatten()
        .map(|error| {
            let text = |name: &str| error[name].as_str().expect("text").to_owned();
            format!("{} {}: {}", text("in"), text("name"), text("message"))
        })
        .collect()
}
