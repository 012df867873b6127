//! Many clients in one thread, who count what they are answered.

use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use futures_lite::{AsyncReadExt, AsyncWriteExt};
use smol::{Async, Timer};

/// Runs all clients side by side, to the last one's end.
pub fn together<T: 'static>(
    clients: impl IntoIterator<Item = impl Future<Output = T> + 'static>,
) -> Vec<T> {
    let executor = smol::LocalExecutor::new();
    let clients: Vec<_> = clients
        .into_iter()
        .map(|client| executor.spawn(client))
        .collect();
    smol::block_on(executor.run(async {
        let mut ended = Vec::with_capacity(clients.len());
        for client in clients {
            ended.push(client.await);
        }
        ended
    }))
}

/// So many clients, each of which makes a request such as `GET /one` over and over: how long answers of this status took, and
/// the others.
pub fn over_and_over(
    address: SocketAddr,
    clients: usize,
    request: &'static str,
    rounds: usize,
    status: u16,
) -> (Times, Vec<String>) {
    let asked = together((0..clients).map(|_| async move {
        let mut client = Client::open(address).await.expect("a connection");
        let (mut times, mut others) = (Times::default(), Vec::new());
        for _ in 0..rounds {
            let began = Instant::now();
            let text = format!("{request} HTTP/1.1\r\nHost: limits\r\n\r\n");
            match client.ask(text.as_bytes()).await {
                Ok(got) if got.status == status => times.note(began),
                other => others.push(format!("{other:?}")),
            }
        }
        (times, others)
    }));
    let mut all: (Times, Vec<String>) = Default::default();
    for (times, others) in asked {
        all.0.add(times);
        all.1.extend(others);
    }
    all
}

/// A connection. What it reads it does not keep.
pub struct Client {
    pub stream: Async<TcpStream>,
    buffer: Vec<u8>,
    /// Read so many bytes at a time, with a pause after each.
    pub pace: Option<(usize, Duration)>,
}

/// An answer, without its body.
#[derive(Debug)]
pub struct Got {
    pub status: u16,
    /// In lower case.
    pub head: String,
    /// Of the body.
    pub bytes: usize,
}

impl Got {
    pub fn field(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines();
        lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

impl Client {
    pub async fn open(address: SocketAddr) -> io::Result<Client> {
        let stream = Async::<TcpStream>::connect(address).await?;
        stream.get_ref().set_nodelay(true)?;
        Ok(Client {
            stream,
            buffer: Vec::new(),
            pace: None,
        })
    }

    pub async fn get(&mut self, target: &str) -> io::Result<Got> {
        let request = format!("GET {target} HTTP/1.1\r\nHost: limits\r\n\r\n");
        self.ask(request.as_bytes()).await
    }

    /// One request and its answer.
    pub async fn ask(&mut self, request: &[u8]) -> io::Result<Got> {
        self.stream.write_all(request).await?;
        self.answer().await
    }

    pub async fn answer(&mut self) -> io::Result<Got> {
        self.buffer.clear();
        let end = loop {
            let end = self.buffer.windows(4).position(|four| four == b"\r\n\r\n");
            match end {
                Some(end) => break end + 4,
                None => self.read().await?,
            }
        };
        let head = String::from_utf8_lossy(&self.buffer[..end]).to_ascii_lowercase();
        self.buffer.drain(..end);
        let status = head
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        let mut got = Got {
            status: status.ok_or(io::ErrorKind::InvalidData)?,
            head,
            bytes: 0,
        };
        if got.field("transfer-encoding") == Some("chunked") {
            got.bytes = self.chunks().await?;
        } else {
            let length = got.field("content-length").map(str::parse);
            let length = length
                .unwrap_or(Ok(0))
                .map_err(|_| io::ErrorKind::InvalidData)?;
            self.skip(length).await?;
            got.bytes = length;
        }
        Ok(got)
    }

    async fn chunks(&mut self) -> io::Result<usize> {
        let mut all = 0;
        loop {
            let end = loop {
                match self.buffer.windows(2).position(|two| two == b"\r\n") {
                    Some(end) => break end,
                    None => self.read().await?,
                }
            };
            let size = String::from_utf8_lossy(&self.buffer[..end]).into_owned();
            let size = usize::from_str_radix(&size, 16).map_err(|_| io::ErrorKind::InvalidData)?;
            self.buffer.drain(..end + 2);
            self.skip(size + 2).await?;
            if size == 0 {
                return Ok(all);
            }
            all += size;
        }
    }

    async fn skip(&mut self, mut length: usize) -> io::Result<()> {
        loop {
            let here = self.buffer.len().min(length);
            self.buffer.drain(..here);
            length -= here;
            if length == 0 {
                return Ok(());
            }
            self.read().await?;
        }
    }

    /// More bytes of an answer.
    async fn read(&mut self) -> io::Result<()> {
        let (most, pause) = self.pace.unwrap_or((64 * 1024, Duration::ZERO));
        let before = self.buffer.len();
        self.buffer.resize(before + most, 0);
        let read = self.stream.read(&mut self.buffer[before..]).await;
        self.buffer.truncate(before + *read.as_ref().unwrap_or(&0));
        if read? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if !pause.is_zero() {
            Timer::after(pause).await;
        }
        Ok(())
    }
}

/// Times, to be asked for their percentiles.
#[derive(Clone, Default)]
pub struct Times(Vec<Duration>);

impl Times {
    pub fn note(&mut self, began: Instant) {
        self.0.push(began.elapsed());
    }

    pub fn add(&mut self, other: Times) {
        self.0.extend(other.0);
    }

    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// The time that so many of a thousand do not exceed.
    pub fn of_thousand(&self, part: usize) -> Duration {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let at = (sorted.len() * part).div_ceil(1000).max(1) - 1;
        sorted.get(at).copied().unwrap_or_default()
    }

    pub fn most(&self) -> Duration {
        self.of_thousand(1000)
    }
}
