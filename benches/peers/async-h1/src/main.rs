//! `peer-async-h1 ADDRESS`: answers `/ping` with `pong`, on one thread.

use std::net::{SocketAddr, TcpListener};

use http_types::{Response, StatusCode};
use smol::{Async, LocalExecutor};

fn main() {
    let address: SocketAddr = std::env::args().nth(1).expect("an address").parse().unwrap();
    let executor = LocalExecutor::new();
    smol::block_on(executor.run(async {
        let listener = Async::<TcpListener>::bind(address).unwrap();
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            stream.get_ref().set_nodelay(true).unwrap();
            let stream = async_dup::Arc::new(stream);
            let serving = async move {
                let answered = async_h1::accept(stream, |request| async move {
                    Ok(match request.url().path() {
                        "/ping" => {
                            let mut response = Response::new(StatusCode::Ok);
                            response.set_body("pong");
                            response
                        }
                        _ => Response::new(StatusCode::NotFound),
                    })
                });
                // A client that hangs up is no news.
                drop(answered.await);
            };
            executor.spawn(serving).detach();
        }
    }));
}
