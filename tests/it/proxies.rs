//! Who a client is behind proxies: which of them are believed, and what the access log and handlers make of it.

use std::fs::File;
use std::path::PathBuf;
use std::process::Command;

use peppercorn::http::Proxies;
use peppercorn::server::{self, Address, Entrance, Settings};
use peppercorn::{App, Context, Response, StatusCode};

use crate::harness::{Answer, Connection, Embedded, Folder, Server, api, embed, peppercorn, run};

/// Serves `/who`, which says who asks, at this address.
fn serve(address: &Address, proxies: &str) -> (Embedded, String) {
    let who = async |context: Context| {
        let who = (context.peer).map_or("-".to_owned(), |address| address.to_string());
        Ok(Response::new(StatusCode::Ok).with_body(who))
    };
    let app = api(App::new().get("/who", who));
    let settings = Settings {
        proxies: proxies.parse().unwrap(),
        ..Settings::default()
    };
    let listeners = server::bind(address, Entrance::Public, 1, false).unwrap();
    let name = listeners[0].name().to_owned();
    let server = Embedded::serve_on(app, vec![listeners], settings, false);
    (server, name)
}

#[test]
fn a_handler_is_told_the_client() {
    let anywhere = Address::Tcp("127.0.0.1:0".into());
    for (proxies, lines, expected) in [
        (Proxies::DEFAULT, &[][..], "127.0.0.1"),
        (
            Proxies::DEFAULT,
            &[("X-Forwarded-For", "192.0.2.7")],
            "192.0.2.7",
        ),
        (
            Proxies::DEFAULT,
            &[("Forwarded", "for=\"[2001:db8::7]:4711\"")],
            "2001:db8::7",
        ),
        (
            Proxies::DEFAULT,
            &[
                ("X-Forwarded-For", "192.0.2.6"),
                ("X-Forwarded-For", "192.0.2.7, 127.0.0.1"),
            ],
            "192.0.2.7",
        ),
        (
            Proxies::DEFAULT,
            &[
                ("X-Forwarded-For", "192.0.2.6"),
                ("Forwarded", "for=192.0.2.7"),
            ],
            "192.0.2.7",
        ),
        (
            "127.0.0.0/8,10.0.0.0/8",
            &[("X-Forwarded-For", "192.0.2.7, 10.1.1.1")],
            "192.0.2.7",
        ),
        (
            "*",
            &[("X-Forwarded-For", "192.0.2.7, 192.0.2.8")],
            "192.0.2.7",
        ),
        (
            "10.0.0.0/8,::1",
            &[("X-Forwarded-For", "192.0.2.7")],
            "127.0.0.1",
        ),
        (
            "10.0.0.0/8,::1",
            &[("Forwarded", "for=192.0.2.7")],
            "127.0.0.1",
        ),
        ("", &[("X-Forwarded-For", "192.0.2.7")], "127.0.0.1"),
    ] {
        let (server, _) = serve(&anywhere, proxies);
        let answer = Connection::open(server.address()).request("GET", "/who", lines, "");
        assert_eq!(answer.body, expected, "{proxies} {lines:?}");
    }
}

#[test]
fn each_request_of_a_connection_has_its_own_client() {
    let (server, _) = serve(&Address::Tcp("127.0.0.1:0".into()), Proxies::DEFAULT);
    let mut connection = Connection::open(server.address());
    for (lines, expected) in [
        (&[("X-Forwarded-For", "192.0.2.7")][..], "192.0.2.7"),
        (&[], "127.0.0.1"),
        (&[("X-Forwarded-For", "192.0.2.8")], "192.0.2.8"),
        (&[("X-Forwarded-For", "unknown")], "127.0.0.1"),
    ] {
        let answer = connection.request("GET", "/who", lines, "");
        assert_eq!(answer.body, expected);
    }
}

#[test]
fn ipv4_is_ipv4_at_a_socket_of_ipv6() {
    let (_server, name) = serve(&Address::Tcp("[::]:0".into()), Proxies::DEFAULT);
    let port: u16 = name.rsplit_once(':').unwrap().1.parse().unwrap();
    let who = |host: [u8; 4], lines: &[(&str, &str)]| -> Answer {
        Connection::open((host, port).into()).request("GET", "/who", lines, "")
    };
    let localhost = [127, 0, 0, 1];
    assert_eq!(who(localhost, &[]).body, "127.0.0.1");
    let lines = [("X-Forwarded-For", "::ffff:192.0.2.7")];
    assert_eq!(who(localhost, &lines).body, "192.0.2.7");
}

#[test]
fn who_connects_to_a_unix_socket_is_believed() {
    let folder = Folder::new();
    let path = folder.path().join("api.sock");
    let (_server, _) = serve(&Address::Unix(path.clone()), "");
    let mut connection = Connection::open_unix(&path);
    for (lines, expected) in [
        (&[][..], "-"),
        (&[("X-Forwarded-For", "192.0.2.7")], "192.0.2.7"),
        (&[("X-Forwarded-For", "192.0.2.6, 192.0.2.7")], "192.0.2.7"),
        (&[("Forwarded", "for=_hidden")], "-"),
    ] {
        assert_eq!(connection.request("GET", "/who", lines, "").body, expected);
    }
}

