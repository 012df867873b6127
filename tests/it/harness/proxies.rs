//! HAProxy and PgBouncer, with the files that are shipped: only addresses and places are others.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::{Database, Folder, as_postgres, poll};

/// A file of `examples/scale`.
#[track_caller]
pub fn shipped(name: &str, replaced: &[(&str, &str)]) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/scale");
    let mut text = std::fs::read_to_string(path.join(name)).unwrap();
    for (from, to) in replaced {
        assert!(text.contains(from), "{name} has no {from:?} any more");
        text = text.replace(from, to);
    }
    text
}

/// A port that nobody listens on: for who has to know it before it is taken.
pub fn free_port(address: &str) -> u16 {
    let listener = TcpListener::bind((address, 0)).unwrap();
    listener.local_addr().unwrap().port()
}

/// HAProxy with the shipped configuration.
pub struct HaProxy {
    pub child: Child,
    folder: Folder,
    address: SocketAddr,
}

impl HaProxy {
    /// Listens on `front`, in front of two servers: where each is asked, and where it is probed.
    #[track_caller]
    pub fn start(front: SocketAddr, servers: [(SocketAddr, SocketAddr); 2]) -> HaProxy {
        let folder = Folder::new();
        let socket = folder.path().join("admin.sock").display().to_string();
        let server =
            |(asked, probed): (SocketAddr, SocketAddr)| format!("{asked} port {}", probed.port());
        let text = shipped(
            "haproxy.cfg",
            &[
                ("/run/haproxy/admin.sock", &socket),
                // Whoever runs the tests may not have descriptors for more.
                ("maxconn 20000", "maxconn 1000"),
                ("bind 10.0.0.1:80\n", &format!("bind {front}\n")),
                (
                    "server a 10.0.0.11:8080",
                    &format!("server a {}", server(servers[0])),
                ),
                (
                    "server b 10.0.0.12:8080",
                    &format!("server b {}", server(servers[1])),
                ),
            ],
        );
        folder.write("haproxy.cfg", &text);
        let mut command = Command::new("haproxy");
        command
            .arg("-db")
            .arg("-f")
            .arg(folder.path().join("haproxy.cfg"));
        let child = command
            .stdin(Stdio::null())
            // What it says of servers that come and go.
            .stderr(Stdio::null())
            .spawn()
            .expect("haproxy (Debian's package haproxy)");
        let haproxy = HaProxy {
            child,
            folder,
            address: front,
        };
        haproxy.knows("a", "UP");
        haproxy.knows("b", "UP");
        haproxy
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits until it takes a server to be `UP` or `DOWN`, and has asked it itself.
    #[track_caller]
    pub fn knows(&self, server: &str, state: &str) {
        poll(&format!("{server} to be {state}"), || {
            let table = self.ask("show stat")?;
            let row = table
                .lines()
                .find(|line| line.starts_with(&format!("peppercorn,{server},")))?;
            let cells: Vec<&str> = row.split(',').collect();
            // Columns 18 and 37 of "show stat": the state, and how the last check went.
            let checked = cells.get(36).is_some_and(|check| !check.starts_with("INI"));
            (cells.get(17) == Some(&state) && checked).then_some(())
        });
    }

    fn ask(&self, command: &str) -> Option<String> {
        let mut socket = UnixStream::connect(self.folder.path().join("admin.sock")).ok()?;
        socket.write_all(format!("{command}\n").as_bytes()).ok()?;
        let mut answer = String::new();
        socket.read_to_string(&mut answer).ok()?;
        Some(answer)
    }
}

impl Drop for HaProxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// PgBouncer with the shipped configuration.
pub struct PgBouncer {
    pub child: Child,
    port: u16,
    name: String,
    _folder: Folder,
}

impl PgBouncer {
    /// In front of `database`; `more` lines are put to its settings.
    #[track_caller]
    pub fn start(program: &str, database: &Database, more: &[(&str, &str)]) -> PgBouncer {
        let folder = Folder::new();
        folder.write("userlist.txt", "\"peppercorn\" \"\"\n");
        let users = folder.path().join("userlist.txt").display().to_string();
        let port = free_port("127.0.0.1");
        let name = database.ask("select current_database()").unwrap();
        let config = database.config();
        let [tokio_postgres::config::Host::Unix(socket)] = config.get_hosts() else {
            panic!()
        };
        let place = format!("host={} port=5432 dbname={name}", socket.display());
        let listens = format!("listen_port = {port}");
        let mut replaced = vec![
            (
                "shop = host=/run/postgresql port=5432 dbname=shop\n",
                format!("{name} = {place}\n"),
            ),
            ("listen_port = 6432", listens),
            ("auth_type = scram-sha-256", "auth_type = trust".to_owned()),
            ("/etc/pgbouncer/userlist.txt", users),
        ];
        replaced.extend(
            more.iter()
                .map(|(from, to)| (*from, (*to).replace("PLACE", &place))),
        );
        let replaced: Vec<(&str, &str)> = replaced
            .iter()
            .map(|(from, to)| (*from, to.as_str()))
            .collect();
        folder.write("pgbouncer.ini", &shipped("pgbouncer.ini", &replaced));
        let mut command = as_postgres(program);
        command
            .arg("--quiet")
            .arg(folder.path().join("pgbouncer.ini"));
        let child = command
            .stdin(Stdio::null())
            .spawn()
            .expect("pgbouncer (Debian's package pgbouncer)");
        poll("PgBouncer to listen", || {
            std::net::TcpStream::connect(("127.0.0.1", port)).ok()
        });
        PgBouncer {
            child,
            port,
            name,
            _folder: folder,
        }
    }

    /// Its `DATABASE_URL`.
    pub fn url(&self) -> String {
        self.url_of(&self.name)
    }

    /// The same for another of its databases.
    pub fn url_of(&self, name: &str) -> String {
        format!("postgres://peppercorn@127.0.0.1:{}/{name}", self.port)
    }
}

impl Drop for PgBouncer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
