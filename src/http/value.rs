//! Header values of answers: text that can not end its line.

use std::borrow::Cow;
use std::fmt;

use super::chars::{self, FIELD};

/// A field value that can be sent: no control characters but HTAB, so it can not end its line and begin another.
///
/// Made [`from`](From::from) text, it has a space for each of them, which is what RFC 9110 section 5.5 tells who
/// receives one to put there. [`new`](Self::new) refuses such text, [`from_static`](Self::from_static) copies nothing.
///
/// ```
/// use peppercorn::{HeaderValue, Response};
///
/// const CACHED: HeaderValue = HeaderValue::from_static("public, max-age=60");
///
/// let answer = Response::json("[]").with_header("Cache-Control", CACHED);
/// assert_eq!(answer.header("cache-control"), Some("public, max-age=60"));
/// assert_eq!(HeaderValue::from("The\nTrial").as_str(), "The Trial");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderValue(Cow<'static, str>);

impl HeaderValue {
    /// The value, if it can be sent as it is.
    ///
    /// ```
    /// use peppercorn::HeaderValue;
    ///
    /// assert!(HeaderValue::new("/orders/7").is_some());
    /// assert_eq!(HeaderValue::new("/orders/7\r\nSet-Cookie: id=7"), None);
    /// ```
    pub fn new(value: impl Into<Cow<'static, str>>) -> Option<HeaderValue> {
        let value = value.into();
        chars::all(value.as_bytes(), FIELD).then_some(HeaderValue(value))
    }

    /// A literal, at no cost where it is a constant.
    ///
    /// # Panics
    /// When it holds a control character; a constant then fails to compile.
    ///
    /// ```
    /// use peppercorn::HeaderValue;
    ///
    /// const CSV: HeaderValue = HeaderValue::from_static("text/csv; charset=utf-8");
    /// assert_eq!(CSV.as_str(), "text/csv; charset=utf-8");
    /// ```
    pub const fn from_static(literal: &'static str) -> HeaderValue {
        let mut rest = literal.as_bytes();
        while let [byte, after @ ..] = rest {
            assert!(
                chars::is(*byte, FIELD),
                "control character in a header value"
            );
            rest = after;
        }
        HeaderValue(Cow::Borrowed(literal))
    }

    /// The text.
    ///
    /// ```
    /// use peppercorn::HeaderValue;
    ///
    /// assert_eq!(HeaderValue::from(812).as_str(), "812");
    /// ```
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for HeaderValue {
    fn from(text: String) -> HeaderValue {
        if chars::all(text.as_bytes(), FIELD) {
            return HeaderValue(Cow::Owned(text));
        }
        let clean = text.chars().map(|c| {
            if c.is_ascii_control() && c != '\t' {
                ' '
            } else {
                c
            }
        });
        HeaderValue(Cow::Owned(clean.collect()))
    }
}

impl From<&str> for HeaderValue {
    fn from(text: &str) -> HeaderValue {
        HeaderValue::from(text.to_owned())
    }
}

impl From<u64> for HeaderValue {
    fn from(number: u64) -> HeaderValue {
        HeaderValue(Cow::Owned(itoa::Buffer::new().format(number).to_owned()))
    }
}

/// A field that can not be sent. It names the field and keeps the value to itself: that may be a secret.
///
/// ```
/// use peppercorn::{Response, StatusCode};
///
/// let title = String::from("The Trial\r\nSet-Cookie: id=7");
/// let refused = Response::new(StatusCode::Ok).try_header("X-Title", title).unwrap_err();
/// assert_eq!(refused.to_string(), "the value for the header field `X-Title` holds a control character");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidHeader {
    name: &'static str,
}

impl InvalidHeader {
    pub(super) fn of(name: &'static str) -> InvalidHeader {
        InvalidHeader { name }
    }
}

impl fmt::Display for InvalidHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the value for the header field `{}` holds a control character",
            self.name
        )
    }
}

impl std::error::Error for InvalidHeader {}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 9110 section 5.5
    #[test]
    fn text_is_cleaned_of_them() {
        let value = |text: &str| HeaderValue::from(text).as_str().to_owned();
        assert_eq!(value("a\r\nset-cookie: b\0\x7f"), "a  set-cookie: b  ");
        assert_eq!(value("caf\u{e9}\t\u{85}"), "caf\u{e9}\t\u{85}");
    }
}
