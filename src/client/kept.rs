//! Connections between two requests, and what TLS needs.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use http_types::Url;

use super::line::{Line, dial};
use crate::lock::lock;
use crate::runtime::{Plain, Socket};
use crate::tls::{Connector, Roots, Trust};

/// How long a connection is kept that nobody uses: shorter than most servers do.
const IDLE: Duration = Duration::from_secs(30);
/// Connections to one place that are kept.
const MOST: usize = 8;

/// Connections that are open and not in use, by whom they lead to.
#[derive(Default)]
pub(super) struct Kept {
    lines: Mutex<HashMap<Place, Vec<(Line, Instant)>>>,
    /// The certificates that the system trusts are read when they are needed first.
    connector: OnceLock<Connector>,
}

/// Whom a connection leads to.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Place {
    encrypted: bool,
    host: String,
    port: u16,
}

impl Place {
    pub(super) fn of(url: &Url) -> anyhow::Result<Place> {
        let encrypted = match url.scheme() {
            "http" => false,
            "https" if cfg!(feature = "tls") => true,
            "https" => bail!("this program was built without TLS (its feature `tls`)"),
            other => bail!("{other} is not http or https"),
        };
        Ok(Place {
            encrypted,
            host: url.host_str().context("the URL has no host")?.to_owned(),
            port: url.port_or_known_default().unwrap_or(80),
        })
    }
}

impl Kept {
    /// A connection that was kept, if there is one that has not ended.
    pub(super) async fn take(&self, place: &Place) -> Option<Line> {
        loop {
            let (line, since) = lock(&self.lines).get_mut(place)?.pop()?;
            if since.elapsed() < IDLE && line.is_quiet().await {
                return Some(line);
            }
        }
    }

    /// Keeps a connection whose last answer is over.
    pub(super) fn put(&self, place: Place, line: Line) {
        let mut lines = lock(&self.lines);
        for lines in lines.values_mut() {
            lines.retain(|(_, since)| since.elapsed() < IDLE);
        }
        lines.retain(|_, lines| !lines.is_empty());
        let lines = lines.entry(place).or_default();
        if lines.len() < MOST {
            lines.push((line, Instant::now()));
        }
    }

    /// A new connection.
    pub(super) async fn open(&self, place: &Place) -> anyhow::Result<Line> {
        let socket = dial(&place.host, place.port, Socket::connect_tcp).await?;
        let plain = Plain(Arc::new(socket));
        if !place.encrypted {
            return Ok(Line::new(plain));
        }
        let host = place.host.trim_matches(['[', ']']);
        let stream = self.connector().await?.connect(host, plain).await;
        let stream = stream.with_context(|| format!("no TLS with {host}"))?;
        Ok(Line::new(stream))
    }

    async fn connector(&self) -> anyhow::Result<Connector> {
        if let Some(connector) = self.connector.get() {
            return Ok(connector.clone());
        }
        // It reads files.
        let new = smol::unblock(|| Connector::new(&Trust::Full(Roots::System), None)).await?;
        Ok(self.connector.get_or_init(|| new).clone())
    }
}
