//! PostgreSQL by tokio-postgres on smol's sockets: tokio's I/O traits, and nothing of its runtime.

use std::rc::Rc;

use chrono::{DateTime, Utc};
use serde::Serialize;
use smol::LocalExecutor;
use smol::channel::{Receiver, Sender};
use smol::io::{AsyncRead, AsyncWrite};
use smol::net::TcpStream;
use smol::net::unix::UnixStream;
use tokio_postgres::config::{Config, Host};
use tokio_postgres::{Client, NoTls, Row, Statement};
use tokio_util::compat::FuturesAsyncReadCompatExt;

const CONTRACT: &str = "
    select id, market_id, name, price, volume, open, updated_at
    from contracts
    where id = $1";

const VOLUMES: &str = "
    select c.id, c.name, sum(t.quantity) as volume, count(*) as trades, max(t.price) as high
    from contracts c join trades t on t.contract_id = c.id
    where c.market_id = $1
    group by c.id
    order by c.id";

/// Most sessions at once.
const SESSIONS: usize = 16;

pub struct Pool {
    config: Config,
    executor: Rc<LocalExecutor<'static>>,
    /// As many places as there may be sessions. One that was never used, or failed to connect, is empty.
    idle: Receiver<Option<Session>>,
    back: Sender<Option<Session>>,
}

impl Pool {
    pub fn new(config: Config, executor: Rc<LocalExecutor<'static>>) -> Pool {
        let (back, idle) = smol::channel::bounded(SESSIONS);
        for _ in 0..SESSIONS {
            back.try_send(None).expect("a place");
        }
        Pool {
            config,
            executor,
            idle,
            back,
        }
    }

    pub async fn contract(&self, id: i32) -> http_types::Result<Option<Contract>> {
        let lease = self.lease().await?;
        let session = lease.session();
        let row = session.client.query_opt(&session.contract, &[&id]).await?;
        Ok(row.map(Contract::from))
    }

    pub async fn volumes(&self, market_id: i32) -> http_types::Result<Vec<Volume>> {
        let lease = self.lease().await?;
        let session = lease.session();
        let rows = session
            .client
            .query(&session.volumes, &[&market_id])
            .await?;
        Ok(rows.into_iter().map(Volume::from).collect())
    }

    /// A session of its own for the caller, as soon as one is free.
    async fn lease(&self) -> http_types::Result<Lease<'_>> {
        let mut lease = Lease {
            session: self.idle.recv().await?,
            back: &self.back,
        };
        if lease
            .session
            .as_ref()
            .is_none_or(|session| session.client.is_closed())
        {
            lease.session = Some(self.connect().await?);
        }
        Ok(lease)
    }

    async fn connect(&self) -> http_types::Result<Session> {
        let port = self.config.get_ports().first().copied().unwrap_or(5432);
        match self.config.get_hosts().first() {
            Some(Host::Unix(directory)) => {
                let socket = directory.join(format!(".s.PGSQL.{port}"));
                self.start(UnixStream::connect(socket).await?).await
            }
            Some(Host::Tcp(name)) => {
                let stream = TcpStream::connect((name.as_str(), port)).await?;
                stream.set_nodelay(true)?;
                self.start(stream).await
            }
            None => Err(http_types::format_err!("DATABASE_URL names no host")),
        }
    }

    async fn start<S>(&self, stream: S) -> http_types::Result<Session>
    where
        S: AsyncRead + AsyncWrite + Unpin + 'static,
    {
        let (client, connection) = self.config.connect_raw(stream.compat(), NoTls).await?;
        let moving = async {
            if let Err(error) = connection.await {
                eprintln!("a session ended: {:?}", http_types::Error::from(error));
            }
        };
        self.executor.spawn(moving).detach();
        Ok(Session {
            contract: client.prepare(CONTRACT).await?,
            volumes: client.prepare(VOLUMES).await?,
            client,
        })
    }
}

struct Session {
    client: Client,
    contract: Statement,
    volumes: Statement,
}

/// A place in the pool; it goes back when this is dropped.
struct Lease<'a> {
    session: Option<Session>,
    back: &'a Sender<Option<Session>>,
}

impl Lease<'_> {
    fn session(&self) -> &Session {
        self.session.as_ref().expect("leased with a session")
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        drop(self.back.try_send(self.session.take()));
    }
}

#[derive(Serialize)]
pub struct Contract {
    id: i32,
    market_id: i32,
    name: String,
    price: i32,
    volume: i64,
    open: bool,
    updated_at: String,
}

impl From<Row> for Contract {
    fn from(row: Row) -> Contract {
        Contract {
            id: row.get("id"),
            market_id: row.get("market_id"),
            name: row.get("name"),
            price: row.get("price"),
            volume: row.get("volume"),
            open: row.get("open"),
            updated_at: row.get::<_, DateTime<Utc>>("updated_at").to_rfc3339(),
        }
    }
}

#[derive(Serialize)]
pub struct Volume {
    id: i32,
    name: String,
    volume: i64,
    trades: i64,
    high: i32,
}

impl From<Row> for Volume {
    fn from(row: Row) -> Volume {
        Volume {
            id: row.get("id"),
            name: row.get("name"),
            volume: row.get("volume"),
            trades: row.get("trades"),
            high: row.get("high"),
        }
    }
}
