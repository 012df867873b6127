//! `peer-actix ADDRESS`: answers `/ping` with `pong`, with one worker.

use actix_web::{App, HttpServer, web};

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    let address = std::env::args().nth(1).expect("an address");
    HttpServer::new(|| App::new().route("/ping", web::get().to(async || "pong")))
        .workers(1)
        .bind(address)?
        .run()
        .await
}
