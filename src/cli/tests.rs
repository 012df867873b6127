//! What is typed, right and wrong.

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
