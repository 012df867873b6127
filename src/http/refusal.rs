//! Why a request is refused: the reason for the client and its status, in one table.

use std::fmt;

use super::StatusCode;

/// Why a request is refused, one variant per reason.
///
/// `Display` is one short sentence for the client. Every refusal ends the connection: where one message is in
/// doubt, so is the place at which the next one begins (RFC 9112 section 11.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// More empty lines before the request line than robustness asks for (RFC 9112 section 2.2).
    EmptyLines,
    /// A line feed without its carriage return, or the other way round (RFC 9112 section 2.2).
    LineEnd,
    /// The request line is not `method SP target SP version` (RFC 9112 section 3).
    RequestLine,
    /// A method this server does not implement, CONNECT included (RFC 9110 section 9.1).
    Method,
    /// A version of HTTP other than 1.0 and 1.1 (RFC 9110 section 15.6.6).
    Version,
    /// The request target breaks the rules of RFC 9112 section 3.2 or RFC 3986.
    Target,
    /// [`Limits::target`](super::Limits::target) was passed.
    TargetTooLong,
    /// [`Limits::head`](super::Limits::head) was passed.
    HeadTooLarge,
    /// [`Limits::fields`](super::Limits::fields) was passed.
    TooManyFields,
    /// A field line without a valid name before its colon, or a folded one (RFC 9112 section 5).
    FieldName,
    /// A control character in a field value (RFC 9110 section 5.5).
    FieldValue,
    /// HTTP/1.1 without `Host` (RFC 9112 section 3.2).
    HostMissing,
    /// More than one `Host` line (RFC 9112 section 3.2).
    HostRepeated,
    /// A `Host` that is no `host [":" port]` (RFC 9110 section 7.2).
    HostInvalid,
    /// An expectation other than `100-continue` (RFC 9110 section 10.1.1).
    Expectation,
    /// Both `Transfer-Encoding` and `Content-Length` (RFC 9112 section 6.3, step 3).
    LengthAndCoding,
    /// `Transfer-Encoding` in HTTP/1.0 (RFC 9112 section 6.1).
    CodingInHttp10,
    /// `Transfer-Encoding` without `chunked` as its last coding, or on several lines (RFC 9112 section 6.3, step 4).
    CodingInvalid,
    /// A coding before `chunked` (RFC 9112 section 6.1).
    CodingUnknown,
    /// A `Content-Length` that is no plain decimal number (RFC 9112 section 6.3, step 5).
    LengthInvalid,
    /// More than one `Content-Length` line, even with one value (RFC 9112 section 6.3, step 5).
    LengthRepeated,
    /// [`Limits::body`](super::Limits::body) was passed.
    BodyTooLarge,
    /// A chunk does not begin with `1*16HEXDIG` and CRLF (RFC 9112 section 7.1).
    ChunkSize,
    /// A chunk's data does not end with CRLF where its size says (RFC 9112 section 7.1).
    ChunkEnd,
    /// A malformed chunk extension (RFC 9112 section 7.1.1).
    ChunkExtension,
    /// [`Limits::chunk_extensions`](super::Limits::chunk_extensions) was passed.
    ChunkExtensionsTooLarge,
    /// A malformed field line after the last chunk (RFC 9112 section 7.1.2).
    Trailer,
    /// [`Limits::trailers`](super::Limits::trailers) was passed.
    TrailersTooLarge,
    /// The client ended its side inside a request (RFC 9112 section 8). The server's to find: no reader returns it.
    Truncated,
    /// The request did not arrive in time. The server's to find: no reader returns it.
    TooSlow,
}

impl Refusal {
    /// The status of the one answer that goes out before the connection is closed.
    pub fn status(self) -> StatusCode {
        use Refusal::*;
        match self {
            TargetTooLong => StatusCode::UriTooLong,
            HeadTooLarge | TooManyFields | TrailersTooLarge => {
                StatusCode::RequestHeaderFieldsTooLarge
            }
            BodyTooLarge => StatusCode::PayloadTooLarge,
            Expectation => StatusCode::ExpectationFailed,
            TooSlow => StatusCode::RequestTimeout,
            Method | CodingUnknown => StatusCode::NotImplemented,
            Version => StatusCode::HttpVersionNotSupported,
            EmptyLines
            | LineEnd
            | RequestLine
            | Target
            | FieldName
            | FieldValue
            | HostMissing
            | HostRepeated
            | HostInvalid
            | LengthAndCoding
            | CodingInHttp10
            | CodingInvalid
            | LengthInvalid
            | LengthRepeated
            | ChunkSize
            | ChunkEnd
            | ChunkExtension
            | ChunkExtensionsTooLarge
            | Trailer
            | Truncated => StatusCode::BadRequest,
        }
    }

    fn sentence(self) -> &'static str {
        use Refusal::*;
        match self {
            EmptyLines => "too many empty lines before the request line",
            LineEnd => "a line must end with CR LF, and neither may stand alone",
            RequestLine => "malformed request line",
            Method => "method not implemented",
            Version => "only HTTP/1.0 and HTTP/1.1 are spoken here",
            Target => {
                "invalid request target: other characters than RFC 3986 allows must be percent-encoded"
            }
            TargetTooLong => "request target too long",
            HeadTooLarge => "request head too large",
            TooManyFields => "too many header fields",
            FieldName => "malformed header field name",
            FieldValue => "control character in a header field value",
            HostMissing => "an HTTP/1.1 request needs a Host field",
            HostRepeated => "more than one Host field",
            HostInvalid => "invalid Host field",
            Expectation => "the only expectation met here is 100-continue",
            LengthAndCoding => "both Transfer-Encoding and Content-Length",
            CodingInHttp10 => "Transfer-Encoding in an HTTP/1.0 request",
            CodingInvalid => "Transfer-Encoding must be one line and say chunked",
            CodingUnknown => "the only transfer coding understood here is chunked",
            LengthInvalid => "invalid Content-Length",
            LengthRepeated => "more than one Content-Length field",
            BodyTooLarge => "request body too large",
            ChunkSize => "malformed chunk size",
            ChunkEnd => "chunk data and chunk size differ",
            ChunkExtension => "malformed chunk extension",
            ChunkExtensionsTooLarge => "chunk extensions too large",
            Trailer => "malformed trailer field",
            TrailersTooLarge => "trailer fields too large",
            Truncated => "the connection was closed inside a request",
            TooSlow => "the request did not arrive in time",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.sentence())
    }
}

impl std::error::Error for Refusal {}
