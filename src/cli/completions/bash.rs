//! bash: a function that is given the words of the line and sets `COMPREPLY`.

use std::fmt::Write;

use super::super::{COMMANDS, Opt, Verb};
use super::{Value, options_of};

const BEGINNING: &str = r#"# Completions of peppercorn for bash, as `peppercorn completions bash` prints them.

_peppercorn() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command=${COMP_WORDS[1]}
    local words=
    COMPREPLY=()
    # --option=value comes as three words.
    if [[ $word == = ]]; then
        word=
    elif [[ $before == = ]]; then
        before=${COMP_WORDS[COMP_CWORD - 2]}
    fi
    if ((COMP_CWORD == 1)); then
"#;

const END: &str = r#"        esac
    fi
    case $words in
    files)
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
        ;;
    directories)
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -d -- "$word")
        ;;
    *) mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word") ;;
    esac
}

complete -F _peppercorn peppercorn
"#;

pub(super) fn script() -> String {
    let mut out = String::from(BEGINNING);
    let names = COMMANDS.iter().map(|verb| verb.name);
    let names: Vec<&str> = names.chain(["--help", "--version"]).collect();
    // Writing to a String does not fail.
    let _ = writeln!(out, "        words='{}'", names.join(" "));
    out.push_str("    else\n        case \"$command $before\" in\n");
    for verb in COMMANDS {
        for option in options_of(verb) {
            if let Some(words) = words(Value::of(option.value)) {
                let patterns = patterns(verb, option);
                let _ = writeln!(out, "        {patterns}) words='{words}' ;;");
            }
        }
    }
    out.push_str("        *)\n            case \"$command $word\" in\n");
    for verb in COMMANDS {
        let flags: Vec<String> = options_of(verb).flat_map(flags).collect();
        let flags = [&flags[..], &["--help".to_owned()]].concat().join(" ");
        let _ = writeln!(out, "            '{} -'*) words='{flags}' ;;", verb.name);
        if let Some(words) = words(Value::of(verb.operand)).filter(|words| !words.is_empty()) {
            let _ = writeln!(out, "            '{} '*) words='{words}' ;;", verb.name);
        }
    }
    out.push_str("            esac\n            ;;\n");
    out.push_str(END);
    out
}

/// None where there is nothing to be completed, and the next word is another matter.
fn words(value: Value) -> Option<String> {
    match value {
        Value::None => None,
        Value::Words(words) => Some(words.join(" ")),
        Value::File => Some("files".to_owned()),
        Value::Directory => Some("directories".to_owned()),
        Value::Unknown => Some(String::new()),
    }
}

fn flags(option: &Opt) -> Vec<String> {
    let short = option.short.map(|letter| format!("-{letter}"));
    let long = format!("--{}", option.name);
    std::iter::once(long).chain(short).collect()
}

fn patterns(verb: &Verb, option: &Opt) -> String {
    let typed = flags(option).into_iter();
    let typed: Vec<String> = typed
        .map(|flag| format!("'{} {flag}'", verb.name))
        .collect();
    typed.join(" | ")
}
