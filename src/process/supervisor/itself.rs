//! The supervisor's own program: executed for workers, and, when there is a new version of it, in this very process.
//!
//! The process keeps its pid, its children and the service's sockets. Signals that come meanwhile wait for the new
//! program.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;
use rustix::process::Signal;

use super::ends::MARGIN;
use super::member::Member;
use super::{Kept, Supervisor};
use crate::config::Serve;
use crate::observe::{self, Event};
use crate::process::Error;
use crate::process::child::{Child, inheritable};
use crate::process::handover::{Handover, Part, VARIABLE};
use crate::process::scoreboard::{Field, Header, Scoreboard};
use crate::process::sockets::Sockets;
use crate::process::systemd;
use crate::sys;

/// This process's program, whatever has become of its file.
const RUNNING: &str = "/proc/self/exe";

/// The program that this process and its workers run.
pub(super) struct Program {
    /// Where it was found, and where a new version will be.
    pub(super) path: PathBuf,
    /// The words it was started with.
    words: Vec<OsString>,
}

/// Which file it is: its device and number. What runs, or is to run, keeps its own.
pub(super) type Identity = (u64, u64);

fn identity(path: &Path) -> Option<Identity> {
    let file = fs::metadata(path).ok()?;
    Some((file.dev(), file.ino()))
}

impl Program {
    pub(super) fn of_this_process() -> anyhow::Result<Program> {
        let path = env::current_exe().context("cannot find this program's file")?;
        let words = env::args_os().collect();
        Ok(Program { path, words })
    }

    /// The one that runs, even if its file has been replaced.
    pub(super) fn running(&self) -> &Path {
        Path::new(RUNNING)
    }

    /// The file on the disk, if it is another than the one that runs.
    pub(super) fn new_version(&self) -> Option<Identity> {
        let (new, old) = (identity(&self.path)?, identity(self.running())?);
        (new != old).then_some(new)
    }

    /// Executes `program` with the same words, and a part in this service.
    pub(super) fn command(&self, program: &Path, handover: &Handover) -> Command {
        let mut command = Command::new(program);
        if let [name, arguments @ ..] = self.words.as_slice() {
            command.arg0(name).args(arguments);
        }
        for variable in systemd::VARIABLES {
            command.env_remove(variable);
        }
        command.env(VARIABLE, handover.to_string());
        command
    }
}

impl Supervisor {
    /// Executes the program on the disk in this process. Workers run it already, so it is one that runs.
    pub(super) fn become_the_new_program(&mut self) {
        let (sockets, mut descriptors) = Sockets::described(self.sockets.all());
        let handover = Handover {
            lifeline_held: Some(self.held.as_raw_fd()),
            files: Some(self.files.as_raw_fd()),
            sockets,
            ..self.handover(Part::Supervisor)
        };
        descriptors.extend([
            self.scoreboard.as_fd(),
            self.bell.as_fd(),
            self.lifeline.as_fd(),
            self.held.as_fd(),
            self.files.as_fd(),
        ]);
        for member in self
            .members
            .iter()
            .filter(|member| member.is_expected_to_end())
        {
            self.scoreboard.row(member.row).set(Field::Leaving, 1);
        }
        // Unlike a worker it is systemd's main process still, and keeps systemd's variables.
        let kept = env::vars_os().filter(|(name, _)| name != VARIABLE);
        let variable = (
            OsString::from(VARIABLE),
            OsString::from(handover.to_string()),
        );
        let environment = kept.chain([variable]).map(|(mut name, value)| {
            name.push("=");
            name.push(value);
            name
        });
        let environment = environment.collect();
        observe::emit(&Event::Upgrading);
        // The thread that writes does not live to see the new program.
        observe::flush(observe::FLUSH);
        sys::hold_signals(true);
        // What has been heard and not been followed is for the new program.
        self.signals.put_back();
        if std::mem::take(&mut self.reload_asked) {
            let _sent = rustix::process::kill_process(rustix::process::getpid(), Signal::HUP);
        }
        let mut failed = inheritable(&descriptors, true).err();
        if failed.is_none() {
            let program = self.program.path.clone().into();
            failed = Some(sys::execute(
                program,
                self.program.words.clone(),
                environment,
            ));
        }
        // Still here.
        let _restored = inheritable(&descriptors, false);
        sys::hold_signals(false);
        if let Some(error) = failed {
            observe::emit(&Event::UpgradeFailed { error });
        }
    }

    /// Goes on where an earlier version of the program left off.
    ///
    /// # Errors
    /// See [`Error`].
    pub(in crate::process) fn resume(config: Serve, given: &Handover) -> Result<Supervisor, Error> {
        let sockets = Sockets::take_over(given)?;
        let assemble = || -> anyhow::Result<Supervisor> {
            let kept = Kept {
                scoreboard: Scoreboard::open(sys::inherited(given.scoreboard)?, true)?,
                bell: sys::inherited(given.bell)?,
                held: sys::inherited(given.lifeline_held.context("no lifeline")?)?,
                lifeline: sys::inherited(given.lifeline)?,
                files: sys::inherited(given.files.context("no files")?)?,
            };
            let limit = config.graceful + MARGIN;
            let mut resumed = Supervisor::with(config, sockets, kept)?;
            sys::hold_signals(false);
            let scoreboard = &resumed.scoreboard;
            resumed.wanted = scoreboard.get(Header::Workers) as usize;
            resumed.generation = scoreboard.get(Header::Generation);
            resumed.up = true;
            let members = scoreboard.taken().map(|(number, row)| {
                let slot = row.get(Field::Slot) as usize;
                let handed = resumed.sockets.of_slot(slot, resumed.wanted);
                let handed = handed.map(|(_, listener)| listener.fd().as_raw_fd());
                Member::adopt(number, row, handed.collect(), limit)
            });
            resumed.members = members.collect::<Result<_, _>>()?;
            let child = |word: Header| match scoreboard.get(word) {
                0 => Ok(None),
                pid => Child::adopt(pid as u32).map(Some),
            };
            (resumed.keeper, resumed.reporter) = (child(Header::Keeper)?, child(Header::Reporter)?);
            Ok(resumed)
        };
        assemble().map_err(Error::System)
    }
}
