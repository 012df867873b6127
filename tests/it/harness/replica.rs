//! A primary and a standby that follows it.

use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::Signal;

use super::postgres::{Database, database_in, place_of, start_in};
use super::{poll, run, signal};

/// Two PostgreSQL servers with one database: what is written to the first is on the second before it is acknowledged.
pub struct Pair {
    pub primary: Node,
    pub standby: Node,
}

/// A server, and a connection to the database on it.
pub struct Node {
    pub database: Database,
    directory: PathBuf,
}

impl Pair {
    /// With `tables` in the database `name`.
    pub fn start(name: &str, tables: &str) -> Pair {
        let (first, second) = (
            place_of(&format!("{name}-a")),
            place_of(&format!("{name}-b")),
        );
        let config = start_in(first.clone(), "alter system set wal_level = 'replica'");
        let primary = Node {
            database: database_in(&config, name),
            directory: first,
        };
        primary.database.run(tables);
        copy(&primary.directory, &second);
        let mut config = start_in(second.clone(), "");
        config.dbname(name);
        let standby = Node {
            database: Database::at(config),
            directory: second,
        };
        primary
            .database
            .run("alter system set synchronous_standby_names = '*'");
        primary.database.run("select pg_reload_conf()");
        let synchronous = "select count(*) from pg_stat_replication where sync_state = 'sync'";
        poll("the standby to follow", || {
            (primary.database.ask(synchronous)? == "1").then_some(())
        });
        Pair { primary, standby }
    }

    /// An address with both hosts.
    pub fn url(&self, options: &str) -> String {
        let hosts = [&self.primary, &self.standby].map(|node| {
            let socket = node.directory.join("run").display().to_string();
            socket.replace('/', "%2F")
        });
        let name = self.primary.database.ask("select current_database()");
        format!(
            "postgres://peppercorn@{}/{}?{options}",
            hosts.join(","),
            name.unwrap()
        )
    }
}

impl Node {
    /// It takes no writes any more, and goes on otherwise.
    pub fn fence(&self) {
        self.database
            .run("alter system set default_transaction_read_only = on");
        self.database.run("select pg_reload_conf()");
    }

    /// Of a standby: it is the primary now. Done when it is.
    pub fn promote(&self) {
        let promoted = self.database.ask("select pg_promote(true, 60)");
        assert_eq!(promoted.as_deref(), Some("t"));
    }

    /// It is gone at once, as after a crash.
    pub fn crash(&self) {
        let process = self.process().expect("it runs");
        signal(process, Signal::QUIT);
        poll("a server to be gone", || {
            (!super::is_running(process)).then_some(())
        });
        // Its number may be another process's soon.
        let _tidied_up_itself = std::fs::remove_file(self.pid_file());
    }

    fn pid_file(&self) -> PathBuf {
        self.directory.join("data/postmaster.pid")
    }

    fn process(&self) -> Option<u32> {
        let text = std::fs::read_to_string(self.pid_file()).ok()?;
        text.lines().next()?.parse().ok()
    }
}

impl Drop for Node {
    /// Its cluster would else run as long as the tests do.
    fn drop(&mut self) {
        if self.process().is_some() {
            self.crash();
        }
    }
}

/// Makes a standby's directory out of a running primary's.
fn copy(from: &Path, to: &Path) {
    let (from, to) = (from.join("run"), to.display().to_string());
    // The mark says that the databases are there.
    let script = format!(
        "mkdir -m 700 {to} && touch {to}/schema && \
         pg_basebackup --host {} --username peppercorn --pgdata {to}/data --checkpoint fast --write-recovery-conf",
        from.display()
    );
    let mut command = as_postgres("sh");
    let ended = run(command.args(["-c", &script]).current_dir("/"));
    assert_eq!(ended.code, Some(0), "{ended:?}");
}

/// A command as the user that PostgreSQL runs as; PgBouncer is no more to be run by root than PostgreSQL is.
pub fn as_postgres(program: &str) -> Command {
    if !rustix::process::geteuid().is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]);
    command.arg(program);
    command
}
