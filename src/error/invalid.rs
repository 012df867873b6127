//! A thing of the request that is to blame.

/// One thing the client sent that is not as it should be.
///
/// ```
/// use peppercorn::{Invalid, Problem};
///
/// let limit = Invalid::new("query", "limit", "is more than 100");
/// let problem = Problem::invalid(vec![limit]);
/// assert_eq!(problem.to_string(), "400 Bad Request: query parameter limit: is more than 100");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Invalid {
    /// Where it was: `path`, `query`, `body`, `header` or `claim`.
    pub place: &'static str,
    /// The parameter's name.
    pub name: String,
    /// What is wrong with it.
    pub message: String,
}

impl Invalid {
    /// Where it was, the parameter's name, and what is wrong with it: words that go on from its name.
    ///
    /// ```
    /// use peppercorn::Invalid;
    ///
    /// fn check(price: f64) -> Option<Invalid> {
    ///     let is_odd = !(1.01..=1000.0).contains(&price);
    ///     is_odd.then(|| Invalid::new("body", "price", "is not from 1.01 to 1000"))
    /// }
    /// assert_eq!(check(2.5), None);
    /// assert_eq!(check(0.5).unwrap().name, "price");
    /// ```
    pub fn new(
        place: &'static str,
        name: impl Into<String>,
        message: impl Into<String>,
    ) -> Invalid {
        Invalid {
            place,
            name: name.into(),
            message: message.into(),
        }
    }
}
