//! Which processors the server and its clients have to themselves.

use std::fmt;
use std::str::FromStr;

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use serde::{Deserialize, Serialize};

/// Processors by their numbers; none: all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pin {
    /// The server's.
    pub server: Vec<usize>,
    /// Those of wrk.
    pub client: Vec<usize>,
}

/// Does something, such as starting a process, on these processors only: a process begins on those that the thread has
/// that starts it. No numbers: on all that there are.
///
/// # Errors
/// There are no such processors.
pub fn on<T>(processors: &[usize], start: impl FnOnce() -> T) -> anyhow::Result<T> {
    if processors.is_empty() {
        return Ok(start());
    }
    let before = sched_getaffinity(None)?;
    let mut set = CpuSet::new();
    for processor in processors {
        set.set(*processor);
    }
    sched_setaffinity(None, &set)
        .map_err(|error| anyhow::anyhow!("--pin: cannot run on {processors:?}: {error}"))?;
    let started = start();
    sched_setaffinity(None, &before)?;
    Ok(started)
}

impl FromStr for Pin {
    type Err = String;

    /// `server=0-2,client=3`; several ranges are joined by `+`.
    fn from_str(text: &str) -> Result<Pin, String> {
        let wrong = || {
            format!(
                "{text:?} is not as server=0-1,client=2, with processors from 0 to {}",
                CpuSet::MAX_CPU - 1
            )
        };
        let mut pin = Pin::default();
        for part in text.split(',') {
            let (who, processors) = part.split_once('=').ok_or_else(wrong)?;
            let into = match who {
                "server" => &mut pin.server,
                "client" => &mut pin.client,
                _ => return Err(wrong()),
            };
            for range in processors.split('+') {
                let (first, last) = range.split_once('-').unwrap_or((range, range));
                let number = |text: &str| {
                    text.parse::<usize>()
                        .ok()
                        .filter(|number| *number < CpuSet::MAX_CPU)
                };
                let (first, last) = (
                    number(first).ok_or_else(wrong)?,
                    number(last).ok_or_else(wrong)?,
                );
                if first > last {
                    return Err(wrong());
                }
                into.extend(first..=last);
            }
        }
        Ok(pin)
    }
}

impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |processors: &[usize]| match processors {
            [] => "all".to_owned(),
            some => (some.iter())
                .map(usize::to_string)
                .collect::<Vec<_>>()
                .join("+"),
        };
        write!(
            f,
            "server={},client={}",
            list(&self.server),
            list(&self.client)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processors_are_numbers_and_ranges() {
        let pin: Pin = "server=0-1+4,client=2".parse().unwrap();
        assert_eq!(
            (pin.server.as_slice(), pin.client.as_slice()),
            ([0, 1, 4].as_slice(), [2].as_slice())
        );
        assert_eq!(pin.to_string(), "server=0+1+4,client=2");
        for wrong in [
            "",
            "0,1",
            "server=",
            "server=1-0",
            "servers=1",
            "server=99999",
        ] {
            assert!(wrong.parse::<Pin>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_process_begins_where_it_is_put() {
        let processors = || std::fs::read_to_string("/proc/thread-self/status").unwrap();
        let before = processors();
        let inside = on(&[0], processors).unwrap();
        assert!(inside.contains("Cpus_allowed_list:\t0\n"), "{inside}");
        let list = |text: &str| {
            text.lines()
                .find(|line| line.starts_with("Cpus_allowed_list"))
                .map(str::to_owned)
        };
        assert_eq!(list(&before), list(&processors()));
        assert!(on(&[1023], || ()).is_err());
    }
}
