//! What was typed: a command, its operands and its options. Nothing is interpreted here; see [`config`](crate::config).
//!
//! Each option is declared once, in [`OPTIONS`]: the parser, `--help`, the manual page, the completions of shells, the
//! environment variables and the defaults all come from there.

#[cfg(feature = "manual")]
mod completions;
mod help;
#[cfg(feature = "manual")]
mod man;
mod options;

use std::ffi::OsString;

pub use help::help;
pub use options::{COMMANDS, OPTIONS, SHELLS};

/// What the program can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Serve the SQL files of a directory.
    Serve,
    /// Prepare every file and say what is wrong.
    Check,
    /// Print the OpenAPI document.
    OpenApi,
    /// Ask a running server whether it answers.
    Ping,
    /// Tell of the services that run.
    Status,
    /// Measure layouts and servers.
    Bench,
}

/// The word that comes first, and its operand.
#[derive(Debug)]
pub struct Verb {
    /// As it is typed.
    pub name: &'static str,
    /// What may follow, in capitals; in brackets if it can be left out, empty if nothing may.
    pub operand: &'static str,
    /// What the program does then; none for those that only print what the program says of itself.
    pub command: Option<Command>,
    /// One line.
    pub help: &'static str,
}

/// An option, as typed and as looked up.
#[derive(Debug)]
pub struct Opt {
    /// `--name`; the environment variable is `PEPPERCORN_NAME`.
    pub name: &'static str,
    /// `-n`.
    pub short: Option<char>,
    /// What its value is, in capitals; empty if it has none, and is either typed or not.
    pub value: &'static str,
    /// Its value when nobody says; empty when that takes words, which are in `help`.
    pub default: &'static str,
    /// One line.
    pub help: &'static str,
    /// The commands that know it.
    pub commands: &'static [Command],
}

/// What was typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Args {
    /// The command.
    pub command: Command,
    /// The directory, or the URL.
    pub operand: Option<String>,
    /// Options and their values, by name; where one value is meant, the last counts.
    pub options: Vec<(&'static str, String)>,
}

/// How the command line ends without a command to run.
#[derive(Debug, PartialEq, Eq)]
pub enum Parsed {
    /// Run this.
    Run(Args),
    /// Print this on standard output and be done.
    Print(String),
}

/// Reads the words after the program's name.
///
/// # Errors
/// What is wrong, in one line.
pub fn parse(words: impl IntoIterator<Item = OsString>) -> Result<Parsed, String> {
    let mut parser = lexopt::Parser::from_args(words);
    let Some(command) = command(&mut parser)? else {
        return Ok(Parsed::Print(help()));
    };
    let command = match command.as_str() {
        "help" => return Ok(Parsed::Print(help())),
        "version" => return Ok(Parsed::Print(version())),
        "man" => return manual().map(Parsed::Print),
        "completions" => return completions(&mut parser).map(Parsed::Print),
        other => Command::named(other)
            .ok_or_else(|| format!("there is no command {other}; see peppercorn --help"))?,
    };
    let mut args = Args {
        command,
        operand: None,
        options: Vec::new(),
    };
    while let Some(word) = parser.next().map_err(|error| error.to_string())? {
        let option = match word {
            lexopt::Arg::Long("help") | lexopt::Arg::Short('h') => {
                return Ok(Parsed::Print(help()));
            }
            lexopt::Arg::Value(operand) if args.operand.is_none() => {
                args.operand = Some(text(operand)?);
                continue;
            }
            lexopt::Arg::Value(operand) => {
                return Err(format!("{} is one operand too many", text(operand)?));
            }
            lexopt::Arg::Long(name) => {
                option(command, |option| option.name == name).ok_or(format!("--{name}"))
            }
            lexopt::Arg::Short(letter) => {
                option(command, |option| option.short == Some(letter)).ok_or(format!("-{letter}"))
            }
        };
        let option = option.map_err(|typed| {
            format!(
                "{} does not know {typed}; see peppercorn --help",
                command.name()
            )
        })?;
        let value = match option.value {
            "" => "true".to_owned(),
            _ => text(parser.value().map_err(|error| error.to_string())?)?,
        };
        args.options.push((option.name, value));
    }
    Ok(Parsed::Run(args))
}

