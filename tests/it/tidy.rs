//! The rules of the house, as tests.

use std::path::{Path, PathBuf};

/// From the bottom of the house to its top; a room may know those before its own level.
const LEVELS: &[&[&str]] = &[
    &["work", "mutate", "lock"],
    &[
        "sys",
        "json",
        "http",
        "router",
        "metrics",
        "cli",
        "environment",
        "units",
        "der",
        "markup",
        "secrets",
    ],
    &["tls", "claims"],
    &["observe"],
    &["error", "panics"],
    &["runtime"],
    &["client"],
    &["pg", "sentry"],
    &["endpoint"],
    &["capture", "auth", "sql"],
    &["openapi"],
    &["app"],
    &["server"],
    &["ping"],
    &["bench"],
    &["config"],
    &["process"],
    &["commands"],
    &["lib", "main"],
];

/// Lines per file of the source, at most.
const MOST_LINES: usize = 400;

fn sources() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut open = vec![root.clone()];
    let mut files = Vec::new();
    while let Some(directory) = open.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                files.push((path.strip_prefix(&root).unwrap().to_owned(), text));
            }
        }
    }
    assert!(
        files.len() > 50,
        "the source is somewhere else: mend this test"
    );
    files
}

fn room(path: &Path) -> String {
    let first = path
        .components()
        .next()
        .unwrap()
        .as_os_str()
        .to_str()
        .unwrap();
    first.trim_end_matches(".rs").to_owned()
}

fn level(room: &str) -> usize {
    let level = LEVELS.iter().position(|level| level.contains(&room));
    level.unwrap_or_else(|| {
        panic!("the room {room} is new: give it a level in LEVELS, and a line in the crate's doc")
    })
}

#[test]
fn imports_go_one_way() {
    for (path, text) in sources() {
        let own = room(&path);
        let code: String = text
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"))
            .collect();
        for (at, word) in code.match_indices("crate::") {
            let rest = &code[at + word.len()..];
            let end = rest
                .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
                .unwrap_or(rest.len());
            let used = &rest[..end];
            if used == own {
                continue;
            }
            assert!(
                level(used) < level(&own),
                "{} uses {used}, which is not below {own}: move the code, or pass the value in",
                path.display()
            );
        }
    }
}

/// It has no executor, and starts no thread: a thread of a reactor would not survive what it does to itself.
#[test]
fn the_supervisor_knows_no_runtime() {
    let supervisor = sources()
        .into_iter()
        .filter(|(path, _)| path.starts_with("process/supervisor"));
    for (path, text) in supervisor {
        for word in [
            "crate::runtime",
            "async ",
            ".await",
            "async_io",
            "smol",
            "std::thread",
        ] {
            assert!(
                !text.contains(word),
                "{}: {word} is nothing for a supervisor",
                path.display()
            );
        }
    }
}

#[test]
fn unsafe_stays_in_its_file_with_an_argument_each() {
    for (path, text) in sources() {
        let blocks = text.matches("unsafe {").count()
            + text.matches("unsafe fn").count()
            + text.matches("unsafe impl").count();
        match path == Path::new("sys.rs") {
            true => assert_eq!(
                text.matches("// SAFETY:").count(),
                blocks,
                "argue each unsafe block of sys.rs"
            ),
            false => assert_eq!(
                blocks,
                0,
                "{}: unsafe code belongs in sys.rs",
                path.display()
            ),
        }
    }
}

#[test]
fn files_are_small_described_and_finished() {
    for (path, text) in sources() {
        let shown = path.display();
        let lines = text.lines().count();
        assert!(
            lines <= MOST_LINES,
            "{shown} has {lines} lines: split it by subject"
        );
        assert!(
            text.starts_with("//!"),
            "{shown}: begin with a module doc that says what it is for"
        );
        for word in ["todo!(", "unimplemented!(", "dbg!(", "println!("] {
            assert!(
                !text.contains(word),
                "{shown}: {word}) has no place in the source"
            );
        }
    }
}

#[test]
fn the_crate_doc_is_the_map_of_all_rooms() {
    let sources = sources();
    let (_, lib) = sources
        .iter()
        .find(|(path, _)| path == Path::new("lib.rs"))
        .unwrap();
    for (path, _) in &sources {
        let room = room(path);
        let named = lib
            .lines()
            .any(|line| line.starts_with("//! |") && line.contains(&format!("`{room}`")));
        assert!(
            named || ["lib", "main"].contains(&room.as_str()),
            "lib.rs: add {room} to the map"
        );
    }
}

/// `cargo test` does not build the fuzz targets, so let what they call at least be there.
#[test]
fn fuzz_targets_call_what_there_is() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &Path| std::fs::read_to_string(root.join(path)).unwrap();
    let (lib, manifest) = (
        read(Path::new("src/lib.rs")),
        read(Path::new("tests/fuzz/Cargo.toml")),
    );
    let (_, invariants) = lib.split_once("pub mod invariants {").unwrap();
    let (invariants, _) = invariants.split_once("\n}").unwrap();
    for entry in std::fs::read_dir(root.join("tests/fuzz/targets")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        assert!(
            read(&path).contains(&format!("invariants::{name}(")) && invariants.contains(name),
            "{name}: a target calls the invariant of its name"
        );
        assert!(
            manifest.contains(&format!("name = \"{name}\"")),
            "{name} is not in the targets' Cargo.toml"
        );
    }
}
