//! Which connection a query goes on: the pool's bookkeeping, without I/O and without a clock of its own.

fn find(places: &[Place], id: u64) -> Option<&Place> {
    places.iter().find(|place| place.id == id)
}

fn find_mut(places: &mut [Place], id: u64) -> Option<&mut Place> {
    places.iter_mut().find(|place| place.id == id)
}

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use smol::channel::Sender;

use super::connection::Connection;
use super::learned::{Burden, Learned, SLOW};
use super::lease::Lease;
use super::line::{Line, Unwanted};
use super::measured::Levels;
use super::place::{Hold, Place};

/// A query waits behind others on a connection only if it is expected to wait less than this.
const PATIENCE: Duration = Duration::from_millis(4);
/// Queries in flight on one connection, at most.
const DEPTH: usize = 64;

/// The state of a pool, under its lock.
pub(super) struct State {
    places: Vec<Place>,
    /// Sessions that are connecting, or waiting to try again; see `session::Opening`.
    pub(super) opening: usize,
    /// Requests that found no place, oldest first.
    pub(super) waiters: VecDeque<Waiter>,
    outage: Option<Outage>,
    /// What is known of each query.
    learned: Vec<Learned>,
    max: usize,
    /// Whether each query has its connection to itself.
    exclusive: bool,
    next_id: u64,
    closed: bool,
    /// What others have been told of it.
    pub(super) told: Levels,
}

/// A request that waits for a place.
pub(super) struct Waiter {
    pub(super) id: u64,
    pub(super) wanted: Wanted,
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

/// A place for a query.
pub(super) struct Placed {
    pub(super) id: u64,
    /// Its number there.
    pub(super) turn: u64,
    pub(super) connection: Arc<Connection>,
    /// What was counted for it.
    pub(super) cost: Duration,
    /// Whether the query has the connection to itself for as long as its reader wants.
    pub(super) taken: bool,
}

/// What a place is wanted for.
#[derive(Clone, Copy)]
pub(super) struct Wanted {
    pub(super) query: usize,
    /// Whether nothing may be put behind it: a transaction, and what may have to be sent more than once.
    pub(super) alone: bool,
}

/// How a query that was placed has ended.
pub(super) struct Ended {
    pub(super) query: usize,
    /// Its number on its connection.
    pub(super) turn: u64,
    /// What was counted for it.
    pub(super) cost: Duration,
    /// Whether it was sent.
    pub(super) sent: bool,
    /// Whether the time it took says what it costs.
    pub(super) telling: bool,
}

impl State {
    pub(super) fn new(queries: usize, max: usize, exclusive: bool) -> State {
        State {
            places: Vec::new(),
            opening: 0,
            waiters: VecDeque::new(),
            outage: None,
            learned: vec![Learned::nothing(); queries],
            max,
            exclusive,
            next_id: 0,
            closed: false,
            told: Levels::default(),
        }
    }

    /// What others are told of it.
    pub(super) fn levels(&self) -> Levels {
        let idle = self.places.iter().filter(|place| place.line.is_empty());
        Levels {
            connections: self.places.len(),
            idle: idle.count(),
            waiting: self.waiters.len(),
        }
    }

    /// A number that nothing else of this pool has.
    pub(super) fn new_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    /// Takes a new connection into use: its number, and whether it ended an outage. `None` when the pool is closed.
    pub(super) fn add(&mut self, connection: Arc<Connection>, now: Instant) -> Option<(u64, bool)> {
        if self.closed {
            return None;
        }
        let id = self.new_id();
        self.places.push(Place {
            id,
            connection,
            line: Line::default(),
            backlog: Duration::ZERO,
            head_since: now,
            hold: Hold::Open,
        });
        Some((id, self.outage.take().is_some()))
    }

    /// Forgets a connection that has ended, or takes no more queries; to be dropped outside of the lock.
    pub(super) fn remove(&mut self, id: u64) -> Option<Place> {
        let index = self.places.iter().position(|place| place.id == id)?;
        Some(self.places.remove(index))
    }

