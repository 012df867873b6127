//! Memory and disks that run out, and what clients could do to have them run out.

use std::fs::File;
use std::process::Command;

use crate::api_service::{errors, problem, serve, serve_with};
use crate::harness::{
    Folder, Scraped, Server, clients_of, database, peppercorn, poll, scrape, within,
};

const ENDPOINTS: &str = "
-- name: one$
-- http: GET /one
select 1;
-- name: size$
-- http: POST /size
select length(:text::text);
-- name: number$
-- http: POST /number
select :number::int;
-- name: large$
-- http: GET /large/{bytes}
-- returns: application/octet-stream
select repeat('x', :bytes::int);
";

/// A body can be wrong in more ways than it has bytes for an answer that tells them all.
#[test]
fn what_is_wrong_with_a_request_is_listed_up_to_a_hundred_things() {
    let service = serve("scarcity_errors", "", ENDPOINTS);
    let members: Vec<String> = (0..50_000).map(|n| format!("\"{n}\":1")).collect();
    let twice = vec!["text=a"; 50_000].join("&");
    let unknown = vec!["b"; 50_000].join("&");
    let query = format!("POST /size?{}", vec!["a"; 5000].join("&"));
    let json = ("Content-Type", "application/json");
    let form = ("Content-Type", "application/x-www-form-urlencoded");
    for (request, media_type) in [
        (format!("POST /size {{{}}}", members.join(",")), json),
        (format!("POST /size {twice}"), form),
        (format!("POST /size {unknown}"), form),
        (query, json),
    ] {
        let answer = service.ask_with(&request, &[media_type]);
        assert_eq!(answer.status, 400);
        let listed = errors(&answer).len();
        assert!((100..=101).contains(&listed), "{listed}");
    }
}

/// PostgreSQL repeats what it cannot read.
#[test]
fn a_value_that_cannot_be_read_is_not_sent_back_whole() {
    let service = serve("scarcity_words", "", ENDPOINTS);
    for character in ["x", "é", "😀"] {
        let value = character.repeat(100_000);
        let answer = service.post("/number", &format!("{{\"number\":\"{value}\"}}"));
        let errors = errors(&answer);
        assert!(errors[0].starts_with("body number: "), "{errors:?}");
        assert!(errors[0].ends_with(&format!("{character}…")), "{errors:?}");
        assert!(answer.body.len() < 8 * 1024, "{} bytes", answer.body.len());
    }
}

#[test]
fn a_value_that_is_too_large_to_be_held_is_500() {
    const LIMIT: u64 = 64 * 1024 * 1024;
    let options = ["--stall-threshold", "0s"];
    let service = serve_with("scarcity_value", "", ENDPOINTS, &options);
    problem(&service.get(&format!("/large/{}", LIMIT + 1)), 500);
    let told = format!("the result is larger than {LIMIT} bytes");
    service.server.says(&told);
    assert_eq!(service.get("/one").body, "1");
}

/// What a process of this size has in its address space, in bytes.
fn space(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmSize"))
        .unwrap();
    let kib = line.trim_matches(|c: char| !c.is_ascii_digit());
    kib.parse::<u64>().unwrap() * 1024
}

#[test]
fn a_worker_without_memory_takes_nobody_elses_requests_with_it() {
    const BODY: usize = 200 << 20;
    let (database, folder) = (
        database("scarcity_space"),
        Folder::with(&[("api.sql", ENDPOINTS)]),
    );
    let start = |limit: Option<u64>| {
        let mut command = peppercorn();
        command.env("DATABASE_URL", database.url());
        command.arg("serve").arg(folder.path());
        command.args(["--workers", "2", "--max-body", "256MiB"]);
        if let Some(limit) = limit {
            let mut prlimit = Command::new("prlimit");
            prlimit.arg(format!("--as={limit}"));
            command = within(prlimit, &command);
        }
        Server::spawn(command).ready()
    };
    let roomy = start(None);
    let most = roomy
        .settled(2)
        .iter()
        .map(|worker| space(worker.pid))
        .max()
        .unwrap();
    drop(roomy);
    let server = start(Some(most + (64 << 20)));
    let workers = server.settled(2);
    let mut kept: Vec<_> = (0..16).map(|_| server.connect()).collect();
    for connection in &mut kept {
        assert_eq!(connection.request("GET", "/one", &[], "").body, "1");
    }
    let port = server.address().port();
    let clients = [0, 1].map(|slot| clients_of(workers[slot].pid, port));
    let mut greedy = server.connect();
    let own = greedy.stream.local_addr().unwrap().port();
    greedy.send(format!(
        "POST /size HTTP/1.1\r\nHost: a\r\nContent-Length: {BODY}\r\n\r\n{{\"text\":\""
    ));
    let piece = vec![b'x'; 1 << 20];
    let sent = (0..BODY / piece.len())
        .map(|_| std::io::Write::write_all(&mut greedy.stream, &piece))
        .find_map(Result::err);
    assert!(sent.is_some(), "there was room for all of it");
    let (mut lost, mut left) = (0, 0);
    server.says("SIGABRT");
    for connection in &mut kept {
        let port = connection.stream.local_addr().unwrap().port();
        let slot = usize::from(clients[1].contains(&port));
        let victims = poll("one to be gone", || {
            let now = server.service().workers;
            [0, 1]
                .into_iter()
                .find(|slot| now.iter().all(|worker| worker.pid != workers[*slot].pid))
        });
        match slot == victims {
            true => lost += 1,
            false => {
                assert_eq!(connection.request("GET", "/one", &[], "").body, "1");
                left += 1;
            }
        }
    }
    assert!(lost + left == 16 && own > 0);
    let now = server.settled(2);
    assert_eq!(
        now.iter()
            .filter(|worker| workers.iter().any(|one| one.pid == worker.pid))
            .count(),
        1
    );
    for _ in 0..10 {
        assert_eq!(server.get("/one").body, "1");
    }
}

#[test]
fn lines_that_a_full_disk_does_not_take_are_counted() {
    const REQUESTS: usize = 500;
    let (database, folder) = (
        database("scarcity_log"),
        Folder::with(&[("api.sql", ENDPOINTS)]),
    );
    let mut command = peppercorn();
    command.env("DATABASE_URL", database.url());
    command.arg("serve").arg(folder.path()).arg("--access-log");
    command.stdout(File::options().write(true).open("/dev/full").unwrap());
    let server = Server::spawn(command).ready();
    let mut connection = server.connect();
    for _ in 0..REQUESTS {
        assert_eq!(connection.request("GET", "/one", &[], "").body, "1");
    }
    // A line for each of them, and for whoever looks.
    let asked = |scraped: &Scraped| scraped.requests(&[]) as usize;
    let dropped = |scraped: &Scraped| {
        let name = "peppercorn_log_lines_dropped_total";
        scraped.sum(name, &["\"access\""]) as usize
    };
    let before = asked(&scrape(&server));
    assert!(before > REQUESTS);
    let after = poll("the lines to be lost", || {
        let scraped = scrape(&server);
        (dropped(&scraped) >= before).then_some(scraped)
    });
    assert!(dropped(&after) <= asked(&after), "{}", after.0);
    assert_eq!(server.log().matches("lost").count(), 0, "{}", server.log());
}
