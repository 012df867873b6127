//! One connection to PostgreSQL: hosts in turn, with a deadline over the whole handshake.
//!
//! tokio-postgres without its runtime speaks the protocol on a socket we bring; what its `connect` would do
//! besides (host lists, `connect_timeout`, keepalives, `target_session_attrs`, TLS) is done here, as libpq does it.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;
use tokio_postgres::config::{Host, LoadBalanceHosts, SslMode, SslNegotiation};
use tokio_postgres::{CancelToken, Client, Connection, SimpleQueryMessage};

use super::config::Config;
use super::handshake::{self, Failed, Secured, Terms};
use super::stream::{Ready, Stream};
use super::target::Fit;
use crate::runtime::{Clock, Socket};

/// Where libpq looks for the server's UNIX socket when no host is given (Debian's place).
pub(super) const DEFAULT_SOCKET_DIR: &str = "/var/run/postgresql";
/// For one host, from the first packet to the end of the handshake, unless `connect_timeout` says otherwise.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The half of a connection that moves bytes: it must be polled for the [`Client`] to get answers.
pub type Driver = Connection<Stream, Stream>;

/// A connection that has just been opened.
pub struct Opened {
    /// Asks.
    pub client: Client,
    /// Must be polled for `client` to get answers.
    pub driver: Driver,
    /// Where the connection goes.
    pub origin: Origin,
}

/// The server a connection was made to, and its socket.
#[derive(Clone)]
pub struct Origin {
    address: Address,
    socket: Arc<Socket>,
    /// If it is inside of TLS.
    terms: Option<Terms>,
}

/// Where a socket goes.
#[derive(Clone)]
enum Address {
    Unix(PathBuf),
    Tcp(SocketAddr),
}

impl Origin {
    /// Asks the server to cancel what a connection runs, on another one that is secured as the first; done when the
    /// server has acted on it.
    pub(super) async fn cancel(&self, backend: CancelToken) -> anyhow::Result<()> {
        let socket = Arc::new(open(&self.address).await?);
        let stream = match &self.terms {
            None => Stream::new(socket.clone()),
            Some(terms) => match terms.secure(socket.clone()).await? {
                Secured::Encrypted(stream) => stream,
                Secured::Declined(_) => bail!("the server has ceased to speak TLS"),
            },
        };
        backend.cancel_query_raw(stream.staying(), Ready).await?;
        // The server closes the connection after it has signalled the backend. It does not read our goodbye: then it is
        // a reset.
        while let Ok(1..) = socket.read(&mut [0; 64]).await {}
        Ok(())
    }

    /// Waits for a sign of life from the server, on another connection. Whoever listens there refuses it at once if nobody
    /// is behind: that is one as well.
    pub(super) async fn hear(&self) {
        match open(&self.address).await {
            Ok(socket) => drop(handshake::ask(&socket).await),
            // A UNIX socket whose line of clients is full: nobody takes them.
            Err(error) if is_full(&error) => std::future::pending().await,
            Err(_) => {}
        }
    }

    /// Breaks the connection off; its driver notices at once.
    pub fn kill(&self) {
        self.socket.shutdown();
    }
}

/// Connects to the first host of `config` that answers and fits `target_session_attrs`.
///
/// # Errors
/// The last host's error, naming the host.
pub async fn connect(config: &Config, clock: &Clock) -> anyhow::Result<Opened> {
    let hosts = hosts(config);
    if !config.get_hosts().is_empty() && ![0, hosts.len()].contains(&config.get_hostaddrs().len()) {
        bail!("hostaddr does not name one address for each host");
    }
    if config.get_ports().len() > 1 && config.get_ports().len() != hosts.len() {
        bail!("there are neither as many ports as hosts nor one for all");
    }
    let limit = (config.get_connect_timeout().copied())
        .filter(|limit| !limit.is_zero())
        .unwrap_or(CONNECT_TIMEOUT);
    let mut deadline = clock.deadline();
    let mut last = None;
    // Answers, and is not what is preferred.
    let mut fallback = None;
    let mut order: Vec<usize> = (0..hosts.len()).collect();
    shuffle(&mut order, config);
    for index in order {
        let (host, port) = (&hosts[index], port(config, index));
        let place = || format!("cannot connect to PostgreSQL at {}", place(host, port));
        let late = || anyhow::anyhow!("no answer within {} s", limit.as_secs());
        deadline.arm(limit);
        let looked_up = deadline.race(addresses(config, index, host, port)).await;
        let mut addresses = match looked_up.unwrap_or_else(|| Err(late())) {
            Ok(addresses) => addresses,
            Err(error) => {
                last = Some(error.context(place()));
                continue;
            }
        };
        shuffle(&mut addresses, config);
        // As libpq: a name's addresses are hosts of their own, each with its own time.
        for address in addresses {
            deadline.arm(limit);
            let connected = deadline.race(judged(address, host, config)).await;
            match connected.unwrap_or_else(|| Err(late())) {
                Ok((opened, Fit::Good)) => return Ok(opened),
                Ok((opened, Fit::Fallback)) => fallback = fallback.or(Some(opened)),
                Ok((_, Fit::Not(why))) => last = Some(anyhow::anyhow!(why).context(place())),
                Err(error) => last = Some(error.context(place())),
            }
        }
    }
    fallback.ok_or_else(|| last.unwrap_or_else(|| anyhow::anyhow!("no host to connect to")))
}

