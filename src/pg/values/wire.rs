//! Reading PostgreSQL's binary format without trusting it, and the types that are hardly more than bytes.
//!
//! Integers are big-endian; a nested value is an `int4` length, -1 for NULL, and that many bytes
//! (`src/backend/libpq/pqformat.c`).

use super::Malformed;
use crate::json;
use tokio_postgres::types::{FromSql, Type};

/// A column's raw bytes, whatever its type: `row.try_get::<_, Option<Raw>>(i)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Raw<'a>(pub &'a [u8]);

impl<'a> FromSql<'a> for Raw<'a> {
    fn from_sql(
        _: &Type,
        raw: &'a [u8],
    ) -> Result<Raw<'a>, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Raw(raw))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

/// What is left to read of a value.
pub(super) struct Wire<'a> {
    rest: &'a [u8],
    /// What to say when it ends too early or too late.
    what: Malformed,
}

impl<'a> Wire<'a> {
    pub(super) fn new(raw: &'a [u8], what: &'static str) -> Wire<'a> {
        Wire {
            rest: raw,
            what: Malformed(what),
        }
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (array, rest) = self.rest.split_first_chunk().ok_or(self.what)?;
        self.rest = rest;
        Ok(*array)
    }

    pub(super) fn i32(&mut self) -> Result<i32, Malformed> {
        self.array().map(i32::from_be_bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32, Malformed> {
        self.array().map(u32::from_be_bytes)
    }

    /// A length and that many bytes, or `None` for NULL.
    pub(super) fn nullable(&mut self) -> Result<Option<&'a [u8]>, Malformed> {
        let length = self.i32()?;
        if length == -1 {
            return Ok(None);
        }
        let length = usize::try_from(length).map_err(|_| self.what)?;
        let (value, rest) = self.rest.split_at_checked(length).ok_or(self.what)?;
        self.rest = rest;
        Ok(Some(value))
    }

    /// A length and that many bytes, where there is no NULL.
    pub(super) fn value(&mut self) -> Result<&'a [u8], Malformed> {
        self.nullable()?.ok_or(self.what)
    }

    /// Nothing may be left.
    pub(super) fn end(self) -> Result<(), Malformed> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(self.what)
        }
    }
}

/// The bytes of a type whose size is fixed.
pub(super) fn fixed<const N: usize>(raw: &[u8], what: &'static str) -> Result<[u8; N], Malformed> {
    raw.try_into().map_err(|_| Malformed(what))
}

pub(super) fn utf8(raw: &[u8]) -> Result<&str, Malformed> {
    std::str::from_utf8(raw).map_err(|_| Malformed("text is not UTF-8"))
}

pub(super) fn bool(raw: &[u8]) -> Result<bool, Malformed> {
    let [byte] = fixed(raw, "bool is not one byte")?;
    Ok(byte != 0)
}

/// `charout`: a zero byte prints as nothing, one above ASCII as a backslash and three octal digits.
pub(super) fn char(raw: &[u8], out: &mut Vec<u8>) -> Result<(), Malformed> {
    match fixed(raw, "\"char\" is not one byte")? {
        [0] => {}
        [byte @ ..0x80] => out.push(byte),
        [byte] => out.extend_from_slice(&[
            b'\\',
            b'0' + (byte >> 6),
            b'0' + ((byte >> 3) & 7),
            b'0' + (byte & 7),
        ]),
    }
    Ok(())
}

/// `uuid_out`.
pub(super) fn uuid(raw: &[u8], out: &mut Vec<u8>) -> Result<(), Malformed> {
    let bytes: [u8; 16] = fixed(raw, "uuid is not 16 bytes")?;
    for (index, group) in [0..4, 4..6, 6..8, 8..10, 10..16].into_iter().enumerate() {
        if index > 0 {
            out.push(b'-');
        }
        json::hex(&bytes[group], out);
    }
    Ok(())
}

/// `varbit_send`: the number of bits, then the bits, the first one highest, padded to whole bytes.
pub(super) fn bits(raw: &[u8], out: &mut Vec<u8>) -> Result<(), Malformed> {
    let shape = Malformed("bit string is not as long as it says");
    let (count, bytes) = raw.split_first_chunk().ok_or(shape)?;
    let count = usize::try_from(i32::from_be_bytes(*count)).map_err(|_| shape)?;
    if bytes.len() != count.div_ceil(8) {
        return Err(shape);
    }
    let start = out.len();
    out.extend(
        bytes
            .iter()
            .flat_map(|byte| [7, 6, 5, 4, 3, 2, 1, 0].map(|n| b'0' + ((byte >> n) & 1))),
    );
    out.truncate(start + count);
    Ok(())
}

/// `pg_lsn_out`: the two halves in upper-case hexadecimal, without leading zeros.
pub(super) fn lsn(raw: &[u8], out: &mut Vec<u8>) -> Result<(), Malformed> {
    use std::io::Write;
    let lsn = u64::from_be_bytes(fixed(raw, "pg_lsn is not 8 bytes")?);
    // Writing to a Vec does not fail.
    write!(out, "{:X}/{:X}", lsn >> 32, lsn as u32).map_err(|_| Malformed("pg_lsn"))
}
