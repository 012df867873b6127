//! A system clock that is set while a program runs, for that program alone.

use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::run;

/// What `CLOCK_REALTIME` is for programs that begin with it.
pub struct SteppedClock {
    file: std::fs::File,
    path: PathBuf,
    library: PathBuf,
}

impl SteppedClock {
    /// One that is right, with its files in `folder`.
    #[track_caller]
    pub fn new(folder: &Path) -> SteppedClock {
        let (path, library) = (folder.join("ahead"), folder.join("stepped.so"));
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/harness/stepped.c");
        let mut cc = Command::new("cc");
        let compiled = run(cc
            .args(["-O1", "-shared", "-fPIC", "-o"])
            .arg(&library)
            .arg(source));
        assert_eq!(compiled.code, Some(0), "{compiled:?}");
        let mut options = std::fs::OpenOptions::new();
        let file = options
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .open(&path);
        let clock = SteppedClock {
            file: file.unwrap(),
            path,
            library,
        };
        clock.set(0);
        clock
    }

    /// Has a program begin with it.
    pub fn rules(&self, command: &mut Command) {
        command
            .env("LD_PRELOAD", &self.library)
            .env("STEPPED_CLOCK", &self.path);
    }

    /// Sets it ahead by so many seconds, or back.
    pub fn set(&self, ahead: i64) {
        self.file.write_all_at(&ahead.to_ne_bytes(), 0).unwrap();
    }

    /// What time it says.
    pub fn now(&self) -> SystemTime {
        let mut ahead = [0; 8];
        self.file.read_exact_at(&mut ahead, 0).unwrap();
        let ahead = i64::from_ne_bytes(ahead);
        let by = Duration::from_secs(ahead.unsigned_abs());
        match ahead >= 0 {
            true => SystemTime::now() + by,
            false => SystemTime::now() - by,
        }
    }

    /// The same in seconds since 1970.
    pub fn seconds(&self) -> f64 {
        self.now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64()
    }
}
