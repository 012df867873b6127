//! The machine that was measured on, and what about it may spoil a measurement.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::load;
use super::plan::Plan;
use super::processes::Processors;
use super::text::several;

/// Other processes may have so much of one processor before a machine counts as busy.
const BUSY: f64 = 0.1;
/// For how long that is looked at.
const LOOK: Duration = Duration::from_millis(500);
/// Descriptors that a server and wrk need beside those of their connections.
const DESCRIPTORS_BESIDE: usize = 64;

/// The machine, and the programs on it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// Its processor's name.
    pub processor: String,
    /// Processors that this process may use.
    pub processors: usize,
    /// Whether a hypervisor is below.
    pub virtual_machine: bool,
    /// How the kernel chooses the processor's frequency; none if it does not.
    pub frequency_governor: Option<String>,
    /// Memory.
    pub memory_bytes: u64,
    /// Name and version of the kernel.
    pub kernel: String,
    /// The distribution.
    pub system: String,
    /// PostgreSQL's version.
    pub postgresql: String,
    /// Version of wrk.
    pub wrk: String,
    /// The commit of the SQL directory's repository, `+` behind it if files differ from it; none if it is in none.
    pub git_revision: Option<String>,
    /// Settings of `serve` that come from the environment, by name.
    pub environment: Vec<(String, String)>,
}

impl Machine {
    /// This machine.
    ///
    /// # Errors
    /// wrk is not installed.
    pub fn look(directory: &Path, postgresql: String) -> anyhow::Result<Machine> {
        let cpuinfo = read("/proc/cpuinfo");
        let field = |name: &str| {
            let line = cpuinfo.lines().find(|line| line.starts_with(name))?;
            Some(line.split_once(':')?.1.trim().to_owned())
        };
        let flags = field("flags").unwrap_or_default();
        let memory = read("/proc/meminfo");
        let total = memory
            .lines()
            .find_map(|line| line.strip_prefix("MemTotal:"));
        let kib = total.and_then(|text| text.trim().strip_suffix(" kB")?.parse::<u64>().ok());
        let system = read("/etc/os-release");
        let name = system
            .lines()
            .find_map(|line| line.strip_prefix("PRETTY_NAME="));
        let name = name.unwrap_or("unknown").trim_matches('"').to_owned();
        let uname = rustix::system::uname();
        let mut environment: Vec<_> = std::env::vars()
            .filter(|(name, _)| name.starts_with("PEPPERCORN_"))
            .collect();
        environment.sort();
        Ok(Machine {
            // Arm has no name of a model there.
            processor: field("model name")
                .unwrap_or_else(|| uname.machine().to_string_lossy().into_owned()),
            processors: processors(),
            virtual_machine: flags.split(' ').any(|flag| flag == "hypervisor"),
            frequency_governor: governor(),
            memory_bytes: kib.unwrap_or(0) * 1024,
            kernel: format!(
                "{} {}",
                uname.sysname().to_string_lossy(),
                uname.release().to_string_lossy()
            ),
            system: name,
            postgresql,
            wrk: load::version()?,
            git_revision: git_revision(directory),
            environment,
        })
    }

    /// One line.
    pub fn sentence(&self) -> String {
        let gib = self.memory_bytes as f64 / f64::from(1 << 30);
        let kind = if self.virtual_machine {
            " (virtual machine)"
        } else {
            ""
        };
        let processors = several(self.processors, "processor");
        format!(
            "{processors} {}{kind}, {gib:.0} GiB, {}, {}, PostgreSQL {}, wrk {}",
            self.processor, self.system, self.kernel, self.postgresql, self.wrk
        )
    }

    /// What may spoil the measurement, a sentence each.
    pub fn warnings(&self, plan: &Plan) -> Vec<String> {
        let mut warnings = Vec::new();
        if cfg!(debug_assertions) {
            warnings
                .push("this is a debug build: cargo build --release makes another one".to_owned());
        }
        if self.processors == 1 {
            warnings.push("there is one processor for the server, PostgreSQL and wrk: what one uses the others lack".into());
        }
        if let Some(governor) = &self.frequency_governor
            && governor != "performance"
        {
            warnings.push(format!("the processor's frequency changes (governor {governor}): `cpupower frequency-set -g performance` holds it"));
        }
        let busy = busy();
        if busy > BUSY {
            warnings.push(format!(
                "other processes use {:.0}% of a processor",
                busy * 100.0
            ));
        }
        if read("/proc/sys/kernel/sched_autogroup_enabled").trim() == "1" {
            warnings.push(
                "processors are shared by session (autogroup), which can keep PostgreSQL waiting for a tenth of a second: \
                 `sysctl kernel.sched_autogroup_enabled=0`"
                    .to_owned(),
            );
        }
        warnings.extend(descriptors(plan.most_connections()));
        warnings.extend(ports(plan.most_connections()));
        warnings
    }
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

/// Processors that this process may use.
pub(super) fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn governor() -> Option<String> {
    let text = read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor");
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// The part of one processor that other processes use, before anything is started.
fn busy() -> f64 {
    let before = Processors::now();
    std::thread::sleep(LOOK);
    let used = Processors::now().since(before);
    used.busy * processors() as f64
}

fn descriptors(connections: usize) -> Option<String> {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current?;
    let needed = connections + DESCRIPTORS_BESIDE;
    (limit < needed as u64).then(|| {
        format!("a process may have {limit} descriptors and needs {needed} for {connections} connections: `ulimit -n {needed}`")
    })
}

/// Connections that were closed keep their ports for a minute.
fn ports(connections: usize) -> Option<String> {
    let range = read("/proc/sys/net/ipv4/ip_local_port_range");
    let mut range = range
        .split_whitespace()
        .filter_map(|word| word.parse::<usize>().ok());
    let (first, last) = (range.next()?, range.next()?);
    let ports = (last + 1).saturating_sub(first);
    let sockets = read("/proc/net/sockstat");
    let tcp = sockets.lines().find_map(|line| line.strip_prefix("TCP:"))?;
    let mut words = tcp.split_whitespace();
    words.find(|word| *word == "tw")?;
    let closing: usize = words.next()?.parse().ok()?;
    (closing + connections > ports / 2).then(|| {
        format!("{closing} ports of {ports} are held by connections that were closed (TIME_WAIT): wait a minute")
    })
}

fn git_revision(directory: &Path) -> Option<String> {
    let git = |words: &[&str]| {
        let mut command = Command::new("git");
        command
            .arg("-C")
            .arg(directory)
            .args(words)
            .stderr(Stdio::null());
        let output = command
            .output()
            .ok()
            .filter(|output| output.status.success())?;
        Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let revision = git(&["rev-parse", "--short=12", "HEAD"])?;
    let changed = git(&["status", "--porcelain", "--untracked-files=no"])?;
    Some(if changed.is_empty() {
        revision
    } else {
        revision + "+"
    })
}
