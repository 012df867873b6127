//! PostgreSQL's binary results as JSON text.
//!
//! statement → [`Encoder::of`] each column's type, once → row → [`Encoder::write`] each value into the
//! response's buffer.
//!
//! A value reads as `to_json` of PostgreSQL 15 has it in a session with `TimeZone = UTC` and
//! `IntervalStyle = iso_8601`, byte for byte, but for two types JSON users expect otherwise: `bytea` is
//! base64 and `void` is null. What a type's bytes mean is written down only in its `*_send` function,
//! how they read only in its `*_out`; each module names those it follows.
//!
//! - `float`, `numeric`: numbers, never through another number type
//! - `datetime`, `interval`: dates and times, ISO 8601
//! - `network`: inet, cidr, macaddr
//! - `nested`: arrays and composites; `range`: ranges and multiranges
//! - `csv`: the same values as fields of CSV
//! - `wire`: reading bytes without trusting them

pub mod csv;
mod datetime;
mod error;
mod float;
mod interval;
mod nested;
mod network;
mod numeric;
mod range;
#[cfg(test)]
mod tests;
mod wire;

pub use error::{Malformed, Unsupported};
pub use nested::Field;
pub use wire::Raw;

use crate::json;
use datetime::Style;
use tokio_postgres::types::{Kind, Type};

/// How values of one PostgreSQL type become JSON: decided once, when a statement is prepared.
#[derive(Clone, Debug, PartialEq)]
pub enum Encoder {
    /// `bool`: `true` or `false`.
    Bool,
    /// `int2`: a number.
    Int2,
    /// `int4`: a number.
    Int4,
    /// `int8`: a number, also beyond 2^53, where JavaScript rounds.
    Int8,
    /// `oid`: a string, as `to_json` has it.
    Oid,
    /// `float4`: a number; `NaN`, `Infinity` and `-Infinity` as strings.
    Float4,
    /// `float8`: a number; `NaN`, `Infinity` and `-Infinity` as strings.
    Float8,
    /// `numeric`: a number, digit for digit; `NaN`, `Infinity` and `-Infinity` as strings.
    Numeric,
    /// `text` and everything that travels like it, enums included: a string.
    Text,
    /// `"char"`: a string of one byte.
    Char,
    /// `uuid`: a string.
    Uuid,
    /// `date`: a string, `2018-07-23`.
    Date,
    /// `time`: a string, `12:34:56.789`.
    Time,
    /// `timetz`: a string, `12:34:56.789+02`, in the offset it was stored with.
    TimeTz,
    /// `timestamp`: a string, `2018-07-23T12:34:56.789`.
    Timestamp,
    /// `timestamptz`: a string, `2018-07-23T12:34:56.789+00:00`, always in UTC.
    TimestampTz,
    /// `interval`: a string, an ISO 8601 duration such as `P1DT2H`.
    Interval,
    /// `bytea`: a string, base64.
    Bytea,
    /// `json`: its text as it was stored.
    Json,
    /// `jsonb`: its text.
    Jsonb,
    /// `inet` and `cidr`: a string.
    Inet,
    /// `macaddr`: a string.
    MacAddr,
    /// `macaddr8`: a string.
    MacAddr8,
    /// `bit` and `varbit`: a string of `0` and `1`.
    Bit,
    /// `pg_lsn`: a string, `16/B374D848`.
    PgLsn,
    /// `void`: `null`.
    Void,
    /// An array: JSON arrays as deep as its dimensions; lower bounds are left out.
    Array(Box<Encoder>),
    /// A composite type: an object, its fields in order.
    Composite(Box<[Field]>),
    /// A range: a string, in PostgreSQL's text form, such as `[1,10)`.
    Range(Box<Encoder>),
    /// A multirange: a string, in PostgreSQL's text form, such as `{[1,3),[5,7)}`.
    Multirange(Box<Encoder>),
}

/// How deep types may nest: arrays of composites of domains … A bound on recursion, far above what
/// schemas have; a deeper type is refused when its statement is prepared.
const MAX_DEPTH: usize = 64;

impl Encoder {
    /// The encoder for `ty`.
    ///
    /// # Errors
    /// [`Unsupported`] for a type that has no exact JSON form here, or contains one that has none.
    pub fn of(ty: &Type) -> Result<Encoder, Unsupported> {
        Encoder::at_depth(ty, 0).map_err(|error| error.inside(ty))
    }

