//! `--reload`: what somebody edits is read again when they save, as if a HUP had come.

use std::ffi::OsStr;
use std::future;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};
use rustix::io::Errno;

use super::seats::Seats;
use crate::lock::lock;
use crate::observe::{self, Event};
use crate::runtime::{Clock, Readable, TICK};
use crate::sql::Files;

/// After the last edit. Who saves several files, or has a program write them, wants all of them.
const QUIET: Duration = Duration::from_millis(50);
/// As many pauses at most: somebody may never be quiet.
const MOST_PAUSES: usize = 20;

/// A directory that is watched, with all below it.
pub(super) struct Edits {
    directory: PathBuf,
    inotify: OwnedFd,
}

impl Edits {
    /// Notes from now on what becomes of the files in `directory`.
    ///
    /// # Errors
    /// No such directory; the system watches no more of them.
    pub(super) fn watch(directory: &Path) -> anyhow::Result<Edits> {
        let inotify = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK);
        let edits = Edits {
            directory: directory.to_owned(),
            inotify: inotify.context("the system watches no more directories")?,
        };
        edits.watch_all()?;
        Ok(edits)
    }

    /// Watches directories that are new, too; the others are the same as before.
    fn watch_all(&self) -> anyhow::Result<()> {
        let flags = WatchFlags::CREATE
            | WatchFlags::CLOSE_WRITE
            | WatchFlags::MOVE
            | WatchFlags::DELETE
            | WatchFlags::DELETE_SELF
            | WatchFlags::MOVE_SELF
            | WatchFlags::ONLYDIR;
        for directory in Files::directories(&self.directory)? {
            match inotify::add_watch(&self.inotify, &directory, flags) {
                // It was there a moment ago; that it is gone is an edit of the one above.
                Err(Errno::NOENT | Errno::NOTDIR) if directory != self.directory => {}
                watched => {
                    watched.with_context(|| format!("cannot watch {}", directory.display()))?;
                }
            }
        }
        Ok(())
    }

    /// Takes what has been noted: whether any of it is an edit of what is read.
    fn take(&self) -> io::Result<bool> {
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut events = inotify::Reader::new(&self.inotify, &mut buffer);
        let mut edited = false;
        loop {
            match events.next() {
                Ok(event) => {
                    let name = event
                        .file_name()
                        .map(|name| OsStr::from_bytes(name.to_bytes()));
                    let of_a_directory = event.events().intersects(
                        ReadFlags::ISDIR
                            | ReadFlags::DELETE_SELF
                            | ReadFlags::MOVE_SELF
                            | ReadFlags::QUEUE_OVERFLOW,
                    );
                    edited |= of_a_directory || name.is_some_and(Files::reads);
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return Ok(edited),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Waits for an edit, and until nothing more comes for a moment.
    async fn next(&self, bell: &Readable, clock: &Clock) -> io::Result<()> {
        while !self.take()? {
            bell.news().await;
        }
        for _ in 0..MOST_PAUSES {
            clock.sleep(QUIET).await;
            if !self.take()? {
                break;
            }
        }
        Ok(())
    }
}

impl Seats<'_> {
    /// Asks for a reload whenever files have been edited, if they are watched. Never ends.
    pub(super) async fn follow_edits(&self) {
        let edits = lock(&self.worker.edits).take();
        if let Some(edits) = edits {
            let error = match self.ask_for_reloads(&edits).await {
                Ok(never) => match never {},
                Err(error) => error,
            };
            observe::emit(&Event::CannotWatch { error });
        }
        future::pending().await
    }

    async fn ask_for_reloads(&self, edits: &Edits) -> anyhow::Result<std::convert::Infallible> {
        let worker = self.worker;
        let bell = Readable::new(edits.inotify.try_clone()?)?;
        loop {
            edits.next(&bell, &worker.clock).await?;
            // Another checkout may take the whole directory away for a moment.
            while !edits.directory.is_dir() {
                worker.clock.sleep(TICK).await;
            }
            edits.watch_all()?;
            worker.ask_for_reload();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// A directory of its own, gone with it.
    struct Folder(PathBuf);

    impl Folder {
        fn new() -> Folder {
            let name = format!("peppercorn-edits-{}", std::process::id());
            let folder = Folder(std::env::temp_dir().join(name));
            fs::create_dir_all(folder.0.join("deep/er")).unwrap();
            fs::write(folder.0.join("deep/er/a.sql"), "").unwrap();
            folder
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _removed = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn only_what_is_read_is_an_edit() {
        let folder = Folder::new();
        let edits = Edits::watch(&folder.0).unwrap();
        let path = |name: &str| folder.0.join(name);
        let write = |name: &str| fs::write(path(name), "x").unwrap();
        let rename = |from: &str, to: &str| fs::rename(path(from), path(to)).unwrap();
        assert!(!edits.take().unwrap());
        for quiet in [
            "notes.txt",
            ".a.sql.swp",
            "deep/.b.sql",
            "deep/a.sql~",
            "4913",
        ] {
            write(quiet);
            fs::remove_file(path(quiet)).unwrap();
            assert!(!edits.take().unwrap(), "{quiet}");
        }
        let _read = fs::read(path("deep/er/a.sql")).unwrap();
        assert!(!edits.take().unwrap());
        for edit in ["b.sql", "deep/er/a.sql", "deep/peppercorn.lock"] {
            write(edit);
            assert!(edits.take().unwrap(), "{edit}");
            assert!(!edits.take().unwrap(), "{edit}");
        }
        write("notes.txt");
        rename("notes.txt", "deep/c.sql");
        assert!(edits.take().unwrap());
        fs::remove_file(path("deep/c.sql")).unwrap();
        assert!(edits.take().unwrap());
        // What is in a directory that is new is noticed once that is watched.
        fs::create_dir(path("new")).unwrap();
        assert!(edits.take().unwrap());
        edits.watch_all().unwrap();
        write("new/d.sql");
        assert!(edits.take().unwrap());
        rename("new", "newer");
        assert!(edits.take().unwrap());
    }

    #[test]
    fn a_directory_that_is_not_there_is_named() {
        let error = Edits::watch(Path::new("/no/where")).err().unwrap();
        assert_eq!(
            format!("{error:#}").split(": ").next(),
            Some("cannot read /no/where")
        );
    }
}
