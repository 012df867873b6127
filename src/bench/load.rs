//! wrk: a run of it, and what it says.
//!
//! The load is a closed loop: each connection sends its next request when it has the answer to the last. A server that is
//! slow is asked less often, so its latencies are those under the load that it lets come.

use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, bail};
use rustix::process::Signal;

use super::files::Files;
use super::results::{Errors, Latency, Load};
use crate::sys;

/// What has wrk say all it has counted.
pub(super) const SCRIPT: &str = include_str!("wrk.lua");
/// Who waits longer for an answer does not count it; wrk's own default.
const TIMEOUT: Duration = Duration::from_secs(2);

/// A load to put on a server.
pub struct Wrk<'a> {
    /// With the path.
    pub url: &'a str,
    /// Kept open, each with one request at a time.
    pub connections: usize,
    /// For how long.
    pub duration: Duration,
    /// wrk's threads, at most.
    pub threads: usize,
    /// Where its script is, and what it says goes.
    pub files: &'a Files,
}

/// A run of wrk.
pub struct Running {
    /// The process; killed when it is dropped.
    pub child: Child,
    connections: u64,
    said: PathBuf,
}

/// wrk's version.
///
/// # Errors
/// It is not installed.
pub fn version() -> anyhow::Result<String> {
    let output = Command::new("wrk").arg("--version").output();
    let output = output
        .context("wrk, which makes the load, cannot be run; on Debian: apt-get install wrk")?;
    // `wrk debian/4.1.0-3+b2 [epoll] Copyright …`
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    Ok(text
        .split_whitespace()
        .nth(1)
        .unwrap_or("unknown")
        .to_owned())
}

impl Wrk<'_> {
    /// Starts it.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start(&self) -> anyhow::Result<Running> {
        let said = self.files.wrk_output();
        let output = File::create(&said);
        let output = output.with_context(|| format!("cannot write {}", said.display()))?;
        let mut wrk = Command::new("wrk");
        wrk.arg(format!(
            "-t{}",
            evenly_spread(self.connections, self.threads)
        ))
        .arg(format!("-c{}", self.connections))
        .arg(format!("-d{}s", self.duration.as_secs().max(1)))
        .arg(format!("--timeout={}s", TIMEOUT.as_secs()))
        .arg("-s")
        .arg(self.files.wrk_script())
        .arg(self.url)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(output)
        // Ctrl-C is for us.
        .process_group(0);
        sys::die_with_parent(&mut wrk, Signal::KILL);
        Ok(Running {
            child: wrk.spawn().context("cannot run wrk")?,
            connections: self.connections as u64,
            said,
        })
    }
}

/// How many of at most so many threads there are: wrk leaves connections out that cannot be dealt out evenly.
fn evenly_spread(connections: usize, threads: usize) -> usize {
    let threads = (1..=threads.max(1)).rev();
    let mut even = threads.filter(|threads| connections.is_multiple_of(*threads));
    even.next().unwrap_or(1)
}

