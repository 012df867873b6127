//! A request as an owned value: what an endpoint is given, and what tests and embedders build by hand.

use std::fmt;

use super::chars::{self, FIELD};
use super::framing::BodyLength;
use super::head::Head;
use super::parse::{Field, Parsed, Span};
use super::{Method, Refusal, Reply, Version, target};

/// A request with its whole body: one copy of the head's bytes, and where in them everything lies.
///
/// ```
/// use peppercorn::{Method, Request};
///
/// let request = Request::new(Method::Post, "/orders?dry=1")
///     .with_header("content-type", "application/json; charset=utf-8")
///     .with_body("{}");
/// assert_eq!(request.path(), "/orders");
/// assert_eq!(request.query(), Some("dry=1"));
/// assert_eq!(request.content_type(), Some("application/json"));
/// assert_eq!(request.into_body(), b"{}");
/// ```
#[derive(Clone)]
pub struct Request {
    bytes: Vec<u8>,
    parsed: Parsed,
    body: Vec<u8>,
}

impl Request {
    pub(super) fn from_head(head: Head<'_>) -> Request {
        Request {
            bytes: head.bytes.to_vec(),
            parsed: head.parsed.clone(),
            body: Vec::new(),
        }
    }

    /// A request made by hand: HTTP/1.1, persistent, without fields and body.
    ///
    /// # Panics
    /// When `target` is not valid for `method`: this is for targets in the source. See [`try_new`](Self::try_new).
    ///
    /// ```
    /// use peppercorn::{Method, Request};
    ///
    /// let request = Request::new(Method::Get, "/events?sport=tennis");
    /// assert_eq!((request.path(), request.query()), ("/events", Some("sport=tennis")));
    /// ```
    pub fn new(method: Method, target: &str) -> Request {
        match Request::try_new(method, target) {
            Ok(request) => request,
            Err(refusal) => panic!("{method} {target}: {refusal}"),
        }
    }

    /// As [`new`](Self::new), for targets that come from elsewhere.
    ///
    /// # Errors
    /// When `target` is not valid for `method`.
    ///
    /// ```
    /// use peppercorn::{Method, Request};
    ///
    /// let target = String::from("/books/the trial");
    /// assert!(Request::try_new(Method::Get, &target).is_err());
    /// assert!(Request::try_new(Method::Get, &target.replace(' ', "%20")).is_ok());
    /// ```
    pub fn try_new(method: Method, target: &str) -> Result<Request, Refusal> {
        let bytes = target.as_bytes().to_vec();
        let target = target::parse(method, &bytes)?;
        let parsed = Parsed {
            method,
            path: Span::of(target.path, &bytes),
            query: target.query.map(|query| Span::of(query, &bytes)),
            host: target
                .authority
                .map(|authority| Span::of(authority, &bytes)),
            ..Parsed::default()
        };
        Ok(Request {
            bytes,
            parsed,
            body: Vec::new(),
        })
    }

    /// Adds a field line. It says nothing about framing: `connection` and `content-length` are lines like others.
    ///
    /// # Panics
    /// When `name` is no token or `value` holds a control character.
    ///
    /// ```
    /// use peppercorn::{Method, Request};
    ///
    /// let request = Request::new(Method::Get, "/events").with_header("Accept", "text/csv");
    /// assert_eq!(request.header("accept"), Some("text/csv"));
    /// ```
    #[must_use]
    pub fn with_header(mut self, name: &str, value: &str) -> Request {
        let valid = chars::is_token(name.as_bytes()) && chars::all(value.as_bytes(), FIELD);
        assert!(valid, "invalid header field `{name}`");
        let name = self.append(name.as_bytes());
        let value = self.append(chars::trim(value.as_bytes()));
        self.parsed.fields.push(Field { name, value });
        if self.parsed.host.is_none() && name.in_bytes(&self.bytes).eq_ignore_ascii_case(b"host") {
            self.parsed.host = Some(value);
        }
        self
    }

