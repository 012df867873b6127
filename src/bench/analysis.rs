//! What the runs come to: each cell's figures, and how servers compare.

use super::plan::Cell;
use super::results::{Latency, Results, Run, Used};
use super::statistics::{Summary, geometric_mean, sign_test};

/// A difference that chance makes between equal servers at most in so many cases is taken for one.
pub const CHANCE: f64 = 0.05;
/// Of fewer rounds nothing can be said: chance makes five agree in one of 16 cases.
pub const LEAST_ROUNDS: usize = 6;

/// The figures of one cell.
#[derive(Clone, Debug)]
pub struct Figures {
    /// Answers per second.
    pub per_second: Summary,
    /// From request to answer: the median run's, for each percentile.
    pub latency: Option<Latency>,
    /// CPU time of the server per request.
    pub cpu: Option<Cpu>,
    /// Memory of the server, in bytes.
    pub pss_bytes: Option<Summary>,
}

/// CPU time per request, in microseconds.
#[derive(Clone, Copy, Debug)]
pub struct Cpu {
    /// All of it.
    pub all_us: Summary,
    /// The median run's in the program.
    pub user_us: f64,
    /// The median run's in the kernel on its behalf.
    pub system_us: f64,
}

/// How many times as many answers per second one server gives as another.
#[derive(Clone, Copy, Debug)]
pub struct Ratio {
    /// Of the rounds: each is compared with itself, so that what drifts from one to the next cancels out.
    pub rounds: Summary,
    /// How likely it is that rounds agree like that if both servers are equal.
    pub chance: f64,
}

impl Ratio {
    /// Of the rounds.
    fn of(rounds: &[f64]) -> Option<Ratio> {
        let faster = rounds.iter().filter(|ratio| **ratio > 1.0).count();
        let slower = rounds.iter().filter(|ratio| **ratio < 1.0).count();
        Some(Ratio {
            rounds: Summary::of(rounds.iter().copied())?,
            chance: sign_test(faster, slower),
        })
    }

    /// Whether the difference is more than what rounds differ by: so many agree on who is faster that chance seldom makes
    /// them. It takes [`LEAST_ROUNDS`].
    pub fn is_outside_the_spread(&self) -> bool {
        self.chance < CHANCE
    }

    /// Whether it answers more, outside of the spread.
    pub fn is_faster(&self) -> bool {
        self.is_outside_the_spread() && self.rounds.median > 1.0
    }
}

impl Results {
    /// The figures of a cell; none if no run of it counts.
    pub fn figures(&self, cell: &Cell) -> Option<Figures> {
        let runs: Vec<&Run> = (self.runs.iter())
            .filter(|run| run.cell == *cell && run.valid().is_some())
            .collect();
        let loads = || runs.iter().filter_map(|run| run.valid());
        let used = || {
            runs.iter()
                .filter_map(|run| Some((run.valid()?, run.used?)))
        };
        let latencies: Vec<Latency> = loads().filter_map(|load| load.latency).collect();
        let each = |of: fn(&Used) -> u64| {
            Summary::of(used().map(|(load, used)| of(&used) as f64 * 1e3 / load.requests as f64))
        };
        let cpu = |all_us| Cpu {
            all_us,
            user_us: each(|used| used.user_ms).map_or(0.0, |user| user.median),
            system_us: each(|used| used.system_ms).map_or(0.0, |system| system.median),
        };
        Some(Figures {
            per_second: Summary::of(loads().map(|load| load.per_second()))?,
            latency: median_latency(&latencies),
            cpu: each(|used| used.user_ms + used.system_ms).map(cpu),
            pss_bytes: Summary::of(used().filter_map(|(_, used)| Some(used.pss_bytes? as f64))),
        })
    }

    /// How a server compares with another on one path, or on all: the geometric mean over the numbers of connections, in
    /// each round. None if there is no round in which both were measured.
    pub fn ratio(&self, server: usize, other: usize, path: Option<usize>) -> Option<Ratio> {
        let rounds = (0..self.plan.rounds).filter_map(|round| {
            let run = |server: usize, path: usize, connections: usize| {
                let cell = Cell {
                    server,
                    path,
                    connections,
                };
                let run = (self.runs.iter()).find(|run| run.round == round && run.cell == cell)?;
                Some(run.valid()?.per_second())
            };
            let paths = (0..self.plan.paths.len()).filter(|at| path.is_none_or(|path| path == *at));
            geometric_mean(paths.flat_map(|path| {
                self.plan.connections.iter().filter_map(move |connections| {
                    let of = |server| run(server, path, *connections);
                    Some(of(server)? / of(other)?)
                })
            }))
        });
        Ratio::of(&rounds.collect::<Vec<f64>>())
    }

    /// The number of connections at which a path was answered fastest by any server: where all have enough to do.
    pub fn busiest(&self, path: usize) -> Option<usize> {
        let fastest = |connections: usize| {
            let servers = 0..self.plan.servers.len();
            let medians = servers.filter_map(|server| {
                let cell = Cell {
                    server,
                    path,
                    connections,
                };
                Some(self.figures(&cell)?.per_second.median)
            });
            medians.max_by(f64::total_cmp)
        };
        let connections = self.plan.connections.iter().copied();
        let known = connections.filter_map(|count| Some((count, fastest(count)?)));
        known
            .max_by(|a, b| a.1.total_cmp(&b.1))
            .map(|(count, _)| count)
    }
}

/// The median of each percentile over the runs.
fn median_latency(runs: &[Latency]) -> Option<Latency> {
    let middle = |of: fn(&Latency) -> u64| {
        let all = Summary::of(runs.iter().map(|run| of(run) as f64));
        all.map(|all| all.median.round() as u64)
    };
    Some(Latency {
        mean_us: middle(|run| run.mean_us)?,
        p50_us: middle(|run| run.p50_us)?,
        p75_us: middle(|run| run.p75_us)?,
        p90_us: middle(|run| run.p90_us)?,
        p99_us: middle(|run| run.p99_us)?,
        p999_us: middle(|run| run.p999_us)?,
        max_us: middle(|run| run.max_us)?,
        corrected_p99_us: middle(|run| run.corrected_p99_us)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_takes_so_many_rounds_to_tell_something() {
        let agreeing = |rounds: usize| Ratio::of(&vec![1.1; rounds]).unwrap();
        assert!(agreeing(LEAST_ROUNDS).is_faster());
        assert!(!agreeing(LEAST_ROUNDS - 1).is_faster());
        let mut nine_of_ten = vec![0.9; 9];
        nine_of_ten.push(1.3);
        let ratio = Ratio::of(&nine_of_ten).unwrap();
        assert!(ratio.is_outside_the_spread() && !ratio.is_faster());
    }
}
