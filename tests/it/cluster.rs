//! The private cluster: made, kept, shared out to one server at a time, and gone with it.

use std::path::Path;
use std::process::Command;

use crate::harness::{Folder, Server, peppercorn, run};

/// A table with one row, and endpoints that read and write it.
pub const BOOKS: &[(&str, &str)] = &[
    (
        "schema.sql",
        "create table book (title text);\ninsert into book values ('Emma');\n",
    ),
    (
        "books.sql",
        "-- name: books\n-- http: GET /books\nselect title from book order by title;\n\n\
         -- name: add-book!\n-- http: POST /books\ninsert into book values (:title);\n",
    ),
];

/// `serve` on files of its own and a state directory below a folder of its own.
pub struct Home {
    pub api: Folder,
    pub folder: Folder,
}

impl Home {
    pub fn with(files: &[(&str, &str)]) -> Home {
        Home {
            api: Folder::with(files),
            folder: Folder::new(),
        }
    }

    pub fn state(&self) -> std::path::PathBuf {
        self.folder.path().join("state")
    }

    pub fn command(&self, name: &str) -> Command {
        let mut command = peppercorn();
        command.arg(name).arg(self.api.path());
        command.env("STATE_DIRECTORY", self.state());
        command
    }

    #[track_caller]
    pub fn serve(&self) -> Server {
        Server::spawn(self.command("serve"))
    }
}

/// Processes that stand in a directory below `path`, or name one.
pub fn processes_below(path: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let process = entry.path();
        // What ends meanwhile has no answer, and is not there.
        let cwd = std::fs::read_link(process.join("cwd")).unwrap_or_default();
        let words = std::fs::read(process.join("cmdline")).unwrap_or_default();
        let words = String::from_utf8_lossy(&words).replace('\0', " ");
        if cwd.starts_with(path) || words.contains(path.to_str().unwrap()) {
            found.push(format!("{}: {words}", process.display()));
        }
    }
    found
}

/// The titles that a server has.
#[track_caller]
pub fn titles(server: &Server) -> Vec<String> {
    let answer = server.get("/books");
    assert_eq!(answer.status, 200, "{answer:?}: {}", server.log());
    let rows = answer.json();
    let title = |row: &serde_json::Value| row["title"].as_str().unwrap().to_owned();
    rows.as_array().unwrap().iter().map(title).collect()
}

#[track_caller]
pub fn add(server: &Server, title: &str) {
    let body = format!("{{\"title\": \"{title}\"}}");
    assert_eq!(server.send("POST", "/books", &body).status, 204);
}

