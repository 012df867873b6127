//! Answers as bytes: the status line, the fields that frame, the response's own, and the body.

use super::date::HttpDate;
use super::{Body, Method, Response, StatusCode, Version};

/// The interim answer to `Expect: 100-continue` (RFC 9110 section 15.2.1).
pub const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// How a request is to be answered: kept from its head before its endpoint runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reply {
    version: Version,
    /// The request was HEAD: the answer says how long the body would be, and has none.
    head: bool,
    keep_alive: bool,
}

impl Reply {
    /// To anything but HEAD in HTTP/1.1, the connection living on: by far the most.
    pub const PERSISTENT: Reply = Reply {
        version: Version::Http11,
        head: false,
        keep_alive: true,
    };

    pub(super) fn to(version: Version, method: Method, keep_alive: bool) -> Reply {
        Reply {
            version,
            head: method == Method::Head,
            keep_alive,
        }
    }

    /// The same, the connection ending after it.
    #[must_use]
    pub fn closing(self) -> Reply {
        Reply {
            keep_alive: false,
            ..self
        }
    }

    /// The same for a body whose length is not known: HTTP/1.0 learns its end from the connection's.
    #[must_use]
    pub fn to_stream(self) -> Reply {
        match self.version {
            Version::Http10 => self.closing(),
            Version::Http11 => self,
        }
    }

    /// Whether the connection lives on after this answer.
    #[inline]
    pub fn keep_alive(self) -> bool {
        self.keep_alive
    }
}

/// How an answer's body follows its head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// It has none, or none is to be sent.
    None,
    /// As many bytes as the head has said.
    Length,
    /// In chunks, see [`encode_chunk`].
    Chunked,
    /// As it is, until the connection ends.
    UntilClose,
}

/// Appends the whole answer to `out`; of one with a stream the head.
///
/// The status line says HTTP/1.1 to everybody (RFC 9110 section 6.2). Then `Date`, `Content-Length` or
/// `Transfer-Encoding` unless the status has no content, `Connection: close` for the connection's last answer or
/// `keep-alive` for an HTTP/1.0 client that asked for it, the response's fields, and the body, unless the request was
/// HEAD.
pub fn encode(response: &Response, reply: Reply, date: &HttpDate, out: &mut Vec<u8>) -> Framing {
    let framing = encode_head(response, reply, date, out);
    if framing == Framing::Length {
        out.extend_from_slice(response.body().as_bytes());
    }
    framing
}

/// Appends everything up to the body to `out`, and says how the body must follow: for bodies too large to be worth a
/// copy, and for streams.
pub fn encode_head(
    response: &Response,
    reply: Reply,
    date: &HttpDate,
    out: &mut Vec<u8>,
) -> Framing {
    let framing = framing(response, reply);
    // One growth for the head: few have more than a handful of short fields.
    out.reserve(512);
    status_line(response.status(), out);
    out.extend_from_slice(b"Date: ");
    out.extend_from_slice(date.as_bytes());
    match framing {
        Framing::Length => {
            let length = content(response).len();
            out.extend_from_slice(b"\r\nContent-Length: ");
            out.extend_from_slice(itoa::Buffer::new().format(length).as_bytes());
        }
        Framing::Chunked => out.extend_from_slice(b"\r\nTransfer-Encoding: chunked"),
        Framing::None | Framing::UntilClose => {}
    }
    match (reply.keep_alive, reply.version) {
        (true, Version::Http11) => out.extend_from_slice(b"\r\n"),
        (true, Version::Http10) => out.extend_from_slice(b"\r\nConnection: keep-alive\r\n"),
        (false, _) => out.extend_from_slice(b"\r\nConnection: close\r\n"),
    }
    for (name, value) in response.headers() {
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b": ");
        out.extend_from_slice(value.as_bytes());
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"\r\n");
    match framing {
        // To HEAD the fields say what they would say to GET (RFC 9110 section 9.3.2).
        _ if reply.head => Framing::None,
        Framing::Length if content(response).is_empty() => Framing::None,
        framing => framing,
    }
}

