//! Reading JSON objects: their members, each with its own text, so that numbers keep their digits.
//!
//! [`check`] is for what others have signed: a text that no two readers can take for different things, and that
//! PostgreSQL can store.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// An object's members, in order: names without escapes, values as they stand.
#[derive(Debug)]
pub struct Object<'a>(Vec<(Cow<'a, str>, &'a str)>);

/// Why a text is no object that can be trusted to mean one thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// It is not valid JSON, or a string in it is no Unicode, or what it is is no object.
    NotAnObject,
    /// Two members of one object have the same name: which of them counts, readers disagree.
    Twice,
    /// A string or a name has the character NUL, which PostgreSQL cannot store.
    Nul,
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Flaw::NotAnObject => "is not a JSON object",
            Flaw::Twice => "has two members of one name",
            Flaw::Nul => "has the character NUL, which PostgreSQL cannot store",
        })
    }
}

impl std::error::Error for Flaw {}

impl<'a> Object<'a> {
    /// The members of the object that `text` is; `None` if it is none. What is inside of the values is not looked at.
    pub fn read(text: &'a str) -> Option<Object<'a>> {
        Object::parse(text).ok()
    }

    /// The same, for who tells where it is none.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub fn parse(text: &'a str) -> Result<Object<'a>, serde_json::Error> {
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let members = deserializer.deserialize_map(Members)?;
        deserializer.end()?;
        Ok(Object(members))
    }

    /// The same, of a text that is [checked](check) first.
    ///
    /// # Errors
    /// See [`check`].
    pub fn checked(text: &'a str) -> Result<Object<'a>, Flaw> {
        check(text)?;
        Object::read(text).ok_or(Flaw::NotAnObject)
    }

    /// A member's value.
    pub fn get(&self, name: &str) -> Option<&'a str> {
        let found = self.0.iter().find(|(own, _)| own == name);
        found.map(|(_, value)| *value)
    }

    /// All of them.
    pub fn into_members(self) -> impl Iterator<Item = (Cow<'a, str>, &'a str)> {
        self.0.into_iter()
    }
}

/// Looks at all of the object that `text` is, to its innermost value.
///
/// # Errors
/// See [`Flaw`]; also more than 128 values one in the other, and numbers that no `double precision` can hold.
pub fn check(text: &str) -> Result<(), Flaw> {
    if !text.trim_start().starts_with('{') {
        return Err(Flaw::NotAnObject);
    }
    let flaw = Cell::new(Flaw::NotAnObject);
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let sound = Sound(&flaw).deserialize(&mut deserializer);
    (sound.and_then(|()| deserializer.end())).map_err(|_| flaw.get())
}

/// The text of a JSON string; `None` for any other value.
pub fn string(raw: &str) -> Option<Cow<'_, str>> {
    let inner = raw.strip_prefix('"')?.strip_suffix('"')?;
    match inner.contains('\\') {
        false => Some(Cow::Borrowed(inner)),
        true => serde_json::from_str(raw).ok().map(Cow::Owned),
    }
}

/// The elements of a JSON list, as they stand; `None` for any other value.
pub fn elements(raw: &str) -> Option<Vec<&str>> {
    let elements: Vec<&RawValue> = serde_json::from_str(raw).ok()?;
    Some(elements.into_iter().map(RawValue::get).collect())
}

/// The texts of a JSON list of strings; `None` for any other value.
pub fn strings(raw: &str) -> Option<Vec<Cow<'_, str>>> {
    elements(raw)?.into_iter().map(string).collect()
}

struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Vec<(Cow<'de, str>, &'de str)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        // Names come raw as well: a borrowed `&str` would refuse escapes.
        while let Some((name, value)) = map.next_entry::<&RawValue, &RawValue>()? {
            let name =
                string(name.get()).ok_or_else(|| A::Error::custom("is not a valid string"))?;
            members.push((name, value.get()));
        }
        Ok(members)
    }
}

/// Any value without a [`Flaw`]; says which one it has found.
#[derive(Clone, Copy)]
struct Sound<'f>(&'f Cell<Flaw>);

impl Sound<'_> {
    fn refuse<E: serde::de::Error>(self, flaw: Flaw) -> E {
        self.0.set(flaw);
        E::custom(flaw)
    }
}

impl<'de> DeserializeSeed<'de> for Sound<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Sound<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<(), E> {
        match text.contains('\0') {
            true => Err(self.refuse(Flaw::Nul)),
            false => Ok(()),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element_seed(self)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut names = Vec::new();
        while let Some(name) = map.next_key::<String>()? {
            self.visit_str(&name)?;
            names.push(name);
            map.next_value_seed(self)?;
        }
        // Sorted: who sends a thousand names must not have them compared each with each.
        names.sort_unstable();
        match names.windows(2).any(|pair| pair[0] == pair[1]) {
            true => Err(self.refuse(Flaw::Twice)),
            false => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_keep_their_text() {
        let object = Object::checked(
            " {\"a\": 1.10, \"\\u0062\": \"x\\ny\", \"c\": null, \"d\": [1, {\"e\":  2}]} ",
        );
        let object = object.unwrap();
        assert_eq!(object.get("b").and_then(string).as_deref(), Some("x\ny"));
        assert_eq!(object.get("e"), None);
        let members: Vec<_> = object.into_members().collect();
        let expected = [
            ("a", "1.10"),
            ("b", "\"x\\ny\""),
            ("c", "null"),
            ("d", "[1, {\"e\":  2}]"),
        ];
        assert_eq!(members, expected.map(|(name, value)| (name.into(), value)));
        assert_eq!(string("1"), None);
        assert_eq!(strings("[\"a\", \"b\\u0021\"]").unwrap(), ["a", "b!"]);
        assert_eq!(strings("[\"a\", 1]"), None);
        assert_eq!(elements("{}"), None);
    }

    #[test]
    fn flaws_are_found_at_any_depth() {
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(200), "]".repeat(200));
        for (text, flaw) in [
            ("", Flaw::NotAnObject),
            ("[]", Flaw::NotAnObject),
            ("\"{}\"", Flaw::NotAnObject),
            ("{} {}", Flaw::NotAnObject),
            ("{\"a\":1,}", Flaw::NotAnObject),
            ("{\"a\":01}", Flaw::NotAnObject),
            ("{\"a\":1e999}", Flaw::NotAnObject),
            ("{\"a\":\"\\ud800\"}", Flaw::NotAnObject),
            ("{\"a\":\"\u{1}\"}", Flaw::NotAnObject),
            (&deep, Flaw::NotAnObject),
            ("{\"a\":1,\"b\":2,\"\\u0061\":1}", Flaw::Twice),
            ("{\"a\":[{\"b\":{\"c\":1,\"c\":1}}]}", Flaw::Twice),
            ("{\"a\":\"x\\u0000\"}", Flaw::Nul),
            ("{\"a\":[{\"\\u0000\":1}]}", Flaw::Nul),
        ] {
            assert_eq!(Object::checked(text).err(), Some(flaw), "{text}");
        }
        for sound in [
            "{}",
            "{\"a\":{\"a\":{\"a\":-1.5e-3}},\"b\":[[]]}",
            "{\"\":\"\\ud83d\\ude00\"}",
        ] {
            assert!(Object::checked(sound).is_ok(), "{sound}");
        }
    }
}
