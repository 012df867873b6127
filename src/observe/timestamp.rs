//! The time of a line.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::http::civil;

/// A time as RFC 3339 has it, UTC in microseconds: `2026-11-25T12:00:00.123456Z`.
pub(super) struct Timestamp(pub(super) [u8; 27]);

impl From<SystemTime> for Timestamp {
    /// A time before 1970 is its first moment.
    fn from(time: SystemTime) -> Timestamp {
        let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        let (days, second) = (since.as_secs() / 86_400, since.as_secs() % 86_400);
        let (year, month, day) = civil(days);
        let mut text = *b"0000-00-00T00:00:00.000000Z";
        digits(&mut text[..4], year);
        digits(&mut text[5..7], month);
        digits(&mut text[8..10], day);
        digits(&mut text[11..13], second / 3600);
        digits(&mut text[14..16], second / 60 % 60);
        digits(&mut text[17..19], second % 60);
        digits(&mut text[20..26], since.subsec_micros().into());
        Timestamp(text)
    }
}

/// A time as RFC 3339 has it, UTC in microseconds.
pub fn rfc3339(time: SystemTime) -> String {
    String::from_utf8_lossy(&Timestamp::from(time).0).into_owned()
}

fn digits(field: &mut [u8], mut value: u64) {
    for digit in field.iter_mut().rev() {
        *digit = b'0' + (value % 10) as u8;
        value /= 10;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn known_times() {
        for (seconds, micros, text) in [
            (0, 0, "1970-01-01T00:00:00.000000Z"),
            (951_868_799, 999_999, "2000-02-29T23:59:59.999999Z"),
            (1_795_608_000, 123_456, "2026-11-25T12:00:00.123456Z"),
        ] {
            let time = UNIX_EPOCH + Duration::new(seconds, micros * 1000);
            assert_eq!(Timestamp::from(time).0, text.as_bytes());
        }
    }
}
