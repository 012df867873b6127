//! An answer as a value: status, fields, body. How it is framed is [`encode`](super::encode())'s business.

use std::borrow::Cow;
use std::fmt;

use super::chars;
use super::{BodyStream, HeaderValue, StatusCode};

/// An answer.
///
/// ```
/// use peppercorn::http::{Response, StatusCode};
/// let pong = Response::new(StatusCode::Ok)
///     .with_header("content-type", "text/plain")
///     .with_body("pong");
/// assert_eq!(pong.body().as_bytes(), b"pong");
///
/// let from_a_row = String::from("/orders/7\r\nset-cookie: a=b");
/// assert!(Response::new(StatusCode::Created).try_header("location", from_a_row).is_err());
/// ```
#[derive(Debug)]
pub struct Response {
    status: StatusCode,
    headers: Vec<(&'static str, HeaderValue)>,
    body: Body,
}

/// What an answer carries.
#[derive(Debug, Default)]
#[non_exhaustive]
pub enum Body {
    /// Nothing.
    #[default]
    Empty,
    /// Bytes of the program itself: copied only to where they are sent from.
    Static(&'static [u8]),
    /// Bytes made for this answer.
    Bytes(Vec<u8>),
    /// Bytes that are made while they are sent, as fast as the client takes them.
    Stream(BodyStream),
}

/// A field that can not be sent. It names the field and keeps the value to itself: that may be a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidHeader {
    name: &'static str,
}

/// What [`encode`](super::encode()) writes itself, from the body and the request: a second line would contradict it.
const RESERVED: [&str; 4] = ["content-length", "transfer-encoding", "connection", "date"];

impl Response {
    /// An answer without fields and body.
    pub fn new(status: StatusCode) -> Response {
        Response {
            status,
            headers: Vec::new(),
            body: Body::Empty,
        }
    }

    /// A 200 with a text.
    pub fn text(text: impl Into<Body>) -> Response {
        const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
        let response = Response::new(StatusCode::Ok).with_header("Content-Type", TEXT);
        response.with_body(text)
    }

    /// A 200 with JSON.
    ///
    /// ```
    /// use peppercorn::Response;
    /// use serde_json::json;
    ///
    /// let answer = Response::json(json!({"hello": "world"}).to_string());
    /// assert_eq!(answer.body().as_bytes(), br#"{"hello":"world"}"#);
    /// ```
    pub fn json(json: impl Into<Body>) -> Response {
        Response::new(StatusCode::Ok).with_json(json)
    }

    /// Adds a field line. A value made of text is cleaned as [`HeaderValue`] says; one that comes from outside the
    /// program and must be right or not be sent goes through [`try_header`](Self::try_header).
    ///
    /// # Panics
    /// When the name is no token, or one of the fields [`encode`](super::encode()) writes: mistakes in the source.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: impl Into<HeaderValue>) -> Response {
        self.add_header(name, value);
        self
    }

    /// Adds a field line, as [`with_header`](Self::with_header).
    ///
    /// # Panics
    /// As [`with_header`](Self::with_header).
    pub fn add_header(&mut self, name: &'static str, value: impl Into<HeaderValue>) {
        self.headers.push((checked(name), value.into()));
    }

    /// Adds a field line, or refuses to.
    ///
    /// # Errors
    /// When the value holds a control character.
    ///
    /// # Panics
    /// As [`with_header`](Self::with_header).
    pub fn try_header(
        mut self,
        name: &'static str,
        value: impl Into<Cow<'static, str>>,
    ) -> Result<Response, InvalidHeader> {
        let value = HeaderValue::new(value).ok_or(InvalidHeader { name })?;
        self.headers.push((checked(name), value));
        Ok(self)
    }

    /// Makes this the only line of the field.
    ///
    /// # Panics
    /// As [`with_header`](Self::with_header).
    pub fn set_header(&mut self, name: &'static str, value: impl Into<HeaderValue>) {
        self.headers
            .retain(|(other, _)| !other.eq_ignore_ascii_case(name));
        self.headers.push((checked(name), value.into()));
    }

    /// Sets a body of JSON and the `Content-Type` that says so.
    #[must_use]
    pub fn with_json(self, json: impl Into<Body>) -> Response {
        const JSON: HeaderValue = HeaderValue::from_static("application/json");
        self.with_header("Content-Type", JSON).with_body(json)
    }

