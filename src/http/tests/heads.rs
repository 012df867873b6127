//! Heads, rule by rule: request lines, fields, hosts.

use super::*;

/// RFC 9112 section 3
#[test]
fn request_lines() {
    let line = |line: &str| refusal(&format!("{line}\r\nHost: a\r\n\r\n"));
    assert_eq!(line("GET / HTTP/1.1"), None);
    for (bad, expected) in [
        (" GET / HTTP/1.1", Refusal::RequestLine),
        ("GET  / HTTP/1.1", Refusal::RequestLine),
        ("GET /  HTTP/1.1", Refusal::RequestLine),
        ("GET\t/\tHTTP/1.1", Refusal::RequestLine),
        ("GET\x0b/ HTTP/1.1", Refusal::RequestLine),
        ("GET / HTTP/1.1 ", Refusal::RequestLine),
        ("GET / HTTP/1.1 x", Refusal::RequestLine),
        ("GET /", Refusal::RequestLine),
        ("GET HTTP/1.1", Refusal::RequestLine),
        ("GET /a b HTTP/1.1", Refusal::RequestLine),
        ("GET / http/1.1", Refusal::RequestLine),
        ("GET / HTTP/1", Refusal::RequestLine),
        ("GET / HTTP/1.10", Refusal::RequestLine),
        ("GET / HTTP/ 1.1", Refusal::RequestLine),
        ("GE:T / HTTP/1.1", Refusal::RequestLine),
        ("GET\0 / HTTP/1.1", Refusal::RequestLine),
        ("GET\u{df} / HTTP/1.1", Refusal::RequestLine),
        ("\x16\x03\x01", Refusal::RequestLine),
        ("GET / HTTP/1.1\rX", Refusal::RequestLine),
        ("GET / HTTP/1.1\r", Refusal::RequestLine),
        ("GET /\0 HTTP/1.1", Refusal::Target),
        ("GET /\u{e9} HTTP/1.1", Refusal::Target),
        ("GET /\u{c3}\u{a9} HTTP/1.1", Refusal::Target),
        ("GET /#x HTTP/1.1", Refusal::Target),
        ("GET * HTTP/1.1", Refusal::Target),
        ("GET / HTTP/1.2", Refusal::Version),
        ("GET / HTTP/2.0", Refusal::Version),
        ("GET / HTTP/0.9", Refusal::Version),
        ("get / HTTP/1.1", Refusal::Method),
        ("FROBNICATE / HTTP/1.1", Refusal::Method),
        ("CONNECT a:443 HTTP/1.1", Refusal::Method),
    ] {
        assert_eq!(line(bad), Some(expected), "{bad:?}");
    }
    assert_eq!(
        refusal("GET / HTTP/1.1\nHost: a\r\n\r\n"),
        Some(Refusal::LineEnd)
    );
}

/// RFC 9110 section 9.1: every method, and none in another case.
#[test]
fn methods_are_case_sensitive() {
    for method in [
        Method::Get,
        Method::Head,
        Method::Patch,
        Method::VersionControl,
        Method::Trace,
    ] {
        assert_eq!(
            request(&format!("{method} / HTTP/1.1\r\nHost: a\r\n\r\n")).method,
            method
        );
        let lower = method.to_string().to_lowercase();
        assert_eq!(
            refusal(&format!("{lower} / HTTP/1.1\r\nHost: a\r\n\r\n")),
            Some(Refusal::Method)
        );
    }
}

/// RFC 9112 section 2.2
#[test]
fn a_few_empty_lines_are_skipped() {
    let request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    for lines in 0..10 {
        let refused = refusal(&format!("{}{request}", "\r\n".repeat(lines)));
        assert_eq!(
            refused,
            (lines > 4).then_some(Refusal::EmptyLines),
            "{lines}"
        );
    }
    assert_eq!(refusal(&format!("\n{request}")), Some(Refusal::LineEnd));
    assert_eq!(refusal(&format!("\r\r\n{request}")), Some(Refusal::LineEnd));
    assert!(!outcome("\r\n").truncated);
}

