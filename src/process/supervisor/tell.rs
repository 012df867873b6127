//! What systemd is told of the service.

use std::time::{Duration, Instant};

use super::{Supervisor, TICK};
use crate::process::scoreboard::{Database, Stage};
use crate::process::systemd::Word;

/// While stopping takes its time systemd is told to wait, for so long each time.
const EXTENSION: Duration = Duration::from_secs(5);

impl Supervisor {
    pub(super) fn notify_systemd(&mut self) {
        if let Some(stopping) = &mut self.stopping {
            let now = Instant::now();
            if now >= stopping.next_extension {
                stopping.next_extension = now + TICK;
                let micros = EXTENSION.as_micros() as u32;
                self.systemd.tell(&[Word::ExtendTimeoutUsec(micros)]);
            }
        }
        let status = self.status();
        self.systemd.tell_status(status);
        self.systemd.tell_alive();
    }

    /// `4/4 workers, database ok`.
    fn status(&self) -> String {
        let rows = || {
            self.members
                .iter()
                .map(|member| self.scoreboard.row(member.row))
        };
        let serving = self.members.iter().filter(|member| {
            let stage = self.scoreboard.row(member.row).stage();
            member.generation == self.generation
                && matches!(stage, Stage::Serving | Stage::Retiring)
        });
        let mut status = format!(
            "{}/{} workers",
            serving.count().min(self.wanted),
            self.wanted
        );
        let databases: Vec<Database> = rows().map(|row| row.database()).collect();
        if databases.contains(&Database::Away) {
            status += ", database away";
        } else if databases.contains(&Database::Ok) {
            status += ", database ok";
        }
        if self.stopping.is_some() {
            status += ", stopping";
        } else if self.reload.is_some() {
            status += ", reloading";
        }
        status
    }
}