    /// Notes that connecting failed. True if that leaves the pool without a connection and is news. The requests that
    /// waited are refused then: drop them outside of the lock. A pool that is closed is meant to have no connection.
    pub(super) fn fail(&mut self, outage: Outage) -> (bool, VecDeque<Waiter>) {
        match self.places.is_empty() && !self.closed {
            true => {
                let news = self.outage.replace(outage).is_none();
                (news, std::mem::take(&mut self.waiters))
            }
            false => (false, VecDeque::new()),
        }
    }

    /// What keeps the pool empty, if it is.
    pub(super) fn outage(&self) -> Option<&Outage> {
        self.outage.as_ref().filter(|_| self.places.is_empty())
    }

    pub(super) fn is_open(&self) -> bool {
        !self.places.is_empty()
    }

    /// Connections open or on their way.
    fn size(&self) -> usize {
        self.places.len() + self.opening
    }

    /// Whether there are fewer connections than are kept open.
    pub(super) fn lacks(&self, min: usize) -> bool {
        !self.closed && self.size() < min
    }

    /// Whether another connection would help and is allowed. One at a time: the next is decided when it is there.
    pub(super) fn may_open(&self) -> bool {
        self.opening == 0 && self.size() < self.max && !self.closed
    }

    /// Takes the best place that is good enough.
    pub(super) fn place(&mut self, wanted: Wanted, now: Instant) -> Option<Placed> {
        let learned = self.learned[wanted.query];
        let Learned { cost, large } = learned;
        let refused = match learned.burden() {
            Burden::None => false,
            // What holds up the others may be readers, who take their time: all slow queries would wait for them in vain.
            Burden::Slow => !self.may_hold_up(None) && self.runs_slow_ones(),
            Burden::Long => !self.may_hold_up(None),
        };
        if refused {
            return None;
        }
        let depth = if self.exclusive { 1 } else { DEPTH };
        let place = (self.places.iter_mut())
            .filter(|place| place.hold == Hold::Open && place.line.len() < depth)
            // Its end may be known to the driver and not yet to its session.
            .filter(|place| !place.connection.is_closed())
            .min_by_key(|place| place.wait(now))
            .filter(|place| place.line.is_empty() || place.wait(now) < PATIENCE)?;
        if place.line.is_empty() {
            place.head_since = now;
        }
        place.backlog += cost;
        place.hold = match (large, wanted.alone || self.exclusive) {
            (true, _) => Hold::Taken,
            (false, true) => Hold::Reserved,
            (false, false) => Hold::Open,
        };
        Some(Placed {
            id: place.id,
            turn: place.line.push(),
            connection: place.connection.clone(),
            cost,
            taken: large,
        })
    }

    /// The oldest waiter for whom there is a place. One that wants a connection to itself does not keep back those
    /// that share.
    pub(super) fn place_waiter(&mut self, now: Instant) -> Option<(Waiter, Placed)> {
        let mut refused = [false; 3];
        for index in 0..self.waiters.len() {
            let wanted = self.waiters[index].wanted;
            let kind = self.learned[wanted.query].burden() as usize;
            if refused[kind] {
                continue;
            }
            match self.place(wanted, now) {
                Some(placed) => return Some((self.waiters.remove(index)?, placed)),
                None => refused[kind] = true,
            }
        }
        None
    }

    /// How long those who wait already are expected to keep whoever comes now from a connection: together, on those
    /// connections that they may have. Whoever is to be overtaken does not count.
    pub(super) fn expected_wait(&self, wanted: Wanted) -> Duration {
        let is_quick = |query: usize| self.learned[query].burden() == Burden::None;
        let overtakes = is_quick(wanted.query);
        let waiting = self.waiters.iter().map(|waiter| waiter.wanted.query);
        let before = waiting.filter(|query| !overtakes || is_quick(*query));
        let together: Duration = before.map(|query| self.learned[query].cost).sum();
        let kept = |place: &&Place| match overtakes {
            true => place.is_held_up(),
            false => place.hold == Hold::Taken,
        };
        let kept = self.places.iter().filter(kept).count() + usize::from(!overtakes);
        together / self.max.saturating_sub(kept).max(1) as u32
    }

