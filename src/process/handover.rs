//! What a process of a service is told by the one that executed it: which part it plays, and which of its descriptors
//! is what. One environment variable; settings go the ordinary way, every process reads them for itself.

use std::fmt;
use std::os::fd::RawFd;
use std::str::FromStr;

use crate::server::Entrance;

/// The variable.
pub(super) const VARIABLE: &str = "PEPPERCORN_HANDOVER";

/// The part that a process plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// The worker of this row of the scoreboard.
    Worker(usize),
    /// The keeper of the private cluster.
    Keeper,
    /// Who sends the supervisor's reports.
    Reporter,
    /// The supervisor, executed anew in its process.
    Supervisor,
}

/// A listening socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Socket {
    /// Its descriptor.
    pub(super) fd: RawFd,
    /// What it leads to.
    pub(super) entrance: Entrance,
    /// Whose it is.
    pub(super) owner: Owner,
    /// Whether it has a file that the supervisor has made, and removes.
    pub(super) file: bool,
}

/// Who accepts from a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    /// All executors of all workers.
    All,
    /// One executor of the worker in this slot.
    Slot(usize),
}

/// All of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Handover {
    pub(super) part: Part,
    /// The supervisor's process id: the variable is not for whoever finds it by accident.
    pub(super) supervisor: u32,
    /// The scoreboard.
    pub(super) scoreboard: RawFd,
    /// An eventfd that tells the supervisor to look at the scoreboard.
    pub(super) bell: RawFd,
    /// The end of a pipe that has something to read when the supervisor is no more.
    pub(super) lifeline: RawFd,
    /// The other end, for the supervisor.
    pub(super) lifeline_held: Option<RawFd>,
    /// The SQL files of the worker's generation; a reporter's reports.
    pub(super) files: Option<RawFd>,
    /// The sockets for clients came from systemd, which goes on with them.
    pub(super) activated: bool,
    pub(super) sockets: Vec<Socket>,
}

impl fmt::Display for Handover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.part {
            Part::Worker(row) => write!(f, "worker={row}")?,
            Part::Keeper => f.write_str("keeper")?,
            Part::Reporter => f.write_str("reporter")?,
            Part::Supervisor => f.write_str("itself")?,
        }
        write!(
            f,
            " supervisor={} scoreboard={} bell={} lifeline={}",
            self.supervisor, self.scoreboard, self.bell, self.lifeline
        )?;
        if let Some(fd) = self.lifeline_held {
            write!(f, " held={fd}")?;
        }
        if let Some(fd) = self.files {
            write!(f, " files={fd}")?;
        }
        if self.activated {
            f.write_str(" activated")?;
        }
        for Socket {
            fd,
            entrance,
            owner,
            file,
        } in &self.sockets
        {
            let entrance = match (entrance, file) {
                (Entrance::Public, false) => "http",
                (Entrance::Public, true) => "http-file",
                (Entrance::Admin, false) => "admin",
                (Entrance::Admin, true) => "admin-file",
            };
            match owner {
                Owner::All => write!(f, " {entrance}={fd}")?,
                Owner::Slot(slot) => write!(f, " {entrance}={fd}/{slot}")?,
            }
        }
        Ok(())
    }
}

impl FromStr for Handover {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Handover> {
        let mut read = Handover {
            part: Part::Keeper,
            supervisor: 0,
            scoreboard: -1,
            bell: -1,
            lifeline: -1,
            lifeline_held: None,
            files: None,
            activated: false,
            sockets: Vec::new(),
        };
        for word in text.split(' ') {
            let (key, value) = word.split_once('=').unwrap_or((word, ""));
            match key {
                "worker" => read.part = Part::Worker(value.parse()?),
                "keeper" => read.part = Part::Keeper,
                "reporter" => read.part = Part::Reporter,
                "itself" => read.part = Part::Supervisor,
                "supervisor" => read.supervisor = value.parse()?,
                "scoreboard" => read.scoreboard = value.parse()?,
                "bell" => read.bell = value.parse()?,
                "lifeline" => read.lifeline = value.parse()?,
                "held" => read.lifeline_held = Some(value.parse()?),
                "files" => read.files = Some(value.parse()?),
                "activated" => read.activated = true,
                "http" => read.sockets.push(socket(Entrance::Public, false, value)?),
                "http-file" => read.sockets.push(socket(Entrance::Public, true, value)?),
                "admin" => read.sockets.push(socket(Entrance::Admin, false, value)?),
                "admin-file" => read.sockets.push(socket(Entrance::Admin, true, value)?),
                // A newer supervisor may say more.
                _ => {}
            }
        }
        Ok(read)
    }
}

fn socket(entrance: Entrance, file: bool, value: &str) -> anyhow::Result<Socket> {
    let (fd, owner) = match value.split_once('/') {
        Some((fd, slot)) => (fd, Owner::Slot(slot.parse()?)),
        None => (value, Owner::All),
    };
    Ok(Socket {
        fd: fd.parse()?,
        entrance,
        owner,
        file,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let socket = |fd, entrance, owner, file| Socket {
            fd,
            entrance,
            owner,
            file,
        };
        for part in [
            Part::Worker(3),
            Part::Keeper,
            Part::Reporter,
            Part::Supervisor,
        ] {
            let handover = Handover {
                part,
                supervisor: 12,
                scoreboard: 4,
                bell: 5,
                lifeline: 6,
                lifeline_held: (part == Part::Supervisor).then_some(7),
                files: (part != Part::Keeper).then_some(8),
                activated: part == Part::Supervisor,
                sockets: vec![
                    socket(9, Entrance::Public, Owner::Slot(0), false),
                    socket(10, Entrance::Public, Owner::All, true),
                    socket(11, Entrance::Admin, Owner::All, false),
                ],
            };
            let text = handover.to_string();
            assert_eq!(text.parse::<Handover>().unwrap(), handover, "{text}");
        }
        assert!("worker=x".parse::<Handover>().is_err());
    }
}
