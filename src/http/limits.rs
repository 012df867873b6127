//! What one request may cost, in bytes and fields: every buffer of the room is bounded by these.

/// The most fields a head may have, whatever [`Limits::fields`] says: the tokenizer's table lives on the stack.
pub(super) const MOST_FIELDS: usize = 128;

/// Sizes in bytes, each with what happens when it is passed.
///
/// ```
/// use peppercorn::http::Limits;
/// let limits = Limits { body: 64 * 1024, ..Limits::default() };
/// assert_eq!(limits.target, 16 * 1024);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The request target: 414. RFC 9112 section 3 asks for at least 8,000 octets of request line.
    pub target: usize,
    /// The whole head, request line and empty line included: 431 (RFC 6585 section 5). Above 16 MiB it counts as that.
    pub head: usize,
    /// Number of field lines in the head: 431. Above 128 it counts as 128.
    pub fields: usize,
    /// Chunk extensions, all chunks of a body together: 400 (RFC 9112 section 7.1.1).
    pub chunk_extensions: usize,
    /// The trailer section of a chunked body: 431.
    pub trailers: usize,
    /// The body, after decoding: 413, from the head alone where the head announces the length. Above 1 GiB it counts
    /// as that.
    pub body: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            target: 16 * 1024,
            head: 64 * 1024,
            fields: 100,
            chunk_extensions: 4 * 1024,
            trailers: 8 * 1024,
            body: 1024 * 1024,
        }
    }
}

impl Limits {
    /// The same limits, inside what the room's own tables can hold: offsets into a head are `u32`, and a head with
    /// its body is one buffer, on 32-bit machines too.
    pub(super) fn bounded(self) -> Limits {
        Limits {
            head: self.head.min(1 << 24),
            fields: self.fields.min(MOST_FIELDS),
            body: self.body.min(1 << 30),
            ..self
        }
    }
}
