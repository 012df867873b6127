//! How long answers took: three percentiles of each server on one logarithmic axis.

use super::bars::{line, percent};
use super::parts::{DASH, caption, server_heading};
use super::scale::{Scale, round_factors, written_factors};
use super::subject::Subject;
use crate::bench::results::Latency;
use crate::bench::text::latency;
use crate::markup::{Element, element};

/// Of a server's lane, what is left free at both ends: a mark is as wide as that.
const ENDS: (f64, f64) = (0.03, 0.97);
/// The percentiles, and how their marks look.
const MARKS: [(&str, Mark); 3] = [
    ("p50", Mark::Dot),
    ("p90", Mark::Stroke),
    ("p99", Mark::Ring),
];

#[derive(Clone, Copy)]
enum Mark {
    Dot,
    Stroke,
    Ring,
}

/// An axis of times in microseconds.
struct Axis {
    scale: Scale,
    written: Vec<f64>,
}

/// The figure; none if nothing is known of any server.
pub(super) fn figure(subject: &Subject<'_>) -> Option<Element> {
    let axis = Axis::of(subject)?;
    let servers = 0..subject.servers.len();
    let rows = servers.map(|server| row(subject, server, &axis));
    let table = element("table")
        .class("latencies")
        .with(element("caption").class("unseen").text(format!(
            "Latency on {} {}",
            subject.name(),
            subject.where_busiest()
        )))
        .with(head())
        .with(element("tbody").with_all(rows))
        .with(axis.foot());
    let reading = format!(
        "{}; within these times 50, 90 and 99 of 100 answers were there",
        subject.where_busiest()
    );
    Some(
        element("figure")
            .with(caption("Latency", reading))
            .with(table),
    )
}

/// What is shown of a latency, in the order of [`MARKS`].
fn percentiles(all: &Latency) -> [f64; 3] {
    // Less than a microsecond was not measured, and has no place on the axis.
    [all.p50_us, all.p90_us, all.p99_us].map(|us| us.max(1) as f64)
}

fn at_busiest(subject: &Subject<'_>, server: usize) -> Option<[f64; 3]> {
    let latency = subject.at_busiest(server)?.latency?;
    Some(percentiles(&latency))
}

/// Names of columns, with the marks that they explain.
fn head() -> Element {
    let heading = || element("th").set("scope", "col");
    let marks = MARKS.iter().map(|(name, mark)| {
        let sample = element("svg")
            .class("key")
            .set("viewBox", "0 0 16 26")
            .set("aria-hidden", "true")
            .with(mark.at(0.5));
        heading().class("figure").with(sample).text(*name)
    });
    let row = element("tr")
        .with(heading().text("server"))
        .with(element("td").class("lane"))
        .with_all(marks);
    element("thead").with(row)
}

fn row(subject: &Subject<'_>, server: usize, axis: &Axis) -> Element {
    let series = &subject.servers[server];
    let known = at_busiest(subject, server);
    let texts = match known {
        Some(times) => times.map(latency),
        None => [DASH; 3].map(str::to_owned),
    };
    let numbers = texts.map(|text| element("td").class("figure").text(text));
    element("tr")
        .class(series.class())
        .with(server_heading(series))
        .with(element("td").class("lane").with(axis.lane(known)))
        .with_all(numbers)
}

impl Axis {
    fn of(subject: &Subject<'_>) -> Option<Axis> {
        let servers = 0..subject.servers.len();
        let known: Vec<f64> = servers
            .filter_map(|server| at_busiest(subject, server))
            .flatten()
            .collect();
        let least = known.iter().copied().min_by(f64::total_cmp)?;
        let most = known.iter().copied().max_by(f64::total_cmp)?;
        let factors = round_factors(least, most);
        Some(Axis {
            scale: Scale::logarithmic((factors[0], factors[factors.len() - 1]), ENDS),
            written: written_factors(&factors),
        })
    }

    fn lane(&self, known: Option<[f64; 3]>) -> Element {
        let grid = self.written.iter().map(|us| {
            let x = self.scale.place(*us);
            line((x, x), (0.0, 1.0), "grid")
        });
        let lane = element("svg").set("aria-hidden", "true").with_all(grid);
        let Some(times) = known else { return lane };
        let places = times.map(|us| self.scale.place(us));
        let marks = MARKS.iter().zip(places).rev();
        lane.with(line((places[0], places[2]), (0.5, 0.5), "span"))
            .with_all(marks.map(|((_, mark), place)| mark.at(place)))
    }

    /// The numbers of the axis.
    fn foot(&self) -> Element {
        let numbers = self.written.iter().map(|us| {
            element("span")
                .set("style", format!("left:{}", percent(self.scale.place(*us))))
                .text(round_time(*us))
        });
        let lane = element("td").class("lane axis").with_all(numbers);
        let row = element("tr")
            .with(element("td"))
            .with(lane)
            .with(element("td").set("colspan", "3"));
        element("tfoot").set("aria-hidden", "true").with(row)
    }
}

impl Mark {
    /// In a lane, at this part of its length.
    fn at(self, place: f64) -> Element {
        let circle = |class: &'static str| {
            element("circle")
                .class(class)
                .set("cx", percent(place))
                .set("cy", "50%")
                .set("r", "5.5")
        };
        match self {
            Mark::Dot => circle("dot"),
            Mark::Stroke => line((place, place), (0.22, 0.78), "stroke"),
            Mark::Ring => circle("ring"),
        }
    }
}

/// `200 µs`, `5 ms`, `1 s`.
fn round_time(us: f64) -> String {
    match us {
        us if us < 1e3 => format!("{us:.0} µs"),
        us if us < 1e6 => format!("{:.0} ms", us / 1e3),
        us => format!("{:.0} s", us / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_times_have_no_decimals() {
        assert_eq!(
            [1.0, 500.0, 20_000.0, 1e6].map(round_time),
            ["1 µs", "500 µs", "20 ms", "1 s"]
        );
    }
}
