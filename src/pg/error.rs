//! What PostgreSQL reports, as a [`Problem`]: the status from the SQLSTATE, words the client may see, the whole
//! error as the cause.

use std::time::Duration;

use http_types::StatusCode;
use tokio_postgres::error::DbError;

use super::transaction::Part;
use crate::error::{Problem, is_transient, status_of};

/// When the client should try again after a serialization failure or while PostgreSQL is short of something.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Of PostgreSQL's words about a client's data, told to the client.
const MOST_BYTES: usize = 1024;

/// The problem that a failed query means to its client.
pub(super) fn problem(error: tokio_postgres::Error) -> Problem {
    told(&error).because(error)
}

/// The same of a part of a transaction; the cause tells which.
pub(super) fn problem_within(part: Part, error: tokio_postgres::Error) -> Problem {
    let problem = match part {
        Part::Preface | Part::Step(_) => told(&error),
        Part::Element(_) => told(&error).about(part),
    };
    problem.because(anyhow::Error::new(error).context(part))
}

/// What the client is told.
fn told(error: &tokio_postgres::Error) -> Problem {
    let Some(db) = error.as_db_error() else {
        // Without a report from the server the connection itself failed, whatever was sent on it may or may
        // not have been done.
        let detail = "the connection to the database was lost while the request ran";
        return Problem::unavailable(detail, RETRY_AFTER);
    };
    let code = db.code().code();
    let (status, detail) = match is_excessive(db) {
        true => (StatusCode::BadRequest, words(db)),
        false => (status_of(code), detail(db)),
    };
    let mut problem = Problem::new(status, detail).with_code(code);
    if let Some(constraint) = db.constraint() {
        problem = problem.with_constraint(constraint);
    }
    if is_transient(code) {
        problem = problem.retry_after(RETRY_AFTER);
    }
    problem
}

/// Whether PostgreSQL met a limit of its own (class 54) while it read a parameter: a value nested too deep, say.
fn is_excessive(db: &DbError) -> bool {
    db.code().code().starts_with("54")
        && (db.where_()).is_some_and(|context| context.contains("portal parameter $"))
}

/// PostgreSQL's words where they speak of the client's data, ours where they would speak of our schema.
fn detail(db: &DbError) -> String {
    let code = db.code().code();
    match (code, status_of(code)) {
        ("23505" | "23P01", _) => db
            .detail()
            .map_or("the row conflicts with another", full_stop)
            .into(),
        ("23503" | "23001", _) => foreign_key(db.detail()),
        ("23502", _) => match db.column() {
            Some(column) => format!("{column} must not be null"),
            None => "a required value is null".into(),
        },
        ("23514", _) => match db.constraint() {
            Some(constraint) => format!("a value violates the check {constraint}"),
            None => "a value violates a check".into(),
        },
        ("40001" | "40P01", _) => "the request ran into another one; try again".into(),
        ("55P03", _) => "the row is locked by another request".into(),
        ("42501", _) => "permission denied".into(),
        ("57014", _) => "the query took longer than its limit".into(),
        // What the SQL raises on purpose is meant for the client.
        ("P0001" | "P0002", _) => raised(db),
        _ if code.starts_with("PT") => raised(db),
        (_, StatusCode::ServiceUnavailable) => "the database is not available".into(),
        (_, status) if status.is_server_error() => {
            "the server failed to answer this request".into()
        }
        _ => words(db),
    }
}

/// What PostgreSQL says is wrong. It repeats a value that it cannot read, which may be as long as a body: it is cut then.
pub(crate) fn words(db: &DbError) -> String {
    let message = db.message();
    if message.len() <= MOST_BYTES {
        return message.to_owned();
    }
    let mut ends = (0..=MOST_BYTES).rev();
    let end = ends.find(|end| message.is_char_boundary(*end));
    format!("{}…", &message[..end.unwrap_or(0)])
}

/// `Key (market_id)=(9) is not present in table "market".` without the table.
fn foreign_key(detail: Option<&str>) -> String {
    let detail = detail.unwrap_or("a referenced row does not exist");
    let end = (detail.find(" in table \""))
        .or_else(|| detail.find(" from table \""))
        .unwrap_or(full_stop(detail).len());
    detail[..end].to_owned()
}

fn raised(db: &DbError) -> String {
    [Some(db.message()), db.detail(), db.hint()]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join("; ")
}

fn full_stop(sentence: &str) -> &str {
    sentence.strip_suffix('.').unwrap_or(sentence)
}
