//! The health probe: asks a server over HTTP whether it answers `pong`.

use std::net::{TcpStream, ToSocketAddrs};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use anyhow::{Context, bail};
use async_io::Async;
use futures_lite::{AsyncRead, AsyncReadExt, AsyncWrite};
use http_types::{Method, Request, StatusCode, Url};

use crate::panics;
use crate::runtime::Clock;

/// Of the answer's body, in bytes: enough to see that it is not `pong`.
const MOST_BYTES: u64 = 64;

/// Asks `url`, which begins with `http://` or is a socket's path, `unix:/path`, and waits for the answer until `wait` is
/// over.
///
/// # Errors
/// Nobody answers, or the answer is not `200 pong`.
pub async fn ping(url: &str, wait: Duration, clock: &Clock) -> anyhow::Result<()> {
    let parsed: Url = url.parse().with_context(|| format!("{url} is not a URL"))?;
    let socket = url.strip_prefix("unix:");
    if parsed.scheme() != "http" && socket.is_none() {
        bail!("{url}: only http:// and unix:/path are asked");
    }
    let mut deadline = clock.deadline();
    deadline.arm(wait);
    // http-types panics on a header value that is not ASCII; a probe reports it like any other wrong answer.
    let asked = panics::catch_future(async {
        match socket {
            Some(path) => ask_at(path).await,
            None => ask(parsed).await,
        }
    });
    match deadline.race(asked).await {
        Some(Ok(answer)) => answer.with_context(|| url.to_owned()),
        Some(Err(_panic)) => bail!("{url}: the answer is not HTTP"),
        None => bail!("{url}: no answer within {} s", wait.as_secs_f64()),
    }
}

async fn ask(url: Url) -> anyhow::Result<()> {
    let host = url
        .host_str()
        .unwrap_or("")
        .trim_matches(['[', ']'])
        .to_owned();
    let port = url.port_or_known_default().unwrap_or(80);
    let addresses = smol::unblock(move || (host.as_str(), port).to_socket_addrs()).await?;
    let mut connected = Err(anyhow::anyhow!("the name has no address"));
    for address in addresses {
        connected = Async::<TcpStream>::connect(address)
            .await
            .map_err(Into::into);
        if connected.is_ok() {
            break;
        }
    }
    exchange(connected?, url).await
}

/// The same over the UNIX socket at a path.
async fn ask_at(path: &str) -> anyhow::Result<()> {
    let connected = Async::<UnixStream>::connect(path).await?;
    exchange(connected, Url::parse("http://localhost/ping")?).await
}

async fn exchange<S>(stream: S, url: Url) -> anyhow::Result<()>
where
    S: AsyncRead + AsyncWrite + Send + Sync + Unpin + 'static,
{
    let mut request = Request::new(Method::Get, url);
    request.insert_header("connection", "close");
    let answered = async_h1::connect(stream, request).await;
    let mut response = answered.map_err(http_types::Error::into_inner)?;
    // Not `body_string`: it makes room for whatever length the answer claims, and reads for as long as there is more.
    let mut body = Vec::new();
    let mut start = response.take_body().take(MOST_BYTES);
    start.read_to_end(&mut body).await?;
    match (response.status(), body.as_slice()) {
        (StatusCode::Ok, b"pong") => Ok(()),
        (status, _) => bail!(
            "the answer is {} {}, not 200 pong",
            status as u16,
            status.canonical_reason()
        ),
    }
}
