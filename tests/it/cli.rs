//! The command line: help, usage, settings, the codes it exits with, and the health probe.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::MetadataExt;
use std::process::Stdio;

use crate::harness::{Ended, Folder, Server, database, golden, peppercorn, run, wait};

/// One file, one endpoint.
const ONE: &[(&str, &str)] = &[(
    "one.sql",
    "-- name: one$\n-- http: GET /one\n-- One.\nselect 1 as one;\n",
)];

#[track_caller]
fn peppercorn_says(words: &[&str], variables: &[(&str, &str)]) -> Ended {
    run(peppercorn().args(words).envs(variables.iter().copied()))
}

/// That the program ended with this code and one error that contains `expected`.
#[track_caller]
fn fails(words: &[&str], variables: &[(&str, &str)], code: i32, expected: &str) {
    let ended = peppercorn_says(words, variables);
    assert_eq!(ended.code, Some(code), "{words:?} {variables:?}: {ended:?}");
    let told = ended.stderr.starts_with("peppercorn: ") && ended.stderr.contains(expected);
    assert!(
        told && ended.stdout.is_empty(),
        "{words:?} {variables:?}: {expected:?} in {ended:?}"
    );
    assert!(
        ended.stderr.lines().count() <= 2,
        "too many words: {ended:?}"
    );
}

#[test]
fn help_is_as_it_was_agreed() {
    let help = peppercorn_says(&["--help"], &[]);
    assert_eq!((help.code, help.stderr.as_str()), (Some(0), ""));
    golden("help.txt", &help.stdout);
    for words in [
        &["-h"][..],
        &["help"],
        &["serve", "--help"],
        &["ping", "-h"],
    ] {
        assert_eq!(peppercorn_says(words, &[]).stdout, help.stdout, "{words:?}");
    }
}

/// The journal's socket is named by device and inode; a file stands for it here.
#[cfg(not(feature = "auth"))]
#[test]
fn a_program_without_tokens_does_not_go_on_without_asking_for_them() {
    let folder = Folder::with(&[
        ("jwt.key", "a shared secret of thirty-two bytes or more\n"),
        ONE[0],
    ]);
    let key = folder.path().join("jwt.key").display().to_string();
    let directory = folder.path().display().to_string();
    let expected = "jwt.key: this program was built without tokens (its feature `auth`)";
    fails(&["serve", &directory, "--jwt-key", &key], &[], 78, expected);
}

#[test]
fn only_the_journal_is_told_priorities() {
    let folder = Folder::with(&[("bad.sql", "select")]);
    let log = folder.path().join("log");
    let told = |offset: u64| {
        let stderr = std::fs::File::create(&log).unwrap();
        let stat = stderr.metadata().unwrap();
        let stream = format!("{}:{}", stat.dev(), stat.ino() + offset);
        let mut command = peppercorn();
        command.arg("serve").arg(folder.path());
        command.env("JOURNAL_STREAM", stream).stderr(stderr);
        let code = wait(&mut command.spawn().unwrap());
        assert_eq!(code, Some(65));
        std::fs::read_to_string(&log).unwrap()
    };
    let journal = told(0);
    assert!(
        journal.lines().all(|line| line.starts_with("<3>")) && !journal.is_empty(),
        "{journal}"
    );
    let another = told(1);
    assert_eq!(another, journal.replace("<3>", ""));
}

#[test]
fn the_version_is_the_package_s() {
    for words in [["--version"], ["-V"], ["version"]] {
        let version = peppercorn_says(&words, &[]);
        let expected = format!("peppercorn {}\n", env!("CARGO_PKG_VERSION"));
        assert_eq!((version.code, version.stdout), (Some(0), expected));
    }
}

