//! What follows from the figures: sentences, and the layout to run.

use std::fmt;

use super::analysis::{LEAST_ROUNDS, Ratio};
use super::layout::Layout;
use super::results::Results;
use super::text::{ratio as times, several};

/// A larger layout must answer so much more than a smaller one to be worth it.
pub(super) const WORTH: f64 = 1.05;

/// What follows from the figures.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// For each path, how layouts and servers compare.
    pub paths: Vec<Comparison>,
    /// Which layout to run, and why.
    pub advice: Option<Advice>,
}

/// How layouts and servers compare on one path; a sentence as [`fmt::Display`].
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// What the path is called.
    pub path: String,
    /// What the sentence is made of, at least one.
    pub clauses: Vec<String>,
}

/// Which layout to run.
#[derive(Clone, Debug, PartialEq)]
pub struct Advice {
    /// The smallest one that no other beats by something.
    pub layout: Layout,
    /// Why.
    pub why: String,
}

impl Results {
    /// What follows from them.
    pub fn verdict(&self) -> Verdict {
        let paths = 0..self.plan.paths.len();
        Verdict {
            paths: paths.filter_map(|path| self.of_path(path)).collect(),
            advice: self.advice(),
        }
    }

    /// One path, in a line.
    fn of_path(&self, path: usize) -> Option<Comparison> {
        let base = self.base()?;
        if self.plan.rounds < LEAST_ROUNDS {
            let rounds = several(self.plan.rounds, "run");
            let clause =
                format!("of {rounds} nothing can be told from chance, it takes {LEAST_ROUNDS}");
            return Some(self.comparison(path, vec![clause]));
        }
        let mut clauses = Vec::new();
        let mut alike = Vec::new();
        let mut layouts: Vec<(Layout, Ratio)> = (self.plan.layouts())
            .filter(|(server, _)| *server != base.0)
            .filter_map(|(server, layout)| Some((layout, self.ratio(server, base.0, Some(path))?)))
            .collect();
        layouts.sort_by(|a, b| b.1.rounds.median.total_cmp(&a.1.rounds.median));
        for (layout, ratio) in &layouts {
            match ratio.is_outside_the_spread() {
                true => clauses.push(format!(
                    "{}: {} of {}, outside the spread",
                    layout.sentence(),
                    times(ratio.rounds.median),
                    base.1
                )),
                false => alike.push(format!("{layout} ({})", times(ratio.rounds.median))),
            }
        }
        if !alike.is_empty() {
            let verb = if alike.len() == 1 { "is" } else { "are" };
            clauses.push(format!(
                "{} {verb} within the spread of {}",
                alike.join(", "),
                base.1
            ));
        }
        if let Some(sentence) = self.of_threads(&layouts) {
            clauses.push(sentence);
        }
        for other in self.plan.others() {
            if let Some(ratio) = self.ratio(base.0, other, Some(path)) {
                let spread = if ratio.is_outside_the_spread() {
                    ""
                } else {
                    ", within the spread"
                };
                let server = &self.plan.servers[other].name;
                clauses.push(format!(
                    "{} answers {} of {server}{spread}",
                    base.1,
                    times(ratio.rounds.median)
                ));
            }
        }
        (!clauses.is_empty()).then(|| self.comparison(path, clauses))
    }

    fn comparison(&self, path: usize, clauses: Vec<String>) -> Comparison {
        Comparison {
            path: self.plan.paths[path].name.clone(),
            clauses,
        }
    }

    /// Whether threads add something to one worker.
    fn of_threads(&self, layouts: &[(Layout, Ratio)]) -> Option<String> {
        let mut threaded = layouts
            .iter()
            .filter(|(layout, _)| layout.workers == 1 && layout.worker.threads > 1);
        let any = threaded.clone().next().is_some();
        let adds = threaded.any(|(_, ratio)| ratio.is_faster() && ratio.rounds.median >= WORTH);
        (any && !adds).then(|| "threads add nothing here".to_owned())
    }

    /// The layout that others are compared with: 1x1, or else the first.
    pub fn base(&self) -> Option<(usize, Layout)> {
        let single = self
            .plan
            .layouts()
            .find(|(_, layout)| *layout == Layout::SINGLE);
        single.or_else(|| self.plan.layouts().next())
    }

