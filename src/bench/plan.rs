//! What is to be measured, and in which order.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::layout::Layout;
use super::paths::Named;
use super::pin::Pin;

/// Connections of a warm-up's load are those of the most of the plan; it takes so long for each path.
pub const WARM_UP: Duration = Duration::from_secs(1);
/// For a server to start and to stop, as a guess of what a plan takes.
const START_GUESS: Duration = Duration::from_secs(1);

/// What is to be measured.
///
/// A *cell* is one server, one path and one number of connections. Each cell has a run in each round; in each round servers
/// come in another order, and so do the cells of each. What drifts while all of it takes hours meets everybody alike.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The SQL directory that peppercorn serves.
    pub directory: String,
    /// Who answers, peppercorn's own layouts first.
    pub servers: Vec<Server>,
    /// What is asked for.
    pub paths: Vec<Named>,
    /// Connections that clients keep open, each with one request at a time.
    pub connections: Vec<usize>,
    /// Runs of each cell.
    pub rounds: usize,
    /// Of each run, in whole seconds.
    pub duration_s: u64,
    /// Before each run nobody asks for anything for so long.
    pub settle_ms: u64,
    /// Threads of wrk, at most.
    pub wrk_threads: usize,
    /// Processors, where they are shared out.
    pub pin: Pin,
    /// Makes the orders.
    pub seed: u64,
}

/// A server to measure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Server {
    /// What it is called in tables and plots.
    pub name: String,
    /// peppercorn in this layout, or another program.
    #[serde(flatten)]
    pub kind: Kind,
}

/// How a server is started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// peppercorn.
    Layout(Layout),
    /// By a shell.
    Other {
        /// The command, with `DATABASE_URL` in its environment.
        command: String,
        /// Where it answers.
        url: String,
    },
}

/// What one number is measured of: places in the plan's lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Cell {
    /// Of the plan, from 0.
    pub server: usize,
    /// Of the plan, from 0.
    pub path: usize,
    /// How many.
    pub connections: usize,
}

impl Plan {
    /// The servers of one round, in its order.
    pub fn order(&self, round: usize) -> Vec<usize> {
        let mut servers: Vec<usize> = (0..self.servers.len()).collect();
        self.rng(round, usize::MAX).shuffle(&mut servers);
        servers
    }

    /// The cells of one server in one round, in its order.
    pub fn cells(&self, round: usize, server: usize) -> Vec<Cell> {
        let mut cells: Vec<Cell> = (0..self.paths.len())
            .flat_map(|path| {
                (self.connections.iter()).map(move |connections| Cell {
                    server,
                    path,
                    connections: *connections,
                })
            })
            .collect();
        self.rng(round, server).shuffle(&mut cells);
        cells
    }

    /// The same for the same plan: what is resumed goes on in the order that it began in.
    fn rng(&self, round: usize, server: usize) -> fastrand::Rng {
        // Each number has bits of its own, whatever the others are.
        let mix = (round as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)
            ^ (server as u64).wrapping_mul(0xc2b2_ae3d_27d4_eb4f);
        fastrand::Rng::with_seed(self.seed ^ mix)
    }

    /// Runs in all.
    pub fn runs(&self) -> usize {
        self.servers.len() * self.paths.len() * self.connections.len() * self.rounds
    }

    /// What all of it takes, about: servers start and stop as fast as they like.
    pub fn time(&self) -> Duration {
        let starts = (self.servers.len() * self.rounds) as u32;
        let start = START_GUESS + WARM_UP * self.paths.len() as u32;
        let run = Duration::from_secs(self.duration_s) + Duration::from_millis(self.settle_ms);
        run * self.runs() as u32 + start * starts
    }

    /// The most connections of any run.
    pub fn most_connections(&self) -> usize {
        self.connections.iter().copied().max().unwrap_or(1)
    }

    /// peppercorn's own layouts, with their places in the list of servers.
    pub fn layouts(&self) -> impl Iterator<Item = (usize, Layout)> + '_ {
        let servers = self.servers.iter().enumerate();
        servers.filter_map(|(index, server)| match server.kind {
            Kind::Layout(layout) => Some((index, layout)),
            Kind::Other { .. } => None,
        })
    }

    /// The other servers, by their places.
    pub fn others(&self) -> impl Iterator<Item = usize> + '_ {
        let servers = self.servers.iter().enumerate();
        servers.filter_map(|(index, server)| {
            matches!(server.kind, Kind::Other { .. }).then_some(index)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> Plan {
        let path = |path: &str| Named::from(path.to_owned());
        let server = |layout: &str| Server {
            name: layout.into(),
            kind: Kind::Layout(layout.parse().unwrap()),
        };
        Plan {
            directory: "sql".into(),
            servers: ["1x1", "2x1", "1x2"].map(server).into(),
            paths: ["/ping", "/a"].map(path).into(),
            connections: vec![1, 16, 64],
            rounds: 5,
            duration_s: 30,
            settle_ms: 500,
            wrk_threads: 1,
            pin: Pin::default(),
            seed: 7,
        }
    }

    #[test]
    fn every_cell_comes_once_in_each_round_and_in_another_order() {
        let plan = plan();
        let mut orders = std::collections::HashSet::new();
        for round in 0..plan.rounds {
            let mut servers = plan.order(round);
            servers.sort_unstable();
            assert_eq!(servers, [0, 1, 2]);
            for server in servers {
                let cells = plan.cells(round, server);
                assert_eq!(cells, plan.cells(round, server), "as it began");
                let mut sorted = cells.clone();
                sorted.sort_unstable();
                sorted.dedup();
                assert_eq!(sorted.len(), 6);
                orders.insert(
                    cells
                        .iter()
                        .map(|cell| (cell.path, cell.connections))
                        .collect::<Vec<_>>(),
                );
            }
        }
        assert!(orders.len() > 10, "15 orders of 720 are hardly the same");
        assert!(
            (0..20)
                .map(|round| plan.order(round))
                .collect::<std::collections::HashSet<_>>()
                .len()
                > 2
        );
    }

    #[test]
    fn what_it_takes_is_known_before() {
        let plan = plan();
        assert_eq!(plan.runs(), 3 * 2 * 3 * 5);
        let starts = 15 * (1 + 2);
        assert_eq!(
            plan.time(),
            Duration::from_secs_f64(90.0 * 30.5 + f64::from(starts))
        );
    }
}