/// TERM, a good end, and nothing left behind.
#[track_caller]
pub fn stops_cleanly(server: Server, home: &Home) {
    let (status, log) = server.stop();
    assert_eq!(status.code(), Some(0), "{log}");
    let left = processes_below(&home.state());
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn the_first_start_makes_it_and_the_next_keeps_the_data() {
    let home = Home::with(BOOKS);
    let server = home.serve();
    assert!(server.log().contains("made a private PostgreSQL in"));
    assert_eq!(titles(&server), ["Emma"]);
    add(&server, "Persuasion");
    stops_cleanly(server, &home);

    let server = home.serve();
    assert!(!server.log().contains("made a private PostgreSQL"));
    assert_eq!(titles(&server), ["Emma", "Persuasion"]);
    stops_cleanly(server, &home);
}

#[test]
fn a_changed_schema_is_told_and_the_data_stays() {
    let home = Home::with(BOOKS);
    drop(home.serve().stop());

    // The same schema, by another way to its directory: nothing has changed.
    let mut command = peppercorn();
    command.args(["serve", "."]).current_dir(home.api.path());
    let server = Server::spawn(home_of(command, &home));
    assert_eq!(titles(&server), ["Emma"]);
    let (_, log) = server.stop();
    assert!(!log.contains("changed"), "{log}");

    home.api.write("schema.sql", "drop table book;\n");
    let server = home.serve();
    let expected = format!(
        "warning: {}/schema.sql has changed since the private PostgreSQL in {} was made",
        home.api.path().display(),
        home.state().display()
    );
    assert!(server.log().contains(&expected), "{}", server.log());
    assert_eq!(titles(&server), ["Emma"]);
}

fn home_of(mut command: Command, home: &Home) -> Command {
    command.env("STATE_DIRECTORY", home.state());
    command
}

#[test]
fn a_schema_with_an_error_says_where_and_works_when_it_is_mended() {
    let home = Home::with(BOOKS);
    let schema =
        "create table book (title text);\n-- ü\ninsert into book values ('é日'), (ttle);\n";
    home.api.write("schema.sql", schema);
    for command in ["serve", "check"] {
        let ended = run(&mut home.command(command));
        assert_eq!(ended.code, Some(65), "{ended:?}");
        let finding = format!(
            "{}/schema.sql:3:34: column \"ttle\" does not exist",
            home.api.path().display()
        );
        assert!(
            ended.stderr.lines().any(|line| line == finding),
            "{finding} in {}",
            ended.stderr
        );
        assert!(processes_below(&home.state()).is_empty());
    }
    home.api.write("schema.sql", BOOKS[0].1);
    assert_eq!(titles(&home.serve()), ["Emma"]);
}

#[test]
fn a_second_server_on_the_directory_is_refused_and_the_first_unharmed() {
    let home = Home::with(BOOKS);
    let first = home.serve();
    let ended = run(home.command("serve").args(["-b", "127.0.0.1:0"]));
    assert_eq!(ended.code, Some(69), "{ended:?}");
    let expected = format!(
        "the state directory {} is in use by another peppercorn (pid {})",
        home.state().display(),
        first.pid()
    );
    assert!(ended.stderr.contains(&expected), "{ended:?}");
    assert_eq!(titles(&first), ["Emma"]);

    // A check has nothing to serve: it looks at the database that is there.
    let ended = run(&mut home.command("check"));
    assert_eq!(
        (ended.code, ended.stdout.as_str()),
        (Some(0), "2 endpoints, 3 warnings\n"),
        "{ended:?}"
    );
    home.api.write(
        "wrong.sql",
        "-- name: wrong\n-- http: GET /wrong\nselect nosuch from book;\n",
    );
    let ended = run(&mut home.command("check"));
    assert_eq!(ended.code, Some(65), "{ended:?}");
    assert!(
        ended.stderr.contains("wrong.sql:3:8: column \"nosuch\""),
        "{ended:?}"
    );
    assert_eq!(titles(&first), ["Emma"]);
    stops_cleanly(first, &home);
}

#[test]
fn two_servers_on_two_directories_know_nothing_of_each_other() {
    let (one, two) = (Home::with(BOOKS), Home::with(BOOKS));
    let (first, second) = (one.serve(), two.serve());
    add(&first, "Persuasion");
    stops_cleanly(first, &one);
    assert_eq!(titles(&second), ["Emma"]);
    stops_cleanly(second, &two);
}

#[test]
fn a_state_directory_whose_path_is_too_long_for_a_socket_is_named() {
    let home = Home::with(BOOKS);
    let long = home.folder.path().join("x".repeat(80));
    let ended = run(home.command("check").arg("--state-dir").arg(&long));
    assert_eq!(ended.code, Some(69), "{ended:?}");
    let expected = format!(
        "the path of the state directory {} is too long",
        long.display()
    );
    assert!(ended.stderr.contains(&expected), "{ended:?}");
}

#[test]
fn as_root_the_directory_in_the_way_of_the_user_postgres_is_named() {
    use std::os::unix::fs::PermissionsExt;
    if !rustix::process::geteuid().is_root() {
        return; // PostgreSQL runs as who we are: nobody is in its way.
    }
    let home = Home::with(BOOKS);
    let closed = home.folder.path().join("closed");
    std::fs::create_dir(&closed).unwrap();
    std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o700)).unwrap();
    let state = closed.join("deeper/state");
    let ended = run(home.command("check").arg("--state-dir").arg(&state));
    assert_eq!(ended.code, Some(69), "{ended:?}");
    let expected = format!(
        "who may not pass {} on the way to the state directory {}",
        closed.display(),
        state.display()
    );
    assert!(ended.stderr.contains(&expected), "{ended:?}");
}

/// A directory with programs of these texts instead of PostgreSQL's.
fn programs(initdb: &str, postgres: &str) -> Folder {
    use std::os::unix::fs::PermissionsExt;
    let bin = Folder::new();
    for (name, text) in [("initdb", initdb), ("postgres", postgres)] {
        bin.write(name, &format!("#!/bin/sh\n{text}\n"));
        let mode = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(bin.path().join(name), mode).unwrap();
    }
    bin
}

#[test]
fn the_programs_in_path_are_used_and_what_they_say_is_told() {
    // initdb is called with --pgdata DIRECTORY.
    let makes = "mkdir \"$2\"; echo 12 > \"$2/PG_VERSION\"";
    let path = std::env::var("PATH").unwrap();
    for (initdb, postgres, expected) in [
        ("echo no room >&2; exit 1", "", "initdb failed:\nno room"),
        (
            makes,
            "echo 'postgres (PostgreSQL) 12.22'",
            "PostgreSQL 12 in ",
        ),
        (
            makes,
            "echo 'postgres (PostgreSQL) 18beta1'",
            "was made by PostgreSQL 12, but ",
        ),
        (
            makes,
            "[ \"$1\" = --version ] && exec echo 'postgres (PostgreSQL) 13.1'; echo out of memory; exit 3",
            "was made by PostgreSQL 12, but ",
        ),
        (
            &*makes.replace("12", "15"),
            "[ \"$1\" = --version ] && exec echo 'postgres (PostgreSQL) 15.1'; echo out of memory; exit 3",
            "exit status: 3:\nout of memory",
        ),
    ] {
        let bin = programs(initdb, postgres);
        let home = Home::with(BOOKS);
        let path = format!("{}:{path}", bin.path().display());
        let ended = run(home.command("check").env("PATH", path));
        assert_eq!(ended.code, Some(69), "{ended:?}");
        assert!(ended.stderr.contains(expected), "{expected:?} in {ended:?}");
    }
}

#[test]
fn without_a_path_debian_s_directory_is_looked_into() {
    if !Path::new("/usr/lib/postgresql").is_dir() {
        return; // Nothing to find there.
    }
    let home = Home::with(BOOKS);
    let ended = run(home.command("check").env_remove("PATH"));
    assert_eq!(ended.code, Some(0), "{ended:?}");
}
