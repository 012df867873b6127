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
    let asked = get(url, MOST_BYTES, wait, clock).await;
    match asked.with_context(|| url.to_owned())? {
        (StatusCode::Ok, body) if body == b"pong" => Ok(()),
        (status, _) => bail!(
            "{url}: the answer is {} {}, not 200 pong",
            status as u16,
            status.canonical_reason()
        ),
    }
}

/// The answer to a GET: its status, and its body up to so many bytes.
///
/// # Errors
/// The URL is none that can be asked, nobody answers in time, or the answer is not HTTP.
pub async fn get(
    url: &str,
    most_bytes: u64,
    wait: Duration,
    clock: &Clock,
) -> anyhow::Result<(StatusCode, Vec<u8>)> {
    let parsed: Url = url.parse().context("not a URL")?;
    let socket = url.strip_prefix("unix:");
    if parsed.scheme() != "http" && socket.is_none() {
        bail!("only http:// and unix:/path are asked");
    }
    let mut deadline = clock.deadline();
    deadline.arm(wait);
    // http-types panics on a header value that is not ASCII; that is reported like any other wrong answer.
    let asked = panics::catch_future(async {
        match socket {
            Some(path) => ask_at(path, most_bytes).await,
            None => ask(parsed, most_bytes).await,
        }
    });
    match deadline.race(asked).await {
        Some(Ok(answer)) => answer,
        Some(Err(_panic)) => bail!("the answer is not HTTP"),
        None => bail!("no answer within {} s", wait.as_secs_f64()),
    }
}

type Answer = (StatusCode, Vec<u8>);

async fn ask(url: Url, most_bytes: u64) -> anyhow::Result<Answer> {
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
    exchange(connected?, url, most_bytes).await
}

/// The same over the UNIX socket at a path.
async fn ask_at(path: &str, most_bytes: u64) -> anyhow::Result<Answer> {
    let connected = Async::<UnixStream>::connect(path).await?;
    exchange(connected, Url::parse("http://localhost/ping")?, most_bytes).await
}

async fn exchange<S>(stream: S, url: Url, most_bytes: u64) -> anyhow::Result<Answer>
where
    S: AsyncRead + AsyncWrite + Send + Sync + Unpin + 'static,
{
    let mut request = Request::new(Method::Get, url);
    request.insert_header("connection", "close");
    let answered = async_h1::connect(stream, request).await;
    let mut response = answered.map_err(http_types::Error::into_inner)?;
    // Not `body_bytes`: it makes room for whatever length the answer claims, and reads for as long as there is more.
    let mut body = Vec::new();
    let mut start = response.take_body().take(most_bytes);
    start.read_to_end(&mut body).await?;
    Ok((response.status(), body))
}
