//! The report as a whole: that all of it is there, in markup that is well-formed.

use super::{html, plots};
use crate::bench::results::Results;
use crate::bench::sample;

/// As a server may be called.
const NASTY: &str = "<b>&\"x'";
/// As a void run may say.
const WHY: &str = "3 answers of status 400 or above <i>";

/// Of all runs of a plan.
fn results() -> Results {
    let mut results = sample::results(&["1x1", "2x1", "flask", NASTY], |server, _| {
        Some(match server {
            "1x1" => 1000,
            "2x1" => 1500,
            "flask" => 100,
            _ => 250,
        })
    });
    results.plan.paths[1] = "one row=/row/1?a=<b>&c='d'".parse().unwrap();
    results.plan.pin = "server=0,client=1".parse().unwrap();
    results.machine.frequency_governor = Some("powersave".to_owned());
    let setting = ("PEPPERCORN_DB_CONNECTIONS", "4");
    results.machine.environment = vec![(setting.0.to_owned(), setting.1.to_owned())];
    results
}

/// Of nothing yet.
fn nothing() -> Results {
    let mut results = results();
    results.runs.clear();
    results
}

/// Checks that each tag has its end, in order, and gives the text that is between them.
#[track_caller]
fn well_formed(markup: &str) -> String {
    let (mut open, mut words) = (Vec::new(), String::new());
    let mut rest = markup.trim_start_matches("<!doctype html>");
    while let Some((text, behind)) = rest.split_once('<') {
        if open.last() != Some(&"style") {
            assert!(!text.contains('>'), "{text}");
            words.push_str(text);
        }
        let (tag, behind) = behind.split_once('>').expect("a tag has an end");
        assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
        let name = tag.split([' ', '/']).find(|word| !word.is_empty()).unwrap();
        if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(name), "before {behind:.100}");
        } else if !tag.ends_with('/') {
            open.push(name);
        }
        rest = behind;
    }
    assert!(open.is_empty() && rest.trim().is_empty(), "{open:?} {rest}");
    let entities = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&amp;", "&"),
    ];
    entities
        .iter()
        .fold(words, |words, (entity, c)| words.replace(entity, c))
}

/// All that stands between two words.
fn between<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
    let (_, text) = text.split_once(from).unwrap();
    text.split_once(to).unwrap().0
}

#[test]
fn a_page_tells_all() {
    let mut results = results();
    results.runs[5].void = Some(WHY.to_owned());
    results.runs[6].stolen = 0.125;
    results.warnings = vec!["somebody <else> works here".to_owned()];
    let page = html(&results);
    let words = well_formed(&page);
    for word in [
        "25 November 2026, 12:00 UTC",
        "--workers 2",
        "PEPPERCORN_WORKERS=2",
        "1.50× of 1x1, outside the spread.",
        "Before and after",
        "peppercorn 1x1",
        "flask",
        NASTY,
        "/row/1?a=<b>&c='d'",
        "somebody <else> works here",
        "up to 12.5%",
        WHY,
        "1 of 96 runs",
        "The server ran on processor 0, wrk on processor 1",
        "The talk's plan was longer",
        "PEPPERCORN_DB_CONNECTIONS=4",
        "0123456789ab",
    ] {
        assert!(words.contains(word), "{word}");
    }
    assert!(!page.contains(NASTY) && !page.contains("<i>"));
    assert_eq!(html(&results), page, "the same of the same results");
}

#[test]
fn a_page_needs_nothing_else() {
    let page = html(&results());
    for word in ["<script", "<link", "href=", "src=", "url(", "@import"] {
        assert!(!page.contains(word), "{word}");
    }
    assert!(!page.contains("<aside"), "there is nothing to note");
    assert!(page.contains("There are none: all runs that were made count."));
}

#[test]
fn before_comes_before_after() {
    let page = html(&results());
    let panel = between(&page, "<table class=\"bars panel\">", "</table>");
    let shown = well_formed(panel);
    let place = |word: &str| shown.find(word).unwrap();
    let order = [
        "flask", "1.00×", NASTY, "2.50×", "1x1", "10.0×", "2x1", "15.0×",
    ]
    .map(place);
    assert!(order.is_sorted(), "{shown}");
}

#[test]
fn layouts_alone_are_side_by_side() {
    let mut results = results();
    results.plan.servers.truncate(2);
    results.runs.retain(|run| run.cell.server < 2);
    let words = well_formed(&html(&results));
    assert!(words.contains("Layouts side by side"));
    assert!(!words.contains("peppercorn 1x1"), "it goes without saying");
}

#[test]
fn what_is_missing_breaks_lines_and_is_a_dash() {
    let mut results = results();
    for run in &mut results.runs {
        if run.cell.server == 2 && run.cell.path == 0 && run.cell.connections == 64 {
            run.void = Some("no".to_owned());
        }
        if let Some(load) = run.load.as_mut().filter(|_| run.cell.server == 3) {
            load.latency = None;
        }
    }
    let page = html(&results);
    let words = well_formed(&page);
    let plot = between(&page, "<svg class=\"plot wide\"", "</svg>");
    assert_eq!(plot.matches("<polyline").count(), 3, "of four servers");
    assert_eq!(plot.matches("<title>flask, ").count(), 1);
    assert!(
        words.contains("0 of 6\n–\n"),
        "the cell without runs that count"
    );
    assert!(
        words.contains("250\n250\n250\n–\n–\n–\n–\n2.00 ms"),
        "{words}"
    );
}

#[test]
fn a_page_of_some_runs_says_so() {
    let mut results = results();
    results.runs.truncate(40);
    assert!(well_formed(&html(&results)).contains("40 of 96 runs are made."));
}

#[test]
fn nothing_measured_is_a_page_too() {
    let results = nothing();
    let words = well_formed(&html(&results));
    assert!(words.contains("Nothing is measured yet") && words.contains("How it was measured"));
    assert!(plots(&results).is_empty());
    let mut void = self::results();
    for run in &mut void.runs {
        run.void = Some("no".to_owned());
    }
    let words = well_formed(&html(&void));
    assert!(words.contains("No layout to advise"), "{words}");
}

#[test]
fn plots_stand_by_themselves() {
    let plots = plots(&results());
    let names: Vec<&str> = plots.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["ping.svg", "one-row.svg"]);
    for (_, svg) in &plots {
        let words = well_formed(svg);
        assert!(words.contains("requests per second") && words.contains(NASTY));
        let rest = svg.replace("xmlns=\"http://www.w3.org/2000/svg\"", "");
        assert!(rest.len() < svg.len() && !rest.contains("http") && !rest.contains("href"));
        assert!(svg.contains("prefers-color-scheme: dark"));
    }
}
