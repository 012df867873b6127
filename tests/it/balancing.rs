//! Two instances behind HAProxy, with the configuration that is shipped.

use std::net::SocketAddr;
use std::time::Duration;

use rustix::process::Signal;

use crate::harness::{
    Connection, Database, Folder, HaProxy, Hammer, Manner, Server, database, free_port, peppercorn,
    poll,
};
use crate::lifecycle::Home;

const API: &[(&str, &str)] = &[(
    "api.sql",
    "-- name: one$\n-- http: GET /one\nselect 1;\n\n\
     -- name: keep!\n-- http: POST /kept\ninsert into kept values (:id);\n",
)];

/// An instance at addresses that it has again after a restart.
struct Instance<'a> {
    folder: &'a Folder,
    database: &'a Database,
    public: SocketAddr,
    admin: SocketAddr,
}

impl Instance<'_> {
    fn new<'a>(folder: &'a Folder, database: &'a Database) -> Instance<'a> {
        let address = || ([127, 0, 0, 1], free_port("127.0.0.1")).into();
        Instance {
            folder,
            database,
            public: address(),
            admin: address(),
        }
    }

    fn start(&self) -> Server {
        let mut command = peppercorn();
        command
            .env("DATABASE_URL", self.database.url())
            .args(["serve", "--drain-delay", "2s"])
            .args(["--bind", &self.public.to_string()])
            .args(["--admin-bind", &self.admin.to_string()])
            .arg(self.folder.path());
        Server::spawn_elsewhere(command)
    }
}

#[test]
fn a_rolling_restart_behind_haproxy_fails_no_request() {
    let database = database("balancing");
    database.run("create table kept (id bigint primary key)");
    let folder = Folder::with(API);
    let instances = [0, 1].map(|_| Instance::new(&folder, &database));
    let mut servers = instances.each_ref().map(|instance| Some(instance.start()));
    let front = ([127, 0, 0, 1], free_port("127.0.0.1")).into();
    let haproxy = HaProxy::start(front, instances.each_ref().map(|at| (at.public, at.admin)));
    let insertion = |id: u64| {
        let body = format!("{{\"id\":{id}}}");
        let length = body.len();
        format!("POST /kept HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n{body}")
    };
    let manner = Manner {
        clients: 2,
        connecting: false,
        pause: Duration::from_micros(500),
    };
    let loads = [
        Hammer::start(haproxy.address(), manner, insertion),
        Hammer::gently(haproxy.address(), 2, "/one"),
        Hammer::connecting(haproxy.address(), 1, "/one"),
    ];
    loads.iter().for_each(|load| load.goes_on(50));
    for (index, name) in ["a", "b"].into_iter().enumerate() {
        let server = servers[index].take().unwrap();
        server.signal(Signal::TERM);
        haproxy.knows(name, "DOWN");
        let (status, log) = server.wait();
        assert!(status.success(), "{log}");
        loads.iter().for_each(|load| load.goes_on(50));
        servers[index] = Some(instances[index].start());
        haproxy.knows(name, "UP");
        loads.iter().for_each(|load| load.goes_on(50));
    }
    let [written, read, connected] = loads.map(Hammer::stop);
    read.flawless(100);
    connected.flawless(100);
    written.flawless(100);
    let kept = database.ask("select count(*) from kept").unwrap();
    assert_eq!(kept, written.answered.len().to_string());
}

#[test]
fn haproxy_tells_who_the_client_is_and_clients_do_not() {
    let database = database("balancing_client");
    database.run("create table kept (id bigint primary key)");
    let folder = Folder::with(API);
    let instance = Instance::new(&folder, &database);
    let mut command = peppercorn();
    command
        .env("DATABASE_URL", database.url())
        .args(["serve", "--access-log"])
        .args(["--bind", &instance.public.to_string()])
        .args(["--admin-bind", &instance.admin.to_string()])
        .arg(folder.path());
    let lines = Folder::new();
    let log = lines.path().join("log");
    command.stdout(std::fs::File::create(&log).unwrap());
    let _server = Server::spawn_elsewhere(command);
    let front = ([127, 0, 0, 1], free_port("127.0.0.1")).into();
    let at = (instance.public, instance.admin);
    let haproxy = HaProxy::start(front, [at, at]);
    let mut client = Connection::open(haproxy.address());
    let headers = [("X-Forwarded-For", "6.6.6.6"), ("Forwarded", "for=6.6.6.6")];
    assert_eq!(client.request("GET", "/one", &headers, "").status, 200);
    let line = poll("a line of the log", || {
        let text = std::fs::read_to_string(&log).unwrap();
        text.lines()
            .find(|line| line.contains("/one"))
            .map(str::to_owned)
    });
    assert!(
        line.contains(" 127.0.0.1 ") && !line.contains("6.6.6.6"),
        "{line}"
    );
}

#[test]
fn for_the_drain_delay_requests_are_answered_and_readyz_says_no() {
    let home = Home::new("balancing_delay");
    for options in [&["--workers", "1"][..], &["--workers", "2"]] {
        let server = home
            .serve(&[options, &["--drain-delay", "2s"]].concat())
            .ready();
        let mut kept = server.connect();
        assert_eq!(
            kept.request("GET", "/one", &[], "").header("connection"),
            None
        );
        server.signal(Signal::TERM);
        poll("/readyz to say no", || {
            (server.get("/readyz").status == 503).then_some(())
        });
        for connection in [&mut kept, &mut server.connect()] {
            let answer = connection.request("GET", "/one", &[], "");
            assert_eq!(
                (answer.status, answer.header("connection")),
                (200, Some("close"))
            );
        }
        assert!(
            server.log().contains("for 2 s requests are still taken"),
            "{}",
            server.log()
        );
        let (status, log) = server.wait();
        assert!(status.success(), "{log}");
        // Whoever asks twice does not wait.
        let server = home
            .serve(&[options, &["--drain-delay", "1h"]].concat())
            .ready();
        server.signal(Signal::TERM);
        server.says("requests are still taken");
        server.signal(Signal::TERM);
        server.wait();
    }
    // A reload is no end: nobody needs to be told.
    let server = home
        .serve(&["--workers", "1", "--supervise", "--drain-delay", "1h"])
        .ready();
    let old = server.settled(1)[0].pid;
    server.signal(Signal::HUP);
    poll("the old worker to go", || {
        (!crate::harness::is_running(old)).then_some(())
    });
}
