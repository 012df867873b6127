//! What was measured, for the eye.
//!
//! Results → a tree of elements (`markup`) → text.
//!
//! | module | what it is |
//! |---|---|
//! | `throughput` | a path's plot |
//! | `file` | a plot by itself, as SVG |
//! | `subject`, `series` | what is looked at: a path, the servers |
//! | `frame`, `scale`, `labels`, `svg` | marks and where they go |
//! | `markup` | what all is made of |

mod file;
mod frame;
mod labels;
mod markup;
mod scale;
mod series;
mod subject;
mod svg;
mod throughput;

use super::results::Results;
use series::Series;
use subject::Subject;

/// Of plots, in the page and by themselves.
const PLOT_STYLE: &str = include_str!("plot.css");
/// The report as HTML.
pub fn html(results: &Results) -> String {
    format!("<!doctype html><pre>{}</pre>", super::table::table(results))
}

/// Plots as files of their own, by name: one for each path that was measured.
pub fn plots(results: &Results) -> Vec<(String, String)> {
    let servers = Series::of(&results.plan);
    let subjects = subjects(results, &servers);
    let names: Vec<&str> = subjects.iter().map(Subject::name).collect();
    let files = file::names(&names).into_iter().zip(&subjects);
    let measured = files.filter(|(_, subject)| subject.busiest.is_some());
    measured
        .map(|(name, subject)| (name, file::svg(subject)))
        .collect()
}

fn subjects<'a>(results: &'a Results, servers: &'a [Series]) -> Vec<Subject<'a>> {
    let paths = 0..results.plan.paths.len();
    paths
        .map(|path| Subject::of(results, path, servers))
        .collect()
}
