//! How the binary's logger writes a record: as text, or as JSON.
//!
//! A record is one line, and no part of it can pass for another: control characters are escaped, and where a text has
//! several lines, such as a stack, those after the first are indented by four spaces. They are for people to read, and
//! the journal finds its priority before each; a machine reads JSON, which is always one line. None is longer than what
//! one write hands over undivided, so that lines of several processes do not mix: texts are cut short for that.

#[cfg(test)]
mod tests;

use std::fmt::{self, Display, Write};
use std::time::SystemTime;

use log::kv::{Error, Key, Value, VisitSource, VisitValue};
use log::{Level, Record};

use super::sink::UNDIVIDED_BYTES;
use super::timestamp::Timestamp;
use super::{ACCESS, TARGET};
use crate::json;

/// Where a text is cut that makes a line of JSON too long: each value, the longest that still fits. The last is short
/// enough for any event.
const CLIPS: [usize; 6] = [UNDIVIDED_BYTES, 2048, 1024, 512, 256, 64];

/// A sentence: `error: worker 1: no database for reading: …`.
pub(super) fn text(mark: &str, worker: Option<u64>, record: &Record<'_>) -> Vec<u8> {
    let word = match record.level() {
        // The journal knows.
        _ if !mark.is_empty() => "",
        Level::Error => "error: ",
        Level::Warn => "warning: ",
        Level::Info | Level::Debug | Level::Trace => "",
    };
    let mut plain = Plain::new(mark);
    // Writing there does not fail.
    let _ = match worker {
        Some(worker) => write!(plain, "{word}worker {worker}: {}", record.args()),
        None => write!(plain, "{word}{}", record.args()),
    };
    plain.finish()
}

/// A line of the access log: `2026-11-25T12:00:00.123456Z 127.0.0.1 "GET /markets/7" 200 …`.
pub(super) fn access(now: SystemTime, record: &Record<'_>) -> Vec<u8> {
    let mut plain = Plain::new("");
    plain.line.extend_from_slice(&Timestamp::from(now).0);
    // Writing there does not fail.
    let _ = write!(plain, " {}", record.args());
    plain.finish()
}

/// An object: `{"time":"2026-11-25T12:00:00.123456Z","level":"error","worker":1,"event":"database_away","message":…`, and
/// the record's own values.
pub(super) fn json(
    mark: &str,
    now: SystemTime,
    worker: Option<u64>,
    record: &Record<'_>,
) -> Vec<u8> {
    let mut out = Vec::new();
    for clip in CLIPS {
        out.clear();
        out.extend_from_slice(mark.as_bytes());
        begin(now, record.level(), worker, &mut out);
        let target = record.target();
        if ![TARGET, ACCESS].contains(&target) {
            member("target", Value::from(target), clip, &mut out);
        }
        let mut pairs = Pairs {
            // All that it says is in the values.
            message: (target != ACCESS).then(|| record.args()),
            clip,
            out: &mut out,
        };
        // It fails for no pair.
        let _ = record.key_values().visit(&mut pairs);
        pairs.message();
        out.extend_from_slice(b"}\n");
        if out.len() <= UNDIVIDED_BYTES {
            break;
        }
    }
    out
}

/// The same for words that are no event. However long they are: nothing comes after them.
pub(super) fn last_words_as_json(now: SystemTime, worker: Option<u64>, text: &str) -> String {
    let mut out = Vec::new();
    begin(now, Level::Error, worker, &mut out);
    member("event", Value::from("failed"), usize::MAX, &mut out);
    member("message", Value::from(text), usize::MAX, &mut out);
    out.extend_from_slice(b"}\n");
    String::from_utf8_lossy(&out).into_owned()
}

fn begin(now: SystemTime, level: Level, worker: Option<u64>, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"time\":\"");
    out.extend_from_slice(&Timestamp::from(now).0);
    out.extend_from_slice(match level {
        Level::Error => b"\",\"level\":\"error\"",
        Level::Warn => b"\",\"level\":\"warn\"",
        Level::Info => b"\",\"level\":\"info\"",
        Level::Debug => b"\",\"level\":\"debug\"",
        Level::Trace => b"\",\"level\":\"trace\"",
    });
    if let Some(worker) = worker {
        out.extend_from_slice(b",\"worker\":");
        json::integer(worker, out);
    }
}

fn member(name: &str, value: Value<'_>, clip: usize, out: &mut Vec<u8>) {
    out.push(b',');
    json::string(name, out);
    out.push(b':');
    // It fails for no value.
    let _ = value.visit(Json { clip, out });
}

/// A record's values as members of an object, the message after the event's name.
struct Pairs<'a> {
    message: Option<&'a fmt::Arguments<'a>>,
    clip: usize,
    out: &'a mut Vec<u8>,
}