impl Running {
    /// What it has counted, when it has ended.
    ///
    /// # Errors
    /// It has failed, and why.
    pub fn counted(&mut self) -> anyhow::Result<Load> {
        let status = self.child.wait()?;
        let text = fs::read_to_string(&self.said)?;
        match read(&text, self.connections) {
            Some(load) if status.success() => Ok(load),
            _ => bail!(
                "wrk has failed, with {status}: {}",
                text.lines().next().unwrap_or("")
            ),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Only one that has ended cannot be killed.
        let _ended = self.child.kill();
        let _status = self.child.wait();
    }
}

/// What the script has written.
fn read(text: &str, connections: u64) -> Option<Load> {
    let totals = text.lines().find_map(|line| line.strip_prefix("wrk "))?;
    let totals: Vec<u64> = numbers(totals)?;
    let [
        requests,
        bytes,
        duration_us,
        connect,
        read,
        write,
        status,
        timeout,
    ] = totals[..]
    else {
        return None;
    };
    let seen = text.lines().filter_map(|line| match numbers(line)?[..] {
        [us, count] => Some((us, count)),
        _ => None,
    });
    Some(Load {
        requests,
        bytes,
        duration_us,
        errors: Errors {
            connect,
            read,
            write,
            status,
            timeout,
        },
        latency: latency(
            seen,
            requests.checked_sub(timeout)?,
            duration_us / (requests / connections).max(1),
        ),
    })
}

fn numbers(line: &str) -> Option<Vec<u64>> {
    line.split(' ').map(|word| word.parse().ok()).collect()
}

/// What `requests` answers took, from the counts that wrk reports per microsecond. Those have been corrected; `interval`
/// is what wrk takes for the time between two requests of a connection, in microseconds.
fn latency(
    corrected: impl Iterator<Item = (u64, u64)>,
    requests: u64,
    interval: u64,
) -> Option<Latency> {
    let mut counts: Vec<u64> = Vec::new();
    for (us, count) in corrected {
        let us = usize::try_from(us).ok()?;
        counts.resize(counts.len().max(us + 1), 0);
        counts[us] = count;
    }
    let corrected_p99_us = percentile(&counts, 0.99)?;
    take_back(&mut counts, usize::try_from(interval).ok()?)?;
    if counts.iter().sum::<u64>() != requests {
        return None;
    }
    let at = |part| percentile(&counts, part);
    let sum: f64 = (counts.iter().enumerate())
        .map(|(us, count)| us as f64 * *count as f64)
        .sum();
    Some(Latency {
        mean_us: (sum / requests as f64).round() as u64,
        p50_us: at(0.5)?,
        p75_us: at(0.75)?,
        p90_us: at(0.9)?,
        p99_us: at(0.99)?,
        p999_us: at(0.999)?,
        max_us: at(1.0)?,
        corrected_p99_us,
    })
}

/// Takes back what wrk adds to its latencies when it has ended, after HdrHistogram: for each that is at least twice the
/// usual interval, those that requests would have had, it supposes, that came at the usual intervals while it lasted.
///
/// wrk goes from the shortest to the longest, and adds to shorter ones only: taken back from the longest on, each count is
/// what was seen when it is its turn. None if that does not come out.
fn take_back(counts: &mut [u64], interval: usize) -> Option<()> {
    if interval == 0 {
        return None;
    }
    for us in (2 * interval..counts.len()).rev() {
        let seen = counts[us];
        if seen == 0 {
            continue;
        }
        let mut shorter = us - interval;
        while shorter > interval {
            counts[shorter] = counts[shorter].checked_sub(seen)?;
            shorter -= interval;
        }
    }
    Some(())
}

/// The time within which this part of the answers was there: the nearest rank. None of none.
fn percentile(counts: &[u64], part: f64) -> Option<u64> {
    let all: u64 = counts.iter().sum();
    let rank = ((all as f64 * part).ceil() as u64).max(1);
    let mut below = 0;
    let us = counts.iter().position(|count| {
        below += count;
        below >= rank
    });
    us.map(|us| us as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As wrk does it.
    fn corrected(counts: &mut [u64], interval: usize) {
        for us in 2 * interval..counts.len() {
            let seen = counts[us];
            let mut shorter = us - interval;
            while seen > 0 && shorter > interval {
                counts[shorter] += seen;
                shorter -= interval;
            }
        }
    }

    #[test]
    fn what_wrk_adds_is_taken_back() {
        let mut rng = fastrand::Rng::with_seed(1);
        for _ in 0..200 {
            let counts: Vec<u64> = (0..rng.usize(1..500))
                .map(|_| rng.u64(0..4).saturating_sub(2))
                .collect();
            let interval = rng.usize(1..300);
            let mut changed = counts.clone();
            corrected(&mut changed, interval);
            take_back(&mut changed, interval).unwrap();
            assert_eq!(changed, counts, "{interval}");
        }
        // Not what wrk has made of anything: 40 stands for one at 30, too.
        let mut counts = vec![0; 41];
        counts[40] = 1;
        assert_eq!(take_back(&mut counts, 10), None);
    }

    #[test]
    fn wrks_words_are_read() {
        let text = "noise\nwrk 4 480 1000 0 0 0 1 0\n100 1\n200 2\n400 1\n";
        let load = read(text, 4).unwrap();
        let latency = load.latency.unwrap();
        assert_eq!(
            (
                load.requests,
                load.bytes,
                load.duration_us,
                load.errors.status
            ),
            (4, 480, 1000, 1)
        );
        assert_eq!(
            (
                latency.p50_us,
                latency.p75_us,
                latency.p99_us,
                latency.max_us
            ),
            (200, 200, 400, 400)
        );
        assert_eq!(latency.mean_us, 225);
        assert_eq!(load.per_second(), 4000.0);
        // One more than was asked for: these are not the counts that were meant.
        assert_eq!(
            read("wrk 3 480 1000 0 0 0 0 0\n100 4\n", 4)
                .unwrap()
                .latency,
            None
        );
        assert_eq!(read("wrk 0 0 1000 9 0 0 0 0\n", 4).unwrap().latency, None);
        assert!(read("wrk 1 2 3\n", 4).is_none() && read("", 4).is_none());
    }

    #[test]
    fn threads_divide_connections() {
        let spread = evenly_spread;
        assert_eq!(
            [
                spread(64, 1),
                spread(64, 4),
                spread(1, 4),
                spread(9, 4),
                spread(7, 4)
            ],
            [1, 4, 1, 3, 1]
        );
    }
}
