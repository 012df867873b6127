//! `peer-async-h1 ADDRESS`: stock smol and async-h1 on one thread, what the crates give without peppercorn's own server.
//!
//! `/ping` is answered with `pong`; the routes of benches/peers/api that read are there when DATABASE_URL is set.

mod database;

use std::net::{SocketAddr, TcpListener};
use std::rc::Rc;

use database::Pool;
use http_types::{Body, Method, Request, Response, Status, StatusCode};
use smol::{Async, LocalExecutor};

fn main() {
    let address: SocketAddr = std::env::args()
        .nth(1)
        .expect("an address")
        .parse()
        .unwrap();
    let executor = Rc::new(LocalExecutor::new());
    let pool = std::env::var("DATABASE_URL").ok().map(|url| {
        let config = url.parse().expect("DATABASE_URL is a URL of PostgreSQL");
        Rc::new(Pool::new(config, executor.clone()))
    });
    smol::block_on(executor.run(async {
        let listener = Async::<TcpListener>::bind(address).unwrap();
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            stream.get_ref().set_nodelay(true).unwrap();
            let stream = async_dup::Arc::new(stream);
            let pool = pool.clone();
            let serving = async move {
                let answered = async_h1::accept(stream, |request| {
                    let pool = pool.as_deref();
                    async move { Ok(answer(&request, pool).await.unwrap_or_else(refusal)) }
                });
                // A client that hangs up is no news.
                drop(answered.await);
            };
            executor.spawn(serving).detach();
        }
    }));
}

async fn answer(request: &Request, pool: Option<&Pool>) -> http_types::Result<Response> {
    let segments: Vec<&str> = request.url().path().split('/').skip(1).collect();
    let body = match (request.method(), segments.as_slice(), pool) {
        (Method::Get, ["ping"], _) => Body::from("pong"),
        (Method::Get, ["contracts", id], Some(pool)) => {
            let id = id.parse().status(StatusCode::BadRequest)?;
            let contract = pool.contract(id).await?;
            Body::from_json(&contract.status(StatusCode::NotFound)?)?
        }
        (Method::Get, ["markets", id, "volumes"], Some(pool)) => {
            let id = id.parse().status(StatusCode::BadRequest)?;
            Body::from_json(&pool.volumes(id).await?)?
        }
        _ => return Ok(Response::new(StatusCode::NotFound)),
    };
    let mut response = Response::new(StatusCode::Ok);
    response.set_body(body);
    Ok(response)
}

fn refusal(error: http_types::Error) -> Response {
    if error.status().is_server_error() {
        eprintln!("{error:?}");
    }
    Response::new(error.status())
}