    /// Whether one more query may hold up a connection because it, or its reader, is slow: the last one is for all others. If
    /// it runs already, on connection `own`.
    fn may_hold_up(&self, own: Option<u64>) -> bool {
        let others = self.places.iter().filter(|place| Some(place.id) != own);
        let held_up = others.filter(|place| place.is_held_up()).count();
        held_up < self.max.saturating_sub(1).max(1)
    }

    /// Whether a connection is held up by its queries.
    fn runs_slow_ones(&self) -> bool {
        let mut places = self.places.iter();
        places.any(|place| place.hold != Hold::Taken && place.is_held_up())
    }

    /// Gives the only query on a connection that connection to itself. False if others are on it, or if too many
    /// connections are taken.
    pub(super) fn take(&mut self, id: u64) -> bool {
        let may_take = self.may_hold_up(Some(id));
        match find_mut(&mut self.places, id) {
            Some(place)
                if may_take
                    && place.line.len() == 1
                    && matches!(place.hold, Hold::Open | Hold::Reserved) =>
            {
                place.hold = Hold::Taken;
                true
            }
            _ => false,
        }
    }

    /// Notes that a query has waited in vain.
    pub(super) fn doubt(&mut self, query: usize) {
        self.learned[query].doubt();
    }

    /// Notes whether a query's result was too large to be held.
    pub(super) fn learn_size(&mut self, query: usize, large: bool) {
        self.learned[query].large = large;
    }

    /// Gives a place back and, if the query tells, learns what it cost: answers come in order, so it was the head, and what
    /// is behind it is the head from now on.
    pub(super) fn release(&mut self, id: u64, ended: &Ended, now: Instant) -> Unwanted {
        let Some(place) = find_mut(&mut self.places, id) else {
            return Unwanted::None;
        };
        let took = now.saturating_duration_since(place.head_since);
        if ended.telling {
            self.learned[ended.query].took(took);
        }
        if ended.sent {
            place.head_since = now;
        }
        place.line.remove(ended.turn);
        place.backlog = match place.line.is_empty() {
            true => Duration::ZERO,
            false => place.backlog.saturating_sub(ended.cost),
        };
        if place.line.is_empty() && place.hold != Hold::Clearing {
            place.hold = Hold::Open;
        }
        place.unwanted()
    }

    /// How many queries are on a connection before the first that somebody waits for, and whether there is such a one. None
    /// where the pool has let go of it, and does not know.
    pub(super) fn line(&self, id: u64) -> Option<(usize, bool)> {
        match find(&self.places, id) {
            Some(place) => Some((place.line.unwanted(), place.line.is_wanted())),
            // Nobody is left who could wait: of a query that was left there, it may be the first.
            None => self.closed.then_some((1, false)),
        }
    }

    /// Whether cancellations are under way to a connection, or were for those on it.
    pub(super) fn is_cleared(&self, id: u64) -> bool {
        find(&self.places, id).is_some_and(Place::is_cleared)
    }

    /// Whether the first query on a connection, which nobody waits for, holds up those behind it and is to be cancelled.
    pub(super) fn begins_clearing(&mut self, id: u64, now: Instant) -> bool {
        let Some(place) = find_mut(&mut self.places, id) else {
            return false;
        };
        let slow = now.saturating_duration_since(place.head_since) >= SLOW;
        let begins = slow && place.unwanted() == Unwanted::First;
        if begins {
            place.hold = Hold::Clearing;
        }
        begins
    }

    /// Since when the oldest query on a connection has waited for its answer, if there is one.
    pub(super) fn waits_since(&self, id: u64) -> Option<Instant> {
        let place = find(&self.places, id)?;
        (!place.line.is_empty()).then_some(place.head_since)
    }

    /// Notes that nobody waits for a query any more.
    pub(super) fn abandon(&mut self, id: u64, turn: u64) -> Unwanted {
        match find_mut(&mut self.places, id) {
            Some(place) => {
                place.line.abandon(turn);
                place.unwanted()
            }
            None => Unwanted::None,
        }
    }

    /// Notes that no cancellation can have an effect on the connection any more.
    pub(super) fn cleared(&mut self, id: u64) {
        if let Some(place) = find_mut(&mut self.places, id) {
            place.hold = match place.line.is_empty() {
                true => Hold::Open,
                false => Hold::Cleared,
            };
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
