//! `numeric`, digit for digit: no other number type is on the way.
//!
//! `numeric_send` (`src/backend/utils/adt/numeric.c`) gives the number of digits, the weight of the first
//! one, the sign and the number of decimals to show, then the digits, in base 10,000. Zero digits at
//! either end are left out, so a digit that is not there is zero.

use super::Malformed;
use crate::json;

const NEGATIVE: u16 = 0x4000;
const NAN: u16 = 0xC000;
const POSITIVE_INFINITY: u16 = 0xD000;
const NEGATIVE_INFINITY: u16 = 0xF000;
/// `NUMERIC_DSCALE_MASK`: no more decimals than this can be shown.
const MAX_SCALE: u16 = 0x3FFF;

/// Appends what `numeric_out` prints: the scale is kept (`1.10`), there is never an exponent.
pub(super) fn text(raw: &[u8], out: &mut Vec<u8>) -> Result<(), Malformed> {
    let shape = Malformed("numeric is not as long as it says");
    let (header, digits) = raw.split_first_chunk::<8>().ok_or(shape)?;
    let field = |at| u16::from_be_bytes([header[at], header[at + 1]]);
    let (count, weight, sign, scale) = (field(0), field(2) as i16, field(4), field(6));
    let (digits, odd) = digits.as_chunks::<2>();
    if digits.len() != usize::from(count) || !odd.is_empty() {
        return Err(shape);
    }
    match sign {
        0 => {}
        NEGATIVE => out.push(b'-'),
        NAN => return special(b"NaN", out),
        POSITIVE_INFINITY => return special(b"Infinity", out),
        NEGATIVE_INFINITY => return special(b"-Infinity", out),
        _ => return Err(Malformed("numeric has an unknown sign")),
    }
    if scale > MAX_SCALE {
        return Err(Malformed("numeric has too many decimals"));
    }
    // The digit at `place`, counted from the first one; before and after those sent there are zeros.
    let digit = |place: i32| {
        let sent = usize::try_from(place)
            .ok()
            .and_then(|place| digits.get(place));
        let digit = sent.map_or(0, |bytes| u16::from_be_bytes(*bytes));
        if digit < 10_000 {
            Ok(digit)
        } else {
            Err(Malformed("numeric has a digit above 9999"))
        }
    };
    let point = i32::from(weight) + 1;

    json::integer(if point > 0 { digit(0)? } else { 0 }, out);
    for place in 1..point {
        out.extend_from_slice(&four(digit(place)?));
    }
    if scale > 0 {
        out.push(b'.');
        let end = out.len() + usize::from(scale);
        let mut place = point;
        while out.len() < end {
            out.extend_from_slice(&four(digit(place)?));
            place += 1;
        }
        out.truncate(end);
    }
    Ok(())
}

fn special(name: &[u8], out: &mut Vec<u8>) -> Result<(), Malformed> {
    out.extend_from_slice(name);
    Ok(())
}

/// A digit in base 10,000 as four in base ten.
pub(super) fn four(digit: u16) -> [u8; 4] {
    [digit / 1000, digit / 100 % 10, digit / 10 % 10, digit % 10].map(|digit| b'0' + digit as u8)
}
