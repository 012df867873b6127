//! A statement: its tokens are the text, and PostgreSQL gets the same tokens, with a number for each parameter.

use super::{assert_inside, source};
use crate::sql::Statement;
use crate::sql::lexer::{Lexer, Token, Unterminated};
use crate::work;

/// What lexing may look at for each byte: a token that turns out to be another one is looked at twice.
const WORK_PER_BYTE: usize = 4;

/// Takes a statement, or anything else.
pub fn lexer(text: &str) {
    let (tokens, work) = work::of(|| Lexer::new(text).collect::<Vec<_>>());
    assert!(
        work <= WORK_PER_BYTE * text.len(),
        "{work} for {}",
        text.len()
    );
    let mut at = 0;
    for token in &tokens {
        match token {
            Ok((token, range)) => {
                assert_eq!(range.start, at);
                assert!(!text[range.clone()].is_empty());
                if let Token::Parameter(name) = token {
                    assert_name(&text[name.clone()]);
                }
                at = range.end;
            }
            Err(Unterminated { at: begin, .. }) => {
                // An `N` or a colon may stand before it.
                assert!((at..=at + 1).contains(begin));
                at = text.len();
            }
        }
    }
    assert_eq!(at, text.len());
    let source = source(text);
    match Statement::parse_all(&source, 0..text.len()) {
        Ok(statements) => assert_same(&statements, text),
        Err(finding) => assert_inside(&finding, text),
    }
}

/// A name that a declaration or a route could have as well.
fn assert_name(name: &str) {
    assert!(name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_'));
    assert!(name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'));
}

/// A token as it stands in a text: what it is, and its text or its parameter's name.
type Piece<'a> = (&'static str, &'a str);

/// What PostgreSQL gets are the tokens of `text`, parameters by number, and every place leads back.
fn assert_same(statements: &[Statement], text: &str) {
    let mut expected = pieces(text, &[]);
    expected.retain(|pieces| !pieces.is_empty());
    assert_eq!(statements.len(), expected.len());
    for (statement, expected) in statements.iter().zip(expected) {
        assert!(!statement.sql.contains('\0'));
        for (name, at) in &statement.parameters {
            assert!([&b":'"[..], b":"].iter().any(|colon| {
                let rest = text.as_bytes()[*at..].strip_prefix(*colon);
                rest.is_some_and(|rest| rest.starts_with(name.as_bytes()))
            }));
        }
        let found = pieces(&statement.sql, &statement.parameters);
        assert_eq!(found, [expected]);
        if statement.parameters.is_empty() {
            assert!(text[statement.position_in_file(1)..].starts_with(&statement.sql));
        }
        assert_positions(statement, text);
    }
}

/// For each statement, the tokens from the first that is not blank to the last before the semicolon.
fn pieces<'a>(text: &'a str, parameters: &'a [(String, usize)]) -> Vec<Vec<Piece<'a>>> {
    let mut statements = vec![Vec::new()];
    let mut depth = 0_usize;
    for token in Lexer::new(text) {
        let (token, range) = token.expect("an end");
        let piece = match token {
            Token::Semicolon if depth == 0 => {
                statements.push(Vec::new());
                continue;
            }
            Token::Semicolon => ("Semicolon", ";"),
            Token::Parameter(name) => ("Parameter", &text[name]),
            Token::Positional => {
                let number: usize = text[range.start + 1..range.end].parse().expect("a number");
                ("Parameter", &*parameters[number - 1].0)
            }
            Token::Space => ("Space", &text[range]),
            Token::Comment => ("Comment", &text[range]),
            Token::String => ("String", &text[range]),
            Token::QuotedName => ("QuotedName", &text[range]),
            Token::Word => ("Word", &text[range]),
            Token::Number => ("Number", &text[range]),
            Token::NameVariable => panic!("{token:?} was taken"),
            Token::Other => {
                match &text[range.clone()] {
                    "(" => depth += 1,
                    ")" => depth = depth.saturating_sub(1),
                    _ => {}
                }
                ("Other", &text[range])
            }
        };
        let pieces = statements.last_mut().expect("the first");
        if !(pieces.is_empty() && is_blank(piece)) {
            pieces.push(piece);
        }
    }
    for pieces in &mut statements {
        // White space at the end says nothing, in a comment either.
        while let Some((kind @ ("Space" | "Comment"), text)) = pieces.last_mut() {
            *text = text.trim_end();
            if *kind == "Comment" {
                break;
            }
            pieces.pop();
        }
    }
    statements
}

fn is_blank(piece: Piece<'_>) -> bool {
    matches!(piece.0, "Space" | "Comment")
}

/// A character of the statement leads to the same one in the file, one of a `$1` to its `:name`.
pub(super) fn assert_positions(statement: &Statement, text: &str) {
    let mut last = 0;
    let tokens: Vec<_> = Lexer::new(&statement.sql).flatten().collect();
    // Each costs a pass over the statement.
    for (token, range) in tokens.into_iter().step_by(statement.sql.len() / 100 + 1) {
        let before = statement.sql[..range.start].chars().count();
        let at = statement.position_in_file(before as u32 + 1);
        assert!(at >= last, "backwards");
        last = at;
        let piece = match token {
            Token::Positional => ":",
            _ => &statement.sql[range],
        };
        assert!(text[at..].starts_with(piece), "{piece:?} at {at}");
    }
}
