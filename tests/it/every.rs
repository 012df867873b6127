//! Everything that a file can say, in one folder (`cases/every`): its document, and answers that are what it says.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

use crate::harness::{
    Answer, Database, Folder, SECRET, Server, bearer, database, golden, peppercorn, run, write_key,
};

struct Home {
    server: Server,
    database: Database,
    keys: Folder,
}

fn directory() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/cases/every"))
}

impl Home {
    fn new(name: &str) -> Home {
        let database = database(name);
        let schema = std::fs::read_to_string(directory().join("schema.sql")).unwrap();
        database.run(&schema);
        let keys = Folder::new();
        let key = write_key(&keys, SECRET);
        let server = Server::start(directory(), &database, &["--jwt-key", &key]).ready();
        Home {
            server,
            database,
            keys,
        }
    }

    /// `METHOD /target {json}` of somebody who may do everything.
    #[track_caller]
    fn ask(&self, request: &str, fields: &[(&str, &str)]) -> Answer {
        let (method, rest) = request.split_once(' ').unwrap();
        let (target, body) = rest.split_once(' ').unwrap_or((rest, ""));
        let token = bearer(r#"{"sub": "jane", "scope": "things:read things:write"}"#);
        let mut all = vec![("Authorization", &*token)];
        all.extend_from_slice(fields);
        self.server.connect().request(method, target, &all, body)
    }
}

#[test]
fn its_document_is_as_it_was_agreed() {
    let home = Home::new("every_document");
    let key = write_key(&home.keys, SECRET);
    let told = |command: &str| {
        let mut program = peppercorn();
        program.env("DATABASE_URL", home.database.url());
        run(program
            .arg(command)
            .arg(directory())
            .args(["--jwt-key", &key]))
    };
    let check = told("check");
    assert_eq!((check.code, &*check.stderr), (Some(0), ""));
    assert!(
        check.stdout.ends_with(" endpoints, nothing wrong\n"),
        "{check:?}"
    );
    let document = told("openapi");
    assert_eq!((document.code, &*document.stderr), (Some(0), ""));
    golden("every.json", &document.stdout);
    assert_eq!(home.server.get("/openapi.json").body, document.stdout);
}

#[test]
fn answers_are_what_the_document_says() {
    let home = Home::new("every_answers");
    let document = home.server.get("/openapi.json").json();
    let said = |route: &str, answer: &Answer| {
        let (method, path) = route.split_once(' ').unwrap();
        let answers = &document["paths"][path][method.to_ascii_lowercase()]["responses"];
        let any = || answers.get("2XX").filter(|_| answer.status / 100 == 2);
        let said = answers.get(answer.status.to_string()).or_else(any);
        let said = said.unwrap_or(&Value::Null);
        assert!(said.is_object(), "{route}: {answer:?}");
        match said["$ref"].as_str() {
            Some(reference) => document.pointer(&reference[1..]).unwrap().clone(),
            None => said.clone(),
        }
    };
    const LISTS: &str = r#"{"ints":[1,null],"texts":["a",null],"flags":[true],"documents":[{"a":1},null],"blobs":["AP8="]}"#;
    for (request, route, status) in [
        ("GET /", "GET /", 200),
        ("GET /types", "GET /types", 200),
        ("GET /types/1", "GET /types/{id}", 200),
        ("GET /types/2", "GET /types/{id}", 200),
        ("GET /types/3", "GET /types/{id}", 404),
        ("GET /types/void", "GET /types/void", 200),
        ("GET /echo", "GET /echo", 200),
        (
            "GET /echo?json=%7B%22a%22:1%7D&size=(1,2,t)&mood=so,%20so&bytea=AP8=&small=7",
            "GET /echo",
            200,
        ),
        ("GET /echo?small=100", "GET /echo", 422),
        ("GET /echo?int4=101&nosuch=1", "GET /echo", 400),
        (
            r#"POST /echo {"bool":true,"int2":1,"int4":1,"int8":1,"text":"a","interval":"PT-0.5S"}"#,
            "POST /echo",
            200,
        ),
        (
            r#"POST /echo {"bool":true,"int2":1,"int4":1,"int8":1,"text":"a","json":null,"bytea":"AP8="}"#,
            "POST /echo",
            200,
        ),
        (
            "GET /echo/lists?ints=1&ints=2&texts=&smalls=99&blobs=AP8=",
            "GET /echo/lists",
            200,
        ),
        (
            &format!("POST /echo/lists {LISTS}"),
            "POST /echo/lists",
            200,
        ),
        ("GET /things", "GET /things", 200),
        ("GET /things?limit=50&tag=a&tag=b", "GET /things", 200),
        ("GET /things/1", "GET /things/{id}", 200),
        (
            r#"POST /things {"name":"new","price":1.5,"tags":["a",null]}"#,
            "POST /things",
            201,
        ),
        (r#"POST /things {"name":"new"}"#, "POST /things", 409),
        (r#"POST /things {"name":""}"#, "POST /things", 422),
        (
            r#"PUT /things/1/name {"name":"one"}"#,
            "PUT /things/{id}/name",
            200,
        ),
        (
            r#"PUT /things/1001/name {"name":"another"}"#,
            "PUT /things/{id}/name",
            201,
        ),
        (r#"PATCH /things/1 {"price":2}"#, "PATCH /things/{id}", 200),
        ("DELETE /things/1?only_if=other", "DELETE /things/{id}", 404),
        ("DELETE /things/2", "DELETE /things/{id}", 204),
        (
            r#"POST /things/bulk?owner=me [{"name":"x"},{"name":"y","note":null}]"#,
            "POST /things/bulk",
            200,
        ),
        ("GET /things/count", "GET /things/count", 200),
        (r#"POST /things/move {"from":1}"#, "POST /things/move", 200),
        ("POST /things/touch", "POST /things/touch", 204),
        ("GET /old-things", "GET /old-things", 200),
        ("GET /things/1/photo", "GET /things/{id}/photo", 200),
        ("GET /things/3/photo", "GET /things/{id}/photo", 404),
        ("PUT /things/3/photo bytes", "PUT /things/{id}/photo", 204),
        ("PUT /things/3/note a note", "PUT /things/{id}/note", 202),
        ("GET /media/things.csv", "GET /media/things.csv", 200),
        ("GET /media/things.ndjson", "GET /media/things.ndjson", 200),
        ("GET /media/page", "GET /media/page", 200),
        ("GET /media/place", "GET /media/place", 200),
        ("POST /media/document [1]", "POST /media/document", 200),
        ("POST /media/numbers [1,null,3]", "POST /media/numbers", 200),
        ("PUT /media/text abc", "PUT /media/text", 200),
        (
            r#"PUT /places/a%2Fb/7?many=1&many=2 {"text":"t"}"#,
            "PUT /places/{first}/{second}",
            200,
        ),
        ("GET /places/header", "GET /places/header", 400),
        ("GET /places/whose", "GET /places/whose", 200),
        ("DELETE /places/1", "DELETE /places/{id}", 204),
        ("GET /places/status?wanted=203", "GET /places/status", 203),
    ] {
        let answer = ask_bytes(&home, request);
        assert_eq!(answer.status, status, "{request}: {answer:?}");
        let said = said(route, &answer);
        let media_type = answer.header("content-type").map(essence);
        let content = &said["content"];
        assert_eq!(
            content.is_object(),
            media_type.is_some(),
            "{request}: {answer:?}"
        );
        if let Some(media_type) = media_type {
            let schema = &content[media_type]["schema"];
            assert!(content[media_type].is_object(), "{request}: {answer:?}");
            if media_type.ends_with("json") && media_type != "application/x-ndjson" {
                let wrong = violation(&document, schema, &answer.json());
                assert_eq!(wrong, None, "{request}: {}", answer.body);
            } else {
                assert!(schema.is_null() || schema["type"] == "string", "{request}");
            }
        }
        for name in said["headers"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, _)| name)
        {
            let may_be_missing = ["Link", "Retry-After", "WWW-Authenticate"].contains(&&**name);
            let has = answer.header(&name.to_ascii_lowercase()).is_some();
            assert!(has || may_be_missing, "{request}: {name}: {answer:?}");
        }
    }
    // A page that is full has a next one, and the last has none.
    let mut target = "/things?limit=50".to_owned();
    let mut pages = 0;
    loop {
        let answer = home.ask(&format!("GET {target}"), &[]);
        pages += 1;
        match answer
            .header("link")
            .and_then(|link| link.strip_suffix(">; rel=\"next\""))
        {
            Some(link) => target = link.trim_start_matches('<').to_owned(),
            None => break,
        }
    }
    assert_eq!(pages, 2);
}

/// A body that is no JSON is said to be something else; an image's bytes do not matter here.
#[track_caller]
fn ask_bytes(home: &Home, request: &str) -> Answer {
    let is_json = request.split_once(' ').is_none_or(|(_, rest)| {
        let body = rest.split_once(' ').map_or("{}", |(_, body)| body);
        body.starts_with(['{', '['])
    });
    let kind = if is_json {
        "application/json"
    } else {
        "text/plain"
    };
    if request.ends_with("/photo") {
        let token = bearer(r#"{"sub": "jane"}"#);
        let mut connection = home.server.connect();
        connection.send(format!(
            "{request} HTTP/1.1\r\nHost: a\r\nAuthorization: {token}\r\n\r\n"
        ));
        let (answer, bytes) = connection.bytes_to("GET");
        let body = String::from_utf8_lossy(&bytes).into_owned();
        return Answer { body, ..answer };
    }
    home.ask(request, &[("Content-Type", kind)])
}

fn essence(media_type: &str) -> &str {
    media_type.split(';').next().unwrap()
}

/// How a value is not what a schema says, as far as schemas of answers go.
fn violation(document: &Value, schema: &Value, value: &Value) -> Option<String> {
    if let Some(reference) = schema["$ref"].as_str() {
        return violation(document, document.pointer(&reference[1..]).unwrap(), value);
    }
    let wrong = |what: &str| Some(format!("{value} {what}: {schema}"));
    let kinds: Vec<&str> = match &schema["type"] {
        Value::String(kind) => vec![kind],
        Value::Array(kinds) => kinds.iter().map(|kind| kind.as_str().unwrap()).collect(),
        _ => Vec::new(),
    };
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_i64() || number.is_u64() => "integer",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let is = |wanted: &&str| *wanted == kind || (*wanted == "number" && kind == "integer");
    if !kinds.is_empty() && !kinds.iter().any(is) {
        return wrong("is of another type");
    }
    if schema["enum"]
        .as_array()
        .is_some_and(|values| !values.contains(value))
    {
        return wrong("is not one of");
    }
    match value {
        Value::String(text) => {
            let most = schema["maxLength"].as_u64().unwrap_or(u64::MAX);
            if text.chars().count() as u64 > most {
                return wrong("is too long");
            }
            if schema["contentEncoding"] == "base64" && BASE64.decode(text).is_err() {
                return wrong("is not base64");
            }
            (!has_format(text, schema["format"].as_str().unwrap_or_default()))
                .then(|| wrong("has not the format"))?
        }
        Value::Array(items) => items
            .iter()
            .find_map(|item| violation(document, &schema["items"], item)),
        Value::Object(members) => {
            let required = schema["required"].as_array().into_iter().flatten();
            let missing = required
                .map(|name| name.as_str().unwrap())
                .find(|name| !members.contains_key(*name));
            if let Some(name) = missing {
                return wrong(&format!("has no {name}"));
            }
            let properties = schema["properties"].as_object()?;
            members
                .iter()
                .find_map(|(name, member)| match properties.get(name) {
                    Some(schema) => violation(document, schema, member),
                    None => wrong(&format!("has {name}")),
                })
        }
        _ => None,
    }
}

/// By its punctuation: `2018-07-23T10:34:56.789+00:00` → `dddd-dd-ddTdd:dd:dd.ddd+dd:dd`.
fn has_format(text: &str, format: &str) -> bool {
    let shape: String = text
        .chars()
        .map(|c| match c {
            '0'..='9' => 'd',
            'a'..='f' => 'x',
            other => other,
        })
        .collect();
    let (whole, fraction) = shape.split_once('.').unwrap_or((&shape, ""));
    let local = || fraction.chars().all(|c| c == 'd');
    match format {
        "date" => shape == "dddd-dd-dd",
        "time-local" => whole == "dd:dd:dd" && local(),
        "date-time-local" => whole == "dddd-dd-ddTdd:dd:dd" && local(),
        "date-time" => shape.starts_with("dddd-dd-ddTdd:dd:dd") && shape.ends_with("+dd:dd"),
        "uuid" => shape.split('-').map(str::len).eq([8, 4, 4, 4, 12]),
        _ => true,
    }
}

#[test]
fn what_is_not_as_it_is_said_is_noticed() {
    let nothing = json!({});
    for (schema, value) in [
        (json!({"type": "integer"}), json!(1.5)),
        (json!({"type": ["string", "null"]}), json!(1)),
        (json!({"type": "string", "enum": ["a"]}), json!("b")),
        (json!({"type": "string", "maxLength": 2}), json!("äöü")),
        (
            json!({"type": "string", "contentEncoding": "base64"}),
            json!("a"),
        ),
        (
            json!({"type": "string", "format": "date-time"}),
            json!("2018-07-23T10:34:56"),
        ),
        (
            json!({"type": "array", "items": {"type": "string"}}),
            json!(["a", null]),
        ),
        (json!({"type": "object", "required": ["a"]}), json!({})),
        (
            json!({"type": "object", "properties": {"a": {"type": "null"}}}),
            json!({"a": 1}),
        ),
        (json!({"type": "object", "properties": {}}), json!({"a": 1})),
    ] {
        assert!(
            violation(&nothing, &schema, &value).is_some(),
            "{schema} {value}"
        );
    }
}
