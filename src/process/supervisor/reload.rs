//! HUP: a new generation of workers, with the files, the settings and the program that are there now; the old one serves
//! until the new one does, and goes on if the new one cannot.

use std::os::fd::OwnedFd;

use rustix::process::Signal;

use super::ends::MARGIN;
use super::itself::Identity;
use super::{Supervisor, files_in_memory};
use crate::observe::{self, Event};
use crate::process::scoreboard::Header;
use crate::process::systemd::Word;

/// A generation that is to take over.
pub(super) struct Reload {
    pub(super) generation: u64,
    pub(super) files: OwnedFd,
    /// The program on the disk, if it is another than ours: it is what the workers execute.
    pub(super) version: Option<Identity>,
}

impl Supervisor {
    pub(super) fn is_reloading(&self, generation: u64) -> bool {
        self.reload
            .as_ref()
            .is_some_and(|reload| reload.generation == generation)
    }

    /// Begins a reload that was asked for; completes one whose workers serve.
    pub(super) fn advance_reload(&mut self) {
        if self.reload_asked && self.reload.is_none() && self.up && self.stopping.is_none() {
            self.reload_asked = false;
            self.begin_reload();
        }
        if self
            .reload
            .as_ref()
            .is_some_and(|reload| self.all_serve(reload.generation))
            && let Some(reload) = self.reload.take()
        {
            self.generation = reload.generation;
            self.files = reload.files;
            self.pauses.clear();
            self.scoreboard.set(Header::Generation, self.generation);
            self.let_go_of_the_replaced();
            observe::emit(&Event::Reloaded {
                generation: self.generation,
            });
            self.systemd.tell(&[Word::Ready]);
            // One that has been replaced once more since has not been tried: it is for the next reload.
            if reload.version.is_some() && reload.version == self.program.new_version() {
                self.become_the_new_program();
            }
        }
    }

    fn begin_reload(&mut self) {
        self.systemd.tell_reloading();
        observe::emit(&Event::Reloading);
        match files_in_memory(&self.config) {
            Ok(files) => {
                self.reload = Some(Reload {
                    generation: self.generation + 1,
                    files,
                    version: self.program.new_version(),
                });
            }
            Err(error) => self.refuse_reload(format!("{error:#}")),
        }
    }

    /// The old generation goes on.
    pub(super) fn refuse_reload(&mut self, reason: String) {
        if let Some(reload) = self.reload.take() {
            let new = self
                .members
                .iter_mut()
                .filter(|member| member.generation == reload.generation);
            for member in new {
                member.leave(Signal::TERM, self.config.graceful + MARGIN);
            }
        }
        observe::emit(&Event::ReloadRefused {
            generation: self.generation,
            reason,
        });
        self.systemd.tell(&[Word::Ready]);
    }
}
