//! One path, as the parts of the report look at it.

use super::series::Series;
use crate::bench::results::Results;

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
}

impl<'a> Subject<'a> {
    /// A path of the plan.
    pub(super) fn of(results: &'a Results, path: usize, servers: &'a [Series]) -> Subject<'a> {
        Subject {
            results,
            path,
            servers,
            busiest: results.busiest(path),
        }
    }

    /// What the path is called.
    pub(super) fn name(&self) -> &'a str {
        &self.results.plan.paths[self.path].name
    }
}
