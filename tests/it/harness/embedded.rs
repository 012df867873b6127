//! An application of a test's own, served in this process: for handlers that no program has.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use peppercorn::App;
use peppercorn::app::Api;
use peppercorn::endpoint::{Database, Service};
use peppercorn::runtime::{self, Clock, Drain, ExecutorKind, Layout, Program, Spawn};
use peppercorn::server::{self, Address, Entrance, Listener, Server, Settings};

use super::clock;

/// A served application; it ends with its owner.
pub struct Embedded {
    drain: Drain,
    name: String,
    thread: Option<JoinHandle<()>>,
}

impl Embedded {
    /// Serves `app`, which has no SQL, on a port of the system's choice.
    pub fn serve(app: App) -> Embedded {
        Embedded::serve_api(api(app))
    }

    /// The same of what it has come to.
    pub fn serve_api(api: Api) -> Embedded {
        let anywhere = Address::Tcp("127.0.0.1:0".into());
        let listeners = server::bind(&anywhere, Entrance::Public, 1, false).unwrap();
        Embedded::serve_on(api, vec![listeners], Settings::default(), false)
    }

    /// The same with an entrance for operators, whose address is beside it.
    pub fn serve_split(api: Api) -> (Embedded, SocketAddr) {
        let anywhere = Address::Tcp("127.0.0.1:0".into());
        let bind = |entrance| server::bind(&anywhere, entrance, 1, false).unwrap();
        let mut listeners = bind(Entrance::Public);
        listeners.extend(bind(Entrance::Admin));
        let admin = address_of(listeners[1].name());
        let settings = Settings::default();
        let split = Embedded::serve_on(api.split(), vec![listeners], settings, false);
        (split, admin)
    }

    /// Serves `api` with an executor of its own for each seat's listeners. `abandoned`: nobody goes on with them.
    pub fn serve_on(
        api: Api,
        seats: Vec<Vec<Listener>>,
        settings: Settings,
        abandoned: bool,
    ) -> Embedded {
        let drain = Drain::new(&clock());
        let layout = Layout {
            threads: seats.len(),
            executor: ExecutorKind::Local,
        };
        let name = seats[0][0].name().to_owned();
        let seats = Seats {
            api: Arc::new(api),
            listeners: Mutex::new(seats),
            settings,
            abandoned,
            clock: clock(),
            drain: drain.clone(),
        };
        let thread =
            std::thread::spawn(move || drop(runtime::run(layout, &[], None, &seats).unwrap()));
        Embedded {
            drain,
            name,
            thread: Some(thread),
        }
    }

    /// Its first listener's, which is of TCP.
    pub fn address(&self) -> SocketAddr {
        address_of(&self.name)
    }

    /// Begins to drain.
    pub fn drain(&self) {
        self.drain.start();
    }

    /// Drains to the end.
    pub fn end(mut self) {
        self.drain();
        self.thread.take().unwrap().join().unwrap();
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        self.drain.cut();
        if let Some(Err(panic)) = self.thread.take().map(JoinHandle::join)
            && !std::thread::panicking()
        {
            std::panic::resume_unwind(panic);
        }
    }
}

/// What `app`, which has no SQL and asks for no token, answers with.
pub fn api(app: App) -> Api {
    app.api(None).unwrap()
}

fn address_of(name: &str) -> SocketAddr {
    name.strip_prefix("http://").unwrap().parse().unwrap()
}

/// What its executors run.
struct Seats {
    api: Arc<Api>,
    listeners: Mutex<Vec<Vec<Listener>>>,
    settings: Settings,
    abandoned: bool,
    clock: Clock,
    drain: Drain,
}

impl Program for Seats {
    type Output = ();

    async fn run<S: Spawn>(&self, seat: usize, spawn: S) {
        let listeners = std::mem::take(&mut self.listeners.lock().unwrap()[seat]);
        let service = Service::new(Database::none(), &self.clock, self.drain.clone());
        let settings = self.settings.clone();
        let server = Server::new(
            self.api.clone(),
            Arc::new(service),
            self.clock.clone(),
            settings,
        );
        let abandoned = self.abandoned;
        let server = server.abandoned_when(Arc::new(move || abandoned));
        let _cut = server::serve(Arc::new(server), listeners, spawn)
            .await
            .unwrap();
    }
}
