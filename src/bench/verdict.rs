//! What follows from the figures: sentences on each path, and [advice](super::advice).

use std::fmt;

use super::advice::{Advice, WORTH};
use super::analysis::{LEAST_ROUNDS, Ratio};
use super::layout::Layout;
use super::results::Results;
use super::text::{ratio as times, several};

/// What follows from the figures.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// For each path, how layouts and servers compare.
    pub paths: Vec<Comparison>,
    /// Which layout to run; or why none is advised.
    pub advice: Result<Advice, String>,
}

/// How layouts and servers compare on one path; a sentence as [`fmt::Display`].
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// What the path is called.
    pub path: String,
    /// What the sentence is made of, at least one.
    pub clauses: Vec<String>,
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
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}.", self.path, self.clauses.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample;

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
    }

    #[test]
    fn of_void_runs_and_few_rounds_nothing_is_concluded() {
        let void = sample::results(&["1x1", "2x1"], |_, _| None);
        assert!(void.verdict().paths.is_empty());
        let faster = |server: &str, _| Some(if server == "1x1" { 1000 } else { 3000 });
        let mut few = sample::results(&["1x1", "2x1"], faster);
        few.plan.rounds = 5;
        let verdict = few.verdict();
        let sentence = "/ping: of 5 runs nothing can be told from chance, it takes 6.";
        assert_eq!(verdict.paths[0].to_string(), sentence);
    }
}
