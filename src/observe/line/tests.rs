//! What a line says, in text and in JSON, whatever is in the values it is given.

use std::time::{Duration, UNIX_EPOCH};

use serde_json::Value as Parsed;

use super::*;
use crate::observe::{Event, OutOfMemory};

fn noon() -> SystemTime {
    UNIX_EPOCH + Duration::from_micros(1_795_608_000_123_456)
}

/// What `write` makes of an event as it comes through the facade.
fn written(event: &Event, write: impl FnOnce(&Record<'_>) -> Vec<u8>) -> String {
    let line = write(
        &Record::builder()
            .level(event.level())
            .target(TARGET)
            .args(format_args!("{event}"))
            .key_values(&event.fields())
            .build(),
    );
    String::from_utf8(line).unwrap()
}

fn failed(error: &str) -> Event {
    Event::RequestFailed {
        endpoint: "bets".into(),
        request_id: "r-1".into(),
        error: error.into(),
    }
}

#[test]
fn text_reads_as_a_sentence() {
    for (event, mark, worker, expected) in [
        (
            failed("no"),
            "",
            None,
            "error: bets failed: no (request r-1)\n",
        ),
        (
            failed("no"),
            "<3>",
            Some(1),
            "<3>worker 1: bets failed: no (request r-1)\n",
        ),
        (
            Event::DrainCut { connections: 2 },
            "",
            Some(0),
            "warning: worker 0: cut 2 connections that were still busy\n",
        ),
        (Event::Stopped, "", None, "stopped\n"),
    ] {
        assert_eq!(
            written(&event, |record| text(mark, worker, record)),
            expected
        );
    }
}

#[test]
fn no_part_of_a_text_passes_for_a_line() {
    let event = failed("one\r\nerror: two\n<0>three\u{1b}[2J\u{9b}2J\u{202e}\u{2028}\ttab é");
    let expected = "<3>bets failed: one\\r\n<3>    error: two\n<3>    <0>three\\u{1b}[2J\\u{9b}2J\\u{202e}\\u{2028}\ttab é \
                    (request r-1)\n";
    assert_eq!(
        written(&event, |record| text("<3>", None, record)),
        expected
    );
}

#[test]
fn json_holds_the_values() {
    let line = written(&failed("a \"b\"\n\u{1b}"), |record| {
        json("<3>", noon(), Some(1), record)
    });
    let expected = "<3>{\"time\":\"2026-11-25T12:00:00.123456Z\",\"level\":\"error\",\"worker\":1,\
        \"event\":\"request_failed\",\"message\":\"bets failed: a \\\"b\\\"\\n\\u001b (request r-1)\",\
        \"endpoint\":\"bets\",\"error\":\"a \\\"b\\\"\\n\\u001b\",\"request_id\":\"r-1\"}\n";
    assert_eq!(line, expected);
}

#[test]
fn json_has_numbers_and_flags() {
    let event = Event::WorkerEnded {
        slot: 2,
        pid: 77,
        how: "ended".into(),
        memory: OutOfMemory::Perhaps,
        pause: Duration::from_millis(250),
    };
    let line = written(&event, |record| json("", noon(), None, record));
    let parsed: Parsed = serde_json::from_str(&line).unwrap();
    assert_eq!(parsed["worker"], 2);
    assert_eq!(parsed["pause_seconds"], 0.25);
    let event = Event::PlacesTaken {
        admin: true,
        count: 64,
    };
    let line = written(&event, |record| json("", noon(), None, record));
    let parsed: Parsed = serde_json::from_str(&line).unwrap();
    assert_eq!(parsed["admin"], true);
    assert_eq!(parsed["count"], 64);
}

/// What comes from libraries names them, and their values cannot take the place of the logger's own.
#[test]
fn json_of_a_library() {
    let values = [("level", 7), ("count", 8)];
    let record = Record::builder()
        .level(Level::Warn)
        .target("rustls::client")
        .args(format_args!("odd"))
        .key_values(&values)
        .build();
    let line = json("", noon(), None, &record);
    let parsed: Parsed = serde_json::from_slice(&line).unwrap();
    let expected = serde_json::json!({
        "time": "2026-11-25T12:00:00.123456Z", "level": "warn", "target": "rustls::client", "message": "odd",
        "count": 8,
    });
    assert_eq!(parsed, expected);
}

#[test]
fn no_line_is_longer_than_one_write() {
    for unit in ["x", "é", "\n", "\u{1}", "\"", "😀"] {
        for count in [500, 1000, 2000, 4000, 5000, 100_000] {
            let event = failed(&unit.repeat(count));
            let line = written(&event, |record| json("<3>", noon(), Some(1), record));
            assert!(
                line.len() <= UNDIVIDED_BYTES,
                "{unit:?} × {count}: {}",
                line.len()
            );
            let parsed: Parsed = serde_json::from_str(&line[3..]).unwrap();
            let error = parsed["error"].as_str().unwrap();
            assert!(error == unit.repeat(count) || error.ends_with('…'));
            assert_eq!(parsed["request_id"], "r-1");
            let line = written(&event, |record| text("<3>", Some(1), record));
            assert!(line.len() <= UNDIVIDED_BYTES && line.ends_with('\n'));
            assert!(line.ends_with("(request r-1)\n") || line.ends_with("…\n"));
            assert!(line.len() > UNDIVIDED_BYTES - 16 || line.ends_with("(request r-1)\n"));
        }
    }
}
