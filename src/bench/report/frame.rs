//! The axes of a plot over connections, and how much room there is around them.

use super::scale::{Scale, round_numbers};
use super::svg;
use crate::bench::text::grouped;
use crate::markup::Element;

/// How large a plot is, in units of its own: those of a screen, where it is not made to fit.
#[derive(Clone, Copy)]
pub(super) struct Format {
    /// As `plot.css` knows it.
    pub(super) class: &'static str,
    /// From side to side.
    pub(super) width: f64,
    /// From top to bottom.
    pub(super) height: f64,
    /// Of its letters, as in `plot.css`.
    pub(super) font: f64,
    /// Whether lines are named where they end. Where there is no room, a legend has to do.
    pub(super) has_labels: bool,
}

/// For a page.
pub(super) const WIDE: Format = Format {
    class: "plot wide",
    width: 960.0,
    height: 440.0,
    font: 15.0,
    has_labels: true,
};
/// For a telephone.
pub(super) const NARROW: Format = Format {
    class: "plot narrow",
    width: 400.0,
    height: 340.0,
    font: 13.0,
    has_labels: false,
};

/// Above the axes, for the name of the vertical one.
const TOP: f64 = 40.0;
/// Below them, for the numbers of the horizontal one and its name.
const BOTTOM: f64 = 54.0;
/// Behind them, where there are no labels: for half of the last number.
const BEHIND: f64 = 12.0;
/// Between the vertical axis and the first marks, and behind the last ones.
const INSET: f64 = 14.0;
/// Between a number and its axis.
const BESIDE: f64 = 10.0;
/// Below the horizontal axis, where its numbers are.
const TICK: f64 = 5.0;
/// Of a letter, as a part of its font's size: few fonts have wider ones.
const LETTER: f64 = 0.6;
/// Of the vertical axis.
const MOST_STEPS: usize = 6;

/// The axes, and where figures are between them.
pub(super) struct Frame {
    /// What all of it fits in.
    pub(super) format: Format,
    /// The upper end of the vertical axis.
    pub(super) top: f64,
    /// The horizontal axis.
    pub(super) bottom: f64,
    left: f64,
    right: f64,
    x: Scale,
    y: Scale,
    connections: Vec<usize>,
    /// Numbers beside the vertical axis.
    rates: Vec<f64>,
}

impl Format {
    /// The room that so many letters take, about.
    pub(super) fn width_of(self, letters: usize) -> f64 {
        letters as f64 * LETTER * self.font
    }

    /// The y of words whose middle is at this height.
    pub(super) fn base_line(self, middle: f64) -> f64 {
        middle + self.font * 0.35
    }
}

impl Frame {
    /// Of a plot of rates up to `most`, with room behind it for labels if it has some.
    pub(super) fn new(format: Format, connections: &[usize], most: f64, labels: f64) -> Frame {
        let connections = in_order(connections);
        let end = |connections: Option<&usize>| connections.copied().unwrap_or(1).max(1) as f64;
        let ends = (end(connections.first()), end(connections.last()));
        let rates = round_numbers(most, MOST_STEPS);
        let letters = rates.iter().map(|rate| text(*rate, &rates).len()).max();
        let left = format.width_of(letters.unwrap_or(0)) + BESIDE;
        let right = format.width - if format.has_labels { labels } else { BEHIND };
        let bottom = format.height - BOTTOM;
        Frame {
            format,
            connections,
            top: TOP,
            bottom,
            left,
            right,
            x: Scale::logarithmic(ends, (left + INSET, right - INSET)),
            y: Scale::linear((0.0, rates[rates.len() - 1]), (bottom, TOP)),
            rates,
        }
    }

    /// Where a number of connections is.
    pub(super) fn x_of(&self, connections: usize) -> f64 {
        self.x.place(connections.max(1) as f64)
    }

    /// Where the marks of most connections are.
    pub(super) fn last_x(&self) -> f64 {
        self.right - INSET
    }

    /// Where a rate is.
    pub(super) fn y_of(&self, rate: f64) -> f64 {
        self.y.place(rate)
    }

    /// The axes with their names and numbers.
    pub(super) fn axes(&self) -> Vec<Element> {
        let middle = (self.left + self.right) / 2.0;
        let mut drawn = vec![
            svg::text((0.0, self.top - 20.0), "axis", "requests/s"),
            svg::text(
                (middle, self.format.height - 8.0),
                "axis middle",
                "connections",
            ),
        ];
        for rate in &self.rates {
            let y = self.y_of(*rate);
            let class = if *rate == 0.0 { "base" } else { "grid" };
            drawn.push(svg::line((self.left, y), (self.right, y), class));
            let at = (self.left - BESIDE, self.format.base_line(y));
            drawn.push(svg::text(at, "tick end", text(*rate, &self.rates)));
        }
        let mut free_from = f64::NEG_INFINITY;
        for connections in &self.connections {
            let x = self.x_of(*connections);
            let tick = (x, self.bottom + TICK);
            drawn.push(svg::line((x, self.bottom), tick, "base"));
            let text = grouped(&connections.to_string());
            let half = self.format.width_of(text.len() + 1) / 2.0;
            // A number that has no room is left out.
            if x - half >= free_from {
                let at = (x, tick.1 + 4.0 + self.format.font);
                drawn.push(svg::text(at, "tick middle", text));
                free_from = x + half;
            }
        }
        drawn
    }
}

/// From the fewest to the most, each once.
pub(super) fn in_order(connections: &[usize]) -> Vec<usize> {
    let mut connections = connections.to_vec();
    connections.sort_unstable();
    connections.dedup();
    connections
}

/// A number beside the vertical axis, with as many decimals as the steps of all of them need.
fn text(rate: f64, all: &[f64]) -> String {
    let step = all[1] - all[0];
    match step >= 1.0 {
        true => grouped(&format!("{rate:.0}")),
        false => format!("{rate:.*}", -step.log10().floor() as usize),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_beside_an_axis_have_the_decimals_of_its_steps() {
        let texts = |most| {
            let all = round_numbers(most, 4);
            all.iter().map(|rate| text(*rate, &all)).collect::<Vec<_>>()
        };
        assert_eq!(
            texts(18_000.0),
            ["0", "5,000", "10,000", "15,000", "20,000"]
        );
        assert_eq!(texts(0.7), ["0.0", "0.2", "0.4", "0.6", "0.8"]);
    }

    #[test]
    fn numbers_without_room_are_left_out() {
        let all: Vec<usize> = (1..=200).rev().collect();
        let frame = Frame::new(WIDE, &all, 1.0, 100.0);
        assert_eq!((frame.connections[0], frame.connections[199]), (1, 200));
        let drawn = frame.axes();
        let ticks = drawn.iter().map(|drawn| drawn.to_string());
        let ticks = ticks.filter(|drawn| drawn.contains("tick middle")).count();
        assert!((10..40).contains(&ticks), "{ticks}");
    }
}
