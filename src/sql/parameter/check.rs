//! What a value must satisfy, whatever PostgreSQL thinks of it.

use std::fmt;

use regex_lite::Regex;

/// What a parameter's value must satisfy before it is sent to PostgreSQL.
#[derive(Clone, Debug)]
pub enum Check {
    /// `check A..B`: a number between the two, inclusive; either may be absent.
    Between(Option<String>, Option<String>),
    /// `check ~ 're'`: the text matches.
    Matches(Regex),
    /// `check in (…)`: one of these.
    OneOf(Vec<String>),
    /// `max N`: at most so many characters.
    MaxLength(usize),
}

impl Check {
    /// `A..B`; either may be absent.
    pub(super) fn range(range: &str) -> Option<Check> {
        let (low, high) = range.split_once("..")?;
        let bound = |text: &str| match text {
            "" => Some(None),
            _ => text.parse::<f64>().ok().map(|_| Some(text.to_owned())),
        };
        match (bound(low)?, bound(high)?) {
            (None, None) => None,
            (low, high) => Some(Check::Between(low, high)),
        }
    }

    pub(super) fn allows(&self, value: &str) -> bool {
        match self {
            // PostgreSQL reads numbers in more forms than Rust does, such as `0x10` and, since 16, `1_000`: what
            // cannot be compared must not slip past the check. Without a digit it is no number at all.
            Check::Between(..) if value.trim().parse::<f64>().is_err() => {
                !value.contains(|character: char| character.is_ascii_digit())
            }
            Check::Between(low, high) => {
                let above = low.as_ref().is_none_or(|low| at_most(low, value));
                let below = high.as_ref().is_none_or(|high| at_most(value, high));
                above && below
            }
            Check::Matches(regex) => regex.is_match(value),
            Check::OneOf(values) => values.iter().any(|one| one == value),
            Check::MaxLength(length) => value.chars().nth(*length).is_none(),
        }
    }
}

/// `low <= high`, exactly where both are integers. What is no number is left for PostgreSQL to refuse in its
/// own words; NaN is in no range.
fn at_most(low: &str, high: &str) -> bool {
    if let (Ok(low), Ok(high)) = (low.trim().parse::<i128>(), high.trim().parse::<i128>()) {
        return low <= high;
    }
    match (low.trim().parse::<f64>(), high.trim().parse::<f64>()) {
        (Ok(low), Ok(high)) => low <= high,
        _ => true,
    }
}

/// The rest of a sentence that begins with the value.
impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Check::Between(Some(low), Some(high)) => write!(f, "is not between {low} and {high}"),
            Check::Between(Some(low), None) => write!(f, "is less than {low}"),
            Check::Between(None, Some(high)) => write!(f, "is more than {high}"),
            Check::Between(None, None) => f.write_str("is not a number"),
            Check::Matches(regex) => write!(f, "does not match {}", regex.as_str()),
            Check::OneOf(values) => write!(f, "is not one of {}", values.join(", ")),
            Check::MaxLength(length) => write!(f, "has more than {length} characters"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Declaration;

    fn parse(text: &str) -> Declaration {
        Declaration::parse(text).unwrap()
    }

    #[test]
    fn ranges_compare_integers_exactly_and_leave_what_is_no_number_to_postgresql() {
        let check = parse("x numeric check 0..9223372036854775807");
        assert_eq!(check.violation("9223372036854775807"), None);
        assert!(check.violation("9223372036854775808").is_some());
        assert!(check.violation("-0.1").is_some());
        assert!(check.violation("NaN").is_some());
        assert_eq!(check.violation("abc"), None);
        assert!(check.violation("0x10").is_some());
        assert!(check.violation("1_000").is_some());
        assert_eq!(
            parse("x int check ..5").violation("6").as_deref(),
            Some("is more than 5")
        );
    }
}
