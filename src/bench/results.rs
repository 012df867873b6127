//! `results.json`: all that was measured, raw, and on what. Units are in the names.

use std::fs;
use std::path::Path;

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};

use super::machine::Machine;
use super::plan::{Cell, Plan};

/// The shape of the file. Another number is another shape.
pub const FORMAT: u32 = 1;

/// All of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Results {
    /// [`FORMAT`].
    pub format: u32,
    /// When the first run began, RFC 3339.
    pub began: String,
    /// The version of peppercorn that measured.
    pub peppercorn: String,
    /// What it was measured on.
    pub machine: Machine,
    /// What may have spoiled the measurement, a sentence each.
    pub warnings: Vec<String>,
    /// What was to be measured.
    pub plan: Plan,
    /// What has been, in the order in which it was.
    pub runs: Vec<Run>,
}

/// One run of wrk.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Run {
    /// Of the plan, from 0.
    pub round: usize,
    /// What was measured.
    #[serde(flatten)]
    pub cell: Cell,
    /// When it began, RFC 3339.
    pub began: String,
    /// Why it does not count, if it does not.
    pub void: Option<String>,
    /// What wrk counted; none if it did not end by itself.
    pub load: Option<Load>,
    /// What the server used meanwhile; none if it ended.
    pub used: Option<Used>,
    /// Of all CPU time of the machine, the part that its hypervisor gave to others, 0 to 1.
    pub stolen: f64,
}

/// What wrk counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Load {
    /// Answers.
    pub requests: u64,
    /// Of their heads and bodies.
    pub bytes: u64,
    /// From the first request to the last answer.
    pub duration_us: u64,
    /// What went wrong.
    pub errors: Errors,
    /// From request to answer; none if wrk's own figures could not be traced back to what it had seen.
    pub latency: Option<Latency>,
}

/// What went wrong, by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Errors {
    /// Connections that were not made.
    pub connect: u64,
    /// Connections that ended before their answer.
    pub read: u64,
    /// Requests that could not be sent.
    pub write: u64,
    /// Answers of status 400 and above.
    pub status: u64,
    /// Answers that took longer than wrk waits for.
    pub timeout: u64,
}

/// How long answers took, in microseconds: each percentile is the time within which so many of 100 were there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Latency {
    /// On average, rounded.
    pub mean_us: u64,
    /// The median.
    pub p50_us: u64,
    /// 75 of 100.
    pub p75_us: u64,
    /// 90 of 100.
    pub p90_us: u64,
    /// 99 of 100.
    pub p99_us: u64,
    /// 999 of 1000.
    pub p999_us: u64,
    /// The slowest.
    pub max_us: u64,
    /// 99 of 100 after wrk has added the requests that, it reckons, would have been made while it waited.
    pub corrected_p99_us: u64,
}

/// What a server's processes used during a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Used {
    /// CPU time in the program.
    pub user_ms: u64,
    /// CPU time in the kernel on its behalf.
    pub system_ms: u64,
    /// Memory while under load: what is its own, and its share of what it shares with other processes. None if the run ended
    /// before it was looked at.
    pub pss_bytes: Option<u64>,
    /// Processes.
    pub processes: usize,
}

impl Run {
    /// What was counted, if it counts.
    pub fn valid(&self) -> Option<&Load> {
        match self.void {
            None => self.load.as_ref(),
            Some(_) => None,
        }
    }
}

impl Load {
    /// Answers per second.
    pub fn per_second(&self) -> f64 {
        self.requests as f64 * 1e6 / self.duration_us as f64
    }
}

impl Errors {
    /// What went wrong, in words; none if nothing did.
    pub fn sentence(self) -> Option<String> {
        let kinds = [
            (self.connect, "connections refused"),
            (self.read, "connections broken"),
            (self.write, "requests not sent"),
            (self.timeout, "answers too late"),
            (self.status, "answers of status 400 or above"),
        ];
        let said = kinds.iter().filter(|(count, _)| *count > 0);
        let said: Vec<String> = said
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
        (!said.is_empty()).then(|| said.join(", "))
    }
}

impl Results {
    /// Reads what an earlier bench has written.
    ///
    /// # Errors
    /// It cannot be read, or is nothing that this version has written.
    pub fn read(path: &Path) -> anyhow::Result<Results> {
        let shown = path.display();
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {shown}"))?;
        #[derive(Deserialize)]
        struct Versioned {
            format: u32,
        }
        let wrong = || format!("{shown} is not the results of a bench");
        let Versioned { format } = serde_json::from_str(&text).with_context(wrong)?;
        if format != FORMAT {
            bail!("{shown} has format {format}; this version reads and writes {FORMAT}");
        }
        serde_json::from_str(&text).with_context(wrong)
    }

    /// Writes them; who reads the file meanwhile sees the old ones or the new ones, whole.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, path: &Path) -> anyhow::Result<()> {
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        replace(path, &text)
    }

    /// Whether a run of the plan has been made.
    pub fn has(&self, round: usize, cell: &Cell) -> bool {
        self.runs
            .iter()
            .any(|run| run.round == round && run.cell == *cell)
    }
}

/// Writes a file beside another and puts it in its place.
///
/// # Errors
/// The directory cannot be written to.
pub fn replace(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let beside = path.with_extension("new");
    let cannot = || format!("cannot write {}", path.display());
    fs::write(&beside, bytes).with_context(cannot)?;
    fs::rename(&beside, path).with_context(cannot)
}
