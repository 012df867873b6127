//! Bearer tokens over HTTP: who is let in, what the others are told, and that nobody else learns of a token.

use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use peppercorn::auth::{Expected, Guard, Keys, Verifier};
use peppercorn::{App, Context, Response, StatusCode};
use rustix::process::Signal;

use crate::harness::{
    Answer, Connection, Embedded, FakeSentry, Folder, SECRET, Server, bearer, bearer_by, database,
    ok, peppercorn, poll, run, signed, write_key,
};

const API: &[(&str, &str)] = &[("api.sql", "-- name: one$\n-- http: GET /one\nselect 1;\n")];

const OTHER_SECRET: &str = "another secret, as long as the right one is";

/// What the client does wrong, and what we do.
const TROUBLE: &str = "
-- name: divide$
-- http: GET /divide
select 1 / :by::int;

-- name: broken$
-- http: GET /broken
select broken();
";

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap().as_secs()
}

/// Answers with the claims as they were signed.
async fn whoami(context: Context) -> anyhow::Result<Response> {
    let claims = context.claims.expect("a guarded endpoint has claims");
    Ok(Response::new(StatusCode::Ok).with_body(claims.json().to_owned()))
}

async fn open(context: Context) -> anyhow::Result<Response> {
    assert!(context.claims.is_none());
    Ok(Response::new(StatusCode::NoContent))
}

fn guarded() -> Embedded {
    let expected = Expected::default().audience("api");
    let verifier = Verifier::new(Keys::read(SECRET.as_bytes()).unwrap(), expected);
    let app = App::new().get("/open", open);
    let any = Guard::new(whoami, verifier.clone());
    let app = app.get("/any", any);
    let scoped = Guard::new(whoami, verifier)
        .scope("read")
        .scope("orders:write");
    Embedded::serve(app.get("/scoped", scoped))
}

#[track_caller]
fn get(server: &Embedded, target: &str, headers: &[(&str, &str)]) -> Answer {
    Connection::open(server.address()).request("GET", target, headers, "")
}

