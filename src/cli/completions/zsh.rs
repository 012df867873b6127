//! zsh: a function of its completion system, in the words of `_arguments`.

use std::fmt::Write;

use super::super::{COMMANDS, Opt};
use super::{Value, brief, options_of, quoted};

const BEGINNING: &str = r#"#compdef peppercorn
# Completions of peppercorn for zsh, as `peppercorn completions zsh` prints them.

_peppercorn() {
    local -a commands=(
"#;

const MIDDLE: &str = r#"    )
    if ((CURRENT == 2)); then
        if [[ $words[2] == -* ]]; then
            compadd -- --help --version
        else
            _describe -t commands command commands
        fi
        return
    fi
    local command=$words[2]
    shift words
    ((CURRENT--))
    case $command in
"#;

const END: &str = r#"    esac
}

# Read as a file of $fpath it is the function's body, by `source` only its definition.
if [[ $funcstack[1] == _peppercorn ]]; then
    _peppercorn "$@"
else
    compdef _peppercorn peppercorn
fi
"#;

pub(super) fn script() -> String {
    let mut out = String::from(BEGINNING);
    for verb in COMMANDS {
        let described = format!("{}:{}", verb.name, brief(verb.help).replace(':', r"\:"));
        // Writing to a String does not fail.
        let _ = writeln!(out, "        {}", quoted(&described));
    }
    out.push_str(MIDDLE);
    for verb in COMMANDS {
        let _ = write!(out, "    {})\n        _arguments", verb.name);
        let options = options_of(verb).flat_map(specifications);
        let help = "(- *)--help[print all commands and options]".to_owned();
        let operand = action(verb.operand).map(|action| format!("1:{action}"));
        for specification in options.chain([help]).chain(operand) {
            let _ = write!(out, " \\\n            {}", quoted(&specification));
        }
        out.push_str("\n        ;;\n");
    }
    out.push_str(END);
    out
}

/// One for the long name, and one for the letter.
fn specifications(option: &Opt) -> Vec<String> {
    let help = brief(option.help);
    let help: String = (help.chars())
        .flat_map(|c| [matches!(c, '[' | ']' | ':' | '\\').then_some('\\'), Some(c)])
        .flatten()
        .collect();
    let value = action(option.value).map(|action| format!(":{action}"));
    let value = value.unwrap_or_default();
    // `=` and `+`: the value may also stand in the same word.
    let (long, short) = match value.is_empty() {
        true => ("", ""),
        false => ("=", "+"),
    };
    let repeats = match option.help.contains("repeatable") {
        true => "*",
        false => "",
    };
    let long = format!("{repeats}--{}{long}[{help}]{value}", option.name);
    let short = option
        .short
        .map(|letter| format!("{repeats}-{letter}{short}[{help}]{value}"));
    std::iter::once(long).chain(short).collect()
}

/// What it is, and how it is completed.
fn action(shown: &'static str) -> Option<String> {
    let how = match Value::of(shown) {
        Value::None => return None,
        Value::Words(words) => format!("({})", words.join(" ")),
        Value::File => "_files".to_owned(),
        Value::Directory => "_files -/".to_owned(),
        Value::Unknown => String::from(" "),
    };
    let name = shown.trim_matches(['[', ']']).replace(':', r"\:");
    Some(format!("{name}:{how}"))
}
