//! `report.html`: one file that needs no network.

use super::results::Results;

/// The report as HTML.
pub fn html(results: &Results) -> String {
    format!("<!doctype html><pre>{}</pre>", super::table::table(results))
}

/// Plots as files of their own, by name.
pub fn plots(_results: &Results) -> Vec<(String, String)> {
    Vec::new()
}
