//! What a bench says before and after.

use super::files::Files;
use super::results::Results;
use super::text::several;
use super::{table, text};

/// Before: on what, what, for how long.
pub(super) fn introduction(results: &Results) -> String {
    let plan = &results.plan;
    let mut text = format!("{}\n", results.machine.sentence());
    for warning in &results.warnings {
        text.push_str(&format!("warning: {warning}\n"));
    }
    let left = plan.runs().saturating_sub(results.runs.len());
    let time = plan.time().mul_f64(left as f64 / plan.runs().max(1) as f64);
    text.push_str(&format!(
        "{} x {} x {} x {} of {} s: {left} to make, about {}\n",
        several(plan.servers.len(), "server"),
        several(plan.paths.len(), "path"),
        several(plan.connections.len(), "load"),
        several(plan.rounds, "run"),
        plan.duration_s,
        text::time(time)
    ));
    text
}

/// After: the figures, what follows from them, where they are.
pub(super) fn conclusion(results: &Results, files: &Files) -> String {
    let mut text = format!("\n{}", table::table(results));
    let verdict = results.verdict();
    for sentence in &verdict.paths {
        text.push_str(&format!("{sentence}\n"));
    }
    text.push_str(&match verdict.advice {
        Ok(advice) => format!(
            "\nrun it with {}: {}\nin /etc/peppercorn/peppercorn.env:\n{}",
            advice.options(),
            advice.why,
            advice.environment()
        ),
        Err(why) => format!("\nno layout to advise: {why}\n"),
    });
    text.push_str(&format!(
        "\n{}\n{}\n",
        files.results().display(),
        files.report().display()
    ));
    text
}
