//! One envelope to Sentry and the answer to it: a request over a connection that is kept.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, bail};
use async_io::Async;
use futures_lite::AsyncReadExt;
use http_types::headers::{CONTENT_TYPE, HOST, RETRY_AFTER};
use http_types::{Body, Method, Request, Response, StatusCode, Url};
use sentry_core::types::{Dsn, Scheme};

use super::limits::Told;
use super::proxy::Proxy;
use super::settings::Settings;
use super::within;
use crate::client::{Line, dial, ending};
use crate::panics;
use crate::tls::{Connector, Roots, Trust};

/// For one request, from the look-up of the name to the head of the answer.
const LIMIT: Duration = Duration::from_secs(5);
/// For what remains of an answer once its head is here: what has become of the envelope is known then, only the connection
/// is at stake.
const REST_LIMIT: Duration = Duration::from_secs(1);
/// Of an answer's body, in bytes: Sentry's is an event's id. After a longer one the connection is closed.
const MOST_REST: u64 = 64 * 1024;

/// What this program calls itself.
const AGENT: &str = concat!("peppercorn/", env!("CARGO_PKG_VERSION"));

/// The way to Sentry.
pub(super) struct Post {
    url: Url,
    host: String,
    port: u16,
    authorization: String,
    encrypted: bool,
    proxy: Option<Proxy>,
    /// The certificates that the system trusts are read when they are needed first: many services never report anything.
    connector: Option<Connector>,
    /// Over which the last answer came, if it can be used again.
    kept: Option<Line>,
}

/// What Sentry has answered.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) told: Told,
}

impl Post {
    pub(super) fn new(settings: &Settings) -> anyhow::Result<Post> {
        let encrypted = settings.dsn.scheme() == Scheme::Https;
        if encrypted && !cfg!(feature = "tls") {
            bail!("SENTRY_DSN begins https://, and this program was built without TLS");
        }
        Ok(Post {
            url: settings.dsn.envelope_api_url(),
            host: settings.dsn.host().to_owned(),
            port: settings.dsn.port(),
            authorization: authorization(&settings.dsn),
            encrypted,
            proxy: settings.proxy.clone(),
            connector: None,
            kept: None,
        })
    }

    /// Sends an envelope.
    ///
    /// # Errors
    /// Sentry cannot be reached, does not answer in time, or answers what is not HTTP.
    pub(super) async fn send(&mut self, envelope: Vec<u8>) -> anyhow::Result<Answer> {
        // http-types panics on a field's value that is not ASCII. Boxed: a handshake's state is large, and each layer around
        // it would hold it once more on this thread's stack.
        let sent = panics::catch_future(Box::pin(self.send_now(envelope)));
        let (line, mut response) = match within(LIMIT, sent).await {
            Some(Ok(sent)) => sent?,
            Some(Err(_panic)) => bail!("the answer is not HTTP"),
            None => bail!("no answer within {} s", LIMIT.as_secs()),
        };
        let answer = Answer {
            status: response.status(),
            told: told(&response),
        };
        let rest = panics::catch_future(is_over(&mut response));
        let is_over = matches!(within(REST_LIMIT, rest).await, Some(Ok(true)));
        self.kept = is_over.then_some(line);
        Ok(answer)
    }

    /// The connection is taken out while it is used: if this is given up in the middle, nobody uses it again.
    async fn send_now(&mut self, envelope: Vec<u8>) -> anyhow::Result<(Line, Response)> {
        if let Some(line) = self.kept.take()
            && line.is_quiet().await
        {
            let before = line.read_bytes();
            match self.exchange(&line, envelope.clone()).await {
                Ok(response) => return Ok((line, response)),
                // It was closed at the very moment: no failure of Sentry's, and it knows an event that comes twice.
                Err(_) if line.read_bytes() == before => {}
                Err(error) => return Err(error),
            }
        }
        let line = self.connect().await?;
        let response = self.exchange(&line, envelope).await?;
        Ok((line, response))
    }

    async fn connect(&mut self) -> anyhow::Result<Line> {
        let (host, port) = (self.host.clone(), self.port);
        let Some(proxy) = self.proxy.clone() else {
            let line = Line::new(dial(&host, port, connect).await?);
            return match self.encrypted {
                true => self.encrypt(line, &host).await,
                false => Ok(line),
            };
        };
        let mut line = Line::new(dial(&proxy.host, proxy.port, connect).await?);
        if proxy.encrypted {
            line = self.encrypt(line, &proxy.host).await?;
        }
        if self.encrypted {
            self.tunnel(&line, &proxy).await?;
            line = self.encrypt(line, &host).await?;
        }
        Ok(line)
    }

