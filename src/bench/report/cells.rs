//! All figures of a path, a row for each cell.

use super::parts::{Column, DASH, figures, paragraph, table, words};
use super::subject::Subject;
use crate::bench::analysis::Figures;
use crate::bench::plan::Cell;
use crate::bench::table::cells;
use crate::bench::text::{count, cpu, grouped, latency, memory};
use crate::markup::{Element, element};

const COLUMNS: [Column; 14] = [
    words("server"),
    figures("connections"),
    figures("runs"),
    figures("requests/s"),
    figures("p25"),
    figures("p75"),
    figures("p50"),
    figures("p90"),
    figures("p99"),
    figures("p99.9"),
    figures("CPU"),
    figures("user"),
    figures("system"),
    figures("memory"),
];

/// The table, folded up.
pub(super) fn details(subject: &Subject<'_>) -> Element {
    let rows = cells(subject.results, subject.path).map(|cell| row(subject, &cell));
    let name = format!("All figures of {}", subject.name());
    let reading = "Medians of the runs that count. p25 and p75 are the quartiles of requests/s, p50 to p99.9 are latencies; \
                   CPU, user and system are CPU time per request.";
    element("details")
        .with(element("summary").text(name.clone()))
        .with(paragraph(reading).class("reading"))
        .with(table(name, &COLUMNS, rows))
}

fn row(subject: &Subject<'_>, cell: &Cell) -> Vec<String> {
    let runs = subject.results.runs.iter();
    let runs: Vec<bool> = runs
        .filter(|run| run.cell == *cell)
        .map(|run| run.valid().is_some())
        .collect();
    let counted = runs.iter().filter(|counts| **counts).count();
    let runs = match counted == runs.len() {
        true => counted.to_string(),
        false => format!("{counted} of {}", runs.len()),
    };
    let mut row = vec![
        subject.servers[cell.server].name.clone(),
        grouped(&cell.connections.to_string()),
        runs,
    ];
    match subject.results.figures(cell) {
        Some(figures) => row.extend(texts(&figures)),
        None => row.resize(COLUMNS.len(), DASH.to_owned()),
    }
    row
}

/// What comes behind the runs.
fn texts(figures: &Figures) -> [String; 11] {
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| DASH.to_owned());
    let rate = figures.per_second;
    let percentiles = figures
        .latency
        .map(|all| [all.p50_us, all.p90_us, all.p99_us, all.p999_us]);
    let [p50, p90, p99, p999] = match percentiles {
        Some(all) => all.map(|us| latency(us as f64)),
        None => [DASH; 4].map(str::to_owned),
    };
    [
        count(rate.median),
        count(rate.p25),
        count(rate.p75),
        p50,
        p90,
        p99,
        p999,
        or_dash(figures.cpu.map(|time| cpu(time.all_us.median))),
        or_dash(figures.cpu.map(|time| cpu(time.user_us))),
        or_dash(figures.cpu.map(|time| cpu(time.system_us))),
        or_dash(figures.pss_bytes.map(|pss| memory(pss.median))),
    ]
}
