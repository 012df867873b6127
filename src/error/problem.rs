//! A problem: what is said of it, and to whom.

use std::fmt;
use std::time::Duration;

use http_types::StatusCode;

use super::Invalid;
use crate::http::HeaderValue;

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
    headers: Vec<(&'static str, HeaderValue)>,
    cause: Option<anyhow::Error>,
}

impl Problem {
    /// A problem with its explanation for the client: lower case, no full stop, names the thing.
    ///
    /// ```
    /// use peppercorn::{Problem, StatusCode};
    ///
    /// fn price(text: &str) -> Result<f64, Problem> {
    ///     let wrong = || Problem::new(StatusCode::BadRequest, format!("{text} is not a price"));
    ///     text.parse().map_err(|_| wrong())
    /// }
    /// assert_eq!(price("1.25").unwrap(), 1.25);
    /// assert_eq!(price("cheap").unwrap_err().detail(), "cheap is not a price");
    /// ```
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
    ///
    /// ```
    /// use peppercorn::Problem;
    ///
    /// let problem = Problem::internal(std::io::Error::other("disk full"));
    /// assert_eq!(problem.detail(), "the server failed to answer this request");
    /// assert_eq!(problem.cause().unwrap().to_string(), "disk full");
    /// ```
    pub fn internal(cause: impl Into<anyhow::Error>) -> Problem {
        let detail = "the server failed to answer this request";
        Problem::new(StatusCode::InternalServerError, detail).because(cause)
    }

    /// 400 with each thing that is wrong.
    ///
    /// ```
    /// use peppercorn::{Invalid, Problem};
    ///
    /// let wrong = vec![
    ///     Invalid::new("query", "sport", "is not known"),
    ///     Invalid::new("query", "limit", "is more than 100"),
    /// ];
    /// assert_eq!(Problem::invalid(wrong).detail(), "2 parameters are not valid");
    /// ```
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
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use peppercorn::Problem;
    ///
    /// let problem = Problem::unavailable("the market is suspended", Duration::from_millis(1500));
    /// assert_eq!(problem.headers(), [("Retry-After", "2".into())]);
    /// ```
    pub fn unavailable(detail: impl Into<String>, retry_after: Duration) -> Problem {
        Problem::new(StatusCode::ServiceUnavailable, detail).retry_after(retry_after)
    }

    /// Tells the client when to try again (RFC 9110 §10.2.3), in whole seconds, at least 1.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use peppercorn::{Problem, StatusCode};
    ///
    /// let problem = Problem::new(StatusCode::TooManyRequests, "ten orders a second at most")
    ///     .retry_after(Duration::from_secs(1));
    /// assert_eq!(problem.headers(), [("Retry-After", "1".into())]);
    /// ```
    pub fn retry_after(self, after: Duration) -> Problem {
        let seconds = after.as_millis().div_ceil(1000).max(1);
        self.with_header("Retry-After", seconds.to_string())
    }

    /// Adds the SQLSTATE.
    ///
    /// ```
    /// use peppercorn::{Problem, StatusCode};
    ///
    /// let problem = Problem::new(StatusCode::Conflict, "the order is matched already").with_code("PT409");
    /// assert_eq!(problem.code(), Some("PT409"));
    /// ```
    pub fn with_code(mut self, code: impl Into<String>) -> Problem {
        self.0.code = Some(code.into());
        self
    }

    /// Adds the name of the constraint that was violated.
    ///
    /// ```
    /// use peppercorn::{Problem, StatusCode};
    ///
    /// let problem = Problem::new(StatusCode::Conflict, "there is such a book")
    ///     .with_constraint("book_isbn_key");
    /// assert_eq!(problem.constraint(), Some("book_isbn_key"));
    /// ```
    pub fn with_constraint(mut self, constraint: impl Into<String>) -> Problem {
        self.0.constraint = Some(constraint.into());
        self
    }

    /// Adds a header to the answer.
    ///
    /// ```
    /// use peppercorn::{Problem, StatusCode};
    ///
    /// let problem = Problem::new(StatusCode::Unauthorized, "orders are for those who log in")
    ///     .with_header("WWW-Authenticate", "Basic realm=\"orders\"");
    /// assert_eq!(problem.headers()[0].0, "WWW-Authenticate");
    /// ```
    pub fn with_header(mut self, name: &'static str, value: impl Into<HeaderValue>) -> Problem {
        self.0.headers.push((name, value.into()));
        self
    }

    /// Names parameters that are to blame.
    ///
    /// ```
    /// use peppercorn::{Invalid, Problem, StatusCode};
    ///
    /// let quantity = Invalid::new("body", "quantity", "is more than there is");
    /// let problem = Problem::new(StatusCode::UnprocessableEntity, "the order cannot be filled")
    ///     .with_invalid(vec![quantity]);
    /// assert_eq!(problem.errors()[0].name, "quantity");
    /// ```
    pub fn with_invalid(mut self, invalid: Vec<Invalid>) -> Problem {
        self.0.invalid = invalid;
        self
    }

    /// Says what the problem is about, before its explanation: `object 3 of the list: …`.
    #[doc(hidden)]
    pub fn about(mut self, what: impl fmt::Display) -> Problem {
        self.0.detail = format!("{what}: {}", self.0.detail);
        self
    }

