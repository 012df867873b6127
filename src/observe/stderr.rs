//! The binary's logger.

use std::io::Write;
use std::sync::OnceLock;

use log::{Level, LevelFilter, Log, Metadata, Record};

use super::TARGET;

/// Begins every line of this process with `name`, from now on: several processes may write to one log.
pub fn sign(name: String) {
    // Once in its life a process learns who it is.
    let _second = SIGNATURE.set(name);
}

static SIGNATURE: OnceLock<String> = OnceLock::new();

/// Whether stderr is systemd's journal. `stream` is the value of `JOURNAL_STREAM`, which names the journal's socket by device
/// and inode: a shell may have inherited the variable from a service, and be a terminal.
///
/// Source: systemd.exec(5), "Environment Variables Set or Propagated by the Service Manager".
pub fn is_journal(stream: Option<&str>) -> bool {
    let Ok(stat) = rustix::fs::fstat(std::io::stderr()) else {
        return false;
    };
    stream == Some(&format!("{}:{}", stat.st_dev, stat.st_ino))
}

/// Says why the program ends, each line with the priority of an error where the journal takes it for an entry of its own.
pub fn last_words(text: &str, journal: bool) {
    let mark = if journal { "<3>" } else { "" };
    let lines: String = text.lines().map(|line| format!("{mark}{line}\n")).collect();
    // When nobody can be told, the exit code still tells.
    let _unheard = std::io::stderr().write_all(lines.as_bytes());
}

/// The binary's logger: one line per event on stderr, with the priority prefixes of sd-daemon(3) when stderr
/// is systemd's journal.
pub struct Stderr {
    journal: bool,
}

impl Stderr {
    /// Makes it the program's logger. `journal` says that stderr goes to the journal.
    pub fn install(journal: bool) {
        // Only a second logger is refused; the first one goes on.
        let _second = log::set_logger(Box::leak(Box::new(Stderr { journal })));
        log::set_max_level(LevelFilter::Info);
    }
}

impl Log for Stderr {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        // Of the libraries below only what is wrong: their debug lines hold the clients' parameters.
        metadata.target() == TARGET || metadata.level() <= Level::Warn
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let (priority, word) = match record.level() {
            Level::Error => ("<3>", "error: "),
            Level::Warn => ("<4>", "warning: "),
            Level::Info => ("<6>", ""),
            Level::Debug | Level::Trace => ("<7>", ""),
        };
        let mark = if self.journal { priority } else { word };
        // One write per line, so that lines of several threads do not mix. Nobody is left to tell of a failure.
        let name = SIGNATURE.get().map_or("", String::as_str);
        let line = format!("{mark}{name}{}\n", record.args());
        let _lost = std::io::stderr().write_all(line.as_bytes());
    }

    fn flush(&self) {}
}

/// A log of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// What happens, on standard error.
    Diagnostics,
    /// Who asked for what, on standard output.
    Access,
}

impl Channel {
    /// As metrics and events call it.
    pub fn name(self) -> &'static str {
        match self {
            Channel::Diagnostics => "diagnostics",
            Channel::Access => "access",
        }
    }
}
