//! The units of systemd/: systemd reads them without a complaint, they leave the service little to do but its work, and
//! the environment file has every setting.

use std::path::{Path, PathBuf};
use std::process::Command;

use peppercorn::cli::{self, OPTIONS};

use crate::harness::{Ended, Folder, run};

/// The highest exposure that is let pass, in tenths: `systemd-analyze security` counts from 0, safe, to 100, unsafe.
const MOST_EXPOSED: &str = "12";
/// systemd looks for the binary in its own path. The copies name the one under test: `verify` looks for it, too.
const INSTALLED: &str = "ExecStart=peppercorn ";

fn shipped(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("systemd")
        .join(name)
}

fn text(name: &str) -> String {
    std::fs::read_to_string(shipped(name)).unwrap()
}

/// Copies of the units, with these drop-ins of the service.
fn copies(drop_ins: &[&str]) -> Folder {
    let service = text("peppercorn.service");
    assert!(service.contains(INSTALLED), "the binary is named otherwise");
    let folder = Folder::new();
    let under_test = format!("ExecStart={} ", env!("CARGO_BIN_EXE_peppercorn"));
    let service = service.replace(INSTALLED, &under_test);
    folder.write("peppercorn.service", &service);
    for name in ["peppercorn.socket", "peppercorn-admin.socket"] {
        folder.write(name, &text(name));
    }
    for name in drop_ins {
        let name = format!("peppercorn.service.d/{name}");
        folder.write(&name, &text(&name));
    }
    folder
}

fn analyze(folder: &Folder, words: &[&str], units: &[&str]) -> Ended {
    let units = units.iter().map(|unit| folder.path().join(unit));
    let mut command = Command::new("systemd-analyze");
    command.args(words).args(units);
    if let Err(error) = command.output() {
        panic!("systemd-analyze does not run ({error}): it is in the Debian package systemd");
    }
    run(&mut command)
}

const DROP_INS: &[&[&str]] = &[&[], &["private-network.conf"]];

#[test]
fn systemd_has_no_complaint() {
    for drop_ins in DROP_INS {
        let folder = copies(drop_ins);
        let units = [
            "peppercorn.service",
            "peppercorn.socket",
            "peppercorn-admin.socket",
        ];
        let ended = analyze(&folder, &["verify", "--man=no"], &units);
        // A line that it does not understand is a warning, and no failure.
        let own: Vec<&str> = ended
            .stderr
            .lines()
            .filter(|line| line.contains("peppercorn"))
            .collect();
        assert!(own.is_empty(), "{drop_ins:?}: {own:#?}");
        assert_eq!(ended.code, Some(0), "{drop_ins:?}: {}", ended.stderr);
    }
}

#[test]
fn the_service_is_exposed_to_little() {
    for drop_ins in DROP_INS {
        let folder = copies(drop_ins);
        let threshold = format!("--threshold={MOST_EXPOSED}");
        let words = ["security", "--offline=true", "--no-pager", &threshold];
        let ended = analyze(&folder, &words, &["peppercorn.service"]);
        let lost: Vec<&str> = ended
            .stdout
            .lines()
            .filter(|line| !line.starts_with('✓'))
            .collect();
        let shown = format!("{drop_ins:?}: {}\n{}", ended.stderr, lost.join("\n"));
        assert!(
            ended.stdout.contains("Overall exposure level"),
            "nothing was judged: {shown}"
        );
        assert_eq!(ended.code, Some(0), "{shown}");
    }
}

#[test]
fn the_environment_file_has_every_setting_and_its_default() {
    let text = text("peppercorn.env");
    let settings: Vec<(&str, &str)> = text
        .lines()
        .filter_map(|line| line.strip_prefix('#').unwrap_or(line).split_once('='))
        .filter(|(name, _)| name.starts_with("PEPPERCORN_"))
        .collect();
    let options: Vec<_> = OPTIONS
        .iter()
        .filter(|option| option.commands.contains(&cli::Command::Serve))
        .collect();
    for option in &options {
        let name = option.variable();
        let found: Vec<&str> = settings
            .iter()
            .filter(|(setting, _)| *setting == name)
            .map(|(_, value)| *value)
            .collect();
        assert_eq!(found.len(), 1, "systemd/peppercorn.env names {name} once");
        if !option.default.is_empty() {
            assert_eq!(found[0], option.default, "the default of {name}");
        }
    }
    // It has a password in it: there is no option for that.
    let secret = |name: &&(&str, &str)| name.0 != "PEPPERCORN_READ_DATABASE_URL";
    for (name, _) in settings.iter().filter(secret) {
        assert!(
            options.iter().any(|option| option.variable() == *name),
            "systemd/peppercorn.env: {name} is no setting of peppercorn serve"
        );
    }
}

#[test]
fn the_environment_file_sets_nothing() {
    for line in text("peppercorn.env").lines() {
        assert!(line.is_empty() || line.starts_with('#'), "{line}");
    }
}
