//! The runs that do not count, and why.

use super::notes::place;
use super::parts::{Column, figures, paragraph, section, table, words};
use super::series::Series;
use crate::bench::results::Results;
use crate::bench::text::{grouped, several};
use crate::markup::{Element, element};

/// More are folded up.
const MOST_SHOWN: usize = 12;
const COLUMNS: [Column; 5] = [
    figures("round"),
    words("server"),
    words("path"),
    figures("connections"),
    words("why"),
];

/// The section.
pub(super) fn voids(results: &Results, servers: &[Series]) -> Element {
    let rows: Vec<Vec<String>> = (results.runs.iter())
        .filter_map(|run| {
            let mut row = place(results, servers, run);
            row.push(run.void.clone()?);
            Some(row)
        })
        .collect();
    let section = section("Void runs");
    if rows.is_empty() {
        return section.with(paragraph("There are none: all runs that were made count."));
    }
    let text = format!(
        "Not counted, neither here nor in the verdict, as not all was answered as it should have been: {} of {}.",
        grouped(&rows.len().to_string()),
        several(results.runs.len(), "run")
    );
    let (count, table) = (rows.len(), table("Runs that do not count", &COLUMNS, rows));
    let section = section.with(paragraph(text));
    match count > MOST_SHOWN {
        true => section.with(
            element("details")
                .with(element("summary").text(format!("All {count}")))
                .with(table),
        ),
        false => section.with(table),
    }
}
