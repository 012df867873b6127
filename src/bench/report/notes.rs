//! What a reader must know before the figures: that some are missing, or what may have spoiled them.

use super::parts::{Column, figures, table, words};
use super::series::Series;
use crate::bench::results::{Results, Run};
use crate::bench::text::{grouped, several};
use crate::markup::{Element, element};

/// Part of the processors' time. A run from which more was stolen has measured the hypervisor, too.
const MUCH_STOLEN: f64 = 0.02;
const STOLEN_COLUMNS: [Column; 5] = [
    figures("round"),
    words("server"),
    words("path"),
    figures("connections"),
    figures("stolen"),
];

/// A box with all of it, if there is something.
pub(super) fn notes(results: &Results, servers: &[Series]) -> Option<Element> {
    let warnings = results.warnings.iter().cloned().map(sentence);
    let notes: Vec<Element> = missing(results)
        .into_iter()
        .chain(warnings)
        .chain(stolen(results, servers))
        .collect();
    let aside = element("aside").set("aria-label", "Notes");
    (!notes.is_empty()).then(|| aside.with(element("ul").with_all(notes)))
}

fn sentence(text: String) -> Element {
    element("li").text(text)
}

/// How much of the plan has been measured, if not all.
fn missing(results: &Results) -> Option<Element> {
    let (made, all) = (results.runs.len(), results.plan.runs());
    let made = grouped(&made.to_string());
    let note = element("li")
        .with(element("strong").text(format!("{made} of {} are made.", several(all, "run"))))
        .text(" ")
        .with(element("code").text("peppercorn bench --resume results.json"))
        .text(" makes the others.");
    (results.runs.len() < all).then_some(note)
}

fn stolen(results: &Results, servers: &[Series]) -> Option<Element> {
    let runs: Vec<&Run> = (results.runs.iter())
        .filter(|run| run.stolen > MUCH_STOLEN)
        .collect();
    let most = runs.iter().map(|run| run.stolen).max_by(f64::total_cmp)?;
    let text = format!(
        "In {} of {} the hypervisor gave more than {} of the processors' time to other machines, up to {}.",
        grouped(&runs.len().to_string()),
        several(results.runs.len(), "run"),
        percent(MUCH_STOLEN),
        percent(most)
    );
    let rows = runs.iter().map(|run| {
        let mut row = place(results, servers, run);
        row.push(percent(run.stolen));
        row
    });
    let list = element("details")
        .with(element("summary").text("Which runs"))
        .with(table("Runs with stolen time", &STOLEN_COLUMNS, rows));
    Some(sentence(text).with(list))
}

/// Round, server, path and connections of a run.
pub(super) fn place(results: &Results, servers: &[Series], run: &Run) -> Vec<String> {
    vec![
        (run.round + 1).to_string(),
        servers[run.cell.server].name.clone(),
        results.plan.paths[run.cell.path].name.clone(),
        grouped(&run.cell.connections.to_string()),
    ]
}

fn percent(part: f64) -> String {
    let percent = part * 100.0;
    match percent.fract() < 0.05 {
        true => format!("{percent:.0}%"),
        false => format!("{percent:.1}%"),
    }
}