    /// Speaks TLS to `host` at the other end of a connection.
    async fn encrypt(&mut self, line: Line, host: &str) -> anyhow::Result<Line> {
        let connector = match &self.connector {
            Some(connector) => connector.clone(),
            None => {
                let connector = Connector::new(&Trust::Full(Roots::System), None)?;
                self.connector.insert(connector).clone()
            }
        };
        let host = host.trim_matches(['[', ']']);
        let stream = connector.connect(host, line).await;
        Ok(Line::new(
            stream.with_context(|| format!("no TLS with {host}"))?,
        ))
    }

    /// Sentry's place as a URL has it: without the port that its scheme means anyway.
    fn place(&self) -> String {
        match self.url.port() {
            Some(port) => format!("{}:{port}", self.host),
            None => self.host.clone(),
        }
    }

    /// Has the proxy lay a way to Sentry. Source: RFC 9110 section 9.3.6.
    async fn tunnel(&self, line: &Line, proxy: &Proxy) -> anyhow::Result<()> {
        let target = format!("{}:{}", self.host, self.port);
        let mut request = Request::new(Method::Connect, self.url.clone());
        // async-h1 leaves out a scheme's own port here.
        request.insert_header(HOST, target.as_str());
        if let Some(authorization) = &proxy.authorization {
            request.insert_header("proxy-authorization", authorization.as_str());
        }
        let answered = async_h1::connect(line.clone(), request).await;
        let status = answered.map_err(plain)?.status();
        match status.is_success() {
            true => Ok(()),
            false => bail!(
                "the proxy {proxy:?} answers {} {} when asked for {target}",
                status as u16,
                status.canonical_reason()
            ),
        }
    }

    async fn exchange(&self, line: &Line, envelope: Vec<u8>) -> anyhow::Result<Response> {
        let through = self.proxy.as_ref().filter(|_| !self.encrypted);
        let url = match through {
            // A proxy is told the whole URL (RFC 9112 section 3.2.2), async-h1 writes a URL's path: one without a
            // hierarchy is all path.
            Some(_) => Url::parse(&format!("absolute:{}", self.url)).context("the DSN's URL")?,
            None => self.url.clone(),
        };
        let mut request = Request::new(Method::Post, url);
        request.insert_header(HOST, self.place().as_str());
        request.insert_header("user-agent", AGENT);
        request.insert_header("x-sentry-auth", self.authorization.as_str());
        if let Some(authorization) = through.and_then(|proxy| proxy.authorization.as_deref()) {
            request.insert_header("proxy-authorization", authorization);
        }
        request.set_body(Body::from_bytes(envelope));
        request.insert_header(CONTENT_TYPE, "application/x-sentry-envelope");
        async_h1::connect(line.clone(), request)
            .await
            .map_err(plain)
    }
}

/// Not with a socket of an executor's: this thread has none.
async fn connect(address: SocketAddr) -> io::Result<Async<TcpStream>> {
    let stream = Async::<TcpStream>::connect(address).await?;
    // A request is written in one piece or in few: none need wait for the next.
    stream.get_ref().set_nodelay(true)?;
    Ok(stream)
}

/// What every request to Sentry carries. Source: Sentry, "Envelopes", "Authentication".
fn authorization(dsn: &Dsn) -> String {
    let key = dsn.public_key();
    let auth = format!("Sentry sentry_version=7, sentry_client={AGENT}, sentry_key={key}");
    match dsn.secret_key() {
        // Only servers before version 9 ask for it.
        Some(secret) => format!("{auth}, sentry_secret={secret}"),
        None => auth,
    }
}

/// async-h1's error without the status that it has for servers.
fn plain(error: http_types::Error) -> anyhow::Error {
    error.into_inner()
}

fn told(response: &Response) -> Told {
    let values = |name| {
        let values = response.header(name)?;
        let texts: Vec<&str> = values.iter().map(|value| value.as_str()).collect();
        Some(texts.join(","))
    };
    Told {
        too_many: response.status() == StatusCode::TooManyRequests,
        limits: values("x-sentry-rate-limits".into()),
        retry_after: values(RETRY_AFTER),
    }
}

/// Reads an answer to its end; whether there is one, so that what comes next on the connection is another answer.
async fn is_over(response: &mut Response) -> bool {
    let ending = ending(response);
    if !ending.has_end || ending.closes {
        return false;
    }
    let mut body = response.take_body().take(MOST_REST);
    let mut rest = Vec::new();
    let read = body.read_to_end(&mut rest).await;
    let is_whole = ending
        .length
        .is_none_or(|length| length == rest.len() as u64);
    read.is_ok() && is_whole && body.limit() > 0
}
