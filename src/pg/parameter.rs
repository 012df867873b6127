//! Values of parameters, in PostgreSQL's text format: whatever the type's input function reads.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;

use bytes::BytesMut;
use tokio_postgres::types::{Format, IsNull, ToSql, Type};

use crate::json;

/// A parameter's value as text. `None` is NULL.
///
/// ```
/// use peppercorn::Parameter;
///
/// assert_eq!(Parameter::from(12.5).as_text(), Some("12.5"));
/// assert_eq!(Parameter::from(vec!["fiction", "crime"]).as_text(), Some(r#"{"fiction","crime"}"#));
/// assert_eq!(Parameter::from(None::<i64>).as_text(), None);
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Parameter(pub(crate) Option<Box<str>>);

impl Parameter {
    /// What PostgreSQL is given; `None` for NULL.
    ///
    /// ```
    /// use peppercorn::Parameter;
    ///
    /// assert_eq!(Parameter::from(&[0_u8, 255][..]).as_text(), Some(r"\x00ff"));
    /// ```
    pub fn as_text(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

/// Never shows the value: tokio-postgres logs parameters at debug level, and they are the client's own data.
impl fmt::Debug for Parameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "…" } else { "null" })
    }
}

impl ToSql for Parameter {
    fn to_sql(
        &self,
        _: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn StdError + Sync + Send>> {
        let Some(text) = &self.0 else {
            return Ok(IsNull::Yes);
        };
        out.extend_from_slice(text.as_bytes());
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn encode_format(&self, _: &Type) -> Format {
        Format::Text
    }

    fn to_sql_checked(
        &self,
        ty: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn StdError + Sync + Send>> {
        self.to_sql(ty, out)
    }
}

impl From<&str> for Parameter {
    fn from(text: &str) -> Parameter {
        Parameter(Some(text.into()))
    }
}

impl From<String> for Parameter {
    fn from(text: String) -> Parameter {
        Parameter(Some(text.into()))
    }
}

impl From<&String> for Parameter {
    fn from(text: &String) -> Parameter {
        text.as_str().into()
    }
}

impl From<Cow<'_, str>> for Parameter {
    fn from(text: Cow<'_, str>) -> Parameter {
        text.into_owned().into()
    }
}

macro_rules! as_displayed {
    ($($ty:ty),*) => {$(
        impl From<$ty> for Parameter {
            fn from(value: $ty) -> Parameter {
                value.to_string().into()
            }
        }
    )*};
}

as_displayed!(
    bool,
    i16,
    i32,
    i64,
    u16,
    u32,
    u64,
    usize,
    f32,
    f64,
    serde_json::Value,
    &serde_json::Value
);

/// For a `bytea`.
impl From<&[u8]> for Parameter {
    fn from(bytes: &[u8]) -> Parameter {
        let mut text = b"\\x".to_vec();
        json::hex(bytes, &mut text);
        String::from_utf8_lossy(&text).into()
    }
}

/// `None` is NULL.
impl<T: Into<Parameter>> From<Option<T>> for Parameter {
    fn from(value: Option<T>) -> Parameter {
        value.map_or(Parameter(None), Into::into)
    }
}

/// For an array.
impl<T: Into<Parameter>> From<Vec<T>> for Parameter {
    fn from(values: Vec<T>) -> Parameter {
        let mut literal = Literal::new();
        for value in values {
            match value.into().0 {
                Some(text) => literal.push(&text),
                None => literal.push_raw("NULL"),
            }
        }
        literal.end().into()
    }
}

/// PostgreSQL's array literal, element by element.
pub struct Literal(String);

impl Default for Literal {
    fn default() -> Literal {
        Literal::new()
    }
}

impl Literal {
    /// Without an element.
    pub fn new() -> Literal {
        Literal(String::from("{"))
    }

    /// An element, whatever its text.
    pub fn push(&mut self, text: &str) {
        self.separate();
        quote(text, &mut self.0);
    }

    /// `NULL`, or a literal.
    pub fn push_raw(&mut self, raw: &str) {
        self.separate();
        self.0.push_str(raw);
    }

    fn separate(&mut self) {
        if self.0.len() > 1 {
            self.0.push(',');
        }
    }

    /// Its text.
    pub fn end(mut self) -> String {
        self.0.push('}');
        self.0
    }
}

/// Quoted always: `NULL`, an empty string, commas and braces need it, and the rest may have it.
fn quote(text: &str, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        if matches!(character, '"' | '\\') {
            out.push('\\');
        }
        out.push(character);
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_what_postgresql_reads() {
        let text = |value: Parameter| value.as_text().map(str::to_owned);
        let is = |expected: &str| Some(expected.to_owned());
        assert_eq!(text("a'b".into()), is("a'b"));
        assert_eq!(text((-7_i64).into()), is("-7"));
        assert_eq!(text(1.5_f64.into()), is("1.5"));
        assert_eq!(text(true.into()), is("true"));
        assert_eq!(text(None::<i32>.into()), None);
        assert_eq!(text(Some("").into()), is(""));
        assert_eq!(text([0_u8, 255].as_slice().into()), is("\\x00ff"));
        assert_eq!(
            text(serde_json::json!({"a": [1]}).into()),
            is(r#"{"a":[1]}"#)
        );
        assert_eq!(
            text(vec![Some("NULL"), None, Some(r#"a"\,"#)].into()),
            is(r#"{"NULL",NULL,"a\"\\,"}"#)
        );
        assert_eq!(text(Vec::<i32>::new().into()), is("{}"));
    }

    #[test]
    fn values_are_not_shown() {
        assert_eq!(format!("{:?}", Parameter::from("secret")), "…");
    }
}
