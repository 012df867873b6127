//! Whether memory ran out: what the kernel counts of it in the service's control group.
//!
//! A process that the kernel kills for want of memory ends by SIGKILL, like one that somebody kills by hand. Its control
//! group knows the difference. Source: "oom_kill" of memory.events in the kernel's cgroup-v2 document, and of
//! memory.oom_control in the one of version 1.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// From the moment that the kernel counts a kill to the end of the process, which has memory to give back first.
const RECENT: Duration = Duration::from_secs(5);

/// Kills for want of memory in the control group of this process, and below it.
pub(super) struct OomKills {
    /// What counts them; none where it is not to be found.
    file: Option<PathBuf>,
    seen: u64,
    /// When the last of them was seen.
    last: Option<Instant>,
}

impl OomKills {
    /// Counted from now on.
    pub(super) fn from_now_on() -> OomKills {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let file = find(&read("/proc/self/cgroup"), &read("/proc/self/mountinfo"));
        OomKills {
            seen: file.as_deref().and_then(count).unwrap_or(0),
            file,
            last: None,
        }
    }

    /// Sees whether there are more. To be called now and then: one that is not seen for long is taken for recent.
    pub(super) fn look(&mut self) {
        if let Some(count) = self.file.as_deref().and_then(count) {
            if count > self.seen {
                self.last = Some(Instant::now());
            }
            self.seen = count;
        }
    }

    /// Whether a process that has just been killed may be one of them; none: nobody knows.
    pub(super) fn was_recent(&mut self) -> Option<bool> {
        self.file.as_ref()?;
        self.look();
        Some(self.last.is_some_and(|last| last.elapsed() < RECENT))
    }
}

fn count(file: &Path) -> Option<u64> {
    let text = fs::read_to_string(file).ok()?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("oom_kill "))?;
    line.trim().parse().ok()
}

/// The file that counts for a process with these lines in its `cgroup` and `mountinfo`, see proc(5).
fn find(cgroup: &str, mountinfo: &str) -> Option<PathBuf> {
    let groups = cgroup.lines().filter_map(|line| {
        let mut words = line.splitn(3, ':').skip(1);
        Some((words.next()?, words.next()?))
    });
    for (controllers, group) in groups {
        let (kind, option, file) = match controllers {
            "" => ("cgroup2", "", "memory.events"),
            names if names.split(',').any(|name| name == "memory") => {
                ("cgroup", "memory", "memory.oom_control")
            }
            _ => continue,
        };
        let found = (mountinfo.lines().filter_map(mount))
            .filter(|mount| mount.kind == kind && mount.has(option))
            // Of the group's path the mount shows what is below its root.
            .filter_map(|mount| {
                let below = Path::new(group).strip_prefix(mount.root).ok()?;
                Some(Path::new(mount.point).join(below).join(file))
            })
            .find(|path| path.is_file());
        if found.is_some() {
            return found;
        }
    }
    None
}

struct Mount<'a> {
    root: &'a str,
    point: &'a str,
    kind: &'a str,
    options: &'a str,
}

impl Mount<'_> {
    fn has(&self, option: &str) -> bool {
        option.is_empty() || self.options.split(',').any(|have| have == option)
    }
}

/// `35 31 0:32 / /sys/fs/cgroup/memory rw,relatime … - cgroup cgroup rw,memory`
fn mount(line: &str) -> Option<Mount<'_>> {
    let (before, after) = line.split_once(" - ")?;
    let mut before = before.split(' ').skip(3);
    let mut after = after.split(' ');
    Some(Mount {
        root: before.next()?,
        point: before.next()?,
        kind: after.next()?,
        options: after.nth(1)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_found_in_both_versions() {
        let base = std::env::temp_dir().join(format!("peppercorn-cgroup-{}", std::process::id()));
        for (file, text) in [
            ("v2/a.service/memory.events", "oom 3\noom_kill 2\n"),
            ("v1/a/memory.oom_control", "under_oom 0\noom_kill 1\n"),
        ] {
            let path = base.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let base = base.display();
        let mounts = format!(
            "1 0 0:1 / {base}/v2 rw - cgroup2 none rw,nsdelegate\n\
             2 0 0:2 / {base}/cpu rw,relatime - cgroup cgroup rw,cpu\n\
             3 0 0:3 /docker {base}/v1 rw shared:4 - cgroup cgroup rw,memory\n"
        );
        let counted = |cgroup: &str| find(cgroup, &mounts).as_deref().and_then(count);
        assert_eq!(counted("0::/a.service\n"), Some(2));
        assert_eq!(counted("4:cpu:/x\n3:memory:/docker/a\n0::/\n"), Some(1));
        assert_eq!(counted("4:cpu:/x\n0::/b.service\n"), None);
        fs::remove_dir_all(base.to_string()).unwrap();
    }

    #[test]
    fn only_what_is_new_counts() {
        let file = std::env::temp_dir().join(format!("peppercorn-oom-{}", std::process::id()));
        fs::write(&file, "oom_kill 7\n").unwrap();
        let mut kills = OomKills {
            file: Some(file.clone()),
            seen: 7,
            last: None,
        };
        assert_eq!(kills.was_recent(), Some(false));
        fs::write(&file, "low 0\noom_kill 8\n").unwrap();
        assert_eq!(kills.was_recent(), Some(true));
        kills.last = Instant::now().checked_sub(RECENT);
        assert_eq!(kills.was_recent(), Some(false));
        fs::remove_file(&file).unwrap();
        kills.file = None;
        assert_eq!(kills.was_recent(), None);
    }
}
