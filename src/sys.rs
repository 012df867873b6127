//! The one file with `unsafe`: what the standard library and rustix leave to the program.
//!
//! Each function wraps one such call and argues why it is sound; `tests/it/tidy.rs` keeps `unsafe` from
//! spreading to other files.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

use rustix::process::{Signal, set_parent_process_death_signal};

/// Has the kernel send `signal` to the child when the thread that spawns it ends, so that a helper process
/// does not outlive a parent killed with SIGKILL.
///
/// The kernel watches the spawning *thread*: spawn from one that lives as long as the process.
pub(crate) fn die_with_parent(command: &mut Command, signal: Signal) {
    let parent = rustix::process::getpid();
    // SAFETY: the closure runs between fork and exec, where only async-signal-safe calls are allowed. It
    // makes two system calls, allocates nothing and touches no lock.
    unsafe {
        command.pre_exec(move || {
            set_parent_process_death_signal(Some(signal))?;
            // The parent may have died before the call above: then nobody is left to send the signal.
            if rustix::process::getppid() != Some(parent) {
                return Err(io::ErrorKind::NotFound.into());
            }
            Ok(())
        });
    }
}