/// Puts what is tried in turn into another order, if that is asked for.
fn shuffle<T>(places: &mut [T], config: &Config) {
    if config.get_load_balance_hosts() == LoadBalanceHosts::Random {
        fastrand::shuffle(places);
    }
}

/// Connects, and asks whether that is the server that is meant.
async fn judged(address: Address, host: &Host, config: &Config) -> anyhow::Result<(Opened, Fit)> {
    let mut opened = connect_address(address, host, config).await?;
    let Opened { client, driver, .. } = &mut opened;
    let fit = config
        .target()
        .judge(config.is_read_only(), client, driver)
        .await?;
    Ok((opened, fit))
}

fn hosts(config: &Config) -> Vec<Host> {
    match config.get_hosts() {
        [] if config.get_hostaddrs().is_empty() => vec![Host::Unix(DEFAULT_SOCKET_DIR.into())],
        [] => (config.get_hostaddrs().iter())
            .map(|address| Host::Tcp(address.to_string()))
            .collect(),
        hosts => hosts.to_vec(),
    }
}

/// As libpq: one port for all hosts, or one each.
fn port(config: &Config, host: usize) -> u16 {
    match config.get_ports() {
        [] => 5432,
        [port] => *port,
        ports => ports.get(host).copied().unwrap_or(5432),
    }
}

fn place(host: &Host, port: u16) -> String {
    match host {
        Host::Tcp(name) if name.contains(':') => format!("[{name}]:{port}"),
        Host::Tcp(name) => format!("{name}:{port}"),
        Host::Unix(directory) => socket_path(directory, port).display().to_string(),
    }
}

fn socket_path(directory: &Path, port: u16) -> std::path::PathBuf {
    directory.join(format!(".s.PGSQL.{port}"))
}

/// The addresses of the host at `index`: what `hostaddr` says of it, else what its name leads to.
async fn addresses(
    config: &Config,
    index: usize,
    host: &Host,
    port: u16,
) -> anyhow::Result<Vec<Address>> {
    let name = match host {
        Host::Unix(directory) => return Ok(vec![Address::Unix(socket_path(directory, port))]),
        Host::Tcp(name) => name.clone(),
    };
    if let Some(&address) = config.get_hostaddrs().get(index) {
        return Ok(vec![Address::Tcp((address, port).into())]);
    }
    // getaddrinfo blocks, for seconds when the resolver is slow: not on the executor's thread.
    let found = smol::unblock(move || {
        (name.as_str(), port)
            .to_socket_addrs()
            .map(|addresses| addresses.map(Address::Tcp).collect::<Vec<_>>())
    });
    match found.await? {
        none if none.is_empty() => bail!("the name has no address"),
        some => Ok(some),
    }
}

async fn connect_address(address: Address, host: &Host, config: &Config) -> anyhow::Result<Opened> {
    let Some(terms) = terms(&address, host, config)? else {
        return begin(&address, None, config).await;
    };
    let first = match begin(&address, Some(&terms), config).await {
        Err(error) if config.get_ssl_mode() == SslMode::Prefer && may_do_without(&error) => error,
        ended => return ended,
    };
    begin(&address, None, config).await.map_err(|second| {
        match (format!("{first:#}"), format!("{second:#}")) {
            (first, same) if first == same => second,
            (first, _) => second.context(format!("with TLS: {first}; without")),
        }
    })
}

/// Whether libpq would try without TLS after this: when there is none, or the server does not let us in with it.
fn may_do_without(error: &anyhow::Error) -> bool {
    let refused = error.downcast_ref::<tokio_postgres::Error>();
    let code = refused.and_then(|error| error.code());
    error.is::<Failed>() || code.is_some_and(|code| code.code().starts_with("28"))
}

