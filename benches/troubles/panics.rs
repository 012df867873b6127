//! Handlers that panic.

use std::time::Duration;

use crate::others::{Noticed, others};
use crate::support::harness::{FakeSentry, Server, ok};
use crate::support::report;
use crate::{Field, counted};

const PANICS: u32 = 1000;
const CLIENTS: u32 = 4;
const TURN: Duration = Duration::from_secs(1);

/// 1,000 panics in each turn of a second, with a Sentry that is told of them and without.
pub fn panics(field: &Field) {
    let sentry = FakeSentry::start(|_, _| ok());
    turns(field, "panics", &field.trouble(None));
    turns(
        field,
        "panics, Sentry is told",
        &field.trouble(Some(&sentry)),
    );
}

fn turns(field: &Field, trouble: &str, server: &Server) {
    let before = server.service().pids();
    let mut noticed = Noticed::default();
    let (mut answered, turns) = (0, field.turns(2 * TURN));
    for _ in 0..turns {
        let (pings, right) = std::thread::scope(|scope| {
            let clients: Vec<_> = (0..CLIENTS)
                .map(|_| scope.spawn(|| panic_in_turn(server)))
                .collect();
            let pings = others(server, TURN);
            let right = clients
                .into_iter()
                .map(|client| client.join().expect("a client"));
            (pings, right.sum::<u32>())
        });
        answered += right;
        noticed.note(pings, others(server, TURN));
    }
    let counted = counted(server, "/panic", 500);
    let same = server.service().pids() == before;
    let all = PANICS * turns;
    report(
        trouble,
        &format!(
            "{answered} of {all} answered 500, {counted} counted; {}",
            match same {
                true => "the same process serves",
                false => "another process serves",
            }
        ),
        "all, by the same process",
        answered == all && counted == u64::from(all) && same,
    );
    noticed.report(trouble, "others'", "without panics");
}

/// One client's share, over the turn; how many were answered 500.
fn panic_in_turn(server: &Server) -> u32 {
    let share = PANICS / CLIENTS;
    let pause = TURN / share;
    let mut connection = server.connect();
    let mut right = 0;
    for _ in 0..share {
        let answer = connection.request("GET", "/panic", &[], "");
        right += u32::from(answer.status == 500);
        std::thread::sleep(pause);
    }
    right
}