    fn at_depth(ty: &Type, depth: usize) -> Result<Encoder, Unsupported> {
        if depth > MAX_DEPTH {
            return Err(Unsupported::new(ty, "is nested too deep"));
        }
        let nested = |inner: &Type| Encoder::at_depth(inner, depth + 1);
        Ok(match *ty {
            Type::BOOL => Encoder::Bool,
            Type::INT2 => Encoder::Int2,
            Type::INT4 => Encoder::Int4,
            Type::INT8 => Encoder::Int8,
            Type::OID => Encoder::Oid,
            Type::FLOAT4 => Encoder::Float4,
            Type::FLOAT8 => Encoder::Float8,
            Type::NUMERIC => Encoder::Numeric,
            Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME | Type::XML | Type::UNKNOWN => {
                Encoder::Text
            }
            Type::CHAR => Encoder::Char,
            Type::UUID => Encoder::Uuid,
            Type::DATE => Encoder::Date,
            Type::TIME => Encoder::Time,
            Type::TIMETZ => Encoder::TimeTz,
            Type::TIMESTAMP => Encoder::Timestamp,
            Type::TIMESTAMPTZ => Encoder::TimestampTz,
            Type::INTERVAL => Encoder::Interval,
            Type::BYTEA => Encoder::Bytea,
            Type::JSON => Encoder::Json,
            Type::JSONB => Encoder::Jsonb,
            Type::INET | Type::CIDR => Encoder::Inet,
            Type::MACADDR => Encoder::MacAddr,
            Type::MACADDR8 => Encoder::MacAddr8,
            Type::BIT | Type::VARBIT => Encoder::Bit,
            Type::PG_LSN => Encoder::PgLsn,
            Type::VOID => Encoder::Void,
            _ => match ty.kind() {
                Kind::Enum(_) => Encoder::Text,
                // An extension's type has no fixed OID: its name is all there is to know it by.
                Kind::Simple if ty.name() == "citext" => Encoder::Text,
                Kind::Domain(base) => nested(base)?,
                Kind::Array(element) => Encoder::Array(Box::new(nested(element)?)),
                Kind::Range(element) => Encoder::Range(range::element(element, nested(element)?)?),
                Kind::Multirange(element) => {
                    Encoder::Multirange(range::element(element, nested(element)?)?)
                }
                Kind::Composite(fields) => Encoder::Composite(
                    fields
                        .iter()
                        .map(|field| Ok(Field::new(field, nested(field.type_())?)))
                        .collect::<Result<_, Unsupported>>()?,
                ),
                _ => return Err(Unsupported::new(ty, "has no JSON form here")),
            },
        })
    }

    /// Whether it is for bytes that may be any.
    pub fn is_bytea(&self) -> bool {
        matches!(self, Encoder::Bytea)
    }

    /// Appends the value's JSON. `raw` is PostgreSQL's binary format of the type.
    ///
    /// # Errors
    /// [`Malformed`] for bytes that do not have the type's shape; `out` is then as it was.
    pub fn write(&self, raw: &[u8], out: &mut Vec<u8>) -> Result<(), Malformed> {
        let start = out.len();
        let result = self.json(raw, out);
        if result.is_err() {
            out.truncate(start);
        }
        result
    }

    /// [`write`](Encoder::write), with `null` for a NULL.
    ///
    /// # Errors
    /// As [`write`](Encoder::write).
    pub fn write_nullable(&self, raw: Option<&[u8]>, out: &mut Vec<u8>) -> Result<(), Malformed> {
        match raw {
            Some(raw) => self.write(raw, out),
            None => {
                out.extend_from_slice(b"null");
                Ok(())
            }
        }
    }

