//! Dates and times, as PostgreSQL's ISO date style and `to_json` print them.
//!
//! Days and microseconds are counted from 2000-01-01 (`date_send`, `timestamp_send`, `timetz_send` in
//! `src/backend/utils/adt`); the lowest and the highest number stand for the infinities. The calendar is
//! the proleptic Gregorian one, with no year zero: the year before 1 is `0001 … BC`, as in PostgreSQL's
//! `EncodeDateTime` and unlike ISO 8601.

use super::{Malformed, wire};
use crate::json;

const DAY: i64 = 86_400_000_000;
/// Days from 0000-03-01, where the calendar below starts, to 2000-01-01.
const EPOCH: i64 = 730_425;

/// The two spellings of a point in time.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Style {
    /// `2018-07-23T12:34:56+00:00`: `to_json`, as XML Schema and RFC 3339 want it.
    Json,
    /// `2018-07-23 12:34:56+00`: the output function, seen inside ranges.
    Text,
}

/// `date_out`.
pub(super) fn date(raw: &[u8], out: &mut Vec<u8>) -> Result<(), Malformed> {
    match i32::from_be_bytes(wire::fixed(raw, "date is not 4 bytes")?) {
        i32::MAX => out.extend_from_slice(b"infinity"),
        i32::MIN => out.extend_from_slice(b"-infinity"),
        days => {
            let era = calendar(i64::from(days), out);
            out.extend_from_slice(era);
        }
    }
    Ok(())
}

/// `time_out`.
pub(super) fn time(raw: &[u8], out: &mut Vec<u8>) -> Result<(), Malformed> {
    clock_of_day(
        i64::from_be_bytes(wire::fixed(raw, "time is not 8 bytes")?),
        out,
    )
}

/// `timetz_out`. The offset counts seconds west of UTC, so its sign is turned around.
pub(super) fn timetz(raw: &[u8], out: &mut Vec<u8>) -> Result<(), Malformed> {
    const MAX_OFFSET: u32 = 16 * 3600; // TZDISP_LIMIT, exclusive
    let raw: [u8; 12] = wire::fixed(raw, "timetz is not 12 bytes")?;
    let [time @ .., a, b, c, d] = raw;
    clock_of_day(i64::from_be_bytes(time), out)?;
    let west = i32::from_be_bytes([a, b, c, d]);
    let seconds = west.unsigned_abs();
    if seconds >= MAX_OFFSET {
        return Err(Malformed("timetz has an offset of 16 hours or more"));
    }
    out.push(if west <= 0 { b'+' } else { b'-' });
    out.extend_from_slice(&two(seconds / 3600));
    if seconds % 3600 != 0 {
        out.push(b':');
        out.extend_from_slice(&two(seconds / 60 % 60));
    }
    if seconds % 60 != 0 {
        out.push(b':');
        out.extend_from_slice(&two(seconds % 60));
    }
    Ok(())
}

pub(super) fn timestamp(raw: &[u8], style: Style, out: &mut Vec<u8>) -> Result<(), Malformed> {
    let micros = i64::from_be_bytes(wire::fixed(raw, "timestamp is not 8 bytes")?);
    point(micros, style, b"", out);
    Ok(())
}

pub(super) fn timestamptz(raw: &[u8], style: Style, out: &mut Vec<u8>) -> Result<(), Malformed> {
    let micros = i64::from_be_bytes(wire::fixed(raw, "timestamptz is not 8 bytes")?);
    point(
        micros,
        style,
        if style == Style::Json {
            b"+00:00"
        } else {
            b"+00"
        },
        out,
    );
    Ok(())
}

fn point(micros: i64, style: Style, offset: &[u8], out: &mut Vec<u8>) {
    match micros {
        i64::MAX => out.extend_from_slice(b"infinity"),
        i64::MIN => out.extend_from_slice(b"-infinity"),
        _ => {
            let era = calendar(micros.div_euclid(DAY), out);
            out.push(if style == Style::Json { b'T' } else { b' ' });
            clock(micros.rem_euclid(DAY), out);
            out.extend_from_slice(offset);
            out.extend_from_slice(era);
        }
    }
}

/// Appends the year, month and day that are `days` after 2000-01-01; returns what follows at the end.
///
/// The year is taken to start in March, so the leap day is its last; 400 such years are an era of
/// 146,097 days (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`).
fn calendar(days: i64, out: &mut Vec<u8>) -> &'static [u8] {
    let days = days + EPOCH;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097) as u32);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 {
        from_march + 3
    } else {
        from_march - 9
    };
    let year = era * 400 + i64::from(year_of_era) + i64::from(month <= 2);

    let shown = if year > 0 { year } else { 1 - year };
    if shown > 9999 {
        json::integer(shown, out);
    } else {
        let ([a, b], [c, d]) = (two(shown as u32 / 100), two(shown as u32 % 100));
        out.extend_from_slice(&[a, b, c, d]);
    }
    let ([a, b], [c, d]) = (two(month), two(day));
    out.extend_from_slice(&[b'-', a, b, b'-', c, d]);
    if year > 0 { b"" } else { b" BC" }
}

/// A time of day is checked, since nothing but PostgreSQL's own limit keeps it in shape; 24:00 is one.
fn clock_of_day(micros: i64, out: &mut Vec<u8>) -> Result<(), Malformed> {
    if !(0..=DAY).contains(&micros) {
        return Err(Malformed("time is not within a day"));
    }
    clock(micros, out);
    Ok(())
}

fn clock(micros: i64, out: &mut Vec<u8>) {
    let (seconds, micros) = ((micros / 1_000_000) as u32, (micros % 1_000_000) as u32);
    let [a, b] = two(seconds / 3600);
    let ([c, d], [e, f]) = (two(seconds / 60 % 60), two(seconds % 60));
    out.extend_from_slice(&[a, b, b':', c, d, b':', e, f]);
    fraction(micros, out);
}

/// Appends microseconds as a fraction of a second, without trailing zeros, or nothing for none.
pub(super) fn fraction(micros: u32, out: &mut Vec<u8>) {
    if micros == 0 {
        return;
    }
    let ([a, b], [c, d], [e, f]) = (
        two(micros / 10_000),
        two(micros / 100 % 100),
        two(micros % 100),
    );
    let text = [b'.', a, b, c, d, e, f];
    let kept = text
        .iter()
        .rposition(|&digit| digit != b'0')
        .map_or(0, |last| last + 1);
    out.extend_from_slice(&text[..kept]);
}

fn two(number: u32) -> [u8; 2] {
    [b'0' + (number / 10 % 10) as u8, b'0' + (number % 10) as u8]
}
