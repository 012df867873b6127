//! fish: one `complete` for each command and each option.

use std::fmt::Write;

use super::super::COMMANDS;
use super::{Value, brief, options_of};

pub(super) fn script() -> String {
    let mut out = String::from(
        "# Completions of peppercorn for fish, as `peppercorn completions fish` prints them.

complete -c peppercorn -f
complete -c peppercorn -s h -l help -d 'print all commands and options'
complete -c peppercorn -n __fish_use_subcommand -s V -l version -d 'print the version'
",
    );
    for verb in COMMANDS {
        // Writing to a String does not fail.
        let _ = writeln!(
            out,
            "complete -c peppercorn -n __fish_use_subcommand -a {} -d {}",
            verb.name,
            quoted(brief(verb.help))
        );
    }
    for verb in COMMANDS {
        let line = format!(
            "complete -c peppercorn -n '__fish_seen_subcommand_from {}'",
            verb.name
        );
        out.push('\n');
        if let Some(how) = how(verb.operand).filter(|how| how.contains(" -a ")) {
            let _ = writeln!(out, "{line}{how}");
        }
        for option in options_of(verb) {
            let short = option.short.map(|letter| format!(" -s {letter}"));
            let (short, help) = (short.unwrap_or_default(), quoted(brief(option.help)));
            let value = how(option.value).unwrap_or_default();
            let _ = writeln!(out, "{line}{short} -l {}{value} -d {help}", option.name);
        }
    }
    out
}

/// How a value is completed; `None` if there is none.
fn how(shown: &'static str) -> Option<String> {
    Some(match Value::of(shown) {
        Value::None => return None,
        Value::Words(words) => format!(" -x -a '{}'", words.join(" ")),
        Value::File => " -r -F".to_owned(),
        Value::Directory => " -x -a '(__fish_complete_directories (commandline -ct))'".to_owned(),
        Value::Unknown => " -x".to_owned(),
    })
}

/// In single quotes, in which a backslash stands before them and itself.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', r"\\").replace('\'', r"\'"))
}
