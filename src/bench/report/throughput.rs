//! Requests per second over connections: lines of medians in bands from quartile to quartile.

use super::frame::{Format, Frame, in_order};
use super::labels::spread;
use super::series::Series;
use super::subject::Subject;
use super::svg::{self, Point};
use crate::bench::plan::Cell;
use crate::bench::statistics::Summary;
use crate::bench::text::{count, several};
use crate::markup::{Element, element};

/// From the last mark to that of its label.
const LEADER: f64 = 34.0;
/// From a leader's end to a mark's middle.
const APART: f64 = 9.0;
/// From a label's mark to its words.
const MARK: f64 = 12.0;
/// Of a name beside its line; the legend has all of it.
const MOST_LETTERS: usize = 26;
/// From one label to the next, as a part of the font's size.
const LINE_HEIGHT: f64 = 1.35;

/// One server's line: its points from left to right, in rows. Where a figure is missing, a row ends.
struct Line<'a> {
    series: &'a Series,
    rows: Vec<Vec<(usize, Summary)>>,
}

/// The plot of a path.
pub(super) fn plot(subject: &Subject<'_>, format: Format) -> Element {
    let about = format!("Requests per second over connections on {}", subject.name());
    element("svg")
        .class(format.class)
        .set("viewBox", format!("0 0 {} {}", format.width, format.height))
        .set("role", "img")
        .set("aria-label", about)
        .with_all(drawing(subject, format))
}

/// All that is drawn.
pub(super) fn drawing(subject: &Subject<'_>, format: Format) -> Vec<Element> {
    let lines = lines(subject);
    let points = lines.iter().flat_map(Line::points);
    let most = points.map(|(_, rate)| rate.p75).fold(0.0, f64::max);
    let letters = lines.iter().map(|line| label(line.series).chars().count());
    let labels = LEADER + MARK + format.width_of(letters.max().unwrap_or(0));
    let frame = Frame::new(format, &subject.results.plan.connections, most, labels);
    let mut drawn = frame.axes();
    // The first ones lie above the others.
    drawn.extend(lines.iter().rev().map(|line| line.band(&frame)));
    drawn.extend(lines.iter().rev().map(|line| line.medians(&frame)));
    if format.has_labels {
        drawn.extend(names(&lines, &frame));
    }
    drawn
}

fn lines<'a>(subject: &Subject<'a>) -> Vec<Line<'a>> {
    let connections = in_order(&subject.results.plan.connections);
    let servers = subject.servers.iter().enumerate();
    let lines = servers.map(|(server, series)| {
        let rate = |connections: &usize| {
            let cell = Cell {
                server,
                path: subject.path,
                connections: *connections,
            };
            let figures = subject.results.figures(&cell)?;
            Some((*connections, figures.per_second))
        };
        let points: Vec<Option<(usize, Summary)>> = connections.iter().map(rate).collect();
        let rows = points.split(Option::is_none);
        Line {
            series,
            rows: rows
                .map(|row| row.iter().copied().flatten().collect())
                .collect(),
        }
    });
    lines.collect()
}

impl Line<'_> {
    fn points(&self) -> impl Iterator<Item = &(usize, Summary)> {
        self.rows.iter().flatten()
    }

    /// From the lower to the upper quartile.
    fn band(&self, frame: &Frame) -> Element {
        let areas = self.rows.iter().filter_map(|row| {
            let place = |connections: usize, rate: f64| (frame.x_of(connections), frame.y_of(rate));
            let upper = row.iter().map(|(count, rate)| place(*count, rate.p75));
            let lower = row.iter().map(|(count, rate)| place(*count, rate.p25));
            let corners: Vec<Point> = upper.chain(lower.rev()).collect();
            match corners[..] {
                [] => None,
                // A single point has no area.
                [upper, lower] => Some(svg::line(lower, upper, "range")),
                _ => Some(svg::polygon(&corners, "band")),
            }
        });
        element("g").class(self.series.classes()).with_all(areas)
    }

    fn medians(&self, frame: &Frame) -> Element {
        let place = |(connections, rate): &(usize, Summary)| {
            (frame.x_of(*connections), frame.y_of(rate.median))
        };
        let rows = self.rows.iter().filter(|row| row.len() > 1);
        let rows = rows.map(|row| {
            let places: Vec<Point> = row.iter().map(place).collect();
            svg::polyline(&places, "line")
        });
        let marks = self.points().map(|point| {
            let tip = element("title").text(tip(self.series, point));
            self.series.mark(place(point)).with(tip)
        });
        element("g")
            .class(self.series.classes())
            .with_all(rows)
            .with_all(marks)
    }
}

/// The servers' names where their lines end.
fn names(lines: &[Line<'_>], frame: &Frame) -> Vec<Element> {
    let end = |line: &Line<'_>| {
        let (connections, rate) = line.points().last()?;
        Some((frame.x_of(*connections), frame.y_of(rate.median)))
    };
    let ends = lines.iter().map(|line| (line.series, end(line)));
    let ends: Vec<(&Series, Point)> = ends
        .filter_map(|(series, end)| Some((series, end?)))
        .collect();
    let wanted: Vec<f64> = ends.iter().map(|(_, end)| end.1).collect();
    let gap = frame.format.font * LINE_HEIGHT;
    let places = spread(&wanted, gap, frame.top, frame.bottom);
    let x = frame.last_x() + LEADER;
    let names = ends.iter().zip(places).map(|((series, end), y)| {
        let words = (x + MARK, frame.format.base_line(y));
        element("g")
            .class(series.classes())
            .with(svg::line((end.0 + APART, end.1), (x - APART, y), "leader"))
            .with(series.mark((x, y)))
            .with(svg::text(words, "name", label(series)))
    });
    names.collect()
}

/// What is shown of a point that is pointed at.
fn tip(series: &Series, (connections, rate): &(usize, Summary)) -> String {
    format!(
        "{}, {}: {} requests/s ({} to {})",
        series.name,
        several(*connections, "connection"),
        count(rate.median),
        count(rate.p25),
        count(rate.p75)
    )
}

/// A server's name beside its line.
fn label(series: &Series) -> String {
    if series.name.chars().count() <= MOST_LETTERS {
        return series.name.clone();
    }
    let mut short: String = series.name.chars().take(MOST_LETTERS - 1).collect();
    short.push('…');
    short
}
