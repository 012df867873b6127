//! How peppercorn is laid out over processes and threads, as it is typed: `2x1`, `1x2`, `1x2-local`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::text::several;
use crate::runtime::{self, ExecutorKind};

/// Workers times threads, and the executors of those.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Worker processes.
    pub workers: usize,
    /// Threads and executor of each.
    pub worker: runtime::Layout,
}

impl Layout {
    /// The smallest one, which others are compared with.
    pub const SINGLE: Layout = Layout {
        workers: 1,
        worker: runtime::Layout {
            threads: 1,
            executor: ExecutorKind::Local,
        },
    };

    /// Threads of all workers.
    pub fn threads(self) -> usize {
        self.workers * self.worker.threads
    }

    /// In words: `2 workers × 1 thread`.
    pub fn sentence(self) -> String {
        let (workers, threads) = (
            several(self.workers, "worker"),
            several(self.worker.threads, "thread"),
        );
        let words = format!("{workers} × {threads}");
        match self.names_executor() {
            true => format!("{words} ({})", self.worker.executor.word()),
            false => words,
        }
    }

    /// Whether its executor is another than the usual one for so many threads.
    pub fn names_executor(self) -> bool {
        self.worker.executor != ExecutorKind::usual(self.worker.threads)
    }
}

impl FromStr for Layout {
    type Err = String;

    fn from_str(text: &str) -> Result<Layout, String> {
        let wrong = || {
            format!(
                "{text:?} is not a layout: write workers x threads, such as 2x1, or 1x2-local for an executor per thread"
            )
        };
        let (numbers, executor) = text.split_once('-').unwrap_or((text, ""));
        let (workers, threads) = numbers.split_once('x').ok_or_else(wrong)?;
        let number = |text: &str| text.parse::<usize>().ok().filter(|number| *number > 0);
        let threads = number(threads).ok_or_else(wrong)?;
        let executor = match executor {
            "" => ExecutorKind::usual(threads),
            "local" => ExecutorKind::Local,
            "shared" => ExecutorKind::Shared,
            _ => return Err(wrong()),
        };
        Ok(Layout {
            workers: number(workers).ok_or_else(wrong)?,
            worker: runtime::Layout { threads, executor },
        })
    }
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.workers, self.worker.threads)?;
        match self.names_executor() {
            true => write!(f, "-{}", self.worker.executor.word()),
            false => Ok(()),
        }
    }
}

impl Serialize for Layout {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Layout {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Layout, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layouts_are_read_as_they_are_written() {
        for text in ["1x1", "2x1", "1x2", "1x2-local", "2x3-local", "1x1-shared"] {
            assert_eq!(text.parse::<Layout>().unwrap().to_string(), text);
        }
        assert_eq!("1x2-shared".parse::<Layout>().unwrap().to_string(), "1x2");
        assert_eq!("1x1".parse::<Layout>().unwrap(), Layout::SINGLE);
        assert_eq!(
            "2x1".parse::<Layout>().unwrap().sentence(),
            "2 workers × 1 thread"
        );
        assert_eq!(
            "1x2-local".parse::<Layout>().unwrap().sentence(),
            "1 worker × 2 threads (local)"
        );
        for wrong in ["", "2", "0x1", "1x0", "1x2-both", "axb", "2x1 "] {
            assert!(wrong.parse::<Layout>().is_err(), "{wrong}");
        }
    }
}
