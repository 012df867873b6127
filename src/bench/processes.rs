//! What the kernel says of processes and processors: proc(5).

use std::collections::HashMap;
use std::fs;

use super::results::Used;

/// The processes of a server: the one that was started, and all that come from it.
pub struct Tree {
    /// Their ids, the first one's first.
    pids: Vec<u32>,
}

/// CPU time of processes, in the unit of the kernel's accounts.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cpu {
    user: u64,
    system: u64,
}

/// How all processors have spent their time.
#[derive(Clone, Copy)]
pub struct Processors {
    all: f64,
    idle: f64,
    stolen: f64,
}

/// Parts of the processors' time, 0 to 1.
pub struct Shares {
    /// For processes.
    pub busy: f64,
    /// For other machines on the same hypervisor.
    pub stolen: f64,
}

impl Tree {
    /// Of the process `root`.
    pub fn below(root: u32) -> Tree {
        let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
        for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
            let pid = entry
                .file_name()
                .to_str()
                .and_then(|name| name.parse().ok());
            if let Some(pid) = pid
                && let Some(stat) = Stat::of(pid)
            {
                children.entry(stat.parent).or_default().push(pid);
            }
        }
        let mut pids = vec![root];
        let mut next = 0;
        while let Some(pid) = pids.get(next) {
            pids.extend(children.remove(pid).unwrap_or_default());
            next += 1;
        }
        Tree { pids }
    }

    /// CPU time so far, of those that have ended too.
    pub fn cpu(&self) -> Cpu {
        let stats = self.pids.iter().filter_map(|pid| Stat::of(*pid));
        stats.fold(Cpu::default(), |sum, stat| Cpu {
            user: sum.user + stat.cpu.user,
            system: sum.system + stat.cpu.system,
        })
    }

    /// Their memory now: what each has for itself, and its share of what it shares.
    pub fn pss_bytes(&self) -> u64 {
        self.pids.iter().filter_map(|pid| pss_bytes(*pid)).sum()
    }

    /// What they have used since `before`, with their memory as it was found.
    pub fn used(&self, before: Cpu, pss_bytes: Option<u64>) -> Used {
        let now = self.cpu();
        Used {
            // Those that have ended and were not waited for are no longer in it.
            user_ms: milliseconds(now.user.saturating_sub(before.user)),
            system_ms: milliseconds(now.system.saturating_sub(before.system)),
            pss_bytes,
            processes: self.pids.len(),
        }
    }
}

/// Fields of `/proc/PID/stat`.
struct Stat {
    parent: u32,
    /// With that of children that have been waited for.
    cpu: Cpu,
}

impl Stat {
    fn of(pid: u32) -> Option<Stat> {
        let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The second field, the name in parentheses, may hold anything.
        let (_, fields) = text.rsplit_once(')')?;
        let fields: Vec<&str> = fields.split_whitespace().collect();
        // As proc(5) numbers them.
        let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
        // Its own, and that of children that it has waited for.
        let both = |first: usize| Some(field(first)? + field(first + 2)?);
        Some(Stat {
            parent: u32::try_from(field(4)?).ok()?,
            cpu: Cpu {
                user: both(14)?,
                system: both(15)?,
            },
        })
    }
}

fn milliseconds(ticks: u64) -> u64 {
    ticks * 1000 / rustix::param::clock_ticks_per_second().max(1)
}

fn pss_bytes(pid: u32) -> Option<u64> {
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"))?;
    Some(
        line.trim()
            .strip_suffix(" kB")?
            .trim()
            .parse::<u64>()
            .ok()?
            * 1024,
    )
}

impl Processors {
    /// Since the machine was started.
    pub fn now() -> Processors {
        let text = fs::read_to_string("/proc/stat").unwrap_or_default();
        let line = text.lines().next().unwrap_or_default();
        let times = line
            .split_whitespace()
            .skip(1)
            .map(|time| time.parse().unwrap_or(0.0));
        // user nice system idle iowait irq softirq steal; what guests have is in user already.
        let times: Vec<f64> = times.take(8).collect();
        let time = |index: usize| times.get(index).copied().unwrap_or(0.0);
        Processors {
            all: times.iter().sum(),
            idle: time(3) + time(4),
            stolen: time(7),
        }
    }

    /// How the time since `before` was spent.
    pub fn since(self, before: Processors) -> Shares {
        let all = (self.all - before.all).max(f64::MIN_POSITIVE);
        let stolen = (self.stolen - before.stolen) / all;
        Shares {
            busy: 1.0 - (self.idle - before.idle) / all - stolen,
            stolen,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_is_a_process_and_what_comes_from_it() {
        let mut shell = std::process::Command::new("sh");
        // The shell stays, and waits for the one and then the other.
        let mut shell = shell
            .args(["-c", "sleep 100 & sleep 100; exit 0"])
            .spawn()
            .unwrap();
        let begin = std::time::Instant::now();
        let mut tree = Tree::below(shell.id());
        while tree.pids.len() < 3 {
            assert!(begin.elapsed().as_secs() < 30, "{:?}", tree.pids);
            tree = Tree::below(shell.id());
        }
        assert_eq!(tree.pids[0], shell.id());
        assert!(tree.pss_bytes() > 0 && tree.used(Cpu::default(), None).processes == 3);
        for pid in &tree.pids {
            let pid = rustix::process::Pid::from_raw(*pid as i32).unwrap();
            rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
        }
        shell.wait().unwrap();
    }

    #[test]
    fn work_is_seen() {
        let (own, all) = (
            Tree {
                pids: vec![std::process::id()],
            },
            Processors::now(),
        );
        let before = own.cpu();
        let begin = std::time::Instant::now();
        loop {
            let used = own.used(before, None);
            if used.user_ms + used.system_ms > 50 {
                break;
            }
            assert!(begin.elapsed().as_secs() < 30, "{used:?}");
        }
        let shares = Processors::now().since(all);
        assert!(shares.busy > 0.0 && shares.busy <= 1.0 && shares.stolen >= 0.0);
    }
}