/// The first word that is no option; none for `--help`.
fn command(parser: &mut lexopt::Parser) -> Result<Option<String>, String> {
    match parser.next().map_err(|error| error.to_string())? {
        None => Err("no command; see peppercorn --help".into()),
        Some(lexopt::Arg::Long("help") | lexopt::Arg::Short('h')) => Ok(None),
        Some(lexopt::Arg::Long("version") | lexopt::Arg::Short('V')) => Ok(Some("version".into())),
        Some(lexopt::Arg::Value(command)) => Ok(Some(text(command)?)),
        Some(other) => Err(format!(
            "{}: a command comes first; see peppercorn --help",
            other.unexpected()
        )),
    }
}

#[cfg(not(feature = "manual"))]
fn manual() -> Result<String, String> {
    Err("this program was built without the feature manual".into())
}

#[cfg(not(feature = "manual"))]
fn completions(_: &mut lexopt::Parser) -> Result<String, String> {
    manual()
}

#[cfg(feature = "manual")]
fn manual() -> Result<String, String> {
    Ok(man::page())
}

/// The completions of the shell whose name follows.
#[cfg(feature = "manual")]
fn completions(parser: &mut lexopt::Parser) -> Result<String, String> {
    let known = SHELLS.join(", ");
    match parser.next().map_err(|error| error.to_string())? {
        Some(lexopt::Arg::Long("help") | lexopt::Arg::Short('h')) => Ok(help()),
        Some(lexopt::Arg::Value(shell)) => {
            let shell = text(shell)?;
            completions::script(&shell)
                .ok_or_else(|| format!("there are no completions for {shell}, only for {known}"))
        }
        _ => Err(format!("completions of which shell? There are {known}")),
    }
}

fn option(command: Command, wanted: impl Fn(&Opt) -> bool) -> Option<&'static Opt> {
    OPTIONS
        .iter()
        .find(|option| option.commands.contains(&command) && wanted(option))
}

fn text(word: OsString) -> Result<String, String> {
    word.into_string()
        .map_err(|word| format!("{} is not UTF-8", word.display()))
}

impl Command {
    /// As it is typed.
    pub fn name(self) -> &'static str {
        let verb = COMMANDS.iter().find(|verb| verb.command == Some(self));
        verb.map_or("", |verb| verb.name)
    }

    fn named(name: &str) -> Option<Command> {
        COMMANDS.iter().find(|verb| verb.name == name)?.command
    }
}

impl Opt {
    /// The environment variable that stands in for it.
    pub fn variable(&self) -> String {
        format!("PEPPERCORN_{}", self.name.to_uppercase().replace('-', "_"))
    }
}

/// `peppercorn 0.1.0`.
pub fn version() -> String {
    format!("peppercorn {}\n", env!("CARGO_PKG_VERSION"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(words: &str) -> Result<Parsed, String> {
        parse(words.split_whitespace().map(OsString::from))
    }

    #[test]
    fn options_and_operands_are_told_apart() {
        let Ok(Parsed::Run(args)) = run("serve -b :1 api --threads=2 --timeout 5s") else {
            panic!()
        };
        assert_eq!(args.command, Command::Serve);
        assert_eq!(args.operand.as_deref(), Some("api"));
        let expected = [("bind", ":1"), ("threads", "2"), ("timeout", "5s")];
        assert_eq!(
            args.options,
            expected.map(|(name, value)| (name, value.to_owned()))
        );
    }

    #[test]
    fn mistakes_are_named() {
        for (words, expected) in [
            ("", "no command"),
            ("sreve", "no command sreve"),
            ("--bind x serve", "a command comes first"),
            ("serve --frobnicate 1", "serve does not know --frobnicate"),
            ("check --bind x", "check does not know --bind"),
            ("serve a b", "b is one operand too many"),
            ("serve --bind", "missing argument"),
        ] {
            let error = run(words).unwrap_err();
            assert!(error.contains(expected), "{words}: {error}");
        }
    }

    #[test]
    fn lines_of_help_fit_a_terminal() {
        assert!(
            help().lines().all(|line| line.chars().count() <= 120),
            "{}",
            help()
        );
    }
}
