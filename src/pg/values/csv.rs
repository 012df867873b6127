//! Values as fields of CSV (RFC 4180): text as it is, in quotes where it must be, and anything else as in JSON.
//!
//! As `copy … csv`, a null is an empty field, and an empty text two quotes.

/// Appends a text as a field.
pub fn field(text: &str, out: &mut Vec<u8>) {
    let must_quote = |byte: u8| matches!(byte, b',' | b'"' | b'\r' | b'\n');
    if !text.is_empty() && !text.bytes().any(must_quote) {
        out.extend_from_slice(text.as_bytes());
        return;
    }
    out.push(b'"');
    for byte in text.bytes() {
        if byte == b'"' {
            out.push(b'"');
        }
        out.push(byte);
    }
    out.push(b'"');
}

/// The text of a JSON string, or of any other value its JSON.
pub fn text_of(json: &[u8]) -> String {
    match json.first() {
        // What was made here is valid.
        Some(b'"') => serde_json::from_slice(json).unwrap_or_default(),
        _ => String::from_utf8_lossy(json).into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_quoted_where_they_must_be() {
        for (text, expected) in [
            ("a b", "a b"),
            ("", "\"\""),
            ("a,b", "\"a,b\""),
            ("say \"a\"", "\"say \"\"a\"\"\""),
            ("a\r\nb", "\"a\r\nb\""),
            ("é;\t'", "é;\t'"),
        ] {
            let mut out = Vec::new();
            field(text, &mut out);
            assert_eq!(out, expected.as_bytes(), "{text:?}");
        }
    }
}
