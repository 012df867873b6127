//! systemd's side: sockets that it passes, and what it is told.

use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr as UnixAddr, UnixDatagram};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use rustix::process::Signal;
use rustix::time::{ClockId, clock_gettime};

use crate::harness::{Connection, Hammer, Server, peppercorn, poll, run, signal, within};
use crate::lifecycle::{Home, asleep};
use crate::reload::Installed;

/// `command` as systemd would start it, with `first`, and perhaps `second`, as descriptors 3 and 4.
///
/// A shell stands between: the process id must be known before the program runs. They come in place of its input and
/// output, so that no other process that is started meanwhile inherits them.
fn activated(
    command: &Command,
    names: &str,
    first: impl Into<OwnedFd>,
    second: Option<OwnedFd>,
) -> Command {
    let count = 1 + usize::from(second.is_some());
    let script = format!(
        "export LISTEN_PID=$$ LISTEN_FDS={count} {names}; exec \"$0\" \"$@\" 3<&0 {} </dev/null >&2",
        if second.is_some() { "4<&1" } else { "" }
    );
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(script);
    let mut shell = within(shell, command);
    shell.stdin(Stdio::from(first.into()));
    shell.stdout(second.map_or_else(Stdio::null, Stdio::from));
    shell
}

fn serve(home: &Home, options: &[&str]) -> Command {
    let mut command = peppercorn();
    command.env("DATABASE_URL", home.database.url());
    command.arg("serve").arg(home.folder.path()).args(options);
    command
}

/// A socket that listens, for a test to keep and to pass on.
fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

const LAYOUTS: [&[&str]; 2] = [&["--workers", "2"], &[]];

#[test]
fn passed_sockets_are_served_by_name() {
    let home = Home::new("activation_names");
    for layout in LAYOUTS {
        let (http, public) = listener();
        let (admin, operators) = listener();
        let command = activated(
            &serve(&home, layout),
            "LISTEN_FDNAMES=http:admin",
            http,
            Some(admin.into()),
        );
        let server = Server::spawn(command).ready_at(operators);
        assert_eq!(server.address(), public);
        assert!(
            server
                .log()
                .contains(&format!("admin on http://{operators}"))
        );
        assert_eq!(server.get("/one").body, "1");
        assert_eq!(server.get("/readyz").status, 404);
        let mut operator = Connection::open(operators);
        assert_eq!(operator.request("GET", "/one", &[], "").status, 404);
        let (status, log) = server.stop();
        assert_eq!(status.code(), Some(0), "{log}");
    }
}

#[test]
fn a_socket_without_a_name_is_for_clients_and_those_for_another_process_are_left_alone() {
    let home = Home::new("activation_unnamed");
    let (http, public) = listener();
    let server = Server::spawn(activated(&serve(&home, LAYOUTS[0]), "", http, None));
    assert_eq!(server.address(), public);
    assert_eq!(server.get("/one").body, "1");
    drop(server.stop());

    let (other, public) = listener();
    let server = Server::spawn(activated(
        &serve(&home, LAYOUTS[0]),
        "LISTEN_PID=1",
        other,
        None,
    ));
    assert_ne!(server.address(), public);
    assert_eq!(server.get("/one").body, "1");
}

#[test]
fn what_is_no_listening_socket_is_refused() {
    let home = Home::new("activation_wrong");
    let file = std::fs::File::open(home.folder.path().join("api.sql")).unwrap();
    let silent = rustix::net::socket(
        rustix::net::AddressFamily::INET,
        rustix::net::SocketType::STREAM,
        None,
    );
    let datagram = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let wrong: [(OwnedFd, &str); 3] = [
        (file.into(), "not a socket"),
        (silent.unwrap(), "not a listening stream socket"),
        (datagram.into(), "not a listening stream socket"),
    ];
    for (descriptor, reason) in wrong {
        for layout in LAYOUTS {
            let descriptor = descriptor.try_clone().unwrap();
            let names = "LISTEN_FDNAMES=http";
            let ended = run(&mut activated(
                &serve(&home, layout),
                names,
                descriptor,
                None,
            ));
            assert_eq!(ended.code, Some(73), "{ended:?}");
            let named = "the socket \"http\" (descriptor 3) of LISTEN_FDS";
            assert!(ended.stderr.contains(named), "{ended:?}");
            assert!(ended.stderr.contains(reason), "{ended:?}");
            assert_eq!(ended.stderr.lines().count(), 1, "{ended:?}");
        }
    }
}

