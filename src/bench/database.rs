//! The database that is measured with.

use anyhow::Context;
use futures_lite::future;
use tokio_postgres::SimpleQueryMessage;

use crate::pg::{Config, connect};
use crate::runtime::Clock;

/// PostgreSQL's version.
///
/// # Errors
/// It does not answer.
pub(super) async fn version(settings: &Config, clock: &Clock) -> anyhow::Result<String> {
    let opened = connect::connect(settings, clock).await?;
    let asking = async { opened.client.simple_query("show server_version").await };
    let driver = opened.driver;
    let rows = future::or(asking, async {
        driver.await?;
        Ok(Vec::new())
    });
    let rows = rows.await?;
    let version = rows.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
        _ => None,
    });
    version.context("PostgreSQL does not say its version")
}
