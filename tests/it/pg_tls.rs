//! TLS to PostgreSQL: what each `sslmode` comes to in each situation, and that libpq comes to the same.

use std::fmt::Write;
use std::path::Path;

use peppercorn::pg::{connect, settings};
use tokio_postgres::{Client, SimpleQueryMessage};

use crate::harness::{
    Certificates, Folder, Secure, Server, Tap, block_on, clock, golden, peppercorn, poll, psql, run,
};

const HERE: &str = "basicConstraints=CA:FALSE\nsubjectAltName=DNS:localhost,IP:127.0.0.1\n";
const ELSEWHERE: &str = "basicConstraints=CA:FALSE\nsubjectAltName=DNS:elsewhere.example\n";
/// The request for TLS.
pub(crate) const WISH: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];
const ENCRYPTED: &str = "select ssl from pg_stat_ssl where pid = pg_backend_pid()";

/// Connects with nothing but the URL and these variables.
fn connected(url: &str, variables: &[(&str, &Path)]) -> anyhow::Result<Client> {
    let variable = |name: &str| {
        let found = variables.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| value.to_str().unwrap().to_owned())
    };
    let config = settings::read(Some(url), &variable)?;
    let opened = block_on(connect::connect(&config, &clock()))?;
    smol::spawn(opened.driver).detach();
    Ok(opened.client)
}

fn ask(client: &Client, sql: &str) -> anyhow::Result<String> {
    let rows = block_on(client.simple_query(sql))?;
    let first = rows.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0),
        _ => None,
    });
    Ok(first.unwrap_or_default().to_owned())
}

/// How connecting ends: encrypted or not, or why not at all.
fn outcome(url: &str, variables: &[(&str, &Path)]) -> Result<&'static str, String> {
    let asked = connected(url, variables).and_then(|client| ask(&client, ENCRYPTED));
    match asked.as_deref() {
        Ok("t") => Ok("TLS"),
        Ok("f") => Ok("plain"),
        Ok(other) => panic!("{other}"),
        Err(error) => Err(format!("{error:#}")),
    }
}

/// The same of psql.
fn outcome_of_psql(url: &str, variables: &[(&str, &Path)]) -> Result<&'static str, String> {
    let ended = psql(url, variables, ENCRYPTED);
    match (ended.code, ended.stdout.trim()) {
        (Some(0), "t") => Ok("TLS"),
        (Some(0), "f") => Ok("plain"),
        _ => Err(ended.stderr),
    }
}

/// The outcome here, which must be the outcome there.
#[track_caller]
fn agreed(url: &str, variables: &[(&str, &Path)]) -> Result<&'static str, String> {
    let (here, there) = (outcome(url, variables), outcome_of_psql(url, variables));
    let words = |outcome: &Result<&'static str, String>| outcome.clone().unwrap_or("refused");
    assert_eq!(
        words(&here),
        words(&there),
        "{url}: {here:?}, but psql: {there:?}"
    );
    here
}

#[test]
fn every_mode_ends_as_with_libpq() {
    let certificates = Certificates::new();
    certificates.signed("right", "ca", "server", HERE);
    certificates.signed("misnamed", "ca", "localhost", ELSEWHERE);
    certificates.signed("nameless", "ca", "localhost", "basicConstraints=CA:FALSE\n");
    certificates.expired("expired", "ca", "localhost", HERE);
    certificates.signed("foreign", "other", "localhost", HERE);
    certificates.self_signed("itself", "localhost");
    certificates.bare("bare", "ca", "localhost");
    let server = Secure::start(&certificates);
    let mut table = String::new();
    for shown in [
        "none", "right", "misnamed", "nameless", "expired", "foreign", "itself", "bare",
    ] {
        server.show(&certificates, (shown != "none").then_some(shown));
        let root = match shown {
            "itself" => certificates.path("itself.crt"),
            _ => certificates.path("ca.crt"),
        };
        let root = format!("&sslrootcert={}", root.display());
        for mode in [
            "disable",
            "allow",
            "prefer",
            "require",
            "verify-ca",
            "verify-full",
        ] {
            for (role, host, root) in [
                ("open", "localhost", ""),
                ("open", "localhost", root.as_str()),
                ("open", "127.0.0.1", root.as_str()),
                ("tls", "localhost", root.as_str()),
                ("plain", "localhost", root.as_str()),
            ] {
                let url = server.url(role, host, &format!("sslmode={mode}{root}"));
                let rooted = if root.is_empty() {
                    "no root"
                } else {
                    "its root"
                };
                // libpq tries `allow` without TLS first; it comes to a connection in the same places.
                let ended = match mode {
                    "allow" => {
                        let (here, there) = (outcome(&url, &[]), outcome_of_psql(&url, &[]));
                        assert_eq!(here.is_ok(), there.is_ok(), "{url}: {here:?}, {there:?}");
                        here
                    }
                    _ => agreed(&url, &[]),
                };
                let ended = ended.map_or_else(
                    |error| masked(&error, &server, &certificates),
                    str::to_owned,
                );
                writeln!(
                    table,
                    "{shown:8}  {mode:11}  {rooted:8}  {role:5}  {host:9}  {ended}"
                )
                .unwrap();
            }
        }
    }
    golden("pg_tls.txt", &table);
}

