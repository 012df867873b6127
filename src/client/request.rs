//! A request to another server, and the answer.

use std::time::Duration;

use anyhow::{Context, bail};
use futures_lite::AsyncReadExt;
use http_types::{Body, Method, StatusCode, Url};

use super::kept::Place;
use super::line::Line;
use super::{Client, LIMIT, MOST_BYTES, ending};
use crate::http::is_token;
use crate::panics;

/// As many as async-h1 takes.
const MOST_HEADERS: usize = 128;

/// What this program calls itself.
const AGENT: &str = concat!("peppercorn/", env!("CARGO_PKG_VERSION"));

/// A request that is not sent yet.
#[must_use = "it is sent by `send`"]
pub struct Request<'a> {
    client: &'a Client,
    method: Method,
    url: anyhow::Result<Url>,
    headers: Vec<(String, String)>,
    /// What is wrong with a header.
    mistake: Option<anyhow::Error>,
    body: Vec<u8>,
    limit: Duration,
    most_bytes: u64,
}

/// An answer, whole.
#[derive(Debug)]
#[non_exhaustive]
pub struct Response {
    /// Whatever it is: a 404 is an answer, and no error.
    pub status: StatusCode,
    /// The body, decoded from its chunks.
    pub body: Vec<u8>,
    headers: Vec<(String, String)>,
}

impl Response {
    /// The first header of this name, in whichever case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let found = headers.find(|(own, _)| own.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// The body as text.
    ///
    /// # Errors
    /// It is not UTF-8.
    pub fn text(&self) -> anyhow::Result<&str> {
        str::from_utf8(&self.body).context("the answer is not UTF-8")
    }

    /// The body, read as JSON.
    ///
    /// # Errors
    /// It is none, or not of this shape.
    pub fn json<T: serde::de::DeserializeOwned>(&self) -> anyhow::Result<T> {
        serde_json::from_slice(&self.body).context("the answer is not the JSON that is wanted")
    }
}

