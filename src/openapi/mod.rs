//! The document that describes the API: OpenAPI 3.1, made of what the files say and what the database says of them.
//!
//! | module | what it does |
//! |---|---|
//! | `schema` | PostgreSQL's types as JSON Schema |
//! | `endpoint` | an SQL endpoint as an operation |
//! | [`operation`] | an operation, which a Rust handler may describe itself with |
//! | `problems` | what goes wrong, described once |
//! | [`document`](mod@document) | operations as a document |
//! | [`ui`] | the document and Swagger UI, served |
//! | [`difference`](mod@difference) | what one document says and another does not |

mod body;
pub mod difference;
pub mod document;
mod endpoint;
pub mod operation;
mod problems;
mod schema;
pub mod ui;

pub use difference::difference;
pub use document::document;
pub use operation::Operation;
