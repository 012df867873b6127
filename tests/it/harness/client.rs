//! A plain HTTP client: says what it is told to, reads one answer at a time.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use rustix::net::sockopt::set_socket_linger;

use super::PATIENCE;

/// One connection to a server.
pub struct Connection<S = TcpStream> {
    pub stream: S,
    buffer: Vec<u8>,
}

/// One answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    /// Names in lower case, in order.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(have, _)| have == name)
            .map(|(_, value)| value.as_str())
    }

    /// The body as JSON.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

impl Connection {
    pub fn open(address: SocketAddr) -> Connection {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        Connection {
            stream,
            buffer: Vec::new(),
        }
    }
}

impl Connection<UnixStream> {
    pub fn open_unix(path: &Path) -> Connection<UnixStream> {
        let stream = UnixStream::connect(path).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        Connection {
            stream,
            buffer: Vec::new(),
        }
    }
}

impl<S: Read + Write> Connection<S> {
    /// Sends bytes as they are.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).unwrap();
    }

    /// One request and its answer; the connection stays open if the server agrees.
    #[track_caller]
    pub fn request(
        &mut self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        self.ask(method, target, headers, body);
        self.answer_to(method)
    }

    /// What a GET is answered with, whose content need not be text: that is beside the answer.
    #[cfg(feature = "docs")]
    #[track_caller]
    pub fn download(&mut self, target: &str, headers: &[(&str, &str)]) -> (Answer, Vec<u8>) {
        self.ask("GET", target, headers, "");
        self.bytes_to("GET")
    }

    fn ask(&mut self, method: &str, target: &str, headers: &[(&str, &str)], body: &str) {
        let mut text = format!("{method} {target} HTTP/1.1\r\nHost: test\r\n");
        for (name, value) in headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        if !body.is_empty() {
            text.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        self.send(text + "\r\n" + body);
    }

    /// The next final answer, to a request with this method.
    #[track_caller]
    pub fn answer_to(&mut self, method: &str) -> Answer {
        let (answer, body) = self.bytes_to(method);
        let body = String::from_utf8(body).unwrap();
        Answer { body, ..answer }
    }

    /// The same with its body beside it, whatever bytes that has.
    #[track_caller]
    pub fn bytes_to(&mut self, method: &str) -> (Answer, Vec<u8>) {
        loop {
            let end = self.fill(|buffer| find(buffer, b"\r\n\r\n"));
            let head = String::from_utf8(self.buffer.drain(..end + 4).collect()).unwrap();
            let mut lines = head.trim_end().split("\r\n");
            let status = lines
                .next()
                .unwrap()
                .split(' ')
                .nth(1)
                .unwrap()
                .parse()
                .unwrap();
            let headers: Vec<(String, String)> = lines
                .map(|line| line.split_once(": ").unwrap())
                .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
                .collect();
            if status == 100 {
                continue;
            }
            let field = |wanted: &str| {
                let found = headers.iter().find(|(name, _)| name == wanted);
                found.map(|(_, value)| value.as_str())
            };
            let body = match (field("transfer-encoding"), field("content-length")) {
                _ if method == "HEAD" || status == 304 => Vec::new(),
                (Some("chunked"), None) => self.chunks(),
                (None, length) => self.take(length.map_or(0, |length| length.parse().unwrap())),
                (Some(coding), _) => panic!("transfer-encoding {coding}: {head}"),
            };
            let answer = Answer {
                status,
                headers,
                body: String::new(),
            };
            return (answer, body);
        }
    }

    /// A chunked body, to its end.
    #[track_caller]
    fn chunks(&mut self) -> Vec<u8> {
        let mut body = Vec::new();
        loop {
            let end = self.fill(|buffer| find(buffer, b"\r\n"));
            let line = self.take(end + 2);
            let size = std::str::from_utf8(&line[..end]).unwrap();
            let size = usize::from_str_radix(size, 16).unwrap();
            let chunk = self.take(size + 2);
            assert_eq!(&chunk[size..], b"\r\n");
            if size == 0 {
                return body;
            }
            body.extend_from_slice(&chunk[..size]);
        }
    }

    #[track_caller]
    fn take(&mut self, length: usize) -> Vec<u8> {
        self.fill(|buffer| (buffer.len() >= length).then_some(()));
        self.buffer.drain(..length).collect()
    }

    /// Breaks the connection off: the server learns of it at once (RST), and not only that no more will come (FIN).
    pub fn reset(self)
    where
        S: AsFd,
    {
        set_socket_linger(&self.stream, Some(Duration::ZERO)).unwrap();
    }

    /// Whether the server closes the connection without another byte.
    #[track_caller]
    pub fn is_closed(&mut self) -> bool {
        let mut byte = [0];
        self.buffer.is_empty() && matches!(self.stream.read(&mut byte), Ok(0))
    }

    #[track_caller]
    fn fill<T>(&mut self, enough: impl Fn(&[u8]) -> Option<T>) -> T {
        let mut chunk = [0; 16 * 1024];
        loop {
            if let Some(found) = enough(&self.buffer) {
                return found;
            }
            let read = self.stream.read(&mut chunk).expect("an answer");
            assert!(
                read > 0,
                "the connection ended inside an answer: {:?}",
                String::from_utf8_lossy(&self.buffer)
            );
            self.buffer.extend_from_slice(&chunk[..read]);
        }
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack
        .windows(needle.len())
        .position(|window| window == needle)
}
