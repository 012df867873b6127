//! The page that shows the document, as answers.

use std::io::Write;
use std::process::{Command, Stdio};

use memchr::memmem;

use crate::docs::{ask, get, with_docs};
use crate::harness::{Connection, Embedded};

/// What `gzip` makes of a file, which has to be whole, its CRC and its length right.
#[track_caller]
fn unpacked(packed: &[u8]) -> Vec<u8> {
    let mut command = Command::new("gzip");
    command
        .arg("-dc")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let output = std::thread::scope(|scope| {
        scope.spawn(move || stdin.write_all(packed).unwrap());
        child.wait_with_output().unwrap()
    });
    assert!(output.status.success());
    output.stdout
}

#[test]
fn the_page_says_what_it_may_do_and_names_what_is_there() {
    let server = Embedded::serve_api(with_docs(true));
    let page = get(server.address(), "/docs");
    assert_eq!(page.status, 200);
    assert_eq!(
        page.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
    let policy = page.header("content-security-policy").unwrap();
    for rule in [
        "default-src 'none'",
        "script-src 'self'",
        "frame-ancestors 'none'",
    ] {
        assert!(policy.split("; ").any(|part| part == rule), "{policy}");
    }
    // The values of attributes that look like it; relative to the page, which is at the top.
    let values = page.body.split('"').skip(1).step_by(2);
    let files: Vec<&str> = values.filter(|value| value.contains('.')).collect();
    assert_eq!(files.len(), 5, "{files:?}");
    for file in files {
        let target = format!("/{file}");
        let (answer, bytes) = Connection::open(server.address()).download(&target, &[]);
        assert_eq!((answer.status, bytes.is_empty()), (200, false), "{file}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("cache-control"), Some("no-cache"));
        let tag = answer.header("etag").unwrap();
        let again = ask(server.address(), "GET", &target, &[("If-None-Match", tag)]);
        assert_eq!((again.status, again.header("etag")), (304, Some(tag)));
        assert_eq!(again.header("vary"), answer.header("vary"));
    }
    let slash = get(server.address(), "/docs/");
    assert_eq!(
        (slash.status, slash.header("location")),
        (308, Some("../docs"))
    );
}

#[test]
fn swagger_ui_is_sent_packed_and_whole() {
    let server = Embedded::serve_api(with_docs(true));
    for (file, media_type, bytes, words) in [
        (
            "swagger-ui-bundle.js",
            "text/javascript; charset=utf-8",
            1_526_593,
            "SwaggerUIBundle",
        ),
        (
            "swagger-ui.css",
            "text/css; charset=utf-8",
            178_977,
            ".swagger-ui",
        ),
    ] {
        let target = format!("/docs/{file}");
        for takes in [&[][..], &[("Accept-Encoding", "br, gzip;q=0.1")]] {
            let (answer, packed) = Connection::open(server.address()).download(&target, takes);
            assert_eq!(answer.status, 200, "{file}: {answer:?}");
            assert_eq!(answer.header("content-type"), Some(media_type));
            assert_eq!(answer.header("content-encoding"), Some("gzip"));
            assert_eq!(answer.header("vary"), Some("Accept-Encoding"));
            let [.., a, b, c, d, _, _, _, _] = packed[..] else {
                panic!("{file}: {} bytes", packed.len());
            };
            let crc32 = u32::from_le_bytes([a, b, c, d]);
            assert_eq!(answer.header("etag"), Some(&*format!("\"{crc32:x}\"")));
            let content = unpacked(&packed);
            assert_eq!(content.len(), bytes, "{file}");
            assert!(memmem::find(&content, words.as_bytes()).is_some(), "{file}");
        }
        let head = ask(server.address(), "HEAD", &target, &[]);
        assert_eq!(
            (head.status, head.header("content-encoding")),
            (200, Some("gzip"))
        );
        for refuses in ["identity", "gzip;q=0, *", ""] {
            let answer = ask(
                server.address(),
                "GET",
                &target,
                &[("Accept-Encoding", refuses)],
            );
            assert_eq!(answer.status, 406, "{file}: {refuses}");
            assert_eq!(answer.header("vary"), Some("Accept-Encoding"));
            let detail = answer.json()["detail"].as_str().unwrap().to_owned();
            assert!(detail.contains("Accept-Encoding: gzip"), "{detail}");
        }
    }
}

/// Of the archive that Swagger UI comes in only what is served is in a program.
#[test]
fn the_rest_of_the_archive_is_left_out() {
    let program = std::fs::read(std::env::current_exe().unwrap()).unwrap();
    let server = Embedded::serve_api(with_docs(true));
    let (_, packed) = Connection::open(server.address()).download("/docs/swagger-ui.css", &[]);
    let times = |needle: &[u8]| memmem::find_iter(&program, needle).count();
    assert_eq!(times(&packed), 1);
    // Without the header of gzip: in the archive too.
    assert_eq!(times(&packed[10..1000]), 1);
    // A name in its directory, put together so that it is not here.
    assert_eq!(
        times(["swagger-ui-es", "bundle-core.js"].join("-").as_bytes()),
        0
    );
}
