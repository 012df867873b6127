//! PostgreSQL: sockets, connections, the pool, values, and the private cluster.
//!
//! | module | what it is |
//! |---|---|
//! | [`settings`], `options` | where the database is: URL, `PG*`, `.pgpass` |
//! | `config`, `secure`, `target` | what comes of that; TLS as libpq's options ask for it; which of several servers is meant |
//! | `stream`, `handshake`, [`connect`] | tokio-postgres on our sockets, with TLS, hosts in turn, one deadline |
//! | [`pool`] | which connection runs a query; `placement` decides by what is `learned` and by the `line` of queries at each `place`, `waiting` is for one, `session` keeps connections alive, `watch` asks whether their server is there, `keeping` keeps all pools |
//! | `lease`, `flight`, `again`, [`outlet`](mod@outlet) | a query's place; a query under way or abandoned, or tried once more; a large result on its way out |
//! | `measured` | what is counted of a pool and its queries |
//! | [`connection`], [`prepared`], `preparing` | statements on one connection, rows as they arrive |
//! | [`transaction`] | several statements as one, on a connection of their own |
//! | `parameter` | values of parameters, as text |
//! | [`values`] | binary values to JSON |
//! | `error` | SQLSTATEs to problems |
//! | [`cluster`] | a PostgreSQL of our own when none is given |

mod again;
pub mod cluster;
mod config;
pub mod connect;
pub mod connection;
mod error;
mod flight;
mod handshake;
mod keeping;
mod learned;
mod lease;
mod line;
mod measured;
mod options;
pub mod outlet;
mod parameter;
mod place;
mod placement;
pub mod pool;
pub mod prepared;
pub(crate) mod preparing;
mod secure;
mod session;
pub mod settings;
mod stream;
mod target;
pub mod transaction;
pub mod values;
mod waiting;
mod watch;

pub use cluster::Cluster;
pub use config::Config;
pub use connection::{Collect, Done};
pub(crate) use error::words;
pub use keeping::keep;
pub use outlet::Outlet;
pub use parameter::{Literal, Parameter};
pub use pool::{Next, Options, Outcome, Pieces, Pool};
pub use prepared::{Call, ParameterType, PrepareError, Prepared, Query};
pub use session::Keeper;
pub use transaction::{Condition, Part, Step, Transaction};
