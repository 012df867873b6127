//! Preparing many statements in one go, on a session of our own or on one that a pooler lends.
//!
//! A pooler in transaction mode gives the next transaction to another session: what was prepared on the first is not known
//! there, and stands in the way of others who choose the same name. So there everything is prepared within one transaction,
//! for what the database says of the statements; the session is cleared of them, and each is sent as a whole when it runs.

use futures_lite::future;
use tokio_postgres::{Client, Error};

use super::prepared::{PrepareError, Prepared, Query};
use crate::runtime::join_all;

/// Statements prepared in one go: their futures are all polled whenever one has news.
const BATCH: usize = 64;

/// Whether a session keeps what it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Session {
    /// It is ours while the connection is open.
    Own,
    /// A pooler lends it for one transaction.
    Lent,
}

impl Session {
    /// Runs `work` where statements may be prepared; none stays behind on a session that is lent.
    ///
    /// # Errors
    /// The connection's.
    pub(crate) async fn apart<T>(
        self,
        client: &Client,
        work: impl Future<Output = T>,
    ) -> Result<T, Error> {
        if self == Session::Own {
            return Ok(work.await);
        }
        // Of somebody who was cut off before the end.
        client.batch_execute("begin; deallocate all").await?;
        let worked = work.await;
        client.batch_execute("deallocate all; commit").await?;
        Ok(worked)
    }

    /// Prepares all `queries`, pipelined; within [`Session::apart`].
    pub(crate) async fn prepare(
        self,
        client: &Client,
        queries: impl IntoIterator<Item = &Query>,
    ) -> Vec<Result<Prepared, PrepareError>> {
        let queries: Vec<&Query> = queries.into_iter().collect();
        let mut prepared = Vec::with_capacity(queries.len());
        for batch in queries.chunks(BATCH) {
            let batch = batch.iter().map(|query| self.prepare_one(client, query));
            prepared.extend(join_all(batch.collect()).await);
        }
        prepared
    }

    async fn prepare_one(self, client: &Client, query: &Query) -> Result<Prepared, PrepareError> {
        if self == Session::Own {
            return Prepared::prepare(client, query).await;
        }
        let types = query.types(client).await?;
        // Sent in one go: what one statement breaks of the transaction is mended before anything else is sent.
        let savepoint = client.batch_execute("savepoint one");
        let prepared = client.prepare_typed(&query.sql, &types);
        let back = client.batch_execute("rollback to one");
        let (_begun, (prepared, _ended)) =
            future::zip(savepoint, future::zip(prepared, back)).await;
        Prepared::unnamed(prepared.map_err(PrepareError::Postgres)?, query)
    }
}
