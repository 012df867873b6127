//! Signals, as a queue: nothing happens in a handler, whoever waits for a socket learns what has arrived.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;

use libc::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTTIN, SIGTTOU};
use signal_hook::iterator::backend::SignalDelivery;
use signal_hook::iterator::exfiltrator::SignalOnly;

/// What a signal asks for, in gunicorn's meanings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// TERM: finish what is in flight, then end.
    Finish,
    /// INT, QUIT: end now.
    Quit,
    /// HUP: read everything again.
    Reload,
    /// TTIN: one worker more.
    More,
    /// TTOU: one worker less.
    Fewer,
}

/// The signals of a process, from now on delivered here.
pub(super) struct Signals(SignalDelivery<UnixStream, SignalOnly>);

impl Signals {
    /// # Errors
    /// The system refuses the socket or a handler.
    pub(super) fn listen() -> io::Result<Signals> {
        let (read, write) = UnixStream::pair()?;
        let numbers = [SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGTTIN, SIGTTOU];
        SignalDelivery::with_pipe(read, write, SignalOnly, numbers).map(Signals)
    }

    /// Hears of none: for a program that has its own ways with signals.
    ///
    /// # Errors
    /// The system refuses the socket.
    pub(super) fn ignore() -> io::Result<Signals> {
        let (read, write) = UnixStream::pair()?;
        let none: [libc::c_int; 0] = [];
        SignalDelivery::with_pipe(read, write, SignalOnly, none).map(Signals)
    }

    /// A copy of the descriptor that becomes readable when a signal arrives.
    pub(super) fn bell(&self) -> io::Result<OwnedFd> {
        self.as_fd().try_clone_to_owned()
    }

    /// What has arrived since the last call; several of one kind may count as one.
    pub(super) fn pending(&mut self) -> impl Iterator<Item = Order> {
        self.0.pending().filter_map(|number| match number {
            SIGTERM => Some(Order::Finish),
            SIGINT | SIGQUIT => Some(Order::Quit),
            SIGHUP => Some(Order::Reload),
            SIGTTIN => Some(Order::More),
            SIGTTOU => Some(Order::Fewer),
            _ => None,
        })
    }

    /// Has what has arrived arrive once more. Where signals are held, that is for whoever lets them come.
    pub(super) fn put_back(&mut self) {
        for number in self.0.pending() {
            // Refused only if there is no such signal.
            let _sent = signal_hook::low_level::raise(number);
        }
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.get_read().as_fd()
    }
}
