//! Accepting connections, through everything that can go wrong with it.

use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_lite::future;
use rustix::io::Errno;
use smol::channel::Sender;

use super::listener::Listener;
use super::places::Place;
use super::{Server, connection};
use crate::observe::{self, Event};
use crate::runtime::{self, Acceptor, Socket, Spawn, TICK};

/// Between attempts while the system refuses more descriptors or memory.
const PAUSE: Duration = Duration::from_millis(100);
/// When everything is cut, for endpoints to be dropped and their queries cancelled: PostgreSQL does not notice by itself
/// that nobody waits for one.
const CUT: Duration = TICK.saturating_mul(3);
/// Connections accepted in a row before the other tasks of the executor have their turn.
const IN_A_ROW: usize = 32;

/// Accepts connections and answers their requests until the server's drain begins; then finishes what is in flight.
///
/// Ends when the last connection has ended or the drain is cut short. Says how many connections were cut.
///
/// # Errors
/// When the system has no room to watch the listener.
pub async fn serve<S: Spawn>(
    server: Arc<Server>,
    listener: Listener,
    spawn: S,
) -> io::Result<usize> {
    let acceptor = Acceptor::new(listener.socket)?;
    let (drain, clock) = (server.service.drain.clone(), server.clock.clone());
    let cut = server.cut.clone();
    // Every connection holds a sender: the channel closes with the last of them.
    let (alive, ended) = smol::channel::bounded(1);
    let door = Door {
        server,
        alive,
        spawn,
    };
    future::or(door.accept(&acceptor), drain.started()).await;
    // Who is in the kernel's queue has connected already; closing the socket would reset them.
    while let Ok((socket, peer)) = acceptor.accept() {
        door.admit(socket, peer, None);
    }
    drop((acceptor, door));
    let finished = async {
        let _closed: Result<(), _> = ended.recv().await;
    };
    future::or(finished, drain.until_cut()).await;
    if drain.is_cut() {
        clock.sleep(CUT).await;
    }
    Ok(cut.load(Ordering::Relaxed) + ended.sender_count())
}

/// What a new connection is given.
struct Door<S> {
    server: Arc<Server>,
    alive: Sender<()>,
    spawn: S,
}

impl<S: Spawn> Door<S> {
    /// Never ends by itself: whatever happens, there may be a next connection.
    async fn accept(&self, acceptor: &Acceptor) {
        let mut paused = false;
        for count in 1_usize.. {
            acceptor.arrival().await;
            let (places, clock) = (&self.server.places, &self.server.clock);
            let Some(place) = places.take(clock, || acceptor.is_awaited()).await else {
                continue;
            };
            match acceptor.accept() {
                Ok((socket, peer)) => {
                    if std::mem::take(&mut paused) {
                        observe::emit(&Event::AcceptResumed);
                    }
                    self.admit(socket, peer, Some(place));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) if concerns_one_connection(&error) => {}
                Err(error) => {
                    if !std::mem::replace(&mut paused, true) {
                        observe::emit(&Event::AcceptPaused { error });
                    }
                    self.server.clock.sleep(PAUSE).await;
                }
            }
            if count % IN_A_ROW == 0 {
                runtime::yield_now().await;
            }
        }
    }

    fn admit(&self, socket: OwnedFd, peer: Option<SocketAddr>, place: Option<Place>) {
        // Small answers go out at once; a failure here is a connection that is gone already, or a UNIX socket's.
        let _gone = rustix::net::sockopt::set_tcp_nodelay(&socket, true);
        // Registering fails only for want of memory or descriptors: this client sees its connection close.
        let Ok(socket) = Socket::new(socket) else {
            return;
        };
        let (server, alive) = (self.server.clone(), self.alive.clone());
        self.spawn.spawn(async move {
            connection::run(server, socket, peer).await;
            drop((place, alive));
        });
    }
}

/// Errors of accept(2) that are about the connection which was to be accepted: the next may be fine.
fn concerns_one_connection(error: &io::Error) -> bool {
    let about_one = [
        Errno::CONNABORTED,
        Errno::PROTO,
        Errno::PERM,
        Errno::NETDOWN,
        Errno::NOPROTOOPT,
        Errno::HOSTDOWN,
        Errno::NONET,
        Errno::HOSTUNREACH,
        Errno::OPNOTSUPP,
        Errno::NETUNREACH,
    ];
    Errno::from_io_error(error).is_some_and(|errno| about_one.contains(&errno))
}
