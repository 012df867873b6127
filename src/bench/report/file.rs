//! A plot as a file of its own: a picture for a README, which knows nothing of the page around it.

use super::PLOT_STYLE;
use super::frame::WIDE;
use super::subject::Subject;
use super::svg;
use super::throughput::drawing;
use crate::bench::text::several;
use crate::markup::element;

/// Around the plot.
const MARGIN: f64 = 24.0;
/// Above it, for its title.
const TITLE: f64 = 78.0;

/// The text of an SVG file.
pub(super) fn svg(subject: &Subject<'_>) -> String {
    let plan = &subject.results.plan;
    let (width, height) = (WIDE.width + 2.0 * MARGIN, WIDE.height + TITLE + MARGIN);
    let title = format!("{}: requests per second", plan.paths[subject.path]);
    let reading = format!(
        "median and quartiles of {} of {} s over the number of connections",
        several(plan.rounds, "run"),
        plan.duration_s
    );
    // A page in light colours may show it on a dark screen: it brings its own ground.
    let ground = element("rect")
        .class("ground")
        .set("width", "100%")
        .set("height", "100%")
        .set("rx", "10");
    let plot = element("g")
        .set("transform", svg::translate((MARGIN, TITLE)))
        .with_all(drawing(subject, WIDE));
    let picture = element("svg")
        .set("xmlns", "http://www.w3.org/2000/svg")
        .class(WIDE.class)
        .set("width", svg::number(width))
        .set("height", svg::number(height))
        .set("viewBox", format!("0 0 {width} {height}"))
        .set("role", "img")
        .with(element("title").text(title.clone()))
        .with(element("desc").text(reading.clone()))
        .with(element("style").verbatim(PLOT_STYLE))
        .with(ground)
        .with(svg::text((MARGIN, 38.0), "title", title))
        .with(svg::text((MARGIN, 62.0), "tick", reading))
        .with(plot);
    format!("{picture}\n")
}

/// Names of files, one for each of these names: letters and digits of it, and a number where two would be the same.
pub(super) fn names(of: &[&str]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for name in of {
        let words: Vec<String> = name
            .split(|c: char| !c.is_alphanumeric())
            .filter(|word| !word.is_empty())
            .map(str::to_lowercase)
            .collect();
        let plain = match words.is_empty() {
            true => "path".to_owned(),
            false => words.join("-"),
        };
        let numbered = (2..).map(|number| format!("{plain}-{number}"));
        let mut choices = std::iter::once(plain.clone())
            .chain(numbered)
            .map(|name| format!("{name}.svg"));
        names.extend(choices.find(|name| !names.contains(name)));
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_have_names_of_their_own() {
        assert_eq!(
            names(&["/ping", "one row", "/a/1?b=c", "/", "One  Row"]),
            [
                "ping.svg",
                "one-row.svg",
                "a-1-b-c.svg",
                "path.svg",
                "one-row-2.svg"
            ]
        );
    }
}
