//! How it was measured, in plain words.

use super::parts::{Column, section, table, words};
use super::series::Series;
use crate::bench::advice::WORTH;
use crate::bench::analysis::CHANCE;
use crate::bench::plan::{Kind, Plan, WARM_UP};
use crate::bench::results::Results;
use crate::bench::text::{several, time};
use crate::markup::{Element, element};

/// The talk's plan: runs of a cell, and seconds of each.
const TALK: (usize, u64) = (10, 30);
const SERVER_COLUMNS: [Column; 2] = [words("server"), words("what it is")];

/// The section.
pub(super) fn method(results: &Results, servers: &[Series]) -> Element {
    let plan = &results.plan;
    section("How it was measured")
        .with(told("Order", order(plan)))
        .with(told("Load", load(results)))
        .with(told("Figures", statistics()))
        .with(told("Costs", costs()))
        .with(told("Processors", processors(results)))
        .with(machine(results))
        .with(table(
            "What was measured",
            &SERVER_COLUMNS,
            plan.servers.iter().zip(servers).map(|(server, series)| {
                let what = match &server.kind {
                    Kind::Layout(layout) => layout.sentence(),
                    Kind::Other { command, url } => format!("{command} (answers at {url})"),
                };
                vec![series.name.clone(), what]
            }),
        ))
}

fn told(subject: &'static str, text: String) -> Element {
    let subject = element("strong").text(format!("{subject}."));
    element("p").with(subject).text(" ").text(text)
}

/// Rounds, and what one is.
fn order(plan: &Plan) -> String {
    let connections: Vec<String> = plan.connections.iter().map(usize::to_string).collect();
    let mut text = format!(
        "{} were asked for {} over {} connections, in {}: {} in all. A round is a block of a randomised experiment: each \
         server comes once in it, in an order that is drawn by lot (seed {}). It is started and warmed up, {} for each path over \
         the most connections; then each path and number of connections has one run, again in an order drawn by lot. What drifts in the course of \
         it all meets everybody alike. Before each run nobody asks for anything for {}\u{a0}ms; a run lasts {}.",
        several(plan.servers.len(), "server"),
        several(plan.paths.len(), "path"),
        list(&connections),
        several(plan.rounds, "round"),
        several(plan.runs(), "run"),
        plan.seed,
        time(WARM_UP),
        plan.settle_ms,
        several(plan.duration_s as usize, "second"),
    );
    let (rounds, seconds) = TALK;
    if plan.rounds < rounds || plan.duration_s < seconds {
        text.push_str(&format!(
            " The talk's plan was longer: {rounds} runs of {seconds} seconds each (--talk). What is seen here in short runs \
             may come out otherwise in long ones."
        ));
    }
    text
}

/// wrk.
fn load(results: &Results) -> String {
    format!(
        "wrk {} makes the load, with {}, in a closed loop: each connection sends its next request when it has the answer to the last. \
         A slow server is asked less often, so latencies are those under the load that the server lets come. wrk corrects \
         its latencies for requests that it would have made meanwhile (coordinated omission); that is taken back here, so \
         percentiles are those of answers that were seen. The 99th percentile after the correction is in results.json, as \
         corrected_p99_us.",
        results.machine.wrk,
        several(results.plan.wrk_threads, "thread")
    )
}

/// Medians, quartiles, the spread.
fn statistics() -> String {
    format!(
        "Figures are medians over the rounds; bands and whiskers go from quartile to quartile (quantiles of type 7 of \
         Hyndman and Fan, 1996, as R and NumPy have them). Of latencies, each percentile is the median run's. Servers are \
         compared within the same round: the ratio of their requests/s, its geometric mean over the numbers of connections, \
         and of that the median over the rounds. A difference is outside the spread if so many \
         rounds agree on who is faster that chance would make them in less than {:.0}% of pairs of equal servers (the \
         two-sided sign test: all of six rounds, nine of ten; of fewer than six nothing can be said). The layout that is \
         advised is the smallest one that the fastest does not beat by {:.0}% or more, outside the spread.",
        CHANCE * 100.0,
        (WORTH - 1.0) * 100.0
    )
}

/// What is counted as used.
fn costs() -> String {
    "CPU per request is the user and system time of the server, with all processes that come from it, divided by the \
     requests of the run. Memory is their Pss, what is their own and their share of what they share, after three quarters \
     of the run. What PostgreSQL uses is in neither. A run with an error (a broken connection, an answer that is late or \
     of status 400 and above, a server that has ended) is void: it is listed and not counted."
        .to_owned()
}

/// Who runs where.
fn processors(results: &Results) -> String {
    let (machine, pin) = (&results.machine, &results.plan.pin);
    let all = match machine.processors {
        1 => "the one processor".to_owned(),
        many => format!("the {many} processors"),
    };
    let on = |processors: &[usize]| match processors {
        [] => all.clone(),
        [one] => format!("processor {one}"),
        some => {
            let some: Vec<String> = some.iter().map(usize::to_string).collect();
            format!("processors {}", list(&some))
        }
    };
    match pin.server.is_empty() && pin.client.is_empty() {
        true => format!(
            "The server, PostgreSQL and wrk shared {all}: what one of them used the others lacked."
        ),
        false => format!(
            "The server ran on {}, wrk on {}; PostgreSQL was not pinned.",
            on(&pin.server),
            on(&pin.client)
        ),
    }
}

/// On what.
fn machine(results: &Results) -> Element {
    let machine = &results.machine;
    let term =
        |name: &'static str, text: String| [element("dt").text(name), element("dd").text(text)];
    let revision = match &machine.git_revision {
        Some(revision) => format!("{}, at {revision}", results.plan.directory),
        None => format!("{}, in no repository", results.plan.directory),
    };
    let settings = machine.environment.iter();
    let settings: Vec<String> = settings
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let settings = match settings.is_empty() {
        true => "as they are by default".to_owned(),
        false => settings.join(", "),
    };
    let mut list = element("dl")
        .with_all(term("machine", machine.sentence()))
        .with_all(term("peppercorn", results.peppercorn.clone()))
        .with_all(term("SQL files", revision))
        .with_all(term("settings", settings));
    if let Some(governor) = &machine.frequency_governor {
        list = list.with_all(term("frequency", format!("chosen by {governor}")));
    }
    list
}

/// `1, 4 and 16`.
fn list(words: &[String]) -> String {
    match words {
        [before @ .., last] if !before.is_empty() => format!("{} and {last}", before.join(", ")),
        _ => words.concat(),
    }
}
