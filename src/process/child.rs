//! A child process, held by a pidfd: no other process can be taken for it, however often pids come round.

use std::fmt;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::Command;

use anyhow::Context;
use rustix::io::{Errno, FdFlags, fcntl_setfd};
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, pidfd_open, pidfd_send_signal, waitid,
};

/// A child of this process that has not been reaped.
pub(super) struct Child {
    pid: Pid,
    fd: OwnedFd,
}

/// How a child ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// By itself, with this code.
    Exit(u8),
    /// By this signal.
    Killed(i32),
}

impl Child {
    /// Starts `command`, which inherits `descriptors` by their numbers, in a process group of its own: what the terminal
    /// sends to ours is not for it.
    ///
    /// # Errors
    /// The program cannot be executed.
    pub(super) fn start(
        command: &mut Command,
        descriptors: &[BorrowedFd<'_>],
    ) -> anyhow::Result<Child> {
        command.process_group(0);
        // No other thread can start something meanwhile: there is none.
        let spawned = inheritable(descriptors, true)
            .and_then(|()| command.spawn())
            .with_context(|| format!("cannot execute {}", command.get_program().display()));
        inheritable(descriptors, false)?;
        Child::adopt(spawned?.id())
    }

    /// A child of this process that an earlier program in it has started.
    ///
    /// # Errors
    /// It is not there.
    pub(super) fn adopt(pid: u32) -> anyhow::Result<Child> {
        let number = i32::try_from(pid).ok().and_then(Pid::from_raw);
        let pid = number.context("a process id of 0")?;
        let fd = pidfd_open(pid, PidfdFlags::empty())
            .with_context(|| format!("cannot watch process {pid}"))?;
        Ok(Child { pid, fd })
    }

    pub(super) fn pid(&self) -> u32 {
        self.pid.as_raw_nonzero().get().unsigned_abs()
    }

    /// Sends a signal; to one that has ended, nothing.
    pub(super) fn signal(&self, signal: Signal) {
        // It is ours and not reaped: only that it has ended can be wrong.
        let _ended = pidfd_send_signal(&self.fd, signal);
    }

    /// How it ended, if it has. Says so once: from then on the child is no more.
    pub(super) fn reap(&self) -> Option<End> {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG;
        let status = match waitid(WaitId::PidFd(self.fd.as_fd()), options) {
            Ok(status) => status?,
            Err(Errno::INTR) => return None,
            // Somebody else has reaped it: its code is lost.
            Err(_) => return Some(End::Exit(u8::MAX)),
        };
        Some(match status.exit_status() {
            Some(code) => End::Exit(code as u8),
            None => End::Killed(status.terminating_signal().unwrap_or_default()),
        })
    }
}

impl AsFd for Child {
    /// Readable when the child has ended.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            End::Exit(code) => write!(f, "ended with status {code}"),
            End::Killed(number) => match signal_hook::low_level::signal_name(*number) {
                Some(name) => write!(f, "was killed by {name}"),
                None => write!(f, "was killed by signal {number}"),
            },
        }
    }
}

/// Lets those that are started from now on inherit `descriptors`, or no longer.
pub(super) fn inheritable(descriptors: &[BorrowedFd<'_>], inherit: bool) -> io::Result<()> {
    let mut flags = FdFlags::empty();
    flags.set(FdFlags::CLOEXEC, !inherit);
    for descriptor in descriptors {
        fcntl_setfd(descriptor, flags)?;
    }
    Ok(())
}
