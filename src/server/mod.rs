//! The server: sockets in, requests to the [`Api`], answers out, and an end that loses nothing.
//!
//! [`serve`] is one executor's share: it accepts from its listeners and gives every connection a task of its own.

mod accept;
mod address;
mod connection;
mod listener;
mod memory;
mod places;
mod second;
mod socket_file;
mod tally;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use crate::app::{Api, Cors, PING};
use crate::endpoint::Service;
use crate::http::{Limits, Proxies};
use crate::lock::lock;
use crate::metrics::{Metrics, RouteMetrics};
use crate::runtime::{Clock, Drain};
use places::Places;

pub use crate::app::Entrance;
pub use accept::serve;
pub use address::Address;
pub use listener::{Listener, another, bind, seat};
pub use tally::Tally;

/// How long clients may take, how much they may send, and who they are.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Sizes of requests.
    pub limits: Limits,
    /// For a request's head to arrive, from its first byte; 408 then.
    pub head: Duration,
    /// For a request's body to arrive; 408 then.
    pub body: Duration,
    /// For an endpoint to answer; 504 then, and its query is cancelled.
    pub request: Duration,
    /// For a client to take the next piece of an answer; the connection is cut then.
    pub write: Duration,
    /// Between two requests of a connection; it is closed then.
    pub keep_alive: Duration,
    /// Connections at once, of one executor; when more come, idle ones are closed for them, or they wait.
    pub connections: usize,
    /// The same at the entrance for operators, who are let in when all clients' places are taken.
    pub admin_connections: usize,
    /// Web pages that may read what clients are answered; none: no browser is told of any.
    pub cors: Option<Cors>,
    /// Proxies that are believed whom they were asked by.
    pub proxies: Proxies,
    /// Whether every request is a line in the access log, see [`observe::access`](crate::observe::access).
    pub access_log: bool,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            limits: Limits::default(),
            head: Duration::from_secs(10),
            body: Duration::from_secs(30),
            request: Duration::from_secs(30),
            write: Duration::from_secs(30),
            keep_alive: Duration::from_secs(75),
            connections: 1024,
            admin_connections: 64,
            cors: None,
            proxies: Proxies::default(),
            access_log: false,
        }
    }
}

/// Whether this is the end of the service, not of one worker: then nobody goes on with what is [kept](Listener::kept).
pub type Abandoned = Arc<dyn Fn() -> bool + Send + Sync>;

/// What answers requests, until another takes its place. A request finishes with the one that it began with.
pub struct Generation {
    /// The routes.
    pub api: Arc<Api>,
    /// The executor's share of the application.
    pub service: Arc<Service>,
}

/// What every connection of an executor needs.
pub struct Server {
    /// What answers the next request. Locked for as long as it takes to clone an `Arc`.
    generation: Mutex<Arc<Generation>>,
    /// The end, which is the same for all generations.
    drain: Drain,
    /// Deadlines.
    clock: Clock,
    /// Limits.
    settings: Settings,
    /// What others may know of it.
    tally: Tally,
    /// What is counted of its requests; of the health probe, which asks no application, here.
    metrics: Metrics,
    ping: RouteMetrics,
    /// Asked when the drain begins.
    abandoned: Abandoned,
    /// Where clients are counted.
    public: Places,
    /// Where operators are.
    admin: Places,
    /// Connections that ended because everything was cut.
    cut: AtomicUsize,
}

impl Server {
    /// One executor's server. What is kept is left to others at its end.
    pub fn new(api: Arc<Api>, service: Arc<Service>, clock: Clock, settings: Settings) -> Server {
        Server {
            drain: service.drain.clone(),
            generation: Mutex::new(Arc::new(Generation { api, service })),
            clock,
            tally: Tally::unread(),
            ping: ping(&Metrics::unread()),
            metrics: Metrics::unread(),
            abandoned: Arc::new(|| false),
            public: Places::new(Entrance::Public, settings.connections),
            admin: Places::new(Entrance::Admin, settings.admin_connections),
            settings,
            cut: AtomicUsize::new(0),
        }
    }

    /// Counts in this tally.
    pub fn counted_by(self, tally: Tally) -> Server {
        Server { tally, ..self }
    }

    /// Counts requests here.
    pub fn counting_in(self, metrics: Metrics) -> Server {
        self.generation().api.count_in(&metrics);
        Server {
            ping: ping(&metrics),
            metrics,
            ..self
        }
    }

    /// Asks this when the drain begins.
    pub fn abandoned_when(self, abandoned: Abandoned) -> Server {
        Server { abandoned, ..self }
    }

    /// What answers the next request.
    pub fn generation(&self) -> Arc<Generation> {
        self.locked().clone()
    }

    /// Has `api` answer from the next request on. `service` is this executor's share of it, with the same drain.
    pub fn swap(&self, api: Arc<Api>, service: Arc<Service>) {
        api.count_in(&self.metrics);
        let next = Arc::new(Generation { api, service });
        // Dropped outside of the lock: the last one out closes the pools.
        let before = std::mem::replace(&mut *self.locked(), next);
        drop(before);
    }

    fn locked(&self) -> MutexGuard<'_, Arc<Generation>> {
        lock(&self.generation)
    }

    fn places(&self, entrance: Entrance) -> &Places {
        match entrance {
            Entrance::Public => &self.public,
            Entrance::Admin => &self.admin,
        }
    }

    /// One more connection that ended because everything was cut.
    fn count_cut(&self) {
        self.cut.fetch_add(1, Ordering::Relaxed);
    }
}

fn ping(metrics: &Metrics) -> RouteMetrics {
    metrics.route(PING, PING)
}
