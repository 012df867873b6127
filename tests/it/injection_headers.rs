//! The same for each header that SQL says something of, and for each that repeats what a client has sent.

use std::net::SocketAddr;

use serde_json::json;

use crate::api_service::{self, Service};
use crate::harness::{Answer, converse};
use crate::injection::{cleaned, is_control, payloads};

const ENDPOINTS: &str = "
-- name: see^
-- http: GET /see
select 'seen' as said, :to as _etag;

-- name: put<!
-- http: POST /put
-- :to text
-- :status int default 200
select 'put' as said, :to as _etag, :to as _location, :status as _status;

-- name: both<!
-- http: PUT /both
-- :to text
-- Several statements are a transaction: what cannot be told is undone.
insert into told values (:to);
select 'told' as said, :to as _location, :to as _etag;

-- name: told$
-- http: GET /told
select count(*) from told;

-- name: pages
-- http: GET /pages/{shop}
-- :after text default null
-- :limit int default 1
-- cache: private, max-age=60
-- page: keyset next -> after
select :to::text as next, :shop::text as shop, :after as after, 7::bigint as _total limit :limit;

-- name: bytes$
-- http: GET /bytes
-- returns: text/plain
select :to::text;
";

/// Fields that answers have here; of those that come with a problem, too.
const MEANT: [&str; 14] = [
    "access-control-allow-headers",
    "access-control-allow-methods",
    "access-control-allow-origin",
    "access-control-expose-headers",
    "access-control-max-age",
    "allow",
    "cache-control",
    "connection",
    "content-length",
    "content-type",
    "date",
    "vary",
    "www-authenticate",
    "x-request-id",
];

/// Of those, what SQL says.
const OF_SQL: [&str; 4] = ["etag", "link", "location", "x-total-count"];

/// That an answer has no field that is not meant to be there.
#[track_caller]
fn has_what_is_meant(answer: &Answer, payload: &str) {
    let mut names = answer.headers.iter().map(|(name, _)| name.as_str());
    let unmeant = names.find(|name| !MEANT.contains(name) && !OF_SQL.contains(name));
    assert_eq!(unmeant, None, "{payload:?}: {answer:?}");
}

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// Every payload in a request of its own, all on one connection at once; there is an answer to each.
#[track_caller]
fn ask_all(service: &Service, request: impl Fn(&str) -> (String, String)) -> Vec<(String, Answer)> {
    let payloads = payloads();
    let mut requests = String::new();
    for (number, payload) in payloads.iter().enumerate() {
        let (head, body) = request(payload);
        let last = number + 1 == payloads.len();
        let connection = if last { "close" } else { "keep-alive" };
        let (line, fields) = head.split_once('\n').unwrap_or((&head, ""));
        requests.push_str(&format!(
            "{line} HTTP/1.1\r\nHost: a\r\nX-Request-Id: {number}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n{fields}Connection: {connection}\r\n\r\n{body}",
            body.len()
        ));
    }
    let answers = converse(service.server.address(), &[], requests.as_bytes()).flawless();
    assert_eq!(answers.len(), payloads.len());
    for (number, (answer, payload)) in answers.iter().zip(&payloads).enumerate() {
        assert_eq!(answer.header("x-request-id"), Some(&*number.to_string()));
        has_what_is_meant(answer, payload);
    }
    payloads.into_iter().zip(answers).collect()
}

fn service(name: &str, options: &[&str]) -> Service {
    api_service::serve_with(name, "create table told (to_ text)", ENDPOINTS, options)
}

/// What an entity tag may have in its quotes (RFC 9110 section 8.8.3).
fn is_tag(payload: &str) -> bool {
    !payload.contains(|c: char| is_control(c) || " \t\"".contains(c))
}

/// The status where a header of SQL cannot be what it says; PostgreSQL's text has no NUL.
fn refused(payload: &str) -> u16 {
    if payload.contains('\0') { 400 } else { 500 }
}

