//! SQL as far as it must be understood: where a `:name` is a parameter, and where it is not.
//!
//! PostgreSQL's lexical rules (manual, "Lexical Structure") with psql's variables on top: `:name` and `:'name'` are
//! parameters, except inside `'…'`, `E'…'`, `"…"`, `$tag$…$tag$` and comments, and where the colon belongs to `::`,
//! `:=` or an array slice `[1:3]`. `standard_conforming_strings` is on: connections see to that.

use std::ops::Range;

use crate::work;

/// What a piece of SQL is. Together the pieces of a text are the whole text, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// White space.
    Space,
    /// `-- …` or `/* … */`.
    Comment,
    /// A string constant in any of its forms.
    String,
    /// `"…"`.
    QuotedName,
    /// A keyword or an unquoted name.
    Word,
    /// A numeric constant.
    Number,
    /// `:name` or `:'name'`; the name's place.
    Parameter(Range<usize>),
    /// `$1`: a parameter without a name.
    Positional,
    /// `:"name"`: psql would paste it as an identifier; a parameter cannot be one.
    NameVariable,
    /// `;`
    Semicolon,
    /// One character of anything else.
    Other,
}

impl Token {
    /// Whether it only stands between others.
    pub(super) fn is_blank(&self) -> bool {
        matches!(self, Token::Space | Token::Comment)
    }
}

/// What keeps a text from being cut into tokens: the construct that begins at `at` has no end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unterminated {
    /// Where it begins.
    pub at: usize,
    /// What it is.
    pub what: &'static str,
}

impl Unterminated {
    /// PostgreSQL takes the `N` or the colon before a quote for a token of its own.
    fn after_first(self) -> Unterminated {
        Unterminated {
            at: self.at + 1,
            ..self
        }
    }
}

/// What stays inside of quotes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Escapes {
    /// Nothing: `X'…'`.
    None,
    /// A doubled quote.
    Quotes,
    /// That, and any character after a backslash: `E'…'`.
    Backslashes,
}