/// An error without what differs from run to run.
fn masked(error: &str, server: &Secure, certificates: &Certificates) -> String {
    let folder = certificates.folder().display().to_string();
    let error = error
        .replace(&server.port().to_string(), "PORT")
        .replace(&folder, "FOLDER");
    match error.split_once("expired ") {
        Some((before, after)) => {
            let (_, after) = after.split_once(" ago").unwrap();
            format!("{before}expired LONG ago{after}")
        }
        None => error,
    }
}

#[test]
fn files_are_found_where_libpq_has_them() {
    let certificates = Certificates::new();
    certificates.signed("right", "ca", "localhost", HERE);
    certificates.signed("certified", "ca", "certified", "");
    certificates.bare("bare", "ca", "certified");
    certificates.signed("nobody", "other", "certified", "");
    let server = Secure::start(&certificates);
    server.show(&certificates, Some("right"));
    let home = Folder::new();
    let copy = |from: &str, to: &str| {
        let path = home.path().join(".postgresql").join(to);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::copy(certificates.path(from), path).unwrap();
    };
    let in_home = [("HOME", home.path())];
    let url = |options: &str| server.url("certified", "localhost", options);
    let cert = |name: &str| {
        let path = |end: &str| certificates.path(&format!("{name}.{end}"));
        url(&format!(
            "sslmode=require&sslcert={}&sslkey={}",
            path("crt").display(),
            path("key").display()
        ))
    };

    // Without a certificate, with one of its own, with one that the server does not know.
    let refused = agreed(&url("sslmode=require"), &[]).unwrap_err();
    assert!(
        refused.contains("connection requires a valid client certificate"),
        "{refused}"
    );
    assert_eq!(agreed(&cert("certified"), &[]), Ok("TLS"));
    assert_eq!(agreed(&cert("bare"), &[]), Ok("TLS"));
    let refused = agreed(&cert("nobody"), &[]).unwrap_err();
    assert!(
        refused.contains("the server has broken off TLS: UnknownCA"),
        "{refused}"
    );

    // The files of the home directory, and the variables before them.
    copy("certified.crt", "postgresql.crt");
    let keyless = agreed(&url("sslmode=require"), &in_home).unwrap_err();
    assert!(keyless.contains("postgresql.key"), "{keyless}");
    copy("certified.key", "postgresql.key");
    assert_eq!(agreed(&url("sslmode=require"), &in_home), Ok("TLS"));
    let rootless = agreed(&url("sslmode=verify-ca"), &in_home).unwrap_err();
    assert!(
        rootless.contains(".postgresql/root.crt; name the file"),
        "{rootless}"
    );
    copy("ca.crt", "root.crt");
    assert_eq!(agreed(&url("sslmode=verify-full"), &in_home), Ok("TLS"));
    // A root file that is there is used: require is verify-ca then.
    copy("other.crt", "root.crt");
    let other = agreed(&url("sslmode=require"), &in_home).unwrap_err();
    assert!(
        other.contains("is not signed by any of the roots"),
        "{other}"
    );
    let root = certificates.path("ca.crt");
    let variables = [
        in_home[0],
        ("PGSSLROOTCERT", root.as_path()),
        ("PGSSLMODE", Path::new("verify-full")),
    ];
    assert_eq!(agreed(&url("connect_timeout=9"), &variables), Ok("TLS"));

    // A key that does not belong to it, one that others can read, one that is encrypted.
    let mixed = cert("certified").replace("certified.key", "nobody.key");
    let mixed = agreed(&mixed, &[]).unwrap_err();
    assert!(
        mixed.contains("nobody.key is not the private key of"),
        "{mixed}"
    );
    std::fs::set_permissions(
        certificates.path("certified.key"),
        std::os::unix::fs::PermissionsExt::from_mode(0o644),
    )
    .unwrap();
    let open = agreed(&cert("certified"), &[]).unwrap_err();
    assert!(
        open.contains("certified.key is open to others (0644)"),
        "{open}"
    );
}

#[test]
fn a_login_is_bound_to_the_certificate_that_was_shown() {
    let certificates = Certificates::new();
    for (name, key, hash) in [
        (
            "sha256",
            "ec -pkeyopt ec_paramgen_curve:prime256v1",
            "sha256",
        ),
        (
            "sha384",
            "ec -pkeyopt ec_paramgen_curve:secp384r1",
            "sha384",
        ),
        ("sha512", "rsa:2048", "sha512"),
    ] {
        certificates.of_kind(name, key, hash, HERE);
    }
    let server = Secure::start(&certificates);
    let url = |options: &str| server.url("scram", "localhost", options);
    let plain = agreed(&url("channel_binding=require"), &[]).unwrap_err();
    assert!(plain.contains("did not use channel binding"), "{plain}");
    for name in ["sha256", "sha384", "sha512"] {
        server.show(&certificates, Some(name));
        for options in [
            "channel_binding=require",
            "channel_binding=prefer",
            "channel_binding=disable",
        ] {
            assert_eq!(
                agreed(&url(&format!("sslmode=require&{options}")), &[]),
                Ok("TLS"),
                "{name} {options}"
            );
        }
        let wrong = server
            .url("scram", "localhost", "")
            .replace("secret", "hunter2");
        let wrong = agreed(&wrong, &[]).unwrap_err();
        assert!(wrong.contains("password authentication failed"), "{wrong}");
        assert!(!wrong.contains("hunter2"), "{wrong}");
    }
}

