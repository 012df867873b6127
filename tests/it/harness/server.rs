//! The real binary.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use rustix::process::{Pid, Signal, kill_process};

use super::{Answer, Connection, Database, poll};

/// The program with nothing of the tests' own environment that it would read.
pub fn peppercorn() -> Command {
    undisturbed(Path::new(env!("CARGO_BIN_EXE_peppercorn")))
}

/// `examples/embed.rs`: all that a program of one's own can do.
#[track_caller]
pub fn exchange_program() -> Command {
    example("embed")
}

/// `examples/hello.rs` without a folder, ready for [`Server::spawn`]: Rust handlers and no database. `cargo test` builds
/// it beside the tests, but says nobody where.
#[track_caller]
pub fn embed() -> Command {
    example("hello")
}

/// `examples/trouble.rs`: handlers that fail, panic and block.
#[track_caller]
pub fn trouble() -> Command {
    example("trouble")
}

#[track_caller]
fn example(name: &str) -> Command {
    let tests = std::env::current_exe().unwrap();
    let profile = tests.parent().and_then(Path::parent).unwrap();
    let example = profile.join("examples").join(name);
    assert_built(&example);
    let mut program = undisturbed(&example);
    program.arg("serve");
    program
}

/// `cargo test --test it` builds no examples: what lies there may be missing, or of another day. Its dependency file
/// names the sources it was made of.
#[track_caller]
fn assert_built(example: &Path) {
    const ADVICE: &str = "run cargo test without --test, or cargo build --examples before";
    let changed = |path: &Path| std::fs::metadata(path).and_then(|file| file.modified());
    let Ok(built) = changed(example) else {
        panic!("there is no {}: {ADVICE}", example.display());
    };
    let sources = std::fs::read_to_string(example.with_extension("d")).unwrap_or_default();
    for source in sources.split_whitespace().skip(1).map(Path::new) {
        let newer = changed(source).is_ok_and(|changed| changed > built);
        assert!(
            !newer,
            "{} is older than {}: {ADVICE}",
            example.display(),
            source.display()
        );
    }
}

/// The same for a program of another place.
pub fn undisturbed(program: &Path) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars() {
        let ours = [
            "PG",
            "PEPPERCORN_",
            "DATABASE_URL",
            "PORT",
            "STATE_DIRECTORY",
            "XDG_",
            "CREDENTIALS_DIRECTORY",
            "WEB_CONCURRENCY",
            "FORWARDED_ALLOW_IPS",
            "LISTEN_",
            "NOTIFY_SOCKET",
            "WATCHDOG_",
            "SENTRY_",
            "RUST_BACKTRACE",
        ];
        if ours.iter().any(|prefix| name.starts_with(prefix)) || name == "JOURNAL_STREAM" {
            command.env_remove(name);
        }
    }
    command.stdin(Stdio::null()).stdout(Stdio::null());
    command
}

/// A server that listens.
pub struct Server {
    child: Child,
    address: SocketAddr,
    log: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
}

impl Server {
    /// Serves `directory` on `database`, on a port of the system's choice.
    #[track_caller]
    pub fn start(directory: &Path, database: &Database, options: &[&str]) -> Server {
        let mut command = peppercorn();
        command
            .env("DATABASE_URL", database.url())
            .arg("serve")
            .arg(directory)
            .args(options);
        Server::spawn(command)
    }

    /// Runs a command that serves, with a port of the system's choice, until it says where it listens.
    #[track_caller]
    pub fn spawn(mut command: Command) -> Server {
        command.args(["--bind", "127.0.0.1:0"]);
        Server::spawn_elsewhere(command)
    }

    /// Runs a command that serves until it says where it listens.
    #[track_caller]
    pub fn spawn_elsewhere(mut command: Command) -> Server {
        command.stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let lines = log.clone();
        let reader = std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                lines.lock().unwrap().push_str(&(line + "\n"));
            }
        });
        let mut server = Server {
            child,
            address: ([0, 0, 0, 0], 0).into(),
            log,
            reader: Some(reader),
        };
        server.address = poll("the server to listen", || {
            if let Some(status) = server.child.try_wait().unwrap() {
                panic!("the server ended with {status}: {}", server.log());
            }
            let names = server.names("listening on ")?;
            let tcp = names.iter().find_map(|name| name.strip_prefix("http://"));
            Some(tcp.map_or(server.address, |address| address.parse().unwrap()))
        });
        server
    }

    /// The first TCP address that it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The names of its listeners in the line of the log that begins like this, once it is there.
    pub fn names(&self, line: &str) -> Option<Vec<String>> {
        let log = self.log();
        let line = log.lines().find_map(|logged| logged.strip_prefix(line))?;
        let names = line.split_once(": ").map_or(line, |(names, _)| names);
        Some(names.split(", ").map(str::to_owned).collect())
    }

    /// Where it listens for operators.
    #[track_caller]
    pub fn admin(&self) -> SocketAddr {
        let names = self.names("admin on ").expect("a line in the log");
        names[0].strip_prefix("http://").unwrap().parse().unwrap()
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until its database connections are open: on a busy machine that may take longer than a request waits.
    #[track_caller]
    pub fn ready(self) -> Server {
        poll("the server to be ready", || {
            (self.get("/readyz").status == 200).then_some(())
        });
        self
    }

    /// A number in the kernel's account of it, a line of `/proc/PID/status`.
    #[track_caller]
    pub fn account(&self, name: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let number = line.unwrap().trim_start_matches(':').trim();
        number.trim_end_matches(" kB").parse().unwrap()
    }

    /// What it has written to stderr so far.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    pub fn connect(&self) -> Connection {
        Connection::open(self.address)
    }

    #[track_caller]
    pub fn get(&self, target: &str) -> Answer {
        self.connect().request("GET", target, &[], "")
    }

    /// A request with a JSON body.
    #[track_caller]
    pub fn send(&self, method: &str, target: &str, body: &str) -> Answer {
        self.connect().request(
            method,
            target,
            &[("Content-Type", "application/json")],
            body,
        )
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_raw(self.pid() as i32).unwrap(), signal).unwrap();
    }

    /// Waits for its end; the status and everything it wrote to stderr.
    #[track_caller]
    pub fn wait(mut self) -> (ExitStatus, String) {
        let status = poll("the server to end", || self.child.try_wait().unwrap());
        self.reader.take().unwrap().join().unwrap();
        (status, self.log())
    }

    /// TERM, and its end.
    #[track_caller]
    pub fn stop(self) -> (ExitStatus, String) {
        self.signal(Signal::TERM);
        self.wait()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}
