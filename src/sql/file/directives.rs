//! What the comment lines of an endpoint say beside its route, its parameters and its text: `-- timeout: 2s`.

use std::num::NonZeroUsize;
use std::time::Duration;

use http_types::StatusCode;

use super::transaction::{Transaction, transaction};
use crate::claims::is_scope;
use crate::sql::lexer::is_parameter_name;
use crate::units;

/// Lines of the form `-- key: value` that are taken for what they say, not for description.
pub(in crate::sql) const KEYS: [&str; 9] = [
    "returns",
    "timeout",
    "concurrency",
    "tx",
    "page",
    "cache",
    "auth",
    "tags",
    "deprecated",
];

/// All that an endpoint's directives say.
#[derive(Clone, Debug, Default)]
pub struct Directives {
    /// `returns`: what a good answer is.
    pub returns: Option<Said<Returns>>,
    /// `timeout`: for the endpoint to answer, in place of the server's own.
    pub timeout: Option<Said<Duration>>,
    /// `concurrency`: requests at a time, of one process.
    pub concurrency: Option<Said<NonZeroUsize>>,
    /// `tx`: how its transaction is.
    pub transaction: Option<Said<Transaction>>,
    /// `page`: where the next page begins.
    pub page: Option<Said<Keyset>>,
    /// `cache`: the value of `Cache-Control`.
    pub cache: Option<Said<String>>,
    /// `auth`: who may ask.
    pub auth: Option<Said<Auth>>,
    /// `tags`: what it belongs to, for the reader of the API.
    pub tags: Option<Said<Vec<String>>>,
    /// `deprecated`: it is, and why.
    pub deprecated: Option<Said<String>>,
}

/// Something said, and where: a byte offset in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said<T> {
    /// What.
    pub what: T,
    /// Where its value stands.
    pub at: usize,
}

/// `201`, `text/csv`, or `201 text/csv`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Returns {
    /// In place of the usual status.
    pub status: Option<StatusCode>,
    /// In place of JSON.
    pub media_type: Option<String>,
}

/// `keyset id -> before, …`: the last row's columns, and the parameters that they are on the next page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keyset(pub Vec<(String, String)>);

/// Who may ask, where a key says who is who.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Auth {
    /// Anybody.
    Public,
    /// Whoever has all of these scopes.
    Scopes(Vec<String>),
}

impl Directives {
    /// Takes `value`, which stands at `at`, of one of [`KEYS`].
    ///
    /// # Errors
    /// What is wrong with it, and what would help.
    pub(super) fn take(&mut self, key: &str, value: &str, at: usize) -> Result<(), Mistake> {
        match key {
            "returns" => put(&mut self.returns, key, returns(value), at),
            "timeout" => put(&mut self.timeout, key, timeout(value), at),
            "concurrency" => put(&mut self.concurrency, key, concurrency(value), at),
            "tx" => put(&mut self.transaction, key, transaction(value), at),
            "page" => put(&mut self.page, key, page(value), at),
            "cache" => put(&mut self.cache, key, cache(value), at),
            "auth" => put(&mut self.auth, key, auth(value), at),
            "tags" => put(&mut self.tags, key, tags(value), at),
            _ => put(&mut self.deprecated, key, Ok(value.to_owned()), at),
        }
    }
}

fn put<T>(
    place: &mut Option<Said<T>>,
    key: &str,
    what: Result<T, Mistake>,
    at: usize,
) -> Result<(), Mistake> {
    if place.is_some() {
        return Err((
            format!("a second `-- {key}:`"),
            "an endpoint has one of each",
        ));
    }
    *place = Some(Said { what: what?, at });
    Ok(())
}

/// What is wrong, and what would help.
pub(super) type Mistake = (String, &'static str);

fn returns(text: &str) -> Result<Returns, Mistake> {
    const HINT: &str = "write a status, a media type or both: 201, text/csv, 200 image/png";
    let mut returns = Returns::default();
    let wrong = |word: &str| (format!("{word} is neither a status nor a media type"), HINT);
    for word in text.split_whitespace() {
        if word.bytes().all(|byte| byte.is_ascii_digit()) {
            let status = word
                .parse()
                .ok()
                .and_then(|code: u16| StatusCode::try_from(code).ok());
            let status = status.filter(|status| (200..400).contains(&(*status as u16)));
            let status =
                status.ok_or_else(|| (format!("{word} is not a status of success"), HINT))?;
            if returns.status.replace(status).is_some() {
                return Err((format!("{word} is a second status"), HINT));
            }
        } else if is_media_type(word) {
            if returns
                .media_type
                .replace(word.to_ascii_lowercase())
                .is_some()
            {
                return Err((format!("{word} is a second media type"), HINT));
            }
        } else {
            return Err(wrong(word));
        }
    }
    match returns == Returns::default() {
        true => Err(wrong("nothing")),
        false => Ok(returns),
    }
}

/// `type/subtype`, of the characters that RFC 6838 §4.2 has for both.
fn is_media_type(text: &str) -> bool {
    let part = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphanumeric())
            && part
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "!#$&-^_.+".contains(c))
    };
    text.split_once('/')
        .is_some_and(|(kind, subtype)| part(kind) && part(subtype))
}

fn timeout(text: &str) -> Result<Duration, Mistake> {
    let hint = "write 250ms, 30s, 5m or 1h";
    match units::duration(text) {
        Ok(Duration::ZERO) => Err(("no request is answered in no time".into(), hint)),
        Ok(duration) => Ok(duration),
        Err(_) => Err((format!("{text:?} is not a time"), hint)),
    }
}

