//! The completions, asked the way each shell asks them, and the manual page, read by what reads manual pages.
//!
//! bash is on every Debian. Of zsh, fish, mandoc and groff those are tried that are installed; what was not is said.

use std::path::Path;
use std::process::{Command, Stdio};

use peppercorn::cli::{COMMANDS, OPTIONS, SHELLS};

use crate::harness::{Ended, Folder, peppercorn, run};

/// A folder with a file and a directory in it to be completed, and what `peppercorn` prints for these words.
fn printed(words: &[&str]) -> Folder {
    let ended = run(peppercorn().args(words));
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    let folder = Folder::with(&[("typed/key", ""), ("typed/sub/file", "")]);
    folder.write("printed", &ended.stdout);
    folder
}

/// `None` where there is no such program.
fn try_run(program: &str, words: &[&str], directory: &Path) -> Option<Ended> {
    let mut command = Command::new(program);
    command
        .args(words)
        .current_dir(directory)
        .stdin(Stdio::null());
    command.env("HOME", directory).env("LC_ALL", "C.UTF-8");
    match command.output() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            eprintln!("skipped: {program} is not installed");
            None
        }
        _ => Some(run(&mut command)),
    }
}

/// What is typed, the cursor behind it, and all that may stand in its place.
const TYPED: &[(&str, &[&str])] = &[
    ("serve --acc", &["--accept", "--access-log"]),
    ("serve --accept ", &["shared", "slots"]),
    ("serve --accept sl", &["slots"]),
    ("check --format g", &["github"]),
    ("bench --quick --output ", &["sub"]),
    ("serve ", &["sub"]),
    ("serve -w 4 ", &["sub"]),
    ("serve --timeout ", &[]),
    ("serve --jwt-key ", &["key", "sub"]),
    ("openapi --against ", &["key", "sub"]),
    // The same name means another thing there.
    ("bench --against ", &[]),
    ("completions ", SHELLS),
    ("ping ", &[]),
    ("st", &["status"]),
];

/// In order; of a line of fish only what would be inserted.
fn candidates(ended: &Ended) -> Vec<String> {
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    let lines = ended
        .stdout
        .lines()
        .map(|line| line.split('\t').next().unwrap());
    let mut found: Vec<String> = lines
        .map(|line| line.trim_end_matches('/').to_owned())
        .filter(|line| !line.is_empty())
        .collect();
    found.sort_unstable();
    found
}

fn sorted(words: &[&str]) -> Vec<String> {
    let mut words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    words.sort_unstable();
    words
}

fn bash(folder: &Folder, line: &str) -> Vec<String> {
    const ASK: &str = r#"source ../printed; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
        _peppercorn; printf '%s\n' "${COMPREPLY[@]}""#;
    // As readline does it: `=` is a word.
    let line = format!("peppercorn {line}").replace('=', " = ");
    let words = ["-c", ASK, "bash"].into_iter().chain(line.split(' '));
    let words: Vec<&str> = words.collect();
    let typed = folder.path().join("typed");
    candidates(&try_run("bash", &words, &typed).expect("bash is installed"))
}

#[test]
fn bash_completes_what_is_typed() {
    let folder = printed(&["completions", "bash"]);
    for (line, expected) in TYPED {
        assert_eq!(bash(&folder, line), sorted(expected), "{line:?}");
    }
    assert_eq!(bash(&folder, "serve --accept=sl"), ["slots"]);
    let commands = bash(&folder, "");
    for verb in COMMANDS {
        assert!(commands.iter().any(|one| one == verb.name), "{verb:?}");
        let Some(command) = verb.command else {
            continue;
        };
        let offered = bash(&folder, &format!("{} -", verb.name));
        for option in OPTIONS {
            let is_offered = offered.contains(&format!("--{}", option.name));
            let is_known = option.commands.contains(&command);
            let namesakes = OPTIONS.iter().filter(|other| other.name == option.name);
            if namesakes.count() == 1 {
                assert_eq!(is_offered, is_known, "{} {}", verb.name, option.name);
            }
        }
    }
}

#[test]
fn fish_completes_what_is_typed() {
    let folder = printed(&["completions", "fish"]);
    let typed = folder.path().join("typed");
    for (line, expected) in TYPED {
        let ask = format!("source ../printed; complete -C'peppercorn {line}'");
        let Some(ended) = try_run("fish", &["--no-config", "-c", &ask], &typed) else {
            return;
        };
        assert_eq!(candidates(&ended), sorted(expected), "{line:?}");
    }
}

/// What it asks of the completion system stands for the system: that wants a terminal.
#[test]
fn zsh_is_told_of_every_option() {
    const ASK: &str = r#"compdef() { : }; source ../printed
        _describe() { print -rl -- ${(P)4} }; _arguments() { print -rl -- "$@" }; compadd() { print -rl -- "$@" }
        words=(peppercorn "$@" ''); CURRENT=$#words; _peppercorn"#;
    let folder = printed(&["completions", "zsh"]);
    let typed = folder.path().join("typed");
    for verb in COMMANDS {
        let words = ["-f", "-c", ASK, "zsh", verb.name];
        let Some(ended) = try_run("zsh", &words, &typed) else {
            return;
        };
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
        let known = verb.command.into_iter().flat_map(|command| {
            let known = move |option: &&peppercorn::cli::Opt| option.commands.contains(&command);
            OPTIONS.iter().filter(known)
        });
        for option in known {
            let line = (ended.stdout.lines())
                .find(|line| {
                    let line = line.trim_start_matches('*');
                    let rest = line
                        .strip_prefix("--")
                        .and_then(|line| line.strip_prefix(option.name));
                    rest.is_some_and(|rest| rest.starts_with(['=', '[']))
                })
                .unwrap_or_else(|| panic!("{} {}: {}", verb.name, option.name, ended.stdout));
            if option.value.contains('|') {
                let words = format!("({})", option.value.replace('|', " "));
                assert!(line.ends_with(&words), "{line}");
            }
        }
    }
}

#[test]
fn the_manual_page_is_in_the_language_of_manual_pages() {
    let folder = printed(&["man"]);
    // `style`: the least that it tells. Pages that are referred to need not be installed.
    if let Some(ended) = try_run(
        "mandoc",
        &["-T", "lint", "-W", "style", "printed"],
        folder.path(),
    ) {
        let told: Vec<&str> = (ended.stdout.lines().chain(ended.stderr.lines()))
            .filter(|line| {
                !line.contains("referenced manual not found") && !line.contains("mandoc.db")
            })
            .collect();
        assert!(told.is_empty(), "{told:#?}");
    }
    if let Some(ended) = try_run(
        "groff",
        &["-mandoc", "-Tutf8", "-ww", "-z", "printed"],
        folder.path(),
    ) {
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    }
}

#[test]
fn shells_that_are_not_known_are_a_mistake() {
    for (words, expected) in [
        (&["completions"][..], "completions of which shell"),
        (
            &["completions", "tcsh"],
            "there are no completions for tcsh",
        ),
    ] {
        let ended = run(peppercorn().args(words));
        assert_eq!(ended.code, Some(64));
        assert!(ended.stderr.contains(expected), "{}", ended.stderr);
    }
}
