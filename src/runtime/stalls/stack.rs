//! Where a thread is.

use std::fmt;

use crate::sys;

/// A function call under way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frame {
    /// The function, or its address where the program has no names.
    pub function: String,
    /// The source file and the line in it, where the program knows them.
    pub place: Option<(String, u32)>,
}

/// Function calls under way, the innermost first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stack(pub Vec<Frame>);

/// Calls shown in a line of the log, at most.
const SHOWN: usize = 12;

/// What runs endpoints and tasks: from there on all stacks are the same.
const RUNNERS: [&str; 2] = ["peppercorn::capture::Capture", "stalls::watch::"];

/// `innermost (file:line) < its caller < …`, in one line.
impl fmt::Display for Stack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, frame) in self.0.iter().take(SHOWN).enumerate() {
            if index > 0 {
                f.write_str(" < ")?;
            }
            f.write_str(&frame.function)?;
            if let Some((file, line)) = &frame.place {
                write!(f, " ({file}:{line})")?;
            }
        }
        match self.0.len().checked_sub(SHOWN) {
            Some(more @ 1..) => write!(f, " < {more} more"),
            _ => Ok(()),
        }
    }
}

impl Stack {
    /// What is at these addresses. The first time that takes a while: the program's names are read.
    pub(super) fn named(addresses: &[usize]) -> Stack {
        let mut frames: Vec<Frame> = addresses
            .iter()
            .flat_map(|&address| named(address))
            .collect();
        forget_names();
        // What interrupted it is no part of it, nor is what runs tasks.
        let handler = frames
            .iter()
            .rposition(|frame| frame.function.contains(sys::HANDLER));
        frames.drain(..handler.map_or(0, |index| index + 1));
        // Between them is the system's way back from a handler, which has no name, or this one.
        let way_back = |frame: &Frame| {
            frame.function.starts_with("0x") || frame.function.contains("restore_rt")
        };
        if handler.is_some() && frames.first().is_some_and(way_back) {
            frames.remove(0);
        }
        let runs_it = |frame: &Frame| RUNNERS.iter().any(|name| frame.function.contains(name));
        if let Some(end) = frames.iter().position(runs_it) {
            frames.truncate(end);
        }
        Stack(frames)
    }
}

/// The calls at an address: several where functions are inlined. Of a library it is enough to know what was called: where
/// its debugging information is installed, reading that of the C library alone takes 50 ms, longer than many a stall.
#[cfg(feature = "stacks")]
fn named(address: usize) -> Vec<Frame> {
    if let Some(function) = sys::library_function(address) {
        let function = backtrace::SymbolName::new(function.as_bytes()).to_string();
        return vec![Frame {
            function,
            place: None,
        }];
    }
    let mut frames = Vec::new();
    backtrace::resolve(address as *mut _, |symbol| {
        let function = match symbol.name() {
            Some(name) => format!("{name:#}"),
            None => format!("{address:#x}"),
        };
        let place = match (symbol.filename(), symbol.lineno()) {
            (Some(file), Some(line)) => Some((file.display().to_string(), line)),
            _ => None,
        };
        frames.push(Frame { function, place });
    });
    if frames.is_empty() {
        frames.push(Frame {
            function: format!("{address:#x}"),
            place: None,
        });
    }
    frames
}

/// What was read of the program for it can be megabytes, and is seldom needed.
#[cfg(feature = "stacks")]
fn forget_names() {
    backtrace::clear_symbol_cache();
    sys::trim_heap();
}

#[cfg(not(feature = "stacks"))]
fn forget_names() {}

#[cfg(not(feature = "stacks"))]
fn named(_: usize) -> Option<Frame> {
    None
}
