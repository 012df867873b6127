//! A parameter's declaration: `-- :limit int default 20 check 1..100 -- how many price levels`.

use std::fmt;
use std::ops::Range;

use regex_lite::Regex;

use crate::work;

/// A declared parameter.
#[derive(Clone, Debug)]
pub struct Declaration {
    /// The name, without the colon.
    pub name: String,
    /// The PostgreSQL type as written; inferred by PostgreSQL when absent.
    pub type_name: Option<String>,
    /// The value when the request has none: `Some(None)` is NULL. Required when absent.
    pub default: Option<Option<String>>,
    /// What a value must satisfy.
    pub checks: Vec<Check>,
    /// What it means, for the reader of the API.
    pub text: String,
}

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

/// What is wrong with a declaration, and where in its text.
pub type DeclarationError = (usize, String);

impl Declaration {
    /// Parses what follows `-- :`.
    ///
    /// # Errors
    /// The byte offset in `text` and the reason.
    pub fn parse(text: &str) -> Result<Declaration, DeclarationError> {
        let words = words(text)?;
        let Some((name, mut words)) = words.split_first() else {
            return Err((0, "a parameter needs a name".into()));
        };
        let mut declaration = Declaration {
            name: text[name.clone()].to_owned(),
            type_name: None,
            default: None,
            checks: Vec::new(),
            text: comment(text, words.last().map_or(name.end, |word| word.end)),
        };
        let ends_type =
            |word: &Range<usize>| ["in", "default", "check", "max"].contains(&&text[word.clone()]);
        let length = words.iter().position(ends_type).unwrap_or(words.len());
        if let (Some(first), Some(last)) = (words.first(), words[..length].last()) {
            declaration.type_name = Some(text[first.start..last.end].to_owned());
        }
        words = &words[length..];
        while let Some((keyword, rest)) = words.split_first() {
            words = declaration.clause(text, keyword.clone(), rest)?;
        }
        declaration.check_default(text)?;
        Ok(declaration)
    }

    /// Takes one clause; the words after it.
    fn clause<'w>(
        &mut self,
        text: &str,
        keyword: Range<usize>,
        rest: &'w [Range<usize>],
    ) -> Result<&'w [Range<usize>], DeclarationError> {
        let at = keyword.start;
        let word = |index: usize| rest.get(index).map(|range| &text[range.clone()]);
        match (&text[keyword], word(0)) {
            ("default", Some(value)) => {
                self.default = Some((!value.eq_ignore_ascii_case("null")).then(|| unquoted(value)));
                Ok(&rest[1..])
            }
            ("default", None) => Err((at, "default needs a value; null makes the parameter optional".into())),
            ("max", Some(number)) => {
                let number = number.parse().map_err(|_| (at, "max needs a number of characters".to_owned()))?;
                self.checks.push(Check::MaxLength(number));
                Ok(&rest[1..])
            }
            ("check", Some("~")) => {
                let pattern = word(1).filter(|word| word.starts_with('\''));
                let pattern = pattern.ok_or((at, "check ~ needs a regular expression in quotes".to_owned()))?;
                let regex = Regex::new(&unquoted(pattern)).map_err(|error| (at, format!("check ~ {pattern}: {error}")))?;
                self.checks.push(Check::Matches(regex));
                Ok(&rest[2..])
            }
            ("check", Some("in")) => {
                let list = word(1).and_then(|word| word.strip_prefix('(')?.strip_suffix(')'));
                let list = list.ok_or((at, "check in needs a list: check in ('a', 'b')".to_owned()))?;
                self.checks.push(Check::OneOf(list_items(list)));
                Ok(&rest[2..])
            }
            ("check", Some(range)) if range.contains("..") => {
                self.checks.push(parse_range(range).ok_or((at, format!("{range} is not a range of numbers: A..B")))?);
                Ok(&rest[1..])
            }
            ("check", _) => Err((at, "check is one of: check A..B, check ~ 're', check in ('a', 'b')".into())),
            ("in", _) => Err((at, "in path, query, header, body or claim is not supported by this version: a \
                                   parameter is read from the route, the query or the body by the method".into())),
            (other, _) => Err((at, format!("{other} is not one of default, check, max"))),
        }
    }

    /// A default that its own checks refuse would be a 400 for every request that leaves it out.
    fn check_default(&self, text: &str) -> Result<(), DeclarationError> {
        let Some(Some(default)) = &self.default else {
            return Ok(());
        };
        match self.violation(default) {
            Some(violation) => {
                let at = text.find("default").unwrap_or(0);
                Err((at, format!("the default {default} {violation}")))
            }
            None => Ok(()),
        }
    }

    /// How `value` fails the checks, if it does: the rest of a sentence that begins with the value.
    pub fn violation(&self, value: &str) -> Option<String> {
        let failed = self.checks.iter().find(|check| !check.allows(value))?;
        Some(failed.to_string())
    }
}

