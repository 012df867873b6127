//! Ranges and multiranges, in PostgreSQL's text form.
//!
//! `range_send` (`src/backend/utils/adt/rangetypes.c`) gives a byte of flags, then the bounds there are,
//! each with its length; `multirange_send` the number of ranges, then each with its length. Inside a
//! range the bounds have their type's own text form, quoted where it would be ambiguous: times with a
//! space in place of the `T`, for one.

use super::wire::Wire;
use super::{Encoder, Malformed, Unsupported};
use tokio_postgres::types::Type;

const EMPTY: u8 = 0x01;
const LOWER_INCLUSIVE: u8 = 0x02;
const UPPER_INCLUSIVE: u8 = 0x04;
const LOWER_INFINITE: u8 = 0x08;
const UPPER_INFINITE: u8 = 0x10;

/// Accepts the element types whose text form is known here.
pub(super) fn element(ty: &Type, encoder: Encoder) -> Result<Box<Encoder>, Unsupported> {
    match encoder {
        Encoder::Array(_) | Encoder::Composite(_) | Encoder::Void => Err(Unsupported::new(
            ty,
            "has no text form here to stand in a range",
        )),
        encoder => Ok(Box::new(encoder)),
    }
}

/// `range_out`.
pub(super) fn range(element: &Encoder, raw: &[u8], out: &mut Vec<u8>) -> Result<(), Malformed> {
    let mut wire = Wire::new(raw, "range is not as long as it says");
    let [flags] = wire.array()?;
    let has = |flag| flags & flag != 0;
    if has(EMPTY) {
        out.extend_from_slice(b"empty");
        return wire.end();
    }
    out.push(if has(LOWER_INCLUSIVE) { b'[' } else { b'(' });
    if !has(LOWER_INFINITE) {
        bound(element, wire.value()?, out)?;
    }
    out.push(b',');
    if !has(UPPER_INFINITE) {
        bound(element, wire.value()?, out)?;
    }
    out.push(if has(UPPER_INCLUSIVE) { b']' } else { b')' });
    wire.end()
}

/// `multirange_out`.
pub(super) fn multirange(
    element: &Encoder,
    raw: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), Malformed> {
    let mut wire = Wire::new(raw, "multirange is not as long as it says");
    let count = wire.u32()?;
    out.push(b'{');
    for index in 0..count {
        if index > 0 {
            out.push(b',');
        }
        range(element, wire.value()?, out)?;
    }
    out.push(b'}');
    wire.end()
}

/// A bound, quoted if it is empty or has a character with a meaning here, which is then doubled if it
/// is a quote or a backslash (`range_bound_escape`).
fn bound(element: &Encoder, raw: &[u8], out: &mut Vec<u8>) -> Result<(), Malformed> {
    let start = out.len();
    element.text(raw, out)?;
    let text = &out[start..];
    let special = |byte: &u8| b"\"\\()[], \t\n\x0b\x0c\r".contains(byte);
    if text.is_empty() || text.iter().any(special) {
        let text = out.split_off(start);
        out.push(b'"');
        for byte in text {
            if byte == b'"' || byte == b'\\' {
                out.push(byte);
            }
            out.push(byte);
        }
        out.push(b'"');
    }
    Ok(())
}
