//! Everything that a program with endpoints of its own can do: SQL files that are part of it, queries of its own, something
//! around every endpoint, a token to ask for, other servers to ask, work on a thread of its own.
//!
//! ```console
//! $ cargo run --example embed -- serve
//! $ curl localhost:8080/events/1/outlook
//! {"event":"Arsenal v Liverpool","markets":3}
//! $ curl -d '{"name": "Rouen v Amiens"}' localhost:8080/fixtures
//! ```
//!
//! The database is that of the environment, else a private one. A whole program has this shape; `hello.rs` is a smaller one.

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use peppercorn::{
    Answer, App, Context, Endpoint, Handler, Method, Operation, Problem, Response, StatusCode,
    include_sql,
};
use serde_json::{Value, json};

fn main() -> ExitCode {
    let asked = Arc::new(AtomicU64::new(0));
    let app = App::new()
        .title("Exchange")
        .sql_files(include_sql![
            "exchange/events.sql",
            "exchange/markets.sql",
            "exchange/orders.sql",
            "exchange/trades.sql",
            "exchange/schema.sql",
        ])
        .read_query(
            "event",
            "select name, (select count(*) from markets where event_id = events.id) as markets
             from events where id = :id",
        )
        .write_query(
            "add-event",
            "insert into events (sport, name, starts_at)
             values (:sport, :name, current_date + :days::int) returning id",
        )
        .handler(
            Handler::new(Method::Get, "/events/{event_id}/outlook", outlook)
                .within(Duration::from_secs(5))
                .described(outlook_described()),
        )
        .post("/fixtures", add_fixture)
        .get("/digest/{text}", digest)
        .get("/asked", move |_| {
            // What handlers share, they own: nothing is global.
            let asked = asked.fetch_add(1, Ordering::Relaxed) + 1;
            async move { Ok(Response::text(format!("{asked}\n"))) }
        })
        .wrap(Named);
    peppercorn::main(app)
}

/// `GET /events/{event_id}/outlook`: a query of the program's own, and another server.
async fn outlook(context: Context) -> anyhow::Result<Response> {
    let id = context.path.get("event_id").unwrap_or_default();
    // An id that is no number is PostgreSQL's to refuse: that is a 400, as for an SQL file.
    let event = context.query("event").bind("id", id).row().await?;
    let event =
        event.ok_or_else(|| Problem::new(StatusCode::NotFound, "there is no such event"))?;
    let (name, markets): (String, i64) = (event.try_get("name")?, event.try_get("markets")?);
    let mut answer = json!({"event": name, "markets": markets});
    // Where to ask is the client's business only in an example.
    if let Some(url) = context.query_parameter("forecast")? {
        let forecast = context.client().get(&url).within(Duration::from_secs(2));
        let forecast = forecast.send().await;
        let forecast = forecast.context("no forecast")?;
        answer["forecast"] = forecast.json::<Value>()?;
    }
    Ok(Response::json(answer.to_string()))
}

fn outlook_described() -> Operation {
    let properties =
        json!({"event": {"type": "string"}, "markets": {"type": "integer"}, "forecast": {}});
    Operation::new("outlook")
        .summary("What there is to say of an event.")
        .tag("events")
        .answer(
            StatusCode::Ok,
            "The event.",
            "application/json",
            json!({"type": "object", "properties": properties, "required": ["event", "markets"]}),
        )
}

/// `POST /fixtures`: what PostgreSQL has against a value is told to the client, a constraint as 422, a key that is taken as
/// 409.
async fn add_fixture(context: Context) -> anyhow::Result<Response> {
    let fixture: Value = context.json()?;
    let row = context
        .query("add-event")
        .bind("sport", fixture["sport"].as_str().unwrap_or("football"))
        .bind("name", fixture["name"].as_str())
        .bind("days", 7)
        .row()
        .await?;
    let id: i32 = row.context("insert returns a row")?.try_get("id")?;
    Ok(Response::new(StatusCode::Created).with_header("Location", format!("/events/{id}")))
}

/// `GET /digest/{text}`: what takes long is done on a thread that is there for it.
async fn digest(context: Context) -> anyhow::Result<Response> {
    let text = context.path.get("text").unwrap_or_default().to_owned();
    let digest = context.unblock(move || slow_digest(&text)).await;
    Ok(Response::text(format!("{digest:016x}\n")))
}

fn slow_digest(text: &str) -> u64 {
    let fold = |digest: u64, byte: u8| (digest ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
    (0..100_000).fold(0xcbf2_9ce4_8422_2325, |digest, _| {
        text.bytes().fold(digest, fold)
    })
}

/// Around every endpoint, of handlers and SQL files: says in each answer which one it was.
struct Named(Arc<dyn Endpoint>);

impl Endpoint for Named {
    fn call(&self, context: Context) -> Answer<'_> {
        Box::pin(async move {
            let name = context.route.endpoint.to_string();
            Ok(self.0.call(context).await?.with_header("X-Endpoint", name))
        })
    }
}