#[test]
fn a_tag_of_sql_is_sent_as_it_is_or_not_at_all() {
    let service = service("injection_etag", &[]);
    for seen in ["", "If-None-Match: *\r\n", "If-None-Match: \"other\"\r\n"] {
        let answers = ask_all(&service, |payload| {
            (
                format!("GET /see?to={}\n{seen}", encoded(payload)),
                String::new(),
            )
        });
        let mut sent = 0;
        for (payload, answer) in answers {
            let good = if seen.contains('*') { 304 } else { 200 };
            let status = if is_tag(&payload) {
                good
            } else {
                refused(&payload)
            };
            assert_eq!(answer.status, status, "{payload:?}: {answer:?}");
            let tag = is_tag(&payload).then(|| format!("\"{payload}\""));
            assert_eq!(answer.header("etag"), tag.as_deref());
            sent += usize::from(is_tag(&payload));
        }
        assert!(sent > 10, "some are harmless: {sent}");
    }
}

#[test]
fn headers_of_what_was_written_are_sent_as_they_are_or_it_is_undone() {
    let service = service("injection_written", &[]);
    for (line, status) in [("POST /put", 200), ("PUT /both", 200)] {
        let body = |payload: &str| (line.to_owned(), json!({ "to": payload }).to_string());
        let mut sent = 0;
        for (payload, answer) in ask_all(&service, body) {
            let status = if is_tag(&payload) {
                status
            } else {
                refused(&payload)
            };
            assert_eq!(answer.status, status, "{payload:?}: {answer:?}");
            let (location, tag) = match is_tag(&payload) {
                true => (Some(cleaned(&payload)), Some(format!("\"{payload}\""))),
                false => (None, None),
            };
            assert_eq!(answer.header("location"), location.as_deref());
            assert_eq!(answer.header("etag"), tag.as_deref());
            sent += usize::from(is_tag(&payload));
        }
        if line == "PUT /both" {
            assert_eq!(service.get("/told").body, sent.to_string());
        }
    }
}

/// The path and the query are the client's, the next page's begin is a column.
#[test]
fn a_link_has_nothing_but_what_an_address_has() {
    let service = service("injection_link", &[]);
    let in_query = |payload: &str| format!("GET /pages/1?to={}", encoded(payload));
    let in_path = |payload: &str| format!("GET /pages/{}?to=a", encoded(payload));
    let in_both = |payload: &str| {
        let encoded = encoded(payload);
        format!("GET /pages/{encoded}?after={encoded}&to={encoded}")
    };
    for head in [&in_query as &dyn Fn(&str) -> String, &in_path, &in_both] {
        for (payload, answer) in ask_all(&service, |payload| (head(payload), String::new())) {
            if payload.contains('\0') {
                assert_eq!(answer.status, 400, "{payload:?}: {answer:?}");
                assert_eq!(answer.header("link"), None);
                continue;
            }
            assert_eq!(answer.status, 200, "{payload:?}: {answer:?}");
            assert_eq!(answer.header("x-total-count"), Some("7"));
            assert_eq!(answer.header("cache-control"), Some("private, max-age=60"));
            let link = answer.header("link").unwrap();
            let target = link.strip_prefix('<').unwrap();
            let target = target.strip_suffix(">; rel=\"next\"").unwrap();
            let fit = |c: char| c.is_ascii_alphanumeric() || "/?&=%-._~".contains(c);
            assert!(target.chars().all(fit), "{payload:?}: {link}");
            let (_, after) = target.rsplit_once("after=").unwrap();
            let next = answer.json()[0]["next"].as_str().unwrap().to_owned();
            assert_eq!(decoded(after), next);
        }
    }
    // Characters that end an address are in none.
    for path in [
        "/pages/a>;rel=\"x\"",
        "/pages/<a>",
        "/pages/a\"b",
        "/pages/a>,<b",
    ] {
        assert_eq!(service.get(&format!("{path}?to=b")).status, 400, "{path}");
    }
}

fn decoded(text: &str) -> String {
    let bytes = text.split('%').skip(1).flat_map(|part| {
        let (byte, rest) = part.split_at(2);
        let byte = u8::from_str_radix(byte, 16).unwrap();
        std::iter::once(byte).chain(rest.bytes())
    });
    let begin = text.split('%').next().unwrap_or_default().bytes();
    String::from_utf8(begin.chain(bytes).collect()).unwrap()
}

