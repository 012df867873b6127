//! Which layout to run, as far as the figures tell.

use super::analysis::LEAST_ROUNDS;
use super::layout::Layout;
use super::results::Results;
use super::text::{ratio as times, several};

/// A larger layout must answer so much more than a smaller one to be worth it.
pub(super) const WORTH: f64 = 1.05;

/// Which layout to run.
#[derive(Clone, Debug, PartialEq)]
pub struct Advice {
    /// The smallest one that no other beats by something.
    pub layout: Layout,
    /// Why.
    pub why: String,
}

/// A layout, and how many times as much it answers as the one that others are compared with.
#[derive(Clone, Copy)]
struct Candidate {
    server: usize,
    layout: Layout,
    times: f64,
}

impl Results {
    /// Which layout to run, over all paths and numbers of connections.
    ///
    /// # Errors
    /// Why none is advised, as a sentence.
    pub fn advice(&self) -> Result<Advice, String> {
        if self.plan.layouts().count() < 2 {
            return Err("There are no two layouts to choose from.".to_owned());
        }
        if self.plan.rounds < LEAST_ROUNDS {
            let runs = several(self.plan.rounds, "run");
            return Err(format!(
                "Of {runs} nothing can be told from chance, it takes {LEAST_ROUNDS}."
            ));
        }
        self.choose()
            .ok_or_else(|| "No run of peppercorn counts.".to_owned())
    }

    fn choose(&self) -> Option<Advice> {
        let (base, base_layout) = self.base()?;
        let measured = self.plan.layouts().filter_map(|(server, layout)| {
            let times = self.ratio(server, base, None)?.rounds.median;
            Some(Candidate {
                server,
                layout,
                times,
            })
        });
        let mut candidates: Vec<Candidate> = measured.collect();
        let best = *candidates
            .iter()
            .max_by(|a, b| a.times.total_cmp(&b.times))?;
        // The smallest first: fewest threads, then fewest processes.
        candidates.sort_by_key(|one| (one.layout.threads(), one.layout.workers));
        let mut left = candidates.into_iter();
        let (chosen, drawback) = left.find_map(|one| Some((one, self.drawback(best, one)?)))?;
        let over = match chosen.server == base {
            true => None,
            false => Some(format!(
                "{} of {base_layout} over all paths",
                times(chosen.times)
            )),
        };
        let best = match chosen.server == best.server {
            true => None,
            false => Some(format!(
                "{} comes to {}, {drawback}",
                best.layout,
                times(best.times)
            )),
        };
        let why: Vec<String> = [over, best].into_iter().flatten().collect();
        Some(Advice {
            layout: chosen.layout,
            why: match why.is_empty() {
                true => "no other layout answers more".to_owned(),
                false => why.join("; "),
            },
        })
    }

    /// What speaks against the best layout in place of a smaller one; none if nothing does.
    fn drawback(&self, best: Candidate, smaller: Candidate) -> Option<&'static str> {
        let ratio = self.ratio(best.server, smaller.server, None)?;
        match ratio.is_outside_the_spread() {
            false => Some("within the spread"),
            true if ratio.rounds.median < WORTH => Some("which is not worth it"),
            true => None,
        }
    }
}

impl Advice {
    /// Lines for the environment file of the systemd unit.
    pub fn environment(&self) -> String {
        let layout = self.layout;
        let mut lines = format!(
            "PEPPERCORN_WORKERS={}\nPEPPERCORN_THREADS={}\n",
            layout.workers, layout.worker.threads
        );
        if layout.names_executor() {
            lines.push_str(&format!(
                "PEPPERCORN_EXECUTOR={}\n",
                layout.worker.executor.word()
            ));
        }
        lines
    }

    /// Options of `peppercorn serve`.
    pub fn options(&self) -> String {
        let layout = self.layout;
        let executor = match layout.names_executor() {
            true => format!(" --executor {}", layout.worker.executor.word()),
            false => String::new(),
        };
        format!(
            "--workers {} --threads {}{executor}",
            layout.workers, layout.worker.threads
        )
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    /// What comes of layouts that answer so much, a little more or less in each round.
    fn advised(layouts: &[&str], rate: fn(&str) -> u64) -> Advice {
        let about = |server: &str, round| Some(rate(server) * (98 + round as u64) / 100);
        sample::results(layouts, about).advice().unwrap()
    }

    #[test]
    fn what_answers_more_is_advised() {
        let advice = advised(&["1x1", "2x1"], |server| {
            if server == "2x1" { 19_000 } else { 10_000 }
        });
        assert_eq!(advice.options(), "--workers 2 --threads 1");
        assert_eq!(
            advice.environment(),
            "PEPPERCORN_WORKERS=2\nPEPPERCORN_THREADS=1\n"
        );
        assert_eq!(advice.why, "1.90× of 1x1 over all paths");
        let advice = advised(
            &["1x1", "2x1"],
            |server| if server == "2x1" { 9000 } else { 10_000 },
        );
        assert_eq!(advice.options(), "--workers 1 --threads 1");
        assert_eq!(advice.why, "no other layout answers more");
    }

    #[test]
    fn the_smallest_layout_that_does_is_advised() {
        let layouts = ["3x1", "1x2-local", "2x1", "1x1"];
        // 2% more, however surely, are not worth a process.
        let advice = advised(
            &layouts,
            |server| if server == "3x1" { 10_200 } else { 10_000 },
        );
        assert_eq!(advice.options(), "--workers 1 --threads 1");
        assert_eq!(advice.why, "3x1 comes to 1.02×, which is not worth it");
        let advice = advised(&layouts, |server| match server {
            "1x1" => 10_000,
            "3x1" => 20_200,
            _ => 20_000,
        });
        // As many threads as 2x1, in one process.
        assert_eq!(advice.options(), "--workers 1 --threads 2 --executor local");
        assert_eq!(
            advice.why,
            "2.00× of 1x1 over all paths; 3x1 comes to 2.02×, which is not worth it"
        );
    }

    #[test]
    fn what_chance_makes_is_not_advised() {
        let results = sample::results(&["1x1", "2x1"], |server, round| {
            Some(if server == "2x1" && round > 0 {
                12_000
            } else {
                10_000 + 300 * round as u64
            })
        });
        let mut results = results;
        results.runs.retain(|run| run.round < 4);
        let advice = results.advice().unwrap();
        assert_eq!(advice.options(), "--workers 1 --threads 1");
        assert!(
            advice.why.ends_with(", within the spread"),
            "{}",
            advice.why
        );
    }

    #[test]
    fn why_nothing_is_advised_is_said() {
        let void = sample::results(&["1x1", "2x1"], |_, _| None);
        assert_eq!(void.advice().unwrap_err(), "No run of peppercorn counts.");
        let alone = sample::results(&["2x1", "flask"], |_, _| Some(1000));
        assert_eq!(
            alone.advice().unwrap_err(),
            "There are no two layouts to choose from."
        );
        let mut few = alone;
        few.plan.servers = sample::results(&["1x1", "2x1"], |_, _| None).plan.servers;
        few.plan.rounds = 5;
        let why = "Of 5 runs nothing can be told from chance, it takes 6.";
        assert_eq!(few.advice().unwrap_err(), why);
    }
}
