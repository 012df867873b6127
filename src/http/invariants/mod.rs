//! What holds for any bytes. Each function takes an input and panics where something does not hold for it.
//!
//! One place says it for two: the fuzz targets in `tests/fuzz` search for an input that breaks it, and
//! `tests/properties.rs` tries the same kind of inputs in every `cargo test`.

pub(super) mod chunked;
pub(super) mod connection;
mod forwarded;
mod head;
mod target;

pub use chunked::chunked;
pub use connection::connection;
pub use forwarded::forwarded;
pub use head::head;
pub use target::target;

use super::Limits;

/// The limits of a server, and such as a few bytes pass.
fn all_limits() -> [Limits; 2] {
    let small = Limits {
        target: 20,
        head: 150,
        fields: 4,
        chunk_extensions: 8,
        trailers: 12,
        body: 16,
    };
    [Limits::default(), small]
}

/// `token`, RFC 9110 section 5.6.2: said again, since what is checked is not to be asked.
fn is_token(text: &str) -> bool {
    let tchar = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    !text.is_empty() && text.chars().all(tchar)
}

/// `HTAB / SP / VCHAR / obs-text`, RFC 9110 section 5.5.
fn is_field(byte: char) -> bool {
    byte == '\t' || !byte.is_ascii_control()
}