/// A program of handlers whose access log goes to a file.
struct Logged {
    folder: Folder,
    server: Server,
}

impl Logged {
    #[track_caller]
    fn start(command: impl FnOnce(&mut Command, PathBuf)) -> Logged {
        let folder = Folder::new();
        let mut embed = embed();
        let log = File::create(folder.path().join("access.log")).unwrap();
        embed
            .args(["--access-log", "--max-body", "1KiB"])
            .stdout(log);
        command(&mut embed, folder.path().join("api.sock"));
        let server = Server::spawn(embed);
        Logged { folder, server }
    }

    /// Who asked, according to each line of the log, when the server has ended.
    #[track_caller]
    fn clients(self) -> Vec<String> {
        assert!(self.server.stop().0.success());
        let log = std::fs::read_to_string(self.folder.path().join("access.log")).unwrap();
        let client = |line: &str| line.split(' ').nth(1).unwrap().to_owned();
        log.lines().map(client).collect()
    }
}

const FORGED: [(&str, &str); 1] = [("X-Forwarded-For", "203.0.113.9, 192.0.2.7")];

#[test]
fn the_access_log_has_the_client() {
    let unix = |command: &mut Command, path: PathBuf| {
        command
            .arg("--bind")
            .arg(format!("unix:{}", path.display()));
    };
    let logged = Logged::start(unix);
    let mut connection = logged.server.connect();
    connection.request("GET", "/hello/a", &FORGED, "");
    connection.request("GET", "/nowhere", &FORGED, "");
    connection.request("GET", "/hello/a", &[], "");
    let mut unix = Connection::open_unix(&logged.folder.path().join("api.sock"));
    unix.request("GET", "/hello/a", &FORGED, "");
    unix.request("GET", "/hello/a", &[], "");
    // Refused by its head, and by what is none.
    connection.send(
        "POST /echo HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.8\r\nContent-Length: 9999\r\n\r\n",
    );
    assert_eq!(connection.answer_to("POST").status, 413);
    let mut connection = logged.server.connect();
    connection.send("GET / HTTP/1.1\r\nX-Forwarded-For: 192.0.2.8\r\n\r\n");
    assert_eq!(connection.answer_to("GET").status, 400);
    let expected = [
        "192.0.2.7",
        "192.0.2.7",
        "127.0.0.1",
        "192.0.2.7",
        "-",
        "192.0.2.8",
        "127.0.0.1",
    ];
    assert_eq!(logged.clients(), expected);
}

#[test]
fn who_is_believed_is_an_option_or_a_variable() {
    const OPTION: &str = "--forwarded-allow-ips";
    const VARIABLE: &str = "PEPPERCORN_FORWARDED_ALLOW_IPS";
    const GUNICORNS: &str = "FORWARDED_ALLOW_IPS";
    let nobody: (Option<&str>, &[(&str, &str)]) = (Some(""), &[]);
    for ((option, variables), expected) in [
        (nobody, "127.0.0.1"),
        ((Some("10.0.0.0/8"), &[]), "127.0.0.1"),
        ((Some("127.0.0.0/8"), &[]), "192.0.2.7"),
        ((Some("*"), &[]), "203.0.113.9"),
        ((None, &[(VARIABLE, "10.0.0.0/8, fd00::/8")]), "127.0.0.1"),
        ((None, &[(GUNICORNS, "10.0.0.0/8")]), "127.0.0.1"),
        ((None, &[(GUNICORNS, "*")]), "203.0.113.9"),
        ((None, &[(GUNICORNS, "")]), "192.0.2.7"),
        (
            (None, &[(GUNICORNS, "*"), (VARIABLE, "10.0.0.1")]),
            "127.0.0.1",
        ),
        (
            (Some("127.0.0.1"), &[(GUNICORNS, "*"), (VARIABLE, "*")]),
            "192.0.2.7",
        ),
    ] {
        let logged = Logged::start(|command, _| {
            command.envs(variables.iter().copied());
            if let Some(list) = option {
                command.args([OPTION, list]);
            }
        });
        logged
            .server
            .connect()
            .request("GET", "/hello/a", &FORGED, "");
        assert_eq!(logged.clients(), [expected], "{option:?} {variables:?}");
    }
    for (typed, why) in [
        ("localhost", "is not an address"),
        ("10.0.0.0/33", "is not an address"),
        ("10.0.0.1/8", "is not a range"),
    ] {
        let option = run(peppercorn().args(["serve", OPTION, typed]));
        let variable = |name| run(peppercorn().arg("serve").env(name, format!("::1,{typed}")));
        for (ended, origin) in [
            (option, OPTION),
            (variable(VARIABLE), VARIABLE),
            (variable(GUNICORNS), GUNICORNS),
        ] {
            let begin = format!("peppercorn: {origin}: {typed:?} {why}: ");
            assert_eq!(ended.code, Some(78), "{ended:?}");
            assert!(ended.stderr.starts_with(&begin), "{ended:?}");
        }
    }
}
