//! Bars below each other: a name, a bar, the number at its end. They are a table to who does not see them, and stretch with
//! the page: only marks are drawn, all words are text.

use super::parts::{DASH, server_heading};
use super::series::Series;
use crate::markup::{Element, element};

/// Above and below a bar, as parts of its lane's height.
const MARGIN: f64 = 0.14;
/// Half of the height of a whisker's ends.
const WHISKER_END: f64 = 0.16;

/// Bars and what they show.
pub(super) struct Bars<'a> {
    /// `panel` or `wide`, for the style sheet: whether names are above bars or beside them.
    pub(super) class: &'static str,
    /// What the table is, for those who do not see it in its place.
    pub(super) caption: String,
    /// What the numbers are.
    pub(super) unit: &'static str,
    /// What the notes are, if there are some.
    pub(super) note: Option<&'static str>,
    /// From top to bottom.
    pub(super) bars: Vec<Bar<'a>>,
}

/// One server's.
pub(super) struct Bar<'a> {
    /// Who it is.
    pub(super) series: &'a Series,
    /// What it comes to; none if no run counts.
    pub(super) amount: Option<Amount>,
    /// What is said beside the number.
    pub(super) note: String,
}

/// How long a bar is.
pub(super) struct Amount {
    /// What it is made of, from left to right.
    pub(super) parts: Vec<f64>,
    /// From one quartile to the other.
    pub(super) range: (f64, f64),
    /// The number.
    pub(super) text: String,
}

impl Amount {
    fn end(&self) -> f64 {
        self.parts.iter().sum::<f64>().max(self.range.1)
    }
}

impl Bars<'_> {
    /// The table.
    pub(super) fn table(&self) -> Element {
        let amounts = self.bars.iter().filter_map(|bar| bar.amount.as_ref());
        let longest = amounts.map(Amount::end).fold(f64::MIN_POSITIVE, f64::max);
        let heading = |text: &'static str| element("th").set("scope", "col").text(text);
        let headings = ["server", self.unit].into_iter().chain(self.note);
        let head = element("tr").with_all(headings.map(heading));
        let rows = self.bars.iter().map(|bar| self.row(bar, longest));
        element("table")
            .class(format!("bars {}", self.class))
            .with(
                element("caption")
                    .class("unseen")
                    .text(self.caption.clone()),
            )
            .with(element("thead").class("unseen").with(head))
            .with(element("tbody").with_all(rows))
    }

    fn row(&self, bar: &Bar<'_>, longest: f64) -> Element {
        let name = server_heading(bar.series);
        let lane = match &bar.amount {
            Some(amount) => amount.lane(longest),
            None => element("td").class("lane").text(DASH),
        };
        let row = element("tr")
            .class(bar.series.class())
            .with(name)
            .with(lane);
        match self.note {
            Some(_) => row.with(element("td").class("note").text(bar.note.clone())),
            None => row,
        }
    }
}

impl Amount {
    fn lane(&self, longest: f64) -> Element {
        let mut drawn = element("svg").set("aria-hidden", "true");
        let mut from = 0.0;
        for (index, part) in self.parts.iter().enumerate() {
            drawn = drawn.with(
                element("rect")
                    .class(format!("part-{index}"))
                    .set("x", percent(from / longest))
                    .set("y", percent(MARGIN))
                    .set("width", percent(part / longest))
                    .set("height", percent(1.0 - 2.0 * MARGIN)),
            );
            from += part;
        }
        let number = element("span")
            .class("number")
            .set("style", format!("--at:{:.4}", self.end() / longest))
            .text(self.text.clone());
        element("td")
            .class("lane")
            .with(drawn.with_all(self.whisker(longest)))
            .with(number)
    }

    /// A line from one quartile to the other with an end at each.
    fn whisker(&self, longest: f64) -> [Element; 3] {
        let (p25, p75) = (self.range.0 / longest, self.range.1 / longest);
        let end = (0.5 - WHISKER_END, 0.5 + WHISKER_END);
        [
            line((p25, p75), (0.5, 0.5), "whisker"),
            line((p25, p25), end, "whisker"),
            line((p75, p75), end, "whisker"),
        ]
    }
}

/// A line in a lane, in parts of its length and height.
pub(super) fn line(x: (f64, f64), y: (f64, f64), class: &'static str) -> Element {
    element("line")
        .class(class)
        .set("x1", percent(x.0))
        .set("x2", percent(x.1))
        .set("y1", percent(y.0))
        .set("y2", percent(y.1))
}

/// A part of a lane's length or height.
pub(super) fn percent(part: f64) -> String {
    let text = format!("{:.2}", part * 100.0);
    format!("{}%", text.trim_end_matches('0').trim_end_matches('.'))
}
