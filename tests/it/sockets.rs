//! Listening sockets that several executors or processes accept from, and those that are taken over.

use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixListener;
use std::sync::mpsc;

use peppercorn::app::Api;
use peppercorn::server::{self, Address, Entrance, Listener, Settings};
use peppercorn::{App, Context, Response, StatusCode};
use rustix::io::FdFlags;
use smol::channel::{Receiver, Sender};

use crate::harness::{Connection, Embedded, Folder, api};

/// `/who` says `name`. `/hold` says that it is asked, and answers when it is let go.
struct Who {
    name: &'static str,
    asked: (Sender<()>, Receiver<()>),
    let_go: (Sender<()>, Receiver<()>),
}

impl Who {
    fn new(name: &'static str) -> Who {
        Who {
            name,
            asked: smol::channel::unbounded(),
            let_go: smol::channel::unbounded(),
        }
    }

    fn api(&self) -> Api {
        let name = self.name;
        let (asked, let_go) = (self.asked.0.clone(), self.let_go.1.clone());
        let hold = move |_: Context| {
            let (asked, let_go) = (asked.clone(), let_go.clone());
            async move {
                asked.send(()).await?;
                let_go.recv().await?;
                Ok(Response::new(StatusCode::Ok))
            }
        };
        let who =
            move |_: Context| async move { Ok(Response::new(StatusCode::Ok).with_body(name)) };
        api(App::new().get("/who", who).get("/hold", hold))
    }

    /// Serves with one place for clients, which is taken by the connection that comes back.
    fn serve_full(&self, listener: Listener, abandoned: bool) -> (Embedded, Connection) {
        let settings = Settings {
            connections: 1,
            ..Settings::default()
        };
        let address = address(&listener);
        let server = Embedded::serve_on(self.api(), vec![vec![listener]], settings, abandoned);
        let mut held = Connection::open(address);
        held.send("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n");
        self.asked.1.recv_blocking().unwrap();
        (server, held)
    }

    /// Lets the connection have its answer.
    fn let_go(&self, mut held: Connection) {
        self.let_go.0.send_blocking(()).unwrap();
        assert_eq!(held.answer_to("GET").status, 200);
    }
}

fn serve(who: &Who, listener: Listener) -> Embedded {
    Embedded::serve_on(who.api(), vec![vec![listener]], Settings::default(), false)
}

fn bind(count: usize, grow: bool) -> Vec<Listener> {
    let anywhere = Address::Tcp("127.0.0.1:0".into());
    server::bind(&anywhere, Entrance::Public, count, grow).unwrap()
}

fn address(listener: &Listener) -> SocketAddr {
    let name = listener.name().strip_prefix("http://").unwrap();
    name.parse().unwrap()
}

/// The same socket, as another process would have it.
fn inherited(socket: impl AsFd) -> Listener {
    let socket = socket.as_fd().try_clone_to_owned().unwrap();
    Listener::inherit(socket, Entrance::Public).unwrap()
}

