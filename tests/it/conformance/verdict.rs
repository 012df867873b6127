//! Whether what came of a case is what was to come of it.

use peppercorn::http::Refusal;

use super::case::{Case, Class, Fate};
use super::exchange::{End, Outcome};

/// Statuses by which a server says that it could not, or would not, read a request.
const REFUSALS: [u16; 8] = [400, 408, 413, 414, 417, 431, 501, 505];

/// What is wrong with an outcome, if anything is.
pub fn judge(case: &Case, outcome: &Outcome) -> Result<(), String> {
    let Outcome { answers, end, .. } = outcome;
    if let Some(why) = &answers.broken {
        return Err(why.clone());
    }
    if !answers.faults.is_empty() {
        return Err(answers.faults.join("; "));
    }
    ensure(
        !answers.interim.contains(&101),
        || "101: no protocol is switched to",
    )?;
    ensure(
        !case.no_interim || answers.interim.is_empty(),
        || "an interim answer",
    )?;
    ensure(
        !outcome.ignored_expectation,
        || "neither 100 nor a final status before the body",
    )?;
    ensure(*end != End::Hung, || match answers.whole.len() {
        0 => "hangs: neither answered nor closed".to_owned(),
        _ => "hangs: neither the request behind it answered nor closed".to_owned(),
    })?;
    // RFC 9112 section 9.6: a server that has read to the end, or for a while, does not take its answer back.
    ensure(*end != End::Reset, || "reset")?;
    announced(outcome, case.half_close)?;
    match case.expect {
        Class::Wait => return waited(outcome),
        _ if !case.sequence.is_empty() => sequence(case, outcome)?,
        Class::Accept => accepted(case, outcome)?,
        Class::Either => either(case, outcome)?,
        Class::Refuse { .. } => refused(case, outcome)?,
    }
    ensure(
        case.fate != Fate::Closed || *end == End::Closed,
        || "left open",
    )?;
    ensure(case.fate != Fate::Open || *end == End::Open, || "closed")?;
    let body = answers.whole.last().map(|answer| &answer.body);
    ensure(case.body.is_none() || case.body.as_ref() == body, || {
        format!("body {body:?} instead of {:?}", case.body)
    })
}

fn ensure<T: Into<String>>(holds: bool, why: impl FnOnce() -> T) -> Result<(), String> {
    if holds { Ok(()) } else { Err(why().into()) }
}

/// RFC 9112 section 9.6: who closes says so with the last answer, and who says so closes. A client that has ended its
/// own side is not told.
fn announced(outcome: &Outcome, half_closed: bool) -> Result<(), String> {
    let Some((last, before)) = outcome.answers.whole.split_last() else {
        return Ok(());
    };
    let says_close = |answer: &crate::harness::Answer| answer.header("connection") == Some("close");
    ensure(
        !before.iter().any(says_close),
        || "answers after connection: close",
    )?;
    match (says_close(last), outcome.end) {
        (true, End::Open) => Err("left open after connection: close".into()),
        (false, End::Closed) if !half_closed => Err("closed without connection: close".into()),
        _ => Ok(()),
    }
}

/// The client has sent no more after bytes that are no whole request: that is what was answered, if anything was.
fn waited(outcome: &Outcome) -> Result<(), String> {
    match outcome.answers.whole.as_slice() {
        [] => Ok(()),
        [only] if only.status == 400 && only.body.contains(&Refusal::Truncated.to_string()) => {
            Ok(())
        }
        _ => Err("answered before it was whole".into()),
    }
}

fn sequence(case: &Case, outcome: &Outcome) -> Result<(), String> {
    let answers = &outcome.answers.whole;
    count(answers.len(), case.sequence.len())?;
    for (number, (class, answer)) in case.sequence.iter().zip(answers).enumerate() {
        ensure(fits(*class, answer.status, &[]), || {
            format!("answer {} is {}", number + 1, answer.status)
        })?;
    }
    let closes = matches!(
        case.sequence.last(),
        Some(Class::Refuse { closes: true, .. })
    );
    ensure(
        !closes || outcome.end == End::Closed,
        || "left open after a refusal",
    )
}

fn accepted(case: &Case, outcome: &Outcome) -> Result<(), String> {
    let answers = &outcome.answers.whole;
    for answer in answers {
        ensure(fits(case.expect, answer.status, &case.status), || {
            format!("answered {}", answer.status)
        })?;
    }
    count(answers.len(), case.responses)
}

/// Refused, or not; but never out of step: fewer answers than requests, and still open.
fn either(case: &Case, outcome: &Outcome) -> Result<(), String> {
    let answers = &outcome.answers.whole;
    let Some(first) = answers.first() else {
        return ensure(outcome.end == End::Closed, || "not answered");
    };
    ensure(fits(Class::Either, first.status, &case.status), || {
        format!("answered {}", first.status)
    })?;
    let last = answers.last().map_or(first.status, |answer| answer.status);
    let done = outcome.end == End::Closed || REFUSALS.contains(&last);
    ensure(answers.len() <= case.responses, || {
        format!("{} answers, {} at most", answers.len(), case.responses)
    })?;
    ensure(answers.len() == case.responses || done, || {
        format!(
            "{} answers of {}, and left open",
            answers.len(),
            case.responses
        )
    })
}

fn refused(case: &Case, outcome: &Outcome) -> Result<(), String> {
    let Some(first) = outcome.answers.whole.first() else {
        return Err("closed without an answer".into());
    };
    ensure(fits(case.expect, first.status, &case.status), || {
        format!("answered {}", first.status)
    })?;
    count(outcome.answers.whole.len(), 1)
}

fn count(came: usize, expected: usize) -> Result<(), String> {
    ensure(came == expected, || {
        format!("{came} answers, {expected} expected")
    })
}

/// Whether a status is one of `allowed` or, where none is named, one of the class.
fn fits(class: Class, status: u16, allowed: &[u16]) -> bool {
    match class {
        _ if !allowed.is_empty() => allowed.contains(&status),
        Class::Accept => status < 500 && !REFUSALS.contains(&status),
        Class::Either => status < 500 || [501, 505].contains(&status),
        Class::Wait => false,
        Class::Refuse { status: one, .. } => status == one,
    }
}