impl Pairs<'_> {
    fn message(&mut self) {
        if let Some(message) = self.message.take() {
            member(
                "message",
                Value::from_dyn_display(message),
                self.clip,
                self.out,
            );
        }
    }
}

impl<'kvs> VisitSource<'kvs> for Pairs<'_> {
    fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> Result<(), Error> {
        // No name stands twice in an object; a library's own value gives way.
        if !["time", "level", "target", "message"].contains(&key.as_str()) {
            member(key.as_str(), value, self.clip, self.out);
        }
        if key.as_str() == "event" {
            self.message();
        }
        Ok(())
    }
}

/// One value as JSON, a text cut after so many bytes.
struct Json<'a> {
    clip: usize,
    out: &'a mut Vec<u8>,
}

impl Json<'_> {
    fn write(&mut self, value: impl Display) -> Result<(), Error> {
        // Writing to a Vec does not fail.
        let _ = std::io::Write::write_fmt(self.out, format_args!("{value}"));
        Ok(())
    }
}

impl<'v> VisitValue<'v> for Json<'_> {
    fn visit_any(&mut self, value: Value<'_>) -> Result<(), Error> {
        self.visit_str(&value.to_string())
    }

    fn visit_null(&mut self) -> Result<(), Error> {
        self.out.extend_from_slice(b"null");
        Ok(())
    }

    fn visit_u64(&mut self, value: u64) -> Result<(), Error> {
        json::integer(value, self.out);
        Ok(())
    }

    fn visit_i64(&mut self, value: i64) -> Result<(), Error> {
        json::integer(value, self.out);
        Ok(())
    }

    fn visit_f64(&mut self, value: f64) -> Result<(), Error> {
        match value.is_finite() {
            true => self.write(value),
            false => self.visit_null(),
        }
    }

    fn visit_bool(&mut self, value: bool) -> Result<(), Error> {
        self.write(value)
    }

    fn visit_str(&mut self, text: &str) -> Result<(), Error> {
        match text.len() <= self.clip {
            true => json::string(text, self.out),
            false => {
                let cut = &text[..floor(text, self.clip)];
                json::string(&format!("{cut}…"), self.out);
            }
        }
        Ok(())
    }
}

/// A line of text, as it is written.
struct Plain<'a> {
    mark: &'a str,
    line: Vec<u8>,
    /// It is as long as it may be: the rest is left out.
    full: bool,
}

/// Between two lines of one record.
const INDENT: &str = "    ";
/// What stands for the rest of a text that was cut short.
const CUT: &str = "…";

impl Plain<'_> {
    fn new(mark: &str) -> Plain<'_> {
        let mut line = Vec::with_capacity(256);
        line.extend_from_slice(mark.as_bytes());
        Plain {
            mark,
            line,
            full: false,
        }
    }

    fn put(&mut self, parts: &[&str]) {
        let length: usize = parts.iter().map(|part| part.len()).sum();
        self.full |= self.line.len() + length + CUT.len() + 1 > UNDIVIDED_BYTES;
        if !self.full {
            let bytes = parts.iter().flat_map(|part| part.bytes());
            self.line.extend(bytes);
        }
    }

    fn finish(mut self) -> Vec<u8> {
        if self.full {
            self.line.extend_from_slice(CUT.as_bytes());
        }
        self.line.push(b'\n');
        self.line
    }
}

impl Write for Plain<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut rest = text;
        while let Some(at) = rest.find(is_unprintable) {
            let (plain, special) = rest.split_at(at);
            self.plain(plain);
            let mut chars = special.chars();
            match chars.next() {
                Some('\n') => self.put(&["\n", self.mark, INDENT]),
                Some(char) => self.put(&[&char.escape_default().to_string()]),
                None => {}
            }
            rest = chars.as_str();
        }
        self.plain(rest);
        Ok(())
    }
}

impl Plain<'_> {
    /// Puts as much of a text as fits.
    fn plain(&mut self, text: &str) {
        let room = UNDIVIDED_BYTES.saturating_sub(self.line.len() + CUT.len() + 1);
        match text.len() <= room {
            true => self.put(&[text]),
            false => {
                self.put(&[&text[..floor(text, room)]]);
                self.full = true;
            }
        }
    }
}

/// Characters that move a terminal's cursor, end a line, or turn around what is written after them.
fn is_unprintable(char: char) -> bool {
    match char {
        '\t' => false,
        '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => true,
        char => char.is_control(),
    }
}

/// The last place up to `at` where a character begins.
fn floor(text: &str, at: usize) -> usize {
    let mut places = (0..=at.min(text.len())).rev();
    places
        .find(|place| text.is_char_boundary(*place))
        .unwrap_or(0)
}
