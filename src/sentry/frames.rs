//! Stacks as Sentry has them, from the text of the standard library's.
//!
//! `std::backtrace::Backtrace` tells its frames only as text:
//!
//! ```text
//!    3: module::function::{{closure}}
//!              at ./src/module.rs:7:9
//! ```

use sentry_core::protocol::{Frame, Stacktrace};

/// Modules that are not the application's.
const NOT_IN_APP: [&str; 14] = [
    "std::",
    "core::",
    "alloc::",
    "__rust",
    "rust_",
    "tokio_postgres::",
    "postgres_protocol::",
    "async_",
    "smol::",
    "futures_",
    "sentry_core::",
    "anyhow::",
    "rustls::",
    "backtrace::",
];

/// How a panic came to be noted: everything up to this frame, and those that follow it with one of these names.
const NOTED: &str = "__rust_end_short_backtrace";
const RAISED: [&str; 6] = [
    "rust_begin_unwind",
    "__rustc::rust_begin_unwind",
    "core::panicking::",
    "std::panicking::begin_panic",
    "core::result::unwrap_failed",
    "core::option::",
];
/// How an error came to know its stack: the frames with these names at the beginning.
const KEPT: [&str; 5] = ["std::backtrace", "anyhow::", "core::", "alloc::", "0x"];

/// The stack that a backtrace's text tells of; none where it tells of none.
pub fn stacktrace(text: &str) -> Option<Stacktrace> {
    let mut frames: Vec<Frame> = Vec::new();
    for line in text.lines() {
        let line = line.trim_start();
        if let Some(place) = line.strip_prefix("at ") {
            if let Some(frame) = frames.last_mut() {
                set_place(frame, place);
            }
        } else if let Some((number, function)) = line.split_once(": ")
            && number.bytes().all(|byte| byte.is_ascii_digit())
        {
            frames.push(frame(function.trim()));
        }
    }
    of_frames(frames)
}

/// A stack of these, the innermost first.
pub fn of_calls<'a>(
    calls: impl Iterator<Item = (&'a str, Option<(&'a str, u32)>)>,
) -> Option<Stacktrace> {
    let frames = calls.map(|(function, place)| {
        let mut frame = frame(function);
        if let Some((file, line)) = place {
            set_file(&mut frame, file);
            frame.lineno = Some(line.into());
        }
        frame
    });
    of_frames(frames.collect())
}

fn of_frames(mut frames: Vec<Frame>) -> Option<Stacktrace> {
    let function = |frame: &Frame| frame.function.clone().unwrap_or_default();
    let is = |frame: &Frame, prefixes: &[&str]| {
        let function = function(frame);
        let bare = function.trim_start_matches('<');
        prefixes.iter().any(|prefix| bare.starts_with(prefix))
    };
    let noted = frames
        .iter()
        .position(|frame| function(frame).contains(NOTED));
    let (start, prefixes): (usize, &[&str]) = match noted {
        Some(noted) => (noted + 1, &RAISED),
        None => (0, &KEPT),
    };
    let skipped = frames[start..]
        .iter()
        .take_while(|frame| is(frame, prefixes));
    let begin = start + skipped.count();
    frames.drain(..begin);
    // What runs a thread's closure is of no interest.
    let runs = |frame: &Frame| function(frame).contains("__rust_begin_short_backtrace");
    if let Some(end) = frames.iter().position(runs) {
        frames.truncate(end);
    }
    // Sentry has the innermost last.
    frames.reverse();
    (!frames.is_empty()).then(|| Stacktrace {
        frames,
        ..Stacktrace::default()
    })
}

fn frame(function: &str) -> Frame {
    let bare = function.trim_start_matches('<');
    let in_app =
        !NOT_IN_APP.iter().any(|prefix| bare.starts_with(prefix)) && !function.starts_with("0x");
    // `a::b::c::{{closure}}` is in `a::b`; of `<a::B as c::D>::e` the module is not told.
    let named = function.split("::{{").next().unwrap_or(function);
    let module = match function.starts_with('<') {
        true => None,
        false => named.rsplit_once("::").map(|(module, _)| module.to_owned()),
    };
    Frame {
        function: Some(function.to_owned()),
        module,
        in_app: Some(in_app),
        ..Frame::default()
    }
}

/// `file:line:column`, or a part of it.
fn set_place(frame: &mut Frame, place: &str) {
    let mut parts = place.rsplitn(3, ':');
    let (last, middle, rest) = (parts.next(), parts.next(), parts.next());
    match (last.map(str::parse), middle.map(str::parse::<u64>), rest) {
        (Some(Ok(column)), Some(Ok(line)), Some(file)) => {
            set_file(frame, file);
            frame.lineno = Some(line);
            frame.colno = Some(column);
        }
        (Some(Ok(line)), Some(Err(_)), _) => {
            set_file(
                frame,
                place.rsplit_once(':').map_or(place, |(file, _)| file),
            );
            frame.lineno = Some(line);
        }
        _ => set_file(frame, place),
    }
}

fn set_file(frame: &mut Frame, file: &str) {
    frame.abs_path = Some(file.to_owned());
    frame.filename = Some(file.rsplit('/').next().unwrap_or(file).to_owned());
    // A closure of ours that the standard library calls is named as it, and is not it.
    if file.starts_with("/rustc/") || file.contains("/.cargo/registry/") {
        frame.in_app = Some(false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_real_backtrace_begins_where_it_was_raised() {
        let panic = crate::panics::catch(true, || {
            crate::panics::install();
            panic!("on purpose")
        });
        // The hook may be installed by another test only now: then there is no stack yet.
        let stack = match panic.unwrap_err().stack {
            Some(stack) => stack,
            None => crate::panics::catch(true, || panic!("again"))
                .unwrap_err()
                .stack
                .unwrap(),
        };
        let stack = stacktrace(&stack.to_string()).unwrap();
        let innermost = stack.frames.last().unwrap();
        let function = innermost.function.as_deref().unwrap();
        assert!(
            function.contains("a_real_backtrace_begins"),
            "{:#?}",
            stack.frames
        );
        assert_eq!(innermost.filename.as_deref(), Some("frames.rs"));
        assert!(innermost.lineno.is_some());
        assert_eq!(innermost.in_app, Some(true));
        assert!(stack.frames.len() > 2);
    }

    #[test]
    fn text_without_symbols_or_places_is_told_as_it_is() {
        let text = "   0: <unknown>\n   1: main::work::{{closure}}\n             at /src/a:b.rs:7\n   2: \
                    <a::B as c::D>::e\n   3: std::rt::lang_start\n             at /rustc/x/library/std/rt.rs:1:2\n";
        let frames = stacktrace(text).unwrap().frames;
        let told: Vec<_> = frames
            .iter()
            .map(|frame| {
                (
                    frame.module.as_deref(),
                    frame.abs_path.as_deref(),
                    frame.lineno,
                    frame.in_app,
                )
            })
            .collect();
        assert_eq!(
            told,
            [
                (
                    Some("std::rt"),
                    Some("/rustc/x/library/std/rt.rs"),
                    Some(1),
                    Some(false)
                ),
                (None, None, None, Some(true)),
                (
                    Some("main::work".rsplit_once("::").unwrap().0),
                    Some("/src/a:b.rs"),
                    Some(7),
                    Some(true)
                ),
                (None, None, None, Some(true)),
            ]
        );
        assert_eq!(stacktrace("disabled backtrace"), None);
        assert_eq!(stacktrace(""), None);
    }
}
