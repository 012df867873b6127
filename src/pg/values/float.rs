//! float4 and float8, digit for digit as PostgreSQL prints them at the default `extra_float_digits`.
//!
//! The digits are the shortest that read back as the same float. `core::fmt` has shortest digits too,
//! but not always the same ones: it lets the midpoint to the neighbouring float count when the mantissa
//! is even, and rounds a tie up. PostgreSQL leaves midpoints out, so that a reader with sloppy rounding
//! gets the same float back, and rounds a tie to even (`src/common/d2s.c`, `f2s.c`, compiled without
//! STRICTLY_SHORTEST): 1e23, a midpoint, prints as 9.999999999999999e+22. Hence Ryū here (Ulf Adams,
//! PLDI 2018), one search for both formats, with its tables computed by the compiler.

use super::numeric;
use crate::json;

/// Appends what `float8out` prints.
pub(super) fn float8(value: f64, out: &mut Vec<u8>) {
    if few_decimals(value, out) {
        return;
    }
    let bits = value.to_bits();
    let (fraction, exponent) = (bits & ((1 << 52) - 1), ((bits >> 52) & 0x7ff) as i32);
    text(value.is_sign_negative(), fraction, exponent, &DOUBLE, out);
}

/// Appends a number with up to four decimals, as prices and counts are, without a search for digits.
///
/// A decimal of at most 15 digits is the only one of that length that reads back as its float, so the
/// one found by scaling is the shortest. It is no midpoint: that takes 54 bits, and 15 digits over 10^4
/// leave 41 after the powers of five are cancelled. The division is correctly rounded, as reading is.
fn few_decimals(value: f64, out: &mut Vec<u8>) -> bool {
    const SCALE: u64 = 10_000;
    let magnitude = value.abs();
    // Not for NaN, zero (it has a sign to keep), or 15 digits and more.
    if !(magnitude > 0.0 && magnitude < 1e15 / SCALE as f64) {
        return false;
    }
    let scaled = (magnitude * SCALE as f64 + 0.5) as u64;
    if scaled as f64 / SCALE as f64 != magnitude {
        return false;
    }
    if value < 0.0 {
        out.push(b'-');
    }
    json::integer(scaled / SCALE, out);
    let decimals = (scaled % SCALE) as u16;
    if decimals != 0 {
        let [a, b, c, d] = numeric::four(decimals);
        let text = [b'.', a, b, c, d];
        let kept = text
            .iter()
            .rposition(|&digit| digit != b'0')
            .map_or(0, |last| last + 1);
        out.extend_from_slice(&text[..kept]);
    }
    true
}

/// Appends what `float4out` prints.
pub(super) fn float4(value: f32, out: &mut Vec<u8>) {
    let bits = value.to_bits();
    let (fraction, exponent) = (bits & ((1 << 23) - 1), ((bits >> 23) & 0xff) as i32);
    text(
        value.is_sign_negative(),
        fraction.into(),
        exponent,
        &SINGLE,
        out,
    );
}

/// What tells the two IEEE 754 formats apart, and PostgreSQL's thresholds for each.
struct Format {
    fraction_bits: u32,
    bias: i32,
    special_exponent: i32,
    /// From ten to this power on the exponent form is used: FLT_DIG and DBL_DIG, as with `%g`.
    plain_below: i32,
    /// PostgreSQL tests whether a bound is exact only up to this power of five (`d2s.c`: 21; `f2s.c`:
    /// 9, counting one more). A few bounds beyond would be exact too: agreeing matters more here.
    fives: usize,
}
const DOUBLE: Format = Format {
    fraction_bits: 52,
    bias: 1023,
    special_exponent: 0x7ff,
    plain_below: 15,
    fives: 21,
};
const SINGLE: Format = Format {
    fraction_bits: 23,
    bias: 127,
    special_exponent: 0xff,
    plain_below: 6,
    fives: 8,
};

fn text(negative: bool, fraction: u64, exponent: i32, format: &Format, out: &mut Vec<u8>) {
    let special = exponent == format.special_exponent;
    if special && fraction != 0 {
        return out.extend_from_slice(b"NaN");
    }
    if negative {
        out.push(b'-');
    }
    if special {
        return out.extend_from_slice(b"Infinity");
    }
    if fraction == 0 && exponent == 0 {
        return out.push(b'0');
    }
    let (mantissa, power) = shortest(fraction, exponent, format);
    let mut buffer = itoa::Buffer::new();
    let digits = buffer.format(mantissa).as_bytes();
    let count = digits.len() as i32;
    let point = count + power; // digits before the decimal point
    if (-3..=format.plain_below).contains(&point) {
        if point <= 0 {
            out.extend_from_slice(&b"0.000"[..(2 - point) as usize]);
            out.extend_from_slice(digits);
        } else if point >= count {
            out.extend_from_slice(digits);
            out.extend_from_slice(&b"000000000000000"[..(point - count) as usize]);
        } else {
            let (whole, part) = digits.split_at(point as usize);
            out.extend_from_slice(whole);
            out.push(b'.');
            out.extend_from_slice(part);
        }
        return;
    }
    let (first, others) = digits.split_at(1);
    out.extend_from_slice(first);
    if !others.is_empty() {
        out.push(b'.');
        out.extend_from_slice(others);
    }
    let shown = point - 1;
    out.extend_from_slice(if shown < 0 { b"e-" } else { b"e+" });
    if shown.abs() < 10 {
        out.push(b'0');
    }
    json::integer(shown.unsigned_abs(), out);
}

