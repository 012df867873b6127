//! An answer as a value: status, fields, body. How it is framed is [`encode`](super::encode())'s business.

use std::borrow::Cow;

use super::chars;
use super::{Body, BodyStream, HeaderValue, InvalidHeader, StatusCode};

/// An answer.
///
/// ```
/// use peppercorn::{Response, StatusCode};
///
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

/// What [`encode`](super::encode()) writes itself, from the body and the request: a second line would contradict it.
const RESERVED: [&str; 4] = ["content-length", "transfer-encoding", "connection", "date"];

impl Response {
    /// An answer without fields and body.
    ///
    /// ```
    /// use peppercorn::{Response, StatusCode};
    ///
    /// let deleted = Response::new(StatusCode::NoContent);
    /// assert!(deleted.body().as_bytes().is_empty());
    /// ```
    pub fn new(status: StatusCode) -> Response {
        Response {
            status,
            headers: Vec::new(),
            body: Body::Empty,
        }
    }

    /// A 200 with a text.
    ///
    /// ```
    /// use peppercorn::Response;
    ///
    /// let answer = Response::text(format!("{} books\n", 3));
    /// assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
    /// ```
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
    /// When the name is no token, or one of the fields that the server writes itself, `Content-Length`, `Transfer-Encoding`,
    /// `Connection` and `Date`: mistakes in the source.
    ///
    /// ```
    /// use peppercorn::{Response, StatusCode};
    ///
    /// let created = Response::new(StatusCode::Created).with_header("Location", format!("/orders/{}", 7));
    /// assert_eq!(created.header("location"), Some("/orders/7"));
    /// ```
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: impl Into<HeaderValue>) -> Response {
        self.add_header(name, value);
        self
    }

    /// Adds a field line, as [`with_header`](Self::with_header).
    ///
    /// # Panics
    /// As [`with_header`](Self::with_header).
    ///
    /// ```
    /// use peppercorn::Response;
    ///
    /// let mut page = Response::json("[]");
    /// for (relation, page_number) in [("prev", 1), ("next", 3)] {
    ///     page.add_header("Link", format!("</books?page={page_number}>; rel=\"{relation}\""));
    /// }
    /// assert_eq!(page.headers().filter(|(name, _)| *name == "Link").count(), 2);
    /// ```
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
    ///
    /// ```
    /// use peppercorn::{InvalidHeader, Response};
    ///
    /// fn cover(file_name: String) -> Result<Response, InvalidHeader> {
    ///     let disposition = format!("attachment; filename=\"{file_name}\"");
    ///     Response::text("…").try_header("Content-Disposition", disposition)
    /// }
    /// assert!(cover("trial.png".into()).is_ok());
    /// assert!(cover("trial\n.png".into()).is_err());
    /// ```
    pub fn try_header(
        mut self,
        name: &'static str,
        value: impl Into<Cow<'static, str>>,
    ) -> Result<Response, InvalidHeader> {
        let value = HeaderValue::new(value).ok_or(InvalidHeader::of(name))?;
        self.headers.push((checked(name), value));
        Ok(self)
    }

    /// Makes this the only line of the field.
    ///
    /// # Panics
    /// As [`with_header`](Self::with_header).
    ///
    /// ```
    /// use peppercorn::Response;
    ///
    /// let mut answer = Response::json("{}").with_header("Cache-Control", "max-age=60");
    /// answer.set_header("cache-control", "no-store");
    /// assert_eq!(answer.header("Cache-Control"), Some("no-store"));
    /// ```
    pub fn set_header(&mut self, name: &'static str, value: impl Into<HeaderValue>) {
        self.headers
            .retain(|(other, _)| !other.eq_ignore_ascii_case(name));
        self.headers.push((checked(name), value.into()));
    }

    /// Sets a body of JSON and the `Content-Type` that says so.
    ///
    /// ```
    /// use peppercorn::{Response, StatusCode};
    ///
    /// let order = serde_json::json!({"id": 7, "matched": 0});
    /// let created = Response::new(StatusCode::Created).with_json(order.to_string());
    /// assert_eq!(created.header("content-type"), Some("application/json"));
    /// ```
    #[must_use]
    pub fn with_json(self, json: impl Into<Body>) -> Response {
        const JSON: HeaderValue = HeaderValue::from_static("application/json");
        self.with_header("Content-Type", JSON).with_body(json)
    }

    /// Sets the body. Its type is said by a `content-type` field, if at all.
    ///
    /// ```
    /// use peppercorn::{Response, StatusCode};
    ///
    /// let list = Response::new(StatusCode::Ok)
    ///     .with_header("Content-Type", "text/csv")
    ///     .with_body("isbn,title\n9780141184340,The Trial\n");
    /// assert!(list.body().as_bytes().starts_with(b"isbn,"));
    /// ```
    #[must_use]
    pub fn with_body(mut self, body: impl Into<Body>) -> Response {
        self.body = body.into();
        self
    }

    /// The status.
    ///
    /// ```
    /// use peppercorn::{Response, StatusCode};
    ///
    /// let placed = Response::new(StatusCode::Created);
    /// assert!(placed.status().is_success());
    /// ```
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The value of the first field line of that name, in whichever case.
    ///
    /// ```
    /// use peppercorn::Response;
    ///
    /// let answer = Response::json("[]").with_header("X-Total-Count", 812);
    /// assert_eq!(answer.header("x-total-count"), Some("812"));
    /// assert_eq!(answer.header("link"), None);
    /// ```
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers();
        let (_, value) = headers.find(|(other, _)| other.eq_ignore_ascii_case(name))?;
        Some(value)
    }

    /// The field lines in the order they were added, without those that the server writes itself.
    ///
    /// ```
    /// use peppercorn::Response;
    ///
    /// let answer = Response::json("[]").with_header("X-Total-Count", 812);
    /// let lines: Vec<_> = answer.headers().collect();
    /// assert_eq!(lines, [("Content-Type", "application/json"), ("X-Total-Count", "812")]);
    /// ```
    pub fn headers(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.headers
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
    }

    /// The body.
    ///
    /// ```
    /// use peppercorn::Response;
    ///
    /// assert_eq!(Response::text("12 books").body().as_bytes(), b"12 books");
    /// ```
    pub fn body(&self) -> &Body {
        &self.body
    }

    /// The body itself.
    ///
    /// ```
    /// use peppercorn::{Body, Response};
    ///
    /// /// Puts a list into an object: `{"books": [...]}`.
    /// fn wrapped(list: Response) -> Response {
    ///     match list.into_body() {
    ///         Body::Bytes(json) => Response::json([br#"{"books":"#.as_slice(), &json, b"}"].concat()),
    ///         other => Response::json(other),
    ///     }
    /// }
    /// let list = Response::json(vec![b'[', b']']);
    /// assert_eq!(wrapped(list).body().as_bytes(), br#"{"books":[]}"#);
    /// ```
    pub fn into_body(self) -> Body {
        self.body
    }

    /// The same answer, its stream wrapped by `wrap` if it has one: how a layer sees what goes wrong after the head.
    ///
    /// ```
    /// use futures_lite::StreamExt;
    /// use peppercorn::{BodyStream, Response};
    ///
    /// /// Says in the log how many bytes go out.
    /// fn counted(answer: Response) -> Response {
    ///     answer.map_stream(|pieces| {
    ///         BodyStream::new(pieces.inspect(|piece| match piece {
    ///             Ok(piece) => log::debug!("{} bytes", piece.len()),
    ///             Err(error) => log::warn!("the list ends early: {error:#}"),
    ///         }))
    ///     })
    /// }
    /// assert_eq!(counted(Response::text("no stream")).body().as_bytes(), b"no stream");
    /// ```
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
