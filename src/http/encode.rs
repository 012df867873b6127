//! Answers as bytes: the status line, the fields that frame, the response's own, and the body.

use super::date::HttpDate;
use super::{Method, Response, StatusCode, Version};

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

    /// Whether the connection lives on after this answer.
    #[inline]
    pub fn keep_alive(self) -> bool {
        self.keep_alive
    }
}

/// Appends the whole answer to `out`.
///
/// The status line says HTTP/1.1 to everybody (RFC 9110 section 6.2). Then `Date`, `Content-Length` unless the
/// status has no content, `Connection: close` for the connection's last answer or `keep-alive` for an HTTP/1.0
/// client that asked for it, the response's fields, and the body, unless the request was HEAD.
pub fn encode(response: &Response, reply: Reply, date: &HttpDate, out: &mut Vec<u8>) {
    let body = encode_head(response, reply, date, out);
    out.extend_from_slice(body);
}

/// Appends everything up to the body to `out`, and gives back the body that must follow: for bodies too large to
/// be worth a copy. It is empty where the answer has none.
pub fn encode_head<'r>(
    response: &'r Response,
    reply: Reply,
    date: &HttpDate,
    out: &mut Vec<u8>,
) -> &'r [u8] {
    let status = response.status();
    // RFC 9112 section 6.3, step 1: whatever the response holds, these end with their head.
    let has_content = !(status.is_informational()
        || matches!(status, StatusCode::NoContent | StatusCode::NotModified));
    let mut body = match status {
        // RFC 9110 section 15.3.6: content-length 0 and nothing else.
        StatusCode::ResetContent => &[],
        _ => response.body().as_bytes(),
    };

    // One growth for the head: few have more than a handful of short fields.
    out.reserve(512);
    status_line(status, out);
    out.extend_from_slice(b"Date: ");
    out.extend_from_slice(date.as_bytes());
    if has_content {
        out.extend_from_slice(b"\r\nContent-Length: ");
        out.extend_from_slice(itoa::Buffer::new().format(body.len()).as_bytes());
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
    if reply.head || !has_content {
        body = &[];
    }
    body
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

    const GET: Reply = Reply {
        version: Version::Http11,
        head: false,
        keep_alive: true,
    };

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
        assert_eq!(encode_head(&pong, GET, &date, &mut out), b"pong");
        assert!(out.ends_with(b"\r\n\r\n"));
        assert_eq!(
            encode_head(&pong, Reply { head: true, ..GET }, &date, &mut out),
            b""
        );
    }
}
