//! The API of benches/peers/api, as users of axum and deadpool-postgres write it.

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use chrono::{DateTime, Utc};
use deadpool_postgres::{Manager, ManagerConfig, Pool, PoolError, RecyclingMethod};
use serde::{Deserialize, Serialize, Serializer};
use tokio_postgres::{NoTls, Row};

/// Connections that are kept.
const CONNECTIONS: usize = 16;

pub fn routes(url: &str) -> Router {
    let config = url.parse().expect("DATABASE_URL");
    let recycling = ManagerConfig {
        recycling_method: RecyclingMethod::Fast,
    };
    let manager = Manager::from_config(config, NoTls, recycling);
    let pool = Pool::builder(manager)
        .max_size(CONNECTIONS)
        .build()
        .expect("a pool");
    Router::new()
        .route("/contracts/{id}", get(contract))
        .route("/contracts", get(contracts))
        .route("/markets/{id}/volumes", get(volumes))
        .route("/trades", post(create_trade))
        .route("/sleep/{ms}", get(sleep))
        .with_state(pool)
}

/// What went wrong, for the client.
struct Failure(StatusCode, String);

impl<E: Into<PoolError>> From<E> for Failure {
    fn from(error: E) -> Failure {
        Failure(StatusCode::INTERNAL_SERVER_ERROR, error.into().to_string())
    }
}

impl axum::response::IntoResponse for Failure {
    fn into_response(self) -> axum::response::Response {
        (self.0, self.1).into_response()
    }
}

#[derive(Serialize)]
struct Contract {
    id: i32,
    market_id: i32,
    name: String,
    price: i32,
    volume: i64,
    open: bool,
    #[serde(serialize_with = "with_offset")]
    updated_at: DateTime<Utc>,
}

impl From<Row> for Contract {
    fn from(row: Row) -> Contract {
        Contract {
            id: row.get(0),
            market_id: row.get(1),
            name: row.get(2),
            price: row.get(3),
            volume: row.get(4),
            open: row.get(5),
            updated_at: row.get(6),
        }
    }
}

/// RFC 3339 with `+00:00`, as peppercorn writes it; chrono's own `Serialize` writes `Z`.
fn with_offset<S: Serializer>(time: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&time.to_rfc3339())
}

async fn contract(
    State(pool): State<Pool>,
    Path(id): Path<i32>,
) -> Result<Json<Contract>, Failure> {
    let client = pool.get().await?;
    let statement = client
        .prepare_cached("select id, market_id, name, price, volume, open, updated_at from contracts where id = $1")
        .await?;
    match client.query_opt(&statement, &[&id]).await? {
        Some(row) => Ok(Json(row.into())),
        None => Err(Failure(
            StatusCode::NOT_FOUND,
            "there is no such contract".into(),
        )),
    }
}

#[derive(Deserialize)]
struct Limit {
    #[serde(default = "thousand")]
    limit: i32,
}

fn thousand() -> i32 {
    1000
}

async fn contracts(
    State(pool): State<Pool>,
    Query(Limit { limit }): Query<Limit>,
) -> Result<Json<Vec<Contract>>, Failure> {
    let client = pool.get().await?;
    let statement = client
        .prepare_cached(
            "select id, market_id, name, price, volume, open, updated_at from contracts order by id limit $1",
        )
        .await?;
    let rows = client.query(&statement, &[&i64::from(limit)]).await?;
    Ok(Json(rows.into_iter().map(Contract::from).collect()))
}

#[derive(Serialize)]
struct Volume {
    id: i32,
    name: String,
    volume: i64,
    trades: i64,
    high: i32,
}

impl From<Row> for Volume {
    fn from(row: Row) -> Volume {
        Volume {
            id: row.get(0),
            name: row.get(1),
            volume: row.get(2),
            trades: row.get(3),
            high: row.get(4),
        }
    }
}

async fn volumes(
    State(pool): State<Pool>,
    Path(id): Path<i32>,
) -> Result<Json<Vec<Volume>>, Failure> {
    let client = pool.get().await?;
    let statement = client
        .prepare_cached(
            "select c.id, c.name, sum(t.quantity) as volume, count(*) as trades, max(t.price) as high \
             from contracts c join trades t on t.contract_id = c.id where c.market_id = $1 group by c.id order by c.id",
        )
        .await?;
    let rows = client.query(&statement, &[&id]).await?;
    Ok(Json(rows.into_iter().map(Volume::from).collect()))
}

#[derive(Deserialize)]
struct NewTrade {
    contract_id: i32,
    price: i32,
    quantity: i32,
}

#[derive(Serialize)]
struct Trade {
    id: i64,
}

async fn create_trade(
    State(pool): State<Pool>,
    Json(trade): Json<NewTrade>,
) -> Result<(StatusCode, Json<Trade>), Failure> {
    let client = pool.get().await?;
    let statement = client
        .prepare_cached(
            "insert into trades (contract_id, price, quantity) values ($1, $2, $3) returning id",
        )
        .await?;
    let row = client
        .query_one(
            &statement,
            &[&trade.contract_id, &trade.price, &trade.quantity],
        )
        .await?;
    Ok((StatusCode::CREATED, Json(Trade { id: row.get(0) })))
}

async fn sleep(State(pool): State<Pool>, Path(ms): Path<i32>) -> Result<Json<i32>, Failure> {
    let client = pool.get().await?;
    let statement = client
        .prepare_cached("select $1::int from pg_sleep($1::int / 1000.0)")
        .await?;
    let row = client.query_one(&statement, &[&ms]).await?;
    Ok(Json(row.get(0)))
}
