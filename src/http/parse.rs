//! A head's bytes to what they mean: the tokenizer's pass, then everything the tokenizer does not check.
//!
//! `httparse` splits the lines and knows the characters of methods, names and values. The version's number, the
//! target, `Host` and whatever frames the message are checked here.

use std::mem::MaybeUninit;

use super::chars::{self, TOKEN};
use super::framing::{self, BodyLength, Connection, Line};
use super::limits::MOST_FIELDS;
use super::target::{self, Target};
use super::{Limits, Method, Refusal, Version};
use crate::work;

/// A part of a head's bytes. Heads are bounded far below 4 GiB.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Span {
    pub start: u32,
    pub end: u32,
}

impl Span {
    /// Where `part` lies in `whole`, of which it is a slice.
    pub(super) fn of(part: &[u8], whole: &[u8]) -> Span {
        let start = part.as_ptr() as usize - whole.as_ptr() as usize;
        Span::new(start, start + part.len())
    }

    pub(super) fn new(start: usize, end: usize) -> Span {
        Span {
            start: start as u32,
            end: end as u32,
        }
    }

    pub(super) fn is_empty(self) -> bool {
        self.start == self.end
    }

    pub(super) fn in_bytes(self, bytes: &[u8]) -> &[u8] {
        &bytes[self.start as usize..self.end as usize]
    }
}

/// One field line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field {
    pub name: Span,
    pub value: Span,
}

/// What a head says, as spans into its bytes. A value of its own: the bytes are the reader's or a request's.
#[derive(Clone, Debug)]
pub(super) struct Parsed {
    pub method: Method,
    pub version: Version,
    /// Empty: `/`, or `*` for OPTIONS without a query.
    pub path: Span,
    pub query: Option<Span>,
    /// The target's authority, or else the value of `Host`.
    pub host: Option<Span>,
    pub fields: Vec<Field>,
    pub body: BodyLength,
    pub keep_alive: bool,
    pub expects_continue: bool,
}

impl Default for Parsed {
    fn default() -> Self {
        Parsed {
            method: Method::Get,
            version: Version::Http11,
            path: Span::default(),
            query: None,
            host: None,
            fields: Vec::new(),
            body: BodyLength::Known(0),
            keep_alive: true,
            expects_continue: false,
        }
    }
}

/// The fields this room acts on, gathered in one pass.
#[derive(Default)]
struct Acted<'a> {
    host: Line<'a>,
    content_length: Line<'a>,
    transfer_encoding: Line<'a>,
    connection: Connection,
    /// `Expect: 100-continue` was there.
    expects_continue: bool,
}

impl<'a> Acted<'a> {
    /// By length and first letter before any comparison: nearly every field is told apart without reading its name.
    #[inline]
    fn add(&mut self, name: &str, value: &'a [u8]) -> Result<(), Refusal> {
        let first = name.as_bytes().first().map_or(0, |byte| byte | 0x20);
        match (name.len(), first) {
            (4, b'h') if name.eq_ignore_ascii_case("host") => self.host.add(value),
            (14, b'c') if name.eq_ignore_ascii_case("content-length") => {
                self.content_length.add(value)
            }
            (17, b't') if name.eq_ignore_ascii_case("transfer-encoding") => {
                self.transfer_encoding.add(value)
            }
            (10, b'c') if name.eq_ignore_ascii_case("connection") => self.connection.add(value),
            (6, b'e') if name.eq_ignore_ascii_case("expect") => {
                if !value.eq_ignore_ascii_case(b"100-continue") {
                    return Err(Refusal::Expectation);
                }
                self.expects_continue = true;
            }
            _ => {}
        }
        Ok(())
    }
}

/// Reads the head at the front of `bytes` into `parsed`, whose memory is used again. Its length, empty line included;
/// `None`: it is not whole.
///
/// A refusal is right, but need not name what is wrong first: the scan's order counts.
pub(super) fn parse(
    bytes: &[u8],
    limits: &Limits,
    parsed: &mut Parsed,
) -> Result<Option<usize>, Refusal> {
    let bytes = &bytes[..bytes.len().min(limits.head)];
    let mut table = [const { MaybeUninit::uninit() }; MOST_FIELDS];
    let mut request = httparse::Request::new(&mut []);
    let status = request
        .parse_with_uninit_headers(bytes, &mut table)
        .map_err(|error| reason(error, bytes))?;
    let httparse::Status::Complete(length) = status else {
        work::add(bytes.len());
        return Ok(None);
    };
    work::add(length);
    let bytes = &bytes[..length];
    let (Some(name), Some(target), Some(minor)) = (request.method, request.path, request.version)
    else {
        return Err(Refusal::RequestLine);
    };
    let method = method(name).ok_or(Refusal::Method)?;
    if target.len() > limits.target {
        return Err(Refusal::TargetTooLong);
    }
    let target = target::parse(method, target.as_bytes())?;
    let version = if minor == 0 {
        Version::Http10
    } else {
        Version::Http11
    };

    if request.headers.len() > limits.fields {
        return Err(Refusal::TooManyFields);
    }
    let mut acted = Acted::default();
    parsed.fields.clear();
    for field in &*request.headers {
        let name = Span::of(field.name.as_bytes(), bytes);
        // A name begins its line. The tokenizer takes a bare LF for the end of the one before (RFC 9112 section 2.2).
        if !bytes[..name.start as usize].ends_with(b"\r\n") {
            return Err(Refusal::LineEnd);
        }
        acted.add(field.name, field.value)?;
        parsed.fields.push(Field {
            name,
            value: Span::of(field.value, bytes),
        });
    }
    if !bytes.ends_with(b"\r\n\r\n") {
        return Err(Refusal::LineEnd);
    }

    parsed.method = method;
    parsed.version = version;
    parsed.path = Span::of(target.path, bytes);
    parsed.query = target.query.map(|query| Span::of(query, bytes));
    parsed.host = host(version, acted.host, &target)?.map(|host| Span::of(host, bytes));
    if target.authority.is_some() {
        replace_host(bytes, parsed);
    }
    parsed.body = framing::body_length(version, acted.transfer_encoding, acted.content_length)?;
    parsed.keep_alive = acted.connection.persists(version);
    // RFC 9110 section 10.1.1: no 100 to HTTP/1.0, and none where there is no content to go on with.
    parsed.expects_continue =
        acted.expects_continue && version == Version::Http11 && parsed.body != BodyLength::Known(0);
    Ok(Some(length))
}

