//! Who hears of a reload, and who can have one: systemd, an operator's entrance, other credentials, a program of one's own,
//! and a worker that has a supervisor.

use std::os::unix::net::UnixDatagram;

use rustix::process::{Pid, Signal, kill_process};

use crate::harness::{Folder, PATIENCE, Server, database, embed, peppercorn, poll, run};

fn version(text: &str) -> String {
    format!("-- name: version$\n-- http: GET /version\nselect {text};\n")
}

/// Waits until the log says this.
#[track_caller]
fn says(server: &Server, words: &str) {
    poll(words, || server.log().contains(words).then_some(()));
}

#[test]
fn systemd_is_told_when_a_reload_begins_and_when_it_is_over_however_it_went() {
    let database = database("swap_systemd");
    let folder = Folder::with(&[("api.sql", &version("1"))]);
    let path = folder.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let next = || loop {
        let mut message = [0; 4096];
        let read = socket.recv(&mut message).expect("a message for systemd");
        let message = String::from_utf8(message[..read].to_vec()).unwrap();
        // How it is doing is told besides.
        if !message.starts_with("STATUS=") {
            break message;
        }
    };
    let mut command = peppercorn();
    command
        .env("DATABASE_URL", database.url())
        .env("NOTIFY_SOCKET", &path)
        .arg("serve")
        .arg(folder.path());
    let server = Server::spawn(command);
    assert_eq!(next(), "READY=1\n");
    for (text, outcome) in [
        (version("2"), "reloaded: generation 2 serves"),
        (version("'"), "not reloaded, generation 2 goes on: "),
    ] {
        folder.write("api.sql", &text);
        server.signal(Signal::HUP);
        let begun = next();
        let since = begun.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").unwrap();
        assert!(since.trim_end().parse::<u64>().unwrap() > 0, "{begun}");
        assert_eq!(next(), "READY=1\n");
        says(&server, outcome);
    }
    server.signal(Signal::TERM);
    assert_eq!(next(), "STOPPING=1\n");
}

#[test]
fn operators_keep_their_entrance_and_what_is_read_again_may_be_another_database() {
    let (old, new) = (database("swap_admin"), database("swap_admin_new"));
    let folder = Folder::with(&[("api.sql", &version("current_database()"))]);
    let credentials = Folder::with(&[("database-url", &old.url())]);
    let mut command = peppercorn();
    command
        .env("CREDENTIALS_DIRECTORY", credentials.path())
        .args(["serve", "--admin-bind", "127.0.0.1:0"])
        .arg(folder.path());
    let server = Server::spawn(command);
    let mut client = server.connect();
    let mut operator = crate::harness::Connection::open(server.admin());
    let mut ready = || operator.request("GET", "/readyz", &[], "").status == 200;
    poll("readiness", || ready().then_some(()));
    assert_eq!(
        client.request("GET", "/version", &[], "").body,
        "\"swap_admin\""
    );
    credentials.write("database-url", &new.url());
    server.signal(Signal::HUP);
    says(&server, "reloaded: generation 2 serves");
    let answer = client.request("GET", "/version", &[], "");
    assert_eq!(answer.body, "\"swap_admin_new\"");
    assert_eq!(client.request("GET", "/readyz", &[], "").status, 404);
    assert!(ready());
    credentials.write("database-url", "postgres://%");
    server.signal(Signal::HUP);
    says(&server, "not reloaded, generation 2 goes on: ");
    assert_eq!(client.request("GET", "/version", &[], "").status, 200);
}

#[test]
fn a_program_of_ones_own_reloads() {
    let database = database("swap_embed");
    let folder = Folder::with(&[("api.sql", &version("'old'"))]);
    let server = Server::spawn(embed());
    for generation in 2..4 {
        let mut connection = server.connect();
        assert_eq!(connection.request("GET", "/hello/a", &[], "").status, 200);
        server.signal(Signal::HUP);
        says(
            &server,
            &format!("reloaded: generation {generation} serves"),
        );
        assert_eq!(connection.request("GET", "/hello/a", &[], "").status, 200);
    }
    let mut command = embed();
    command
        .env("DATABASE_URL", database.url())
        .arg(folder.path());
    let server = Server::spawn(command);
    let mut connection = server.connect();
    let mut get = |path| connection.request("GET", path, &[], "");
    assert_eq!(get("/version").body, "\"old\"");
    folder.write("api.sql", &version("'new'"));
    server.signal(Signal::HUP);
    says(&server, "reloaded: generation 2 serves");
    assert_eq!(get("/version").body, "\"new\"");
    assert_eq!(get("/hello/a").status, 200);
}

#[test]
fn a_supervised_worker_leaves_it_to_its_supervisor() {
    let database = database("swap_supervised");
    let folder = Folder::with(&[("api.sql", &version("'old'"))]);
    let server = Server::start(folder.path(), &database, &["--supervise"]).ready();
    let told = run(peppercorn().args(["status", "--json", &server.pid().to_string()]));
    let told: serde_json::Value = serde_json::from_str(&told.stdout).unwrap();
    let worker = told[0]["workers"][0]["pid"].as_i64().unwrap();
    let worker = Pid::from_raw(worker as i32).unwrap();
    folder.write("api.sql", &version("'new'"));
    kill_process(worker, Signal::HUP).unwrap();
    // Heard in order: what follows comes after it.
    kill_process(worker, Signal::TTIN).unwrap();
    assert_eq!(server.get("/version").body, "\"old\"");
    server.signal(Signal::HUP);
    // The old worker is told to end after that is said.
    says(&server, "reloaded: generation 2 serves");
    poll("the new files", || {
        (server.get("/version").body == "\"new\"").then_some(())
    });
    assert_eq!(server.log().matches("reloading").count(), 1);
}
