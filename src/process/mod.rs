//! Processes: what a worker does from its start to its end, and the signals it listens to.

mod descriptors;
mod signals;
mod worker;

pub use worker::{Error, Worker};
