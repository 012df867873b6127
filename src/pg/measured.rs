//! What is counted of a pool: it is counted where it happens to the pool's state, whoever makes it happen.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use super::placement::State;
use super::pool::Shared;
use super::prepared::Call;
use crate::lock::lock;
use crate::metrics::{Histogram, PoolMetrics};
use crate::observe::{self, Event};

/// Of a pool, at one time.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Levels {
    /// Open connections.
    pub(super) connections: usize,
    /// Those without a query.
    pub(super) idle: usize,
    /// Queries without a connection.
    pub(super) waiting: usize,
}

/// A pool's state, under its lock. What has become of it is told when the lock is given back.
pub(super) struct Locked<'a> {
    state: MutexGuard<'a, State>,
    metrics: &'a PoolMetrics,
}

impl<'a> Locked<'a> {
    pub(super) fn new(state: &'a Mutex<State>, metrics: &'a PoolMetrics) -> Locked<'a> {
        Locked {
            state: lock(state),
            metrics,
        }
    }
}

impl Deref for Locked<'_> {
    type Target = State;

    fn deref(&self) -> &State {
        &self.state
    }
}

impl DerefMut for Locked<'_> {
    fn deref_mut(&mut self) -> &mut State {
        &mut self.state
    }
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        let now = self.state.levels();
        let told = std::mem::replace(&mut self.state.told, now);
        let PoolMetrics {
            connections,
            idle,
            waiting,
            ..
        } = self.metrics;
        // Other pools of the process tell there as well.
        for (gauge, before, now) in [
            (connections, told.connections, now.connections),
            (idle, told.idle, now.idle),
            (waiting, told.waiting, now.waiting),
        ] {
            if before != now {
                gauge.change(before as u64, now as u64);
            }
        }
    }
}

/// Time that goes into a histogram when it is over, however it ends.
pub(super) struct Timed {
    began: Instant,
    histogram: Histogram,
}

impl Timed {
    /// From now on.
    pub(super) fn begin(histogram: Histogram) -> Timed {
        Timed {
            began: Instant::now(),
            histogram,
        }
    }

    /// It is over: how long it was.
    pub(super) fn end(self) -> Duration {
        let took = self.record();
        std::mem::forget(self);
        took
    }

    fn record(&self) -> Duration {
        let took = self.began.elapsed();
        self.histogram.observe(took);
        took
    }
}

impl Drop for Timed {
    fn drop(&mut self) {
        self.record();
    }
}

/// A query's time, from when it is sent; told of when it is over, however it ends.
pub(super) struct QueryTime {
    began: Instant,
    /// For a connection, before that.
    waited: Duration,
    shared: Arc<Shared>,
    query: usize,
    request_id: Arc<str>,
}

impl QueryTime {
    /// From now on.
    pub(super) fn begin(shared: &Arc<Shared>, call: &Call, waited: Duration) -> QueryTime {
        QueryTime {
            began: Instant::now(),
            waited,
            shared: shared.clone(),
            query: call.query,
            request_id: call.request_id.clone(),
        }
    }
}

impl Drop for QueryTime {
    fn drop(&mut self) {
        let took = self.began.elapsed();
        self.shared.durations[self.query].observe(took);
        let slow = self.shared.options.slow;
        if !slow.is_zero() && took >= slow {
            observe::emit(&Event::SlowQuery {
                endpoint: self.shared.queries[self.query].name.clone(),
                request_id: self.request_id.to_string(),
                took,
                waited: self.waited,
            });
        }
    }
}