/// The bytes of a body that is no stream. RFC 9110 section 15.3.6: 205 has content-length 0 and nothing else.
fn content(response: &Response) -> &[u8] {
    match response.status() {
        StatusCode::ResetContent => &[],
        _ => response.body().as_bytes(),
    }
}

fn framing(response: &Response, reply: Reply) -> Framing {
    let status = response.status();
    match response.body() {
        // RFC 9112 section 6.3, step 1: whatever the response holds, these end with their head.
        _ if status.is_informational() => Framing::None,
        _ if matches!(status, StatusCode::NoContent | StatusCode::NotModified) => Framing::None,
        _ if status == StatusCode::ResetContent => Framing::Length,
        Body::Stream(_) if reply.version == Version::Http10 => Framing::UntilClose,
        Body::Stream(_) => Framing::Chunked,
        _ => Framing::Length,
    }
}

/// Appends one chunk; nothing for no bytes, which would be the last chunk.
pub fn encode_chunk(bytes: &[u8], out: &mut Vec<u8>) {
    if bytes.is_empty() {
        return;
    }
    out.reserve(bytes.len() + 20);
    out.extend_from_slice(format!("{:x}\r\n", bytes.len()).as_bytes());
    out.extend_from_slice(bytes);
    out.extend_from_slice(b"\r\n");
}

/// Appends the end of a chunked body: the last chunk and no trailers.
pub fn encode_last_chunk(out: &mut Vec<u8>) {
    out.extend_from_slice(b"0\r\n\r\n");
}

fn status_line(status: StatusCode, out: &mut Vec<u8>) {
    if status == StatusCode::Ok {
        out.extend_from_slice(b"HTTP/1.1 200 OK\r\n");
        return;
    }
    out.extend_from_slice(b"HTTP/1.1 ");
    out.extend_from_slice(itoa::Buffer::new().format(u16::from(status)).as_bytes());
    out.extend_from_slice(b" ");
    out.extend_from_slice(reason(status).as_bytes());
    out.extend_from_slice(b"\r\n");
}