/// Cuts SQL into tokens: `(token, range in the text)`.
pub(super) struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Lexer<'a> {
    /// Begins at the start of `text`.
    pub(super) fn new(text: &'a str) -> Lexer<'a> {
        Lexer { text, at: 0 }
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// The token at `self.at` and its length.
    fn token(&self) -> Result<(Token, usize), Unterminated> {
        let rest = self.rest();
        let bytes = rest.as_bytes();
        let second = bytes.get(1).copied().unwrap_or(0);
        Ok(match bytes[0] {
            byte if is_space(byte as char) => (Token::Space, prefix(rest, is_space)),
            b'-' if second == b'-' => (Token::Comment, prefix(rest, |c| !is_line_end(c))),
            b'/' if second == b'*' => (Token::Comment, self.block_comment()?),
            b'\'' => (Token::String, self.string(0, Escapes::Quotes)?),
            b'e' | b'E' if second == b'\'' => {
                (Token::String, self.string(1, Escapes::Backslashes)?)
            }
            b'b' | b'B' | b'x' | b'X' if second == b'\'' => {
                (Token::String, self.string(1, Escapes::None)?)
            }
            b'n' | b'N' if second == b'\'' => {
                let string = self.string(1, Escapes::Quotes);
                (Token::String, string.map_err(Unterminated::after_first)?)
            }
            b'u' | b'U' if rest[1..].starts_with("&'") => {
                (Token::String, self.string(2, Escapes::Quotes)?)
            }
            b'u' | b'U' if rest[1..].starts_with("&\"") => {
                (Token::QuotedName, self.quoted(2, b'"', Escapes::Quotes)?)
            }
            b'"' => (Token::QuotedName, self.quoted(0, b'"', Escapes::Quotes)?),
            b'$' if second.is_ascii_digit() => (
                Token::Positional,
                1 + prefix(&rest[1..], |c| c.is_ascii_digit()),
            ),
            b'$' => self.dollar_quoted()?,
            b':' => self.colon()?,
            b';' => (Token::Semicolon, 1),
            b'0'..=b'9' => (Token::Number, number(rest)),
            b'.' if second.is_ascii_digit() => (Token::Number, number(rest)),
            // As one: the second begins no number.
            b'.' if second == b'.' => (Token::Other, 2),
            _ if rest.starts_with(is_name_start) => (Token::Word, prefix(rest, is_name)),
            _ => (Token::Other, rest.chars().next().map_or(1, char::len_utf8)),
        })
    }

    /// The length of `'…'` or `"…"`, which is open at `open`.
    fn quoted(&self, open: usize, quote: u8, escapes: Escapes) -> Result<usize, Unterminated> {
        let bytes = self.rest().as_bytes();
        let mut at = open + 1;
        while let Some(byte) = bytes.get(at) {
            work::add(1);
            if *byte == b'\\' && escapes == Escapes::Backslashes {
                at += 2;
            } else if *byte != quote {
                at += 1;
            } else if bytes.get(at + 1) == Some(&quote) && escapes != Escapes::None {
                at += 2;
            } else {
                return Ok(at + 1);
            }
        }
        let what = if quote == b'"' {
            "quoted name"
        } else {
            "string"
        };
        Err(Unterminated { at: self.at, what })
    }

    /// `'…'` with the strings that continue it below: the same is escaped in those as well.
    fn string(&self, open: usize, escapes: Escapes) -> Result<usize, Unterminated> {
        let mut length = self.quoted(open, b'\'', escapes)?;
        while let Some(next) = self.continued(length) {
            length = self.quoted(next, b'\'', escapes)?;
        }
        Ok(length)
    }

    /// Where the string that ended at `end` goes on: at a quote, with a line end and nothing but blanks before it.
    fn continued(&self, end: usize) -> Option<usize> {
        let rest = &self.rest()[end..];
        let (mut at, mut below) = (0, false);
        loop {
            let blank = prefix(&rest[at..], is_space);
            below |= rest[at..at + blank].contains(is_line_end);
            at += blank;
            if !rest[at..].starts_with("--") {
                return (below && rest[at..].starts_with('\'')).then_some(end + at);
            }
            at += prefix(&rest[at..], |c| !is_line_end(c));
        }
    }

    fn block_comment(&self) -> Result<usize, Unterminated> {
        let bytes = self.rest().as_bytes();
        let (mut at, mut depth) = (2, 1);
        while depth > 0 {
            work::add(1);
            match bytes.get(at..at + 2) {
                Some(b"/*") => (at, depth) = (at + 2, depth + 1),
                Some(b"*/") => (at, depth) = (at + 2, depth - 1),
                Some(_) => at += 1,
                None => {
                    return Err(Unterminated {
                        at: self.at,
                        what: "comment",
                    });
                }
            }
        }
        Ok(at)
    }

    /// `$$…$$` or `$tag$…$tag$`; a `$` that begins neither is a character like any other.
    fn dollar_quoted(&self) -> Result<(Token, usize), Unterminated> {
        let rest = self.rest();
        let tag = prefix(&rest[1..], |c| is_name(c) && c != '$');
        let starts_well = tag == 0 || rest[1..].starts_with(is_name_start);
        if !starts_well || rest.as_bytes().get(1 + tag) != Some(&b'$') {
            return Ok((Token::Other, 1));
        }
        let (delimiter, body) = rest.split_at(tag + 2);
        let end = body.find(delimiter);
        work::add(end.unwrap_or(body.len()));
        match end {
            Some(end) => Ok((Token::String, end + 2 * delimiter.len())),
            None => Err(Unterminated {
                at: self.at,
                what: "dollar-quoted string",
            }),
        }
    }

    fn colon(&self) -> Result<(Token, usize), Unterminated> {
        let rest = &self.rest()[1..];
        let begin = self.at + 1;
        Ok(match rest.as_bytes().first() {
            Some(b':' | b'=') => (Token::Other, 2),
            Some(b'\'') => {
                let length = parameter_name(&rest[1..]);
                match length > 0 && rest[1 + length..].starts_with('\'') {
                    true => (Token::Parameter(begin + 1..begin + 1 + length), length + 3),
                    false => (Token::Other, 1),
                }
            }
            Some(b'"') => {
                let quoted = self.quoted(1, b'"', Escapes::Quotes);
                (
                    Token::NameVariable,
                    quoted.map_err(Unterminated::after_first)?,
                )
            }
            _ => match parameter_name(rest) {
                0 => (Token::Other, 1),
                length => (Token::Parameter(begin..begin + length), length + 1),
            },
        })
    }
}

impl Iterator for Lexer<'_> {
    type Item = Result<(Token, Range<usize>), Unterminated>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest().is_empty() {
            return None;
        }
        match self.token() {
            Ok((token, length)) => {
                let range = self.at..self.at + length;
                self.at = range.end;
                Some(Ok((token, range)))
            }
            Err(error) => {
                self.at = self.text.len();
                Some(Err(error))
            }
        }
    }
}

/// The white space of PostgreSQL's lexer.
pub(super) fn is_space(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\n' | '\r' | '\x0b' | '\x0c')
}

fn is_line_end(character: char) -> bool {
    matches!(character, '\n' | '\r')
}

/// PostgreSQL takes every byte above 127 for a letter.
fn is_name_start(character: char) -> bool {
    character.is_ascii_alphabetic() || character == '_' || !character.is_ascii()
}