/// How TLS is spoken, if it is: never on UNIX sockets, as libpq.
fn terms(address: &Address, host: &Host, config: &Config) -> anyhow::Result<Option<Terms>> {
    let mode = config.get_ssl_mode();
    let (Address::Tcp(_), Host::Tcp(name)) = (address, host) else {
        return Ok(None);
    };
    match config.connector() {
        _ if mode == SslMode::Disable => Ok(None),
        Some(_) if config.is_named() && config.get_hosts().is_empty() => {
            bail!("sslmode=verify-full needs the host's name, and hostaddr is an address")
        }
        Some(connector) => Ok(Some(Terms {
            connector: connector.clone(),
            host: name.clone(),
            direct: config.get_ssl_negotiation() == SslNegotiation::Direct,
        })),
        None if mode == SslMode::Prefer => Ok(None),
        None if cfg!(feature = "tls") => {
            bail!("TLS is asked for, but was not when the settings were read")
        }
        None => {
            bail!("TLS is asked for, and this program was built without it (its feature `tls`)")
        }
    }
}

/// Opens a connection and the session on it.
async fn begin(
    address: &Address,
    terms: Option<&Terms>,
    config: &Config,
) -> anyhow::Result<Opened> {
    let socket = Arc::new(open(address).await?);
    let (stream, terms) = match terms {
        None => (Stream::new(socket.clone()), None),
        Some(terms) => match terms.secure(socket.clone()).await? {
            Secured::Encrypted(stream) => (stream, Some(terms)),
            Secured::Declined(stream) if config.get_ssl_mode() == SslMode::Prefer => (stream, None),
            Secured::Declined(_) => bail!(
                "the server does not speak TLS, and sslmode asks for it; it would with `ssl = on`"
            ),
        },
    };
    // The handshake has been done: tokio-postgres is to take the stream for what it is.
    let mut session = tokio_postgres::Config::clone(config);
    match terms {
        None => session.ssl_mode(SslMode::Disable),
        Some(_) => (session.ssl_mode(SslMode::Require)).ssl_negotiation(SslNegotiation::Direct),
    };
    let (client, mut driver) = session.connect_raw(stream, Ready).await?;
    check_read_only(config, &client, &mut driver).await?;
    read_strings_as_standard(&client, &mut driver).await?;
    let origin = Origin {
        address: address.clone(),
        socket,
        terms: terms.cloned(),
    };
    Ok(Opened {
        client,
        driver,
        origin,
    })
}

async fn open(address: &Address) -> anyhow::Result<Socket> {
    match address {
        Address::Unix(path) => Ok(Socket::connect_unix(path)?),
        Address::Tcp(address) => {
            let socket = Socket::connect_tcp(*address).await?;
            socket.watch_peer()?;
            Ok(socket)
        }
    }
}

fn is_full(error: &anyhow::Error) -> bool {
    let error = error.downcast_ref::<io::Error>();
    error.is_some_and(|error| error.kind() == io::ErrorKind::WouldBlock)
}

/// Refuses a session that is to be read-only and is not: what is between here and PostgreSQL may have taken no notice of
/// that.
async fn check_read_only(
    config: &Config,
    client: &Client,
    driver: &mut Driver,
) -> anyhow::Result<()> {
    const NAME: &str = "default_transaction_read_only";
    // PostgreSQL tells it when the session begins, from 14 on.
    if !config.is_read_only() || config.is_pooled() || driver.parameter(NAME) == Some("on") {
        return Ok(());
    }
    let rows = ask(client, driver, &format!("show {NAME}")).await?;
    let is_on = |message: &SimpleQueryMessage| matches!(message, SimpleQueryMessage::Row(row) if row.get(0) == Some("on"));
    match rows.iter().any(is_on) {
        true => Ok(()),
        false => bail!(
            "a session for reading may write: {NAME} is not heeded; is there a pooler? (--db-pooler)"
        ),
    }
}

/// A backslash in `'…'` is a character like others: so the SQL files are read here, and so the server must read them,
/// whatever its settings, a database's or a role's say. It tells its own when the session begins.
async fn read_strings_as_standard(client: &Client, driver: &mut Driver) -> anyhow::Result<()> {
    if driver.parameter("standard_conforming_strings") == Some("off") {
        ask(client, driver, "set standard_conforming_strings = on").await?;
    }
    Ok(())
}

/// The answer to a question on a connection that nobody else drives yet.
pub(super) async fn ask(
    client: &Client,
    driver: &mut Driver,
    question: &str,
) -> anyhow::Result<Vec<SimpleQueryMessage>> {
    let asked = async { Ok(client.simple_query(question).await) };
    let driven = async { Err(driver.await.err()) };
    match futures_lite::future::or(asked, driven).await {
        Ok(rows) => Ok(rows?),
        Err(error) => bail!(error.map_or("connection closed".into(), |error| error.to_string())),
    }
}