    /// Sets the body.
    ///
    /// ```
    /// use peppercorn::{Method, Request};
    ///
    /// let request = Request::new(Method::Post, "/orders").with_body(r#"{"quantity":2}"#);
    /// assert_eq!(request.body(), br#"{"quantity":2}"#);
    /// ```
    #[must_use]
    pub fn with_body(mut self, body: impl Into<Vec<u8>>) -> Request {
        self.body = body.into();
        self.parsed.body = BodyLength::Known(self.body.len());
        self
    }

    fn append(&mut self, bytes: &[u8]) -> Span {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        Span::new(start, self.bytes.len())
    }

    /// Everything but the body.
    #[doc(hidden)]
    #[inline]
    pub fn head(&self) -> Head<'_> {
        Head {
            bytes: &self.bytes,
            parsed: &self.parsed,
        }
    }

    /// The body, decoded from its chunks; empty where there is none.
    ///
    /// ```
    /// use peppercorn::{Context, Response};
    ///
    /// async fn upload(context: Context) -> anyhow::Result<Response> {
    ///     let lines = context.request.body().split(|byte| *byte == b'\n').count();
    ///     Ok(Response::text(format!("{lines} books\n")))
    /// }
    /// ```
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The body itself.
    ///
    /// ```
    /// use peppercorn::{Context, Response, StatusCode};
    ///
    /// async fn cover(context: Context) -> anyhow::Result<Response> {
    ///     // Sends the picture back, and copies nothing.
    ///     let picture = context.request.into_body();
    ///     Ok(Response::new(StatusCode::Ok).with_header("Content-Type", "image/png").with_body(picture))
    /// }
    /// ```
    pub fn into_body(self) -> Vec<u8> {
        self.body
    }

    /// The method, matched case-sensitively. Never CONNECT.
    ///
    /// ```
    /// use peppercorn::{Method, Request};
    ///
    /// let request = Request::new(Method::Head, "/books");
    /// let reads = matches!(request.method(), Method::Get | Method::Head);
    /// assert!(reads);
    /// ```
    pub fn method(&self) -> Method {
        self.head().method()
    }

    /// The path as it was sent: percent-encoded, not normalised, beginning with `/`; `*` for an OPTIONS of the whole server.
    /// What the parameters of a route are is decoded in [`Context::path`](crate::Context::path).
    ///
    /// ```
    /// use peppercorn::{Method, Request};
    ///
    /// let request = Request::new(Method::Get, "/authors/Stanis%C5%82aw%20Lem?page=2");
    /// assert_eq!(request.path(), "/authors/Stanis%C5%82aw%20Lem");
    /// ```
    pub fn path(&self) -> &str {
        self.head().path()
    }

    /// What follows the first `?`, as it was sent; `Some("")` where nothing does.
    /// [`Context::query_parameter`](crate::Context::query_parameter) reads it.
    ///
    /// ```
    /// use peppercorn::{Method, Request};
    ///
    /// assert_eq!(Request::new(Method::Get, "/events?sport=tennis&limit=1").query(), Some("sport=tennis&limit=1"));
    /// assert_eq!(Request::new(Method::Get, "/events").query(), None);
    /// ```
    pub fn query(&self) -> Option<&str> {
        self.head().query()
    }

    /// The version the client speaks.
    #[doc(hidden)]
    pub fn version(&self) -> Version {
        self.head().version()
    }

    /// `host[:port]`: from the target in absolute-form, else from `Host`. HTTP/1.0 may have neither.
    ///
    /// ```
    /// use peppercorn::{Method, Request};
    ///
    /// let request = Request::new(Method::Get, "/books").with_header("Host", "shop.example.com:8080");
    /// assert_eq!(request.host(), Some("shop.example.com:8080"));
    /// ```
    pub fn host(&self) -> Option<&str> {
        self.head().host()
    }

    /// The value of the first field line of that name, in whichever case. `None` also for a value that is not UTF-8:
    /// [`headers`](Self::headers) has its bytes.
    ///
    /// ```
    /// use peppercorn::{Method, Request};
    ///
    /// let request = Request::new(Method::Put, "/orders/7").with_header("If-Match", "\"812\"");
    /// assert_eq!(request.header("if-match"), Some("\"812\""));
    /// assert_eq!(request.header("if-none-match"), None);
    /// ```
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head().header(name)
    }

    /// All field lines in order: the name as it was sent, the value without the white space around it.
    ///
    /// ```
    /// use peppercorn::{Method, Request};
    ///
    /// let request = Request::new(Method::Get, "/books")
    ///     .with_header("X-Shop", "London")
    ///     .with_header("X-Shop", "Paris");
    /// let shops = request.headers().filter(|(name, _)| name.eq_ignore_ascii_case("x-shop"));
    /// assert!(shops.map(|(_, value)| value).eq([b"London".as_slice(), b"Paris"]));
    /// ```
    pub fn headers(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.head().headers()
    }

    /// The media type of `Content-Type`, without its parameters: `application/json`.
    ///
    /// ```
    /// use peppercorn::{Method, Request};
    ///
    /// let request = Request::new(Method::Post, "/books")
    ///     .with_header("Content-Type", "text/csv; charset=utf-8")
    ///     .with_body("isbn,title\n");
    /// assert_eq!(request.content_type(), Some("text/csv"));
    /// ```
    pub fn content_type(&self) -> Option<&str> {
        self.head().content_type()
    }

    /// See [`Head::keep_alive`].
    #[doc(hidden)]
    pub fn keep_alive(&self) -> bool {
        self.head().keep_alive()
    }

    /// See [`Head::expects_continue`].
    #[doc(hidden)]
    pub fn expects_continue(&self) -> bool {
        self.head().expects_continue()
    }

    /// Whether it has a body. Chunks may turn out to be empty.
    #[doc(hidden)]
    pub fn has_body(&self) -> bool {
        self.head().has_body()
    }

    /// See [`Head::reply`].
    #[doc(hidden)]
    pub fn reply(&self) -> Reply {
        self.head().reply()
    }
}