/// The shortest decimal, as `(digits, power of ten)`, strictly between the midpoints to the
/// neighbouring floats; among those the nearest to the value, an even last digit in a tie.
///
/// `value`, `high` and `low` are the float and those midpoints, in units of 2^e2; `v`, `h` and `l` the
/// same in units of a power of ten, rounded down.
fn shortest(fraction: u64, exponent: i32, format: &Format) -> (u64, i32) {
    let normal = exponent != 0;
    let e2 = exponent.max(1) - format.bias - format.fraction_bits as i32 - 2;
    let value = 4 * (fraction | u64::from(normal) << format.fraction_bits);
    let high = value + 2;
    // Below a power of two the neighbour is half as far away.
    let low = value - if fraction != 0 || exponent <= 1 { 2 } else { 1 };

    let mut exact; // nothing but zeros was cut off below the digit dropped last
    let (mut v, mut h, mut l, mut power);
    if e2 >= 0 {
        let q = (log10_pow2(e2) - i32::from(e2 > 3)) as usize;
        let scale = |x| {
            multiply_shift(
                x,
                INVERSE[q],
                q as i32 - e2 + INVERSE_BITS + pow5_bits(q) - 1,
            )
        };
        (v, h, l, power) = (scale(value), scale(high), scale(low), q as i32);
        exact = q <= format.fives && divisible_by_pow5(value, q);
        if q <= format.fives && divisible_by_pow5(high, q) {
            h -= 1; // a midpoint is not inside
        }
    } else {
        let q = log10_pow5(-e2) - i32::from(-e2 > 1);
        let i = (-e2 - q) as usize;
        let scale = |x| multiply_shift(x, POWER[i], q - pow5_bits(i) + POWER_BITS);
        (v, h, l, power) = (scale(value), scale(high), scale(low), q + e2);
        exact = value.trailing_zeros() as i32 >= q;
        if q <= 1 {
            h -= 1;
        }
    }

    let mut dropped = 0;
    while h / 10 > l / 10 {
        exact &= dropped == 0;
        dropped = v % 10;
        (v, h, l, power) = (v / 10, h / 10, l / 10, power + 1);
    }
    let tie_to_even = exact && dropped == 5 && v.is_multiple_of(2);
    let up = v == l || (dropped >= 5 && !tie_to_even);
    (v + u64::from(up), power)
}

/// The significant bits kept of 1/5^q and of 5^i; enough for doubles by the paper's section 3.3.
const INVERSE_BITS: i32 = 122;
const POWER_BITS: i32 = 121;
static INVERSE: [u128; 291] = inverses();
static POWER: [u128; 326] = powers();

/// ⌊2^(bits of 5^q − 1 + 122) / 5^q⌋ + 1: one long power of two is divided by five again and again.
const fn inverses() -> [u128; 291] {
    let mut table = [0; 291];
    let mut number = [0u64; 13];
    number[12] = 1 << 63; // 2^831
    let mut q = 0;
    while q < table.len() {
        table[q] = bits_from(&number, 831 - (pow5_bits(q) - 1 + INVERSE_BITS)) + 1;
        let (mut limb, mut remainder) = (number.len(), 0u128);
        while limb > 0 {
            limb -= 1;
            let part = remainder << 64 | number[limb] as u128;
            number[limb] = (part / 5) as u64;
            remainder = part % 5;
        }
        q += 1;
    }
    table
}

/// The upper 121 bits of 5^i.
const fn powers() -> [u128; 326] {
    let mut table = [0; 326];
    let mut number = [0u64; 13];
    number[0] = 1;
    let mut i = 0;
    while i < table.len() {
        let excess = pow5_bits(i) - POWER_BITS;
        table[i] = if excess >= 0 {
            bits_from(&number, excess)
        } else {
            bits_from(&number, 0) << -excess
        };
        let (mut limb, mut carry) = (0, 0u128);
        while limb < number.len() {
            let part = number[limb] as u128 * 5 + carry;
            number[limb] = part as u64;
            carry = part >> 64;
            limb += 1;
        }
        i += 1;
    }
    table
}

/// The low 128 bits of `number >> shift`.
const fn bits_from(number: &[u64; 13], shift: i32) -> u128 {
    let (skip, shift) = (shift as usize / 64, shift as u32 % 64);
    let mut window = [0u128; 3];
    let mut k = 0;
    while k < 3 {
        if skip + k < number.len() {
            window[k] = number[skip + k] as u128;
        }
        k += 1;
    }
    let low = window[0] | window[1] << 64;
    if shift == 0 {
        low
    } else {
        low >> shift | window[2] << (128 - shift)
    }
}

fn multiply_shift(x: u64, factor: u128, shift: i32) -> u64 {
    let low = u128::from(x) * (factor & u128::from(u64::MAX));
    let high = u128::from(x) * (factor >> 64);
    (((low >> 64) + high) >> (shift - 64)) as u64
}

/// The bits of 5^e; the two below are ⌊log10⌋ of powers of two and of five. Exact for e ≤ 1650.
const fn pow5_bits(e: usize) -> i32 {
    ((e * 1_217_359) >> 19) as i32 + 1
}

fn log10_pow2(e: i32) -> i32 {
    (e * 78_913) >> 18
}

fn log10_pow5(e: i32) -> i32 {
    (e * 732_923) >> 20
}

fn divisible_by_pow5(mut x: u64, power: usize) -> bool {
    for _ in 0..power {
        if !x.is_multiple_of(5) {
            return false;
        }
        x /= 5;
    }
    true
}
