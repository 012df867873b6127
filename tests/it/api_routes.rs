//! Which endpoint a method and a path lead to, and what is said where there is none.

use crate::api_service::{Service, errors, problem, serve};

const ENDPOINTS: &str = "
-- name: get-root$
-- http: GET /
select 'root';
-- name: list-things$
-- http: GET /things
select 'list';
-- name: add-thing$
-- http: POST /things
select 'added';
-- name: top-thing$
-- http: GET /things/top
select 'top';
-- name: get-thing$
-- http: GET /things/{id}
select 'thing ' || :id;
-- name: put-thing$
-- http: PUT /things/{id}
select 'put ' || :id;
-- name: remove-thing!
-- http: DELETE /things/{id}
delete from thing where id = :id;
-- name: get-part$
-- http: GET /things/{id}/parts/{part}
select :id || '/' || :part;
-- name: patch-secret$
-- http: PATCH /secret
select 'patched';
";

fn service(name: &str) -> Service {
    serve(name, "create table thing (id text)", ENDPOINTS)
}

#[test]
fn the_path_chooses_the_endpoint_static_names_before_parameters() {
    let service = service("api_routes_paths");
    let expected = [
        ("/", "root"),
        ("/things", "list"),
        ("/things/top", "top"),
        ("/things/%74op", "top"),
        ("/things/7", "thing 7"),
        ("/things/topp", "thing topp"),
        ("/things/top/parts/2", "top/2"),
        ("/things/a%2Fb", "thing a/b"),
        ("/things/a%2fb/parts/c%2F", "a/b/c/"),
        ("/things/%E2%82%AC%F0%9F%98%80", "thing €😀"),
        ("/things/a+b%20c", "thing a+b c"),
        ("/things/%2E%2E", "thing .."),
        ("/things/%3Fx=1", "thing ?x=1"),
        ("/things/'%3B--", "thing ';--"),
    ];
    for (path, want) in expected {
        let answer = service.get(path);
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        assert_eq!(answer.json(), want, "{path}");
    }
}

#[test]
fn a_path_that_leads_nowhere_is_404() {
    let service = service("api_routes_nowhere");
    let paths = [
        "/thing",
        "/things/",
        "/things//parts/1",
        "/things/7/",
        "/things/7/parts",
        "/things/7/parts/1/2",
        "/Things",
        "//",
        "/things%2Ftop",
    ];
    for path in paths {
        let members = problem(&service.get(path), 404);
        assert_eq!(members["detail"], format!("there is nothing at {path}"));
    }
}

#[test]
fn a_path_parameter_that_is_not_utf8_is_400() {
    let service = service("api_routes_utf8");
    for path in ["/things/%FF", "/things/%C3%28", "/things/a/parts/%ED%A0%80"] {
        let name = if path.contains("parts") { "part" } else { "id" };
        let want = format!("path {name}: is not UTF-8 when decoded");
        assert_eq!(errors(&service.get(path)), [want], "{path}");
    }
}

#[test]
fn a_method_that_is_not_answered_is_405_and_allow_says_which_are() {
    let service = service("api_routes_methods");
    let expected = [
        ("POST", "/", "GET, HEAD, OPTIONS"),
        ("DELETE", "/things", "GET, HEAD, OPTIONS, POST"),
        ("POST", "/things/7", "DELETE, GET, HEAD, OPTIONS, PUT"),
        ("POST", "/things/top", "GET, HEAD, OPTIONS"),
        ("GET", "/secret", "OPTIONS, PATCH"),
        ("HEAD", "/secret", "OPTIONS, PATCH"),
        ("POST", "/ping", "GET, HEAD, OPTIONS"),
    ];
    for (method, path, allow) in expected {
        let answer = service.connect().request(method, path, &[], "");
        assert_eq!(
            answer.header("allow"),
            Some(allow),
            "{method} {path}: {answer:?}"
        );
        match method {
            "HEAD" => assert_eq!(answer.status, 405),
            _ => drop(problem(&answer, 405)),
        }
        let options = service.connect().request("OPTIONS", path, &[], "");
        assert_eq!((options.status, options.body.as_str()), (204, ""));
        assert_eq!(options.header("allow"), Some(allow), "{path}");
    }
}

#[test]
fn options_asks_a_path_that_exists_or_the_server() {
    let service = service("api_routes_options");
    let mut connection = service.connect();
    problem(&connection.request("OPTIONS", "/thing", &[], ""), 404);
    assert_eq!(connection.request("OPTIONS", "*", &[], "").status, 204);
    assert_eq!(connection.request("GET", "/things", &[], "").status, 200);
}

#[test]
fn head_is_get_without_its_body() {
    let service = service("api_routes_head");
    let mut connection = service.connect();
    for path in ["/things", "/things/7?x=1", "/thing", "/ping", "/readyz"] {
        let get = connection.request("GET", path, &[], "");
        // The next answer is read where a body would be.
        let head = connection.request("HEAD", path, &[], "");
        assert_eq!(head.status, get.status, "{path}");
        for name in ["content-length", "content-type"] {
            assert_eq!(head.header(name), get.header(name), "{path}: {name}");
        }
        assert!(
            get.header("content-length")
                .is_some_and(|length| length != "0")
        );
    }
}