#[test]
fn nobody_is_refused_while_the_service_is_stopped_and_started() {
    let home = Home::new("activation_again");
    for layout in LAYOUTS {
        let (http, address) = listener();
        let start = || {
            let http = http.try_clone().unwrap();
            Server::spawn(activated(&serve(&home, layout), "", http, None))
        };
        let loads = [
            Hammer::connecting(address, 2, "/ping"),
            Hammer::gently(address, 2, "/one"),
        ];
        for _ in 0..3 {
            let server = start().ready();
            loads.iter().for_each(|load| load.goes_on(20));
            let (status, log) = server.stop();
            assert_eq!(status.code(), Some(0), "{log}");
        }
        let _last = start().ready();
        for load in loads {
            load.goes_on(1);
            load.stop().flawless(60);
        }
    }
}

/// systemd, as far as it listens.
struct Systemd {
    address: String,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Systemd {
    fn listen(socket: UnixDatagram, address: String) -> Systemd {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let messages = heard.clone();
        // Ends with the process.
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(length) = socket.recv(&mut buffer) {
                let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
                messages.lock().unwrap().push(text);
            }
        });
        Systemd { address, heard }
    }

    fn at(path: &Path) -> Systemd {
        let socket = UnixDatagram::bind(path).unwrap();
        Systemd::listen(socket, path.display().to_string())
    }

    fn hidden() -> Systemd {
        let name = format!("peppercorn-it-{}", fastrand::u64(..));
        let address = UnixAddr::from_abstract_name(&name).unwrap();
        Systemd::listen(
            UnixDatagram::bind_addr(&address).unwrap(),
            format!("@{name}"),
        )
    }

    fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }

    /// Waits for a message with `text` behind the first `after` ones; its number, and it.
    #[track_caller]
    fn hears(&self, after: usize, text: &str) -> (usize, String) {
        poll(&format!("systemd to be told {text:?}"), || {
            let heard = self.heard().into_iter().enumerate().skip(after);
            heard
                .into_iter()
                .find(|(_, message)| message.lines().any(|line| line.starts_with(text)))
        })
    }
}

fn monotonic_us() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec as u64 * 1_000_000 + now.tv_nsec as u64 / 1000
}

#[test]
fn systemd_is_told_what_happens_in_order() {
    let home = Home::new("activation_notify");
    for systemd in [
        Systemd::at(&home.folder.path().join("notify")),
        Systemd::hidden(),
    ] {
        let mut command = serve(&home, &["--workers", "2"]);
        command.env("NOTIFY_SOCKET", &systemd.address);
        let server = Server::spawn(command);
        let (ready, message) = systemd.hears(0, "READY=1");
        assert!(!message.contains("RELOADING"), "{message}");
        let workers = server.service().workers;
        assert!(workers.iter().all(|worker| worker.state == "serving"));
        let (_, status) = systemd.hears(0, "STATUS=2/2 workers, database ok");
        assert_eq!(status.lines().count(), 1, "{status}");

        let before = monotonic_us();
        server.signal(Signal::HUP);
        let (reloading, message) = systemd.hears(ready + 1, "RELOADING=1");
        let begun = message
            .lines()
            .find_map(|line| line.strip_prefix("MONOTONIC_USEC="));
        let begun: u64 = begun.expect("in the same message").parse().unwrap();
        assert!((before..=monotonic_us()).contains(&begun));
        let (ready, _) = systemd.hears(reloading + 1, "READY=1");
        server.settled(2);

        // Refused is over, too.
        home.folder.write("bad.sql", "-- name: bad\nselect 1;\n");
        server.signal(Signal::HUP);
        let (reloading, _) = systemd.hears(ready + 1, "RELOADING=1");
        systemd.hears(reloading + 1, "READY=1");
        std::fs::remove_file(home.folder.path().join("bad.sql")).unwrap();

        let mut busy = asleep(&server, &home, "1.2");
        let before = systemd.heard().len();
        server.signal(Signal::TERM);
        let (stopping, _) = systemd.hears(before, "STOPPING=1");
        let (first, message) = systemd.hears(stopping, "EXTEND_TIMEOUT_USEC=");
        let more: u64 = message.trim().split_once('=').unwrap().1.parse().unwrap();
        assert!(more >= 1_000_000, "{message}");
        systemd.hears(first + 1, "EXTEND_TIMEOUT_USEC=");
        let (_, status) = systemd.hears(stopping, "STATUS=");
        assert!(status.contains("stopping"), "{status}");
        assert_eq!(busy.answer_to("GET").status, 200);
        drop(busy);
        assert_eq!(server.wait().0.code(), Some(0));
        let told = systemd.heard();
        let count = |text: &str| told.iter().filter(|message| message.contains(text)).count();
        assert_eq!((count("READY=1"), count("STOPPING=1")), (3, 1), "{told:?}");
    }
}

