//! Many clients in one thread.

use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use futures_lite::{AsyncReadExt, AsyncWriteExt, future};
use smol::{Async, Timer};

pub type Stream = Async<TcpStream>;

/// Runs `client` so many times side by side.
pub fn together<T: 'static, F: Future<Output = T> + 'static>(
    count: usize,
    client: impl Fn(usize) -> F,
) -> Vec<T> {
    let executor = smol::LocalExecutor::new();
    let clients: Vec<_> = (0..count)
        .map(|number| executor.spawn(client(number)))
        .collect();
    smol::block_on(executor.run(async {
        let mut ended = Vec::with_capacity(count);
        for client in clients {
            ended.push(client.await);
        }
        ended
    }))
}

pub async fn connect(address: SocketAddr) -> Stream {
    let stream = Stream::connect(address).await.expect("a connection");
    stream.get_ref().set_nodelay(true).expect("no delay");
    stream
}

/// One request on a connection, and its answer's first bytes.
pub async fn ask(stream: &mut Stream, request: &str) -> io::Result<String> {
    stream.write_all(request.as_bytes()).await?;
    let mut buffer = [0; 1024];
    let read = stream.read(&mut buffer).await?;
    Ok(String::from_utf8_lossy(&buffer[..read]).into_owned())
}

/// What became of a client that was too slow.
pub struct Refused {
    /// From its first byte to the end of the connection.
    pub after: Duration,
    /// It was told 408 before.
    pub told: bool,
}

/// Sends `text` a byte at a time with `pause` between them, until the server has had enough.
pub async fn drip(stream: &mut Stream, text: &str, pause: Duration) -> Refused {
    let begin = Instant::now();
    let mut bytes = text.bytes().cycle();
    let mut answer = Vec::new();
    loop {
        let byte = [bytes.next().expect("a cycle")];
        // A connection that is closed already says so when it is read.
        let _closed = stream.write_all(&byte).await;
        let mut chunk = [0; 1024];
        let paused = async {
            Timer::after(pause).await;
            None
        };
        match future::or(async { Some(stream.read(&mut chunk).await) }, paused).await {
            None => {}
            Some(Ok(read)) if read > 0 => answer.extend_from_slice(&chunk[..read]),
            Some(_) => {
                return Refused {
                    after: begin.elapsed(),
                    told: answer.starts_with(b"HTTP/1.1 408 "),
                };
            }
        }
    }
}