fn concurrency(text: &str) -> Result<NonZeroUsize, Mistake> {
    text.parse().map_err(|_| {
        (
            format!("{text:?} is not a number from 1 on"),
            "write how many requests run at a time: 4",
        )
    })
}

fn page(text: &str) -> Result<Keyset, Mistake> {
    const HINT: &str = "write keyset COLUMN -> PARAMETER: the last row's column is that parameter on the next page";
    let wrong = || (format!("{text:?} is not a way to page"), HINT);
    let pairs = text.strip_prefix("keyset ").ok_or_else(wrong)?;
    let pair = |pair: &str| {
        let (column, parameter) = pair.split_once("->")?;
        let (column, parameter) = (column.trim(), parameter.trim());
        let parameter = parameter.strip_prefix(':').unwrap_or(parameter);
        (!column.is_empty() && is_parameter_name(parameter))
            .then(|| (column.to_owned(), parameter.to_owned()))
    };
    let pairs: Option<Vec<_>> = pairs.split(',').map(pair).collect();
    pairs.map(Keyset).ok_or_else(wrong)
}

fn cache(text: &str) -> Result<String, Mistake> {
    let visible = |c: char| c.is_ascii_graphic() || c == ' ';
    match !text.is_empty() && text.chars().all(visible) {
        true => Ok(text.to_owned()),
        false => Err((
            format!("{text:?} is not a value of Cache-Control"),
            "write such as public, max-age=60",
        )),
    }
}

fn auth(text: &str) -> Result<Auth, Mistake> {
    let mut words = text.split_whitespace();
    match (words.next(), words.collect::<Vec<_>>()) {
        (Some("public"), rest) if rest.is_empty() => Ok(Auth::Public),
        (Some("scope"), scopes)
            if !scopes.is_empty() && scopes.iter().all(|word| is_scope(word)) =>
        {
            Ok(Auth::Scopes(
                scopes.into_iter().map(str::to_owned).collect(),
            ))
        }
        _ => Err((
            format!("{text:?} does not say who may ask"),
            "write public, or scope and the scopes that a token must have",
        )),
    }
}

fn tags(text: &str) -> Result<Vec<String>, Mistake> {
    let tags: Vec<String> = text.split(',').map(|tag| tag.trim().to_owned()).collect();
    match tags.iter().all(|tag| !tag.is_empty()) {
        true => Ok(tags),
        false => Err((
            "a tag without a name".into(),
            "write names with commas between",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(key: &str, value: &str) -> Result<Directives, Mistake> {
        let mut directives = Directives::default();
        directives.take(key, value, 7).map(|()| directives)
    }

    #[test]
    fn every_directive_is_read() {
        let returns = taken("returns", "201 Text/CSV").unwrap().returns.unwrap();
        assert_eq!(
            (returns.what.status, returns.at),
            (Some(StatusCode::Created), 7)
        );
        assert_eq!(returns.what.media_type.as_deref(), Some("text/csv"));
        assert_eq!(
            taken("timeout", "1.5s").unwrap().timeout.unwrap().what,
            Duration::from_millis(1500)
        );
        assert_eq!(
            taken("concurrency", "4")
                .unwrap()
                .concurrency
                .unwrap()
                .what
                .get(),
            4
        );
        assert_eq!(
            taken("tx", "retry 1")
                .unwrap()
                .transaction
                .unwrap()
                .what
                .retries,
            1
        );
        let keyset = taken("page", "keyset starts_at -> after, id -> :after_id").unwrap();
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(
            keyset.page.unwrap().what.0,
            [pair("starts_at", "after"), pair("id", "after_id")]
        );
        assert_eq!(
            taken("auth", "public").unwrap().auth.unwrap().what,
            Auth::Public
        );
        let scopes = Auth::Scopes(vec!["markets:write".into(), "b".into()]);
        assert_eq!(
            taken("auth", "scope markets:write  b")
                .unwrap()
                .auth
                .unwrap()
                .what,
            scopes
        );
        assert_eq!(
            taken("tags", "books, shop").unwrap().tags.unwrap().what,
            ["books", "shop"]
        );
        assert_eq!(
            taken("deprecated", "").unwrap().deprecated.unwrap().what,
            ""
        );
    }

    #[test]
    fn mistakes_are_named() {
        for (key, value) in [
            ("returns", ""),
            ("returns", "404"),
            ("returns", "099"),
            ("returns", "201 202"),
            ("returns", "text/csv text/plain"),
            ("returns", "csv"),
            ("returns", "text/csv;header=absent"),
            ("timeout", "2"),
            ("timeout", "0s"),
            ("concurrency", "0"),
            ("concurrency", "many"),
            ("tx", ""),
            ("page", "id -> before"),
            ("page", "keyset id"),
            ("page", "keyset id -> 1"),
            ("page", "keyset -> before"),
            ("cache", ""),
            ("cache", "caf\u{e9}"),
            ("auth", ""),
            ("auth", "everybody"),
            ("auth", "scope"),
            ("auth", "public scope"),
            ("auth", "scope a\"b"),
            ("tags", "a,,b"),
        ] {
            assert!(taken(key, value).is_err(), "{key}: {value}");
        }
        let mut directives = taken("timeout", "2s").unwrap();
        assert_eq!(
            directives.take("timeout", "3s", 0).unwrap_err().0,
            "a second `-- timeout:`"
        );
    }
}
