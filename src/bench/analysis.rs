//! What the runs come to: each cell's figures, and how servers compare.

use super::plan::Cell;
use super::results::{Latency, Results, Run};
use super::statistics::{Summary, geometric_mean};

/// The figures of one cell.
#[derive(Clone, Debug)]
pub struct Figures {
    /// Answers per second.
    pub per_second: Summary,
    /// Bytes of answers per second.
    pub bytes_per_second: Summary,
    /// From request to answer: the median run's, for each percentile.
    pub latency: Option<Latency>,
    /// CPU time of the server per request, in microseconds.
    pub cpu_us: Option<Summary>,
    /// Of that, the median run's part in the kernel.
    pub system_us: f64,
    /// Memory of the server, in bytes.
    pub pss_bytes: Option<Summary>,
}

/// How many times as many answers per second one server gives as another.
#[derive(Clone, Copy, Debug)]
pub struct Ratio {
    /// Of the rounds: each is compared with itself, so that what drifts from one to the next cancels out.
    pub rounds: Summary,
}

impl Ratio {
    /// Whether the difference is larger than what rounds differ by: all between the quartiles is above 1, or below. One
    /// or two rounds tell nothing of that.
    pub fn is_outside_the_spread(&self) -> bool {
        self.rounds.count > 2 && self.rounds.excludes(1.0)
    }

    /// Whether it answers more, outside of the spread.
    pub fn is_faster(&self) -> bool {
        self.is_outside_the_spread() && self.rounds.median > 1.0
    }
}

impl Figures {
    /// CPU time per request outside of the kernel, in microseconds.
    pub fn user_us(&self) -> Option<f64> {
        Some((self.cpu_us?.median - self.system_us).max(0.0))
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
        let system = used().map(|(load, used)| used.system_ms as f64 * 1e3 / load.requests as f64);
        Some(Figures {
            per_second: Summary::of(loads().map(|load| load.per_second()))?,
            bytes_per_second: Summary::of(loads().map(|load| load.bytes_per_second()))?,
            latency: median_latency(&latencies),
            cpu_us: Summary::of(runs.iter().filter_map(|run| run.cpu_us())),
            system_us: Summary::of(system).map_or(0.0, |summary| summary.median),
            pss_bytes: Summary::of(used().map(|(_, used)| used.pss_bytes as f64)),
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
        Summary::of(rounds).map(|rounds| Ratio { rounds })
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
