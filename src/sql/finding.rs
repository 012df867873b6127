//! What is wrong with a file, and where: `prices.sql:7:12: message`.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use crate::work;

/// A file of SQL: its path as the user would name it, and its text.
#[derive(Debug)]
pub struct Source {
    /// Path as given on the command line, joined with the file's place below it.
    pub path: PathBuf,
    /// The whole text.
    pub text: String,
}

/// Something wrong in a file.
#[derive(Clone, Debug)]
pub struct Finding {
    source: Arc<Source>,
    /// Byte offset into the text.
    at: usize,
    message: String,
    hint: Option<String>,
}

impl Finding {
    /// A finding at a byte offset of the text.
    pub fn new(source: &Arc<Source>, at: usize, message: impl Into<String>) -> Finding {
        Finding {
            source: source.clone(),
            at: at.min(source.text.len()),
            message: message.into(),
            hint: None,
        }
    }

    /// Says what would help.
    pub fn with_hint(mut self, hint: impl Into<String>) -> Finding {
        self.hint = Some(hint.into());
        self
    }
}

impl Source {
    /// `path:line:column` of a byte offset; both count from 1, the column in characters.
    pub fn place(&self, at: usize) -> String {
        let before = self.text.get(..at).unwrap_or(&self.text);
        work::add(before.len());
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line = before.matches('\n').count() + 1;
        let column = before[line_start..].chars().count() + 1;
        format!("{}:{line}:{column}", self.path.display())
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.source.place(self.at), self.message)?;
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
