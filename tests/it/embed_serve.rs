//! An application served on an executor that the program has anyway.

use std::io::Write;
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::process::Command;

use peppercorn::{App, Context, Handler, Method, Response, StatusCode};

use crate::harness::{Connection, Folder, block_on, database, run};

async fn hello(_: Context) -> anyhow::Result<Response> {
    Ok(Response::text("hello"))
}

async fn slow(context: Context) -> anyhow::Result<Response> {
    let pause = std::time::Duration::from_millis(300);
    context.unblock(move || std::thread::sleep(pause)).await;
    Ok(Response::text("slow"))
}

/// Serves until the sender that comes back is closed; it may go to any thread.
fn serve(
    app: App,
    listener: TcpListener,
) -> (smol::channel::Sender<()>, smol::Task<anyhow::Result<()>>) {
    let (stop, stopped) = smol::channel::bounded(1);
    let shutdown = async move {
        let _closed: Result<(), _> = stopped.recv().await;
    };
    (stop, smol::spawn(app.serve(listener, shutdown)))
}

#[test]
fn it_serves_until_it_is_told_to_finish() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, serving) = serve(App::new().get("/hello", hello).get("/slow", slow), listener);
    let mut idle = Connection::open(address);
    assert_eq!(idle.request("GET", "/hello", &[], "").body, "hello");
    assert_eq!(idle.request("GET", "/ping", &[], "").body, "pong");
    assert_eq!(idle.request("GET", "/readyz", &[], "").status, 200);
    let metrics = idle.request("GET", "/metrics", &[], "");
    assert!(
        metrics.body.contains(r#"http_route="/hello""#),
        "{}",
        metrics.body
    );
    let mut busy = Connection::open(address);
    busy.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
    // The head has been read when another connection is answered after it.
    assert_eq!(idle.request("GET", "/hello", &[], "").status, 200);
    stop.close();
    let answer = busy.answer_to("GET");
    assert_eq!(
        (answer.body.as_str(), answer.header("connection")),
        ("slow", Some("close"))
    );
    block_on(serving).unwrap();
    assert!(idle.is_closed());
    assert!(std::net::TcpStream::connect(address).is_err());
}

#[test]
fn what_keeps_it_from_serving_is_an_error() {
    let error = |app: App| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (_stop, serving) = serve(app, listener);
        block_on(serving).unwrap_err().to_string()
    };
    let twice = error(App::new().get("/a", hello).get("/a", hello));
    assert!(twice.starts_with("tests/it/embed_serve.rs:"), "{twice}");
    assert!(
        twice.contains(": GET /a is answered by tests/it/embed_serve.rs:"),
        "{twice}"
    );
    let handler = Handler::new(Method::Get, "/b", hello).scopes(["read"]);
    let unasked = error(App::new().handler(handler));
    assert!(
        unasked.contains("a token is asked for, and there is no key"),
        "{unasked}"
    );
    let nowhere = error(App::new().sql_dir("/nowhere"));
    assert!(
        nowhere.contains("there is no directory /nowhere"),
        "{nowhere}"
    );
    let folder = Folder::new();
    let listener = UnixListener::bind(folder.path().join("socket")).unwrap();
    let stream = std::os::unix::net::UnixStream::connect_addr(&listener.local_addr().unwrap());
    let refused = block_on(App::new().serve(stream.unwrap(), std::future::pending()));
    assert_eq!(
        refused.unwrap_err().to_string(),
        "not a listening stream socket"
    );
}

