//! Proxies and TLS on the way to Sentry.
//!
//! Which certificates the system trusts is said in this process's environment: what depends on it runs in a process of its
//! own, which is this program once more.

use std::io::{self, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};

use futures_rustls::rustls::crypto::ring;
use futures_rustls::rustls::pki_types::pem::PemObject;
use futures_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use futures_rustls::rustls::{ServerConfig, ServerConnection, StreamOwned};
use peppercorn::observe;
use peppercorn::sentry::{Outcome, Settings};

use crate::harness::{
    Certificates, FakeSentry, Heard, PATIENCE, Reply, Wire, answer, ok, read_request, run,
};
use crate::sentry_transport::{report, settings, start};

/// `Basic` of `user:p@ss`.
const CREDENTIALS: &str = "Basic dXNlcjpwQHNz";

type Tls = StreamOwned<ServerConnection, TcpStream>;

impl Wire for Tls {
    fn reset(&self) {
        self.sock.reset();
    }
}

/// `server` vouched for by `ca`, and `stranger` of the same name by somebody that nobody trusts.
pub fn certificates() -> Certificates {
    let certificates = Certificates::new();
    let extensions = "basicConstraints=CA:FALSE\nsubjectAltName=DNS:localhost\n";
    certificates.signed("server", "ca", "server", extensions);
    certificates.signed("stranger", "other", "server", extensions);
    certificates
}

/// What makes a connection one over TLS, with the certificate of this name.
pub fn wrap(
    certificates: &Certificates,
    name: &str,
) -> impl Fn(TcpStream) -> io::Result<Tls> + Send + Sync + 'static {
    let read = |ending: &str| certificates.path(&format!("{name}.{ending}"));
    let certificate = CertificateDer::from_pem_file(read("crt")).unwrap();
    let key = PrivateKeyDer::from_pem_file(read("key")).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let config = Arc::new(config);
    move |stream| {
        let session = ServerConnection::new(config.clone());
        Ok(StreamOwned::new(session.map_err(io::Error::other)?, stream))
    }
}

/// A Sentry over TLS, with the certificate of this name.
fn sentry(certificates: &Certificates, name: &str) -> FakeSentry {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    FakeSentry::start_with(listener, |_, _| ok(), wrap(certificates, name))
}

/// A proxy that lays the way to wherever it is asked to, if the user is right.
struct Proxy {
    address: SocketAddr,
    heard: Arc<Mutex<Vec<Heard>>>,
}

impl Proxy {
    fn start<W: Wire + 'static>(
        wrap: impl Fn(TcpStream) -> io::Result<W> + Send + 'static,
        carry: fn(W, TcpStream) -> io::Result<()>,
    ) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let noted = heard.clone();
        std::thread::spawn(move || {
            for (number, stream) in listener.incoming().enumerate() {
                let mut wire = wrap(stream.unwrap()).unwrap();
                let Ok(Some(request)) = read_request(&mut wire, number) else {
                    continue;
                };
                noted.lock().unwrap().push(request.clone());
                if request.header("proxy-authorization") != Some(CREDENTIALS) {
                    let _gone = wire.write_all(
                        b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n",
                    );
                    continue;
                }
                let target = request.head.split(' ').nth(1).unwrap();
                let target = TcpStream::connect(target).unwrap();
                wire.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")
                    .and_then(|()| wire.flush())
                    .unwrap();
                std::thread::spawn(move || carry(wire, target));
            }
        });
        Proxy { address, heard }
    }
}

/// Both ways at once, until either end has enough.
fn carry_plain(mut near: TcpStream, mut far: TcpStream) -> io::Result<()> {
    let (mut near_again, mut far_again) = (near.try_clone()?, far.try_clone()?);
    let there = std::thread::spawn(move || {
        let copied = io::copy(&mut near_again, &mut far_again);
        let _gone = far_again.shutdown(Shutdown::Write);
        copied
    });
    let copied = io::copy(&mut far, &mut near);
    let _gone = near.shutdown(Shutdown::Write);
    there.join().unwrap()?;
    copied.map(drop)
}

