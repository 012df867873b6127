//! A parameter's declaration: `-- :limit int default 20 check 1..100 -- how many price levels`.

mod check;
mod words;

use std::ops::Range;

use http_types::Method;
use regex_lite::Regex;

use words::{comment, list_items, unquoted, words};

pub use check::Check;

/// A declared parameter.
#[derive(Clone, Debug, Default)]
pub struct Declaration {
    /// The name, without the colon.
    pub name: String,
    /// The PostgreSQL type as written; inferred by PostgreSQL when absent.
    pub type_name: Option<String>,
    /// Where a request has it; by the route and the method when absent.
    pub place: Option<Place>,
    /// The value when the request has none: `Some(None)` is NULL. Required when absent.
    pub default: Option<Option<String>>,
    /// What a value must satisfy.
    pub checks: Vec<Check>,
    /// What it means, for the reader of the API.
    pub text: String,
    /// Byte offset in the file.
    pub at: usize,
}

/// Where a parameter's value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A segment of the path.
    Path,
    /// A key of the query.
    Query,
    /// A property of the JSON object in the body.
    Body,
    /// A field of the request's head.
    Header(String),
    /// What the bearer's token says of them, by its path: `sub`, `app_metadata.tenant`.
    Claim(String),
}

impl Place {
    /// As problems name it.
    pub fn name(&self) -> &'static str {
        match self {
            Place::Path => "path",
            Place::Query => "query",
            Place::Body => "body",
            Place::Header(_) => "header",
            Place::Claim(_) => "claim",
        }
    }

    /// Where a parameter is read that is not in the path, if nobody says.
    pub fn of(method: Method) -> Place {
        match method {
            Method::Get | Method::Head | Method::Delete => Place::Query,
            _ => Place::Body,
        }
    }
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
            text: comment(text, words.last().map_or(name.end, |word| word.end)),
            ..Declaration::default()
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
            ("default", None) => Err((
                at,
                "default needs a value; null makes the parameter optional".into(),
            )),
            ("max", Some(number)) => {
                let number = number
                    .parse()
                    .map_err(|_| (at, "max needs a number of characters".to_owned()))?;
                self.checks.push(Check::MaxLength(number));
                Ok(&rest[1..])
            }
            ("max", None) => Err((at, "max needs a number of characters".into())),
            ("check", Some("~")) => {
                let pattern = word(1).filter(|word| word.starts_with('\''));
                let pattern = pattern.ok_or((
                    at,
                    "check ~ needs a regular expression in quotes".to_owned(),
                ))?;
                let regex = Regex::new(&unquoted(pattern))
                    .map_err(|error| (at, format!("check ~ {pattern}: {error}")))?;
                self.checks.push(Check::Matches(regex));
                Ok(&rest[2..])
            }
            ("check", Some("in")) => {
                let list = word(1).and_then(|word| word.strip_prefix('(')?.strip_suffix(')'));
                let list =
                    list.ok_or((at, "check in needs a list: check in ('a', 'b')".to_owned()))?;
                self.checks.push(Check::OneOf(list_items(list)));
                Ok(&rest[2..])
            }
            ("check", Some(range)) if range.contains("..") => {
                self.checks.push(
                    Check::range(range)
                        .ok_or((at, format!("{range} is not a range of numbers: A..B")))?,
                );
                Ok(&rest[1..])
            }
            ("check", _) => Err((
                at,
                "check is one of: check A..B, check ~ 're', check in ('a', 'b')".into(),
            )),
            ("in", Some(place)) => {
                let wrong = (
                    at,
                    format!("{place} is not one of path, query, body, header NAME, claim NAME"),
                );
                let (place, taken) = parse_place(place, word(1)).ok_or(wrong)?;
                self.place = Some(place);
                Ok(&rest[taken..])
            }
            ("in", None) => Err((
                at,
                "in is followed by path, query, body, header NAME or claim NAME".into(),
            )),
            (other, _) => Err((at, format!("{other} is not one of in, default, check, max"))),
        }
    }

    /// A default that its own checks refuse would be a 400 for every request that leaves it out. That of an array is in
    /// PostgreSQL's form, which checks of its elements are not made for.
    fn check_default(&self, text: &str) -> Result<(), DeclarationError> {
        let is_array = (self.type_name.as_deref()).is_some_and(|name| name.ends_with(']'));
        let Some(Some(default)) = self.default.as_ref().filter(|_| !is_array) else {
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

/// `query`, or `header X-Name`; and how many words that are.
fn parse_place(word: &str, name: Option<&str>) -> Option<(Place, usize)> {
    Some(match (word, name) {
        ("path", _) => (Place::Path, 1),
        ("query", _) => (Place::Query, 1),
        ("body", _) => (Place::Body, 1),
        ("header", Some(name)) if is_field_name(name) => (Place::Header(name.to_owned()), 2),
        ("claim", Some(name)) => (Place::Claim(unquoted(name)), 2),
        _ => return None,
    })
}

/// A token of RFC 9110 §5.6.2.
fn is_field_name(name: &str) -> bool {
    name.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
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
    fn places_are_read() {
        let place = |text| parse(text).place;
        assert_eq!(place("x int in query default 1"), Some(Place::Query));
        assert_eq!(
            place("x uuid in claim sub"),
            Some(Place::Claim("sub".into()))
        );
        let quoted = place("x text in claim 'https://example.com/a b' -- text");
        assert_eq!(quoted, Some(Place::Claim("https://example.com/a b".into())));
        let header = parse("x text in header If-Match max 9");
        assert_eq!(header.place, Some(Place::Header("If-Match".into())));
        assert_eq!(header.type_name.as_deref(), Some("text"));
        assert_eq!(place("x in body"), Some(Place::Body));
        assert_eq!(place("x int"), None);
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
            "x text in header",
            "x text in header X:Y",
            "x text in claim",
            "x text in cookie n",
            "x text in",
            "x int default 1 nonsense",
        ];
        for text in mistakes {
            assert!(Declaration::parse(text).is_err(), "{text}");
        }
    }
}
