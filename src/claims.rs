//! What a bearer token says of who sends it.

use std::borrow::Cow;
use std::sync::Arc;

use crate::json::object::{Flaw, Object, check, elements, string};

/// The claims of a token that has been verified (RFC 7519 section 4). Cheap to clone.
///
/// ```
/// use peppercorn::auth::Claims;
///
/// let claims = Claims::read(r#"{"sub":"jane","scope":"read write","org":{"id":7}}"#).unwrap();
/// assert_eq!(claims.text("sub").as_deref(), Some("jane"));
/// assert_eq!(claims.text("org.id").as_deref(), Some("7"));
/// assert_eq!(claims.text("role"), None);
/// assert_eq!(claims.scopes(), ["read", "write"]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claims(Arc<str>);

impl Claims {
    /// The claims that a token's payload has. Nothing about them is verified.
    ///
    /// # Errors
    /// A text that is no JSON object, has a name twice, or a NUL.
    ///
    /// ```
    /// use peppercorn::auth::Claims;
    ///
    /// assert!(Claims::read(r#"{"sub":"jane"}"#).is_ok());
    /// let twice = Claims::read(r#"{"sub":"jane","sub":"admin"}"#).unwrap_err();
    /// assert_eq!(twice.to_string(), "has two members of one name");
    /// ```
    pub fn read(json: impl Into<Arc<str>>) -> Result<Claims, Flaw> {
        let json = json.into();
        check(&json)?;
        Ok(Claims(json))
    }

    /// The JSON object as it was signed.
    ///
    /// ```
    /// use peppercorn::auth::Claims;
    ///
    /// let claims = Claims::read(r#"{"sub":"jane","org":{"id":7}}"#)?;
    /// let all: serde_json::Value = serde_json::from_str(claims.json())?;
    /// assert_eq!(all["org"]["id"], 7);
    /// # anyhow::Ok(())
    /// ```
    pub fn json(&self) -> &str {
        &self.0
    }

    /// A claim as text for PostgreSQL: a string without its quotes, any other value as its JSON. `None` if there is none,
    /// or it is null.
    ///
    /// Dots lead into objects, `app_metadata.tenant`; a claim that has them in its own name, such as
    /// `https://example.com/role`, comes first.
    ///
    /// ```
    /// use peppercorn::auth::Claims;
    ///
    /// let claims = Claims::read(r#"{"sub":"jane","app":{"shop":7},"https://shop.example/role":"clerk"}"#)?;
    /// assert_eq!(claims.text("app.shop").as_deref(), Some("7"));
    /// assert_eq!(claims.text("https://shop.example/role").as_deref(), Some("clerk"));
    /// assert_eq!(claims.text("app.till"), None);
    /// # anyhow::Ok(())
    /// ```
    pub fn text(&self, path: &str) -> Option<Cow<'_, str>> {
        let raw = self.value(path)?;
        string(raw).or(Some(Cow::Borrowed(raw)))
    }

    /// A claim's JSON as it was signed, where there is one that is not null.
    pub(crate) fn value(&self, path: &str) -> Option<&str> {
        find(&self.0, path).filter(|raw| *raw != "null")
    }

    /// What the token is good for (RFC 6749 section 3.3): the claim `scope`, else `scp`; words with spaces between them, or
    /// a list of strings.
    ///
    /// ```
    /// use peppercorn::auth::Claims;
    ///
    /// let claims = Claims::read(r#"{"sub":"jane","scope":"orders:read orders:write"}"#)?;
    /// assert!(claims.scopes().iter().any(|scope| scope == "orders:write"));
    /// # anyhow::Ok(())
    /// ```
    pub fn scopes(&self) -> Vec<Cow<'_, str>> {
        let Some(raw) = find(&self.0, "scope").or_else(|| find(&self.0, "scp")) else {
            return Vec::new();
        };
        if let Some(list) = elements(raw) {
            return list.into_iter().filter_map(string).collect();
        }
        let words = |text: &str| {
            let words = text.split(' ').filter(|word| !word.is_empty());
            words.map(|word| Cow::Owned(word.to_owned())).collect()
        };
        string(raw).map_or_else(Vec::new, |text| words(&text))
    }
}

/// A member of an object, by its name or by the way to it: the longest name that is there counts.
fn find<'a>(object: &'a str, path: &str) -> Option<&'a str> {
    let object = Object::read(object)?;
    object.get(path).or_else(|| {
        let mut dots = path.rmatch_indices('.');
        dots.find_map(|(dot, _)| find(object.get(&path[..dot])?, &path[dot + 1..]))
    })
}

/// Whether a word can be a scope: RFC 6749's `scope-token`, printable ASCII but space, `"` and `\`.
///
/// ```
/// use peppercorn::auth::is_scope;
///
/// assert!(is_scope("orders:write"));
/// assert!(!is_scope("orders write"));
/// ```
pub fn is_scope(word: &str) -> bool {
    let fit = |byte: u8| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
    !word.is_empty() && word.bytes().all(fit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims(json: &str) -> Claims {
        Claims::read(json).unwrap()
    }

    #[test]
    fn a_claim_is_text() {
        let json = r#"{"sub":"a \"b\"\u00e9","n":1.10,"yes":true,"none":null,"list":[1, "a"],"o":{"x" : 1}}"#;
        let claims = claims(json);
        for (path, expected) in [
            ("sub", Some("a \"b\"é")),
            ("n", Some("1.10")),
            ("yes", Some("true")),
            ("none", None),
            ("absent", None),
            ("list", Some("[1, \"a\"]")),
            ("o", Some("{\"x\" : 1}")),
            ("o.x", Some("1")),
            ("o.y", None),
            ("sub.x", None),
            ("list.0", None),
            ("", None),
            (".", None),
            ("o.", None),
        ] {
            assert_eq!(claims.text(path).as_deref(), expected, "{path}");
        }
        assert_eq!(claims.json(), json);
    }

    #[test]
    fn dots_of_a_name_come_before_dots_of_a_way() {
        let claims = claims(
            r#"{"a":{"b":{"c":1},"b.c":2,"n":3},"a.b":{"c":4},"https://x.example/app":{"t.u":5},
                "z":{"y":6},"z.y":null}"#,
        );
        for (path, expected) in [
            ("a.b.c", Some("4")),
            ("a.n", Some("3")),
            ("https://x.example/app.t.u", Some("5")),
            ("https://x.example/app.t", None),
            ("z.y", None),
        ] {
            assert_eq!(claims.text(path).as_deref(), expected, "{path}");
        }
    }

    #[test]
    fn scopes_are_words_or_a_list() {
        for (json, expected) in [
            (r#"{"scope":"read  write "}"#, &["read", "write"][..]),
            (r#"{"scp":["read","a b"]}"#, &["read", "a b"]),
            (r#"{"scp":"read write"}"#, &["read", "write"]),
            (r#"{"scope":["read",1,"wr\u0069te"]}"#, &["read", "write"]),
            (r#"{"scope":"","scp":"read"}"#, &[]),
            (r#"{"scope":1}"#, &[]),
            (r#"{"scope":{"read":1}}"#, &[]),
            (r#"{"sub":"scope"}"#, &[]),
        ] {
            assert_eq!(claims(json).scopes(), expected, "{json}");
        }
    }

    #[test]
    fn scopes_are_what_rfc_6749_lets_them_be() {
        for yes in ["read", "orders:write", "https://example.com/a.b", "!"] {
            assert!(is_scope(yes), "{yes}");
        }
        for no in ["", "a b", "a\"b", "a\\b", "é", "a\n"] {
            assert!(!is_scope(no), "{no}");
        }
    }
}
