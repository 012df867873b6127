//! What systemd is told of the service.

use super::Supervisor;
use crate::process::scoreboard::{Database, Stage};

impl Supervisor {
    pub(super) fn notify_systemd(&mut self) {
        if self.stopping.is_some() {
            self.systemd.tell_stopping();
        }
        let status = self.status();
        self.systemd.tell_status(status);
        self.systemd.tell_alive();
    }

    /// `4/4 workers, database ok`.
    fn status(&self) -> String {
        // What a worker that is stuck has written last does not count.
        let serving = self.members.iter().filter(|member| {
            let stage = self.scoreboard.row(member.row).stage();
            member.generation == self.generation && member.is_serving() && stage != Stage::Draining
        });
        let serving = serving.count().min(self.wanted);
        let mut status = format!("{serving}/{} workers", self.wanted);
        let rows = self
            .members
            .iter()
            .map(|member| self.scoreboard.row(member.row));
        let databases: Vec<Database> = rows.map(|row| row.database()).collect();
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