/// Names the request and nothing in it that may be a secret.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("head", &self.head())
            .field("body_bytes", &self.body.len())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn built_by_hand() {
        let request = Request::new(Method::Get, "http://a.example:80?x=%20")
            .with_header("Accept", "text/html")
            .with_header("accept", " */* ")
            .with_header("Authorization", "Bearer secret");
        assert_eq!((request.path(), request.query()), ("/", Some("x=%20")));
        assert_eq!(request.host(), Some("a.example:80"));
        assert_eq!(request.header("ACCEPT"), Some("text/html"));
        let lines: Vec<_> = request.head().header_lines("accept").collect();
        assert_eq!(lines, [b"text/html".as_slice(), b"*/*"]);
        assert_eq!(request.headers().count(), 3);
        assert!(request.keep_alive() && !request.has_body() && !request.expects_continue());
        assert!(!format!("{request:?}").contains("secret"));
        assert!(Request::new(Method::Post, "/").with_body("x").has_body());
        assert_eq!(Request::new(Method::Options, "http://a").path(), "*");
        assert_eq!(Request::new(Method::Options, "http://a/").path(), "/");
    }

    #[test]
    fn a_hand_made_target_is_checked_too() {
        assert_eq!(
            Request::try_new(Method::Get, "/a b").err(),
            Some(Refusal::Target)
        );
        assert_eq!(
            Request::try_new(Method::Get, "*").err(),
            Some(Refusal::Target)
        );
    }

    #[test]
    #[should_panic(expected = "invalid header field `x-a`")]
    fn a_hand_made_field_is_checked_too() {
        let _ = Request::new(Method::Get, "/").with_header("x-a", "b\r\nx-c: d");
    }
}
