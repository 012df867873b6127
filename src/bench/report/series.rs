//! The servers as they are shown: what they are called, and what tells their lines apart without colours, too.

use super::svg::{self, Point};
use crate::bench::plan::{Kind, Plan};
use crate::markup::{Element, element};

/// Colours in `plot.css`: those of M. Okabe and K. Ito, "Color Universal Design" (2008), darker on white and lighter on
/// black where they would be too faint.
const COLOURS: usize = 8;
/// Patterns of lines in `plot.css`.
const DASHES: usize = 5;
/// Outlines of marks around 0,0. They, colours and dashes repeat after different numbers of servers: all three together
/// only after 280.
const SHAPES: [&str; 7] = [
    // Circle, square, triangle, diamond, triangle on its tip, plus, cross.
    "M-5 0a5 5 0 1 0 10 0a5 5 0 1 0 -10 0z",
    "M-4.5 -4.5h9v9h-9z",
    "M0 -6.2L5.8 4.4H-5.8z",
    "M0 -6.4L6.4 0L0 6.4L-6.4 0z",
    "M0 6.2L5.8 -4.4H-5.8z",
    "M-2 -6h4v4h4v4h-4v4h-4v-4h-4v-4h4z",
    "M0 -2.8L3.2 -6L6 -3.2L2.8 0L6 3.2L3.2 6L0 2.8L-3.2 6L-6 3.2L-2.8 0L-6 -3.2L-3.2 -6z",
];

/// A server of the plan as it is shown.
#[derive(Clone, Debug)]
pub(super) struct Series {
    /// What it is called.
    pub(super) name: String,
    /// Whether it is peppercorn.
    pub(super) is_ours: bool,
    /// Its place in the plan.
    index: usize,
}

impl Series {
    /// All servers, in the order of the plan.
    pub(super) fn of(plan: &Plan) -> Vec<Series> {
        let has_others = plan.others().next().is_some();
        let servers = plan.servers.iter().enumerate();
        let series = servers.map(|(index, server)| {
            let is_ours = matches!(server.kind, Kind::Layout(_));
            let name = match is_ours && has_others {
                true => format!("peppercorn {}", server.name),
                false => server.name.clone(),
            };
            Series {
                name,
                is_ours,
                index,
            }
        });
        series.collect()
    }

    /// Of whatever is told of it: peppercorn, or another.
    pub(super) fn class(&self) -> &'static str {
        match self.is_ours {
            true => "ours",
            false => "other",
        }
    }

    /// Of what is drawn of it among lines of all servers.
    pub(super) fn classes(&self) -> String {
        format!(
            "{} colour-{} dash-{}",
            self.class(),
            self.index % COLOURS,
            self.index % DASHES
        )
    }

    /// Its mark: filled for peppercorn, hollow for others.
    pub(super) fn mark(&self, at: Point) -> Element {
        let shape = SHAPES[self.index % SHAPES.len()];
        element("path")
            .class("mark")
            .set("d", shape)
            .set("transform", svg::translate(at))
    }
}

/// What each line is.
pub(super) fn legend(all: &[Series]) -> Element {
    let items = all.iter().map(|series| {
        let sample = element("svg")
            .class(format!("sample {}", series.classes()))
            .set("viewBox", "0 0 48 16")
            .set("aria-hidden", "true")
            .with(svg::line((1.0, 8.0), (47.0, 8.0), "line"))
            .with(series.mark((24.0, 8.0)));
        element("li").with(sample).text(series.name.clone())
    });
    element("ul").class("legend").with_all(items)
}
