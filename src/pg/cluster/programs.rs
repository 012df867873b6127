//! PostgreSQL's programs, run as the right user.

use std::fs::{self, File};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use rustix::process::{Pid, Signal};

use super::install::Install;
use super::user::User;
use super::{NAME, POLL, RUN};
use crate::sys;

/// Makes a cluster in `data`.
pub(super) fn initdb(install: &Install, data: &Path, user: Option<&User>) -> anyhow::Result<()> {
    // Made under another name first: a start that is interrupted here leaves no half of a cluster behind. Under a
    // name of our own: what an interrupted one was doing may go on for a moment.
    remove_halves(data);
    let half = data.with_extension(format!("new-{}", std::process::id()));
    let mut command = Command::new(install.program("initdb"));
    command
        .arg("--pgdata")
        .arg(&half)
        .args(["--username", NAME, "--auth", "trust"]);
    command.args([
        "--encoding",
        "UTF8",
        "--locale",
        "C.UTF-8",
        "--no-instructions",
    ]);
    sys::die_with_parent(&mut command, Signal::TERM);
    let output = as_user(&mut command, user)
        .stdin(Stdio::null())
        .output()
        .context("cannot run initdb")?;
    if !output.status.success() {
        bail!(
            "initdb failed:\n{}",
            String::from_utf8_lossy(&output.stderr).trim_end()
        );
    }
    fs::rename(&half, data).with_context(|| format!("cannot rename {}", half.display()))
}

/// Removes what interrupted starts have left. What cannot be removed is in nobody's way.
fn remove_halves(data: &Path) {
    let beside = data.parent().into_iter().flat_map(fs::read_dir);
    for entry in beside.flatten().flatten() {
        if entry
            .file_name()
            .as_encoded_bytes()
            .starts_with(b"data.new-")
        {
            let _in_use = fs::remove_dir_all(entry.path());
        }
    }
}

/// Starts the server of the cluster in the state directory, as our child.
pub(super) fn spawn(
    install: &Install,
    directory: &Path,
    user: Option<&User>,
) -> anyhow::Result<Child> {
    let log = directory.join("log");
    let log = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
    let mut command = Command::new(install.program("postgres"));
    command.arg("-D").arg(directory.join("data"));
    command.arg("-k").arg(directory.join(RUN));
    // No TCP; nobody else on the socket.
    command.args(["-h", ""]);
    for setting in [
        "unix_socket_permissions=0700",
        "timezone=UTC",
        "logging_collector=off",
    ] {
        command.args(["-c", setting]);
    }
    as_user(&mut command, user);
    command
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log);
    // Out of the terminal's group: Ctrl-C is ours, the database stops after the last request.
    command.process_group(0);
    sys::die_with_parent(&mut command, Signal::INT);
    command
        .spawn()
        .context("cannot start the private PostgreSQL")
}

fn as_user<'a>(command: &'a mut Command, user: Option<&User>) -> &'a mut Command {
    if let Some(user) = user {
        command.uid(user.uid).gid(user.gid);
    }
    // Its messages are parsed by nobody but read by everybody: in one language. And it must be able to stand
    // in its working directory, which the user postgres may not enter.
    command.env("LC_MESSAGES", "C").current_dir("/");
    // It would tell systemd that it is ready, as if it were the service.
    command.env_remove("NOTIFY_SOCKET")
}

/// Signals a process.
pub(super) fn signal(pid: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        // Only a process that is gone already is not reached.
        let _gone = rustix::process::kill_process(pid, signal);
    }
}

/// Waits for a child to end; `None` when the limit is over first.
pub(super) fn wait(child: &mut Child, limit: Duration) -> io::Result<Option<ExitStatus>> {
    let begin = Instant::now();
    loop {
        match child.try_wait()? {
            Some(status) => return Ok(Some(status)),
            None if begin.elapsed() > limit => return Ok(None),
            None => sleep(POLL),
        }
    }
}
