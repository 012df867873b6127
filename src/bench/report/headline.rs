//! What a slide would say first: which layout to run, and how servers compare.

use super::parts::paragraph;
use crate::bench::advice::Advice;
use crate::bench::results::Results;
use crate::bench::verdict::{Comparison, Verdict};
use crate::markup::{Element, element};

/// The page's name.
pub(super) fn title(results: &Results) -> String {
    format!(
        "peppercorn bench: {}, {}",
        results.plan.directory,
        date(&results.began)
    )
}

/// The top of the page.
pub(super) fn header(results: &Results, verdict: &Verdict) -> Element {
    let when = element("time")
        .set("datetime", results.began.clone())
        .text(date(&results.began));
    let about = paragraph("peppercorn bench · ")
        .class("about")
        .with(element("code").text(results.plan.directory.clone()))
        .text(" · ")
        .with(when);
    let header = element("header").with(about);
    match &verdict.advice {
        Ok(advice) => header.with_all(advised(advice)),
        Err(_) if results.runs.is_empty() => header
            .with(element("h1").text("Nothing is measured yet"))
            .with(paragraph("The first figures come when the first round is over.").class("lead")),
        Err(why) => header
            .with(element("h1").text("No layout to advise"))
            .with(paragraph(why.clone()).class("lead")),
    }
}

fn advised(advice: &Advice) -> [Element; 3] {
    let options = advice.options();
    let options = options.split("--").filter(|option| !option.is_empty());
    // Each option stays in one line.
    let heading = options.fold(element("h1").text("Run it with"), |heading, option| {
        let code = element("code").text(format!("--{}", option.trim_end()));
        heading.text(" ").with(code)
    });
    let lines = |name: &'static str, lines: String| {
        element("div")
            .with(paragraph(name))
            .with(element("pre").with(element("code").text(lines)))
    };
    let command = format!("peppercorn serve {}", advice.options());
    let how = element("div")
        .class("how")
        .with(lines("on the command line", command))
        .with(lines(
            "or in /etc/peppercorn/peppercorn.env",
            advice.environment().trim_end().to_owned(),
        ));
    [heading, paragraph(sentence(&advice.why)).class("lead"), how]
}

/// How servers compare, a card for each path.
pub(super) fn comparisons(verdict: &Verdict) -> Option<Element> {
    let cards = verdict.paths.iter().map(card);
    let section = element("section")
        .class("verdict")
        .with(element("h2").class("unseen").text("Verdict"))
        .with_all(cards);
    (!verdict.paths.is_empty()).then_some(section)
}

fn card(comparison: &Comparison) -> Element {
    let clauses = comparison.clauses.iter();
    let clauses = clauses.map(|clause| element("li").text(sentence(clause)));
    element("div")
        .class("card")
        .with(element("h3").text(comparison.path.clone()))
        .with(element("ul").with_all(clauses))
}

/// Words as a sentence of its own.
fn sentence(words: &str) -> String {
    let mut rest = words.chars();
    match rest.next() {
        Some(first) => format!("{}{}.", first.to_uppercase(), rest.as_str()),
        None => String::new(),
    }
}

/// `28 November 2026, 15:10 UTC`, of a time as RFC 3339 has it; what is something else as it is.
fn date(rfc3339: &str) -> String {
    const MONTHS: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    let read = || {
        let year = rfc3339.get(..4)?;
        let month: usize = rfc3339.get(5..7)?.parse().ok()?;
        let month = MONTHS.get(month.checked_sub(1)?)?;
        let day: u8 = rfc3339.get(8..10)?.parse().ok()?;
        let time = rfc3339.get(11..16)?;
        rfc3339
            .ends_with('Z')
            .then(|| format!("{day} {month} {year}, {time} UTC"))
    };
    read().unwrap_or_else(|| rfc3339.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_readable() {
        assert_eq!(
            date("2026-11-08T15:10:06.113086Z"),
            "8 November 2026, 15:10 UTC"
        );
        for other in [
            "",
            "yesterday",
            "2026-13-08T15:10:06Z",
            "2026-11-08T15:10:06+01:00",
        ] {
            assert_eq!(date(other), other);
        }
    }
}
