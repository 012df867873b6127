//! Reading DER, the encoding of certificates and keys (ITU-T X.690): as much as these need.

/// What is left to be read.
#[derive(Clone, Copy)]
pub(crate) struct Der<'a>(pub(super) &'a [u8]);

/// A value as it stands.
#[derive(Clone, Copy)]
pub(crate) struct Value<'a> {
    pub(crate) tag: u8,
    pub(crate) content: &'a [u8],
    /// The content with the tag and the length before it.
    pub(crate) whole: &'a [u8],
}

pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const BIT_STRING: u8 = 0x03;
pub(crate) const OCTET_STRING: u8 = 0x04;
pub(crate) const OBJECT: u8 = 0x06;
pub(crate) const SEQUENCE: u8 = 0x30;
pub(crate) const SET: u8 = 0x31;
const BOOLEAN: u8 = 0x01;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

impl<'a> Der<'a> {
    /// The next value; `None` at the end, or where there is none.
    pub(crate) fn next(&mut self) -> Option<Value<'a>> {
        let (&tag, rest) = self.0.split_first()?;
        let (&first, rest) = rest.split_first()?;
        let (length, rest) = match first {
            0..=0x7f => (usize::from(first), rest),
            // Certificates are smaller than 16 MiB: a TLS message is.
            0x81..=0x83 => {
                let (length, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
                let length = (length.iter()).fold(0, |all, &byte| all << 8 | usize::from(byte));
                (length, rest)
            }
            _ => return None,
        };
        let (content, after) = rest.split_at_checked(length)?;
        let (whole, _) = self.0.split_at_checked(self.0.len() - after.len())?;
        self.0 = after;
        Some(Value {
            tag,
            content,
            whole,
        })
    }

    /// The next value if it has this tag; else nothing is read.
    pub(crate) fn take(&mut self, tag: u8) -> Option<Value<'a>> {
        let mut ahead = *self;
        let value = ahead.next().filter(|value| value.tag == tag)?;
        *self = ahead;
        Some(value)
    }

    /// What the next SEQUENCE holds.
    pub(crate) fn sequence(&mut self) -> Option<Der<'a>> {
        self.take(SEQUENCE).map(|value| Der(value.content))
    }

    /// The bytes of the next BIT STRING, which must be whole ones.
    pub(crate) fn bits(&mut self) -> Option<&'a [u8]> {
        self.take(BIT_STRING)?.content.strip_prefix(&[0])
    }

    /// Skips a BOOLEAN if there is one.
    pub(crate) fn skip_boolean(&mut self) {
        self.take(BOOLEAN);
    }

    /// The next time, in seconds since 1970 (RFC 5280, section 4.1.2.5).
    pub(crate) fn time(&mut self) -> Option<u64> {
        let value = self.next()?;
        let number = |digits: &[u8]| std::str::from_utf8(digits).ok()?.parse::<u64>().ok();
        let (year, rest) = match value.tag {
            UTC_TIME => {
                let (year, rest) = value.content.split_at_checked(2)?;
                // Two digits mean a year from 1950 on.
                let year = number(year)?;
                (year + if year < 50 { 2000 } else { 1900 }, rest)
            }
            GENERALIZED_TIME => {
                let (year, rest) = value.content.split_at_checked(4)?;
                (number(year)?, rest)
            }
            _ => return None,
        };
        let digits = rest.strip_suffix(b"Z").filter(|rest| rest.len() == 10)?;
        let mut pairs = digits.chunks(2).map(number);
        let mut pair = || pairs.next().flatten();
        let (month, day, hour, minute, second) = (pair()?, pair()?, pair()?, pair()?, pair()?);
        if year < 1970 || !(1..=12).contains(&month) {
            return None;
        }
        // Days since 1970 of a year that begins in March, so that the leap day is its last.
        let (year, month) = match month {
            1 | 2 => (year - 1, month + 9),
            _ => (year, month - 3),
        };
        let leap_days = year / 4 - year / 100 + year / 400;
        let days = (year * 365 + leap_days + (month * 153 + 2) / 5 + day).checked_sub(719_469)?;
        Some(((days * 24 + hour) * 60 + minute) * 60 + second)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(tag: u8, text: &str) -> Option<u64> {
        let mut bytes = vec![tag, u8::try_from(text.len()).unwrap()];
        bytes.extend(text.as_bytes());
        Der(&bytes).time()
    }

    #[test]
    fn times_are_seconds_since_1970() {
        assert_eq!(time(UTC_TIME, "700101000000Z"), Some(0));
        assert_eq!(time(UTC_TIME, "000229120000Z"), Some(951_825_600));
        assert_eq!(time(UTC_TIME, "491231235959Z"), Some(2_524_607_999));
        assert_eq!(
            time(GENERALIZED_TIME, "20500101000000Z"),
            Some(2_524_608_000)
        );
        assert_eq!(
            time(GENERALIZED_TIME, "20240301000001Z"),
            Some(1_709_251_201)
        );
        for wrong in [
            "",
            "7001010000Z",
            "700101000000",
            "701301000000Z",
            "7001010000xxZ",
        ] {
            assert_eq!(time(UTC_TIME, wrong), None, "{wrong}");
        }
    }

    #[test]
    fn lengths_that_are_too_long_are_no_values() {
        for bytes in [
            &[][..],
            &[4],
            &[4, 2, 0],
            &[4, 0x81],
            &[4, 0x81, 1],
            &[4, 0x84, 0, 0, 0, 0],
            &[4, 0x80, 0, 0],
        ] {
            assert!(Der(bytes).next().is_none(), "{bytes:?}");
        }
        let long = [&[4, 0x81, 0x80][..], &[7; 0x81]].concat();
        let mut der = Der(&long);
        let value = der.next().unwrap();
        assert_eq!(
            (value.content.len(), value.whole.len(), der.0),
            (0x80, 0x83, &[7][..])
        );
    }
}
