//! `a=1&b=2`: a query, or a form in a body (WHATWG URL, application/x-www-form-urlencoded).

use std::borrow::Cow;

/// One pair, decoded; `None` for what is not UTF-8.
pub type Pair<'a> = (Option<Cow<'a, str>>, Option<Cow<'a, str>>);

/// The pairs, in order.
pub fn pairs(text: &str) -> impl Iterator<Item = Pair<'_>> {
    text.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decode(key), decode(value))
    })
}

fn decode(text: &str) -> Option<Cow<'_, str>> {
    match text.contains('+') {
        false => super::percent_decode(text),
        true => {
            super::percent_decode(&text.replace('+', " ")).map(|text| Cow::Owned(text.into_owned()))
        }
    }
}

/// `text` as a key or a value of a pair.
pub fn encode(text: &str, out: &mut String) {
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(byte as char)
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_decoded() {
        let pairs: Vec<_> = pairs("a=1+2&b=%26%2B&&c&d=%ff").collect();
        let text = |text: &'static str| Some(Cow::Borrowed(text));
        assert_eq!(
            pairs,
            [
                (text("a"), text("1 2")),
                (text("b"), text("&+")),
                (text("c"), text("")),
                (text("d"), None)
            ]
        );
    }

    #[test]
    fn what_is_encoded_is_decoded() {
        let mut out = String::new();
        encode("a b&c=é+%", &mut out);
        assert_eq!(out, "a%20b%26c%3D%C3%A9%2B%25");
        assert_eq!(decode(&out).as_deref(), Some("a b&c=é+%"));
    }
}
