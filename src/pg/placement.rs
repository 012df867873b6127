//! Which connection a query goes on: the pool's bookkeeping, without I/O and without a clock of its own.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use smol::channel::Sender;

use super::connection::Connection;
use super::pool::Lease;

/// A query waits behind others on a connection only if it is expected to wait less than this.
const PATIENCE: Duration = Duration::from_millis(4);
/// What a statement is taken to cost before it has run: a few unknown ones may share a connection.
const UNKNOWN_COST: Duration = Duration::from_millis(1);
/// Queries in flight on one connection, at most.
const DEPTH: usize = 64;

/// The state of a pool, under its lock.
pub(super) struct State {
    places: Vec<Place>,
    /// Sessions that are connecting, or waiting to try again.
    pub(super) opening: usize,
    /// Requests that found no place, oldest first.
    pub(super) waiters: VecDeque<Waiter>,
    outage: Option<Outage>,
    /// Per query: the running mean of the time it takes at the head of a connection.
    costs: Vec<Duration>,
    max: usize,
    next_id: u64,
    closed: bool,
}

/// A request that waits for a place.
pub(super) struct Waiter {
    pub(super) query: usize,
    /// Takes the lease; dropped, it refuses the waiter.
    pub(super) sender: Sender<Lease>,
}

/// Why nobody should wait for this database now.
#[derive(Clone)]
pub(super) struct Outage {
    /// When connecting is tried again.
    pub(super) retry_at: Instant,
    pub(super) reason: String,
}

/// An open connection.
pub(super) struct Place {
    id: u64,
    connection: Arc<Connection>,
    in_flight: usize,
    /// What the queries in flight are expected to take together.
    backlog: Duration,
    /// Since when the oldest of them has had the server to itself.
    head_since: Instant,
    /// A query on it is being cancelled: the cancellation must not hit another.
    secluded: bool,
}

impl Place {
    /// How long a query put here now would wait for its turn.
    fn wait(&self, now: Instant) -> Duration {
        match self.in_flight {
            0 => Duration::ZERO,
            // A head that takes longer than expected is taken to need as long again.
            _ => self
                .backlog
                .max(now.saturating_duration_since(self.head_since)),
        }
    }
}

impl State {
    pub(super) fn new(queries: usize, max: usize) -> State {
        State {
            places: Vec::new(),
            opening: 0,
            waiters: VecDeque::new(),
            outage: None,
            costs: vec![UNKNOWN_COST; queries],
            max,
            next_id: 0,
            closed: false,
        }
    }

    /// Takes a new connection into use: its number, and whether it ended an outage. `None` when the pool is closed.
    pub(super) fn add(&mut self, connection: Arc<Connection>, now: Instant) -> Option<(u64, bool)> {
        self.opening -= 1;
        if self.closed {
            return None;
        }
        let id = self.next_id;
        self.next_id += 1;
        let backlog = Duration::ZERO;
        self.places.push(Place {
            id,
            connection,
            in_flight: 0,
            backlog,
            head_since: now,
            secluded: false,
        });
        Some((id, self.outage.take().is_some()))
    }

    /// Forgets a connection that has ended. True if one should be opened in its place; counted as opening then.
    pub(super) fn remove(&mut self, id: u64, min: usize) -> bool {
        self.places.retain(|place| place.id != id);
        let again = !self.closed && self.size() < min;
        self.opening += usize::from(again);
        again
    }

    /// Notes that connecting failed. True if that is news. The requests that waited are refused unless there is
    /// another connection: drop them outside of the lock.
    pub(super) fn fail(&mut self, outage: Outage) -> (bool, VecDeque<Waiter>) {
        let news = self.outage.replace(outage).is_none();
        match self.places.is_empty() {
            true => (news, std::mem::take(&mut self.waiters)),
            false => (news, VecDeque::new()),
        }
    }

    /// Whether a session that could not connect is still wanted; no longer counted as opening if not.
    pub(super) fn try_again(&mut self, min: usize) -> bool {
        let again = !self.closed && self.size() <= min;
        self.opening -= usize::from(!again);
        again
    }

    /// What keeps the pool empty, if it is.
    pub(super) fn outage(&self) -> Option<&Outage> {
        self.outage.as_ref().filter(|_| self.places.is_empty())
    }

    pub(super) fn is_open(&self) -> bool {
        !self.places.is_empty()
    }

    /// Connections open or on their way.
    pub(super) fn size(&self) -> usize {
        self.places.len() + self.opening
    }

    /// Whether another connection would help and is allowed. One at a time: the next is decided when it is there.
    pub(super) fn may_open(&self) -> bool {
        self.opening == 0 && self.size() < self.max && !self.closed
    }

    /// Takes the best place for `query` that is good enough.
    pub(super) fn place(
        &mut self,
        query: usize,
        now: Instant,
    ) -> Option<(u64, Arc<Connection>, Duration)> {
        let cost = self.costs[query];
        let place = (self.places.iter_mut())
            .filter(|place| !place.secluded && place.in_flight < DEPTH)
            // Its end may be known to the driver and not yet to its session.
            .filter(|place| !place.connection.is_closed())
            .min_by_key(|place| place.wait(now))
            .filter(|place| place.in_flight == 0 || place.wait(now) < PATIENCE)?;
        if place.in_flight == 0 {
            place.head_since = now;
        }
        place.in_flight += 1;
        place.backlog += cost;
        Some((place.id, place.connection.clone(), cost))
    }

    /// Gives a place back and, if the query has run, learns what it cost: answers come in order, so it was the head.
    pub(super) fn release(
        &mut self,
        id: u64,
        query: usize,
        counted: Duration,
        ran: bool,
        now: Instant,
    ) {
        let Some(place) = self.places.iter_mut().find(|place| place.id == id) else {
            return;
        };
        let took = now.saturating_duration_since(place.head_since);
        if ran {
            let mean = &mut self.costs[query];
            *mean = (*mean * 7 + took) / 8;
        }
        place.in_flight -= 1;
        place.backlog = match place.in_flight {
            0 => Duration::ZERO,
            _ => place.backlog.saturating_sub(counted),
        };
        if ran {
            place.head_since = now;
        }
    }

    /// Keeps further queries off a connection whose only query is to be cancelled. False if others are on it.
    pub(super) fn seclude(&mut self, id: u64) -> bool {
        let place = self
            .places
            .iter_mut()
            .find(|place| place.id == id && place.in_flight == 1);
        match place {
            Some(place) => {
                place.secluded = true;
                true
            }
            None => false,
        }
    }

    /// Ends what [`State::seclude`] began.
    pub(super) fn welcome(&mut self, id: u64) {
        if let Some(place) = self.places.iter_mut().find(|place| place.id == id) {
            place.secluded = false;
        }
    }

    /// No more queries: the connections and waiters, to be dropped outside of the lock.
    pub(super) fn close(&mut self) -> (Vec<Place>, VecDeque<Waiter>) {
        self.closed = true;
        (
            std::mem::take(&mut self.places),
            std::mem::take(&mut self.waiters),
        )
    }
}
