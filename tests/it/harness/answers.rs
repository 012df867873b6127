//! A server's bytes as answers, read with suspicion: what is not right with them is noted, not repaired.
//!
//! [`Connection`](super::Connection) is for tests that ask a question and want the answer; this is for tests of the
//! bytes themselves.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use super::{Answer, PATIENCE};

/// Fields that make two messages of one when they stand twice.
const ONCE: [&str; 6] = [
    "connection",
    "content-length",
    "content-type",
    "date",
    "location",
    "x-request-id",
];

/// Answers out of one connection's bytes.
#[derive(Debug)]
pub struct Answers {
    /// Final answers, in order.
    pub whole: Vec<Answer>,
    /// The statuses of interim answers.
    pub interim: Vec<u16>,
    /// What an answer may not say, though its end was found.
    pub faults: Vec<String>,
    /// Why no further answer can be found.
    pub broken: Option<String>,
    /// Those of the requests, by which answers know whether they have a body; GET after the last.
    methods: Vec<String>,
    /// The client said HTTP/1.0.
    old_client: bool,
    /// What belongs to no whole answer yet.
    rest: Vec<u8>,
}

/// Sends requests of these methods all at once, the last of which closes the connection, and reads to the end.
#[track_caller]
pub fn converse(address: SocketAddr, methods: &[&str], requests: &[u8]) -> Answers {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(requests).unwrap();
    let methods = methods.iter().map(|method| (*method).to_owned()).collect();
    let mut answers = Answers::to(methods, find(requests, b" HTTP/1.0\r\n").is_some());
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).expect("the end");
    answers.feed(&bytes);
    answers.end();
    answers
}

impl Answers {
    /// To requests of these methods.
    pub fn to(methods: Vec<String>, old_client: bool) -> Answers {
        Answers {
            whole: Vec::new(),
            interim: Vec::new(),
            faults: Vec::new(),
            broken: None,
            methods,
            old_client,
            rest: Vec::new(),
        }
    }

    /// Takes bytes as they arrive.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.rest.extend_from_slice(bytes);
        while self.broken.is_none() {
            match self.take_one() {
                Ok(Some(length)) => drop(self.rest.drain(..length)),
                Ok(None) => break,
                Err(why) => self.broken = Some(why),
            }
        }
    }

    /// The answers, with nothing wrong with any of them.
    #[track_caller]
    pub fn flawless(self) -> Vec<Answer> {
        assert!(
            self.broken.is_none() && self.faults.is_empty() && self.interim.is_empty(),
            "{self:?}"
        );
        self.whole
    }

    /// The server sends no more.
    pub fn end(&mut self) {
        if self.broken.is_none() && !self.rest.is_empty() {
            self.broken = Some(format!("the end, inside an answer: {}", shown(&self.rest)));
        }
    }

    /// Reads the answer at the front; how many bytes it took, or `None` if it is not whole.
    fn take_one(&mut self) -> Result<Option<usize>, String> {
        let Some(end) = find(&self.rest, b"\r\n\r\n") else {
            let begins = b"HTTP/1.1 ".iter().zip(&self.rest).all(|(a, b)| a == b);
            return match begins {
                true => Ok(None),
                false => Err(format!("bytes that begin no answer: {}", shown(&self.rest))),
            };
        };
        let head = String::from_utf8_lossy(&self.rest[..end]).into_owned();
        let mut lines = head.split("\r\n");
        let status = status(lines.next().unwrap_or_default())?;
        let headers = lines.map(field).collect::<Result<Vec<_>, _>>()?;
        let begin = end + 4;
        if (100..200).contains(&status) {
            let framed = headers.iter().any(|(name, _)| frames(name));
            self.note(framed, || format!("{status} with a field that frames"));
            self.interim.push(status);
            return Ok(Some(begin));
        }
        let Some((body, length)) = self.body(status, &headers, &self.rest[begin..])? else {
            return Ok(None);
        };
        self.lint(status, &headers);
        self.whole.push(Answer {
            status,
            headers,
            body: String::from_utf8_lossy(&body).into_owned(),
        });
        Ok(Some(begin + length))
    }

    /// The body at the front of `rest` and how many bytes it takes there, if all of it has arrived.
    fn body(
        &self,
        status: u16,
        headers: &[(String, String)],
        rest: &[u8],
    ) -> Result<Option<(Vec<u8>, usize)>, String> {
        let method = self.methods.get(self.whole.len()).map(String::as_str);
        if method == Some("HEAD") || matches!(status, 204 | 304) {
            return Ok(Some((Vec::new(), 0)));
        }
        if let Some(coding) = value(headers, "transfer-encoding") {
            return match coding.eq_ignore_ascii_case("chunked") {
                true => chunked(rest),
                false => Err(format!("transfer coding {coding:?}")),
            };
        }
        let Some(length) = value(headers, "content-length") else {
            return Err(format!("{status} without a length"));
        };
        let Ok(length) = length.parse::<usize>() else {
            return Err(format!("content-length {length:?}"));
        };
        Ok(rest.get(..length).map(|body| (body.to_vec(), length)))
    }

    /// What RFC 9110 and 9112 do not let a server say.
    fn lint(&mut self, status: u16, headers: &[(String, String)]) {
        let has = |name: &str| value(headers, name).is_some();
        let framed = headers.iter().any(|(name, _)| frames(name));
        let coded = has("transfer-encoding");
        self.note(coded && has("content-length"), || {
            "both content-length and transfer-encoding".into()
        });
        self.note(coded && self.old_client, || {
            "a transfer coding for HTTP/1.0".into()
        });
        self.note(!has("date"), || format!("{status} without date"));
        self.note(status == 405 && !has("allow"), || {
            "405 without allow".into()
        });
        self.note(status == 204 && framed, || {
            "204 with a field that frames".into()
        });
        for name in ONCE {
            let lines = headers.iter().filter(|(other, _)| other == name).count();
            self.note(lines > 1, || format!("{lines} lines of {name}"));
        }
    }

    fn note(&mut self, fault: bool, what: impl FnOnce() -> String) {
        if fault {
            self.faults.push(what());
        }
    }
}

