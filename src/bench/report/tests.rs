//! The report as a whole: that all of it is there, in markup that is well-formed.

use serde_json::json;

use super::{html, plots};
use crate::bench::plan::{Cell, Kind, Plan, Server};
use crate::bench::results::{FORMAT, Latency, Load, Results, Run, Used};

/// As a server may be called.
const NASTY: &str = "<b>&\"x'";
/// As a void run may say.
const WHY: &str = "3 answers of status 400 or above <i>";
/// Requests per second of each server in [`results`].
const RATES: [u64; 4] = [1000, 1500, 100, 250];

fn plan() -> Plan {
    let layout = |name: &str| Server {
        name: name.to_owned(),
        kind: Kind::Layout(name.parse().unwrap()),
    };
    let other = |name: &str| Server {
        name: name.to_owned(),
        kind: Kind::Other {
            command: format!("serve {name}"),
            url: "http://127.0.0.1:1".to_owned(),
        },
    };
    let path = |path: &str| path.parse().unwrap();
    Plan {
        directory: "sql".to_owned(),
        servers: vec![layout("1x1"), layout("2x1"), other("flask"), other(NASTY)],
        paths: vec![path("/ping"), path("one row=/row/1?a=<b>&c='d'")],
        connections: vec![1, 4, 16],
        rounds: 3,
        duration_s: 2,
        settle_ms: 500,
        pin: "server=0,client=1".parse().unwrap(),
        seed: 7,
    }
}

/// Of nothing yet.
fn nothing() -> Results {
    let machine = json!({
        "processor": "Abacus", "processors": 2, "virtual_machine": true, "frequency_governor": "powersave",
        "memory_bytes": 1 << 30, "kernel": "Linux 6", "system": "Debian", "postgresql": "15.1", "wrk": "4.1.0",
        "git_revision": "0123abc", "environment": [["PEPPERCORN_DB_CONNECTIONS", "4"]],
    });
    Results {
        format: FORMAT,
        began: "2026-11-28T15:10:06.113086Z".to_owned(),
        peppercorn: "0.1.0".to_owned(),
        machine: serde_json::from_value(machine).unwrap(),
        warnings: Vec::new(),
        plan: plan(),
        runs: Vec::new(),
    }
}

fn run(round: usize, cell: Cell) -> Run {
    let seconds = 2;
    let requests = RATES[cell.server] * cell.connections as u64 * seconds;
    Run {
        round,
        cell,
        began: String::new(),
        void: None,
        load: Some(Load {
            requests,
            duration_us: seconds * 1_000_000,
            latency: Some(Latency {
                p50_us: 300,
                p90_us: 700,
                p99_us: 41_000,
                ..Latency::default()
            }),
            ..Load::default()
        }),
        used: Some(Used {
            user_ms: 300,
            system_ms: 700,
            pss_bytes: 5 << 20,
            processes: 1,
        }),
        stolen: 0.0,
    }
}

/// Of all runs of the plan.
fn results() -> Results {
    let mut results = nothing();
    for round in 0..results.plan.rounds {
        for server in results.plan.order(round) {
            let cells = results.plan.cells(round, server);
            results
                .runs
                .extend(cells.into_iter().map(|cell| run(round, cell)));
        }
    }
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
        "28 November 2026, 15:10 UTC",
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
        "1 of 72 runs",
        "The server ran on processor 0, wrk on processor 1",
        "The talk's plan was longer",
        "PEPPERCORN_DB_CONNECTIONS=4",
        "0123abc",
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
        if run.cell.server == 2 && run.cell.path == 0 && run.cell.connections == 4 {
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
    assert_eq!(plot.matches("<title>flask, ").count(), 2);
    assert!(
        words.contains("0 of 3\n–\n"),
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
    assert!(well_formed(&html(&results)).contains("40 of 72 runs are made."));
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