/// Somebody who waits to be accepted.
fn asking(address: SocketAddr) -> Connection {
    let mut connection = Connection::open(address);
    connection.send("GET /who HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    connection
}

#[test]
fn seats_share_a_socket_and_one_that_is_stuck_holds_up_nobody() {
    let folder = Folder::new();
    let path = folder.path().join("api.sock");
    let opened = server::bind(&Address::Unix(path.clone()), Entrance::Public, 2, false).unwrap();
    assert_eq!(opened.len(), 1);
    let mut seats = vec![Vec::new(), Vec::new()];
    server::seat(opened, &mut seats).unwrap();
    // Blocks its executor's thread, which no handler should.
    let (asked, was_asked) = mpsc::channel();
    let (go_on, may_go_on) = mpsc::channel::<()>();
    let (asked, may_go_on) = (
        std::sync::Mutex::new(asked),
        std::sync::Mutex::new(may_go_on),
    );
    let ends = std::sync::Arc::new((asked, may_go_on));
    let stick = move |_: Context| {
        let ends = ends.clone();
        async move {
            ends.0.lock().unwrap().send(())?;
            ends.1.lock().unwrap().recv()?;
            Ok(Response::new(StatusCode::Ok))
        }
    };
    let app = api(App::new().get("/stick", stick));
    let server = Embedded::serve_on(app, seats, Settings::default(), false);
    let mut stuck = Connection::open_unix(&path);
    stuck.send("GET /stick HTTP/1.1\r\nHost: a\r\n\r\n");
    was_asked.recv().unwrap();
    for _ in 0..8 {
        let mut connection = Connection::open_unix(&path);
        let pong = connection.request("GET", "/ping", &[], "");
        assert_eq!((pong.status, pong.body.as_str()), (200, "pong"));
    }
    go_on.send(()).unwrap();
    assert_eq!(stuck.answer_to("GET").status, 200);
    drop(stuck);
    server.end();
    assert!(!path.exists());
}

#[test]
fn whom_one_has_no_place_for_another_lets_in() {
    let socket = bind(1, false).remove(0);
    let (full, free) = (Who::new("full"), Who::new("free"));
    // The first to watch the socket is the first to be told.
    let (first, held) = full.serve_full(inherited(&socket), false);
    let second = serve(&free, inherited(&socket));
    for _ in 0..3 {
        assert_eq!(asking(address(&socket)).answer_to("GET").body, "free");
    }
    full.let_go(held);
    first.end();
    // It is out of the way: nobody is told in its place.
    assert_eq!(asking(address(&socket)).answer_to("GET").body, "free");
    drop(second);
}

#[test]
fn who_waits_at_a_kept_socket_is_left_to_whom_goes_on_with_it() {
    let socket = bind(1, false).remove(0);
    let (old, new) = (Who::new("old"), Who::new("new"));
    let (first, held) = old.serve_full(inherited(&socket), false);
    let mut waiting = asking(address(&socket));
    first.drain();
    old.let_go(held);
    first.end();
    let second = serve(&new, inherited(&socket));
    assert_eq!(waiting.answer_to("GET").body, "new");
    drop(second);
}

#[test]
fn who_waits_when_nobody_goes_on_is_let_in() {
    for kept in [true, false] {
        let socket = bind(1, false).remove(0);
        let own = match kept {
            true => inherited(&socket),
            false => socket.share().unwrap(),
        };
        let last = Who::new("last");
        let (server, held) = last.serve_full(own, kept);
        let mut waiting = asking(address(&socket));
        server.drain();
        assert_eq!(waiting.answer_to("GET").body, "last");
        last.let_go(held);
        server.end();
    }
}

#[test]
fn a_port_that_may_grow_does_and_no_other() {
    let mut sockets = bind(1, true);
    let (one, two) = (Who::new("one"), Who::new("two"));
    let another = server::another(&sockets[0]).unwrap();
    assert_eq!(another.name(), sockets[0].name());
    let first = serve(&one, sockets.remove(0));
    let first_address = first.address();
    assert_eq!(address(&another), first_address);
    let second = serve(&two, another);
    first.end();
    assert_eq!(asking(first_address).answer_to("GET").body, "two");
    drop(second);

    let alone = bind(1, false).remove(0);
    let error = format!("{:#}", server::another(&alone).unwrap_err());
    let expected = format!(
        "cannot listen on {} once more: Address already in use",
        alone.name()
    );
    assert!(error.starts_with(&expected), "{error}");
}

#[test]
fn what_is_taken_over_listens_and_is_named() {
    let folder = Folder::new();
    let path = folder.path().join("theirs.sock");
    let theirs = UnixListener::bind(&path).unwrap();
    let name = format!("unix:{}", path.display());
    let tcp = TcpListener::bind("[::1]:0").unwrap();
    for (socket, name) in [
        (theirs.as_fd(), name.clone()),
        (tcp.as_fd(), format!("http://{}", tcp.local_addr().unwrap())),
    ] {
        let socket = rustix::io::dup(socket).unwrap();
        assert_eq!(rustix::io::fcntl_getfd(&socket).unwrap(), FdFlags::empty());
        let listener = Listener::inherit(socket, Entrance::Admin).unwrap();
        assert_eq!((listener.name(), listener.is_kept()), (name.as_str(), true));
        assert_eq!(listener.entrance(), Entrance::Admin);
        let flags = rustix::io::fcntl_getfd(listener.fd()).unwrap();
        assert_eq!(flags, FdFlags::CLOEXEC);
    }
    // The file is theirs, unless this process is the one that made it.
    assert!(path.exists());
    assert!(!inherited(&theirs).has_file());
    let ours = inherited(&theirs).with_file();
    assert!(ours.has_file());
    drop(ours);
    assert!(!path.exists());
    assert!(!inherited(&theirs).with_file().has_file());
    assert!(!inherited(&tcp).with_file().has_file());

    let stream = TcpStream::connect(tcp.local_addr().unwrap()).unwrap();
    let datagrams = UdpSocket::bind("127.0.0.1:0").unwrap();
    let file = std::fs::File::open("/dev/null").unwrap();
    let others: [OwnedFd; 3] = [stream.into(), datagrams.into(), file.into()];
    for socket in others {
        let error = Listener::inherit(socket, Entrance::Public).unwrap_err();
        assert!(format!("{error:#}").starts_with("not a "), "{error:#}");
    }
}
