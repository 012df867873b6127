//! `peer-axum ADDRESS`: answers `/ping` with `pong`, on one thread.

use axum::Router;
use axum::routing::get;

fn main() {
    let address = std::env::args().nth(1).expect("an address");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(address).await.unwrap();
        let app = Router::new().route("/ping", get(async || "pong"));
        // As every benchmark of axum does; peppercorn sets it as well.
        axum::serve(axum::serve::ListenerExt::tap_io(listener, |socket| drop(socket.set_nodelay(true))), app)
            .await
            .unwrap();
    });
}
