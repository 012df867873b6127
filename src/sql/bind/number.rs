//! JSON's numbers as PostgreSQL's integers: `5.0` and `1e3` are integers there (JSON Schema, section 6.1.1), not here.

use std::borrow::Cow;

/// More digits than any integer of PostgreSQL has: what is longer is left for it to refuse.
const MOST_DIGITS: i64 = 20;

/// An integer that is written otherwise, as it is written here; anything else as it is.
pub(super) fn integral(text: &str) -> Cow<'_, str> {
    match text.contains(['.', 'e', 'E']) {
        true => plain(text).map_or(Cow::Borrowed(text), Cow::Owned),
        false => Cow::Borrowed(text),
    }
}

fn plain(text: &str) -> Option<String> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
        None => (text, 0),
    };
    let (sign, mantissa) = match mantissa.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", mantissa),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let point = i64::try_from(whole.len()).ok()?.checked_add(exponent)?;
    if !(0..=MOST_DIGITS).contains(&point) {
        return None;
    }
    let point = usize::try_from(point).ok()?;
    let (before, after) = digits.split_at(point.min(digits.len()));
    if !after.bytes().all(|digit| digit == b'0') {
        return None;
    }
    let zeros = point - before.len();
    let before = if before.is_empty() { "0" } else { before };
    Some(format!("{sign}{before}{}", "0".repeat(zeros)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_an_integer_becomes_one() {
        for (text, expected) in [
            ("5", "5"),
            ("5.0", "5"),
            ("-7622860.000", "-7622860"),
            ("1e3", "1000"),
            ("1.5E+3", "1500"),
            ("120e-1", "12"),
            ("0.0", "0"),
            ("0.0e-1", "0"),
            ("0.5e1", "05"),
            ("5.1", "5.1"),
            ("1e-1", "1e-1"),
            ("1e30", "1e30"),
            ("1e99999999999999999999", "1e99999999999999999999"),
        ] {
            assert_eq!(integral(text), expected, "{text}");
        }
    }
}
