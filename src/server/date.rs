//! The current time as the `Date` header has it.

use rustix::time::{ClockId, clock_gettime};

use crate::http::HttpDate;

/// The `Date` header's text, made once per second.
pub(super) struct Date {
    second: i64,
    text: HttpDate,
}

impl Date {
    pub(super) fn now() -> Date {
        // Coarse: a few nanoseconds instead of a few tens, and never wrong by a whole tick of the kernel.
        let second = clock_gettime(ClockId::RealtimeCoarse).tv_sec;
        Date {
            second,
            text: HttpDate::from_unix(second.try_into().unwrap_or(0)),
        }
    }

    pub(super) fn refreshed(&mut self) -> &HttpDate {
        if clock_gettime(ClockId::RealtimeCoarse).tv_sec != self.second {
            *self = Date::now();
        }
        &self.text
    }
}