/// `HTTP/1.1 200 OK`
fn status(line: &str) -> Result<u16, String> {
    let rest = line.strip_prefix("HTTP/1.1 ");
    let status = rest.and_then(|rest| rest.split_once(' '));
    match status.map(|(code, reason)| (code.parse::<u16>(), reason)) {
        Some((Ok(code), reason)) if (100..600).contains(&code) && !reason.contains(control) => {
            Ok(code)
        }
        _ => Err(format!("status line {line:?}")),
    }
}

/// A field line: its name in lower case, its value without the white space around it.
fn field(line: &str) -> Result<(String, String), String> {
    let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    match line.split_once(':') {
        Some((name, value))
            if !name.is_empty() && name.chars().all(token) && !value.contains(control) =>
        {
            let value = value.trim_matches([' ', '\t']);
            Ok((name.to_ascii_lowercase(), value.to_owned()))
        }
        _ => Err(format!("field line {line:?}")),
    }
}

fn control(c: char) -> bool {
    c.is_ascii_control() && c != '\t'
}

fn frames(name: &str) -> bool {
    ["content-length", "transfer-encoding"].contains(&name)
}

fn value<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let found = headers.iter().find(|(other, _)| other == name);
    found.map(|(_, value)| value.as_str())
}

/// A chunked body and how many bytes its chunks take, if all of them have arrived.
fn chunked(bytes: &[u8]) -> Result<Option<(Vec<u8>, usize)>, String> {
    let mut body = Vec::new();
    let mut at = 0;
    loop {
        let Some(line) = find(&bytes[at..], b"\r\n") else {
            return Ok(None);
        };
        let size = String::from_utf8_lossy(&bytes[at..at + line]);
        let Ok(size) = usize::from_str_radix(&size, 16) else {
            return Err(format!("chunk size {size:?}"));
        };
        at += line + 2;
        match bytes.get(at..at + size + 2) {
            Some(chunk) if chunk.ends_with(b"\r\n") => body.extend_from_slice(&chunk[..size]),
            Some(chunk) => return Err(format!("end of chunk {}", shown(chunk))),
            None => return Ok(None),
        }
        at += size + 2;
        if size == 0 {
            return Ok(Some((body, at)));
        }
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    memchr::memmem::find(haystack, needle)
}

/// Enough of some bytes for a message.
fn shown(bytes: &[u8]) -> String {
    format!(
        "{:?}",
        bytes[..bytes.len().min(80)].escape_ascii().to_string()
    )
}
