//! The corpora in `cases/lexer`: statements with named parameters, each beside what is to become of it.
//!
//! A block of lines is a case: `--- what it is about`, or `--- since 16: …` for what older servers refuse; then the
//! statement. `-- by hand` stands before the same with `$1`; `-- found 1:8: …` says what is wrong, and where.

/// A statement of a corpus.
pub struct Case {
    /// Its file and what it is about.
    pub title: String,
    /// The oldest PostgreSQL that takes it, or words its refusal so.
    pub since: u32,
    pub text: String,
    /// What PostgreSQL is to get.
    pub by_hand: String,
    /// `line:column: message`, if it is refused.
    pub found: String,
}

/// What would not be seen in a file, or be changed by an editor.
const SIGNS: [(char, char); 6] = [
    ('␠', ' '),
    ('␤', '\n'),
    ('␋', '\x0b'),
    ('␌', '\x0c'),
    ('␍', '\r'),
    ('␀', '\0'),
];

fn meant(text: &str) -> String {
    let meant = |sign| SIGNS.iter().find(|(shown, _)| *shown == sign);
    text.chars()
        .map(|sign| meant(sign).map_or(sign, |(_, meant)| *meant))
        .collect()
}

/// The cases of a file.
pub fn read(file: &str, corpus: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    for block in corpus.trim_end().split("\n\n--- ") {
        let (title, text) = block.split_once('\n').expect("a statement");
        let title = title.trim_start_matches("--- ");
        let since = title
            .strip_prefix("since ")
            .and_then(|rest| rest.split_once(':'));
        let (found, text) = match text.strip_prefix("-- found ") {
            Some(found) => found.split_once('\n').expect("a statement"),
            None => ("", text),
        };
        let (text, by_hand) = text.split_once("\n-- by hand\n").unwrap_or((text, ""));
        cases.push(Case {
            title: format!("{file}: {title}"),
            since: since.map_or(0, |(since, _)| since.parse().expect("a version")),
            text: meant(text),
            by_hand: meant(by_hand),
            found: meant(found),
        });
    }
    cases
}

/// Expressions, each beside itself with `«name»` in place of `:name`.
pub fn pieces(corpus: &str) -> Vec<(String, String)> {
    let lines = corpus.lines();
    let pieces = lines.map(|line| line.split_once(" ≙ ").expect("two sides"));
    pieces
        .map(|(text, template)| (meant(text), meant(template)))
        .collect()
}

/// The text of a template, with numbers in the order in which the names stand there.
pub fn numbered(template: &str) -> String {
    let mut names: Vec<&str> = Vec::new();
    let mut text = String::new();
    let mut rest = template;
    while let Some((before, behind)) = rest.split_once('«') {
        let (name, behind) = behind.split_once('»').expect("an end");
        let known = names.iter().position(|known| *known == name);
        let number = known.unwrap_or_else(|| {
            names.push(name);
            names.len() - 1
        });
        text.push_str(&format!("{before}${}", number + 1));
        rest = behind;
    }
    text + rest
}