/// A server whose certificate is right, and the options that it is checked with.
fn right() -> (Certificates, Secure, String) {
    let certificates = Certificates::new();
    certificates.signed("right", "ca", "localhost", HERE);
    let server = Secure::start(&certificates);
    server.show(&certificates, Some("right"));
    let options = format!(
        "sslmode=verify-full&sslrootcert={}",
        certificates.path("ca.crt").display()
    );
    (certificates, server, options)
}

#[test]
fn the_program_serves_and_cancels_over_tls() {
    let (_certificates, database, options) = right();
    let folder = Folder::with(&[
        (
            "large.sql",
            "-- name: large\n-- http: GET /large\n\
             select n, repeat('x', 1000) as filling from generate_series(1, 20000) n;\n",
        ),
        (
            "long.sql",
            "-- name: long$\n-- http: GET /long\nselect pg_sleep(60)::text;\n",
        ),
    ]);
    let tap = Tap::before(database.port());
    let url = database.url("open", "localhost", &options);
    let url = url.replace(&database.port().to_string(), &tap.port().to_string());
    let mut command = peppercorn();
    command
        .env("DATABASE_URL", url)
        .arg("serve")
        .arg(folder.path());
    let server = Server::spawn(command);
    let answer = server.get("/large");
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json().as_array().unwrap().len(), 20_000);
    let encrypted = "select bool_and(ssl) and count(*) > 1 from pg_stat_ssl join pg_stat_activity using (pid) \
        where usename = 'open'";
    assert_eq!(database.ask(encrypted), "t");

    let sleeping = || {
        let sql = "select count(*) from pg_stat_activity where query like '%pg_sleep(60)%' \
            and state = 'active' and usename = 'open'";
        database.ask(sql)
    };
    let before = tap.begins().len();
    let mut client = server.connect();
    client.send("GET /long HTTP/1.1\r\nHost: a\r\n\r\n");
    poll("the query to run", || (sleeping() == "1").then_some(()));
    drop(client);
    poll("the query to be cancelled", || {
        (sleeping() == "0").then_some(())
    });
    // The cancellation has asked for TLS as everything else has.
    let begins = poll("the cancellation", || {
        Some(tap.begins()).filter(|all| all.len() > before)
    });
    assert!(begins.iter().all(|begin| *begin == WISH), "{begins:?}");
    // The connection is still there: the query was cancelled, not broken off.
    assert!(!server.log().contains("was lost"), "{}", server.log());
}

#[test]
fn a_server_that_is_not_trusted_is_69_and_said_why() {
    let (certificates, database, options) = right();
    let folder = Folder::with(&[(
        "one.sql",
        "-- name: one\n-- http: GET /one\nselect 1 as one;\n",
    )]);
    let told = |command: &str, options: &str| {
        run(peppercorn()
            .arg(command)
            .arg(folder.path())
            .env("DATABASE_URL", database.url("scram", "localhost", options)))
    };
    let ended = told("check", &options);
    assert_eq!(
        (ended.code, &*ended.stdout),
        (Some(0), "1 endpoint, 1 warning\n"),
        "{}",
        ended.stderr
    );
    let other = options.replace("ca.crt", "other.crt");
    for command in ["check", "serve"] {
        let ended = told(command, &other);
        let expected = format!(
            "peppercorn: cannot connect to PostgreSQL at localhost:{}: the server's certificate is not signed by any of \
             the roots that are trusted\n",
            database.port()
        );
        assert_eq!((ended.code, &*ended.stderr), (Some(69), &*expected));
        let ended = told(command, "sslmode=verify-full");
        assert_eq!(ended.code, Some(78));
        assert!(
            ended
                .stderr
                .contains("has nothing to check the server's certificate against"),
            "{}",
            ended.stderr
        );
        let missing = certificates.path("missing.crt");
        let ended = told(command, &format!("sslrootcert={}", missing.display()));
        assert_eq!(ended.code, Some(78));
        assert!(
            ended.stderr.contains(missing.to_str().unwrap()),
            "{}",
            ended.stderr
        );
        assert!(!ended.stderr.contains("secret"), "{}", ended.stderr);
    }
    // The roots of the system, which is asked to take this one for them.
    let system = || {
        let mut command = peppercorn();
        command.arg("check").arg(folder.path());
        command.env(
            "DATABASE_URL",
            database.url("scram", "localhost", "sslrootcert=system"),
        );
        command
    };
    let ended = run(system().env("SSL_CERT_FILE", certificates.path("ca.crt")));
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let ended = run(system().env("SSL_CERT_FILE", certificates.path("other.crt")));
    assert_eq!(ended.code, Some(69), "{}", ended.stderr);
}
