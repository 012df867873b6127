//! systemd's side of a service: the sockets it passes, and what it is told.

use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::{Duration, Instant};

use anyhow::Context;
pub(super) use sd_notify::NotifyState as Word;

use crate::server::{Entrance, Listener};
use crate::sys;

/// Variables that are for the process they were given to, and not for those that it starts.
pub(super) const VARIABLES: [&str; 6] = [
    "LISTEN_PID",
    "LISTEN_FDS",
    "LISTEN_FDNAMES",
    "NOTIFY_SOCKET",
    "WATCHDOG_USEC",
    "WATCHDOG_PID",
];

/// The name of a socket unit's `FileDescriptorName=` that leads to the admin routes; any other leads to the public ones.
const ADMIN: &str = "admin";
/// What a stop that takes its time is given more, each time.
const EXTENSION: Duration = Duration::from_secs(5);
/// For systemd to take a message, before it is given up.
const PATIENCE: Duration = Duration::from_secs(1);

/// Where systemd listens for news of this service, if it does.
pub(super) struct Systemd {
    socket: Option<UnixDatagram>,
    /// Between two signs of life.
    watchdog: Option<Duration>,
    next_sign: Instant,
    /// When it is to be told once more that stopping takes time.
    next_extension: Instant,
    status: String,
}

impl Systemd {
    /// As the environment says.
    pub(super) fn new() -> Systemd {
        // Twice as often as asked: one may be late.
        let watchdog = sd_notify::watchdog_enabled().map(|limit| limit / 2);
        Systemd {
            socket: connect().ok().flatten(),
            watchdog,
            next_sign: Instant::now(),
            next_extension: Instant::now(),
            status: String::new(),
        }
    }

    /// Sends all `words` in one message. When nobody takes it there is nobody to tell.
    pub(super) fn tell(&self, words: &[Word<'_>]) {
        if let Some(socket) = &self.socket {
            let text: String = words.iter().map(|word| format!("{word}\n")).collect();
            let _unheard = socket.send(text.as_bytes());
        }
    }

    /// Says that the service reads everything again, and when it began: systemd tells by that which reload it was.
    pub(super) fn tell_reloading(&self) {
        match Word::monotonic_usec_now() {
            Ok(now) => self.tell(&[Word::Reloading, now]),
            Err(_) => self.tell(&[Word::Reloading]),
        }
    }

    /// One line for `systemctl status`, if it is another than before.
    pub(super) fn tell_status(&mut self, status: String) {
        if self.status != status {
            self.tell(&[Word::Status(&status)]);
            self.status = status;
        }
    }

    /// A sign of life, when it is time for one.
    pub(super) fn tell_alive(&mut self) {
        let Some(pause) = self.watchdog else { return };
        let now = Instant::now();
        if now >= self.next_sign {
            self.next_sign = now + pause;
            self.tell(&[Word::Watchdog]);
        }
    }

    /// Asks for patience with a stop that takes its time, now and then.
    pub(super) fn tell_stopping(&mut self) {
        let now = Instant::now();
        if now >= self.next_extension {
            self.next_extension = now + EXTENSION / 2;
            self.tell(&[Word::ExtendTimeoutUsec(EXTENSION.as_micros() as u32)]);
        }
    }

    /// How long may be waited before the next sign of life is due.
    pub(super) fn patience(&self) -> Duration {
        match self.watchdog {
            Some(_) => self.next_sign.saturating_duration_since(Instant::now()),
            None => Duration::MAX,
        }
    }
}

/// sd_notify knows no abstract addresses, which begin with `@`.
fn connect() -> io::Result<Option<UnixDatagram>> {
    let Some(path) = std::env::var_os("NOTIFY_SOCKET") else {
        return Ok(None);
    };
    let socket = UnixDatagram::unbound()?;
    match path.as_bytes().strip_prefix(b"@") {
        Some(name) => socket.connect_addr(&SocketAddr::from_abstract_name(name)?)?,
        None => socket.connect(&path)?,
    }
    socket.set_write_timeout(Some(PATIENCE))?;
    Ok(Some(socket))
}

/// The listening sockets that systemd has passed, none if it has not.
///
/// # Errors
/// One is not what a server can listen on.
pub(super) fn sockets() -> anyhow::Result<Vec<Listener>> {
    let passed = sd_notify::listen_fds_with_names().context("LISTEN_FDS")?;
    let taken = passed.map(|(fd, name)| {
        let entrance = match name == ADMIN {
            true => Entrance::Admin,
            false => Entrance::Public,
        };
        let named = || format!("the socket {name:?} (descriptor {fd}) of LISTEN_FDS");
        let socket = sys::inherited(fd).with_context(named)?;
        Listener::inherit(socket, entrance).with_context(named)
    });
    taken.collect()
}
