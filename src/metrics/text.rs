//! Prometheus' text format, version 0.0.4.
//!
//! Source: <https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format>.

use super::family::{Family, Kind};
use super::scrape::Sample;

/// The media type.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What a family is: before its samples.
pub(super) fn head(family: &Family, out: &mut Vec<u8>) {
    let kind = match family.kind {
        Kind::Counter | Kind::Time => "counter",
        Kind::Gauge => "gauge",
        Kind::Histogram(_) => "histogram",
    };
    for (word, text) in [("# HELP ", family.help), ("# TYPE ", kind)] {
        put(&[word, family.name, " "], out);
        escape(text.as_bytes(), false, out);
        out.push(b'\n');
    }
}

/// The line of a sample, or the lines of a histogram.
pub(super) fn sample(sample: &Sample, out: &mut Vec<u8>) {
    let (name, cells) = (sample.family.name, &sample.cells);
    let mut labels = Vec::new();
    for (label, value) in sample.labels() {
        put(
            &[if labels.is_empty() { "" } else { "," }, label, "=\""],
            &mut labels,
        );
        // It was text when it was counted; another program may have left something else in the memory.
        escape(String::from_utf8_lossy(value).as_bytes(), true, &mut labels);
        labels.push(b'"');
    }
    match sample.family.kind {
        Kind::Counter | Kind::Gauge => line(name, "", &labels, out, |out| integer(cells[0], out)),
        Kind::Time => line(name, "", &labels, out, |out| seconds(cells[0], out)),
        Kind::Histogram(bounds) => {
            let comma = if labels.is_empty() { "" } else { "," };
            let mut count = 0_u64;
            let ends = bounds.iter().map(Some).chain([None]);
            for (bound, bucket) in ends.zip(&cells[1..]) {
                // Each bucket holds what is in those below it, so the last is the count.
                count = count.wrapping_add(*bucket);
                put(&[name, "_bucket{"], out);
                out.extend_from_slice(&labels);
                put(&[comma, "le=\""], out);
                match bound {
                    Some(bound) => seconds(*bound, out),
                    None => put(&["+Inf"], out),
                }
                put(&["\"} "], out);
                integer(count, out);
                out.push(b'\n');
            }
            line(name, "_sum", &labels, out, |out| seconds(cells[0], out));
            line(name, "_count", &labels, out, |out| integer(count, out));
        }
    }
}

fn line(
    name: &str,
    suffix: &str,
    labels: &[u8],
    out: &mut Vec<u8>,
    value: impl FnOnce(&mut Vec<u8>),
) {
    put(&[name, suffix], out);
    if !labels.is_empty() {
        out.push(b'{');
        out.extend_from_slice(labels);
        out.push(b'}');
    }
    out.push(b' ');
    value(out);
    out.push(b'\n');
}

fn put(words: &[&str], out: &mut Vec<u8>) {
    for word in words {
        out.extend_from_slice(word.as_bytes());
    }
}

/// Backslashes and line ends; within quotes, those too.
fn escape(text: &[u8], quoted: bool, out: &mut Vec<u8>) {
    for byte in text {
        match byte {
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'"' if quoted => out.extend_from_slice(b"\\\""),
            byte => out.push(*byte),
        }
    }
}

fn integer(number: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// Nanoseconds, in seconds, to the last digit.
fn seconds(nanoseconds: u64, out: &mut Vec<u8>) {
    const SECOND: u64 = 1_000_000_000;
    integer(nanoseconds / SECOND, out);
    let mut rest = nanoseconds % SECOND;
    if rest > 0 {
        out.push(b'.');
    }
    let mut digit = SECOND / 10;
    while rest > 0 {
        out.push(b'0' + (rest / digit) as u8);
        rest %= digit;
        digit /= 10;
    }
}
