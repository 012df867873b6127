//! The most memory that a worker takes, by its limits.
//!
//! Nothing grows without a limit, whatever clients send and however slowly they read. So there is a most that a worker
//! comes to, and it can be told beforehand:
//!
//! | what | how many | bytes each, at most |
//! |---|---|---|
//! | the worker: its program, threads, SQL files and metrics; lines of its logs (1 MiB each) and events for Sentry (4 MiB) that nobody takes; tokens it has seen (1 MiB) | 1 | 32 MiB |
//! | a client's connection: a head of 64 KiB, as it came and as a request's own; answers on their way out, 64 KiB and one more that is smaller, in a buffer that grows by doubling | `connections` | 384 KiB |
//! | a large request: its body, and parameters of it as PostgreSQL reads them, such as `bytea` in hexadecimal digits; its answer, in a buffer that grows by doubling | `large` | 4 × `body` + 2 × `answer` |
//! | a body that is read: what points into it, as a list of one-digit numbers has most of | `threads` | 24 × `body` |
//! | a connection to PostgreSQL: a piece of a list on its way, and buffers that have grown for what they carried, and stay | 2 × `db_connections` | 1 MiB + 6 × `body` + 2 × `answer` |
//!
//! An idle connection of a client takes 4 KiB. A body of less than 64 KiB is no large one, nor is an answer, nor a list that
//! is sent while it arrives: those are in the connection's part.
//!
//! `cargo bench --bench limits -- --only memory` measures a worker and compares.

use crate::sys;

/// Blocks of so many bytes go back to the system when they are freed: large bodies, large answers and their copies, but not
/// the buffers of lists that are held. By itself glibc raises this limit to the largest block that was freed so far, up to
/// 32 MiB, keeps twice as much at the heap's end, and what lies between small blocks that live longer. A worker that was
/// sent a mix of large and small came to rest at 59 to 95 MiB then, and does so at 38 to 41 MiB now.
const LARGE_BYTES: i32 = 512 * 1024;
/// What may stay free at the heap's end, in bytes.
const FREE_BYTES: i32 = 1024 * 1024;

/// Has the program give memory back that large requests have used. For `main`: it is the whole program's.
pub fn give_memory_back() {
    sys::limit_what_allocator_keeps(LARGE_BYTES, FREE_BYTES);
}

/// By what a worker's memory is limited.
#[derive(Clone, Copy, Debug)]
pub struct Ceiling {
    /// `--max-connections`: clients of a worker connected at once.
    pub connections: u64,
    /// `--max-body`, in bytes.
    pub body: u64,
    /// `--threads`: bodies that are read at the same moment.
    pub threads: u64,
    /// `--db-connections`: for reading, and again for writing.
    pub db_connections: u64,
    /// Of those clients' requests, how many have a large body or a large answer at a time; `connections` at most.
    pub large: u64,
    /// The largest answer that the SQL makes and that is no list sent while it arrives, in bytes: 64 MiB at most.
    pub answer: u64,
    /// Whether an endpoint takes a list of objects (`*!`). A list of empty ones has 64 times its bytes in parameters.
    pub takes_lists: bool,
}

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;

impl Ceiling {
    /// The most memory that the worker takes, in bytes, its share of the program included.
    ///
    /// ```
    /// use peppercorn::process::Ceiling;
    /// let ceiling = Ceiling {
    ///     connections: 200,
    ///     body: 1 << 20,
    ///     threads: 1,
    ///     db_connections: 4,
    ///     large: 20,
    ///     answer: 1 << 20,
    ///     takes_lists: false,
    /// };
    /// assert_eq!(ceiling.bytes() >> 20, 323);
    /// ```
    pub fn bytes(&self) -> u64 {
        let parameters = if self.takes_lists { 64 } else { 4 };
        let large = parameters * self.body + 2 * self.answer;
        let db_connection = MIB + 6 * self.body + 2 * self.answer;
        32 * MIB
            + self.connections * 384 * KIB
            + self.large * large
            + self.threads * 24 * self.body
            + 2 * self.db_connections * db_connection
    }
}
