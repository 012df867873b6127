//! Where a server listens: several addresses, UNIX sockets and their files, the entrance for operators.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::Signal;

use crate::harness::{
    Connection, Database, Ended, Folder, Server, database, peppercorn, poll, run, within,
};

const API: &[(&str, &str)] = &[(
    "api.sql",
    "-- name: one$\n-- http: GET /one\nselect 1;\n\n\
     -- name: sleep$\n-- http: GET /sleep\nselect 'slept' from pg_sleep(:seconds);\n",
)];

struct Home {
    folder: Folder,
    database: Database,
}

impl Home {
    fn new(name: &str) -> Home {
        Home {
            folder: Folder::with(API),
            database: database(name),
        }
    }

    /// A path for a socket.
    fn socket(&self) -> PathBuf {
        self.folder.path().join("api.sock")
    }

    /// `unix:` and the path.
    fn unix(&self) -> String {
        format!("unix:{}", self.socket().display())
    }

    fn command(&self, options: &[&str]) -> Command {
        let mut command = peppercorn();
        command
            .env("DATABASE_URL", self.database.url())
            .arg("serve")
            .arg(self.folder.path())
            .args(options);
        command
    }

    /// Serves at the socket alone.
    fn serve_unix(&self) -> Server {
        Server::spawn_elsewhere(self.command(&["--bind", &self.unix()]))
    }

    /// That it cannot listen, and says so.
    #[track_caller]
    fn refused(&self, options: &[&str], expected: &str) {
        let ended = run(&mut self.command(options));
        assert_eq!(ended.code, Some(73), "{options:?}: {ended:?}");
        let begin = "peppercorn: cannot listen on ";
        let told = ended.stderr.starts_with(begin) && ended.stderr.contains(expected);
        assert!(told, "{options:?}: {expected:?} in {ended:?}");
    }
}

#[track_caller]
fn get_unix(path: &Path, target: &str) -> (u16, String) {
    let answer = Connection::open_unix(path).request("GET", target, &[], "");
    (answer.status, answer.body)
}

fn ping(url: &str) -> Ended {
    run(peppercorn().args(["ping", url]))
}

fn inode(path: &Path) -> u64 {
    std::fs::symlink_metadata(path).unwrap().ino()
}

#[test]
fn every_layout_serves_all_of_its_addresses() {
    let home = Home::new("listeners_several");
    let (unix, path) = (home.unix(), home.socket());
    let layouts: [&[&str]; 4] = [
        &["--threads", "1"],
        &["--threads", "2", "--executor", "local"],
        &["--executor", "shared"],
        &["--threads", "2", "--executor", "shared"],
    ];
    for layout in layouts {
        let options = [&["--bind", &unix, "--bind", "127.0.0.1:0"], layout].concat();
        let server = Server::spawn(home.command(&options));
        let names = server.names("listening on ").unwrap();
        assert_eq!((names.len(), &names[0]), (3, &unix), "{names:?}");
        for _ in 0..8 {
            for name in &names {
                let answer = match name.strip_prefix("http://") {
                    Some(address) => {
                        Connection::open(address.parse().unwrap()).request("GET", "/one", &[], "")
                    }
                    None => Connection::open_unix(&path).request("GET", "/one", &[], ""),
                };
                assert_eq!((answer.status, answer.body.as_str()), (200, "1"), "{name}");
            }
        }
        let (status, log) = server.stop();
        assert_eq!(status.code(), Some(0), "{layout:?}: {log}");
        assert!(!path.exists(), "{layout:?}");
    }
}

#[test]
fn a_variable_holds_a_list() {
    let home = Home::new("listeners_variable");
    let mut command = home.command(&[]);
    command
        .env("PEPPERCORN_BIND", format!("127.0.0.1:0, {}", home.unix()))
        .env("PEPPERCORN_ADMIN_BIND", "127.0.0.1:0,[::1]:0");
    let server = Server::spawn_elsewhere(command);
    let names = server.names("listening on ").unwrap();
    assert_eq!(names[1..], [home.unix()]);
    let admin = server.names("admin on ").unwrap();
    assert!(
        admin.len() == 2 && admin[1].starts_with("http://[::1]:"),
        "{admin:?}"
    );
}