#[cfg(feature = "auth")]
#[test]
fn a_handler_asks_for_the_tokens_of_the_server() {
    use crate::harness::{Embedded, SECRET, bearer};
    use peppercorn::Operation;
    use peppercorn::auth::{Expected, Keys, Verifier};
    let whoami = async |context: Context| {
        let claims = context.claims.as_ref();
        let name = claims.and_then(|claims| claims.text("sub"));
        Ok(Response::text(name.unwrap_or_default().into_owned()))
    };
    let handler = Handler::new(Method::Get, "/whoami", whoami).scopes(["read", "write"]);
    let app = App::new().handler(handler.described(Operation::new("whoami")));
    let keys = Keys::read(SECRET.as_bytes()).unwrap();
    let api = app.api(Some(Verifier::new(keys, Expected::default())));
    let api = api.unwrap();
    let document: serde_json::Value = serde_json::from_slice(&api.openapi("a")).unwrap();
    let operation = &document["paths"]["/whoami"]["get"];
    let scopes = serde_json::json!([{"bearer": ["read", "write"]}]);
    assert_eq!(operation["security"], scopes, "{document}");
    assert!(operation["responses"]["403"].is_object(), "{document}");
    let server = Embedded::serve_api(api);
    let ask = |token: Option<&str>| {
        let token = token.map(bearer);
        let headers: Vec<_> = token
            .iter()
            .map(|token| ("Authorization", token.as_str()))
            .collect();
        Connection::open(server.address()).request("GET", "/whoami", &headers, "")
    };
    assert_eq!(ask(None).status, 401);
    assert_eq!(ask(Some(r#"{"sub": "eve", "scope": "read"}"#)).status, 403);
    let answer = ask(Some(r#"{"sub": "alice", "scope": "write read"}"#));
    assert_eq!((answer.status, answer.body.as_str()), (200, "alice"));
}

#[test]
#[should_panic(expected = "GET hello: a path begins with /")]
fn a_path_that_is_none_is_a_mistake_in_the_source() {
    let _app = App::new().get("hello", hello);
}

#[test]
#[should_panic(expected = "the string that begins here has no end")]
fn so_is_a_query_that_is_none() {
    let _app = App::new().read_query("a", "select 'x");
}

/// Runs the ignored test below with these variables: its answer.
#[track_caller]
fn with_sql(variables: &[(&str, &str)]) -> (Option<i32>, String) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    let name = "embed_serve::in_a_process_of_its_own";
    command
        .args(["--exact", name, "--ignored", "--nocapture"])
        .env("EMBED_SERVE", "1")
        .env_remove("DATABASE_URL")
        .envs(variables.iter().copied());
    let ended = run(&mut command);
    let told = ended.stdout.lines().find(|line| line.starts_with("told: "));
    (ended.code, told.unwrap_or(&ended.stdout).to_owned())
}

#[test]
fn the_database_is_that_of_the_environment() {
    let database = database("embed_serve");
    let served = with_sql(&[("DATABASE_URL", &database.url())]);
    assert_eq!(served, (Some(0), "told: 413 [{\"n\":7}]".into()));
    let without = with_sql(&[]);
    assert_eq!(
        without,
        (
            Some(0),
            "told: there is no database: set DATABASE_URL".into()
        )
    );
}

#[test]
#[ignore = "run by the other tests, with an environment of its own"]
fn in_a_process_of_its_own() {
    if std::env::var("EMBED_SERVE").is_err() {
        return;
    }
    let folder = Folder::with(&[(
        "api.sql",
        "-- name: n\n-- http: GET /n\nselect :n::int as n;\n",
    )]);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let app = App::new().sql_dir(folder.path()).post("/hello", hello);
    let told = match std::env::var("DATABASE_URL") {
        Ok(_) => {
            let (stop, serving) = serve(app, listener);
            let mut client = Connection::open(address);
            let rows = client.request("GET", "/n?n=7", &[], "").body;
            let large = "x".repeat(2 << 20);
            let large = client.request("POST", "/hello", &[], &large);
            assert_eq!(StatusCode::PayloadTooLarge as u16, large.status);
            stop.close();
            block_on(serving).unwrap();
            format!("{} {rows}", large.status)
        }
        Err(_) => block_on(serve(app, listener).1).unwrap_err().to_string(),
    };
    writeln!(std::io::stdout(), "\ntold: {told}").unwrap();
}
