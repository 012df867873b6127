//! What all requests of one executor share.

use std::sync::Arc;

use super::Database;
use crate::client::Client;
use crate::metrics::{Expose, Sources};
use crate::runtime::{Clock, Drain};
use crate::sentry::Sentry;

/// What all requests of one executor share.
///
/// ```
/// use peppercorn::{Context, Response, Service};
///
/// /// Of no request in particular.
/// async fn rate(service: &Service) -> anyhow::Result<f64> {
///     service.client.get("https://rates.example.com/eur").send().await?.json()
/// }
///
/// async fn price(context: Context) -> anyhow::Result<Response> {
///     let price = 12.5 * rate(&context.service).await?;
///     Ok(Response::json(price.to_string()))
/// }
/// ```
#[non_exhaustive]
pub struct Service {
    /// The database.
    ///
    /// ```
    /// # async fn example(service: &peppercorn::Service) -> anyhow::Result<()> {
    /// let markets = service.database.query("open-markets").rows().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub database: Database,
    /// What other servers are asked with.
    ///
    /// ```
    /// # async fn example(service: &peppercorn::Service) -> anyhow::Result<()> {
    /// let rates = service.client.get("https://rates.example.com/eur").send().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub client: Client,
    /// Whether the server is on its way out.
    #[doc(hidden)]
    pub drain: Drain,
    /// Where failures are reported to, beside the log.
    #[doc(hidden)]
    pub sentry: Option<Sentry>,
    /// What has been counted, by all processes of the service.
    #[doc(hidden)]
    pub expose: Expose,
}

impl Service {
    /// One that reports to nobody but the log, and is counted nowhere.
    #[doc(hidden)]
    pub fn new(database: Database, clock: &Clock, drain: Drain) -> Service {
        Service {
            database,
            client: Client::new(clock),
            drain,
            sentry: None,
            expose: Arc::new(Sources::default),
        }
    }
}
