//! What is wrong with a file, and where: `prices.sql:7:12: message`.

use std::fmt;
use std::iter;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::work;

/// A file of SQL: its path as the user would name it, and its text.
#[derive(Debug)]
pub struct Source {
    /// Path as given on the command line, joined with the file's place below it.
    pub path: PathBuf,
    /// The whole text.
    pub text: String,
    /// The path from the directory of all files on.
    inside: PathBuf,
    /// Where each line begins.
    lines: Vec<usize>,
}

/// Something wrong in a file.
#[derive(Clone, Debug)]
pub struct Finding {
    source: Arc<Source>,
    /// Byte offset into the text.
    pub(super) at: usize,
    message: String,
    hint: Option<String>,
    severity: Severity,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// It cannot be served.
    Error,
    /// It can; a reviewer would ask.
    Warning,
}

impl Finding {
    /// A finding at a byte offset of the text.
    pub fn new(source: &Arc<Source>, at: usize, message: impl Into<String>) -> Finding {
        Finding {
            source: source.clone(),
            at: at.min(source.text.len()),
            message: message.into(),
            hint: None,
            severity: Severity::Error,
        }
    }

    /// As something that can be served all the same.
    pub fn as_warning(mut self) -> Finding {
        self.severity = Severity::Warning;
        self
    }

    /// How bad it is.
    pub fn severity(&self) -> Severity {
        self.severity
    }

    /// Whether it cannot be served.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    /// What it is.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What would help, if that is known.
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.source.path
    }

    /// Line and column; both count from 1, the column in characters.
    pub fn position(&self) -> (usize, usize) {
        self.source.position(self.at)
    }

    /// The line that it is about, and below it a mark at the column.
    pub fn excerpt(&self) -> String {
        let start = self.source.lines.partition_point(|start| *start <= self.at) - 1;
        let start = self.source.lines[start];
        let line = self.source.text[start..].lines().next().unwrap_or("");
        // A tab is as wide below as it is above.
        let before = self.source.text[start..self.at].chars();
        let indent: String = before.map(|c| if c == '\t' { c } else { ' ' }).collect();
        format!("{line}\n{indent}^")
    }

    /// Says what would help.
    pub fn with_hint(mut self, hint: impl Into<String>) -> Finding {
        self.hint = Some(hint.into());
        self
    }
}

impl Source {
    /// A file of this path and text.
    pub fn new(path: impl Into<PathBuf>, text: impl Into<String>) -> Source {
        let (path, text) = (path.into(), text.into());
        let ends = text.match_indices('\n').map(|(at, _)| at + 1);
        let lines = iter::once(0).chain(ends).collect();
        Source {
            inside: path.clone(),
            path,
            text,
            lines,
        }
    }

    /// The same as one of the files below `directory`.
    pub(super) fn below(mut self, directory: &Path) -> Source {
        if let Ok(inside) = self.path.strip_prefix(directory) {
            self.inside = inside.to_owned();
        }
        self
    }

    /// The path from the directory of all files on.
    pub(super) fn inside(&self) -> &Path {
        &self.inside
    }

    /// `path:line:column` of a byte offset.
    pub fn place(&self, at: usize) -> String {
        let (line, column) = self.position(at);
        format!("{}:{line}:{column}", self.path.display())
    }

    /// Line and column of a byte offset; both count from 1, the column in characters.
    fn position(&self, at: usize) -> (usize, usize) {
        let before = self.text.get(..at).unwrap_or(&self.text);
        let line = self.lines.partition_point(|start| *start <= before.len());
        let in_line = &before[self.lines[line - 1]..];
        work::add(in_line.len());
        (line, in_line.chars().count() + 1)
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let warning = match self.severity {
            Severity::Error => "",
            Severity::Warning => "warning: ",
        };
        write!(
            f,
            "{}: {warning}{}",
            self.source.place(self.at),
            self.message
        )?;
        match &self.hint {
            Some(hint) => write!(f, "\n    hint: {hint}"),
            None => Ok(()),
        }
    }
}

/// All that is wrong with a folder; never empty.
#[derive(Debug)]
pub struct Findings(pub Vec<Finding>);

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, finding) in self.0.iter().enumerate() {
            write!(f, "{}{finding}", if index == 0 { "" } else { "\n" })?;
        }
        Ok(())
    }
}

impl std::error::Error for Findings {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_from_one_in_characters() {
        let source = Source::new("a.sql", "é;\n\nb");
        let places = [0, 2, 3, 4, 5, 6].map(|at| source.place(at));
        let expected = ["1:1", "1:2", "1:3", "2:1", "3:1", "3:2"];
        assert_eq!(places, expected.map(|place| format!("a.sql:{place}")));
    }

    #[test]
    fn an_excerpt_shows_the_place() {
        let source = Arc::new(Source::new("a.sql", "é\tx;\r\n\nb"));
        let excerpt = |at| Finding::new(&source, at, "").excerpt();
        assert_eq!(excerpt(3), "é\tx;\n \t^");
        assert_eq!(excerpt(7), "\n^");
        assert_eq!(excerpt(9), "b\n ^");
    }

    /// A file with a mistake on every line is not read once more for each.
    #[test]
    fn a_place_costs_its_line() {
        let source = Source::new("a.sql", "mistake\n".repeat(1000));
        let (place, work) = work::of(|| source.place(source.text.len() - 1));
        assert_eq!((place.as_str(), work), ("a.sql:1000:8", 7));
    }
}