    fn advice(&self) -> Option<Advice> {
        let base = self.base()?;
        let against_base = |server: usize| match server == base.0 {
            true => Some(1.0),
            false => Some(self.ratio(server, base.0, None)?.rounds.median),
        };
        let mut layouts: Vec<(usize, Layout, f64)> = (self.plan.layouts())
            .filter_map(|(server, layout)| Some((server, layout, against_base(server)?)))
            .collect();
        // With nothing to choose from, or too little measured, there is nothing to say.
        if layouts.len() < 2 || self.plan.rounds < LEAST_ROUNDS {
            return None;
        }
        self.ratio(base.0, base.0, None)?;
        let best = *layouts.iter().max_by(|a, b| a.2.total_cmp(&b.2))?;
        // The smallest first: fewest threads, then fewest processes.
        layouts.sort_by_key(|(_, layout, _)| (layout.threads(), layout.workers));
        let is_as_good = |candidate: &&(usize, Layout, f64)| {
            let ratio = self.ratio(best.0, candidate.0, None);
            ratio.is_some_and(|ratio| !ratio.is_outside_the_spread() || ratio.rounds.median < WORTH)
        };
        let chosen = *layouts.iter().find(is_as_good)?;
        let why = match (chosen.0 == best.0, chosen.0 == base.0) {
            (true, true) => "no other layout answers more".to_owned(),
            (_, true) => format!(
                "{} comes to {}, which is not worth it",
                best.1,
                times(best.2)
            ),
            (true, false) => format!("{} of {} over all paths", times(chosen.2), base.1),
            (false, false) => format!(
                "{} of {} over all paths; {} comes to {}, which is not worth it",
                times(chosen.2),
                base.1,
                best.1,
                times(best.2)
            ),
        };
        Some(Advice {
            layout: chosen.1,
            why,
        })
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}.", self.path, self.clauses.join("; "))
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

    /// Of so much on average, a little more or less in each round.
    fn about(rate: u64, round: usize) -> Option<u64> {
        Some(rate * (98 + round as u64) / 100)
    }

    #[test]
    fn what_helps_is_told_from_what_does_not() {
        let results = sample::results(
            &["1x1", "2x1", "1x2", "flask"],
            |server, round| match server {
                "1x1" => about(10_000, round),
                "2x1" => about(19_000, 5 - round),
                // Now faster, now slower.
                "1x2" => about(10_000, 5 - round),
                _ => about(1000, round),
            },
        );
        let verdict = results.verdict();
        assert_eq!(
            verdict.paths[1].to_string(),
            "one row: 2 workers × 1 thread: 1.90× of 1x1, outside the spread; 1x2 (1.00×) is within the spread of 1x1; \
             threads add nothing here; 1x1 answers 10.0× of flask."
        );
        let advice = verdict.advice.unwrap();
        assert_eq!(
            advice.environment(),
            "PEPPERCORN_WORKERS=2\nPEPPERCORN_THREADS=1\n"
        );
        assert_eq!(advice.options(), "--workers 2 --threads 1");
        assert_eq!(advice.why, "1.90× of 1x1 over all paths");
    }

    #[test]
    fn the_smallest_layout_that_does_is_advised() {
        let layouts = ["3x1", "1x2-local", "2x1", "1x1"];
        let advised = |rate: fn(&str) -> u64| {
            let results = sample::results(&layouts, |server, round| about(rate(server), round));
            let advice = results.verdict().advice.unwrap();
            (advice.options(), advice.why)
        };
        // 2% more, however surely, are not worth a process.
        let (options, why) = advised(|server| if server == "3x1" { 10_200 } else { 10_000 });
        assert_eq!(options, "--workers 1 --threads 1");
        assert_eq!(why, "3x1 comes to 1.02×, which is not worth it");
        let (options, why) = advised(|server| match server {
            "1x1" => 10_000,
            "3x1" => 20_200,
            _ => 20_000,
        });
        // As many threads as 2x1, in one process.
        assert_eq!(options, "--workers 1 --threads 2 --executor local");
        assert_eq!(
            why,
            "2.00× of 1x1 over all paths; 3x1 comes to 2.02×, which is not worth it"
        );
        let (_, why) = advised(|server| if server == "1x1" { 10_000 } else { 9000 });
        assert_eq!(why, "no other layout answers more");
    }

    #[test]
    fn of_void_runs_and_few_rounds_nothing_is_concluded() {
        let void = sample::results(&["1x1", "2x1"], |_, _| None);
        let nothing = Verdict {
            paths: Vec::new(),
            advice: None,
        };
        assert_eq!(void.verdict(), nothing);
        let faster = |server: &str, _| Some(if server == "1x1" { 1000 } else { 3000 });
        let mut few = sample::results(&["1x1", "2x1"], faster);
        few.plan.rounds = 5;
        let verdict = few.verdict();
        assert_eq!(verdict.advice, None);
        let sentence = "/ping: of 5 runs nothing can be told from chance, it takes 6.";
        assert_eq!(verdict.paths[0].to_string(), sentence);
    }
}
