//! A request to another server.

use std::time::Duration;

use anyhow::{Context, bail};
use futures_lite::AsyncReadExt;
use http_types::{Body, Method, StatusCode, Url};

use super::kept::Place;
use super::line::Line;
use super::response::Response;
use super::{Client, LIMIT, MOST_BYTES, ending};
use crate::http::is_token;
use crate::panics;

/// What this program calls itself.
const AGENT: &str = concat!("peppercorn/", env!("CARGO_PKG_VERSION"));

/// A request that is not sent yet.
///
/// ```
/// use std::time::Duration;
///
/// use peppercorn::Context;
///
/// async fn is_in_stock(context: &Context, isbn: &str) -> anyhow::Result<bool> {
///     let asked = context
///         .client()
///         .get(&format!("https://publisher.example.com/stock/{isbn}"))
///         .header("Accept", "application/json")
///         .within(Duration::from_secs(1));
///     asked.send().await?.json()
/// }
/// ```
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
    ///
    /// ```
    /// use peppercorn::client::Client;
    ///
    /// # fn main() -> anyhow::Result<()> {
    /// let client = Client::start()?;
    /// let token = "from a file, with its line end\n";
    /// let asked = client.get("http://localhost:8080/orders").header("Authorization", token);
    /// // Nothing is sent.
    /// let error = smol::block_on(asked.send()).unwrap_err();
    /// assert!(format!("{error:#}").ends_with("the header Authorization cannot be sent"));
    /// # Ok(())
    /// # }
    /// ```
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
    ///
    /// ```
    /// # async fn example(client: &peppercorn::client::Client) -> anyhow::Result<()> {
    /// let sent = client
    ///     .post("https://publisher.example.com/orders")
    ///     .header("Content-Type", "text/csv")
    ///     .body("isbn,quantity\n9780141184340,2\n")
    ///     .send()
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn body(self, body: impl Into<Vec<u8>>) -> Request<'a> {
        Request {
            body: body.into(),
            ..self
        }
    }

    /// Sends this as JSON. What has none is an error when the request is sent.
    ///
    /// ```
    /// # async fn example(client: &peppercorn::client::Client) -> anyhow::Result<()> {
    /// let order = serde_json::json!({"isbn": "9780141184340", "quantity": 2});
    /// let sent = client.post("https://publisher.example.com/orders").json(&order).send().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn json(mut self, value: &impl serde::Serialize) -> Request<'a> {
        match serde_json::to_vec(value) {
            Ok(json) => self.body = json,
            Err(error) => self.mistake = Some(anyhow::Error::new(error).context("the body")),
        }
        self.header("Content-Type", "application/json")
    }

    /// For all of it, from the look-up of the name to the last byte; 10 s if nobody says.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// # async fn example(client: &peppercorn::client::Client) -> anyhow::Result<()> {
    /// let odds = client.get("https://bookmaker.example.com/odds");
    /// let odds = odds.within(Duration::from_millis(500)).send().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn within(self, limit: Duration) -> Request<'a> {
        Request { limit, ..self }
    }

    /// The largest body that is taken, in bytes; 1 MiB if nobody says.
    ///
    /// ```
    /// # async fn example(client: &peppercorn::client::Client) -> anyhow::Result<()> {
    /// let catalogue = client.get("https://publisher.example.com/catalogue");
    /// let catalogue = catalogue.most_bytes(16 * 1024 * 1024).send().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn most_bytes(self, most_bytes: u64) -> Request<'a> {
        Request { most_bytes, ..self }
    }

    /// Sends it, and waits for all of the answer. Dropped, it is given up.
    ///
    /// # Errors
    /// A URL or a header that is none; a server that cannot be reached, that does not answer in time, or whose answer is not
    /// HTTP, ends early or is too large. It names the method, the host and the path.
    ///
    /// ```
    /// use peppercorn::client::Client;
    ///
    /// # fn main() -> anyhow::Result<()> {
    /// let client = Client::start()?;
    /// let asked = client.get("ftp://bookmaker.example.com/odds?key=secret");
    /// let error = smol::block_on(asked.send()).unwrap_err();
    /// assert_eq!(error.to_string(), "GET ftp://bookmaker.example.com/odds");
    /// assert_eq!(error.root_cause().to_string(), "ftp is not http or https");
    /// # Ok(())
    /// # }
    /// ```
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
        let is_over = if has_body(self.method, status) {
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
            ending.has_end
        } else {
            behind_head(&heard).is_empty()
        };
        if is_over && !ending.closes {
            self.client.0.kept.put(place, line);
        }
        Response::new(status, &heard, body)
    }
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
