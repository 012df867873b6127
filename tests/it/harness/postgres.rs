//! One PostgreSQL for all tests, a database for each.

use std::sync::OnceLock;

use peppercorn::pg::{Cluster, Config, connect};
use peppercorn::runtime::Clock;
use tokio_postgres::Client;

use super::block_on;

/// The cluster's connection settings. It is started by a thread that lives as long as the process: the kernel stops
/// PostgreSQL when that thread ends.
fn cluster() -> &'static Config {
    static CONFIG: OnceLock<Config> = OnceLock::new();
    CONFIG.get_or_init(|| {
        remove_leftovers();
        let (sender, receiver) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let directory =
                std::env::temp_dir().join(format!("peppercorn-pg-{}", std::process::id()));
            let started = Cluster::start(&directory, None, &clock());
            let config = started
                .as_ref()
                .map(Cluster::config)
                .map_err(|error| format!("{error:#}"));
            sender.send(config).unwrap();
            std::thread::park();
            drop(started);
        });
        receiver.recv().unwrap().expect("a private cluster")
    })
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
    name: String,
    client: Client,
}

/// A new, empty database of this name.
pub fn database(name: &str) -> Database {
    let maintenance = connected(cluster());
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
    let client = connected(&settings(name));
    Database {
        name: name.to_owned(),
        client,
    }
}

/// How to connect to a database of this name.
fn settings(name: &str) -> Config {
    let mut config = cluster().clone();
    config.dbname(name);
    config
}

/// A connection that is driven in the background.
fn connected(config: &Config) -> Client {
    let opened = block_on(connect::connect(config, &clock())).unwrap();
    smol::spawn(opened.driver).detach();
    opened.client
}

impl Database {
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// How to connect to it.
    pub fn config(&self) -> Config {
        settings(&self.name)
    }

    /// Another connection to the same database.
    pub fn another_client(&self) -> Client {
        connected(&settings(&self.name))
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
        self.url_as(cluster().get_user().unwrap())
    }

    /// The same for whoever logs in as another role.
    pub fn url_as(&self, role: &str) -> String {
        let config = cluster();
        let [tokio_postgres::config::Host::Unix(directory)] = config.get_hosts() else {
            panic!()
        };
        let directory = directory.display().to_string().replace('/', "%2F");
        format!("postgres://{role}@{directory}/{}", self.name)
    }
}
