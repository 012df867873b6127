//! A PostgreSQL that is reached by TCP, with TLS or without.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use rustix::process::{Pid, Signal, kill_process};

use super::{Certificates, Folder, poll, run, undisturbed, wait};

/// Who may come in how. The password of `scram` is `secret`.
const HBA: &str = "\
local     all all       trust
hostssl   all tls       localhost trust
hostnossl all plain     localhost trust
host      all open      localhost trust
hostssl   all certified localhost trust clientcert=verify-full
host      all scram     localhost scram-sha-256
";

/// A cluster of a test's own, on a port of its own on 127.0.0.1; stopped with its owner. Its superuser is `it`.
pub struct Secure {
    folder: Folder,
    server: Child,
    port: u16,
}

impl Secure {
    /// Starts one without TLS that trusts the client certificates of `ca`.
    pub fn start(certificates: &Certificates) -> Secure {
        let folder = Folder::new();
        let data = folder.path().join("data");
        own(folder.path());
        let mut initdb = program("initdb");
        initdb.arg("-D").arg(&data).args([
            "-U",
            "it",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale",
            "C.UTF-8",
            "--no-sync",
        ]);
        let ended = run(&mut initdb);
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        std::fs::write(data.join("pg_hba.conf"), HBA).unwrap();
        std::fs::copy(certificates.path("ca.crt"), data.join("clients.crt")).unwrap();
        own(&data.join("clients.crt"));
        let port = free_port();
        let mut postgres = program("postgres");
        postgres.arg("-D").arg(&data).arg("-k").arg(folder.path());
        for setting in [
            "listen_addresses=127.0.0.1",
            &format!("port={port}"),
            "fsync=off",
            "ssl_ca_file=clients.crt",
            "logging_collector=off",
        ] {
            postgres.args(["-c", setting]);
        }
        let log = std::fs::File::create(folder.path().join("log")).unwrap();
        postgres
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        let secure = Secure {
            server: postgres.spawn().unwrap(),
            folder,
            port,
        };
        poll("PostgreSQL to answer", || secure.ask_quietly("select 1"));
        for role in ["tls", "plain", "open", "certified"] {
            secure.ask(&format!("create role {role} login"));
        }
        secure.ask("create role scram login password 'secret'");
        secure
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Has the server show the certificate of this name from now on; none: it speaks no TLS.
    pub fn show(&self, certificates: &Certificates, name: Option<&str>) {
        let data = self.folder.path().join("data");
        if let Some(name) = name {
            for file in [format!("{name}.crt"), format!("{name}.key")] {
                std::fs::copy(certificates.path(&file), data.join(&file)).unwrap();
                own(&data.join(&file));
            }
            self.ask(&format!("alter system set ssl_cert_file = '{name}.crt'"));
            self.ask(&format!("alter system set ssl_key_file = '{name}.key'"));
        }
        let on = if name.is_some() { "on" } else { "off" };
        self.ask(&format!("alter system set ssl = {on}"));
        self.ask("select pg_reload_conf()");
        // A session begins with what the server has read by then, its certificate with it.
        let expected = format!("{on} {}.crt", name.unwrap_or_default());
        poll("the server to read its settings", || {
            let shown = self
                .ask("select current_setting('ssl') || ' ' || current_setting('ssl_cert_file')");
            (shown == expected || (name.is_none() && shown.starts_with(on))).then_some(())
        });
    }

    /// Asks as the superuser.
    pub fn ask(&self, sql: &str) -> String {
        self.ask_quietly(sql).unwrap_or_else(|| panic!("{sql}"))
    }

    fn ask_quietly(&self, sql: &str) -> Option<String> {
        let url = format!(
            "host={} port={} user=it dbname=postgres",
            self.folder.path().display(),
            self.port
        );
        let ended = psql(&url, &[], sql);
        (ended.code == Some(0)).then(|| ended.stdout.trim().to_owned())
    }

    /// `DATABASE_URL` for a role, with these options.
    pub fn url(&self, role: &str, host: &str, options: &str) -> String {
        let password = if role == "scram" { ":secret" } else { "" };
        format!(
            "postgres://{role}{password}@{host}:{}/postgres?{options}",
            self.port
        )
    }
}

impl Drop for Secure {
    fn drop(&mut self) {
        let pid = Pid::from_child(&self.server);
        let _gone = kill_process(pid, Signal::QUIT);
        wait(&mut self.server);
    }
}

/// Stands between clients and a server, and notes how each connection begins.
pub struct Tap {
    port: u16,
    begins: Arc<Mutex<Vec<[u8; 8]>>>,
}

impl Tap {
    /// In front of a port of this machine, for as long as the tests run.
    pub fn before(server: u16) -> Tap {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let tap = Tap {
            port: listener.local_addr().unwrap().port(),
            begins: Arc::default(),
        };
        let begins = tap.begins.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let Ok(server) = TcpStream::connect(("127.0.0.1", server)) else {
                    return;
                };
                let (begins, mut first) = (begins.clone(), [0; 8]);
                std::thread::spawn(move || {
                    (&client).read_exact(&mut first).unwrap();
                    begins.lock().unwrap().push(first);
                    (&server).write_all(&first).unwrap();
                    std::thread::scope(|both| {
                        both.spawn(|| pass_on(&client, &server));
                        pass_on(&server, &client);
                    });
                });
            }
        });
        tap
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn begins(&self) -> Vec<[u8; 8]> {
        self.begins.lock().unwrap().clone()
    }
}

fn pass_on(mut from: &TcpStream, mut to: &TcpStream) {
    // Either end may be gone at any time: then so is the other.
    let _gone = std::io::copy(&mut from, &mut to);
    let _gone = to.shutdown(Shutdown::Write);
}

/// Runs psql with nothing of the tests' own environment, and with these variables.
pub fn psql(url: &str, variables: &[(&str, &Path)], sql: &str) -> super::Ended {
    let mut psql = undisturbed(Path::new("psql"));
    psql.args(["-XAtwc", sql, url]).env("HOME", "/nonexistent");
    psql.envs(variables.iter().copied());
    run(&mut psql)
}

/// Free a moment ago: the system gives it to nobody else before many others.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// The program, as the user that PostgreSQL may run as, ended with the tests.
fn program(name: &str) -> Command {
    let path = installed().join(name);
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "QUIT"]);
    if rustix::process::geteuid().is_root() {
        command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]);
    }
    command.arg("--").arg(path).current_dir("/");
    command
}

/// The newest PostgreSQL's programs.
fn installed() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").unwrap().flatten();
    let newest = versions.max_by_key(|entry| {
        entry
            .file_name()
            .to_string_lossy()
            .parse::<u32>()
            .unwrap_or(0)
    });
    newest.unwrap().path().join("bin")
}

/// Gives a file to the user that PostgreSQL runs as.
fn own(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    if rustix::process::geteuid().is_root() {
        let mut id = Command::new("id");
        let uid: u32 = run(id.args(["-u", "postgres"]))
            .stdout
            .trim()
            .parse()
            .unwrap();
        chown(path, Some(uid), None).unwrap();
    }
    if path.is_file() {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
}
