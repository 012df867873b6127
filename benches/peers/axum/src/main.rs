//! `peer-axum ADDRESS [THREADS]`: answers `/ping` with `pong` and, if there is a `DATABASE_URL`, what
//! benches/peers/api says. One thread, unless told otherwise.

mod api;

use axum::Router;
use axum::routing::get;

fn main() {
    let mut words = std::env::args().skip(1);
    let address = words.next().expect("an address");
    let threads = words
        .next()
        .map_or(1, |threads| threads.parse().expect("a number of threads"));
    let mut builder = match threads {
        1 => tokio::runtime::Builder::new_current_thread(),
        _ => tokio::runtime::Builder::new_multi_thread(),
    };
    if threads > 1 {
        builder.worker_threads(threads);
    }
    builder.enable_all().build().unwrap().block_on(async {
        let listener = tokio::net::TcpListener::bind(address).await.unwrap();
        let mut app = Router::new().route("/ping", get(async || "pong"));
        if let Ok(url) = std::env::var("DATABASE_URL") {
            app = app.merge(api::routes(&url));
        }
        // As every benchmark of axum does; peppercorn sets it as well.
        axum::serve(
            axum::serve::ListenerExt::tap_io(listener, |socket| drop(socket.set_nodelay(true))),
            app,
        )
        .await
        .unwrap();
    });
}
