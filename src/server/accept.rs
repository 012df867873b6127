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
use crate::runtime::stalls::Label;
use crate::runtime::{self, Acceptor, Deadline, Socket, Spawn, TICK};

/// Between attempts while the system refuses more descriptors or memory.
const PAUSE: Duration = Duration::from_millis(100);
/// When everything is cut, for endpoints to be dropped and their queries cancelled: PostgreSQL does not notice by itself
/// that nobody waits for one.
const CUT: Duration = TICK.saturating_mul(3);
/// Connections accepted in a row before the other tasks of the executor have their turn.
const IN_A_ROW: usize = 32;
/// How often it is looked whether somebody waits at a socket that others accept from too. The kernel tells one of them of
/// a connection. It stays in the queue if that one ends before it accepts it, or has no place left; the others look up
/// after so long.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// Accepts connections from the listeners and answers their requests until the server's drain begins; then finishes what
/// is in flight.
///
/// Ends when the last connection has ended or the drain is cut short. Says how many connections were cut.
///
/// # Errors
/// When the system has no room to watch a listener.
pub async fn serve<S: Spawn>(
    server: Arc<Server>,
    listeners: Vec<Listener>,
    spawn: S,
) -> io::Result<usize> {
    let (drain, clock) = (server.drain.clone(), server.clock.clone());
    // Every connection holds a sender: the channel closes with the last of them.
    let (alive, ended) = smol::channel::bounded(1);
    let doors: Vec<Door<S>> = listeners
        .into_iter()
        .map(|listener| {
            Ok(Door {
                acceptor: Acceptor::new(listener)?,
                server: server.clone(),
                alive: alive.clone(),
                spawn: spawn.clone(),
            })
        })
        .collect::<io::Result<_>>()?;
    drop((alive, spawn));
    let accepting = async {
        runtime::join_all(doors.iter().map(Door::accept).collect()).await;
        // There was no door.
        future::pending().await
    };
    future::or(accepting, drain.started()).await;
    let abandoned = (server.abandoned)();
    doors.into_iter().for_each(|door| door.close(abandoned));
    let finished = async {
        let _closed: Result<(), _> = ended.recv().await;
    };
    future::or(finished, drain.until_cut()).await;
    if drain.is_cut() {
        clock.sleep(CUT).await;
    }
    Ok(server.cut.load(Ordering::Relaxed) + ended.sender_count())
}

/// A listener, and what a connection from it is given.
struct Door<S> {
    acceptor: Acceptor<Listener>,
    server: Arc<Server>,
    alive: Sender<()>,
    spawn: S,
}

impl<S: Spawn> Door<S> {
    /// Never ends by itself: whatever happens, there may be a next connection.
    async fn accept(&self) {
        let (acceptor, clock) = (&self.acceptor, &self.server.clock);
        let places = self.server.places(self.listener().entrance());
        let mut again = self.listener().is_shared().then(|| clock.deadline());
        let mut paused = false;
        for count in 1_usize.. {
            self.arrival(again.as_mut()).await;
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
                    clock.sleep(PAUSE).await;
                }
            }
            if count % IN_A_ROW == 0 {
                runtime::yield_now().await;
            }
        }
    }

    /// Waits until somebody may be waiting to be accepted; `again` is for looking without being told.
    async fn arrival(&self, again: Option<&mut Deadline>) {
        let Some(again) = again else {
            return self.acceptor.arrival().await;
        };
        loop {
            again.arm(LOOK_AGAIN);
            let told = again.race(self.acceptor.arrival()).await.is_some();
            if told || self.acceptor.is_awaited() {
                return;
            }
        }
    }

    /// Who is in the kernel's queue has connected already, and is reset when the socket is closed: unless somebody else
    /// goes on with it, they are let in.
    fn close(self, abandoned: bool) {
        if self.listener().is_kept() && !abandoned {
            return;
        }
        self.listener().hide();
        loop {
            match self.acceptor.accept() {
                Ok((socket, peer)) => self.admit(socket, peer, None),
                Err(error) if concerns_one_connection(&error) => {}
                Err(_) => return,
            }
        }
    }

    fn listener(&self) -> &Listener {
        self.acceptor.socket()
    }

    fn admit(&self, socket: OwnedFd, peer: Option<SocketAddr>, place: Option<Place>) {
        // Small answers go out at once; a failure here is a connection that is gone already, or a UNIX socket's.
        let _gone = rustix::net::sockopt::set_tcp_nodelay(&socket, true);
        // Registering fails only for want of memory or descriptors: this client sees its connection close.
        let Ok(socket) = Socket::new(socket) else {
            return;
        };
        let (server, alive) = (self.server.clone(), self.alive.clone());
        let entrance = self.listener().entrance();
        let counted = server.tally.connected();
        self.spawn.spawn(Label::CONNECTION, async move {
            connection::run(server, entrance, socket, peer).await;
            drop((place, alive, counted));
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
