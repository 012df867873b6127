//! What a start needs and does not get: a database (69), an address (73); and secrets that stay secret.

use std::net::TcpListener;
use std::os::fd::OwnedFd;

use rustix::net::{AddressFamily, SocketType, sockopt};

use crate::harness::{Ended, Folder, database, peppercorn, run};

const ONE: &[(&str, &str)] = &[(
    "one.sql",
    "-- name: one\n-- http: GET /one\nselect 1 as one;\n",
)];

#[track_caller]
fn told(command: &str, options: &[&str], url: &str) -> Ended {
    run(peppercorn()
        .arg(command)
        .arg(Folder::with(ONE).path())
        .args(options)
        .env("DATABASE_URL", url)
        .env("PGCONNECT_TIMEOUT", "1"))
}

/// A socket bound to a port of its own, for nobody else to take.
fn bound(share: bool) -> (OwnedFd, u16) {
    let socket = rustix::net::socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
    sockopt::set_socket_reuseport(&socket, share).unwrap();
    let any: std::net::SocketAddr = ([127, 0, 0, 1], 0).into();
    rustix::net::bind(&socket, &any).unwrap();
    let name = rustix::net::getsockname(&socket).unwrap();
    let port = std::net::SocketAddr::try_from(name).unwrap().port();
    (socket, port)
}

#[test]
fn a_database_that_cannot_be_reached_is_69_and_named() {
    let (_closed, closed) = bound(false);
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = silent.local_addr().unwrap().port();
    let folder = Folder::new();
    let directory = folder.path().to_str().unwrap();
    let url = database("unreachable").url();
    let no_socket = format!("host={directory} user=ann dbname=shop");
    let unused = format!("postgres://ann:hunter2@127.0.0.1:{closed}/shop");
    let never = format!("postgres://ann:hunter2@127.0.0.1:{silent}/shop");
    for (url, expected) in [
        (no_socket, format!("{directory}/.s.PGSQL.5432")),
        (unused, format!("127.0.0.1:{closed}: Connection refused")),
        (
            url + "_not",
            "database \"unreachable_not\" does not exist".into(),
        ),
        (never, format!("127.0.0.1:{silent}: no answer within 1 s")),
    ] {
        for (command, options) in [("serve", &["-b", "127.0.0.1:0"][..]), ("check", &[])] {
            let ended = told(command, options, &url);
            assert_eq!(ended.code, Some(69), "{ended:?}");
            let stderr = &ended.stderr;
            assert!(
                stderr.starts_with("peppercorn: ") && stderr.contains(&expected),
                "{expected:?} in {stderr}"
            );
            assert!(
                stderr.lines().count() <= 2 && !stderr.contains("hunter2"),
                "{stderr}"
            );
        }
    }
}

#[test]
fn a_database_url_that_is_none_is_78_and_its_password_not_shown() {
    for url in [
        "postgres://ann:hunter2@db:port/shop",
        "postgres://ann:hunter2@[::1/shop",
        "postgres://ann:hunter2",
        "postgres://ann:hunter2@db/shop?sslmode=hunter2",
        "postgres://ann:hunter2@db/shop?hunter2",
        // Not the scheme: read as `key=value`, its key is what stands before the sign.
        "postgress://ann:hunter2@db/shop?sslmode=disable",
        "mysql://ann:hunter2@db/shop",
        // A sign in the password that would have to be escaped: the rest of it looks like a host.
        "postgres://ann:x@hunter2@db/shop",
        "host=db password='hunter2",
        "host=db password=hunter2 port=many",
        "host=db password=hun hunter2",
        "hunter2",
    ] {
        for command in ["serve", "check"] {
            let ended = told(command, &[], url);
            assert_eq!(ended.code, Some(78), "{url}: {ended:?}");
            let said = ended.stdout + &ended.stderr;
            assert!(
                said.contains("database URL") && !said.contains("hunter2"),
                "{url}: {said}"
            );
        }
    }
}

#[test]
fn a_taken_port_is_73_and_named() {
    for share in [false, true] {
        let (socket, port) = bound(share);
        rustix::net::listen(&socket, 1).unwrap();
        let address = format!("127.0.0.1:{port}");
        for layout in [
            &[][..],
            &["--threads", "2", "--executor", "local"],
            &["--threads", "2", "--executor", "shared"],
        ] {
            let options = [&["--bind", &address], layout].concat();
            let ended = told("serve", &options, "host=/nowhere");
            assert_eq!(ended.code, Some(73), "{options:?}: {ended:?}");
            let expected =
                format!("peppercorn: cannot listen on {address}: Address already in use");
            assert!(ended.stderr.starts_with(&expected), "{ended:?}");
        }
    }
}

#[test]
fn an_address_of_another_machine_is_73_and_named() {
    for address in ["192.0.2.1:8080", "name.invalid:8080"] {
        let ended = told("serve", &["--bind", address], "host=/nowhere");
        assert_eq!(ended.code, Some(73), "{ended:?}");
        assert!(ended.stderr.contains(address), "{ended:?}");
    }
}

#[test]
fn nothing_is_made_for_a_server_that_cannot_listen() {
    let (socket, port) = bound(false);
    rustix::net::listen(&socket, 1).unwrap();
    let folder = Folder::new();
    let state = folder.path().join("state");
    let ended = run(peppercorn()
        .arg("serve")
        .arg(Folder::with(ONE).path())
        .args(["--bind", &format!("127.0.0.1:{port}")])
        .env("STATE_DIRECTORY", &state));
    assert_eq!(ended.code, Some(73), "{ended:?}");
    assert!(!state.exists());
}