#[test]
fn ping_asks_at_a_socket() {
    let home = Home::new("listeners_ping");
    let nobody = ping(&home.unix());
    assert_eq!(nobody.code, Some(69), "{nobody:?}");
    let expected = format!("peppercorn: {}: No such file or directory", home.unix());
    assert!(nobody.stderr.starts_with(&expected), "{nobody:?}");
    let server = home.serve_unix();
    let pong = ping(&home.unix());
    assert_eq!((pong.code, pong.stderr.as_str()), (Some(0), ""));
    server.signal(Signal::KILL);
    server.wait();
    let left = ping(&home.unix());
    assert_eq!(left.code, Some(69), "{left:?}");
    assert!(left.stderr.contains("Connection refused"), "{left:?}");
}

#[test]
fn the_umask_says_who_may_connect() {
    let home = Home::new("listeners_umask");
    for (umask, expected) in [("0117", 0o660), ("0077", 0o700)] {
        let serve = home.command(&["--bind", &home.unix()]);
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("umask {umask}; exec \"$0\" \"$@\"")]);
        let server = Server::spawn_elsewhere(within(shell, &serve));
        let mode = std::fs::metadata(home.socket()).unwrap().permissions();
        assert_eq!(mode.mode() & 0o777, expected, "umask {umask}");
        server.stop();
    }
}

#[test]
fn what_a_killed_server_left_is_replaced() {
    let home = Home::new("listeners_stale");
    let server = home.serve_unix();
    server.signal(Signal::KILL);
    server.wait();
    assert!(home.socket().exists());
    let server = home.serve_unix();
    assert_eq!(get_unix(&home.socket(), "/one"), (200, "1".into()));
    assert_eq!(server.stop().0.code(), Some(0));
    assert!(!home.socket().exists());
}

#[test]
fn what_is_in_use_or_no_socket_stays_as_it_is() {
    let home = Home::new("listeners_in_use");
    let server = home.serve_unix();
    let (unix, file) = (home.unix(), inode(&home.socket()));
    home.refused(
        &["--bind", &unix],
        &format!("{unix}: Address already in use"),
    );
    // What was opened before the one that is refused is given back.
    let other = home.folder.path().join("other.sock");
    let options = ["--bind", &format!("unix:{}", other.display())];
    home.refused(
        &[&options[..], &["--admin-bind", &unix]].concat(),
        "Address already in use",
    );
    assert!(!other.exists());
    home.refused(&[&options[..], &options].concat(), "Address already in use");
    assert_eq!(inode(&home.socket()), file);
    assert_eq!(get_unix(&home.socket(), "/one"), (200, "1".into()));
    drop(server);

    home.folder.write("notes.txt", "not a socket");
    let notes = home.folder.path().join("notes.txt");
    let link = home.folder.path().join("link");
    std::os::unix::fs::symlink(home.folder.path().join("nothing"), &link).unwrap();
    for path in [home.folder.path(), &notes, &link] {
        let unix = format!("unix:{}", path.display());
        home.refused(
            &["--bind", &unix],
            &format!("{unix}: there is something else"),
        );
    }
    assert_eq!(std::fs::read_to_string(&notes).unwrap(), "not a socket");
    let nowhere = format!("{}/nowhere/x", home.unix());
    home.refused(&["--bind", &nowhere], &format!("{nowhere}: "));
}

#[test]
fn the_file_goes_when_the_drain_begins_and_the_one_of_a_successor_stays() {
    let home = Home::new("listeners_file");
    let old = home.serve_unix();
    poll("readiness", || {
        (get_unix(&home.socket(), "/readyz").0 == 200).then_some(())
    });
    let mut busy = Connection::open_unix(&home.socket());
    busy.send("GET /sleep?seconds=1 HTTP/1.1\r\nHost: a\r\n\r\n");
    old.signal(Signal::TERM);
    poll("the file to go", || (!home.socket().exists()).then_some(()));
    let new = home.serve_unix();
    assert_eq!(busy.answer_to("GET").body, "\"slept\"");
    assert_eq!(old.wait().0.code(), Some(0));
    assert_eq!(get_unix(&home.socket(), "/one"), (200, "1".into()));

    // As when somebody has removed the file of a server that runs, and has started another.
    std::fs::remove_file(home.socket()).unwrap();
    let newest = home.serve_unix();
    assert_eq!(new.stop().0.code(), Some(0));
    assert_eq!(get_unix(&home.socket(), "/one"), (200, "1".into()));
    assert_eq!(newest.stop().0.code(), Some(0));
    assert!(!home.socket().exists());
}

