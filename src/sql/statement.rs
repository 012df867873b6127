//! A statement with named parameters, as PostgreSQL gets it: `:market_id` becomes `$1` everywhere.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use super::finding::{Finding, Source};
use super::lexer::{Lexer, Token, is_name, is_space};

/// One SQL statement with `$1`, `$2`, … in place of its parameters' names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// What PostgreSQL gets.
    pub sql: String,
    /// The names, in the order of their numbers, each with where it first stands in the file.
    pub parameters: Vec<(String, usize)>,
    /// `(offset in sql, offset in the file)`, ascending: from each on, the text is the file's own.
    map: Vec<(usize, usize)>,
}

impl Statement {
    /// Reads the one statement in `range` of the file.
    ///
    /// # Errors
    /// No statement, more than one, something without an end, a variable that cannot be a parameter, a NUL.
    pub fn parse(source: &Arc<Source>, range: Range<usize>) -> Result<Statement, Finding> {
        if let Some(at) = source.text[range.clone()].find('\0') {
            let message = "a NUL character, of which PostgreSQL takes none";
            return Err(Finding::new(source, range.start + at, message));
        }
        let mut statement = Statement {
            sql: String::new(),
            parameters: Vec::new(),
            map: Vec::new(),
        };
        // The same name is the same number.
        let mut numbers: HashMap<&str, usize> = HashMap::new();
        let mut ended = false;
        for token in tokens(source, range.clone()) {
            let (token, place) = token?;
            let blank = matches!(token, Token::Space | Token::Comment);
            if blank && (ended || statement.sql.is_empty()) {
                continue;
            }
            match token {
                Token::Semicolon if statement.sql.is_empty() => {
                    return Err(Finding::new(source, place.start, "nothing before this ;"));
                }
                Token::Semicolon => ended = true,
                _ if ended => {
                    return Err(
                        Finding::new(source, place.start, "a second statement").with_hint(
                            "an endpoint is one statement; begin the next with its own `-- name:`",
                        ),
                    );
                }
                Token::Positional => {
                    let text = &source.text[place.clone()];
                    return Err(Finding::new(
                        source,
                        place.start,
                        format!("{text}: parameters have names here"),
                    )
                    .with_hint("write :name"));
                }
                Token::NameVariable => {
                    let text = &source.text[place.clone()];
                    return Err(Finding::new(
                        source,
                        place.start,
                        format!("{text} would be a name of a table or column"),
                    )
                    .with_hint(
                        "a parameter is a value; write one endpoint per table, or choose with case",
                    ));
                }
                Token::Parameter(name) => {
                    stands_apart(source, &place)?;
                    let name = &source.text[name];
                    let number = *numbers.entry(name).or_insert_with(|| {
                        let parameters = &mut statement.parameters;
                        parameters.push((name.to_owned(), place.start));
                        parameters.len()
                    });
                    statement.map.push((statement.sql.len(), place.start));
                    statement.sql.push_str(&format!("${number}"));
                    statement.map.push((statement.sql.len(), place.end));
                }
                _ => {
                    if statement.map.is_empty() {
                        statement.map.push((0, place.start));
                    }
                    statement.sql.push_str(&source.text[place]);
                }
            }
        }
        if statement.sql.is_empty() {
            return Err(Finding::new(
                source,
                range.start,
                "no statement below this header",
            ));
        }
        statement
            .sql
            .truncate(statement.sql.trim_end_matches(is_space).len());
        Ok(statement)
    }

    /// Where PostgreSQL's error position, a character of `sql` counted from 1, is in the file.
    pub fn position_in_file(&self, position: u32) -> usize {
        let characters = (position as usize).saturating_sub(1);
        let offset = self
            .sql
            .char_indices()
            .nth(characters)
            .map_or(self.sql.len(), |(offset, _)| offset);
        match self.map.iter().rev().find(|(in_sql, _)| *in_sql <= offset) {
            Some((in_sql, in_file)) => in_file + (offset - in_sql),
            None => 0,
        }
    }
}

/// In place of a parameter that touches a word, its `$1` would become one word with it.
fn stands_apart(source: &Arc<Source>, place: &Range<usize>) -> Result<(), Finding> {
    let (before, after) = (&source.text[..place.start], &source.text[place.end..]);
    if !before.ends_with(is_name) && !after.starts_with(is_name) {
        return Ok(());
    }
    let text = &source.text[place.clone()];
    let message = format!("{text} touches the word beside it");
    Err(Finding::new(source, place.start, message).with_hint("put a space between"))
}

