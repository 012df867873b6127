//! `report.html`: one file that needs no network and no scripts.
//!
//! Results → a tree of elements (`crate::markup`) → text.
//!
//! | module | what it is |
//! |---|---|
//! | `headline`, `notes` | the verdict; what to know before the figures |
//! | `comparison` | before and after, as bars |
//! | `throughput`, `latency`, `costs`, `cells` | a path: its plots, and all its figures |
//! | `voids`, `method` | what does not count; how it was measured |
//! | `file` | a plot by itself, as SVG |
//! | `subject`, `series` | what is looked at: a path, the servers |
//! | `bars`, `frame`, `scale`, `labels`, `svg` | marks and where they go |
//! | `parts` | what a page is made of |

mod bars;
mod cells;
mod comparison;
mod costs;
mod file;
mod frame;
mod headline;
mod labels;
mod latency;
mod method;
mod notes;
mod parts;
mod scale;
mod series;
mod subject;
mod svg;
#[cfg(test)]
mod tests;
mod throughput;
mod voids;

use super::results::Results;
use crate::markup::{Element, element};
use parts::{caption, paragraph, section};
use series::{Series, legend};
use subject::Subject;

/// Of plots, in the page and by themselves.
const PLOT_STYLE: &str = include_str!("plot.css");
/// Of the rest of the page.
const PAGE_STYLE: &str = include_str!("page.css");

/// The report as HTML.
pub fn html(results: &Results) -> String {
    let page = element("html")
        .set("lang", "en")
        .with(head(results))
        .with(element("body").with(body(results)));
    format!("<!doctype html>\n{page}")
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

fn head(results: &Results) -> Element {
    let meta = |name: &'static str, content: &'static str| {
        element("meta").set("name", name).set("content", content)
    };
    element("head")
        .with(element("meta").set("charset", "utf-8"))
        .with(meta("viewport", "width=device-width, initial-scale=1"))
        .with(meta("color-scheme", "light dark"))
        .with(element("title").text(headline::title(results)))
        .with(element("style").verbatim(PLOT_STYLE).verbatim(PAGE_STYLE))
}

fn body(results: &Results) -> Element {
    let servers = Series::of(&results.plan);
    let subjects = subjects(results, &servers);
    let verdict = results.verdict();
    let has_others = results.plan.others().next().is_some();
    let page = element("main")
        .class(if has_others { "versus" } else { "alone" })
        .with(headline::header(results, &verdict))
        .with_all(notes::notes(results, &servers));
    let page = match results.runs.is_empty() {
        true => page,
        false => page
            .with_all(headline::comparisons(&verdict))
            .with(comparison::comparison(results, &subjects))
            .with_all(subjects.iter().map(path))
            .with(voids::voids(results, &servers)),
    };
    page.with(method::method(results, &servers))
}

/// All of one path.
fn path(subject: &Subject<'_>) -> Element {
    let section = section(subject.name()).class("subject");
    let section = match subject.name() == subject.path() {
        true => section,
        false => section.with(
            element("p")
                .class("path")
                .with(element("code").text(subject.path())),
        ),
    };
    if subject.busiest.is_none() {
        return section.with(paragraph("No run of this path counts yet."));
    }
    section
        .with(throughput(subject))
        .with_all(latency::figure(subject))
        .with(costs::figures(subject))
        .with(cells::details(subject))
}

fn throughput(subject: &Subject<'_>) -> Element {
    let reading = "over connections; lines are medians, bands go from quartile to quartile";
    element("figure")
        .with(caption("Requests per second", reading))
        .with(throughput::plot(subject, frame::WIDE))
        .with(throughput::plot(subject, frame::NARROW))
        .with(legend(subject.servers))
}