/// RFC 9112 section 3.2: one valid `Host` in every HTTP/1.1 request and at most one in any; the authority of an
/// absolute-form target takes its place (section 3.2.2), after both were looked at. An empty `Host` belongs to
/// URIs without an authority, and there is none in `http`.
fn host<'a>(
    version: Version,
    field: Line<'a>,
    target: &Target<'a>,
) -> Result<Option<&'a [u8]>, Refusal> {
    match field {
        Line::Repeated => Err(Refusal::HostRepeated),
        Line::Once(value) if !target::is_authority(value) => Err(Refusal::HostInvalid),
        Line::Once(value) => Ok(Some(target.authority.unwrap_or(value))),
        Line::Absent if version == Version::Http11 => Err(Refusal::HostMissing),
        Line::Absent => Ok(target.authority),
    }
}

/// Lets the `Host` line show the authority that overrides it: who reads the field reads what counts.
fn replace_host(bytes: &[u8], parsed: &mut Parsed) {
    let lines = parsed.fields.iter_mut();
    let mut hosts = lines.filter(|field| field.name.in_bytes(bytes).eq_ignore_ascii_case(b"host"));
    if let (Some(line), Some(host)) = (hosts.next(), parsed.host) {
        line.value = host;
    }
}

/// The tokenizer's complaint as ours. It does not say what is wrong with a request line, so that is looked up.
fn reason(error: httparse::Error, bytes: &[u8]) -> Refusal {
    use httparse::Error;
    work::add(bytes.len());
    match error {
        Error::HeaderName => Refusal::FieldName,
        Error::HeaderValue => Refusal::FieldValue,
        Error::TooManyHeaders => Refusal::TooManyFields,
        Error::Version => match request_line(bytes) {
            Some([_, _, version]) if is_version(version) => Refusal::Version,
            _ => Refusal::RequestLine,
        },
        Error::Token => match request_line(bytes) {
            Some([method, _, version]) if chars::all(method, TOKEN) && is_version(version) => {
                Refusal::Target
            }
            _ => Refusal::RequestLine,
        },
        Error::NewLine | Error::Status => Refusal::RequestLine,
    }
}

/// Method, target and version, if there are three parts and none is empty.
fn request_line(bytes: &[u8]) -> Option<[&[u8]; 3]> {
    let line = bytes.split(|&byte| byte == b'\r').next()?;
    let mut parts = line.split(|&byte| byte == b' ');
    let line = [parts.next()?, parts.next()?, parts.next()?];
    (parts.next().is_none() && line.iter().all(|part| !part.is_empty())).then_some(line)
}

/// `HTTP/` DIGIT `.` DIGIT, upper case (RFC 9112 section 2.3).
fn is_version(bytes: &[u8]) -> bool {
    matches!(bytes, [b'H', b'T', b'T', b'P', b'/', major, b'.', minor]
        if major.is_ascii_digit() && minor.is_ascii_digit())
}

/// What `http_types` knows, the usual first. CONNECT is left out: an origin server makes no tunnels (RFC 9110
/// section 9.3.6).
#[rustfmt::skip]
const METHODS: [Method; 38] = {
    use Method::*;
    [
        Get, Post, Put, Patch, Delete, Head, Options, Acl, BaselineControl, Bind, Checkin, Checkout, Copy, Label,
        Link, Lock, Merge, MkActivity, MkCalendar, MkCol, MkRedirectRef, MkWorkspace, Move, OrderPatch, Pri, PropFind,
        PropPatch, Rebind, Report, Search, Trace, Unbind, Uncheckout, Unlink, Unlock, Update, UpdateRedirectRef,
        VersionControl,
    ]
};

/// Exactly one of the names, upper case and all (RFC 9110 section 9.1): `http_types` would parse `get` as GET.
#[inline]
fn method(name: &str) -> Option<Method> {
    METHODS.into_iter().find(|method| method.as_ref() == name)
}
