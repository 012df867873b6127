//! A worker's place in its service: where it listens, and where it tells of itself.

use std::fs::File;
use std::os::fd::OwnedFd;

use anyhow::Context;

use super::Error;
use super::handover::Handover;
use super::keeper::Keeper;
use super::memfile;
use super::scoreboard::{Field, Header, Row, Scoreboard, now_ms};
use super::sockets::Sockets;
use crate::config::Serve;
use crate::metrics::Metrics;
use crate::server::Listener;
use crate::sql::Files;
use crate::sys;

/// What a worker has before it does anything.
pub struct Place {
    pub(super) scoreboard: Scoreboard,
    pub(super) row: Row,
    pub(super) metrics: Metrics,
    pub(super) sockets: Sockets,
    pub(super) supervisor: Option<Supervision>,
}

/// What ties a worker to its supervisor.
pub(super) struct Supervision {
    pub(super) bell: OwnedFd,
    pub(super) lifeline: OwnedFd,
    /// The SQL files of its generation.
    files: File,
}

impl Place {
    /// That of a worker on its own, which listens from here on.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn alone(config: &Serve) -> Result<Place, Error> {
        Place::at(Sockets::open(config, 1, false)?)
    }

    /// That of a worker on its own, which listens here.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn listening(listener: Listener) -> Result<Place, Error> {
        Place::at(Sockets::of(listener))
    }

    fn at(sockets: Sockets) -> Result<Place, Error> {
        let scoreboard = Scoreboard::create(false)?;
        let row = scoreboard.row(0);
        row.set(Field::Born, now_ms());
        row.set(Field::Generation, 1);
        row.set(Field::Pid, std::process::id().into());
        scoreboard.set(Header::Workers, 1);
        scoreboard.set(Header::Generation, 1);
        Ok(Place {
            metrics: Metrics::new(scoreboard.arena(0), row.now()),
            scoreboard,
            row,
            sockets,
            supervisor: None,
        })
    }

    /// The one that a supervisor has given.
    pub(super) fn given(given: &Handover, row: usize) -> Result<Place, Error> {
        let sockets = Sockets::take_over(given)?;
        let take = || -> anyhow::Result<Place> {
            let scoreboard = Scoreboard::open(sys::inherited(given.scoreboard)?, true)?;
            Ok(Place {
                row: scoreboard.row(row),
                metrics: Metrics::new(scoreboard.arena(row), scoreboard.row(row).now()),
                scoreboard,
                sockets,
                supervisor: Some(Supervision {
                    bell: sys::inherited(given.bell)?,
                    lifeline: sys::inherited(given.lifeline)?,
                    files: sys::inherited(given.files.unwrap_or(-1))?.into(),
                }),
            })
        };
        take().map_err(Error::System)
    }

    /// Whether there is a supervisor: it has the private cluster, if there is one, and says what happens to the service.
    pub fn is_supervised(&self) -> bool {
        self.supervisor.is_some()
    }

    /// Whether its generation is to take over from one that serves, which goes on if this one cannot.
    pub fn takes_over(&self) -> bool {
        // None before the first.
        let serving = self.scoreboard.get(Header::Generation);
        serving > 0 && self.row.get(Field::Generation) > serving
    }

    /// The slot's number, from 0.
    pub fn slot(&self) -> u64 {
        self.row.get(Field::Slot)
    }

    /// The SQL files to serve: those of its generation, whatever is on the disk by now.
    ///
    /// # Errors
    /// There is no supervisor that has read them.
    pub fn files(&self) -> anyhow::Result<Files> {
        let files = &self.supervisor.as_ref().context("no supervisor")?.files;
        Files::from_bytes(&memfile::read(files)?)
    }
}

impl Keeper {
    pub(super) fn given(given: &Handover) -> Result<Keeper, Error> {
        let take = || -> anyhow::Result<Keeper> {
            Ok(Keeper {
                scoreboard: Scoreboard::open(sys::inherited(given.scoreboard)?, true)?,
                bell: sys::inherited(given.bell)?,
                lifeline: sys::inherited(given.lifeline)?,
            })
        };
        take().map_err(Error::System)
    }
}