#[test]
fn addresses_that_cannot_be_are_78() {
    let long = format!("unix:/{}", "x".repeat(107));
    for (address, expected) in [
        ("unix:", "begins at the root"),
        ("unix:api.sock", "begins at the root"),
        (&long, "107 bytes at most"),
        ("127.0.0.1", "write host:port"),
    ] {
        for option in ["--bind", "--admin-bind"] {
            let ended = run(peppercorn().args(["serve", option, address]));
            assert_eq!(ended.code, Some(78), "{ended:?}");
            let said = format!("peppercorn: {option}: {address:?} is not an address: ");
            let told = ended.stderr.starts_with(&said) && ended.stderr.contains(expected);
            assert!(told, "{expected:?} in {ended:?}");
        }
    }
    let variable = [("PEPPERCORN_BIND", "127.0.0.1:0,8080")];
    let ended = run(peppercorn().arg("serve").envs(variable));
    assert_eq!(ended.code, Some(78), "{ended:?}");
    let expected = "PEPPERCORN_BIND: \"8080\" is not an address";
    assert!(ended.stderr.contains(expected), "{ended:?}");
}

#[test]
fn operators_have_an_entrance_of_their_own() {
    let home = Home::new("listeners_admin");
    let one = Server::spawn(home.command(&[])).ready();
    assert_eq!(one.get("/readyz").status, 200);
    assert!(!one.log().contains("admin on "));
    drop(one);

    let server = Server::spawn(home.command(&["--admin-bind", "127.0.0.1:0"]));
    let mut admin = Connection::open(server.admin());
    poll("readiness", || {
        (admin.request("GET", "/readyz", &[], "").status == 200).then_some(())
    });
    assert_eq!(server.get("/readyz").status, 404);
    assert_eq!(server.get("/one").body, "1");
    for address in [server.address(), server.admin()] {
        let pong = Connection::open(address).request("GET", "/ping", &[], "");
        assert_eq!((pong.status, pong.body.as_str()), (200, "pong"));
    }
    assert_eq!(admin.request("GET", "/one", &[], "").status, 404);
    let refused = admin.request("POST", "/readyz", &[], "");
    assert_eq!(
        (refused.status, refused.header("allow")),
        (405, Some("GET, HEAD, OPTIONS"))
    );
}

#[test]
fn a_path_that_clients_do_not_share_is_free_for_a_template_but_not_for_a_route() {
    let home = Home::new("listeners_paths");
    let any = "-- name: any$\n-- http: GET /{name}\nselect :name::text;\n";
    home.folder.write("any.sql", any);
    let server = Server::spawn(home.command(&["--admin-bind", "127.0.0.1:0"]));
    assert_eq!(server.get("/readyz").body, "\"readyz\"");
    assert_eq!(server.get("/ping").body, "pong");
    drop(server);
    let taken = "-- name: own$\n-- http: GET /readyz\nselect 1;\n";
    home.folder.write("own.sql", taken);
    let mut command = home.command(&["--bind", "127.0.0.1:0", "--admin-bind", "127.0.0.1:0"]);
    let ended = run(&mut command);
    assert_eq!(ended.code, Some(65), "{ended:?}");
    let expected = "own.sql:2:10: GET /readyz is answered by peppercorn itself";
    assert!(ended.stderr.contains(expected), "{ended:?}");
}

#[test]
fn operators_get_in_when_all_places_of_clients_are_taken() {
    let home = Home::new("listeners_places");
    let options = ["--max-connections", "1", "--admin-bind", "127.0.0.1:0"];
    let server = Server::spawn(home.command(&options));
    let mut admin = Connection::open(server.admin());
    poll("readiness", || {
        (admin.request("GET", "/readyz", &[], "").status == 200).then_some(())
    });
    let mut busy = server.connect();
    busy.send("GET /sleep?seconds=20 HTTP/1.1\r\nHost: a\r\n\r\n");
    let mut waiting = server.connect();
    waiting.send("GET /ping HTTP/1.1\r\nHost: a\r\n\r\n");
    poll("the place to be taken", || {
        let log = server.log();
        log.contains("all places for clients are taken, 1")
            .then_some(())
    });
    for _ in 0..4 {
        let mut admin = Connection::open(server.admin());
        assert_eq!(admin.request("GET", "/readyz", &[], "").status, 200);
        assert_eq!(admin.request("GET", "/ping", &[], "").body, "pong");
    }
    drop(busy);
    assert_eq!(waiting.answer_to("GET").body, "pong");
}
