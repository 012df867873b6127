//! The state directory: made, locked, and cleared of what an earlier run has left.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Instant;

use anyhow::{Context, bail};
use rustix::fs::FlockOperation;
use rustix::process::Signal;

use super::programs::signal;
use super::user::User;
use super::{POLL, RUN, STOP_LIMIT};
use crate::runtime::MOST_PATH_BYTES;

/// The socket's name: PostgreSQL's port is part of it.
const SOCKET: &str = ".s.PGSQL.5432";

/// The state directory was found in use by another server.
#[derive(Debug)]
pub struct InUse {
    directory: PathBuf,
    pid: String,
}

impl std::fmt::Display for InUse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "the state directory {} is in use by another peppercorn (pid {}); stop it, or give this one its own with \
             --state-dir",
            self.directory.display(),
            self.pid
        )
    }
}

impl std::error::Error for InUse {}

/// Makes the state directory and what is in it, owned by the user PostgreSQL runs as, closed to others.
pub(super) fn prepare(directory: &Path, user: Option<&User>) -> anyhow::Result<PathBuf> {
    let make = |path: &Path| -> anyhow::Result<()> {
        let context = || format!("cannot use the state directory {}", path.display());
        if !path.exists() {
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(path)
                .with_context(context)?;
        }
        if let Some(user) = user {
            std::os::unix::fs::chown(path, Some(user.uid), Some(user.gid)).with_context(context)?;
        }
        Ok(())
    };
    if let Some(parent) = directory.parent() {
        // Above the state directory root's umask decides: the user postgres must be able to pass.
        fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
    }
    make(directory)?;
    let directory = fs::canonicalize(directory)?;
    make(&directory.join(RUN))?;
    if let Some(user) = user {
        user.check_access(&directory)?;
    }
    let socket = directory.join(RUN).join(SOCKET);
    if socket.as_os_str().len() > MOST_PATH_BYTES {
        bail!(
            "the path of the state directory {} is too long for a UNIX socket in it; choose a shorter one with --state-dir",
            directory.display()
        );
    }
    Ok(directory)
}

/// Takes the directory's lock; its file says who has it.
pub(super) fn lock(directory: &Path) -> anyhow::Result<File> {
    let path = directory.join("lock");
    let context = || format!("cannot lock {}", path.display());
    let mut options = OpenOptions::new();
    let mut file = options
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .with_context(context)?;
    if rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
        let mut pid = String::new();
        file.read_to_string(&mut pid)?;
        return Err(InUse {
            directory: directory.into(),
            pid: pid.trim().into(),
        }
        .into());
    }
    file.set_len(0)?;
    file.seek(SeekFrom::Start(0))?;
    io::Write::write_all(&mut file, format!("{}\n", std::process::id()).as_bytes())
        .with_context(context)?;
    Ok(file)
}

/// Deals with what a run that was killed has left: a server that still runs is stopped, the lock files of one that is
/// gone are removed (their pid may belong to another process by now, which would keep PostgreSQL from starting).
pub(super) fn stop_orphan(directory: &Path) -> anyhow::Result<()> {
    let data = &directory.join("data");
    let pid_file = data.join("postmaster.pid");
    let Ok(text) = fs::read_to_string(&pid_file) else {
        return Ok(());
    };
    let pid: Option<u32> = text
        .lines()
        .next()
        .and_then(|line| line.trim().parse().ok());
    let begin = Instant::now();
    while let Some(pid) = pid.filter(|pid| serves(*pid, data)) {
        // A server that lost its parent is shutting down already; asking twice does no harm.
        signal(pid, Signal::INT);
        if begin.elapsed() > STOP_LIMIT {
            bail!(
                "the PostgreSQL of an earlier run (pid {pid}) does not stop; end it, then start again"
            );
        }
        sleep(POLL);
    }
    // One that was killed leaves backends, which hold its shared memory until they notice; busy ones do not.
    while quit_all(data) {
        if begin.elapsed() > STOP_LIMIT {
            bail!(
                "processes of an earlier PostgreSQL still use {}; end them, then start again",
                data.display()
            );
        }
        sleep(POLL);
    }
    // Nobody uses them any more, and the processes they name may be others by now.
    let run = directory.join(RUN);
    for file in [
        pid_file,
        run.join(SOCKET),
        run.join(format!("{SOCKET}.lock")),
    ] {
        match fs::remove_file(&file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("cannot remove {}", file.display()));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Has the backends of a dead server exit at once. False when there are none.
fn quit_all(data: &Path) -> bool {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let backends: Vec<u32> = pids.filter(|pid| serves(*pid, data)).collect();
    for pid in &backends {
        signal(*pid, Signal::QUIT);
    }
    !backends.is_empty()
}

/// Whether process `pid` is a PostgreSQL on `data`: its working directory is its data directory.
fn serves(pid: u32, data: &Path) -> bool {
    fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd == data)
}
