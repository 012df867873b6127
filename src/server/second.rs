//! What all answers of a second have in common: the `Date` field and, as a whole, the health probe's answer.

use std::cell::RefCell;

use rustix::time::{ClockId, clock_gettime};

use crate::app;
use crate::http::{HttpDate, Reply, encode};

/// Made once per second and thread.
struct Second {
    number: i64,
    date: HttpDate,
    pong: Vec<u8>,
}

thread_local! {
    static NOW: RefCell<Second> = RefCell::new(Second::new(i64::MIN));
}

impl Second {
    fn new(number: i64) -> Second {
        let date = HttpDate::from_unix(number.try_into().unwrap_or(0));
        let mut pong = Vec::new();
        encode(&app::pong(), Reply::PERSISTENT, &date, &mut pong);
        Second { number, date, pong }
    }
}

fn with_now<T>(use_it: impl FnOnce(&Second) -> T) -> T {
    // Coarse: a few nanoseconds instead of a few tens, and never wrong by a whole tick of the kernel.
    let number = clock_gettime(ClockId::RealtimeCoarse).tv_sec;
    NOW.with_borrow_mut(|now| {
        if now.number != number {
            *now = Second::new(number);
        }
        use_it(now)
    })
}

/// The current time as the `Date` field has it.
pub(super) fn date() -> HttpDate {
    with_now(|now| now.date)
}

/// Appends the health probe's answer.
pub(super) fn put_pong(reply: Reply, out: &mut Vec<u8>) {
    with_now(|now| {
        if reply == Reply::PERSISTENT {
            out.extend_from_slice(&now.pong);
        } else {
            encode(&app::pong(), reply, &now.date, out);
        }
    });
}
