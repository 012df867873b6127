//! What shells need to complete what is being typed, out of the tables of commands and options.

mod bash;
mod fish;
mod zsh;

use super::{Command, OPTIONS, Opt, SHELLS, Verb};

/// The script that a shell reads; `None` for one that is not known.
pub(super) fn script(shell: &str) -> Option<String> {
    match shell {
        "bash" => Some(bash::script()),
        "zsh" => Some(zsh::script()),
        "fish" => Some(fish::script()),
        _ => None,
    }
}

/// What a value or an operand can be completed with.
enum Value {
    /// There is none.
    None,
    /// One of these.
    Words(Vec<&'static str>),
    File,
    Directory,
    /// Only who types it knows.
    Unknown,
}

impl Value {
    fn of(shown: &'static str) -> Value {
        match shown {
            "" => Value::None,
            "FILE" => Value::File,
            "DIR" | "[DIR]" => Value::Directory,
            "SHELL" => Value::Words(SHELLS.to_vec()),
            _ if shown.contains('|') => Value::Words(shown.split('|').collect()),
            _ => Value::Unknown,
        }
    }
}

fn options(command: Command) -> impl Iterator<Item = &'static Opt> {
    let of = move |option: &&Opt| option.commands.contains(&command);
    OPTIONS.iter().filter(of)
}

fn options_of(verb: &Verb) -> impl Iterator<Item = &'static Opt> {
    verb.command.into_iter().flat_map(options)
}

/// The first part of a line of help: shells show it beside many others.
fn brief(help: &str) -> &str {
    let ends = ["; ", " [default"].map(|end| help.find(end).unwrap_or(help.len()));
    &help[..ends[0].min(ends[1])]
}

/// In single quotes for zsh, where nothing but the quote has a meaning.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