/// RFC 9112 section 5 and RFC 9110 section 5.5
#[test]
fn field_lines() {
    let field = |line: &str| refusal(&format!("GET / HTTP/1.1\r\nHost: a\r\n{line}\r\n\r\n"));
    for good in [
        "X:",
        "X: ",
        "X:\ta\tb \t",
        "X: caf\u{e9}",
        "!#$%&'*+-.^_`|~09az: 1",
        "Transfer_Encoding: chunked",
    ] {
        assert_eq!(field(good), None, "{good:?}");
    }
    for (bad, expected) in [
        ("X : 1", Refusal::FieldName),
        ("X\t: 1", Refusal::FieldName),
        ("X", Refusal::FieldName),
        (": 1", Refusal::FieldName),
        ("X Y: 1", Refusal::FieldName),
        ("X[0]: 1", Refusal::FieldName),
        ("X\0: 1", Refusal::FieldName),
        ("X\u{ff}: 1", Refusal::FieldName),
        ("X: a\r\n b", Refusal::FieldName),
        ("X: a\r\n\tb", Refusal::FieldName),
        ("X: a\0b", Refusal::FieldValue),
        ("X: a\x07b", Refusal::FieldValue),
        ("X: a\x7fb", Refusal::FieldValue),
        ("X: a\rb", Refusal::FieldValue),
        ("X: a\r", Refusal::FieldValue),
        ("X: a\nY: b", Refusal::LineEnd),
    ] {
        assert_eq!(field(bad), Some(expected), "{bad:?}");
    }
    let space = "GET / HTTP/1.1\r\n Host: a\r\n\r\n";
    assert_eq!(refusal(space), Some(Refusal::FieldName));
}

/// The tokenizer looks at many bytes at once: no place in a value may hide a control character from it.
#[test]
fn control_characters_are_found_at_every_place_of_a_value() {
    for byte in (0..=0x1f)
        .chain([0x7f])
        .filter(|byte| !b"\t\r\n".contains(byte))
    {
        for place in 0..70 {
            let value = format!(
                "{}{}{}",
                "a".repeat(place),
                byte as char,
                "b".repeat(70 - place)
            );
            let refused = refusal(&format!("GET / HTTP/1.1\r\nHost: a\r\nX: {value}\r\n\r\n"));
            assert_eq!(refused, Some(Refusal::FieldValue), "{byte:#x} at {place}");
        }
    }
}

/// And of a name; a colon would end it.
#[test]
fn bytes_that_are_no_tokens_are_found_at_every_place_of_a_name() {
    let bad = |byte: &u8| !chars::is(*byte, chars::TOKEN) && !b":\r\n".contains(byte);
    for byte in (0..=255).filter(bad) {
        for place in 0..35 {
            let name = format!(
                "{}{}{}",
                "a".repeat(place),
                byte as char,
                "b".repeat(35 - place)
            );
            let refused = refusal(&format!("GET / HTTP/1.1\r\nHost: a\r\n{name}: 1\r\n\r\n"));
            assert_eq!(refused, Some(Refusal::FieldName), "{byte:#x} at {place}");
        }
    }
}

/// RFC 9112 section 3.2
#[test]
fn hosts() {
    let fields = |fields: &str| refusal(&format!("GET / HTTP/1.1\r\n{fields}\r\n"));
    assert_eq!(fields(""), Some(Refusal::HostMissing));
    assert_eq!(fields("Host:\r\n"), Some(Refusal::HostInvalid));
    assert_eq!(fields("Host: a, b\r\n"), Some(Refusal::HostInvalid));
    assert_eq!(
        fields("Host: a\r\nhOST: a\r\n"),
        Some(Refusal::HostRepeated)
    );
    assert_eq!(
        refusal("GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n"),
        Some(Refusal::HostRepeated)
    );
    assert_eq!(request("GET / HTTP/1.0\r\n\r\n").host, None);
    assert_eq!(
        request("GET / HTTP/1.1\r\nhOsT: \t a:80 \t\r\n\r\n")
            .host
            .as_deref(),
        Some("a:80")
    );
}

/// RFC 9112 section 3.2.2
#[test]
fn an_authority_in_the_target_overrides_host() {
    let asked = request("GET http://b.example/x?y HTTP/1.1\r\nHost: a.example\r\nX: 1\r\n\r\n");
    assert_eq!(
        (asked.path.as_str(), asked.query.as_deref()),
        ("/x", Some("y"))
    );
    assert_eq!(asked.host.as_deref(), Some("b.example"));
    assert_eq!(asked.fields[0], ("Host".into(), b"b.example".to_vec()));
    let old = request("GET http://b.example HTTP/1.0\r\n\r\n");
    assert_eq!(
        (old.path.as_str(), old.host.as_deref()),
        ("/", Some("b.example"))
    );
    let bad_host = "GET http://b.example/ HTTP/1.1\r\nHost: u@a\r\n\r\n";
    assert_eq!(refusal(bad_host), Some(Refusal::HostInvalid));
}