/// One turn each: a TLS connection has one owner. Enough for a handshake and a request.
fn carry_tls(mut near: Tls, mut far: TcpStream) -> io::Result<()> {
    use std::io::Read;
    let pause = Some(std::time::Duration::from_millis(5));
    near.sock.set_read_timeout(pause)?;
    far.set_read_timeout(pause)?;
    let mut buffer = [0; 16 * 1024];
    loop {
        match near.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => far.write_all(&buffer[..count])?,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
        match far.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => near
                .write_all(&buffer[..count])
                .and_then(|()| near.flush())?,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
}

/// What an event came to, two of them, in a process that trusts the certificates of `trusted` and has these variables.
#[track_caller]
fn reported(dsn: &str, trusted: &Path, variables: &[(&str, &str)]) -> String {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args([
            "--exact",
            "sentry_proxies::in_a_process_of_its_own",
            "--ignored",
            "--nocapture",
        ])
        .env("SSL_CERT_FILE", trusted)
        .env_remove("SSL_CERT_DIR")
        .env("SENTRY_DSN", dsn)
        .envs(variables.iter().copied());
    let ended = run(&mut command);
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    ended.stdout
}

#[test]
#[ignore = "run by the other tests, with an environment of its own"]
fn in_a_process_of_its_own() {
    let settings = Settings::read(None, &|name| std::env::var(name).ok());
    let Some(settings) = settings.unwrap() else {
        return;
    };
    observe::subscribe(|event| println!("event: {event}"));
    let (sentry, tally) = start(&settings);
    for _ in 0..2 {
        report(&sentry, "over TLS");
        assert!(sentry.flush(PATIENCE));
    }
    for outcome in Outcome::ALL {
        if tally.of(outcome) > 0 {
            println!("outcome: {} {}", tally.of(outcome), outcome.word());
        }
    }
}

/// What was said to whoever operates it.
fn events(said: &str) -> Vec<&str> {
    let events = said.lines().filter(|line| line.starts_with("event: "));
    events.collect()
}

fn https(server: &FakeSentry) -> String {
    format!("https://canary-key@localhost:{}/7", server.address().port())
}

#[test]
fn what_the_system_trusts_is_sent_to() {
    let certificates = certificates();
    let server = sentry(&certificates, "server");
    let trusted = certificates.path("ca.crt");
    let said = reported(&https(&server), &trusted, &[]);
    assert!(
        said.contains("outcome: 2 sent") && !said.contains("event: "),
        "{said}"
    );
    let heard = server.heard();
    assert_eq!(heard[0].events()[0].message.as_deref(), Some("over TLS"));
    let place = format!("localhost:{}", server.address().port());
    assert_eq!(heard[0].header("host"), Some(place.as_str()));
    assert_eq!([heard[0].connection, heard[1].connection], [0, 0]);
}

#[test]
fn what_it_does_not_trust_is_not() {
    let certificates = certificates();
    let trusted = certificates.path("ca.crt");
    let stranger = sentry(&certificates, "stranger");
    let server = sentry(&certificates, "server");
    let elsewhere = https(&server).replace("localhost", "127.0.0.1");
    for (server, dsn, reason) in [
        (&stranger, https(&stranger), "no TLS with localhost: "),
        (&server, elsewhere, "no TLS with 127.0.0.1: "),
    ] {
        let said = reported(&dsn, &trusted, &[]);
        assert!(said.contains("outcome: 2 network_error"), "{said}");
        let told = events(&said);
        assert!(told.len() == 1 && told[0].contains(reason), "{said}");
        assert!(!said.contains("canary"), "{said}");
        assert_eq!(server.heard().len(), 0);
    }
}

#[test]
fn a_proxy_lays_the_way_to_an_encrypted_sentry() {
    let certificates = certificates();
    let trusted = certificates.path("ca.crt");
    let server = sentry(&certificates, "server");
    let proxy = Proxy::start(Ok, carry_plain);
    let variable = format!("http://user:p%40ss@{}", proxy.address);
    let said = reported(&https(&server), &trusted, &[("HTTPS_PROXY", &variable)]);
    assert!(said.contains("outcome: 2 sent"), "{said}");
    assert_eq!(server.heard().len(), 2);
    assert_eq!(server.heard()[0].header("proxy-authorization"), None);
    let heard = proxy.heard.lock().unwrap().clone();
    let port = server.address().port();
    let begin = format!("CONNECT localhost:{port} HTTP/1.1\r\nhost: localhost:{port}\r\n");
    assert!(heard[0].head.starts_with(&begin), "{}", heard[0].head);
    // The key is for Sentry.
    assert!(heard.len() == 1 && !heard[0].head.contains("canary"));
}

#[test]
fn a_proxy_that_refuses_is_named() {
    let certificates = certificates();
    let trusted = certificates.path("ca.crt");
    let server = sentry(&certificates, "server");
    let proxy = Proxy::start(Ok, carry_plain);
    let variable = format!("http://user:canary@{}", proxy.address);
    let said = reported(&https(&server), &trusted, &[("HTTPS_PROXY", &variable)]);
    let reason = format!("the proxy {} answers 407", proxy.address);
    assert!(
        said.contains("2 network_error") && said.contains(&reason),
        "{said}"
    );
    assert!(!said.contains("canary"), "{said}");
}

#[test]
fn the_way_to_a_proxy_may_be_encrypted_too() {
    let certificates = certificates();
    let trusted = certificates.path("ca.crt");
    let server = sentry(&certificates, "server");
    let proxy = Proxy::start(wrap(&certificates, "server"), carry_tls);
    let variable = format!("https://user:p%40ss@localhost:{}", proxy.address.port());
    let said = reported(&https(&server), &trusted, &[("https_proxy", &variable)]);
    assert!(said.contains("outcome: 2 sent"), "{said}");
    assert_eq!(server.heard().len(), 2);
}

/// RFC 9112 section 3.2.2: what is not encrypted the proxy is given whole, with the URL in the request line.
#[test]
fn a_proxy_passes_on_what_is_not_encrypted() {
    let proxy = FakeSentry::start(|_, _| ok());
    let variable = format!("http://user:p%40ss@{}", proxy.address());
    let variables = [("HTTP_PROXY", variable.as_str())];
    let settings = |dsn| settings(dsn, &variables);
    let (sentry, tally) = start(&settings("http://key@sentry.invalid/under/7"));
    assert!(report(&sentry, "x") && report(&sentry, "y") && sentry.flush(PATIENCE));
    let heard = proxy.heard();
    let begin =
        "POST http://sentry.invalid/under/api/7/envelope/ HTTP/1.1\r\nhost: sentry.invalid\r\n";
    assert!(heard[0].head.starts_with(begin), "{}", heard[0].head);
    assert_eq!(heard[0].header("proxy-authorization"), Some(CREDENTIALS));
    assert_eq!(heard[0].events()[0].message.as_deref(), Some("x"));
    assert_eq!([heard[0].connection, heard[1].connection], [0, 0]);
    tally.assert(&[(Outcome::Sent, 2)]);
    let (sentry, _) = start(&settings("http://key@sentry.invalid:9000/7"));
    assert!(report(&sentry, "x") && sentry.flush(PATIENCE));
    let head = proxy.heard().pop().unwrap().head;
    let begin =
        "POST http://sentry.invalid:9000/api/7/envelope/ HTTP/1.1\r\nhost: sentry.invalid:9000\r\n";
    assert!(head.starts_with(begin), "{head}");
}

/// One outage is told of once, and so is its end, with what it has cost.
#[test]
fn an_outage_is_told_of_once() {
    let certificates = certificates();
    let trusted = certificates.path("ca.crt");
    let refusing = FakeSentry::start(|_, _| answer("403 Forbidden", "", "no such key"));
    let said = reported(&refusing.dsn(), &trusted, &[]);
    let told = events(&said);
    assert!(
        told.len() == 1 && told[0].contains("it answers 403 Forbidden"),
        "{said}"
    );
    let recovering = FakeSentry::start(|number, _| match number {
        0 => Reply::Last(Vec::new()),
        _ => ok(),
    });
    let said = reported(&recovering.dsn(), &trusted, &[]);
    let told = events(&said);
    assert_eq!(told.len(), 2, "{said}");
    assert!(told[1].contains("1 were dropped meanwhile"), "{said}");
}