#[test]
fn what_cannot_be_understood_is_64() {
    for (words, expected) in [
        (&[][..], "no command"),
        (&["sreve"], "there is no command sreve"),
        (&["--bind", "x:1", "serve"], "a command comes first"),
        (
            &["serve", "--frobnicate"],
            "serve does not know --frobnicate",
        ),
        (
            &["check", "--threads", "2"],
            "check does not know --threads",
        ),
        (&["ping", "-b", "x:1"], "ping does not know -b"),
        (&["serve", "a", "b"], "b is one operand too many"),
        (&["serve", "--bind"], "missing argument for option '--bind'"),
    ] {
        fails(words, &[], 64, expected);
    }
}

#[test]
fn a_value_that_cannot_be_is_78_and_names_where_it_came_from() {
    for (option, value) in [
        ("threads", "0"),
        ("threads", "two"),
        ("executor", "global"),
        ("bind", "8080"),
        ("bind", "localhost:http"),
        ("bind", "localhost:65536"),
        ("timeout", "30"),
        ("graceful-timeout", "-1s"),
        ("keep-alive", "1 day"),
        ("max-body", "1MB"),
        ("max-connections", "0"),
        ("db-connections", "many"),
    ] {
        let flag = format!("--{option}");
        fails(&["serve", &flag, value], &[], 78, &format!("{flag}: "));
        let variable = format!("PEPPERCORN_{}", option.to_uppercase().replace('-', "_"));
        let expected = format!("{variable}: {value:?} is ");
        fails(&["serve"], &[(&variable, value)], 78, &expected);
    }
    fails(&["serve"], &[("PORT", "http")], 78, "PORT: ");
    fails(&["ping", "--wait", "5"], &[], 78, "--wait: ");
    for variable in ["PGPORT", "PGCONNECT_TIMEOUT", "PGSSLMODE", "PGHOSTADDR"] {
        let given = [("PGHOST", "db"), (variable, "often")];
        fails(&["check"], &given, 78, variable);
    }
}

#[test]
fn a_variable_that_is_set_to_nothing_is_not_set() {
    // Neither names a database nor is read as a number: the private cluster is meant, whose place cannot be made.
    let names = [
        "DATABASE_URL",
        "PGHOST",
        "PGPORT",
        "PGUSER",
        "PGDATABASE",
        "PGSSLMODE",
        "PGCONNECT_TIMEOUT",
        "PEPPERCORN_THREADS",
        "PORT",
    ];
    let folder = Folder::with(ONE);
    let directory = folder.path().to_str().unwrap();
    for name in names {
        let given = [(name, ""), ("STATE_DIRECTORY", "/proc/peppercorn")];
        fails(&["check", directory], &given, 69, "/proc/peppercorn");
    }
    let empty = names.map(|name| (name, ""));
    let ended = run(peppercorn()
        .args(["check", directory])
        .envs(empty)
        .env("DATABASE_URL", database("cli_empty").url()));
    assert_eq!(ended.code, Some(0), "{ended:?}");
}

#[test]
fn a_directory_that_is_not_there_is_66() {
    let folder = Folder::with(&[("notes.txt", "no SQL"), (".hidden.sql", "select")]);
    let path = folder.path().to_str().unwrap();
    let missing = format!("{path}/nowhere");
    let file = format!("{path}/notes.txt");
    for command in ["serve", "check"] {
        fails(&[command, &missing], &[], 66, &missing);
        fails(&[command, &file], &[], 66, &file);
        fails(&[command, path], &[], 66, &format!("no SQL file in {path}"));
    }
    // The default is named as it would be typed.
    let ended = run(peppercorn().arg("serve").current_dir(path));
    assert_eq!(ended.code, Some(66));
    assert!(
        ended.stderr.contains("there is no directory sql"),
        "{ended:?}"
    );
}

#[test]
fn schema_sql_alone_is_no_api() {
    let folder = Folder::with(&[("schema.sql", "create table t (a int)")]);
    let path = folder.path().to_str().unwrap();
    fails(&["check", path], &[], 66, "no SQL file in");
}

