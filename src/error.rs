//! One error, two voices: a [`Problem`] tells the client what it may know and keeps the cause for the log.
//!
//! On the wire it is `application/problem+json` (RFC 9457). For a 5xx the client learns the kind of failure and
//! the request's id, never SQL, names of tables or a backtrace; those are in [`Problem::cause`].

use std::fmt;
use std::time::Duration;

use http_types::StatusCode;

use crate::json;

/// The status an SQLSTATE becomes when no rule of the file says otherwise, most specific first.
///
/// Codes: PostgreSQL, appendix A. What the client sent wrong is 4xx; what is wrong with our SQL, our
/// credentials or the server is 5xx. An unknown code must not blame the client.
pub fn status_of(sqlstate: &str) -> StatusCode {
    use StatusCode as S;
    let class = sqlstate.get(..2).unwrap_or("");
    match sqlstate {
        "23505" | "23503" | "23P01" | "23001" => S::Conflict, // unique, foreign key, exclusion, restrict
        "23502" | "23514" => S::UnprocessableEntity,          // not null, check
        "40001" | "40P01" => S::Conflict,                     // serialization, deadlock: try again
        "55P03" => S::Conflict,                               // lock not available
        "42501" => S::Forbidden,
        "57014" => S::GatewayTimeout, // statement timeout
        "57P01" | "57P02" | "57P03" => S::ServiceUnavailable, // shutdown, crash, starting up
        "57P05" | "25P03" | "25P04" => S::ServiceUnavailable, // ended by a session timeout
        "3D000" => S::ServiceUnavailable, // our database is not there
        "P0001" => S::BadRequest,     // raise exception
        "P0002" => S::NotFound,       // no_data_found
        _ if class == "PT" => raised_status(sqlstate),
        _ => match class {
            "08" | "53" => S::ServiceUnavailable, // connection, resources
            "22" => S::BadRequest,
            "28" => S::ServiceUnavailable, // our credentials
            _ => S::InternalServerError,
        },
    }
}

/// `raise sqlstate 'PT404'` answers 404: PostgREST's convention. Only 4xx and 5xx are errors.
fn raised_status(sqlstate: &str) -> StatusCode {
    sqlstate
        .get(2..)
        .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
        .and_then(|digits| digits.parse::<u16>().ok())
        .filter(|status| (400..600).contains(status))
        .and_then(|status| StatusCode::try_from(status).ok())
        .unwrap_or(StatusCode::InternalServerError)
}

/// Whether a code says that trying the same request again soon may succeed.
pub fn is_transient(sqlstate: &str) -> bool {
    matches!(sqlstate, "40001" | "40P01") || status_of(sqlstate) == StatusCode::ServiceUnavailable
}

/// One thing the client sent that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid {
    /// Where it was: `path`, `query`, `body`, `header` or `claim`.
    pub place: &'static str,
    /// The parameter's name.
    pub name: String,
    /// What is wrong with it.
    pub message: String,
}

/// A request that was not answered as hoped: what the client is told, and why it happened.
///
/// ```
/// use peppercorn::{Problem, StatusCode};
/// let problem = Problem::new(StatusCode::NotFound, "no such market");
/// assert_eq!(problem.to_string(), "404 Not Found: no such market");
/// ```
#[derive(Debug)]
pub struct Problem(Box<Parts>);

/// On the heap: a `Result` that may be a problem stays small.
#[derive(Debug)]
struct Parts {
    status: StatusCode,
    detail: String,
    code: Option<String>,
    constraint: Option<String>,
    invalid: Vec<Invalid>,
    headers: Vec<(&'static str, String)>,
    cause: Option<anyhow::Error>,
}

impl Problem {
    /// A problem with its explanation for the client: lower case, no full stop, names the thing.
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Problem {
        Problem(Box::new(Parts {
            status,
            detail: detail.into(),
            code: None,
            constraint: None,
            invalid: Vec::new(),
            headers: Vec::new(),
            cause: None,
        }))
    }

    /// A failure of ours: 500, and nothing of `cause` is shown to the client.
    pub fn internal(cause: impl Into<anyhow::Error>) -> Problem {
        let detail = "the server failed to answer this request";
        Problem::new(StatusCode::InternalServerError, detail).because(cause)
    }

    /// 400 with each thing that is wrong.
    pub fn invalid(invalid: Vec<Invalid>) -> Problem {
        let detail = match invalid.as_slice() {
            [one] => format!("{} parameter {}: {}", one.place, one.name, one.message),
            several => format!("{} parameters are not valid", several.len()),
        };
        let mut problem = Problem::new(StatusCode::BadRequest, detail);
        problem.0.invalid = invalid;
        problem
    }

    /// The server cannot answer now: 503 with `Retry-After`, rounded up to whole seconds.
    pub fn unavailable(detail: impl Into<String>, retry_after: Duration) -> Problem {
        Problem::new(StatusCode::ServiceUnavailable, detail).retry_after(retry_after)
    }

    /// Tells the client when to try again (RFC 9110 §10.2.3), in whole seconds, at least 1.
    pub fn retry_after(self, after: Duration) -> Problem {
        let seconds = after.as_millis().div_ceil(1000).max(1);
        self.with_header("Retry-After", seconds.to_string())
    }

    /// Adds the SQLSTATE.
    pub fn with_code(mut self, code: impl Into<String>) -> Problem {
        self.0.code = Some(code.into());
        self
    }

    /// Adds the name of the constraint that was violated.
    pub fn with_constraint(mut self, constraint: Option<&str>) -> Problem {
        self.0.constraint = constraint.map(str::to_owned);
        self
    }

    /// Adds a header to the answer.
    pub fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Problem {
        self.0.headers.push((name, value.into()));
        self
    }