impl<'a> Request<'a> {
    pub(super) fn new(
        client: &'a Client,
        method: Method,
        url: Result<Url, http_types::url::ParseError>,
    ) -> Request<'a> {
        Request {
            client,
            method,
            url: url.context("the URL"),
            headers: Vec::new(),
            mistake: None,
            body: Vec::new(),
            limit: LIMIT,
            most_bytes: MOST_BYTES,
        }
    }

    /// Adds a header, which is ASCII. One that is not is an error when the request is sent.
    pub fn header(mut self, name: &str, value: &str) -> Request<'a> {
        // http-types lets line ends through.
        let fit = |byte: u8| byte == b'\t' || (b' '..=b'~').contains(&byte);
        match is_token(name.as_bytes()) && value.bytes().all(fit) {
            true => self.headers.push((name.to_owned(), value.to_owned())),
            false => self.mistake = Some(anyhow::anyhow!("the header {name} cannot be sent")),
        }
        self
    }

    /// What is sent.
    pub fn body(self, body: impl Into<Vec<u8>>) -> Request<'a> {
        Request {
            body: body.into(),
            ..self
        }
    }

    /// Sends this as JSON.
    pub fn json(self, value: &serde_json::Value) -> Request<'a> {
        let body = value.to_string();
        self.header("Content-Type", "application/json").body(body)
    }

    /// For all of it, from the look-up of the name to the last byte; 10 s if nobody says.
    pub fn within(self, limit: Duration) -> Request<'a> {
        Request { limit, ..self }
    }

    /// The largest body that is taken, in bytes; 1 MiB if nobody says.
    pub fn most_bytes(self, most_bytes: u64) -> Request<'a> {
        Request { most_bytes, ..self }
    }

    /// Sends it, and waits for all of the answer. Dropped, it is given up.
    ///
    /// # Errors
    /// A URL or a header that is none; a server that cannot be reached, that does not answer in time, or whose answer is not
    /// HTTP, ends early or is too large. It names the method, the host and the path.
    pub async fn send(self) -> anyhow::Result<Response> {
        let url = self.url.as_ref();
        let what = match url {
            // Neither the query nor a password: they may be secrets.
            Ok(url) => format!(
                "{} {}://{}{}",
                self.method,
                url.scheme(),
                url.host_str().unwrap_or(""),
                url.path()
            ),
            Err(_) => self.method.to_string(),
        };
        self.send_it().await.context(what)
    }

    async fn send_it(self) -> anyhow::Result<Response> {
        let limit = self.limit;
        let mut deadline = self.client.0.clock.deadline();
        deadline.arm(limit);
        // http-types panics on a header's value that is not ASCII; that is reported like any other wrong answer. Boxed: the
        // state of a handshake is large.
        let answered = panics::catch_future(Box::pin(self.exchange()));
        match deadline.race(answered).await {
            Some(Ok(answer)) => answer,
            Some(Err(_panic)) => bail!("the answer is not HTTP"),
            None => bail!("no answer within {} s", limit.as_secs_f64()),
        }
    }

    async fn exchange(self) -> anyhow::Result<Response> {
        let url = match (&self.url, &self.mistake) {
            (Ok(url), None) => url.clone(),
            (Err(error), _) | (_, Some(error)) => bail!("{error:#}"),
        };
        let kept = &self.client.0.kept;
        let place = Place::of(&url)?;
        let mut request = http_types::Request::new(self.method, url);
        request.insert_header("user-agent", AGENT);
        for (name, value) in &self.headers {
            request.append_header(name.as_str(), value.as_str());
        }
        let ask = async |line: &Line| {
            let mut request = request.clone();
            if !self.body.is_empty() {
                // Says what the body is, unless somebody has.
                request.set_body(Body::from_bytes(self.body.clone()));
            }
            line.listen();
            let answered = async_h1::connect(line.clone(), request).await;
            answered.map_err(http_types::Error::into_inner)
        };
        // One that is sent twice must do no more than one that is sent once: RFC 9110 section 9.2.2.
        let kept_line = match self.method {
            Method::Post | Method::Patch => None,
            _ => kept.take(&place).await,
        };
        if let Some(line) = kept_line {
            let before = line.read_bytes();
            match ask(&line).await {
                Ok(answer) => return self.whole(answer, line, place).await,
                // It was closed at the very moment.
                Err(_) if line.read_bytes() == before => {}
                Err(error) => return Err(error),
            }
        }
        let line = kept.open(&place).await?;
        let answer = ask(&line).await?;
        self.whole(answer, line, place).await
    }

    /// Reads an answer to its end, and keeps its connection if that goes on.
    async fn whole(
        &self,
        mut answer: http_types::Response,
        mut line: Line,
        place: Place,
    ) -> anyhow::Result<Response> {
        let heard = line.heard();
        let (status, ending) = (answer.status(), ending(&answer));
        if status.is_informational() {
            bail!("the answer is {status}, and no final one");
        }
        let mut body = Vec::new();
        if has_body(self.method, status) {
            let most = self.most_bytes.saturating_add(1);
            if ending.has_end {
                let mut start = answer.take_body().take(most);
                start.read_to_end(&mut body).await?;
            } else {
                // async-h1 takes it for no body.
                body.extend_from_slice(behind_head(&heard));
                (&mut line).take(most).read_to_end(&mut body).await?;
            }
            if body.len() as u64 > self.most_bytes {
                bail!("the answer has more than {} bytes", self.most_bytes);
            }
            if ending
                .length
                .is_some_and(|length| length != body.len() as u64)
            {
                bail!("the answer ended early");
            }
            if ending.is_kept {
                self.client.0.kept.put(place, line);
            }
        }
        Ok(Response {
            status,
            headers: headers(&heard)?,
            body,
        })
    }
}

/// The fields of an answer's head as they came: async-h1 adds some of its own.
fn headers(heard: &[u8]) -> anyhow::Result<Vec<(String, String)>> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut head = httparse::Response::new(&mut headers);
    head.parse(heard)?;
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    let headers = head.headers.iter();
    let owned = headers.map(|header| (header.name.to_owned(), text(header.value)));
    Ok(owned.collect())
}

/// What came with an answer's head and is not of it.
fn behind_head(heard: &[u8]) -> &[u8] {
    let ends = [b"\r\n\r\n".as_slice(), b"\n\n"].map(|end| {
        let mut places = heard.windows(end.len());
        let place = places.position(|window| window == end);
        place.map_or(heard.len(), |place| place + end.len())
    });
    &heard[ends[0].min(ends[1])..]
}

/// Source: RFC 9112 section 6.3, number 1.
fn has_body(method: Method, status: StatusCode) -> bool {
    let never = [StatusCode::NoContent, StatusCode::NotModified];
    method != Method::Head && !never.contains(&status)
}
