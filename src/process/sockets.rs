//! A service's listening sockets: opened by the process at its top, or by systemd, and kept by them whoever accepts.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use super::handover::{self, Handover, Owner, Part};
use super::{Error, systemd};
use crate::config::{Accept, Serve};
use crate::server::{self, Address, Entrance, Listener};
use crate::sys;

/// A service's listening sockets.
pub(super) struct Sockets {
    held: Vec<(Owner, Listener)>,
    /// Those for clients came from systemd, which goes on with them when the service has stopped.
    pub(super) activated: bool,
}

impl Sockets {
    /// Those that systemd has passed, else those that `config` names: for `slots` workers, and for `grow`, more of them
    /// later.
    ///
    /// # Errors
    /// [`Error::Bind`].
    pub(super) fn open(config: &Serve, slots: usize, grow: bool) -> Result<Sockets, Error> {
        let passed = systemd::sockets().map_err(Error::Bind)?;
        let given = |entrance| {
            passed
                .iter()
                .any(|listener: &Listener| listener.entrance() == entrance)
        };
        let (public, admin) = (given(Entrance::Public), given(Entrance::Admin));
        let mut sockets = Sockets {
            held: passed
                .into_iter()
                .map(|listener| (Owner::All, listener))
                .collect(),
            activated: public,
        };
        let mut open = || -> anyhow::Result<()> {
            for address in config.bind.iter().filter(|_| !public) {
                sockets.bind(config, address, slots, grow)?;
            }
            for address in config.admin.iter().filter(|_| !admin) {
                let listeners = server::bind(address, Entrance::Admin, 1, false)?;
                sockets
                    .held
                    .extend(listeners.into_iter().map(|listener| (Owner::All, listener)));
            }
            Ok(())
        };
        open().map_err(Error::Bind)?;
        Ok(sockets)
    }

    /// One that the program has opened.
    pub(super) fn of(listener: Listener) -> Sockets {
        Sockets {
            held: vec![(Owner::All, listener)],
            activated: false,
        }
    }

    fn bind(
        &mut self,
        config: &Serve,
        address: &Address,
        slots: usize,
        grow: bool,
    ) -> anyhow::Result<()> {
        let seats = config.layout.seats();
        let own = config.accept == Accept::Slots && matches!(address, Address::Tcp(_));
        let (count, grow) = match own {
            true => (slots * seats, grow),
            false => (1, false),
        };
        let listeners = server::bind(address, Entrance::Public, count, grow)?;
        self.held
            .extend(listeners.into_iter().enumerate().map(|(index, listener)| {
                let owner = match own {
                    true => Owner::Slot(index / seats),
                    false => Owner::All,
                };
                (owner, listener)
            }));
        Ok(())
    }

    /// Those that a process was handed.
    ///
    /// # Errors
    /// [`Error::Bind`], when one is not what it should be.
    pub(super) fn take_over(given: &Handover) -> Result<Sockets, Error> {
        let activated = given.activated;
        let take = |socket: &handover::Socket| -> anyhow::Result<_> {
            let listener = Listener::inherit(sys::inherited(socket.fd)?, socket.entrance)?;
            // A worker never removes it.
            let listener = match socket.file && given.part == Part::Supervisor {
                true => listener.with_file(),
                false => listener,
            };
            Ok((socket.owner, listener))
        };
        let held = given.sockets.iter().map(take).collect::<Result<_, _>>();
        held.map(|held| Sockets { held, activated })
            .map_err(Error::Bind)
    }

    /// As many for `slot` as the first slot has.
    ///
    /// # Errors
    /// [`Error::Bind`].
    pub(super) fn add_slot(&mut self, slot: usize) -> Result<(), Error> {
        let of = |slot: usize| move |(owner, _): &&(Owner, Listener)| *owner == Owner::Slot(slot);
        if self.held.iter().any(|held| of(slot)(&held)) {
            return Ok(());
        }
        let more = self
            .held
            .iter()
            .filter(of(0))
            .map(|(_, like)| server::another(like));
        let more: Vec<Listener> = more.collect::<anyhow::Result<_>>().map_err(Error::Bind)?;
        self.held.extend(
            more.into_iter()
                .map(|listener| (Owner::Slot(slot), listener)),
        );
        Ok(())
    }

    /// The sockets of the worker in `slot`, of `slots`: everybody's, its own, and its share of those of slots that are
    /// no more. Connections go on arriving there.
    pub(super) fn of_slot(
        &self,
        slot: usize,
        slots: usize,
    ) -> impl Iterator<Item = &(Owner, Listener)> {
        self.held.iter().filter(move |(owner, _)| match owner {
            Owner::All => true,
            Owner::Slot(own) => *own == slot || *own >= slots && *own % slots == slot,
        })
    }

    /// All of them.
    pub(super) fn all(&self) -> impl Iterator<Item = &(Owner, Listener)> {
        self.held.iter()
    }

    /// Deals them to the executors of one worker: its own one by one, everybody's to each.
    ///
    /// # Errors
    /// No descriptor is left.
    pub(super) fn deal(self, seats: usize) -> io::Result<Vec<Vec<Listener>>> {
        let mut dealt: Vec<Vec<Listener>> = Vec::new();
        dealt.resize_with(seats, Vec::new);
        let (shared, own): (Vec<_>, Vec<_>) =
            (self.held.into_iter()).partition(|(owner, _)| *owner == Owner::All);
        server::seat(own.into_iter().map(|(_, own)| own).collect(), &mut dealt)?;
        for (_, listener) in shared {
            server::seat(vec![listener], &mut dealt)?;
        }
        Ok(dealt)
    }

    /// What those that lead to `entrance` are called; none if there are none.
    pub(super) fn names(&self, entrance: Entrance) -> Option<String> {
        let mut names: Vec<&str> = Vec::new();
        for (_, listener) in &self.held {
            // The sockets of all slots have one address.
            if listener.entrance() == entrance && !names.contains(&listener.name()) {
                names.push(listener.name());
            }
        }
        (!names.is_empty()).then(|| names.join(", "))
    }

    /// Lets go of them: what is not held by somebody else is refused from here on.
    pub(super) fn close(&mut self) {
        self.held.clear();
    }

    /// How to hand `sockets` over, and their descriptors.
    pub(super) fn described<'a>(
        sockets: impl Iterator<Item = &'a (Owner, Listener)>,
    ) -> (Vec<handover::Socket>, Vec<BorrowedFd<'a>>) {
        let described = sockets.map(|(owner, listener)| {
            let socket = handover::Socket {
                fd: listener.as_fd().as_raw_fd(),
                entrance: listener.entrance(),
                owner: *owner,
                file: listener.has_file(),
            };
            (socket, listener.as_fd())
        });
        described.unzip()
    }
}
