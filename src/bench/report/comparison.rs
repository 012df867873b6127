//! Before and after: the talk compared its Flask service with its aiohttp service where they had most to do.

use super::bars::{Amount, Bar, Bars};
use super::parts::{caption, paragraph, section};
use super::subject::Subject;
use crate::bench::plan::Plan;
use crate::bench::results::Results;
use crate::bench::text::{count, ratio};
use crate::markup::{Element, element};

/// A panel of bars for each path.
pub(super) fn comparison(results: &Results, subjects: &[Subject<'_>]) -> Element {
    let (heading, what) = introduction(results);
    let panels = subjects.iter().map(panel);
    section(heading)
        .class("comparison")
        .with(paragraph(what))
        .with(element("div").class("panels").with_all(panels))
        .with(paragraph(
            "Bars are medians, their whiskers go from quartile to quartile. The factor is the median as a multiple of the \
             first bar's; the verdict goes over all numbers of connections.",
        ).class("reading"))
}

/// The heading, and what is compared.
fn introduction(results: &Results) -> (&'static str, String) {
    match (results.plan.others().next(), results.base()) {
        (Some(_), Some((_, base))) => (
            "Before and after",
            format!(
                "The talk set requests per second of its Flask service, before, beside those of its aiohttp service, after: \
                 without a database, with one, and in production. Here the other servers are before, in grey; after, in \
                 colour, is peppercorn as {base}, and in the layout that was fastest on the path."
            ),
        ),
        _ => (
            "Layouts side by side",
            "What each layout of peppercorn came to on each path, where the path was answered fastest.".to_owned(),
        ),
    }
}

/// One path's.
fn panel(subject: &Subject<'_>) -> Element {
    let reading = match subject.busiest {
        Some(_) => format!("requests/s {}", subject.where_busiest()),
        None => "no run counts yet".to_owned(),
    };
    let shown = shown(&subject.results.plan, subject);
    let medians = shown.iter().map(|server| median(subject, *server));
    let first = medians.flatten().next();
    let bars = shown.iter().map(|server| bar(subject, *server, first));
    let bars = Bars {
        class: "panel",
        caption: format!("{}: {reading}", subject.name()),
        unit: "requests/s",
        note: Some("multiple of the first"),
        bars: bars.collect(),
    };
    element("figure")
        .with(caption(subject.name(), reading))
        .with(bars.table())
}

/// Which servers, in their order: the others, then the layout they are compared with and the fastest one; or all, if they
/// are all peppercorn.
fn shown(plan: &Plan, subject: &Subject<'_>) -> Vec<usize> {
    let layouts = plan.layouts().map(|(server, _)| server);
    let mut shown: Vec<usize> = plan.others().collect();
    if shown.is_empty() {
        return layouts.collect();
    }
    let base = subject.results.base().map(|(server, _)| server);
    let known = layouts.filter_map(|server| Some((server, median(subject, server)?)));
    let best = known.max_by(|a, b| a.1.total_cmp(&b.1));
    let best = best.map(|(server, _)| server);
    shown.extend(base);
    shown.extend(best.filter(|best| Some(*best) != base));
    shown
}

fn median(subject: &Subject<'_>, server: usize) -> Option<f64> {
    Some(subject.at_busiest(server)?.per_second.median)
}

fn bar<'a>(subject: &Subject<'a>, server: usize, first: Option<f64>) -> Bar<'a> {
    let rate = subject.at_busiest(server).map(|figures| figures.per_second);
    Bar {
        series: &subject.servers[server],
        amount: rate.map(|rate| Amount {
            parts: vec![rate.median],
            range: (rate.p25, rate.p75),
            text: count(rate.median),
        }),
        note: match (rate, first) {
            (Some(rate), Some(first)) => ratio(rate.median / first),
            _ => String::new(),
        },
    }
}
