//! Starting processes of the service: what each is executed as, and what it is handed.

use std::os::fd::{AsFd, AsRawFd};
use std::time::Instant;

use anyhow::Context;

use super::Supervisor;
use super::member::{Member, Phase, START_LIMIT};
use crate::process::child::Child;
use crate::process::handover::{Handover, Part};
use crate::process::scoreboard::{Field, ROWS, now_ms};
use crate::process::sockets::Sockets;

impl Supervisor {
    pub(super) fn start_worker(&self, slot: usize, generation: u64) -> anyhow::Result<Member> {
        let row = self.scoreboard.free().with_context(|| {
            format!("{ROWS} workers are there already, most of them on their way out")
        })?;
        let (files, program) = match &self.reload {
            Some(reload) if reload.generation == generation => {
                let program = match reload.version {
                    Some(_) => &self.program.path,
                    None => self.program.running(),
                };
                (&reload.files, program)
            }
            _ => (&self.files, self.program.running()),
        };
        let (sockets, mut descriptors) =
            Sockets::described(self.sockets.of_slot(slot, self.wanted));
        let handed = sockets.iter().map(|socket| socket.fd).collect();
        let handover = Handover {
            files: Some(files.as_raw_fd()),
            sockets,
            ..self.handover(Part::Worker(row))
        };
        descriptors.extend([
            self.scoreboard.as_fd(),
            self.bell.as_fd(),
            self.lifeline.as_fd(),
            files.as_fd(),
        ]);
        let mut command = self.program.command(program, &handover);
        let place = self.scoreboard.row(row);
        place.set(Field::Slot, slot as u64);
        place.set(Field::Generation, generation);
        place.set(Field::Born, now_ms());
        let child = Child::start(&mut command, &descriptors)?;
        // What makes the row taken comes last.
        place.set(Field::Pid, child.pid().into());
        Ok(Member {
            child,
            row,
            slot,
            generation,
            phase: Phase::Starting {
                until: Instant::now() + START_LIMIT,
            },
            sockets: handed,
            heartbeat: (0, 0),
        })
    }

    pub(super) fn start_keeper(&self) -> anyhow::Result<Child> {
        let handover = self.handover(Part::Keeper);
        let mut command = self.program.command(self.program.running(), &handover);
        let descriptors = [
            self.scoreboard.as_fd(),
            self.bell.as_fd(),
            self.lifeline.as_fd(),
        ];
        Child::start(&mut command, &descriptors)
    }

    /// What every process is handed.
    pub(super) fn handover(&self, part: Part) -> Handover {
        Handover {
            part,
            supervisor: std::process::id(),
            scoreboard: self.scoreboard.as_fd().as_raw_fd(),
            bell: self.bell.as_raw_fd(),
            lifeline: self.lifeline.as_raw_fd(),
            lifeline_held: None,
            files: None,
            activated: self.sockets.activated,
            sockets: Vec::new(),
        }
    }
}
