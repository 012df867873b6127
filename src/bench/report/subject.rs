//! One path, as the parts of the report look at it.

use super::series::Series;
use crate::bench::analysis::Figures;
use crate::bench::plan::Cell;
use crate::bench::results::Results;
use crate::bench::text::several;

/// A path, and what all servers came to at its busiest number of connections.
pub(super) struct Subject<'a> {
    /// All that was measured.
    pub(super) results: &'a Results,
    /// The path's place in the plan.
    pub(super) path: usize,
    /// All servers.
    pub(super) servers: &'a [Series],
    /// The busiest number of connections; none if no run of the path counts.
    pub(super) busiest: Option<usize>,
    /// Each server's figures there.
    figures: Vec<Option<Figures>>,
}

impl<'a> Subject<'a> {
    /// A path of the plan.
    pub(super) fn of(results: &'a Results, path: usize, servers: &'a [Series]) -> Subject<'a> {
        let busiest = results.busiest(path);
        let at_busiest = |server: usize| {
            results.figures(&Cell {
                server,
                path,
                connections: busiest?,
            })
        };
        Subject {
            results,
            path,
            servers,
            busiest,
            figures: (0..servers.len()).map(at_busiest).collect(),
        }
    }

    /// What the path is called.
    pub(super) fn name(&self) -> &'a str {
        &self.results.plan.paths[self.path].name
    }

    /// What is asked for.
    pub(super) fn path(&self) -> &'a str {
        &self.results.plan.paths[self.path].path
    }

    /// A server's figures at the busiest number of connections; none if no run of it counts.
    pub(super) fn at_busiest(&self, server: usize) -> Option<&Figures> {
        self.figures[server].as_ref()
    }

    /// `at 64 connections`: where most figures are looked at.
    pub(super) fn where_busiest(&self) -> String {
        match self.busiest {
            Some(connections) => format!("at {}", several(connections, "connection")),
            None => "nowhere".to_owned(),
        }
    }
}
