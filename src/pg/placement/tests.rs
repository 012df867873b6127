//! What whoever comes now has to expect of those who wait already.

use std::time::Duration;

use super::{State, Waiter, Wanted};

const QUICK: usize = 0;
const SLOW: usize = 1;

fn wanted(query: usize) -> Wanted {
    Wanted {
        query,
        alone: false,
    }
}

/// A pool of so many connections, none of them open yet, that knows what both queries take.
fn pool(max: usize) -> State {
    let mut state = State::new(2, max, false);
    for _ in 0..200 {
        state.learned[QUICK].took(Duration::from_millis(10));
        state.learned[SLOW].took(Duration::from_millis(60));
    }
    state
}

/// In milliseconds, as means are learned.
fn expected(state: &State, query: usize) -> u128 {
    (state.expected_wait(wanted(query)).as_micros() + 500) / 1000
}

fn wait(state: &mut State, query: usize, count: usize) {
    for _ in 0..count {
        let (sender, _) = smol::channel::bounded(1);
        let id = state.new_id();
        let wanted = wanted(query);
        state.waiters.push_back(Waiter { id, wanted, sender });
    }
}

#[test]
fn those_before_are_expected_to_take_as_long_as_ever() {
    let mut state = pool(4);
    assert_eq!(expected(&state, SLOW), 0);
    // One of the four is not for them.
    wait(&mut state, SLOW, 20);
    assert_eq!(expected(&state, SLOW), 400);
    // They overtake those, and wait for their like.
    assert_eq!(expected(&state, QUICK), 0);
    wait(&mut state, QUICK, 20);
    assert_eq!(expected(&state, QUICK), 50);
    assert_eq!(expected(&state, SLOW), 467);
}

#[test]
fn the_only_connection_is_for_all() {
    let mut state = pool(1);
    wait(&mut state, SLOW, 5);
    assert_eq!(expected(&state, SLOW), 300);
}

/// Nothing is known of it: as many as there may be wait.
#[test]
fn a_new_query_is_given_a_try() {
    let mut state = State::new(1, 2, false);
    wait(&mut state, 0, 700);
    assert_eq!(expected(&state, 0), 350);
}