    /// Keeps the cause, for the log only.
    ///
    /// ```
    /// use peppercorn::{Problem, StatusCode};
    ///
    /// fn odds(answer: &str) -> Result<serde_json::Value, Problem> {
    ///     let wrong = Problem::new(StatusCode::BadGateway, "the bookmaker makes no sense");
    ///     serde_json::from_str(answer).map_err(|error| wrong.because(error))
    /// }
    /// let problem = odds("{").unwrap_err();
    /// assert_eq!(problem.detail(), "the bookmaker makes no sense");
    /// assert!(problem.cause().unwrap().is::<serde_json::Error>());
    /// ```
    pub fn because(mut self, cause: impl Into<anyhow::Error>) -> Problem {
        self.0.cause = Some(cause.into());
        self
    }

    /// The status of the answer.
    ///
    /// ```
    /// use peppercorn::{Problem, StatusCode};
    ///
    /// /// What a wrapper around an endpoint makes of what that raises.
    /// fn is_missing(error: &anyhow::Error) -> bool {
    ///     let problem = error.downcast_ref::<Problem>();
    ///     problem.is_some_and(|problem| problem.status() == StatusCode::NotFound)
    /// }
    /// assert!(is_missing(&Problem::new(StatusCode::NotFound, "no such book").into()));
    /// assert!(!is_missing(&anyhow::anyhow!("no such book")));
    /// ```
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// The explanation for the client.
    ///
    /// ```
    /// use peppercorn::{Problem, StatusCode};
    ///
    /// let problem = Problem::new(StatusCode::Gone, "the market is settled");
    /// assert_eq!(problem.detail(), "the market is settled");
    /// ```
    pub fn detail(&self) -> &str {
        &self.0.detail
    }

    /// The SQLSTATE, when PostgreSQL reported the problem.
    ///
    /// ```
    /// use peppercorn::{Problem, StatusCode};
    ///
    /// /// Whether a unique key was taken.
    /// fn is_taken(problem: &Problem) -> bool {
    ///     problem.code() == Some("23505")
    /// }
    /// let problem = Problem::new(StatusCode::Conflict, "there is such a book");
    /// assert!(!is_taken(&problem));
    /// assert!(is_taken(&problem.with_code("23505")));
    /// ```
    pub fn code(&self) -> Option<&str> {
        self.0.code.as_deref()
    }

    /// The constraint that was violated, when PostgreSQL named one.
    ///
    /// ```
    /// use peppercorn::{Problem, StatusCode};
    ///
    /// /// The same in words of our own.
    /// fn explained(problem: Problem) -> Problem {
    ///     match problem.constraint() {
    ///         Some("order_quantity_check") => {
    ///             Problem::new(StatusCode::UnprocessableEntity, "an order is for one or more").because(problem)
    ///         }
    ///         _ => problem,
    ///     }
    /// }
    /// let raised = Problem::new(StatusCode::UnprocessableEntity, "a check has failed")
    ///     .with_constraint("order_quantity_check");
    /// assert_eq!(explained(raised).detail(), "an order is for one or more");
    /// ```
    pub fn constraint(&self) -> Option<&str> {
        self.0.constraint.as_deref()
    }

    /// What the client sent that is not as it should be.
    ///
    /// ```
    /// use peppercorn::{Invalid, Problem};
    ///
    /// let problem = Problem::invalid(vec![Invalid::new("path", "isbn", "has a wrong check digit")]);
    /// let names: Vec<&str> = problem.errors().iter().map(|one| one.name.as_str()).collect();
    /// assert_eq!(names, ["isbn"]);
    /// ```
    pub fn errors(&self) -> &[Invalid] {
        &self.0.invalid
    }

    /// Headers of the answer besides its content's.
    ///
    /// ```
    /// use peppercorn::{Problem, StatusCode};
    ///
    /// let problem = Problem::new(StatusCode::MethodNotAllowed, "a trade stays as it is");
    /// assert!(problem.headers().is_empty());
    /// assert_eq!(problem.with_header("Allow", "GET").headers(), [("Allow", "GET".into())]);
    /// ```
    pub fn headers(&self) -> &[(&'static str, HeaderValue)] {
        &self.0.headers
    }

    /// Why it happened: for the log and for Sentry, not for the client.
    ///
    /// ```
    /// use peppercorn::Problem;
    ///
    /// let problem = Problem::internal(anyhow::anyhow!("out of stock").context("cannot ship the book"));
    /// assert_eq!(format!("{:#}", problem.cause().unwrap()), "cannot ship the book: out of stock");
    /// ```
    pub fn cause(&self) -> Option<&anyhow::Error> {
        self.0.cause.as_ref()
    }

    /// Whether it is ours to look into: a 5xx other than "busy, try again".
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use peppercorn::{Problem, StatusCode};
    ///
    /// assert!(Problem::new(StatusCode::BadGateway, "the bookmaker makes no sense").is_failure());
    /// assert!(!Problem::unavailable("the market is suspended", Duration::from_secs(1)).is_failure());
    /// assert!(!Problem::new(StatusCode::NotFound, "no such book").is_failure());
    /// ```
    pub fn is_failure(&self) -> bool {
        self.0.status.is_server_error() && self.0.status != StatusCode::ServiceUnavailable
    }
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
    fn retry_after_is_whole_seconds_rounded_up() {
        let header = |after| Problem::unavailable("busy", after).headers()[0].1.clone();
        assert_eq!(header(Duration::from_millis(1)), "1".into());
        assert_eq!(header(Duration::from_millis(1001)), "2".into());
    }
}