#[test]
fn a_worker_on_its_own_tells_systemd_too() {
    let home = Home::new("activation_alone");
    let systemd = Systemd::at(&home.folder.path().join("notify"));
    let mut command = serve(&home, &[]);
    command.env("NOTIFY_SOCKET", &systemd.address);
    command.env("WATCHDOG_USEC", "400000");
    let server = Server::spawn(command);
    let (ready, _) = systemd.hears(0, "READY=1");
    systemd.hears(0, "STATUS=serving, database ok");
    let mut last = ready;
    for _ in 0..3 {
        last = systemd.hears(last + 1, "WATCHDOG=1").0;
    }
    let mut busy = asleep(&server, &home, "1.2");
    server.signal(Signal::TERM);
    let (stopping, _) = systemd.hears(last, "STOPPING=1");
    systemd.hears(stopping, "EXTEND_TIMEOUT_USEC=");
    assert_eq!(busy.answer_to("GET").status, 200);
    drop(busy);
    assert_eq!(server.wait().0.code(), Some(0));
}

#[test]
fn the_watchdog_is_for_the_supervisor_whose_workers_know_nothing_of_systemd() {
    let home = Home::new("activation_watchdog");
    let systemd = Systemd::hidden();
    let (http, _) = listener();
    let mut command = serve(&home, &["--workers", "2"]);
    command.env("NOTIFY_SOCKET", &systemd.address);
    command.env("WATCHDOG_USEC", "300000");
    let server = Server::spawn(activated(&command, "LISTEN_FDNAMES=http", http, None));
    let (mut last, _) = systemd.hears(0, "READY=1");
    for worker in server.settled(2) {
        let environment = std::fs::read(format!("/proc/{}/environ", worker.pid)).unwrap();
        let environment = String::from_utf8_lossy(&environment).into_owned();
        for name in ["NOTIFY_", "LISTEN_", "WATCHDOG_"] {
            let told = environment.split('\0').find(|line| line.starts_with(name));
            assert_eq!(told, None);
        }
        assert!(environment.contains("DATABASE_URL="));
    }
    for _ in 0..5 {
        last = systemd.hears(last + 1, "WATCHDOG=1").0;
    }
    // A worker that is stuck is replaced, which is no reason to kill the service.
    let stuck = server.settled(2).swap_remove(0);
    signal(stuck.pid, Signal::STOP);
    let before = systemd.heard().len();
    server.successor(&stuck);
    let heard = systemd.heard().split_off(before);
    let signs = heard
        .iter()
        .filter(|message| message.contains("WATCHDOG=1"));
    assert!(signs.count() >= 10, "{heard:?}");
    let away = heard
        .iter()
        .any(|message| message.contains("STATUS=1/2 workers"));
    assert!(away, "{heard:?}");
}

#[test]
fn a_new_version_keeps_the_sockets_and_goes_on_telling() {
    let home = Home::new("activation_upgrade");
    let installed = Installed::new();
    let systemd = Systemd::hidden();
    let (http, address) = listener();
    let mut command = installed.serve(&home, &["--workers", "2"]);
    command.env("NOTIFY_SOCKET", &systemd.address);
    command.env("WATCHDOG_USEC", "300000");
    let server = Server::spawn(activated(&command, "", http.try_clone().unwrap(), None));
    let load = Hammer::connecting(address, 1, "/ping");
    let (mut ready, _) = systemd.hears(0, "READY=1");
    for _ in 0..2 {
        installed.replace_by(Path::new(env!("CARGO_BIN_EXE_peppercorn")));
        server.signal(Signal::HUP);
        let (reloading, _) = systemd.hears(ready + 1, "RELOADING=1");
        ready = systemd.hears(reloading + 1, "READY=1").0;
        poll("the supervisor to run the new program", || {
            installed.is_run_by(server.pid()).then_some(())
        });
        systemd.hears(ready + 1, "WATCHDOG=1");
        server.settled(2);
    }
    load.goes_on(20);
    let before = systemd.heard().len();
    let (status, log) = server.stop();
    assert_eq!(status.code(), Some(0), "{log}");
    systemd.hears(before, "STOPPING=1");
    // Who came meanwhile is still in the queue: the socket is not the service's to close.
    let _next = Server::spawn(activated(&serve(&home, &[]), "", http, None)).ready();
    load.goes_on(20);
    load.stop().flawless(40);
}

trait ReadyAt {
    fn ready_at(self, operators: SocketAddr) -> Self;
}

impl ReadyAt for Server {
    /// Waits until the database is there, as operators are told.
    fn ready_at(self, operators: SocketAddr) -> Server {
        poll("the server to be ready", || {
            let answer = Connection::open(operators).request("GET", "/readyz", &[], "");
            (answer.status == 200).then_some(())
        });
        self
    }
}
