//! What Sentry is told of a request that fails, and what it is not.

use sentry_core::protocol::{Context, Event};

use crate::harness::{
    Database, FakeSentry, Folder, Server, database, ok, peppercorn, poll, tag, trouble,
};

const SCHEMA: &str = "
create function break_down(text) returns int language plpgsql as $$
begin
    raise exception 'it broke' using errcode = 'XX001', constraint = 'never_broken',
        detail = 'Key (name)=(' || $1 || ') is too much';
end $$;
create table market (id int primary key, name text unique check (name <> ''));
insert into market values (1, 'one');
";

const API: &str = "
-- name: broken^
-- http: GET /broken/{name}
-- :age int default null
select break_down(:name) as result, :age as age;

-- name: typed$
-- http: GET /typed/{id}
-- :id int
select :id;

-- name: add!
-- http: POST /markets
insert into market values (:id, :name);

-- name: busy$
-- http: GET /busy
select break_busy();
";

fn reported(sentry: &FakeSentry, count: usize) -> Vec<Event<'static>> {
    poll("events", || {
        let heard = sentry.heard();
        let events: Vec<_> = heard.iter().flat_map(|heard| heard.events()).collect();
        (events.len() >= count).then_some(events)
    })
}

/// A service on a database of its own that reports to `sentry`.
fn serve(name: &str, sentry: &FakeSentry, settings: &[(&str, &str)]) -> (Database, Folder, Server) {
    let database = database(name);
    database.run(SCHEMA);
    database.run(
        "create function break_busy() returns int language plpgsql as
         $$ begin raise exception 'later' using errcode = '57P03'; end $$",
    );
    let folder = Folder::with(&[("api.sql", API)]);
    let mut command = peppercorn();
    command
        .env("DATABASE_URL", database.url())
        .env("SENTRY_DSN", sentry.dsn())
        .envs(settings.iter().copied())
        .arg("serve")
        .arg(folder.path());
    let server = Server::spawn(command).ready();
    (database, folder, server)
}

/// Handlers that fail, panic and block, which report to `sentry`.
fn troubled(sentry: &FakeSentry, settings: &[(&str, &str)]) -> Server {
    let mut command = trouble();
    command.env("SENTRY_DSN", sentry.dsn());
    command.envs(settings.iter().copied());
    Server::spawn(command)
}

#[test]
fn a_failed_query_is_told_with_its_code_and_without_its_values() {
    let sentry = FakeSentry::start(|_, _| ok());
    let (_database, _folder, server) = serve("capture_failed", &sentry, &[]);
    let fields = [("X-Request-Id", "from-the-client-7")];
    let answer = server
        .connect()
        .request("GET", "/broken/seekrit?age=987654", &fields, "");
    assert_eq!(answer.status, 500);
    let event = reported(&sentry, 1).remove(0);
    let problem = answer.json();
    assert_eq!(problem["request_id"], "from-the-client-7");
    assert_eq!(
        problem["event_id"],
        event.event_id.simple().to_string().as_str()
    );
    assert_eq!(event.transaction.as_deref(), Some("GET /broken/{name}"));
    assert_eq!(*event.fingerprint, ["broken", "XX001", "never_broken"]);
    for (name, value) in [
        ("route", "/broken/{name}"),
        ("method", "GET"),
        ("endpoint", "broken"),
        ("sqlstate", "XX001"),
        ("constraint", "never_broken"),
        ("request_id", "from-the-client-7"),
        ("worker", "0"),
    ] {
        assert_eq!(tag(&event, name), value, "{name}: {event:?}");
    }
    let chain = event.exception.values.iter();
    let chain: Vec<_> = chain
        .map(|exception| (exception.ty.as_str(), exception.value.clone().unwrap()))
        .collect();
    assert_eq!(
        chain[0],
        ("DbError", "ERROR: it broke (XX001)".into()),
        "{chain:?}"
    );
    assert_eq!(chain.last().unwrap().0, "Problem");
    let all: String = sentry.heard().iter().map(|heard| heard.text()).collect();
    for hidden in ["seekrit", "987654"] {
        assert!(!all.contains(hidden), "{all}");
    }
    server.says("request from-the-client-7");
}

