//! What parts of the page have in common.

use super::series::Series;
use crate::markup::{Element, element};

/// In place of a figure that there is not.
pub(super) const DASH: &str = "–";

/// A section of the page with its heading.
pub(super) fn section(heading: impl Into<String>) -> Element {
    element("section").with(element("h2").text(heading))
}

/// A paragraph.
pub(super) fn paragraph(text: impl Into<String>) -> Element {
    element("p").text(text)
}

/// What a figure shows: its name, and how it is to be read.
pub(super) fn caption(name: impl Into<String>, reading: impl Into<String>) -> Element {
    element("figcaption")
        .with(element("strong").text(name))
        .text(" ")
        .with(element("span").text(reading))
}

/// The name of a server before what is drawn of it; the style sheet says when it is too long for one line.
pub(super) fn server_heading(series: &Series) -> Element {
    let name = element("span").class("server").text(series.name.clone());
    element("th").set("scope", "row").with(name)
}

/// A table of words and numbers, in what scrolls where it is too wide.
pub(super) fn table(
    caption: impl Into<String>,
    columns: &[Column],
    rows: impl IntoIterator<Item = Vec<String>>,
) -> Element {
    let class = |cell: Element, column: &Column| match column.is_number {
        true => cell.class("figure"),
        false => cell,
    };
    let headings = columns.iter().map(|column| {
        let heading = element("th").set("scope", "col").text(column.name);
        class(heading, column)
    });
    let rows = rows.into_iter().map(|row| {
        let cells = row.into_iter().zip(columns).enumerate();
        let cells = cells.map(|(index, (text, column))| {
            let cell = match index {
                0 => element("th").set("scope", "row"),
                _ => element("td"),
            };
            class(cell.text(text), column)
        });
        element("tr").with_all(cells)
    });
    let caption: String = caption.into();
    let table = element("table")
        .class("figures")
        .with(element("caption").class("unseen").text(caption.clone()))
        .with(element("thead").with(element("tr").with_all(headings)))
        .with(element("tbody").with_all(rows));
    // A keyboard can scroll only what it can reach.
    element("div")
        .class("scrolls")
        .set("tabindex", "0")
        .set("role", "region")
        .set("aria-label", caption)
        .with(table)
}

/// A column of a [`table`].
pub(super) struct Column {
    name: &'static str,
    is_number: bool,
}

/// Of words.
pub(super) const fn words(name: &'static str) -> Column {
    Column {
        name,
        is_number: false,
    }
}

/// Of numbers.
pub(super) const fn figures(name: &'static str) -> Column {
    Column {
        name,
        is_number: true,
    }
}
