//! PostgreSQL: sockets, connections, the pool, values, and the private cluster.
//!
//! | module | what it is |
//! |---|---|
//! | [`settings`] | where the database is: URL, `PG*`, `.pgpass` |
//! | `stream`, [`connect`] | tokio-postgres on our sockets, hosts in turn, one deadline |
//! | [`pool`] | which connection runs a query; `placement` decides, `session` keeps connections alive |
//! | [`connection`], [`prepared`] | statements on one connection, rows as they arrive |
//! | [`values`] | binary values to JSON |
//! | `error` | SQLSTATEs to problems |
//! | [`cluster`] | a PostgreSQL of our own when none is given |

pub mod cluster;
pub mod connect;
pub mod connection;
mod error;
mod placement;
pub mod pool;
pub mod prepared;
mod session;
pub mod settings;
mod stream;
pub mod values;

pub use cluster::Cluster;
pub use connection::{Collect, Done};
pub use pool::{Options, Pool};
pub use prepared::{Parameter, PrepareError, Prepared, Query};
pub use session::Keeper;