#[test]
fn what_the_client_does_wrong_and_what_is_only_busy_is_no_event() {
    let sentry = FakeSentry::start(|_, _| ok());
    let (_database, _folder, server) = serve("capture_expected", &sentry, &[]);
    for (method, target, body, status) in [
        ("GET", "/nowhere", "", 404),
        ("GET", "/typed/x", "", 400),
        ("DELETE", "/typed/1", "", 405),
        ("POST", "/markets", r#"{"id": 1, "name": "two"}"#, 409),
        ("POST", "/markets", r#"{"id": 2, "name": ""}"#, 422),
        ("GET", "/busy", "", 503),
    ] {
        let answer = server.send(method, target, body);
        assert_eq!(answer.status, status, "{method} {target}: {}", answer.body);
        assert!(answer.json().get("event_id").is_none(), "{}", answer.body);
    }
    // One that is comes after them: nothing was on its way before it.
    assert_eq!(server.get("/broken/x").status, 500);
    let events = reported(&sentry, 1);
    assert_eq!(tag(&events[0], "endpoint"), "broken");
    assert_eq!(events.len(), 1);
}

#[test]
fn personal_data_is_told_where_it_is_asked_for_and_credentials_never() {
    let sentry = FakeSentry::start(|_, _| ok());
    let settings = [
        ("SENTRY_SEND_DEFAULT_PII", "true"),
        ("SENTRY_ENVIRONMENT", "staging"),
    ];
    let (_database, _folder, server) = serve("capture_personal", &sentry, &settings);
    let fields = [
        ("Authorization", "Bearer keepitout"),
        ("Cookie", "session=keepitout"),
        ("X-Api-Key", "keepitout"),
        ("Accept-Language", "en"),
    ];
    let answer = server
        .connect()
        .request("GET", "/broken/jane?age=42", &fields, "");
    assert_eq!(answer.status, 500);
    let event = reported(&sentry, 1).remove(0);
    assert_eq!(event.environment.as_deref(), Some("staging"));
    let request = event.request.unwrap();
    assert_eq!(request.url.unwrap().path(), "/broken/jane");
    assert_eq!(request.query_string.as_deref(), Some("age=42"));
    let language = request.headers.iter();
    let language = language.filter(|(name, _)| name.eq_ignore_ascii_case("accept-language"));
    assert_eq!(language.count(), 1, "{:?}", request.headers);
    assert_eq!(
        event.user.unwrap().ip_address.unwrap().to_string(),
        "127.0.0.1"
    );
    let detail = event.exception.values[0].value.clone().unwrap();
    assert!(detail.contains("Key (name)=(jane)"), "{detail}");
    let all: String = sentry.heard().iter().map(|heard| heard.text()).collect();
    assert!(!all.contains("keepitout"), "{all}");
}

#[test]
fn a_handler_s_error_is_told_with_its_causes() {
    let sentry = FakeSentry::start(|_, _| ok());
    let server = troubled(&sentry, &[]);
    assert_eq!(server.get("/fail").status, 500);
    let event = reported(&sentry, 1).remove(0);
    let values = event.exception.values.iter();
    let values: Vec<_> = values
        .map(|exception| exception.value.as_deref().unwrap())
        .collect();
    assert_eq!(values, ["no such file", "cannot read the report"]);
    assert_eq!(*event.fingerprint, ["{{ default }}", "GET /fail"]);
}

/// Where the environment asks for stacks of errors, as anyhow has it, they are told.
#[test]
fn a_handler_s_error_brings_its_stack_along() {
    let sentry = FakeSentry::start(|_, _| ok());
    let server = troubled(&sentry, &[("RUST_LIB_BACKTRACE", "1")]);
    assert_eq!(server.get("/fail").status, 500);
    let event = reported(&sentry, 1).remove(0);
    let exceptions = &event.exception.values;
    let stack = exceptions
        .iter()
        .find_map(|exception| exception.stacktrace.as_ref());
    let innermost = stack.unwrap().frames.last().unwrap();
    let function = innermost.function.as_deref().unwrap();
    assert!(function.contains("trouble::fail"), "{function}");
    assert_eq!(innermost.filename.as_deref(), Some("trouble.rs"));
}

#[test]
fn a_panic_is_told_with_its_stack_and_harms_nobody() {
    let sentry = FakeSentry::start(|_, _| ok());
    let server = troubled(&sentry, &[]);
    let mut client = server.connect();
    let answer = client.request("GET", "/panic", &[], "");
    assert_eq!(answer.status, 500);
    // On the same connection.
    assert_eq!(client.request("GET", "/unblock", &[], "").status, 204);
    let event = reported(&sentry, 1).remove(0);
    let problem = answer.json();
    assert_eq!(
        problem["event_id"],
        event.event_id.simple().to_string().as_str()
    );
    assert_eq!(event.level, sentry_core::Level::Fatal);
    let exception = &event.exception.values[0];
    assert_eq!(
        exception.value.as_deref(),
        Some("there is no report number 7")
    );
    assert_eq!(exception.mechanism.as_ref().unwrap().handled, Some(false));
    let innermost = exception
        .stacktrace
        .as_ref()
        .unwrap()
        .frames
        .last()
        .unwrap();
    let function = innermost.function.as_deref().unwrap();
    assert!(function.contains("trouble::panic"), "{function}");
    assert_eq!(innermost.in_app, Some(true));
    server.says("GET /panic panicked at examples/trouble.rs:");
}

#[test]
fn a_stall_is_named_while_it_lasts_and_told_once() {
    let sentry = FakeSentry::start(|_, _| ok());
    let server = troubled(&sentry, &[]);
    for _ in 0..3 {
        assert_eq!(server.get("/block").status, 204);
    }
    server.says("GET /block holds up the thread main");
    server.says("GET /block held up its thread for 0.2");
    assert_eq!(server.get("/fail").status, 500);
    let events = reported(&sentry, 2);
    let stalls: Vec<_> = events
        .iter()
        .filter(|event| event.fingerprint[0] == "stall")
        .collect();
    let [stall] = stalls.as_slice() else {
        panic!("{stalls:?}")
    };
    assert_eq!(*stall.fingerprint, ["stall", "GET /block"]);
    assert_eq!(tag(stall, "endpoint"), "GET /block");
    // What does not hold up its thread is nobody's business.
    assert_eq!(server.get("/unblock").status, 204);
    assert!(!server.log().contains("GET /unblock"), "{}", server.log());
}

#[test]
fn a_panic_of_a_task_that_nobody_waits_for_is_told() {
    let sentry = FakeSentry::start(|_, _| ok());
    let server = troubled(&sentry, &[]);
    assert_eq!(server.get("/detach").status, 202);
    let event = reported(&sentry, 1).remove(0);
    assert_eq!(tag(&event, "event"), "task_panicked");
    assert_eq!(tag(&event, "error"), "nobody waits for this");
    assert!(tag(&event, "place").starts_with("examples/trouble.rs:"));
    let stack = event.exception.values[0].stacktrace.as_ref().unwrap();
    let innermost = stack.frames.last().unwrap().function.as_deref().unwrap();
    assert!(innermost.contains("trouble::detach"), "{innermost}");
    server.says("panicked at examples/trouble.rs:");
}

#[test]
fn a_trace_is_continued_and_has_its_query() {
    let sentry = FakeSentry::start(|_, _| ok());
    // It decides for itself where the client does not.
    let settings = [("SENTRY_TRACES_SAMPLE_RATE", "0.000001")];
    let (_database, _folder, server) = serve("capture_traced", &sentry, &settings);
    let (trace, parent) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7");
    let w3c = |flags: &str| format!("00-{trace}-{parent}-{flags}");
    for (name, value) in [
        ("traceparent", w3c("01")),
        ("sentry-trace", format!("{trace}-{parent}-1")),
    ] {
        let before = sentry.heard().len();
        let answer = server
            .connect()
            .request("GET", "/typed/7", &[(name, &value)], "");
        assert_eq!(answer.status, 200);
        let transaction = poll("a transaction", || {
            let heard = sentry.heard();
            heard
                .iter()
                .skip(before)
                .find_map(|heard| heard.transactions().pop())
        });
        assert_eq!(transaction.name.as_deref(), Some("GET /typed/{id}"));
        let Some(Context::Trace(context)) = transaction.contexts.get("trace") else {
            panic!("{transaction:?}")
        };
        assert_eq!(context.trace_id.to_string(), trace);
        assert_eq!(context.parent_span_id.unwrap().to_string(), parent);
        assert_eq!(context.op.as_deref(), Some("http.server"));
        let [span] = transaction.spans.as_slice() else {
            panic!("{transaction:?}")
        };
        assert_eq!(span.op.as_deref(), Some("db.query"));
        let query = span.description.as_deref().unwrap();
        assert!(query.starts_with("select $1"), "{query}");
        assert_eq!(span.parent_span_id, Some(context.span_id));
    }
    // Probes are none either, whatever they ask for.
    let ask = |target: &str, traceparent: &str| {
        let fields = [("traceparent", traceparent)];
        server.connect().request("GET", target, &fields, "")
    };
    for probe in ["/readyz", "/metrics"] {
        assert_eq!(ask(probe, &w3c("01")).status, 200);
    }
    // One that is not sampled is none, and a failure belongs to its trace all the same.
    let before = sentry.heard().len();
    assert_eq!(ask("/broken/x", &w3c("00")).status, 500);
    poll("the failure", || {
        (sentry.heard().len() > before).then_some(())
    });
    let heard = sentry.heard();
    let after: Vec<_> = heard.iter().skip(before).collect();
    assert!(after.iter().all(|heard| heard.transactions().is_empty()));
    let event = after.iter().find_map(|heard| heard.events().pop()).unwrap();
    let Some(Context::Trace(context)) = event.contexts.get("trace") else {
        panic!("{event:?}")
    };
    assert_eq!(context.trace_id.to_string(), trace);
}
