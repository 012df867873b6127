//! Header values of answers: text that can not end its line.

use std::borrow::Cow;

use super::chars::{self, FIELD};

/// A field value that can be sent: no control characters but HTAB, so it can not end its line and begin another.
///
/// Made [`from`](From::from) text, it has a space for each of them, which is what RFC 9110 section 5.5 tells who
/// receives one to put there. [`new`](Self::new) refuses such text, [`from_static`](Self::from_static) copies nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderValue(Cow<'static, str>);

impl HeaderValue {
    /// The value, if it can be sent as it is.
    pub fn new(value: impl Into<Cow<'static, str>>) -> Option<HeaderValue> {
        let value = value.into();
        chars::all(value.as_bytes(), FIELD).then_some(HeaderValue(value))
    }

    /// A literal, at no cost where it is a constant.
    ///
    /// # Panics
    /// When it holds a control character; a constant then fails to compile.
    pub const fn from_static(literal: &'static str) -> HeaderValue {
        let mut rest = literal.as_bytes();
        while let [byte, after @ ..] = rest {
            assert!(
                chars::is(*byte, FIELD),
                "control character in a header value"
            );
            rest = after;
        }
        HeaderValue(Cow::Borrowed(literal))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for HeaderValue {
    fn from(text: String) -> HeaderValue {
        if chars::all(text.as_bytes(), FIELD) {
            return HeaderValue(Cow::Owned(text));
        }
        let clean = text.chars().map(|c| {
            if c.is_ascii_control() && c != '\t' {
                ' '
            } else {
                c
            }
        });
        HeaderValue(Cow::Owned(clean.collect()))
    }
}

impl From<&str> for HeaderValue {
    fn from(text: &str) -> HeaderValue {
        HeaderValue::from(text.to_owned())
    }
}

impl From<u64> for HeaderValue {
    fn from(number: u64) -> HeaderValue {
        HeaderValue(Cow::Owned(itoa::Buffer::new().format(number).to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 9110 section 5.5
    #[test]
    fn text_is_cleaned_of_them() {
        let value = |text: &str| HeaderValue::from(text).as_str().to_owned();
        assert_eq!(value("a\r\nset-cookie: b\0\x7f"), "a  set-cookie: b  ");
        assert_eq!(value("caf\u{e9}\t\u{85}"), "caf\u{e9}\t\u{85}");
    }
}
