//! Findings as somebody reads them: a person, a program, GitHub.

use super::finding::{Finding, Severity};
use crate::json::tree::Node;

/// How findings are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `file:line:column: message`
    Text,
    /// A list of objects.
    Json,
    /// GitHub's workflow commands, which it shows beside the lines.
    Github,
}

/// Findings in this format; each ends its line.
pub fn shown(findings: &[Finding], format: Format) -> String {
    match format {
        Format::Text => findings
            .iter()
            .map(|finding| format!("{finding}\n"))
            .collect(),
        Format::Json => {
            let list = Node::List(findings.iter().map(object).collect());
            String::from_utf8_lossy(&list.pretty()).into_owned()
        }
        Format::Github => findings.iter().map(command).collect(),
    }
}

fn severity(finding: &Finding) -> &'static str {
    match finding.severity() {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

fn object(finding: &Finding) -> Node {
    let (line, column) = finding.position();
    Node::object()
        .with("severity", severity(finding))
        .with("file", finding.path().to_string_lossy().into_owned())
        .with("line", line)
        .with("column", column)
        .with("message", finding.message())
        .with_some("hint", finding.hint())
}

/// `::error file=a.sql,line=3,col=8::message`
fn command(finding: &Finding) -> String {
    let (line, column) = finding.position();
    let mut text = finding.message().to_owned();
    if let Some(hint) = finding.hint() {
        text = format!("{text}\nhint: {hint}");
    }
    // What would end the command, or a property of it.
    let data = |text: &str| {
        let text = text.replace('%', "%25").replace('\r', "%0D");
        text.replace('\n', "%0A")
    };
    let file = data(&finding.path().to_string_lossy());
    format!(
        "::{} file={},line={line},col={column}::{}\n",
        severity(finding),
        file.replace(',', "%2C").replace(':', "%3A"),
        data(&text)
    )
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::sql::finding::Source;

    #[test]
    fn findings_are_shown_to_everybody() {
        let source = Arc::new(Source::new("a,b.sql", "é;\nselect 1"));
        let findings = [
            Finding::new(&source, 4, "100% wrong").with_hint("write\nright"),
            Finding::new(&source, 0, "is \"it\"").as_warning(),
        ];
        assert_eq!(
            shown(&findings, Format::Text),
            "a,b.sql:2:1: 100% wrong\n    hint: write\nright\na,b.sql:1:1: warning: is \"it\"\n"
        );
        assert_eq!(
            shown(&findings, Format::Github),
            "::error file=a%2Cb.sql,line=2,col=1::100%25 wrong%0Ahint: write%0Aright\n\
             ::warning file=a%2Cb.sql,line=1,col=1::is \"it\"\n"
        );
        let json: serde_json::Value =
            serde_json::from_str(&shown(&findings, Format::Json)).unwrap();
        assert_eq!(
            json[1],
            serde_json::json!({
                "severity": "warning", "file": "a,b.sql", "line": 1, "column": 1, "message": "is \"it\"",
            })
        );
    }
}