pub(super) fn is_name(character: char) -> bool {
    is_name_start(character) || character.is_ascii_digit() || character == '$'
}

/// The length of the numeric constant at the start of `text`. A letter that touches it belongs to it, so that it is not
/// taken for a name: PostgreSQL refuses both together.
fn number(text: &str) -> usize {
    let digits = |c: char| c.is_ascii_digit() || c == '_';
    let mut at = prefix(text, digits);
    // `1..2` is not `1.` and `.2`.
    if text[at..].starts_with('.') && !text[at + 1..].starts_with('.') {
        at += 1;
        at += prefix(&text[at..], digits);
    }
    let power = text[at..].strip_prefix(['e', 'E']);
    let power = power.and_then(|power| power.strip_prefix(['+', '-']));
    if power.is_some_and(|power| power.starts_with(|c: char| c.is_ascii_digit())) {
        at += 2;
    }
    at + prefix(&text[at..], |c| is_name(c) && c != '$')
}

/// The length of the parameter's name at the start of `text`: what psql takes, but for digits at the start, which
/// are an array slice, and letters that are not ASCII.
fn parameter_name(text: &str) -> usize {
    match text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        true => prefix(text, |c| c.is_ascii_alphanumeric() || c == '_'),
        false => 0,
    }
}

/// Whether a parameter could be called that.
pub(super) fn is_parameter_name(text: &str) -> bool {
    !text.is_empty() && parameter_name(text) == text.len()
}

/// The length in bytes of the characters at the start of `text` that satisfy `test`.
fn prefix(text: &str, test: impl Fn(char) -> bool) -> usize {
    let length = text
        .find(|character| !test(character))
        .unwrap_or(text.len());
    work::add(length);
    length
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameters(sql: &str) -> Vec<String> {
        Lexer::new(sql)
            .filter_map(|token| match token.unwrap().0 {
                Token::Parameter(name) => Some(sql[name].to_owned()),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn parameters_are_found_where_they_are_parameters() {
        let expected: [(&str, &[&str]); 20] = [
            ("select :a, :'b' + :c_1::int", &["a", "b", "c_1"]),
            ("':a' E'\\':a' e'''\\\\' || :b", &["b"]),
            ("N':a' B':a' X':a' U&':a' U&\":a\" \":a\"", &[]),
            ("'it''s :a' :b", &["b"]),
            ("$$:a$$ $x$ :a $y$ $x$ :b", &["b"]),
            ("-- :a\n:b /* :c /* :d */ :e */ :f", &["b", "f"]),
            ("x::int, f(a := 1), r[1:3], r[1:n], r[:i]", &["n", "i"]),
            ("'{}'::jsonb ? :k and j @> :'v'", &["k", "v"]),
            ("a$1$:b", &["b"]),
            (":a:b", &["a", "b"]),
            ("x<:a and y>=:b", &["a", "b"]),
            (":1 : a :: b", &[]),
            ("'\\' || :a", &["a"]),
            ("é:a", &["a"]),
            ("1e5:a", &["a"]),
            // As PostgreSQL, a carriage return ends a comment, and a string goes on below where it has ended.
            ("-- :a\r:b", &["b"]),
            ("E'a'\n'\\':a' :b", &["b"]),
            ("e'a' -- '\r\n -- '\n'\\':a' :b", &["b"]),
            ("e'a' '\\' :a, 'a'\n'\\' :b", &["a", "b"]),
            (":'1' :'é' :'a$' :'a b'", &[]),
        ];
        for (sql, names) in expected {
            assert_eq!(parameters(sql), names, "{sql}");
        }
    }

    #[test]
    fn what_has_no_end_is_reported_where_it_begins() {
        let expected = [
            ("select 'abc", 7, "string"),
            ("a \"b", 2, "quoted name"),
            ("/* /* */", 0, "comment"),
            ("1 $a$ $b$", 2, "dollar-quoted string"),
            ("E'\\'", 0, "string"),
            ("1 :\"a", 3, "quoted name"),
            ("1 N'a", 3, "string"),
            ("1 X'a", 2, "string"),
            // Nothing is doubled in bits, a string goes on below, and a number ends before a second point.
            ("X'1f''", 5, "string"),
            ("1 'a' -- '\n'b", 2, "string"),
            ("1.5.e'\\'", 4, "string"),
            ("1..$a$", 3, "dollar-quoted string"),
        ];
        for (sql, at, what) in expected {
            assert_eq!(
                Lexer::new(sql).find_map(Result::err),
                Some(Unterminated { at, what }),
                "{sql}"
            );
        }
    }
}
