//! One PostgreSQL for all tests, a database for each.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::OnceLock;

use peppercorn::pg::{Cluster, Config, connect};
use peppercorn::runtime::Clock;
use tokio_postgres::Client;
use tokio_postgres::config::Host;

use super::block_on;

/// The cluster's connection settings.
fn cluster() -> &'static Config {
    static CONFIG: OnceLock<Config> = OnceLock::new();
    CONFIG.get_or_init(|| {
        remove_leftovers();
        start("all", "")
    })
}

/// The connection settings of a cluster that is started by a thread that lives as long as the process: the kernel stops
/// PostgreSQL when that thread ends. `settings` are statements for a first start; a second one heeds them.
fn start(name: &str, settings: &'static str) -> Config {
    start_in(place_of(name), settings)
}

/// The state directory of a cluster of this name.
pub(super) fn place_of(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("peppercorn-pg-{}-{name}", std::process::id()))
}

/// The same in this state directory.
pub(super) fn start_in(directory: PathBuf, settings: &'static str) -> Config {
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let start = || Cluster::start(&directory, None, &clock());
        let started = start().and_then(|cluster| {
            if settings.is_empty() {
                return Ok(cluster);
            }
            block_on(connected(&cluster.config()).batch_execute(settings))?;
            cluster.stop()?;
            start()
        });
        let config = started
            .as_ref()
            .map(Cluster::config)
            .map_err(|error| format!("{error:#}"));
        sender.send(config).unwrap();
        std::thread::park();
        drop(started);
    });
    receiver.recv().unwrap().expect("a private cluster")
}

/// The clusters of test runs that have ended.
fn remove_leftovers() {
    for entry in std::fs::read_dir(std::env::temp_dir()).unwrap().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let pid = ["peppercorn-pg-", "peppercorn-it-"]
            .iter()
            .find_map(|prefix| name.strip_prefix(prefix))
            .and_then(|rest| rest.split('-').next()?.parse::<u32>().ok());
        if pid.is_some_and(|pid| !std::path::Path::new(&format!("/proc/{pid}")).exists()) {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

pub fn clock() -> Clock {
    static CLOCK: OnceLock<Clock> = OnceLock::new();
    CLOCK.get_or_init(|| Clock::start().unwrap()).clone()
}

/// A database of a test's own, with a connection to it.
pub struct Database {
    config: Config,
    client: Client,
}

/// A new, empty database of this name.
pub fn database(name: &str) -> Database {
    database_in(cluster(), name)
}

/// The same in a cluster of its own, which counts all statements in the view `pg_stat_statements`.
#[cfg(feature = "auth")]
pub fn counting_database(name: &str) -> Database {
    let cluster = start(
        name,
        "alter system set shared_preload_libraries = 'pg_stat_statements'",
    );
    let database = database_in(&cluster, name);
    database.run("create extension pg_stat_statements");
    database
}

pub(super) fn database_in(cluster: &Config, name: &str) -> Database {
    let maintenance = connected(cluster);
    block_on(async {
        maintenance
            .batch_execute(&format!("drop database if exists {name} with (force)"))
            .await
            .unwrap();
        maintenance
            .batch_execute(&format!("create database {name}"))
            .await
            .unwrap();
    });
    let mut config = cluster.clone();
    config.dbname(name);
    Database::at(config)
}

/// A connection that is driven in the background.
fn connected(config: &Config) -> Client {
    let opened = block_on(connect::connect(config, &clock())).unwrap();
    smol::spawn(opened.driver).detach();
    opened.client
}

impl Database {
    /// One that is there already.
    pub(super) fn at(config: Config) -> Database {
        Database {
            client: connected(&config),
            config,
        }
    }

    pub fn client(&self) -> &Client {
        &self.client
    }

    /// How to connect to it.
    pub fn config(&self) -> Config {
        self.config.clone()
    }

    /// Another connection to the same database.
    pub fn another_client(&self) -> Client {
        connected(&self.config)
    }

    /// Runs statements.
    pub fn run(&self, sql: &str) {
        block_on(self.client.batch_execute(sql)).unwrap();
    }

    /// The first column of the first row, as text.
    pub fn ask(&self, sql: &str) -> Option<String> {
        let rows = block_on(self.client.simple_query(sql)).unwrap();
        rows.iter().find_map(|message| match message {
            tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
            _ => None,
        })
    }

    /// As `DATABASE_URL`.
    pub fn url(&self) -> String {
        self.url_as(self.config.get_user().unwrap())
    }

    /// Where its PostgreSQL listens.
    pub fn socket(&self) -> PathBuf {
        let [Host::Unix(directory)] = self.config.get_hosts() else {
            panic!("{:?}", self.config)
        };
        let port = self.config.get_ports().first().copied().unwrap_or(5432);
        directory.join(format!(".s.PGSQL.{port}"))
    }

    /// The same by way of this address, in the clear.
    pub(super) fn url_at(&self, address: SocketAddr) -> String {
        format!(
            "postgres://{}@{address}/{}?sslmode=disable",
            self.config.get_user().unwrap(),
            self.config.get_dbname().unwrap()
        )
    }

    /// The same for whoever logs in as another role.
    pub fn url_as(&self, role: &str) -> String {
        let [Host::Unix(directory)] = self.config.get_hosts() else {
            panic!()
        };
        let directory = directory.display().to_string().replace('/', "%2F");
        let name = self.config.get_dbname().unwrap();
        format!("postgres://{role}@{directory}/{name}")
    }
}
