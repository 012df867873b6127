//! The options of a database's address that tokio-postgres does not know: taken out of the text before it reads it.

use std::borrow::Cow;

use crate::router::percent_decode;

/// Options that were given, with their values.
#[derive(Debug, Default)]
pub(super) struct Taken(Vec<(&'static str, String)>);

/// As libpq calls them.
const NAMES: [&str; 7] = [
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "sslcrl",
    "sslcrldir",
    "target_session_attrs",
];

impl Taken {
    /// The last value given, as for libpq.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let mut given = self.0.iter().rev();
        let (_, value) = given.find(|(given, value)| *given == name && !value.is_empty())?;
        Some(value)
    }

    /// Whether it was one of ours.
    fn take(&mut self, key: &str, value: impl FnOnce() -> Option<String>) -> bool {
        let Some(name) = NAMES.iter().find(|name| **name == key) else {
            return false;
        };
        let value = value();
        let taken = value.is_some();
        self.0.extend(value.map(|value| (*name, value)));
        taken
    }
}

/// Takes our options out of a URL: what is left of it, and what was taken. What is no option stays for the parser to
/// complain of.
pub(super) fn of_url(url: &str) -> (String, Taken) {
    let mut taken = Taken::default();
    // As tokio-postgres reads it: a name and a password before the first @ may have a ? in them.
    let host = url.find('@').unwrap_or(0);
    let Some(options) = url[host..].find('?').map(|mark| host + mark + 1) else {
        return (url.to_owned(), taken);
    };
    let others: Vec<_> = url[options..]
        .split('&')
        .filter(|pair| {
            let pair = pair.split_once('=');
            let ours = |(key, value): (&str, &str)| {
                let value = || percent_decode(value).map(Cow::into_owned);
                percent_decode(key).is_some_and(|key| taken.take(&key, value))
            };
            !pair.is_some_and(ours)
        })
        .collect();
    let left = match others.is_empty() {
        true => url[..options - 1].to_owned(),
        false => url[..options].to_owned() + &others.join("&"),
    };
    (left, taken)
}

/// Takes our options out of a `key=value` string.
pub(super) fn of_pairs(text: &str) -> (String, Taken) {
    let mut taken = Taken::default();
    let mut left = String::new();
    let mut rest = text;
    while let Some((key, value, after)) = pair(rest) {
        let whole = &rest[..rest.len() - after.len()];
        if !taken.take(key, || Some(value)) {
            left.push_str(whole);
        }
        rest = after;
    }
    (left + rest, taken)
}

/// The first pair of `text`, and the text after it.
fn pair(text: &str) -> Option<(&str, String, &str)> {
    let start = text.trim_start();
    let (key, after) = start.split_at(start.find(|c: char| c == '=' || c.is_whitespace())?);
    let value = after.trim_start().strip_prefix('=')?.trim_start();
    let quoted = value.starts_with('\'');
    let mut characters = value.char_indices().skip(usize::from(quoted));
    let mut plain = String::new();
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => plain.extend(characters.next().map(|(_, character)| character)),
            '\'' if quoted => return Some((key, plain, &value[at + 1..])),
            space if space.is_whitespace() && !quoted => return Some((key, plain, &value[at..])),
            other => plain.push(other),
        }
    }
    (!quoted).then_some((key, plain, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_taken_out_of_a_url() {
        for (url, left, mode, root) in [
            ("postgres://db/shop", "postgres://db/shop", None, None),
            (
                "postgres://a:p?sslmode=x@db/shop",
                "postgres://a:p?sslmode=x@db/shop",
                None,
                None,
            ),
            (
                "postgres://a@db?sslmode=require",
                "postgres://a@db",
                Some("require"),
                None,
            ),
            (
                "postgres://db/shop?sslmode=allow&user=ann&sslrootcert=%2Fa%20b&sslmode=verify-ca",
                "postgres://db/shop?user=ann",
                Some("verify-ca"),
                Some("/a b"),
            ),
            (
                "postgres://db?sslmode&x=1",
                "postgres://db?sslmode&x=1",
                None,
                None,
            ),
            ("postgres://db?sslmode=", "postgres://db", None, None),
        ] {
            let (rest, taken) = of_url(url);
            assert_eq!((&*rest, taken.get("sslmode")), (left, mode), "{url}");
            assert_eq!(taken.get("sslrootcert"), root, "{url}");
        }
    }

    #[test]
    fn options_are_taken_out_of_pairs() {
        for (text, left, mode, root) in [
            ("host=db sslmode=require", "host=db", Some("require"), None),
            (
                r"sslmode = 'verify-ca' password='it\'s sslmode=x' sslrootcert=/a\ b user=ann",
                r" password='it\'s sslmode=x' user=ann",
                Some("verify-ca"),
                Some("/a b"),
            ),
            ("host=db sslmode='open", "host=db sslmode='open", None, None),
            ("host", "host", None, None),
            ("", "", None, None),
        ] {
            let (rest, taken) = of_pairs(text);
            assert_eq!((&*rest, taken.get("sslmode")), (left, mode), "{text}");
            assert_eq!(taken.get("sslrootcert"), root, "{text}");
        }
    }
}
