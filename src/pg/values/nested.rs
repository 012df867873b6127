//! Arrays and composites.
//!
//! `array_send` (`src/backend/utils/adt/arrayfuncs.c`) gives the number of dimensions, whether there are
//! NULLs, the element type's OID, each dimension's length and lower bound, then the elements, the last
//! dimension fastest. `record_send` (`rowtypes.c`) gives the number of columns, then each one's type OID
//! and value; dropped columns are not among them.

use super::wire::Wire;
use super::{Encoder, Malformed};
use crate::json;
use tokio_postgres::types;

/// PostgreSQL's `MAXDIM`: what bounds the recursion.
const MAX_DIMENSIONS: usize = 6;

/// Appends JSON arrays as deep as the dimensions.
pub(super) fn array(element: &Encoder, raw: &[u8], out: &mut Vec<u8>) -> Result<(), Malformed> {
    let mut wire = Wire::new(raw, "array is not as long as it says");
    let dimensions = wire.u32()? as usize;
    let [_has_nulls, _element_oid] = [wire.u32()?, wire.u32()?];
    if dimensions > MAX_DIMENSIONS {
        return Err(Malformed("array has more than 6 dimensions"));
    }
    let mut lengths = [0; MAX_DIMENSIONS];
    for length in &mut lengths[..dimensions] {
        *length = wire.i32()?;
        let _lower_bound = wire.i32()?;
        if *length < 0 {
            return Err(Malformed("array has a dimension of negative length"));
        }
    }
    let lengths = &lengths[..dimensions];
    // An array without elements has no dimensions; an empty int2vector has one, of length zero. Either
    // way nothing is nested: a zero beside a large number must not become as many brackets.
    if lengths.iter().all(|&length| length > 0) && dimensions > 0 {
        dimension(lengths, element, &mut wire, out)?;
    } else {
        out.extend_from_slice(b"[]");
    }
    wire.end()
}

fn dimension(
    lengths: &[i32],
    element: &Encoder,
    wire: &mut Wire<'_>,
    out: &mut Vec<u8>,
) -> Result<(), Malformed> {
    let Some((&length, inner)) = lengths.split_first() else {
        return nullable(element, wire.nullable()?, out);
    };
    for index in 0..length {
        out.push(if index == 0 { b'[' } else { b',' });
        dimension(inner, element, wire, out)?;
    }
    out.push(b']');
    Ok(())
}

/// A field of a composite type.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// The name as it stands in the object: quoted, escaped, with the colon.
    key: Vec<u8>,
    type_oid: u32,
    encoder: Encoder,
}

impl Field {
    pub(super) fn new(field: &types::Field, encoder: Encoder) -> Field {
        let mut key = Vec::new();
        json::string(field.name(), &mut key);
        key.push(b':');
        Field {
            key,
            type_oid: field.type_().oid(),
            encoder,
        }
    }
}

/// Appends a JSON object.
///
/// `ALTER TYPE` can change a composite under a prepared statement, and PostgreSQL then sends the new
/// shape without a word: the columns are compared with those of preparation time, never guessed.
pub(super) fn composite(fields: &[Field], raw: &[u8], out: &mut Vec<u8>) -> Result<(), Malformed> {
    let altered = Malformed("composite type was altered since the statement was prepared");
    let mut wire = Wire::new(raw, "composite is not as long as it says");
    if wire.u32()? as usize != fields.len() {
        return Err(altered);
    }
    out.push(b'{');
    for (index, field) in fields.iter().enumerate() {
        if wire.u32()? != field.type_oid {
            return Err(altered);
        }
        if index > 0 {
            out.push(b',');
        }
        out.extend_from_slice(&field.key);
        nullable(&field.encoder, wire.nullable()?, out)?;
    }
    out.push(b'}');
    wire.end()
}

fn nullable(encoder: &Encoder, raw: Option<&[u8]>, out: &mut Vec<u8>) -> Result<(), Malformed> {
    match raw {
        Some(raw) => encoder.json(raw, out),
        None => encoder.write_nullable(None, out),
    }
}
