//! The binary's logger.

use std::io::{self, Write};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use log::{Level, LevelFilter, Log, Metadata, Record};

use super::line;
use super::sink::Sink;
use super::{ACCESS, Channel, Event, TARGET, emit};

/// How long the end of a service waits for those who read its logs. A worker and then its supervisor do: together below
/// a second.
pub const FLUSH: Duration = Duration::from_millis(400);

/// Lines of the access log are many, and nobody waits for one.
const LINGER: Duration = Duration::from_millis(10);

/// Kept until the program ends: then it waits for those who read its logs.
#[must_use = "lines that are not written when the program ends are lost"]
#[derive(Debug)]
pub struct Farewell {
    /// No longer than this; [`FLUSH`] if nobody says.
    pub limit: Duration,
}

impl Drop for Farewell {
    fn drop(&mut self) {
        flush(self.limit);
    }
}

/// How lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Sentences.
    Text,
    /// An object for each.
    Json,
}

/// The binary's logger: events on stderr, with the priority prefixes of sd-daemon(3) when that is systemd's journal, and
/// the access log on stdout. Whoever logs waits for no reader: a line is put down in memory, and is lost, and counted,
/// when there is no room.
pub struct Logger {
    journal: bool,
    json: AtomicBool,
    diagnostics: Sink<io::Stderr>,
    access: Sink<io::Stdout>,
}

static INSTALLED: OnceLock<&'static Logger> = OnceLock::new();
static WORKER: OnceLock<u64> = OnceLock::new();

/// Whether stderr is systemd's journal. `stream` is the value of `JOURNAL_STREAM`, which names the journal's socket by device
/// and inode: a shell may have inherited the variable from a service, and be a terminal.
///
/// Source: systemd.exec(5), "Environment Variables Set or Propagated by the Service Manager".
pub fn is_journal(stream: Option<&str>) -> bool {
    let Ok(stat) = rustix::fs::fstat(io::stderr()) else {
        return false;
    };
    stream == Some(&format!("{}:{}", stat.st_dev, stat.st_ino))
}

/// Begins every line of this process with the worker that it is, from now on: several processes may write to one log.
pub fn sign(worker: u64) {
    // Once in its life a process learns who it is.
    let _second = WORKER.set(worker);
}

/// Has the program's logger write like this from now on; it begins with text.
pub fn write_as(format: Format) {
    if let Some(logger) = INSTALLED.get() {
        logger.json.store(format == Format::Json, Ordering::Relaxed);
    }
}

/// Waits until all that was logged is written, or for `limit`. Says which.
pub fn flush(limit: Duration) -> bool {
    INSTALLED.get().is_none_or(|logger| {
        // For no longer than the limit, both together.
        let began = std::time::Instant::now();
        let written = logger.diagnostics.flush(limit);
        logger.access.flush(limit.saturating_sub(began.elapsed())) && written
    })
}

/// How many lines of a log this process has lost so far: nobody has read it in time, or it could not be written.
pub fn lines_lost(log: Channel) -> u64 {
    INSTALLED.get().map_or(0, |logger| match log {
        Channel::Diagnostics => logger.diagnostics.lost(),
        Channel::Access => logger.access.lost(),
    })
}

/// Says why the program ends, after all that was logged before. As text it stands as it is, each line with the priority of
/// an error where the journal takes it for an entry of its own.
pub fn last_words(text: &str) {
    match INSTALLED.get() {
        Some(logger) => {
            let words = match logger.is_json() {
                true => line::last_words_as_json(SystemTime::now(), worker(), text),
                false => text.lines().map(|line| format!("{line}\n")).collect(),
            };
            let mark = logger.mark(Level::Error);
            let marked = words.lines().map(|line| format!("{mark}{line}\n"));
            logger
                .diagnostics
                .push(marked.collect::<String>().as_bytes());
        }
        // When nobody can be told, the exit code still tells.
        None => drop(writeln!(io::stderr(), "{text}")),
    }
}

fn worker() -> Option<u64> {
    WORKER.get().copied()
}

impl Logger {
    /// Makes it the program's logger. `journal` says that stderr goes to the journal.
    pub fn install(journal: bool) -> Farewell {
        let lost = |log| move |count| emit(&Event::LinesLost { log, count });
        let logger: &'static Logger = Box::leak(Box::new(Logger {
            journal,
            json: AtomicBool::new(false),
            diagnostics: Sink::new(io::stderr(), Duration::ZERO, lost(Channel::Diagnostics)),
            access: Sink::new(io::stdout(), LINGER, lost(Channel::Access)),
        }));
        // Only a second logger is refused; the first one goes on.
        if log::set_logger(logger).is_ok() {
            log::set_max_level(LevelFilter::Info);
            let _first = INSTALLED.set(logger);
        }
        Farewell { limit: FLUSH }
    }

    fn is_json(&self) -> bool {
        self.json.load(Ordering::Relaxed)
    }

    /// What the journal strips from a line and takes for its priority.
    ///
    /// Source: sd-daemon(3).
    fn mark(&self, level: Level) -> &'static str {
        match level {
            _ if !self.journal => "",
            Level::Error => "<3>",
            Level::Warn => "<4>",
            Level::Info => "<6>",
            Level::Debug | Level::Trace => "<7>",
        }
    }
}

impl Log for Logger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        // Of the libraries below only what is wrong: their debug lines hold the clients' parameters.
        [TARGET, ACCESS].contains(&metadata.target()) || metadata.level() <= Level::Warn
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let now = SystemTime::now();
        match (record.target() == ACCESS, self.is_json()) {
            // No mark: what has none is information to the journal.
            (true, true) => self.access.push(&line::json("", now, worker(), record)),
            (true, false) => self.access.push(&line::access(now, record)),
            (false, json) => {
                let mark = self.mark(record.level());
                self.diagnostics.push(&match json {
                    true => line::json(mark, now, worker(), record),
                    false => line::text(mark, worker(), record),
                });
            }
        }
    }

    fn flush(&self) {
        flush(Duration::MAX);
    }
}
