//! An application of a test's own, served in this process: for handlers that no program has.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use peppercorn::App;
use peppercorn::endpoint::{Database, Service};
use peppercorn::runtime::{self, Clock, Drain, ExecutorKind, Layout, Program, Spawn};
use peppercorn::server::{self, Address, Entrance, Listener, Server, Settings};

use super::clock;

/// A served application; it ends with its owner.
pub struct Embedded {
    address: SocketAddr,
    drain: Drain,
    thread: Option<JoinHandle<()>>,
}

impl Embedded {
    /// Serves `app`, which has no SQL, on a port of the system's choice.
    pub fn serve(app: App) -> Embedded {
        let anywhere = Address::Tcp("127.0.0.1:0".into());
        let listeners = server::bind(&anywhere, Entrance::Public, 1, false).unwrap();
        let name = listeners[0].name();
        let address = name.strip_prefix("http://").unwrap().parse().unwrap();
        let drain = Drain::new(&clock());
        let seat = Seat {
            app: Arc::new(app),
            listeners: Mutex::new(listeners),
            clock: clock(),
            drain: drain.clone(),
        };
        let layout = Layout {
            threads: 1,
            executor: ExecutorKind::Local,
        };
        let thread = std::thread::spawn(move || drop(runtime::run(layout, &seat).unwrap()));
        Embedded {
            address,
            drain,
            thread: Some(thread),
        }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
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

/// What its one executor runs.
struct Seat {
    app: Arc<App>,
    listeners: Mutex<Vec<Listener>>,
    clock: Clock,
    drain: Drain,
}

impl Program for Seat {
    type Output = ();

    async fn run<S: Spawn>(&self, _seat: usize, spawn: S) {
        let listeners = std::mem::take(&mut *self.listeners.lock().unwrap());
        let none = Database {
            read: None,
            write: None,
        };
        let service = Arc::new(Service {
            database: none,
            drain: self.drain.clone(),
        });
        let settings = Settings::default();
        let server = Server::new(self.app.clone(), service, self.clock.clone(), settings);
        let _cut = server::serve(Arc::new(server), listeners, spawn)
            .await
            .unwrap();
    }
}