    /// Names parameters that are to blame.
    pub fn with_invalid(mut self, invalid: Vec<Invalid>) -> Problem {
        self.0.invalid = invalid;
        self
    }

    /// Says what the problem is about, before its explanation: `object 3 of the list: …`.
    pub fn about(mut self, what: impl fmt::Display) -> Problem {
        self.0.detail = format!("{what}: {}", self.0.detail);
        self
    }

    /// Keeps the cause, for the log only.
    pub fn because(mut self, cause: impl Into<anyhow::Error>) -> Problem {
        self.0.cause = Some(cause.into());
        self
    }

    /// The status of the answer.
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// The explanation for the client.
    pub fn detail(&self) -> &str {
        &self.0.detail
    }

    /// The SQLSTATE, when PostgreSQL reported the problem.
    pub fn code(&self) -> Option<&str> {
        self.0.code.as_deref()
    }

    /// The constraint that was violated, when PostgreSQL named one.
    pub fn constraint(&self) -> Option<&str> {
        self.0.constraint.as_deref()
    }

    /// What the client sent that is not as it should be.
    pub fn errors(&self) -> &[Invalid] {
        &self.0.invalid
    }

    /// Headers of the answer besides its content's.
    pub fn headers(&self) -> &[(&'static str, String)] {
        &self.0.headers
    }

    /// Why it happened: for the log and for Sentry, not for the client.
    pub fn cause(&self) -> Option<&anyhow::Error> {
        self.0.cause.as_ref()
    }

    /// Whether it is ours to look into: a 5xx other than "busy, try again".
    pub fn is_failure(&self) -> bool {
        self.0.status.is_server_error() && self.0.status != StatusCode::ServiceUnavailable
    }

    /// The body as RFC 9457 has it, with the extensions `code`, `constraint`, `errors`, `request_id` and, if Sentry was told
    /// of it, `event_id`.
    pub fn body(&self, request_id: &str, event_id: Option<&str>) -> Vec<u8> {
        let mut out = Vec::with_capacity(256);
        out.extend_from_slice(b"{\"type\":\"about:blank\",\"title\":");
        json::string(self.0.status.canonical_reason(), &mut out);
        out.extend_from_slice(b",\"status\":");
        out.extend_from_slice(itoa::Buffer::new().format(self.0.status as u16).as_bytes());
        let mut member = |name: &str, value: &str| {
            out.push(b',');
            json::string(name, &mut out);
            out.push(b':');
            json::string(value, &mut out);
        };
        member("detail", &self.0.detail);
        if let Some(code) = &self.0.code {
            member("code", code);
        }
        if let Some(constraint) = &self.0.constraint {
            member("constraint", constraint);
        }
        member("request_id", request_id);
        if let Some(event_id) = event_id {
            member("event_id", event_id);
        }
        if !self.0.invalid.is_empty() {
            out.extend_from_slice(b",\"errors\":");
            invalid_list(&self.0.invalid, &mut out);
        }
        out.push(b'}');
        out
    }
}

fn invalid_list(invalid: &[Invalid], out: &mut Vec<u8>) {
    for (index, one) in invalid.iter().enumerate() {
        out.extend_from_slice(if index == 0 {
            b"[{\"in\":"
        } else {
            b",{\"in\":"
        });
        json::string(one.place, out);
        out.extend_from_slice(b",\"name\":");
        json::string(&one.name, out);
        out.extend_from_slice(b",\"message\":");
        json::string(&one.message, out);
        out.push(b'}');
    }
    out.push(b']');
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {}: {}",
            self.0.status as u16,
            self.0.status.canonical_reason(),
            self.0.detail
        )
    }
}

impl std::error::Error for Problem {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.cause.as_deref().map(|cause| cause as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sqlstates_become_the_statuses_of_the_design() {
        let expected = [
            ("22P02", 400),
            ("22012", 400),
            ("23505", 409),
            ("23503", 409),
            ("23P01", 409),
            ("55P03", 409),
            ("40001", 409),
            ("40P01", 409),
            ("23502", 422),
            ("23514", 422),
            ("42501", 403),
            ("P0001", 400),
            ("P0002", 404),
            ("PT402", 402),
            ("PT503", 503),
            ("PT200", 500),
            ("PTabc", 500),
            ("08006", 503),
            ("53300", 503),
            ("57P01", 503),
            ("57014", 504),
            ("42P01", 500),
            ("25006", 500),
            ("XX000", 500),
            ("28P01", 503),
            ("99999", 500),
            ("", 500),
            ("é", 500),
        ];
        for (code, status) in expected {
            assert_eq!(status_of(code) as u16, status, "{code}");
        }
    }

    #[test]
    fn the_body_is_problem_json() {
        let invalid = Invalid {
            place: "query",
            name: "limit".into(),
            message: "is \"big\"".into(),
        };
        let body = Problem::invalid(vec![invalid])
            .with_code("22P02")
            .body("abc", Some("def"));
        assert_eq!(
            String::from_utf8(body).unwrap(),
            "{\"type\":\"about:blank\",\"title\":\"Bad Request\",\"status\":400,\
             \"detail\":\"query parameter limit: is \\\"big\\\"\",\"code\":\"22P02\",\"request_id\":\"abc\",\
             \"event_id\":\"def\",\"errors\":[{\"in\":\"query\",\"name\":\"limit\",\"message\":\"is \\\"big\\\"\"}]}"
        );
    }

    #[test]
    fn retry_after_is_whole_seconds_rounded_up() {
        let header = |after| Problem::unavailable("busy", after).headers()[0].1.clone();
        assert_eq!(header(Duration::from_millis(1)), "1");
        assert_eq!(header(Duration::from_millis(1001)), "2");
    }
}
