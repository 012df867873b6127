//! The HTTP client that handlers have: answers whole or an error, connections kept, and always an end.

use std::time::Duration;

use peppercorn::client::Client;
use peppercorn::{Method, StatusCode};

use crate::harness::{FakeSentry, Heard, Reply, answer, block_on};

fn client() -> Client {
    Client::start().unwrap()
}

fn url(server: &FakeSentry, path: &str) -> String {
    format!("http://{}{path}", server.address())
}

fn bytes(text: &str) -> Reply {
    Reply::Bytes(text.into())
}

/// What comes of a GET that is answered like this.
fn get(reply: Reply) -> Result<(u16, String), String> {
    let server = FakeSentry::start(move |_, _| reply.clone());
    let client = client();
    let request = client.get(&url(&server, "/x?secret=canary"));
    let request = request.within(Duration::from_millis(500)).most_bytes(10);
    match block_on(request.send()) {
        Ok(answer) => Ok((answer.status.into(), answer.text().unwrap().to_owned())),
        Err(error) => {
            let text = format!("{error:#}");
            assert!(text.starts_with("GET http://127.0.0.1/x: "), "{text}");
            assert!(!text.contains("canary"), "{text}");
            Err(text["GET http://127.0.0.1/x: ".len()..].to_owned())
        }
    }
}

#[test]
fn a_request_is_sent_as_it_was_said() {
    let server = FakeSentry::start(|_, _| answer("201 Created", "X-Of: a\r\nX-Of: b\r\n", "é"));
    let client = client();
    let request = client
        .post(&url(&server, "/orders?a=1"))
        .header("Authorization", "Bearer x")
        .json(&serde_json::json!({"order": 7}));
    let answer = block_on(request.send()).unwrap();
    assert_eq!(answer.status, StatusCode::Created);
    assert_eq!(
        (answer.text().unwrap(), answer.header("x-of")),
        ("é", Some("a"))
    );
    let [heard] = server.heard().try_into().unwrap();
    assert!(
        heard.head.starts_with("POST /orders?a=1 HTTP/1.1\r\n"),
        "{}",
        heard.head
    );
    let address = server.address().to_string();
    for (name, value) in [
        ("authorization", "Bearer x"),
        ("content-type", "application/json"),
        ("content-length", "11"),
        ("host", address.as_str()),
    ] {
        assert_eq!(heard.header(name), Some(value), "{name}");
    }
    assert_eq!(heard.body, br#"{"order":7}"#);
}

#[test]
fn what_is_no_answer_is_an_error_in_time() {
    assert_eq!(
        get(answer("404 Not Found", "", "no")),
        Ok((404, "no".into()))
    );
    let chunked =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
    assert_eq!(get(bytes(chunked)), Ok((200, "abcde".into())));
    for until_end in ["HTTP/1.1 200 OK\r\n\r\nabc", "HTTP/1.1 200 OK\nA: b\n\nabc"] {
        assert_eq!(get(Reply::Last(until_end.into())), Ok((200, "abc".into())));
    }
    for status in ["204 No Content", "304 Not Modified"] {
        let text = format!("HTTP/1.1 {status}\r\nContent-Length: 5\r\n\r\n");
        let code = status[..3].parse().unwrap();
        assert_eq!(get(bytes(&text)), Ok((code, String::new())));
    }
    let short = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc";
    for (reply, error) in [
        (Reply::Silence, "no answer within 0.5 s"),
        (
            Reply::Slow(short.into(), Duration::from_millis(100)),
            "no answer within 0.5 s",
        ),
        (Reply::Last(short.into()), "the answer ended early"),
        (
            answer("200 OK", "", "12345678901"),
            "the answer has more than 10 bytes",
        ),
        (
            bytes("HTTP/1.1 200 OK\r\nX: \u{e9}\r\n\r\n"),
            "the answer is not HTTP",
        ),
    ] {
        assert_eq!(get(reply.clone()), Err(error.to_owned()), "{reply:?}");
    }
    for reply in [
        Reply::Reset,
        Reply::Last(Vec::new()),
        bytes("SSH-2.0-x\r\n\r\n"),
    ] {
        let error = get(reply.clone()).unwrap_err();
        assert!(!error.contains("no answer within"), "{reply:?}: {error}");
    }
}

#[test]
fn what_is_no_request_is_not_sent() {
    let server = FakeSentry::start(|_, _| answer("200 OK", "", ""));
    let client = client();
    let good = url(&server, "/");
    for (url, name, value, expected) in [
        ("nowhere", "a", "b", "GET: the URL: "),
        ("ftp://example.com/", "a", "b", "ftp is not http or https"),
        (good.as_str(), "a b", "b", "the header a b cannot be sent"),
        (
            good.as_str(),
            "a",
            "b\r\nc: d",
            "the header a cannot be sent",
        ),
        (good.as_str(), "a", "é", "the header a cannot be sent"),
        (
            "http://127.0.0.1:1/",
            "a",
            "b",
            "cannot connect to 127.0.0.1:1",
        ),
    ] {
        let sent = block_on(client.get(url).header(name, value).send());
        let error = format!("{:#}", sent.unwrap_err());
        assert!(error.contains(expected), "{url} {name}: {error}");
    }
    assert!(server.heard().is_empty());
}

#[test]
fn a_connection_is_kept_as_long_as_both_like() {
    let script = |number, _: &Heard| match number {
        2 => bytes("HTTP/1.1 204 No Content\r\n\r\n"),
        3 => Reply::Last(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n".to_vec()),
        _ => answer("200 OK", "", "ok"),
    };
    let server = FakeSentry::start(script);
    let client = client();
    let url = url(&server, "/");
    let ask = |method| {
        let answer = block_on(client.request(method, &url).send()).unwrap();
        let expected = match method {
            Method::Post => StatusCode::NoContent,
            _ => StatusCode::Ok,
        };
        assert_eq!(answer.status, expected);
    };
    // One that may not be sent twice has a connection of its own, which others then have.
    for method in [
        Method::Get,
        Method::Get,
        Method::Post,
        Method::Get,
        Method::Get,
        Method::Head,
    ] {
        ask(method);
    }
    let heard = server.heard();
    let connections: Vec<usize> = heard.iter().map(|heard| heard.connection).collect();
    assert_eq!(connections, [0, 0, 1, 1, 0, 0]);
}

#[test]
fn a_kept_connection_that_has_ended_is_not_used() {
    let ended = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    let server = FakeSentry::start(|_, _| Reply::Last(ended.to_vec()));
    let (client, url) = (client(), url(&server, "/"));
    for _ in 0..20 {
        let answer = block_on(client.get(&url).send()).unwrap();
        assert_eq!(answer.text().unwrap(), "ok");
    }
    let heard = server.heard();
    let connections: Vec<usize> = heard.iter().map(|heard| heard.connection).collect();
    assert_eq!(connections, Vec::from_iter(0..20));
}
