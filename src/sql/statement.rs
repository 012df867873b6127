//! A statement with named parameters, as PostgreSQL gets it: `:market_id` becomes `$1` everywhere.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use super::finding::{Finding, Source};
use super::lexer::{Lexer, Token, is_name, is_space};

/// One SQL statement with `$1`, `$2`, … in place of its parameters' names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Statement {
    /// What PostgreSQL gets.
    pub sql: String,
    /// The names, in the order of their numbers, each with where it first stands in the file.
    pub parameters: Vec<(String, usize)>,
    /// `(offset in sql, offset in the file)`, ascending: from each on, the text is the file's own.
    map: Vec<(usize, usize)>,
}

impl Statement {
    /// Reads the statements in `range` of the file, separated by `;`: at least one.
    ///
    /// # Errors
    /// No statement, something without an end, a variable that cannot be a parameter, a NUL.
    pub fn parse_all(source: &Arc<Source>, range: Range<usize>) -> Result<Vec<Statement>, Finding> {
        if let Some(at) = source.text[range.clone()].find('\0') {
            let message = "a NUL character, of which PostgreSQL takes none";
            return Err(Finding::new(source, range.start + at, message));
        }
        let mut statements = Vec::new();
        let mut building = Building::default();
        for token in tokens(source, range.clone()) {
            let (token, place) = token?;
            match token {
                // One in parentheses ends nothing, to psql either: PostgreSQL is to say what it has against it.
                Token::Semicolon if building.depth == 0 => match building.end() {
                    Some(statement) => statements.push(statement),
                    None => {
                        return Err(Finding::new(source, place.start, "nothing before this ;"));
                    }
                },
                token => building.take(source, token, place)?,
            }
        }
        statements.extend(building.end());
        match statements.is_empty() {
            true => Err(Finding::new(
                source,
                range.start,
                "no statement below this header",
            )),
            false => Ok(statements),
        }
    }

    /// Its first word, in lower case, and the word after that.
    pub(super) fn first_words(&self) -> [String; 2] {
        let words = Lexer::new(&self.sql).flatten();
        let mut words = words.filter(|(token, _)| !token.is_blank());
        [(); 2].map(|()| match words.next() {
            Some((Token::Word, place)) => self.sql[place].to_ascii_lowercase(),
            _ => String::new(),
        })
    }

    /// Whether it is `insert … values` without `on conflict`, and without a query that may have no row.
    pub(super) fn inserts_values(&self) -> bool {
        let tokens = Lexer::new(&self.sql).flatten();
        let words = tokens.filter(|(token, _)| *token == Token::Word);
        let words = words.map(|(_, place)| self.sql[place].to_ascii_lowercase());
        let words: Vec<String> = words.collect();
        let has = |wanted: &str| words.iter().any(|word| word == wanted);
        let inserts = words.first().is_some_and(|first| first == "insert");
        inserts && has("values") && !has("conflict") && !has("select")
    }

    /// Where it begins in the file.
    pub(super) fn at(&self) -> usize {
        self.map.first().map_or(0, |(_, in_file)| *in_file)
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

/// A statement, token by token.
#[derive(Default)]
struct Building<'a> {
    statement: Statement,
    /// The same name is the same number.
    numbers: HashMap<&'a str, usize>,
    /// Parentheses that are open.
    depth: usize,
}

impl<'a> Building<'a> {
    fn take(
        &mut self,
        source: &'a Arc<Source>,
        token: Token,
        place: Range<usize>,
    ) -> Result<(), Finding> {
        let statement = &mut self.statement;
        let text = &source.text[place.clone()];
        let wrong = |message: String| Finding::new(source, place.start, message);
        match token {
            Token::Space | Token::Comment if statement.sql.is_empty() => {}
            Token::Positional => {
                let message = format!("{text}: parameters have names here");
                return Err(wrong(message).with_hint("write :name"));
            }
            Token::NameVariable => {
                let message = format!("{text} would be a name of a table or column");
                return Err(wrong(message).with_hint(
                    "a parameter is a value; write one endpoint per table, or choose with case",
                ));
            }
            Token::Parameter(name) => {
                stands_apart(source, &place)?;
                let name = &source.text[name];
                let parameters = &mut statement.parameters;
                let number = *self.numbers.entry(name).or_insert_with(|| {
                    parameters.push((name.to_owned(), place.start));
                    parameters.len()
                });
                statement.map.push((statement.sql.len(), place.start));
                statement.sql.push_str(&format!("${number}"));
                statement.map.push((statement.sql.len(), place.end));
            }
            _ => {
                match text {
                    "(" => self.depth += 1,
                    ")" => self.depth = self.depth.saturating_sub(1),
                    _ => {}
                }
                if statement.map.is_empty() {
                    statement.map.push((0, place.start));
                }
                statement.sql.push_str(text);
            }
        }
        Ok(())
    }

    /// The statement that ends here, if there is one; the next begins.
    fn end(&mut self) -> Option<Statement> {
        let mut statement = std::mem::take(self).statement;
        let length = statement.sql.trim_end_matches(is_space).len();
        statement.sql.truncate(length);
        (length > 0).then_some(statement)
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
pub(super) fn tokens(
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

/// Where the first thing in `range` begins that is neither white space nor a comment.
pub(super) fn first_token(source: &Arc<Source>, range: Range<usize>) -> Option<usize> {
    let mut tokens = tokens(source, range).map_while(Result::ok);
    let first = tokens.find(|(token, _)| !token.is_blank());
    first.map(|(_, place)| place.start)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_all(text: &str) -> Result<Vec<Statement>, Finding> {
        let source = Arc::new(Source::new("t.sql", text));
        Statement::parse_all(&source, 0..text.len())
    }

    fn parse(text: &str) -> Result<Statement, Finding> {
        let statements = parse_all(text)?;
        assert_eq!(statements.len(), 1, "{text}");
        Ok(statements[0].clone())
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
    fn what_is_no_statement_is_refused() {
        for text in [
            "",
            "-- only a comment",
            ";",
            "select 1;;",
            "select 1; -- x\n;",
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
    fn every_statement_has_its_own_numbers() {
        let text = "delete from a where b = :b and c = :c; -- next\nselect ';', :c, :b";
        let statements = parse_all(text).unwrap();
        let sql: Vec<&str> = statements.iter().map(|one| one.sql.as_str()).collect();
        assert_eq!(
            sql,
            [
                "delete from a where b = $1 and c = $2",
                "select ';', $1, $2"
            ]
        );
        assert_eq!(statements[1].at(), text.find("select").unwrap());
        assert_eq!(
            statements[1].position_in_file(1),
            text.find("select").unwrap()
        );
        assert_eq!(statements[0].first_words(), ["delete", "from"]);
        assert_eq!(statements[1].first_words(), ["select", ""]);
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
}
