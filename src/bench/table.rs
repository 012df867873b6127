//! The figures as a table for a terminal, which is a Markdown table as well.

use std::fmt::Write;

use super::plan::Cell;
use super::results::Results;
use super::text::{count, latency, memory};

/// Columns, and whether they are numbers.
const COLUMNS: [(&str, bool); 8] = [
    ("server", false),
    ("connections", true),
    ("requests/s", true),
    ("p25 to p75", true),
    ("p50", true),
    ("p99", true),
    ("CPU per request", true),
    ("memory", true),
];

/// A table for each path; a cell without a run that counts is a row of dashes.
pub fn table(results: &Results) -> String {
    let mut text = String::new();
    for path in 0..results.plan.paths.len() {
        let rows: Vec<[String; COLUMNS.len()]> = cells(results, path)
            .map(|cell| row(results, &cell))
            .collect();
        // Writing to a String does not fail.
        let _ = writeln!(text, "{}\n", results.plan.paths[path]);
        lines(&rows, &mut text);
        text.push('\n');
    }
    text
}

/// The cells of a path, as they are shown.
pub fn cells(results: &Results, path: usize) -> impl Iterator<Item = Cell> + '_ {
    (0..results.plan.servers.len()).flat_map(move |server| {
        let connections = results.plan.connections.iter();
        connections.map(move |connections| Cell {
            server,
            path,
            connections: *connections,
        })
    })
}

/// A cell's figures, in the order of the columns.
fn row(results: &Results, cell: &Cell) -> [String; COLUMNS.len()] {
    let none = || "-".to_owned();
    let server = results.plan.servers[cell.server].name.clone();
    let connections = cell.connections.to_string();
    let Some(figures) = results.figures(cell) else {
        return [
            server,
            connections,
            none(),
            none(),
            none(),
            none(),
            none(),
            none(),
        ];
    };
    let rate = figures.per_second;
    [
        server,
        connections,
        count(rate.median),
        format!("{} to {}", count(rate.p25), count(rate.p75)),
        figures
            .latency
            .map_or_else(none, |all| latency(all.p50_us as f64)),
        figures
            .latency
            .map_or_else(none, |all| latency(all.p99_us as f64)),
        figures
            .cpu
            .map_or_else(none, |cpu| format!("{:.1} µs", cpu.all_us.median)),
        figures
            .pss_bytes
            .map_or_else(none, |pss| memory(pss.median)),
    ]
}

/// Rows below the columns' names.
fn lines(rows: &[[String; COLUMNS.len()]], text: &mut String) {
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.chain([COLUMNS[column].0.len()]).max().unwrap_or(0)
    };
    let widths: [usize; COLUMNS.len()] = std::array::from_fn(width);
    let mut line = |cells: [&str; COLUMNS.len()]| {
        for (index, cell) in cells.into_iter().enumerate() {
            let width = widths[index];
            let _ = match COLUMNS[index].1 {
                true => write!(text, "| {cell:>width$} "),
                false => write!(text, "| {cell:<width$} "),
            };
        }
        text.push_str("|\n");
    };
    line(COLUMNS.map(|(name, _)| name));
    let rules: [String; COLUMNS.len()] = std::array::from_fn(|index| match COLUMNS[index].1 {
        true => format!("{}:", "-".repeat(widths[index] - 1)),
        false => "-".repeat(widths[index]),
    });
    line(std::array::from_fn(|index| rules[index].as_str()));
    for row in rows {
        line(std::array::from_fn(|index| row[index].as_str()));
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn cells_are_rows_and_what_does_not_count_is_a_dash() {
        let results = sample::results(&["1x1", "flask"], |server, round| {
            (server == "1x1").then(|| 10_000 + 100 * round as u64)
        });
        let text = table(&results);
        let (_, text) = text.split_once("one row (/a/1)\n\n").unwrap();
        let expected = "\
| server | connections | requests/s |       p25 to p75 |     p50 |     p99 | CPU per request |  memory |
| ------ | ----------: | ---------: | ---------------: | ------: | ------: | --------------: | ------: |
| 1x1    |           1 |     10,250 | 10,125 to 10,375 | 1.00 ms | 2.50 ms |         48.8 µs | 4.0 MiB |
| 1x1    |          64 |     10,250 | 10,125 to 10,375 | 1.00 ms | 2.50 ms |         48.8 µs | 4.0 MiB |
| flask  |           1 |          - |                - |       - |       - |               - |       - |
| flask  |          64 |          - |                - |       - |       - |               - |       - |

";
        assert_eq!(text, expected);
    }
}