#[test]
fn a_good_token_opens_the_door_and_brings_its_claims_along() {
    let server = guarded();
    let payload = format!("{{ \"aud\": [\"x\", \"api\"], \"exp\": {}.5 }}", now() + 60);
    let token = bearer(&payload);
    for value in [
        token.clone(),
        token.replacen("Bearer", "bearer", 1),
        token.replacen("Bearer ", "BEARER   ", 1),
        format!("{token}  "),
    ] {
        let answer = get(&server, "/any", &[("Authorization", &value)]);
        assert_eq!(
            (answer.status, answer.body.as_str()),
            (200, payload.as_str())
        );
        assert_eq!(answer.header("www-authenticate"), None);
    }
    let token = bearer(r#"{"aud":"api","scope":"orders:write profile read"}"#);
    assert_eq!(
        get(&server, "/scoped", &[("authorization", &token)]).status,
        200
    );
    assert_eq!(
        get(&server, "/open", &[("Authorization", &token)]).status,
        204
    );
    assert_eq!(get(&server, "/open", &[]).status, 204);
    assert_eq!(get(&server, "/ping", &[]).status, 200);
}

/// RFC 6750 section 3.
#[test]
fn whoever_has_none_is_told_why_and_how() {
    let server = guarded();
    let says = |headers: &[(&str, &str)], status: u16, challenge: &str| {
        for target in ["/any", "/scoped"] {
            let answer = get(&server, target, headers);
            assert_eq!(answer.status, status, "{headers:?}: {answer:?}");
            let told = answer.header("www-authenticate");
            assert_eq!(told, Some(challenge), "{headers:?}");
            let ty = answer.header("content-type");
            assert_eq!(ty, Some("application/problem+json"));
            let detail = answer.json()["detail"].as_str().unwrap().to_owned();
            assert!(
                challenge == "Bearer" || challenge.contains(&detail),
                "{detail}"
            );
        }
    };
    let good = bearer(r#"{"aud":"api"}"#);
    let good = good.as_str();
    let token = good.strip_prefix("Bearer ").unwrap();
    let with_tab = good.replacen(' ', "\t", 1);
    for headers in [
        &[][..],
        &[("Authorization", "")],
        &[("Authorization", "Basic amFuZTpzZWNyZXQ=")],
        &[("Authorization", token)],
        &[("Authorization", &with_tab)],
        &[("Proxy-Authorization", good)],
        &[("Cookie", good)],
    ] {
        says(headers, 401, "Bearer");
    }
    // Not even the query is looked at.
    let target = format!("/any?access_token={token}");
    assert_eq!(get(&server, &target, &[]).status, 401);
    says(
        &[("Authorization", good), ("Authorization", good)],
        400,
        "Bearer error=\"invalid_request\", error_description=\"the header Authorization is there more than once\"",
    );
    let no_jwt = "is not a JWT, three parts with dots between them";
    for (value, why) in [
        ("Bearer".into(), no_jwt),
        ("Bearer x".into(), no_jwt),
        (format!("{good} x"), "has a signature that is not base64url"),
        (
            "Bearer \u{fc}.\u{fc}.\u{fc}".into(),
            "has a header that is not base64url",
        ),
        (
            "Bearer eyJhbGciOiJub25lIn0.eyJhdWQiOiJhcGkifQ.".into(),
            "has alg other than HS256, HS384, HS512, RS256 and ES256",
        ),
        (
            bearer_by(OTHER_SECRET, r#"{"aud":"api"}"#),
            "has a wrong signature",
        ),
        (
            bearer(&format!(r#"{{"aud":"api","exp":{}}}"#, now() - 31)),
            "has expired",
        ),
        (
            bearer(&format!(r#"{{"aud":"api","nbf":{}}}"#, now() + 90)),
            "is not valid yet",
        ),
        (bearer("{}"), "is not for this audience"),
        (
            format!("Bearer {}", "a".repeat(9000)),
            "is longer than 8 KiB",
        ),
    ] {
        let challenge =
            format!("Bearer error=\"invalid_token\", error_description=\"the token {why}\"");
        says(&[("Authorization", &value)], 401, &challenge);
    }
}

#[test]
fn a_token_without_the_scopes_is_forbidden() {
    let server = guarded();
    for payload in [
        r#"{"aud":"api"}"#,
        r#"{"aud":"api","scope":"read"}"#,
        r#"{"aud":"api","scope":"read orders:write2"}"#,
        r#"{"aud":"api","scope":"Read orders:write"}"#,
        r#"{"aud":"api","scp":["read orders:write"]}"#,
        r#"{"aud":"api","scope":"read","scp":["orders:write"]}"#,
        r#"{"aud":"api","scope":true}"#,
    ] {
        let answer = get(&server, "/scoped", &[("Authorization", &bearer(payload))]);
        assert_eq!(answer.status, 403, "{payload}: {answer:?}");
        assert_eq!(
            answer.header("www-authenticate"),
            Some("Bearer error=\"insufficient_scope\", scope=\"read orders:write\"")
        );
        assert_eq!(
            answer.json()["detail"],
            "the token must have the scope read orders:write"
        );
    }
}

/// Keys and signatures that `openssl` makes.
#[test]
fn keys_of_openssl_are_read() {
    let folder = Folder::new();
    let openssl = |words: &str| {
        let words = words.split_whitespace();
        let mut command = Command::new("openssl");
        let ended = run(command
            .args(words)
            .current_dir(folder.path())
            .stdin(Stdio::null()));
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    };
    openssl("genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out rsa.key");
    openssl("pkey -in rsa.key -pubout -out rsa.pem");
    openssl("rsa -in rsa.key -RSAPublicKey_out -out rsa1.pem");
    openssl("pkey -in rsa.key -pubout -outform DER -out rsa.der");
    openssl("ecparam -name prime256v1 -genkey -out ec.key");
    openssl("pkey -in ec.key -pubout -out ec.pem");
    openssl("ecparam -name secp384r1 -genkey -noout -out p384.key");
    openssl("pkey -in p384.key -pubout -out p384.pem");
    openssl("genpkey -algorithm ed25519 -out ed.key");
    openssl("pkey -in ed.key -pubout -out ed.pem");
    openssl("req -new -x509 -key rsa.key -days 2 -subj /CN=a -out rsa.crt");
    let read = |name: &str| Keys::read(&std::fs::read(folder.path().join(name)).unwrap());
    let token = signed("RS256", r#"{"sub":"jane"}"#, |input| {
        folder.write("input", input);
        openssl("dgst -sha256 -sign rsa.key -out signature input");
        std::fs::read(folder.path().join("signature")).unwrap()
    });
    for name in ["rsa.pem", "rsa1.pem"] {
        let verifier = Verifier::new(read(name).unwrap(), Expected::default());
        let claims = verifier.verify(&token, SystemTime::now()).unwrap();
        assert_eq!(claims.text("sub").as_deref(), Some("jane"));
    }
    assert_eq!(format!("{:?}", read("ec.pem").unwrap()), "[Es256]");
    for (name, expected) in [
        ("rsa.key", "has a private key"),
        ("ec.key", "has a private key"),
        ("p384.key", "has a private key"),
        ("p384.pem", "its curve is not P-256"),
        ("ed.pem", "neither RSA nor EC"),
        ("rsa.crt", "has a certificate"),
        ("rsa.der", "looks like a public key"),
    ] {
        let error = read(name).unwrap_err().to_string();
        assert!(error.contains(expected), "{name}: {error}");
    }
}

/// A folder with the API and the key, which nobody else can read.
fn home() -> Folder {
    let folder = Folder::with(API);
    write_key(&folder, SECRET);
    folder
}

fn set_mode(folder: &Folder, mode: u32) {
    let permissions = std::fs::Permissions::from_mode(mode);
    std::fs::set_permissions(folder.path().join("jwt.key"), permissions).unwrap();
}

fn status(server: &Server, target: &str, token: &str) -> u16 {
    let headers = [("Authorization", token)];
    let headers = if token.is_empty() { &[][..] } else { &headers };
    server.connect().request("GET", target, headers, "").status
}

#[test]
fn a_key_guards_every_sql_endpoint_and_is_read_again_at_each_reload() {
    let database = database("auth_reload");
    for (options, refusal) in [
        (&[][..], "not reloaded, generation 2 goes on: the key "),
        (&["--supervise"], "a new worker ended with status 78"),
    ] {
        let folder = home();
        let key = folder.path().join("jwt.key").display().to_string();
        let options = [&["--jwt-key", &key, "--jwt-issuer", "tests"], options].concat();
        let server = Server::start(folder.path(), &database, &options).ready();
        let (old, new) = (
            bearer(r#"{"iss":"tests"}"#),
            bearer_by(OTHER_SECRET, r#"{"iss":"tests"}"#),
        );
        let serves = |token: &str, other: &str| {
            assert_eq!(status(&server, "/one", token), 200);
            assert_eq!(status(&server, "/one", other), 401);
            assert_eq!(status(&server, "/one", &bearer(r#"{"iss":"others"}"#)), 401);
            assert_eq!(status(&server, "/one", ""), 401);
        };
        serves(&old, &new);
        for open in ["/ping", "/readyz", "/metrics", "/openapi.json"] {
            assert_eq!(status(&server, open, ""), 200, "{open}");
        }
        let metrics = server.get("/metrics").body;
        assert!(
            metrics.contains("peppercorn_errors_total{endpoint=\"one\",code=\"401\"}"),
            "{metrics}"
        );

        write_key(&folder, OTHER_SECRET);
        server.signal(Signal::HUP);
        poll("the new key", || {
            (status(&server, "/one", &new) == 200).then_some(())
        });
        poll("the old workers to end", || {
            (status(&server, "/one", &old) == 401).then_some(())
        });
        serves(&new, &old);

        // A key that cannot be used changes nothing, and the log says why.
        write_key(&folder, "short");
        server.signal(Signal::HUP);
        poll("a refusal", || server.log().contains(refusal).then_some(()));
        let log = server.log();
        assert!(
            log.contains("jwt.key: a shared secret has 32 bytes or more, not 5"),
            "{log}"
        );
        serves(&new, &old);
        let (status, log) = server.stop();
        assert_eq!(status.code(), Some(0), "{log}");
    }
}

#[test]
fn nobody_else_learns_of_a_token() {
    let sentry = FakeSentry::start(|_, _| ok());
    let database = database("auth_secret");
    database.run(
        "create function broken() returns int language plpgsql as
         $$ begin raise exception 'it broke' using errcode = 'XX001'; end $$",
    );
    let folder = home();
    folder.write("trouble.sql", TROUBLE);
    let access = folder.path().join("access.log");
    let mut command = peppercorn();
    command
        .env("DATABASE_URL", database.url())
        .env("SENTRY_DSN", sentry.dsn())
        .env("SENTRY_SEND_DEFAULT_PII", "true")
        .env("SENTRY_TRACES_SAMPLE_RATE", "1")
        .args(["serve", "--access-log", "--jwt-key"])
        .arg(folder.path().join("jwt.key"))
        .arg(folder.path())
        .stdout(std::fs::File::create(&access).unwrap());
    let server = Server::spawn(command).ready();
    let good = bearer(r#"{"sub":"jane-the-subject"}"#);
    let bad = bearer_by(OTHER_SECRET, r#"{"sub":"mallory"}"#);
    assert_eq!(status(&server, "/divide?by=0", &good), 400);
    assert_eq!(status(&server, "/broken", &bad), 401);
    assert_eq!(status(&server, "/broken", &good), 500);
    poll("an event of the failure", || {
        let heard = sentry.heard();
        heard
            .iter()
            .any(|heard| !heard.events().is_empty())
            .then_some(())
    });
    let (ended, log) = server.stop();
    assert_eq!(ended.code(), Some(0), "{log}");
    assert!(log.contains("broken failed: "), "{log}");
    let told: String = sentry.heard().iter().map(|heard| heard.text()).collect();
    let access = std::fs::read_to_string(access).unwrap();
    assert!(access.contains("/broken"), "{access}");
    for token in [good, bad] {
        let token = token.strip_prefix("Bearer ").unwrap();
        for secret in token
            .split('.')
            .skip(1)
            .chain([SECRET, "jane-the-subject", "mallory"])
        {
            assert!(!log.contains(secret), "{log}");
            assert!(!access.contains(secret), "{access}");
            assert!(!told.contains(secret), "{told}");
        }
    }
}

/// Each with the code 78 and in a line that names the file or the option.
#[test]
fn settings_that_make_no_sense_are_named() {
    let folder = home();
    let key = folder.path().join("jwt.key").display().to_string();
    let directory = folder.path().display().to_string();
    let fails = |words: &[&str], variables: &[(&str, &str)], expected: &str| {
        for command in ["serve", "check"] {
            let mut program = peppercorn();
            let ended = run(program
                .arg(command)
                .arg(&directory)
                .args(words)
                .envs(variables.iter().copied()));
            assert_eq!(ended.code, Some(78), "{command} {words:?}: {ended:?}");
            let lines = ended.stderr.lines().count();
            assert!(
                ended.stderr.contains(expected) && lines == 1,
                "{expected}: {ended:?}"
            );
        }
    };
    let file = ["--jwt-key", key.as_str()];
    fails(
        &["--jwt-key", "/no/key"],
        &[],
        "the key /no/key: cannot be read: No such file",
    );
    fails(&[], &[("PEPPERCORN_JWT_KEY", "/no/key")], "the key /no/key");
    fails(
        &["--jwt-key", &directory],
        &[],
        "cannot be read: Is a directory",
    );
    fails(
        &["--jwt-audience", "api"],
        &[],
        "--jwt-audience asks for something of tokens, and there is no key",
    );
    fails(
        &[],
        &[("PEPPERCORN_JWT_ISSUER", "us")],
        "PEPPERCORN_JWT_ISSUER asks for something of tokens",
    );
    for mode in [0o644, 0o604, 0o660, 0o620] {
        set_mode(&folder, mode);
        let expected = format!(
            "jwt.key: has a shared secret and is open to others ({mode:04o}); its mode must be 0600"
        );
        fails(&file, &[], &expected);
    }
    set_mode(&folder, 0o600);
    folder.write("jwt.key", "hunter2");
    fails(
        &file,
        &[],
        "jwt.key: a shared secret has 32 bytes or more, not 7",
    );
    let credentials = Folder::with(&[("jwt-key", "hunter2")]);
    let place = credentials.path().display().to_string();
    let directory = [("CREDENTIALS_DIRECTORY", place.as_str())];
    fails(&[], &directory, "the credential ");
    // An empty one stands for none.
    credentials.write("jwt-key", "\n");
    fails(&["--jwt-issuer", "us"], &directory, "there is no key");
}

#[test]
fn the_key_may_be_a_credential() {
    let database = database("auth_credential");
    let folder = Folder::with(API);
    let credentials = Folder::with(&[("jwt-key", &format!("{SECRET}\n"))]);
    let mut command = peppercorn();
    command
        .env("DATABASE_URL", database.url())
        .env("CREDENTIALS_DIRECTORY", credentials.path())
        .env("PEPPERCORN_JWT_AUDIENCE", "a, b")
        .arg("serve")
        .arg(folder.path());
    let server = Server::spawn(command).ready();
    assert_eq!(status(&server, "/one", &bearer(r#"{"aud":"b"}"#)), 200);
    assert_eq!(status(&server, "/one", &bearer(r#"{"aud":"c"}"#)), 401);
    assert_eq!(status(&server, "/one", ""), 401);
    drop(server);
    let mut command = peppercorn();
    command.env("DATABASE_URL", database.url());
    command.env("CREDENTIALS_DIRECTORY", credentials.path());
    command.arg("check").arg(folder.path());
    assert_eq!(run(&mut command).code, Some(0));
    // A public key is no secret: anybody may read its file.
    let jwk = r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#;
    folder.write("jwt.key", jwk);
    set_mode(&folder, 0o644);
    command.env_remove("CREDENTIALS_DIRECTORY");
    command.arg("--jwt-key").arg(folder.path().join("jwt.key"));
    assert_eq!(run(&mut command).code, Some(0));
}