/// A payload that the client itself puts into a header is its own request's business; no answer has it as it was.
#[test]
fn what_a_client_sends_comes_back_in_no_header_as_it_was() {
    const ORIGIN: &str = "https://app.example";
    let service = service("injection_echo", &["--cors-origin", ORIGIN]);
    let address = service.server.address();
    for (method, field, begin) in [
        ("GET", "X-Request-Id", ""),
        ("GET", "Origin", ""),
        ("GET", "Origin", ORIGIN),
        ("GET", "If-None-Match", "\"a\""),
        ("GET", "Accept", "text/csv"),
        ("GET", "Authorization", "Bearer a"),
        ("POST", "Content-Type", "text/plain"),
        ("OPTIONS", "Access-Control-Request-Headers", "x-a"),
        ("OPTIONS", "Access-Control-Request-Method", "GET"),
    ] {
        for payload in payloads() {
            let target = if method == "POST" {
                "/put"
            } else {
                "/bytes?to=a"
            };
            let origin = match field {
                "Origin" => String::new(),
                _ => format!("Origin: {ORIGIN}\r\n"),
            };
            let preflight = match (method, field) {
                ("OPTIONS", "Access-Control-Request-Headers") => {
                    "Access-Control-Request-Method: GET\r\n"
                }
                _ => "",
            };
            let head = format!(
                "{method} {target} HTTP/1.1\r\nHost: a\r\n{origin}{preflight}{field}: {begin}{payload}\r\n\
                 Connection: close\r\n\r\n"
            );
            for answer in said_to(address, method, &head) {
                has_what_is_meant(&answer, &payload);
                let id = answer.header("x-request-id").unwrap_or("none");
                let fit = |c: char| c.is_ascii_alphanumeric() || "_.:-".contains(c);
                assert!(id.len() <= 128 && id.chars().all(fit), "{payload:?}: {id}");
                let allowed = answer.header("access-control-allow-origin");
                assert!(allowed.is_none_or(|origin| origin == ORIGIN), "{answer:?}");
                let headers = answer.header("access-control-allow-headers").unwrap_or("x");
                let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
                let mut names = headers.split(", ");
                assert!(
                    names.all(|name| !name.is_empty() && name.chars().all(token)),
                    "{headers}"
                );
            }
        }
    }
}

/// The answers to a head that may be more than one, or announce a body that does not come.
#[track_caller]
fn said_to(address: SocketAddr, method: &str, head: &str) -> Vec<Answer> {
    // The end of a chunked body, if it is one; else nobody reads it behind a request that closes.
    let bytes = [head.as_bytes(), b"0\r\n\r\n"].concat();
    let answers = converse(address, &[method], &bytes).flawless();
    assert!(!answers.is_empty(), "{head:?}");
    answers
}

/// Why a token is not taken is said in our words.
#[cfg(feature = "auth")]
#[test]
fn a_challenge_has_nothing_of_a_token() {
    use crate::harness::{bearer, signed};
    let endpoint = "-- name: a$\n-- http: GET /a\n-- auth: scope a b\nselect 1;\n";
    let service = api_service::serve_guarded("injection_challenge", "", endpoint, &[]);
    let address = service.server.address();
    let known = [
        "Bearer",
        "Bearer error=\"insufficient_scope\", scope=\"a b\"",
        "Bearer error=\"invalid_request\", error_description=\"the header Authorization is there more than once\"",
    ];
    for payload in payloads() {
        let claims = json!({"sub": payload, "scope": payload, "iss": payload, "x": payload});
        let strange = json!({"exp": payload, "aud": [payload, 1]});
        let alg = json!(payload).to_string();
        let alg = alg.trim_matches('"');
        for value in [
            payload.clone(),
            format!("Bearer {payload}"),
            format!("Bearer a.b.{payload}"),
            bearer(&claims.to_string()),
            bearer(&strange.to_string()),
            format!("Bearer {}", signed(alg, "{}", |_| vec![0; 32])),
        ] {
            let head = format!(
                "GET /a HTTP/1.1\r\nHost: a\r\nAuthorization: {value}\r\nConnection: close\r\n\r\n"
            );
            for answer in said_to(address, "GET", &head) {
                has_what_is_meant(&answer, &payload);
                assert!(
                    [400, 401, 403].contains(&answer.status),
                    "{value:?}: {answer:?}"
                );
                let challenge = answer.header("www-authenticate").unwrap_or("Bearer");
                let words = challenge
                    .strip_prefix("Bearer error=\"invalid_token\", error_description=\"the token ")
                    .and_then(|rest| rest.strip_suffix('"'));
                let fit = |c: char| c.is_ascii_alphanumeric() || " ,".contains(c);
                let ours = words.is_some_and(|words| words.chars().all(fit));
                assert!(ours || known.contains(&challenge), "{challenge}");
            }
        }
    }
}
