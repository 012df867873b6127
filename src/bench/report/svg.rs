//! Marks of plots.

use crate::markup::{Element, element};

/// A place: to the right, and down.
pub(super) type Point = (f64, f64);

/// A number of a drawing: a tenth of a unit cannot be seen.
pub(super) fn number(number: f64) -> String {
    let text = format!("{number:.1}");
    let text = text.strip_suffix(".0").unwrap_or(&text);
    match text {
        "-0" => "0".to_owned(),
        text => text.to_owned(),
    }
}

/// Moves what is drawn around 0,0.
pub(super) fn translate(at: Point) -> String {
    format!("translate({} {})", number(at.0), number(at.1))
}

/// A straight line.
pub(super) fn line(from: Point, to: Point, class: &'static str) -> Element {
    element("line")
        .class(class)
        .set("x1", number(from.0))
        .set("y1", number(from.1))
        .set("x2", number(to.0))
        .set("y2", number(to.1))
}

/// A line through points.
pub(super) fn polyline(through: &[Point], class: &'static str) -> Element {
    element("polyline")
        .class(class)
        .set("fill", "none")
        .set("points", points(through))
}

/// An area with these corners.
pub(super) fn polygon(corners: &[Point], class: &'static str) -> Element {
    element("polygon")
        .class(class)
        .set("points", points(corners))
}

/// Words.
pub(super) fn text(at: Point, class: &'static str, words: impl Into<String>) -> Element {
    element("text")
        .class(class)
        .set("x", number(at.0))
        .set("y", number(at.1))
        .text(words)
}

fn points(all: &[Point]) -> String {
    let all = all
        .iter()
        .map(|(x, y)| format!("{},{}", number(*x), number(*y)));
    all.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        assert_eq!(
            [1.0, 0.25, -0.01, 12.96].map(number),
            ["1", "0.2", "0", "13"]
        );
    }
}