    /// Sets the body. Its type is said by a `content-type` field, if at all.
    #[must_use]
    pub fn with_body(mut self, body: impl Into<Body>) -> Response {
        self.body = body.into();
        self
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The value of the first field line of that name, in whichever case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers();
        let (_, value) = headers.find(|(other, _)| other.eq_ignore_ascii_case(name))?;
        Some(value)
    }

    /// The field lines in the order they were added, without those [`encode`](super::encode()) writes.
    pub fn headers(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.headers
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
    }

    /// The body.
    pub fn body(&self) -> &Body {
        &self.body
    }

    /// The body itself.
    pub fn into_body(self) -> Body {
        self.body
    }

    /// The same answer, its stream wrapped by `wrap` if it has one: how a layer sees what goes wrong after the head.
    #[must_use]
    pub fn map_stream(mut self, wrap: impl FnOnce(BodyStream) -> BodyStream) -> Response {
        if let Body::Stream(stream) = self.body {
            self.body = Body::Stream(wrap(stream));
        }
        self
    }
}

fn checked(name: &'static str) -> &'static str {
    let valid = chars::is_token(name.as_bytes());
    let reserved = RESERVED
        .iter()
        .any(|other| other.eq_ignore_ascii_case(name));
    assert!(valid && !reserved, "header field `{name}` can not be set");
    name
}

impl Body {
    /// The bytes that are there already: none of a stream.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Body::Empty | Body::Stream(_) => &[],
            Body::Static(bytes) => bytes,
            Body::Bytes(bytes) => bytes,
        }
    }

    /// Whether the body is made while it is sent.
    #[inline]
    pub fn is_stream(&self) -> bool {
        matches!(self, Body::Stream(_))
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Body {
        Body::Bytes(bytes)
    }
}

impl From<String> for Body {
    fn from(text: String) -> Body {
        Body::Bytes(text.into_bytes())
    }
}

impl From<BodyStream> for Body {
    fn from(stream: BodyStream) -> Body {
        Body::Stream(stream)
    }
}

impl From<&'static [u8]> for Body {
    fn from(bytes: &'static [u8]) -> Body {
        Body::Static(bytes)
    }
}

impl From<&'static str> for Body {
    fn from(text: &'static str) -> Body {
        Body::Static(text.as_bytes())
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

    /// RUSTSEC-2024-0009: what a header value can do to the answer, and to the one after it.
    #[test]
    fn control_characters_never_become_a_header() {
        for byte in (0..=0x1fu8).chain([0x7f]) {
            let value = format!("a{}b", byte as char);
            let tried = Response::new(StatusCode::Ok).try_header("x-a", value);
            assert_eq!(tried.is_ok(), byte == b'\t', "{byte:#x}");
        }
        let tried = Response::new(StatusCode::Ok).try_header("x-a", "a\r\nset-cookie: b");
        let error = tried.expect_err("a line break");
        assert_eq!(
            error.to_string(),
            "the value for the header field `x-a` holds a control character"
        );
        assert!(
            Response::new(StatusCode::Ok)
                .try_header("x-a", "caf\u{e9}")
                .is_ok()
        );
    }

    #[test]
    fn json_says_so() {
        let response = Response::new(StatusCode::Ok).with_json("[]");
        assert_eq!(response.header("content-type"), Some("application/json"));
        assert_eq!(response.body().as_bytes(), b"[]");
    }

    #[test]
    fn lines_are_added_and_replaced() {
        let mut response = Response::new(StatusCode::Ok)
            .with_header("Link", "<a>")
            .with_header("Link", "<b>")
            .with_header("Retry-After", 7);
        assert_eq!(response.headers().count(), 3);
        assert_eq!(response.header("retry-after"), Some("7"));
        response.set_header("link", "<c>");
        let lines: Vec<_> = response.headers().collect();
        assert_eq!(lines, [("Retry-After", "7"), ("link", "<c>")]);
    }

    #[test]
    #[should_panic(expected = "`Content-Length` can not be set")]
    fn framing_is_not_a_header() {
        let _ = Response::new(StatusCode::Ok).with_header("Content-Length", 7);
    }
}