impl Check {
    fn allows(&self, value: &str) -> bool {
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

fn parse_range(range: &str) -> Option<Check> {
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

/// The words of a declaration up to `--`: separated by spaces; quotes and parentheses hold together.
fn words(text: &str) -> Result<Vec<Range<usize>>, DeclarationError> {
    let mut words = Vec::new();
    let (mut start, mut end) = (None, text.len());
    let (mut depth, mut quoted) = (0_usize, false);
    work::add(text.len());
    for (at, character) in text.char_indices() {
        let inside = quoted || depth > 0;
        if !inside && text[at..].starts_with("--") {
            end = at;
            break;
        }
        match character {
            '\'' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
        match (start, character.is_whitespace() && !inside) {
            (None, false) => start = Some(at),
            (Some(begin), true) => {
                words.push(begin..at);
                start = None;
            }
            _ => {}
        }
    }
    if quoted || depth > 0 {
        return Err((0, "a quote or a parenthesis is not closed".into()));
    }
    if let Some(begin) = start {
        words.push(begin..begin + text[begin..end].trim_end().len());
    }
    Ok(words)
}

/// The text after `--`, which follows the last word.
fn comment(text: &str, last: usize) -> String {
    let rest = text.get(last..).unwrap_or("");
    rest.trim_start()
        .strip_prefix("--")
        .unwrap_or("")
        .trim()
        .to_owned()
}

fn list_items(list: &str) -> Vec<String> {
    let mut items = vec![String::new()];
    let mut quoted = false;
    for character in list.chars() {
        match (character, items.last_mut()) {
            (',', _) if !quoted => items.push(String::new()),
            (other, Some(item)) => {
                quoted ^= other == '\'';
                item.push(other);
            }
            (_, None) => {}
        }
    }
    items.iter().map(|item| unquoted(item.trim())).collect()
}

/// `'it''s'` → `it's`; anything else as it is.
fn unquoted(word: &str) -> String {
    match word
        .strip_prefix('\'')
        .and_then(|rest| rest.strip_suffix('\''))
    {
        Some(inner) => inner.replace("''", "'"),
        None => word.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Declaration {
        Declaration::parse(text).unwrap()
    }

    #[test]
    fn every_clause_is_read() {
        let limit = parse("limit int  default 20 check 1..100     -- how many -- at most");
        assert_eq!(limit.name, "limit");
        assert_eq!(limit.type_name.as_deref(), Some("int"));
        assert_eq!(limit.default, Some(Some("20".into())));
        assert_eq!(limit.text, "how many -- at most");
        assert_eq!(
            limit.violation("0").as_deref(),
            Some("is not between 1 and 100")
        );
        assert_eq!(limit.violation("100"), None);

        let side = parse("side text default null check in ('buy', 'it''s, x')");
        assert_eq!(side.default, Some(None));
        assert_eq!(side.violation("it's, x"), None);
        assert_eq!(
            side.violation("hold").as_deref(),
            Some("is not one of buy, it's, x")
        );

        let isbn = parse("isbn text check ~ '^[0-9 ]{3}--$' max 5 -- digits");
        assert_eq!(isbn.violation("1 2--"), None);
        assert!(isbn.violation("12--").is_some());
        assert_eq!(isbn.text, "digits");
    }

    #[test]
    fn types_may_have_several_words() {
        let types = [
            "double precision",
            "timestamp with time zone",
            "numeric(10, 2)",
            "text[]",
            "my_schema.kind",
        ];
        for name in types {
            assert_eq!(
                parse(&format!("x {name} default 1")).type_name.as_deref(),
                Some(name)
            );
            assert_eq!(parse(&format!("x {name}")).type_name.as_deref(), Some(name));
            assert_eq!(
                parse(&format!("x {name} -- text")).type_name.as_deref(),
                Some(name)
            );
        }
        assert_eq!(parse("x").type_name, None);
        assert_eq!(parse("x -- only text").text, "only text");
        assert_eq!(parse("x default 'a b'").default, Some(Some("a b".into())));
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

    #[test]
    fn mistakes_are_named() {
        let mistakes = [
            "",
            "x int default",
            "x int check",
            "x int check 1..b",
            "x text check ~ abc",
            "x text check ~ '('",
            "x text check in buy",
            "x int max many",
            "x int default 0 check 1..2",
            "x text default 'a",
            "x text in header X",
            "x int default 1 nonsense",
        ];
        for text in mistakes {
            assert!(Declaration::parse(text).is_err(), "{text}");
        }
    }
}
