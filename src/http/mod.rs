//! HTTP/1.1 as bytes in, messages out: RFC 9110 and 9112, with no socket, clock or executor.
//!
//! bytes → [`Reader`] (`parse` with `target` and `framing`, or first `scan` → `chunked`) → [`Head`] or
//! [`Request`] → an endpoint → [`Response`] → [`encode()`] → bytes
//!
//! - `parse`: a head, tokenized and checked
//! - `scan`: where a head ends that comes in pieces, found in one pass, taken up where the bytes ended last time
//! - `target`: request targets and authorities, after RFC 3986
//! - `framing`: how long a body is and whether the connection persists, decided once
//! - `chunked`: the chunked coding, decoded in place
//! - `reader`: one connection's requests, out of its `buffer`
//! - `head`, `request`: a request, borrowed and owned
//! - `forwarded`, `proxies`: who it is from when proxies pass it on, and which of them are believed
//! - `response`, `body`, `stream`, `value`, `encode`, `date`: an answer, its body, its header values, and its bytes
//! - `etag`, `accept`: what a client has seen already, and how it takes its answer
//! - `refusal`, `limits`: why a request is refused, and what it may cost
//! - `chars`: which bytes the grammars allow
//! - `invariants`: what holds for any bytes, for tests and fuzzing
//!
//! The room is strict and has no lenient switch. `httparse` is its tokenizer; what makes a message unambiguous is
//! checked here, and what stays ambiguous is a [`Refusal`], which answers once and ends the connection.

mod accept;
mod body;
mod buffer;
mod chars;
mod chunked;
mod date;
mod encode;
mod etag;
mod forwarded;
mod framing;
mod head;
#[cfg(any(test, fuzzing))]
pub(crate) mod invariants;
mod limits;
mod parse;
mod proxies;
mod reader;
mod refusal;
mod request;
mod response;
mod scan;
mod stream;
mod target;
#[cfg(test)]
mod tests;
mod value;

pub use http_types::{Method, StatusCode};

pub use accept::accepts_coding;
pub use body::Body;
pub(crate) use chars::is_token;
pub use date::HttpDate;
pub(crate) use date::civil;
pub use encode::{CONTINUE, Framing, Reply, encode, encode_chunk, encode_head, encode_last_chunk};
pub use etag::{EntityTag, EntityTags, Malformed};
pub use forwarded::client;
pub use head::{Head, Version};
pub use limits::Limits;
pub use proxies::Proxies;
pub use reader::{Memory, Reader};
pub use refusal::Refusal;
pub use request::Request;
pub use response::Response;
pub use stream::BodyStream;
pub use value::{HeaderValue, InvalidHeader};
