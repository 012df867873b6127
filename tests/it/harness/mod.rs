//! What the tests stand on: a PostgreSQL, servers, folders of SQL files, and a plain HTTP client.

mod answers;
#[cfg(feature = "docs")]
mod browser;
#[cfg(feature = "tls")]
mod certificates;
mod changing;
mod chaos;
mod client;
mod command;
mod door;
mod embedded;
mod hammer;
pub mod messages;
mod metrics;
mod perishable;
mod postgres;
mod proxies;
mod replica;
#[cfg(feature = "tls")]
mod secure;
mod sentry;
mod server;
mod service;
mod stepped;
#[cfg(feature = "auth")]
mod tenants;
pub mod testimony;
#[cfg(feature = "auth")]
mod tokens;
pub mod witness;

use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

pub use answers::{Answers, converse};
#[cfg(feature = "docs")]
pub use browser::Browser;
#[cfg(feature = "tls")]
pub use certificates::Certificates;
pub use changing::{
    API as CHANGING, QUESTIONS as CHANGING_QUESTIONS, TABLES as CHANGING_TABLES, change,
};
pub use chaos::{Chaos, Fault, Odds};
pub use client::{Answer, Connection};
pub use command::{Ended, golden, run, wait, within};
pub use door::Door;
pub use embedded::{Embedded, api};
pub use hammer::{Hammer, Manner};
pub use metrics::{Scraped, scrape};
pub use perishable::Perishable;
#[cfg(feature = "auth")]
pub use postgres::counting_database;
pub use postgres::{Database, clock, database};
pub use proxies::{HaProxy, PgBouncer, free_port, shipped};
pub use replica::{Node, Pair, as_postgres};
#[cfg(feature = "tls")]
pub use secure::{Secure, Tap, psql};
pub use sentry::{FakeSentry, Heard, Reply, answer, ok, tag};
#[cfg(feature = "tls")]
pub use sentry::{Wire, read_request};
pub use server::{Server, embed, exchange_program, peppercorn, trouble, undisturbed};
pub use service::{
    Service, Worker, clients_of, is_running, kill_worker, processes_with, service_of, signal,
};
pub use stepped::SteppedClock;
#[cfg(feature = "auth")]
pub use tenants::Tenants;
pub use testimony::What;
#[cfg(feature = "auth")]
pub use tokens::{SECRET, bearer, bearer_by, signed, write_key};
pub use witness::{API as WITNESSED, QUESTIONS, TABLES as WITNESSED_TABLES, Witnesses};

/// The longest that anything is waited for: far more than it takes, so that only a hang fails.
pub const PATIENCE: Duration = Duration::from_secs(30);

pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    async_io::block_on(future)
}

/// Looks again and again until `found` has something to say.
#[track_caller]
pub fn poll<T>(what: &str, mut found: impl FnMut() -> Option<T>) -> T {
    let begin = Instant::now();
    loop {
        if let Some(value) = found() {
            return value;
        }
        assert!(begin.elapsed() < PATIENCE, "waited too long for {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A directory that is removed with its owner, below the system's place for temporary files: PostgreSQL, which runs as
/// another user when the tests run as root, must be able to reach it.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Folder {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("peppercorn-it-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    /// With files of these names and texts.
    pub fn with(files: &[(&str, &str)]) -> Folder {
        let folder = Folder::new();
        for (name, text) in files {
            folder.write(name, text);
        }
        folder
    }

    pub fn write(&self, name: &str, text: &str) {
        let path = self.0.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