/// The tokens of a part of a file, with their places in the file.
fn tokens(
    source: &Arc<Source>,
    range: Range<usize>,
) -> impl Iterator<Item = Result<(Token, Range<usize>), Finding>> {
    let start = range.start;
    let shift = move |place: Range<usize>| place.start + start..place.end + start;
    Lexer::new(&source.text[range]).map(move |token| match token {
        Ok((Token::Parameter(name), place)) => Ok((Token::Parameter(shift(name)), shift(place))),
        Ok((token, place)) => Ok((token, shift(place))),
        Err(error) => Err(Finding::new(
            source,
            start + error.at,
            format!("the {} that begins here has no end", error.what),
        )),
    })
}

/// Where one of `words` stands as the first word of the statement, or of a `with` query.
pub(super) fn keyword(
    source: &Arc<Source>,
    range: Range<usize>,
    words: &[&str],
) -> Option<(usize, String)> {
    let mut first = true;
    for token in tokens(source, range) {
        let (token, place) = token.ok()?;
        let text = &source.text[place.clone()];
        match token {
            Token::Space | Token::Comment => continue,
            Token::Word if first && words.contains(&text.to_ascii_lowercase().as_str()) => {
                return Some((place.start, text.to_owned()));
            }
            // What opens a query: the start, or a parenthesis.
            _ => first = text == "(",
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Statement, Finding> {
        let source = Arc::new(Source::new("t.sql", text));
        Statement::parse(&source, 0..text.len())
    }

    #[test]
    fn names_become_numbers_and_positions_lead_back() {
        let text = "-- why\nselect 'é', :b, :a, :'b'::int -- :c\n  from t;\n";
        let statement = parse(text).unwrap();
        assert_eq!(statement.sql, "select 'é', $1, $2, $1::int -- :c\n  from t");
        let names: Vec<&str> = statement
            .parameters
            .iter()
            .map(|(name, _)| name.as_str())
            .collect();
        assert_eq!(names, ["b", "a"]);
        for piece in ["select", ", ", "::int", "from", "t"] {
            let in_sql = statement.sql.find(piece).unwrap();
            let position = statement.sql[..in_sql].chars().count() as u32 + 1;
            assert_eq!(
                statement.position_in_file(position),
                text.find(piece).unwrap(),
                "{piece}"
            );
        }
        let second = statement.sql.find("$2").unwrap();
        let position = statement.sql[..second].chars().count() as u32 + 1;
        assert_eq!(
            statement.position_in_file(position),
            text.find(":a").unwrap()
        );
    }

    #[test]
    fn what_is_no_single_statement_is_refused() {
        for text in [
            "",
            "-- only a comment",
            ";",
            "select 1; select 2",
            "select $1",
            "select :\"a\"",
            "select 'a",
            "select 'a\0'",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert_eq!(parse("select 1; -- end\n").unwrap().sql, "select 1");
    }

    #[test]
    fn a_parameter_that_would_become_one_word_with_another_is_refused() {
        for text in [
            "limit:a", "1:a", "x1:a", "é:a", "$:a", ":a:b", ":aé", ":'a'b", ":'a'1", ":a$",
            ":'a'e'x'", "r[1:a]",
        ] {
            let finding = parse(text).unwrap_err().to_string();
            assert!(finding.contains(" touches the word beside it"), "{finding}");
        }
        let signs = parse("select(:a)::int+:b||:'c'||'x'||x[:a]<=:b,:c.d").unwrap();
        assert_eq!(signs.sql, "select($1)::int+$2||$3||'x'||x[$1]<=$2,$3.d");
    }

    #[test]
    fn only_sqls_own_white_space_is_taken_from_the_end() {
        assert_eq!(
            parse("select a\u{a0} \t\r\n").unwrap().sql,
            "select a\u{a0}"
        );
    }

    #[test]
    fn writing_is_found_at_the_start_and_in_with() {
        let find = |text: &str| {
            let source = Arc::new(Source::new("t.sql", text));
            keyword(&source, 0..text.len(), &["insert", "update", "delete"]).map(|(at, _)| at)
        };
        assert_eq!(find("/* x */ Insert into t"), Some(8));
        assert_eq!(
            find("with a as (\n delete from t returning 1) select"),
            Some(13)
        );
        assert_eq!(
            find("select update from t where x = 'delete' for share"),
            None
        );
    }
}