    fn json(&self, raw: &[u8], out: &mut Vec<u8>) -> Result<(), Malformed> {
        match self {
            Encoder::Int2 | Encoder::Int4 | Encoder::Int8 | Encoder::Json | Encoder::Jsonb => {
                self.text(raw, out)?;
            }
            Encoder::Float4 | Encoder::Float8 | Encoder::Numeric => {
                let start = out.len();
                self.text(raw, out)?;
                // JSON has no number for NaN and the infinities, which end in a letter.
                if out.last().is_some_and(u8::is_ascii_alphabetic) {
                    out.insert(start, b'"');
                    out.push(b'"');
                }
            }
            Encoder::Text => json::string(wire::utf8(raw)?, out),
            Encoder::Bool if wire::bool(raw)? => out.extend_from_slice(b"true"),
            Encoder::Bool => out.extend_from_slice(b"false"),
            Encoder::Timestamp => {
                quoted(out, |out| datetime::timestamp(raw, Style::Json, out))?;
            }
            Encoder::TimestampTz => {
                quoted(out, |out| datetime::timestamptz(raw, Style::Json, out))?;
            }
            Encoder::Bytea => json::base64(raw, out),
            Encoder::Void => out.extend_from_slice(b"null"),
            Encoder::Array(element) => nested::array(element, raw, out)?,
            Encoder::Composite(fields) => nested::composite(fields, raw, out)?,
            // What these print may need escapes, so it cannot be written in place.
            Encoder::Char | Encoder::Range(_) | Encoder::Multirange(_) => {
                let mut text = Vec::new();
                self.text(raw, &mut text)?;
                json::string(wire::utf8(&text)?, out);
            }
            // What these print has no quote, backslash or control character.
            Encoder::Oid
            | Encoder::Uuid
            | Encoder::Date
            | Encoder::Time
            | Encoder::TimeTz
            | Encoder::Interval
            | Encoder::Inet
            | Encoder::MacAddr
            | Encoder::MacAddr8
            | Encoder::Bit
            | Encoder::PgLsn => quoted(out, |out| self.text(raw, out))?,
        }
        Ok(())
    }

    /// Appends what the type's output function prints, neither quoted nor escaped: the form values have
    /// inside a range. Arrays and composites are never asked for it ([`range::element`] sees to that).
    fn text(&self, raw: &[u8], out: &mut Vec<u8>) -> Result<(), Malformed> {
        match self {
            Encoder::Bool => out.push(if wire::bool(raw)? { b't' } else { b'f' }),
            Encoder::Int2 => json::integer(
                i16::from_be_bytes(wire::fixed(raw, "int2 is not 2 bytes")?),
                out,
            ),
            Encoder::Int4 => json::integer(
                i32::from_be_bytes(wire::fixed(raw, "int4 is not 4 bytes")?),
                out,
            ),
            Encoder::Int8 => json::integer(
                i64::from_be_bytes(wire::fixed(raw, "int8 is not 8 bytes")?),
                out,
            ),
            Encoder::Oid => json::integer(
                u32::from_be_bytes(wire::fixed(raw, "oid is not 4 bytes")?),
                out,
            ),
            Encoder::Float4 => float::float4(
                f32::from_be_bytes(wire::fixed(raw, "float4 is not 4 bytes")?),
                out,
            ),
            Encoder::Float8 => float::float8(
                f64::from_be_bytes(wire::fixed(raw, "float8 is not 8 bytes")?),
                out,
            ),
            Encoder::Numeric => numeric::text(raw, out)?,
            Encoder::Text | Encoder::Json => out.extend_from_slice(wire::utf8(raw)?.as_bytes()),
            Encoder::Jsonb => match raw.split_first() {
                Some((1, text)) => out.extend_from_slice(wire::utf8(text)?.as_bytes()),
                _ => return Err(Malformed("jsonb is not version 1")),
            },
            Encoder::Char => wire::char(raw, out)?,
            Encoder::Uuid => wire::uuid(raw, out)?,
            Encoder::Date => datetime::date(raw, out)?,
            Encoder::Time => datetime::time(raw, out)?,
            Encoder::TimeTz => datetime::timetz(raw, out)?,
            Encoder::Timestamp => datetime::timestamp(raw, Style::Text, out)?,
            Encoder::TimestampTz => datetime::timestamptz(raw, Style::Text, out)?,
            Encoder::Interval => interval::text(raw, out)?,
            Encoder::Bytea => {
                out.extend_from_slice(b"\\x");
                json::hex(raw, out);
            }
            Encoder::Inet => network::inet(raw, out)?,
            Encoder::MacAddr => {
                network::mac(&wire::fixed::<6>(raw, "macaddr is not 6 bytes")?, out)
            }
            Encoder::MacAddr8 => {
                network::mac(&wire::fixed::<8>(raw, "macaddr8 is not 8 bytes")?, out)
            }
            Encoder::Bit => wire::bits(raw, out)?,
            Encoder::PgLsn => wire::lsn(raw, out)?,
            Encoder::Range(element) => range::range(element, raw, out)?,
            Encoder::Multirange(element) => range::multirange(element, raw, out)?,
            Encoder::Void | Encoder::Array(_) | Encoder::Composite(_) => {
                return Err(Malformed("this type has no text form here"));
            }
        }
        Ok(())
    }
}

fn quoted(
    out: &mut Vec<u8>,
    text: impl FnOnce(&mut Vec<u8>) -> Result<(), Malformed>,
) -> Result<(), Malformed> {
    out.push(b'"');
    text(out)?;
    out.push(b'"');
    Ok(())
}