#[test]
fn an_exit_code_does_not_depend_on_who_reads() {
    let full = || Stdio::from(std::fs::File::create("/dev/full").unwrap());
    let mut unheard = peppercorn()
        .args(["serve", "/nowhere"])
        .stderr(full())
        .spawn()
        .unwrap();
    assert_eq!(wait(&mut unheard), Some(66));

    let ended = |stdout: Stdio| {
        let command = &mut peppercorn();
        let mut child = command
            .arg("--help")
            .stdout(stdout)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let code = wait(&mut child);
        let mut stderr = String::new();
        let mut pipe = child.stderr.take().unwrap();
        pipe.read_to_string(&mut stderr).unwrap();
        (code, stderr)
    };
    // As `peppercorn --help | head -1`, whose reader goes away early.
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    assert_eq!(ended(writer.into()), (Some(0), String::new()));
    let (code, stderr) = ended(full());
    assert_eq!(code, Some(71), "{stderr}");
    assert!(stderr.starts_with("peppercorn: cannot write"), "{stderr}");
}

#[test]
fn check_counts_what_it_has_prepared() {
    let folder = Folder::with(ONE);
    folder.write(
        "more.sql",
        "-- name: two!\n-- http: POST /two\n-- Two.\ncreate temporary table two ();\n",
    );
    let url = database("cli_check").url();
    let path = folder.path().to_str().unwrap();
    let ended = peppercorn_says(&["check", path], &[("DATABASE_URL", &url)]);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    assert_eq!(ended.stdout, "2 endpoints, nothing wrong\n");
}

#[test]
fn ping_is_0_when_a_server_answers() {
    let server = Server::start(Folder::with(ONE).path(), &database("cli_ping"), &[]);
    let address = server.address();
    let ended = peppercorn_says(&["ping", &format!("http://{address}/ping")], &[]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!((ended.stdout.as_str(), ended.stderr.as_str()), ("", ""));
    for (path, expected) in [
        ("/one", "200 OK, not 200 pong"),
        ("/nothing", "404 Not Found, not 200 pong"),
    ] {
        fails(
            &["ping", &format!("http://{address}{path}")],
            &[],
            69,
            expected,
        );
    }
}

#[test]
fn ping_is_69_when_nobody_answers() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/ping", silent.local_addr().unwrap());
    fails(
        &["ping", &url, "--wait", "200ms"],
        &[],
        69,
        "no answer within 0.2 s",
    );
    drop(silent);
    fails(&["ping", &url], &[], 69, "Connection refused");
    fails(
        &["ping", "https://localhost/ping"],
        &[],
        69,
        "only http:// and unix:/path are asked",
    );
    fails(&["ping", "localhost"], &[], 69, "localhost: not a URL");
}

#[test]
fn ping_is_69_when_something_else_answers() {
    let table: [(&'static [u8], bool, &str); 8] = [
        (b"SSH-2.0-OpenSSH_9.2\r\n", false, ""),
        (b"", false, ""),
        (
            b"HTTP/1.1 200 OK\r\nX-Name: caf\xc3\xa9\r\nContent-Length: 4\r\n\r\npong",
            false,
            "",
        ),
        (
            b"HTTP/1.1 200 OK\r\nX-Name: caf\xe9\r\nContent-Length: 4\r\n\r\npong",
            false,
            "",
        ),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n\xff\xfe\xfd\xfc",
            false,
            "",
        ),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\npong!",
            false,
            "not 200 pong",
        ),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 100000000000000\r\n\r\n",
            true,
            "not 200 pong",
        ),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            true,
            "not 200 pong",
        ),
    ];
    for (answer, endless, expected) in table {
        let url = format!("http://{}/ping", answering(answer, endless));
        fails(&["ping", &url], &[], 69, expected);
        fails(&["ping", &url], &[], 69, &url);
    }
}

/// Answers two connections with these bytes, and, where there is no end, with chunks for as long as they are taken.
fn answering(answer: &'static [u8], endless: bool) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for _ in 0..2 {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let mut sent = stream.write_all(answer);
            while endless && sent.is_ok() {
                sent = stream
                    .write_all(b"400\r\n")
                    .and_then(|()| stream.write_all(&[b'x'; 1024]));
                sent = sent.and_then(|()| stream.write_all(b"\r\n"));
            }
        }
    });
    address
}
