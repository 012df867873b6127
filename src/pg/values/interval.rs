//! `interval` as an ISO 8601 duration: what `interval_out` prints under `IntervalStyle = iso_8601`.
//!
//! `interval_send` gives microseconds, days and months, three counts that never mix: days differ in
//! length, so do months. Each part carries its own sign (`P1M-2DT3H`), which ISO 8601-2 allows.

use super::{Malformed, datetime, wire};
use crate::json;

/// Appends the duration; PostgreSQL 17's infinite intervals as `infinity` and `-infinity`.
pub(super) fn text(raw: &[u8], out: &mut Vec<u8>) -> Result<(), Malformed> {
    let raw: [u8; 16] = wire::fixed(raw, "interval is not 16 bytes")?;
    let [time @ .., d0, d1, d2, d3, m0, m1, m2, m3] = raw;
    let micros = i64::from_be_bytes(time);
    let days = i32::from_be_bytes([d0, d1, d2, d3]);
    let months = i32::from_be_bytes([m0, m1, m2, m3]);
    match (micros, days, months) {
        // Version 17 took the outermost values for these; 15 and 16 would print them as numbers.
        (i64::MAX, i32::MAX, i32::MAX) => out.extend_from_slice(b"infinity"),
        (i64::MIN, i32::MIN, i32::MIN) => out.extend_from_slice(b"-infinity"),
        (0, 0, 0) => out.extend_from_slice(b"PT0S"),
        _ => {
            out.push(b'P');
            part((months / 12).into(), b'Y', out);
            part((months % 12).into(), b'M', out);
            part(days.into(), b'D', out);
            if micros != 0 {
                out.push(b'T');
                part(micros / 3_600_000_000, b'H', out);
                part(micros / 60_000_000 % 60, b'M', out);
                seconds(micros % 60_000_000, out);
            }
        }
    }
    Ok(())
}

fn part(count: i64, unit: u8, out: &mut Vec<u8>) {
    if count != 0 {
        json::integer(count, out);
        out.push(unit);
    }
}

fn seconds(micros: i64, out: &mut Vec<u8>) {
    if micros == 0 {
        return;
    }
    if micros < 0 {
        out.push(b'-');
    }
    let micros = micros.unsigned_abs();
    json::integer(micros / 1_000_000, out);
    datetime::fraction((micros % 1_000_000) as u32, out);
    out.push(b'S');
}
