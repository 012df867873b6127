//! One request's head, borrowed from the bytes it came in.

use std::fmt;

use super::framing::BodyLength;
use super::parse::{Field, Parsed};
use super::{Method, Reply};

/// The versions spoken here. Others are refused with 505.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Version {
    /// `HTTP/1.0`
    Http10,
    /// `HTTP/1.1`
    Http11,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Version::Http10 => "HTTP/1.0",
            Version::Http11 => "HTTP/1.1",
        })
    }
}

/// One request's head: whole, valid, and borrowed from its [`Reader`](super::Reader) or
/// [`Request`](super::Request).
#[derive(Clone, Copy)]
pub struct Head<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) parsed: &'a Parsed,
}

impl<'a> Head<'a> {
    /// The method, matched case-sensitively. Never CONNECT.
    #[inline]
    pub fn method(&self) -> Method {
        self.parsed.method
    }

    /// The path as it was sent: percent-encoded, not normalised, beginning with `/`. For `OPTIONS *`, and for an
    /// OPTIONS of an absolute-form target without path and query, it is `*` (RFC 9112 section 3.2.4).
    #[inline]
    pub fn path(&self) -> &'a str {
        if self.parsed.path.is_empty() {
            let server_wide = self.parsed.method == Method::Options && self.parsed.query.is_none();
            return if server_wide { "*" } else { "/" };
        }
        ascii(self.parsed.path.in_bytes(self.bytes))
    }

    /// Whether the path was sent as exactly this; cheaper than a look at [`path`](Self::path).
    #[inline]
    pub fn has_path(&self, path: &str) -> bool {
        self.parsed.path.in_bytes(self.bytes) == path.as_bytes()
    }

    /// What follows the first `?`, as it was sent; `Some("")` where nothing does.
    #[inline]
    pub fn query(&self) -> Option<&'a str> {
        self.parsed
            .query
            .map(|query| ascii(query.in_bytes(self.bytes)))
    }

    /// The version the client speaks.
    #[inline]
    pub fn version(&self) -> Version {
        self.parsed.version
    }

    /// `host[:port]`: from the target in absolute-form, else from `Host`. HTTP/1.0 may have neither.
    pub fn host(&self) -> Option<&'a str> {
        self.parsed
            .host
            .map(|host| ascii(host.in_bytes(self.bytes)))
    }

    /// The value of the first field line of that name, in whichever case. `None` also for a value that is not
    /// UTF-8: [`headers`](Self::headers) has its bytes. A `Host` line says what [`host`](Self::host) says.
    pub fn header(&self, name: &str) -> Option<&'a str> {
        let value = self.header_lines(name).next()?;
        std::str::from_utf8(value).ok()
    }

    /// The values of all field lines of that name, in order: list fields may come in several
    /// (RFC 9110 section 5.3).
    pub fn header_lines(&self, name: &str) -> impl DoubleEndedIterator<Item = &'a [u8]> {
        let fields = self.parsed.fields.iter();
        let lines = fields.filter(move |field| self.is_named(field, name));
        lines.map(|field| field.value.in_bytes(self.bytes))
    }

    /// Whether there is a field line of any of these names.
    #[inline]
    pub(super) fn has_any(&self, names: [&str; 2]) -> bool {
        let mut fields = self.parsed.fields.iter();
        fields.any(|field| names.iter().any(|name| self.is_named(field, name)))
    }

    #[inline]
    fn is_named(&self, field: &Field, name: &str) -> bool {
        (field.name.end - field.name.start) as usize == name.len()
            && field
                .name
                .in_bytes(self.bytes)
                .eq_ignore_ascii_case(name.as_bytes())
    }

    /// All field lines in order: the name as it was sent, the value without the white space around it.
    pub fn headers(&self) -> impl Iterator<Item = (&'a str, &'a [u8])> + use<'a> {
        let bytes = self.bytes;
        let fields = self.parsed.fields.iter();
        fields.map(|field| {
            (
                ascii(field.name.in_bytes(bytes)),
                field.value.in_bytes(bytes),
            )
        })
    }

    /// The media type of `Content-Type`, without its parameters: `application/json`.
    pub fn content_type(&self) -> Option<&'a str> {
        let value = self.header("content-type")?;
        let media_type = value.split(';').next()?;
        Some(media_type.trim_matches([' ', '\t']))
    }

    /// Whether the client wants the connection to live on (RFC 9112 section 9.3).
    #[inline]
    pub fn keep_alive(&self) -> bool {
        self.parsed.keep_alive
    }

    /// Whether the client waits for [`CONTINUE`](super::CONTINUE) before it sends its body (RFC 9110 section
    /// 10.1.1). False without a body and for HTTP/1.0. Ask it when [`Reader::body`](super::Reader::body) says
    /// `None`: if the body is there already, the 100 may be left out.
    #[inline]
    pub fn expects_continue(&self) -> bool {
        self.parsed.expects_continue
    }

    /// Whether a body follows: a length above 0, or chunks, which may turn out to be empty.
    #[inline]
    pub fn has_body(&self) -> bool {
        self.parsed.body != BodyLength::Known(0)
    }

    /// How this request is to be answered.
    #[inline]
    pub fn reply(&self) -> Reply {
        Reply::to(self.version(), self.method(), self.keep_alive())
    }
}

/// Names the request and nothing in it that may be a secret.
impl fmt::Debug for Head<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Head")
            .field("method", &self.method())
            .field("path", &self.path())
            .field("version", &self.version())
            .field("fields", &self.parsed.fields.len())
            .finish_non_exhaustive()
    }
}

/// What was checked to be ASCII, as text.
fn ascii(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or_default()
}
