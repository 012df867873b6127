//! One envelope to Sentry over HTTP, on a connection that is kept.

use std::fmt;
use std::time::Duration;

use anyhow::{Context, bail};
use futures_lite::{AsyncReadExt, future};
use http_types::{Method, Request, Response, Url};
use sentry_core::protocol::Envelope;
use sentry_core::types::Dsn;
use smol::Timer;

use super::line::Line;
use super::proxy::Proxy;
use super::{Settings, other};
use crate::panics;
use crate::tls::{Connector, Roots, Trust};

/// For an envelope to be sent and answered, with all that it takes to connect.
const LIMIT: Duration = Duration::from_secs(5);
/// Of an answer's body, in bytes: a few words. A connection with more on it is closed.
const MOST_BYTES: u64 = 64 * 1024;
/// What we are called.
const AGENT: &str = concat!("peppercorn/", env!("CARGO_PKG_VERSION"));

/// Delivers envelopes.
pub(super) struct Post {
    url: Url,
    /// `X-Sentry-Auth`.
    auth: String,
    proxy: Option<Proxy>,
    /// For https.
    tls: Option<Connector>,
    /// Kept from one envelope to the next.
    line: Option<Line>,
}

/// What Sentry answered.
pub(super) struct Delivered {
    pub(super) status: u16,
    pub(super) rate_limits: Option<String>,
    pub(super) retry_after: Option<String>,
}

impl fmt::Debug for Post {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Post")
    }
}

impl Post {
    pub(super) fn new(settings: &Settings) -> anyhow::Result<Post> {
        let url = settings.dsn.envelope_api_url();
        let tls = match url.scheme() {
            "https" => Some(
                Connector::new(&Trust::Full(Roots::System), None)
                    .context("SENTRY_DSN begins https://")?,
            ),
            _ => None,
        };
        Ok(Post {
            auth: auth(&settings.dsn),
            url: url.as_str().parse()?,
            proxy: settings.proxy.clone(),
            tls,
            line: None,
        })
    }

    /// Sends an envelope and takes in the answer.
    ///
    /// # Errors
    /// Sentry was not reached, or does not speak HTTP.
    pub(super) async fn deliver(&mut self, envelope: &Envelope) -> anyhow::Result<Delivered> {
        let body = bytes_of(envelope)?;
        let late = async {
            Timer::after(LIMIT).await;
            bail!("no answer within {} s", LIMIT.as_secs())
        };
        let delivered = future::or(self.deliver_patiently(body), late).await;
        if delivered.is_err() {
            self.line = None;
        }
        delivered
    }

    async fn deliver_patiently(&mut self, body: Vec<u8>) -> anyhow::Result<Delivered> {
        if let Some(line) = self.line.take() {
            // Whoever keeps a connection may close it at any moment: then it is sent again, on one of its own.
            if let Ok(delivered) = self.exchange(line, body.clone()).await {
                return Ok(delivered);
            }
        }
        let line = Line::open(&self.url, self.proxy.as_ref(), self.tls.as_ref()).await?;
        self.exchange(line, body).await
    }

    async fn exchange(&mut self, line: Line, body: Vec<u8>) -> anyhow::Result<Delivered> {
        let mut request = Request::new(Method::Post, self.url.clone());
        request.insert_header("X-Sentry-Auth", &self.auth);
        request.insert_header("User-Agent", AGENT);
        request.insert_header("Content-Type", "application/x-sentry-envelope");
        request.set_body(body);
        let answering = answer(line.clone(), request);
        let mut answering = std::pin::pin!(answering);
        // http-types panics on a field value that is not ASCII.
        let answered = std::future::poll_fn(|context| {
            match panics::catch(false, || answering.as_mut().poll(context)) {
                Ok(polled) => polled,
                Err(_) => std::task::Poll::Ready(Err(other("the answer is not HTTP").into())),
            }
        });
        let (delivered, reusable) = answered.await?;
        if reusable {
            self.line = Some(line);
        }
        Ok(delivered)
    }
}

/// The answer, and whether the connection can be used again.
async fn answer(line: Line, request: Request) -> anyhow::Result<(Delivered, bool)> {
    let answered = async_h1::connect(line, request).await;
    let mut response = answered.map_err(http_types::Error::into_inner)?;
    let header = |response: &Response, name: &str| {
        response.header(name).map(|values| {
            let values = values.iter().map(|value| value.as_str());
            values.collect::<Vec<_>>().join(", ")
        })
    };
    let closes = header(&response, "connection")
        .is_some_and(|value| value.to_ascii_lowercase().contains("close"));
    let delivered = Delivered {
        status: response.status().into(),
        rate_limits: header(&response, "x-sentry-rate-limits"),
        retry_after: header(&response, "retry-after"),
    };
    // Without a length it goes on until the connection is closed: that has then been its end.
    let framed = response.len().is_some() || header(&response, "transfer-encoding").is_some();
    let mut rest = response.take_body().take(MOST_BYTES + 1);
    let read = futures_lite::io::copy(&mut rest, futures_lite::io::sink()).await?;
    Ok((delivered, framed && !closes && read <= MOST_BYTES))
}

/// The protocol's version, who we are, and which project's key it is.
fn auth(dsn: &Dsn) -> String {
    format!(
        "Sentry sentry_version=7, sentry_client={AGENT}, sentry_key={}",
        dsn.public_key()
    )
}

/// An envelope as it is sent, with the time that it is.
fn bytes_of(envelope: &Envelope) -> anyhow::Result<Vec<u8>> {
    let headers = envelope.headers().clone();
    let headers = headers.with_sent_at(std::time::SystemTime::now());
    let mut bytes = Vec::new();
    envelope
        .clone()
        .with_headers(headers)
        .to_writer(&mut bytes)?;
    Ok(bytes)
}