/// The reason phrase of RFC 9110 section 15, where `http_types` has an older one or, for 304, a wrong one.
fn reason(status: StatusCode) -> &'static str {
    match status {
        StatusCode::NonAuthoritativeInformation => "Non-Authoritative Information",
        StatusCode::ImUsed => "IM Used",
        StatusCode::MultipleChoice => "Multiple Choices",
        StatusCode::NotModified => "Not Modified",
        StatusCode::PayloadTooLarge => "Content Too Large",
        StatusCode::RequestedRangeNotSatisfiable => "Range Not Satisfiable",
        StatusCode::UnprocessableEntity => "Unprocessable Content",
        _ => status.canonical_reason(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::BodyStream;

    const GET: Reply = Reply::PERSISTENT;

    fn text(response: &Response, reply: Reply) -> String {
        let mut out = b"before".to_vec();
        encode(response, reply, &HttpDate::from_unix(784_111_777), &mut out);
        let out = String::from_utf8(out).expect("text");
        out.strip_prefix("before").expect("appended").to_owned()
    }

    fn pong() -> Response {
        Response::new(StatusCode::Ok)
            .with_header("content-type", "text/plain")
            .with_body("pong")
    }

    #[test]
    fn an_answer() {
        let expected = "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: 4\r\n\
                        content-type: text/plain\r\n\r\npong";
        assert_eq!(text(&pong(), GET), expected);
    }

    /// RFC 9110 section 9.3.2
    #[test]
    fn head_is_told_the_length_and_sent_no_body() {
        let head = Reply { head: true, ..GET };
        assert_eq!(text(&pong(), head) + "pong", text(&pong(), GET));
    }

    /// RFC 9112 section 9.6, and the old keep-alive of its appendix C.2.2
    #[test]
    fn connection_is_said_where_it_is_not_the_versions_own() {
        let old = Reply {
            version: Version::Http10,
            ..GET
        };
        assert!(!text(&pong(), GET).contains("Connection"));
        assert!(text(&pong(), old).contains("\r\nConnection: keep-alive\r\n"));
        for reply in [GET, old] {
            assert!(text(&pong(), reply.closing()).contains("\r\nConnection: close\r\n"));
        }
    }

    /// RFC 9110 sections 8.6, 15.2, 15.3.5 and 15.4.5
    #[test]
    fn no_content_no_length() {
        for status in [
            StatusCode::EarlyHints,
            StatusCode::NoContent,
            StatusCode::NotModified,
        ] {
            let sent = text(&Response::new(status).with_body("x"), GET);
            assert!(!sent.contains("Content-Length"));
            assert!(sent.ends_with(" GMT\r\n\r\n"), "{sent}");
        }
        let reset = text(&Response::new(StatusCode::ResetContent).with_body("x"), GET);
        assert!(reset.ends_with("\r\nContent-Length: 0\r\n\r\n"));
        assert!(
            text(&Response::new(StatusCode::NotFound), GET).contains("\r\nContent-Length: 0\r\n")
        );
    }

    #[test]
    fn reasons_are_rfc_9110s() {
        let line = |status| {
            text(&Response::new(status), GET)
                .lines()
                .next()
                .map(str::to_owned)
        };
        assert_eq!(
            line(StatusCode::NotModified).as_deref(),
            Some("HTTP/1.1 304 Not Modified")
        );
        assert_eq!(
            line(StatusCode::PayloadTooLarge).as_deref(),
            Some("HTTP/1.1 413 Content Too Large")
        );
        assert_eq!(
            line(StatusCode::InternalServerError).as_deref(),
            Some("HTTP/1.1 500 Internal Server Error")
        );
    }

    #[test]
    fn a_large_body_need_not_be_copied() {
        let mut out = Vec::new();
        let date = HttpDate::from_unix(0);
        let pong = pong();
        assert_eq!(encode_head(&pong, GET, &date, &mut out), Framing::Length);
        assert!(out.ends_with(b"\r\n\r\n"));
        let head = Reply { head: true, ..GET };
        assert_eq!(encode_head(&pong, head, &date, &mut out), Framing::None);
    }

    /// RFC 9112 sections 6.1 and 6.3, step 8
    #[test]
    fn a_stream_goes_in_chunks_or_to_the_connections_end() {
        let stream = || BodyStream::new(futures_lite::stream::empty());
        let response = |status| Response::new(status).with_body(stream());
        let framed = |status, reply| {
            let mut out = Vec::new();
            let response = response(status);
            let framing = encode(&response, reply, &HttpDate::from_unix(0), &mut out);
            (framing, String::from_utf8(out).expect("text"))
        };
        let (framing, sent) = framed(StatusCode::Ok, GET);
        assert_eq!(framing, Framing::Chunked);
        assert!(sent.ends_with("\r\nTransfer-Encoding: chunked\r\n\r\n"));

        let old = Reply {
            version: Version::Http10,
            ..GET
        };
        let (framing, sent) = framed(StatusCode::Ok, old.to_stream());
        assert_eq!(framing, Framing::UntilClose);
        assert!(!sent.contains("Transfer-Encoding") && sent.contains("\r\nConnection: close\r\n"));
        assert_eq!(GET.to_stream(), GET);

        for (status, reply) in [
            (StatusCode::Ok, Reply { head: true, ..GET }),
            (StatusCode::NoContent, GET),
            (StatusCode::ResetContent, GET),
        ] {
            assert_eq!(framed(status, reply).0, Framing::None);
        }
    }

    /// RFC 9112 section 7.1
    #[test]
    fn chunks() {
        let mut out = Vec::new();
        encode_chunk(&[b'x'; 26], &mut out);
        encode_chunk(b"", &mut out);
        encode_chunk(b"y", &mut out);
        encode_last_chunk(&mut out);
        let expected = format!("1a\r\n{}\r\n1\r\ny\r\n0\r\n\r\n", "x".repeat(26));
        assert_eq!(String::from_utf8(out).expect("text"), expected);
    }
}
